"""Remembered answers: for the same object only, and never for one that took its place."""

from __future__ import annotations

from dataclasses import dataclass, replace

from surefill.core.memory import KEPT, remembered, remembered_once


@dataclass(frozen=True, slots=True)
class Value:
    """A value that can be asked about."""

    number: int


def test_the_same_object_is_worked_out_once() -> None:
    asked: list[object] = []

    @remembered
    def double(value: Value) -> int:
        """Twice the number."""
        asked.append(value)
        return 2 * value.number

    one = Value(1)
    assert [double(one), double(one), double(replace(one))] == [2, 2, 2]
    assert len(asked) == 2, "an equal value is another object"
    assert double.__doc__ == "Twice the number."


def test_no_object_gets_the_answer_of_one_that_is_gone() -> None:
    asked: list[object] = []

    @remembered
    def number_of(value: Value) -> int:
        asked.append(None)
        return value.number

    for number in range(5 * KEPT):  # each is dropped at once, and its address free again
        assert number_of(Value(number)) == number
    assert len(asked) == 5 * KEPT


def test_no_more_than_so_many_are_kept() -> None:
    asked: list[object] = []

    @remembered
    def number_of(value: Value) -> int:
        asked.append(None)
        return value.number

    values = [Value(number) for number in range(KEPT + 1)]
    for value in values:
        number_of(value)
    number_of(values[-1])
    assert len(asked) == KEPT + 1
    number_of(values[0])
    assert len(asked) == KEPT + 2, "all were forgotten when there were too many"


def test_of_large_values_only_the_last_is_kept() -> None:
    asked: list[int] = []

    @remembered_once
    def number_of(value: Value) -> int:
        """Its number."""
        asked.append(value.number)
        return value.number

    one, two = Value(1), Value(2)
    assert [number_of(value) for value in (one, one, two, one, replace(one))] == [1, 1, 2, 1, 1]
    assert asked == [1, 2, 1, 1]
    assert number_of.__doc__ == "Its number."
