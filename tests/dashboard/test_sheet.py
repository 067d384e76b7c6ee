"""One trade for its own page, and its tape."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Denial
from surefill.core.units import NANO
from surefill.dashboard.sheet import sheet_of, tape_of
from surefill.dashboard.words import Tone
from surefill.replay.tracks import Track
from surefill.tca.journaled import parent_of
from tests.support.core import START_NS, Bench, covered_bench
from tests.tca.support import closed_bench, missed_bench


def test_a_closed_trade_has_everything() -> None:
    bench = closed_bench()
    sheet = sheet_of(bench.trade, bench.story)
    assert (sheet.status, sheet.tone) == ("CLOSED TARGET", Tone.GOOD)
    assert (sheet.is_open, sheet.has_open_entry, sheet.has_position) == (False, False, False)
    facts = dict(sheet.facts)
    assert (facts["Wanted"], facts["Entered"], facts["Held"]) == ("100", "100", "0")
    assert facts["Result"].startswith("+")
    assert [row[0] for row in sheet.orders] == ["ENTRY", "TARGET", "STOP"]
    assert [row[1] for row in sheet.fills] == ["ENTRY", "TARGET"]
    assert len(sheet.story) == len(bench.told)


def test_an_open_one_says_what_can_be_done() -> None:
    b = Bench()
    b.accepts("E1")
    working = sheet_of(b.trade, None)
    assert (working.is_open, working.has_open_entry, working.story) == (True, True, ())
    assert working.tone is Tone.WARN
    b.fills("E1", 40)
    bare = sheet_of(b.trade, None)
    assert (bare.status, bare.tone, bare.has_position) == ("40 BARE", Tone.BAD, True)
    assert sheet_of(covered_bench().trade, None).tone is Tone.GOOD
    assert dict(bare.facts)["Result"] == "-"


def test_ends_are_not_all_good() -> None:
    assert sheet_of(missed_bench().trade, None).tone is Tone.PLAIN


def test_a_denied_plan_is_its_reasons() -> None:
    plan = covered_bench().trade.plan
    reasons = (Reason.of(ReasonCode.SESSION_CLOSED),)
    sheet = sheet_of(Denial(plan=plan, is_legacy=True, reasons=reasons, at_ns=START_NS), None)
    assert (sheet.reasons, sheet.entry, sheet.orders) == (("the market is closed",), None, ())
    assert (sheet.is_open, sheet.status) == (False, "DENIED")
    assert dict(sheet.facts)["Worst price"] == "no cap"


def track(parent_ns: int) -> Track:
    at = (parent_ns - NANO, parent_ns + NANO)
    return Track("p1", parent_ns, at, (0, 99 * NANO), (101 * NANO, 100 * NANO), 0)


def test_a_tape_is_in_seconds_since_the_plan() -> None:
    parent = parent_of(closed_bench().trade)
    assert parent is not None
    tape = tape_of(parent, track(parent.arrival_ns), "recorded tape")
    assert tape.quotes == ((-1.0, None, 101.0), (1.0, 99.0, 100.0))
    assert [name for name, _ in tape.levels[:2]] == ["signal", "worst price"]
    assert (len(tape.entered), len(tape.closed)) == (1, 1)
    assert tape.closed[0][2].startswith("target: 100 at ")
    assert {row[0] for row in tape.orders} >= {"ENTRY", "TARGET"}
    assert tape_of(parent, None, "nothing").quotes == ()


def test_orders_of_an_open_trade_go_on() -> None:
    parent = parent_of(covered_bench().trade)
    assert parent is not None
    later = replace(parent, budget_ns=parent.arrival_ns + 600 * NANO)
    ends = [row[2] for row in tape_of(later, None, "", is_open=True).orders if row[0] == "TARGET"]
    assert ends == [600.0]
    still = [row for row in tape_of(later, None, "").orders if row[0] == "TARGET"]
    assert still[0][1] == still[0][2]


def test_a_breakout_that_waits_can_be_cancelled() -> None:
    bench = Bench(submit=False)
    bench.submit_plan(replace(bench.plan, trigger_px=bench.at(0)))
    sheet = sheet_of(bench.trade, None)
    assert (sheet.status, sheet.has_open_entry) == ("AWAITING TRIGGER", True)
    assert dict(sheet.facts)["Trigger"] == "100.00"
