"""The venue's clock, ids, calendar questions and event lines."""

from __future__ import annotations

import pytest

from surefill.sim.agenda import Agenda, StepKind
from surefill.sim.types import OrderEventKind
from tests.sim.venue import CLOSE_NS, ME, OPEN_NS, START_NS, Floor, session


def test_steps_run_in_order_of_time_then_of_asking() -> None:
    venue = Floor().exchange._venue
    venue.agenda = Agenda()
    seen: list[str] = []
    venue.agenda.does(StepKind.ROUTE, seen.append)
    venue.at(START_NS + 2, StepKind.ROUTE, "late")
    venue.at(START_NS + 1, StepKind.ROUTE, "first")
    venue.at(START_NS + 1, StepKind.ROUTE, "second")
    venue.at(START_NS - 5, StepKind.ROUTE, "now")
    venue.run_until(START_NS + 1)
    assert seen == ["now", "first", "second"]
    assert (venue.next_ns(), venue.now_ns) == (START_NS + 2, START_NS + 1)
    with pytest.raises(ValueError):
        venue.run_until(START_NS)


def test_session_an_order_works_in() -> None:
    venue = Floor(start_ns=OPEN_NS - 1).exchange._venue
    assert venue.coming_session(extended=False) == session(0)
    venue.now_ns = CLOSE_NS
    assert venue.coming_session(extended=False) == session(1, close_hour=18)
    assert venue.coming_session(extended=True) == session(0)
    venue.now_ns = session(2).post_ns
    assert venue.coming_session(extended=True) is None


def test_ids_depend_on_the_seed_and_the_count() -> None:
    first, second = Floor().exchange._venue, Floor().exchange._venue
    assert first.new_id("order") == second.new_id("order")
    assert first.new_id("order") != first.new_id("order")


def test_events_and_lines_agree() -> None:
    floor = Floor()
    floor.long()
    fill = floor.exchange.drain()[-1]
    line = floor.log.lines[-1]
    assert (fill.kind, line["kind"]) == (OrderEventKind.FILL, "fill")
    assert (fill.exec_id, fill.px, fill.qty) == (line["exec_id"], line["px"], line["qty"])
    assert (fill.position_qty, fill.account) == (line["position"], ME)
    assert fill.venue_ns == line["venue_ns"]


def test_silent_events_are_lines_all_the_same() -> None:
    floor = Floor("stream_held=off", "stream_pending_new=off")
    floor.send("buy", 1, limit="99", tp="102", sl="98", group="bracket")
    assert floor.events() == []
    assert [line["kind"] for line in floor.log.lines].count("held") == 2


def test_mark_of_an_unknown_symbol() -> None:
    assert Floor().exchange._venue.mark_px("X") is None
