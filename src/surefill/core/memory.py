"""Answers worth remembering: the same question about the same value, asked again and again.

What: `remembered`, a decorator for a pure function of one frozen value, and `remembered_once`, its
like for values so large that only the last is kept.
Why: one step asks for a trade's cover some ten times, and most of these trades are one and the same
object; a listing is asked the same by every trade. Comparing or hashing such a value costs more
than the answer, so identity decides.
Invariants: an answer is only ever given for the very object that it was worked out for, which is
kept as long as its answer, so that no other object can take its place; no more are kept than was
said.
Must never: wrap a function that looks at anything but its argument, or takes what can change.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

KEPT = 256
"""Values of one function that are remembered, unless it says otherwise; then all are forgotten at
once."""
Value = TypeVar("Value")
Answer = TypeVar("Answer")


def remembered(
    function: Callable[[Value], Answer], *, kept: int = KEPT
) -> Callable[[Value], Answer]:
    """The same function, quicker for a value that it has just been asked about."""
    known: dict[int, tuple[Value, Answer]] = {}  # identity -> the value itself, its answer

    @wraps(function)
    def answer_of(value: Value) -> Answer:
        held = known.get(id(value))
        if held is not None:
            return held[1]
        answer = function(value)
        if len(known) >= kept:
            known.clear()
        known[id(value)] = (value, answer)
        return answer

    return answer_of


def remembered_once(function: Callable[[Value], Answer]) -> Callable[[Value], Answer]:
    """The same function, quicker as long as it is asked about one and the same value."""
    held: tuple[Value, Answer] | None = None

    @wraps(function)
    def answer_of(value: Value) -> Answer:
        nonlocal held
        known = held  # read once: another thread may ask about another value meanwhile
        if known is not None and known[0] is value:
            return known[1]
        answer = function(value)
        held = (value, answer)
        return answer

    return answer_of
