"""Scale-outs that take other shares than theirs are found by the venue's log."""

from __future__ import annotations

import pytest

from surefill.core import protection
from surefill.core.trade import Trade
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.play import play
from surefill.replay.simulate.targets import _lines_of, _sentences, target_faults
from surefill.replay.simulate.verdict import judge
from surefill.sim.auditor_terms import UNIT, read_plan

ROW: dict[str, object] = {
    "plan_id": "p1",
    "symbol": "ACME",
    "side": "BUY",
    "qty": 10 * UNIT,
    "signal_px": 100 * UNIT,
    "risk_px": UNIT,
    "rr_ppb": 4 * UNIT,
    "scale_outs": [[UNIT // 2, UNIT], [UNIT // 4, 2 * UNIT]],
}
TERMS = read_plan(ROW)  # 10 shares: 5 at 101, 2 at 102, 3 at 104


def line(order_id: str, qty: int, px: int, **more: object) -> dict[str, object]:
    """An execution of so many shares at this target."""
    fields: dict[str, object] = {
        "venue_ns": 1,
        "kind": "fill",
        "order_id": order_id,
        "cl_ord_id": None,
        "replaces": None,
        "parent_id": None,
        "leg": "TARGET",
        "side": "SELL",
        "qty": qty * UNIT,
        "px": px * UNIT,
        "limit_px": px * UNIT,
        "bid": 100 * UNIT,
        "ask": 100 * UNIT,
    }
    return fields | more


ENTRY = line("e", 10, 100, cl_ord_id="sf-t-p1-E1", side="BUY", leg=None, limit_px=None)
AS_PLANNED = [line("a", 5, 101), line("b", 2, 102), line("c", 3, 104)]


def told(*lines: dict[str, object], is_calm: bool = True) -> list[str]:
    return list(_sentences(TERMS, [ENTRY, *lines], is_calm=is_calm))


def test_each_target_takes_its_share() -> None:
    assert told(*AS_PLANNED) == []
    assert told(line("a", 6, 101), line("b", 2, 102), line("c", 2, 104)) == [
        "the target 101.00 took 6 shares of 10, its share is 5"
    ]
    too_few = (line("a", 4, 101), line("b", 2, 102), line("c", 4, 104))
    assert told(*too_few) == ["the target 101.00 took 4 shares of 10, its share is 5"]
    assert told(*too_few, is_calm=False) == []
    assert told(line("a", 3, 101), line("s", 7, 99, leg="STOP")) == []
    assert told(line("a", 10, 98)) == [], "turned to the market by a flatten"
    assert told(line("a", 1, 101, kind="new")) == []
    assert list(_sentences(TERMS, [], is_calm=True)) == []


def test_a_target_that_was_turned_to_the_market_is_known_by_nothing_but_that() -> None:
    """Seed 31341: the closing limit stood at the very price of a nearer target."""
    first, second = line("a", 5, 101), line("b", 2, 102)
    turned = line("t", 3, 101, cl_ord_id="sf-t-p1-T1", replaces="c", bid=101 * UNIT)
    assert told(first, second, turned) == []
    closing = line("t", 3, 101, cl_ord_id="sf-t-p1-F1", bid=102 * UNIT)
    assert told(first, second, closing) == []
    wrong = ["the target 101.00 took 8 shares of 10, its share is 5"]
    assert told(first, second, turned | {"bid": 100 * UNIT}) == wrong, "it waits for its price"
    assert told(first, second, turned | {"bid": None}) == wrong
    cover = line("t", 3, 101, cl_ord_id="sf-t-p1-X3", bid=101 * UNIT)
    assert told(first, second, cover) == wrong, "cover goes to its target, wherever the market is"
    stop = line("s", 0, 99, kind="new", leg="STOP", limit_px=None, replaces="o")
    assert told(first, second, stop, turned) == []
    moved = [line("t", 0, 101, kind="new", replaces="c"), turned | {"cl_ord_id": "x"}]
    assert told(first, second, *moved) == wrong, "the market came to it later"


def test_lines_find_their_plan_by_id_leg_and_chain() -> None:
    lines = [
        ENTRY,
        line("l", 0, 0, parent_id="e"),
        line("m", 0, 0, replaces="l"),
        line("x", 0, 0),
        line("", 0, 0, cl_ord_id="sf-t-p1-X1"),
        line("y", 0, 0, cl_ord_id="sf-t-p2-X1"),
    ]
    found = _lines_of(lines, {"p1": TERMS})
    assert [one["order_id"] for one in found["p1"]] == ["e", "l", "m"]


def test_parts_that_are_divided_wrong_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_to_the_first(trade: Trade, bare_qty: int) -> tuple[tuple[int, int], ...]:
        return ((1 if trade.plan.manage.scale_outs else 0, bare_qty),)

    sound = judge(play(draw_scenario(SEED)))[1]
    monkeypatch.setattr(protection, "split", all_to_the_first)
    broken = judge(play(draw_scenario(SEED)))[1]
    assert [one.code for one in sound] == []
    assert "its share is" in broken[0].sentence


def test_a_trade_whose_executions_changed_is_left_out() -> None:
    played = play(draw_scenario(SEED))
    assert list(target_faults(played, [])) == []


SEED = 31_009
