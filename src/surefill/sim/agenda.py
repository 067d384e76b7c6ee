"""What the venue will do by itself, and when: steps as data, in (time, number) order.

What: a `Step` names one thing to do (`StepKind`) and what to do it with; `Agenda` keeps steps until
they are due. Who can do a kind of step says so once (`Agenda.does`).
Why: a step that is data, not code, can be written to a file and read back (a snapshot).
Invariants: steps of one instant run in the order in which they were entered; a kind has one doer.
Must never: run anything by itself, or hold a function in a step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from heapq import heapify, heappop, heappush


class StepKind(StrEnum):
    """What may be entered. Behind each: what a step of this kind carries."""

    ROUTE = "ROUTE"  # order
    EXPIRE = "EXPIRE"  # order
    REFRESH = "REFRESH"  # symbol, sign of the taker, version of that side
    CONFIRM_CANCEL = "CONFIRM_CANCEL"  # order
    RELEASE = "RELEASE"  # order, shares
    SETTLE_REPLACE = "SETTLE_REPLACE"  # old order, new order
    ARM_GROUP = "ARM_GROUP"  # group
    END_SIBLING = "END_SIBLING"  # leg, its status then
    TAKE_AUCTION = "TAKE_AUCTION"  # order
    BEGIN_AUCTION = "BEGIN_AUCTION"  # symbol, time in force
    CROSS_AUCTION = "CROSS_AUCTION"  # symbol, time in force
    LIMIT_STATE_OVER = "LIMIT_STATE_OVER"  # symbol, number of the limit state
    PAUSE_OVER = "PAUSE_OVER"  # symbol
    BUST = "BUST"  # execution id
    SPLIT = "SPLIT"  # symbol, new shares, for old ones
    DIVIDEND = "DIVIDEND"  # symbol, 1e-9 USD a share
    LIQUIDATE = "LIQUIDATE"  # account, attempts left
    END_INCIDENT = "END_INCIDENT"  # code of the fault, symbol or account


Doer = Callable[..., None]
"""Performs the steps of one kind; called with what the step carries."""


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One step at ``at_ns`` (UTC); ``number`` breaks ties."""

    at_ns: int
    number: int
    kind: StepKind
    args: tuple[object, ...]


class Agenda:
    """Steps to come. ``number`` is that of the last step entered."""

    def __init__(self) -> None:
        self.number = 0
        self._heap: list[tuple[int, int, Step]] = []
        self._doers: dict[StepKind, Doer] = {}

    def does(self, kind: StepKind, doer: Doer) -> None:
        """``doer`` performs the steps of this kind. A second one raises ``ValueError``."""
        if kind in self._doers:
            raise ValueError(f"{kind} has its doer already")
        self._doers[kind] = doer

    def add(self, at_ns: int, kind: StepKind, *args: object) -> None:
        """Enter a step."""
        self.number += 1
        heappush(self._heap, (at_ns, self.number, Step(at_ns, self.number, kind, args)))

    def next_ns(self) -> int | None:
        """When the next step is due; ``None`` when there is none."""
        return self._heap[0][0] if self._heap else None

    def pop(self) -> Step:
        """Take the next step out."""
        return heappop(self._heap)[2]

    def perform(self, step: Step) -> None:
        """Do it."""
        self._doers[step.kind](*step.args)

    def steps(self) -> list[Step]:
        """Everything entered, in the order in which it will be done."""
        return [entry[2] for entry in sorted(self._heap)]

    def restore(self, steps: list[Step], number: int) -> None:
        """Replace everything by these steps."""
        self._heap = [(step.at_ns, step.number, step) for step in steps]
        heapify(self._heap)
        self.number = number
