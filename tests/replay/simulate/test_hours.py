"""Shares held too long and stops that end too early, by the venue's log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from surefill.core.fix import Side
from surefill.core.management import Management
from surefill.core.plan import SECOND_NS, ExitsByDistance, TradePlan
from surefill.core.units import NANO
from surefill.replay.simulate.hours import CLOSED_WITHIN_MS, holdings, late_faults
from surefill.replay.simulate.play import play
from surefill.replay.simulate.scripts import scripted
from surefill.sim.auditor import AuditLimits, Excuse

OPEN, EXIT, CLOSE, END = (at * SECOND_NS for at in (0, 600, 3_000, 3_200))
PLAN = TradePlan(
    plan_id="p1",
    symbol="ACME",
    side=Side.BUY,
    signal_px=100 * NANO,
    exits=ExitsByDistance(NANO, 2 * NANO),
    order_qty=100 * NANO,
    signal_ns=OPEN,
    exit_at_ns=EXIT,
    flat_by_close=False,
)


def line(at_s: int, kind: str, order_id: str | None, **more: object) -> dict[str, object]:
    """One line of the log, an execution of 100 shares unless said otherwise."""
    fields: dict[str, object] = {
        "venue_ns": at_s * SECOND_NS,
        "kind": kind,
        "order_id": order_id,
        "cl_ord_id": None,
        "replaces": None,
        "parent_id": None,
        "symbol": "ACME",
        "side": "BUY",
        "qty": 100 * NANO,
        "leg": None,
        "tif": "DAY",
        "status": "NEW",
        "working": True,
        "armed": False,
    }
    return fields | more


BOUGHT = line(10, "fill", "e", cl_ord_id="sf-tag-p1-E1")
SOLD = line(640, "fill", "s", parent_id="e", side="SELL")


def sentences(
    *lines: Mapping[str, object], plan: TradePlan = PLAN, limits: AuditLimits | None = None
) -> list[str]:
    """What is told of these lines."""
    limits = limits or AuditLimits()
    found = late_faults(lines, [plan], limits, close_ns=CLOSE, end_ns=END)
    return [one.sentence for one in found if one.code == "I18"]


def test_shares_are_followed_through_legs_replacements_and_busts() -> None:
    moved = line(20, "new", "t", replaces="s")
    lines = [
        line(5, "refused", None, cl_ord_id="sf-tag-p1-E1"),
        BOUGHT,
        line(15, "new", "s", parent_id="e"),
        moved,
        line(30, "partial_fill", "t", side="SELL", qty=40 * NANO),
        line(35, "trade_bust", "t", side="SELL", qty=40 * NANO),
        line(40, "fill", "x", symbol="BOLT"),
        line(41, "new", "y", symbol="CRUX"),
    ]
    held, others = holdings(lines)
    assert held["p1"][1] == (100 * NANO, 60 * NANO, 100 * NANO)
    assert others == {"BOLT"}


def test_a_time_after_the_first_fill_that_nobody_heeds_is_found() -> None:
    timed = replace(PLAN, exit_at_ns=None, manage=Management(exit_after_ns=590 * SECOND_NS))
    assert sentences(BOUGHT, SOLD, plan=timed) == []
    assert sentences(BOUGHT, plan=timed) == ["shares were held long after their time was over"]
    assert sentences(SOLD, plan=timed) == []


def test_an_exit_time_that_nobody_heeds_is_found() -> None:
    assert sentences(BOUGHT, SOLD) == []
    assert sentences(BOUGHT) == ["shares were held long after the exit time"]
    assert sentences() == []
    assert sentences(BOUGHT, plan=replace(PLAN, exit_at_ns=None)) == []
    late = replace(PLAN, exit_at_ns=CLOSE - CLOSED_WITHIN_MS * 500_000)
    assert sentences(BOUGHT, plan=late) == []


def test_what_others_traded_in_is_not_judged() -> None:
    assert sentences(BOUGHT, line(11, "fill", "x", side="SELL")) == []


def test_an_excuse_moves_the_time() -> None:
    down = Excuse(EXIT, CLOSE)
    assert sentences(BOUGHT, limits=AuditLimits(excuses=(down,))) == []


def test_a_plan_that_goes_home_flat() -> None:
    plan = replace(PLAN, exit_at_ns=None, flat_by_close=True)
    (found,) = sentences(BOUGHT, plan=plan)
    assert found.startswith("shares that were to be gone")
    assert sentences(BOUGHT, SOLD, plan=plan) == []
    assert sentences(line(2_990, "fill", "e", cl_ord_id="sf-tag-p1-E1"), plan=plan) == []


@pytest.mark.parametrize(
    ("stop", "is_found"),
    [
        (line(20, "new", "s", leg="STOP", armed=True, working=False), True),
        (line(20, "new", "s", leg="STOP", tif="GTC"), False),
        (line(20, "new", "s", leg="STOP", working=False), False),
        (line(2_995, "new", "s", leg="STOP"), False),
        (line(3_001, "new", "s", leg="STOP"), False),
    ],
)
def test_a_stop_that_ends_with_the_day(stop: Mapping[str, object], is_found: bool) -> None:
    assert bool(sentences(stop)) is is_found
    gone = line(2_996, "canceled", "s", leg="STOP", status="CANCELED")
    if stop["venue_ns"] != 3_001 * SECOND_NS:
        assert sentences(stop, gone) == []


def test_a_run_that_ends_before_the_close_is_judged_until_then() -> None:
    stop = line(20, "new", "s", leg="STOP")
    plan = replace(PLAN, flat_by_close=True)
    found = late_faults([BOUGHT, stop], [plan], AuditLimits(), close_ns=CLOSE, end_ns=CLOSE - 1)
    assert [one.sentence for one in found] == ["shares were held long after the exit time"]


def test_a_sound_run_is_in_time() -> None:
    scenario = scripted("bracket, time exit")
    played = play(scenario)
    plans = [one.plan for one in scenario.plans]
    end_ns = played.run.edge.now_ns
    lines = played.run.log.lines
    assert not list(
        late_faults(lines, plans, AuditLimits(), close_ns=scenario.close_ns, end_ns=end_ns)
    )
