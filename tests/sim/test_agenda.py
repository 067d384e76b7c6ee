"""Steps as data: order of time, then of asking; what was written down runs the same."""

from __future__ import annotations

import pytest

from surefill.sim.agenda import Agenda, StepKind


def run(agenda: Agenda, seen: list[object]) -> list[object]:
    while agenda.next_ns() is not None:
        agenda.perform(agenda.pop())
    return seen


def test_steps_run_by_time_then_by_asking() -> None:
    agenda, seen = Agenda(), list[object]()
    agenda.does(StepKind.ROUTE, seen.append)
    agenda.does(StepKind.RELEASE, lambda order, qty: seen.append((order, qty)))
    agenda.add(9, StepKind.ROUTE, "late")
    agenda.add(5, StepKind.ROUTE, "first")
    agenda.add(5, StepKind.RELEASE, "second", 2)
    assert agenda.next_ns() == 5
    assert run(agenda, seen) == ["first", ("second", 2), "late"]
    assert agenda.next_ns() is None


def test_a_kind_has_one_doer() -> None:
    agenda = Agenda()
    agenda.does(StepKind.ROUTE, print)
    with pytest.raises(ValueError, match="ROUTE has its doer"):
        agenda.does(StepKind.ROUTE, print)


def test_what_was_written_down_runs_the_same() -> None:
    agenda = Agenda()
    for at_ns in (3, 1, 3, 2):
        agenda.add(at_ns, StepKind.ROUTE, at_ns)
    steps = agenda.steps()
    assert [(step.at_ns, step.number) for step in steps] == [(1, 2), (2, 4), (3, 1), (3, 3)]
    again, seen = Agenda(), list[object]()
    again.does(StepKind.ROUTE, seen.append)
    again.add(0, StepKind.ROUTE, "gone")
    again.restore(steps, agenda.number)
    again.add(3, StepKind.ROUTE, "last")
    assert run(again, seen) == [1, 2, 3, 3, "last"]
    assert again.number == 5
