"""Changed copies are those of the standard library, to the field and to the error."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import pytest

from surefill.core.values import replace


@dataclass(frozen=True, slots=True)
class Plain:
    """What nearly every value of this house is."""

    px: int
    qty: int = 3
    legs: tuple[int, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Unslotted:
    """A value with a dictionary."""

    px: int
    qty: int = 3


@dataclass(frozen=True, slots=True)
class Checked:
    """A value that looks at itself when it is made."""

    px: int

    def __post_init__(self) -> None:
        if self.px < 0:
            raise ValueError("below zero")


@dataclass(frozen=True, slots=True)
class Child(Plain):
    """A value whose slots are spread over two classes."""

    side: str = "buy"


@dataclass(frozen=True, slots=True)
class Counted:
    """A field that the constructor does not take."""

    px: int
    seen: int = field(default=0, init=False)


@pytest.mark.parametrize(
    "value", [Plain(1, 2, (5,)), Unslotted(1, 2), Child(1, 2), Checked(1), Counted(1)], ids=repr
)
def test_a_copy_is_the_one_of_the_standard_library(value: Plain) -> None:
    made = replace(value, px=7)
    assert made == dataclasses.replace(value, px=7)
    assert type(made) is type(value)
    assert repr(made) == repr(dataclasses.replace(value, px=7))
    assert (value.px, made.px) == (1, 7)
    assert hash(made) == hash(dataclasses.replace(value, px=7))


def test_a_copy_is_as_frozen_as_any_other_value() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        replace(Plain(1), qty=2).px = 5  # type: ignore[misc]


def test_what_is_not_changed_is_the_same_object() -> None:
    legs = (10**12, 10**13)
    assert replace(Plain(1, 2, legs), px=3).legs is legs


@pytest.mark.parametrize("value", [Plain(1), Unslotted(1)], ids=repr)
def test_a_field_that_does_not_exist_is_refused_in_the_same_words(value: Plain) -> None:
    with pytest.raises(TypeError) as expected:
        dataclasses.replace(value, price=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError) as found:
        replace(value, price=3)  # type: ignore[call-arg]
    assert str(found.value) == str(expected.value)


def test_a_value_that_checks_itself_checks_the_copy() -> None:
    with pytest.raises(ValueError, match="below zero"):
        replace(Checked(1), px=-1)
