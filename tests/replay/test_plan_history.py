"""A history as plans: what it says is used, what it does not say is assumed and counted."""

from __future__ import annotations

from typing import Any

from surefill.core.fix import Leg
from surefill.core.plan import ExitsByDistance, ExitsByLevel
from surefill.core.units import NANO
from surefill.replay.plan_history import (
    ARRIVAL_SIGNAL,
    ASSUMED_END,
    ASSUMED_EXITS,
    CUT,
    GIVEN_SIGNAL,
    OWN_END,
    OWN_EXITS,
    RR_PPB,
    market_entries,
)
from surefill.replay.plan_source import Given
from surefill.sim.calendar import session_on
from surefill.sim.columns import columns_of_rows
from surefill.sim.synthetic import QUOTE, Row
from surefill.tca.facts import Fate
from surefill.tca.parent import Closing, Execution, Parent

SESSION = session_on(20261120)
AT_NS = SESSION.open_ns + 400 * NANO
ROWS: list[Row] = [
    (SESSION.open_ns + n * NANO, QUOTE, 1_000_000 + 100 * (n % 2), 100, 1_000_200, 100)
    for n in range(1_000)
]
TAPE = columns_of_rows("ACME", ROWS)


def entry(plan_id: str = "o-1", **changes: object) -> Parent:
    values: dict[str, object] = {
        "plan_id": plan_id,
        "symbol": "ACME",
        "sign": 1,
        "path": "market",
        "fate": Fate.ENTERED,
        "code": "FILLED",
        "order_qty": 25 * NANO,
        "arrival_ns": AT_NS,
        "end_ns": AT_NS + NANO,
        "budget_ns": AT_NS + NANO,
    }
    return Parent(**(values | changes))  # type: ignore[arg-type]


def given(*entries: Parent) -> Given:
    source, _ = market_entries(entries)
    return source.given((TAPE,), SESSION)


def closed(leg: Leg, *, after_s: int = 60) -> dict[str, Any]:
    """An entry that was filled, and closed by this leg."""
    fill = Execution(25 * NANO, 100 * NANO, AT_NS + NANO)
    return {
        "fills": (fill,),
        "closings": (Closing(leg, 25 * NANO, 101 * NANO, AT_NS + after_s * NANO),),
    }


def test_what_the_history_says_is_used() -> None:
    found = given(
        entry(signal_px=100 * NANO, stop_px=99 * NANO, target_px=103 * NANO, **closed(Leg.FLATTEN))
    )
    (draw,) = found.draws
    assert (draw.at_ns, draw.plan.plan_id) == (AT_NS, "o-1")
    assert (draw.plan.signal_px, draw.plan.order_qty) == (100 * NANO, 25 * NANO)
    assert draw.plan.exits == ExitsByLevel(99 * NANO, 103 * NANO)
    assert draw.plan.exit_at_ns == AT_NS + 60 * NANO
    assert found.notes == tuple(f"1 of 1: {text}" for text in (GIVEN_SIGNAL, OWN_EXITS, OWN_END))


def test_what_it_does_not_say_is_assumed_and_counted() -> None:
    found = given(
        entry(**closed(Leg.STOP)),
        entry("bad id!", sign=-1, order_qty=25 * NANO + 1, arrival_ns=AT_NS + NANO),
    )
    long, short = (draw.plan for draw in found.draws)
    assert (long.signal_px, short.signal_px) == (100_010_000_000, 100_015_000_000)
    assert isinstance(long.exits, ExitsByDistance)
    assert long.exits.rr_ppb == RR_PPB
    assert long.exits.risk_px % 10_000_000 == 0
    assert long.exit_at_ns is None
    assert (short.plan_id, short.order_qty) == ("history-1", 25 * NANO)
    counts = {text.partition(": ")[2]: text.partition(":")[0] for text in found.notes}
    assert counts == {
        ARRIVAL_SIGNAL: "2 of 2",
        ASSUMED_EXITS: "2 of 2",
        ASSUMED_END: "2 of 2",
        CUT: "1 of 2",
    }


def test_what_cannot_be_played_is_named() -> None:
    source, others = market_entries([entry("l-1", path="limit"), entry()])
    assert [(one.where, one.code) for one in others] == [("order l-1", "PLAN_NOT_MARKET")]
    assert source.places == {(20261120, "ACME")}
    assert source.by_place() == {(20261120, "ACME"): source}
    found = given(
        entry("none", order_qty=NANO // 2),
        entry("early", arrival_ns=SESSION.open_ns - 1),
        entry("blind", arrival_ns=SESSION.open_ns + 5 * NANO),
        entry("later", arrival_ns=SESSION.open_ns + 2_000 * NANO),
        entry("other", symbol="OTHER"),
    )
    assert found.draws == ()
    assert {one.where: one.code for one in found.left_out} == {
        "order none": "PLAN_NO_SHARE",
        "order early": "PLAN_NO_QUOTE",
        "order blind": "PLAN_NO_QUOTE",
        "plan later": "PLAN_OUTSIDE_TAPE",
    }


def test_a_signal_given_still_needs_an_expected_move_for_exits_nobody_gave() -> None:
    found = given(entry(signal_px=100 * NANO, arrival_ns=SESSION.open_ns + 5 * NANO))
    assert [one.code for one in found.left_out] == ["PLAN_NO_QUOTE"]
