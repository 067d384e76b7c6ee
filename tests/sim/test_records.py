"""Values by their declared types: everything comes back, everything else is refused by path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from surefill.sim.records import (
    RecordError,
    from_json,
    read_fields,
    shape_of,
    to_json,
    write_fields,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    qty: int
    name: str | None = None

    def __post_init__(self) -> None:
        if self.qty < 0:
            raise ValueError("qty is not negative")


@dataclass(frozen=True)
class Outer:
    inner: Inner
    rows: tuple[Inner, ...] = ()
    words: Mapping[str, int | str | bool] = field(default_factory=dict)


VALUES: list[tuple[Any, Any]] = [
    (int, 10**30),
    (str, "é"),
    (bool, True),
    (bytes, b"\x00\xff"),
    (Colour, Colour.BLUE),
    (int | None, None),
    (Inner | None, Inner(1, "x")),
    (tuple[int, str], (1, "a")),
    (list[tuple[int, ...]], [(1, 2), ()]),
    (frozenset[str], frozenset({"b", "a"})),
    (dict[int, Colour], {-1: Colour.RED, 1: Colour.BLUE}),
    (dict[Colour, int], {Colour.RED: 3}),
    (object, {"any": [1, None]}),
    (Outer, Outer(Inner(2), (Inner(3),), {"a": True, "b": 1, "c": "x"})),
]


@pytest.mark.parametrize(("shape", "value"), VALUES)
def test_what_is_written_comes_back(shape: Any, value: Any) -> None:
    back = from_json(shape, to_json(shape, value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("shape", "data", "words"),
    [
        (int, True, "expected int"),
        (int, 1.0, "expected int"),
        (int, 1 << 600, "out of range"),
        (bool, 1, "expected bool"),
        (bytes, "zz", "hex"),
        (bytes, 5, "hex"),
        (Colour, "green", "no Colour: green"),
        (Colour, [], "no Colour"),
        (int | None, "1", "another type"),
        (Inner | None, 5, "expected an object"),
        (Inner, {"qty": 1}, "name: missing"),
        (Inner, {"qty": 1, "name": None, "more": 1}, "more: unknown"),
        (Inner, {"qty": -1, "name": None}, "Inner: qty is not negative"),
        (Outer, {"inner": {"qty": "x", "name": None}, "rows": [], "words": {}}, "inner: qty: exp"),
        (list[int], "12", "expected a list"),
        (list[int], [1, "2"], "1: expected int"),
        (tuple[int, str], [1], "a list of 2"),
        (dict[int, int], {"x": 1}, "whole number"),
        (dict[int, int], {"9" * 99: 1}, "whole number"),
        (dict[str, int], [], "expected an object"),
        (dict[str, int], {"a": None}, "a: expected int"),
    ],
)
def test_what_does_not_fit_is_refused_by_path(shape: Any, data: object, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        from_json(shape, data)


@pytest.mark.parametrize("shape", [float, Inner | Outer, complex])
def test_shapes_that_cannot_be_told_apart_are_a_mistake_of_ours(shape: Any) -> None:
    with pytest.raises(TypeError):
        to_json(shape, None)


def test_fields_of_things_that_are_no_dataclass() -> None:
    class Thing:
        def __init__(self) -> None:
            self.count = 3
            self.hidden = object()

    shape = {"count": int}
    assert read_fields(shape, write_fields(shape, Thing())) == {"count": 3}
    assert set(shape_of(Inner, without=frozenset({"name"}))) == {"qty"}
    with pytest.raises(RecordError, match="count: expected int"):
        read_fields(shape, {"count": None})
