"""Several targets: whole shares, the remainder to the farthest, cover for every share always.

The bench enters 100 at 100.05 with 2.00 at risk and its own target at ratio 2 (405).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from surefill.core.cover import cover_of
from surefill.core.events import RejectKind
from surefill.core.fix import ExecType, Leg
from surefill.core.management import Management, ScaleOut
from surefill.core.plan import ExitsByLevel, Policy, TradePlan, plan_problems
from surefill.core.pricing import EntryTerms, entry_terms, legacy_terms, mean_exits, mean_target
from surefill.core.scaling import split, target_px
from surefill.core.tactic import ProtectionStyle
from surefill.core.trade import Outcome, anchored_mean
from surefill.core.units import NANO, US_EQUITY_TICKS
from tests.support.core import Bench

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])
HALF, QUARTER = NANO // 2, NANO // 4


def scaled(b: Bench, *scale_outs: tuple[int, int]) -> TradePlan:
    """The bench's plan with (share, ratio) of nearer targets, ppb."""
    manage = Management(scale_outs=tuple(ScaleOut(*one) for one in scale_outs))
    return replace(b.plan, manage=manage)


def begun(side: str = "buy", *, beside: bool = False, **more: Any) -> Bench:
    """Half at 1.75, a quarter at 2.5, the rest at 3."""
    b = Bench(side, submit=False, beside=beside, **more)
    plan = scaled(b, (HALF, 7 * NANO // 4), (QUARTER, 5 * NANO // 2))
    assert not isinstance(plan.exits, ExitsByLevel)
    assert plan.exits is not None
    b.submit_plan(replace(plan, exits=replace(plan.exits, rr_ppb=3 * NANO)))
    b.accepts("E1")
    return b


def oco(b: Bench, name: str, qty: int, target: int, stop: int = -195) -> str:
    """The line of one pair."""
    exits = f"target {b.px(target)} stop {b.px(stop)}"
    return f"submit {name} {b.out} {qty} OCO {exits} GTC"


@SIDES
@pytest.mark.parametrize("tactic", ["limit", "marketable"])
def test_each_target_has_its_own_pair_and_every_share_has_one(side: str, tactic: str) -> None:
    b = begun(side, tactic=tactic)
    assert b.trade.style is ProtectionStyle.OCO, "a bracket has one target"
    b.news()
    b.fills("E1", 100, 5)
    assert b.news() == [oco(b, "X1", 50, 355), oco(b, "X2", 25, 505), oco(b, "X3", 25, 605)]
    for name in ("X1", "X2", "X3"):
        b.accepts(name)
    assert (b.held, b.covered) == (100, 100)
    assert [group.rank for group in b.trade.groups] == [1, 2, 0]
    for name, qty in (("X1", 50), ("X2", 25), ("X3", 25)):
        b.fills(name, qty)
    b.run(5)
    assert b.trade.outcome is Outcome.CLOSED_TARGET
    assert b.alarms == []


@pytest.mark.parametrize(
    ("filled", "parts"),
    [
        (1, [(0, 1)]),
        (3, [(1, 1), (0, 2)]),
        (7, [(1, 3), (2, 1), (0, 3)]),
        (8, [(1, 4), (2, 2), (0, 2)]),
    ],
)
def test_whole_shares_and_the_remainder_to_the_farthest(
    filled: int, parts: list[tuple[int, int]]
) -> None:
    b = begun()
    b.fills("E1", filled)
    qty = filled * NANO
    assert split(b.trade, qty) == tuple((rank, shares * NANO) for rank, shares in parts)


@SIDES
def test_a_target_that_the_stop_has_passed_gets_no_shares(side: str) -> None:
    """The broker takes no pair whose stop is beyond its target; shares that come late go on."""
    b = begun(side)
    b.fills("E1", 100)
    bare = replace(b.trade, groups=())
    for ratchet, parts in (
        (354, ((1, 50), (2, 25), (0, 25))),
        (355, ((2, 25), (0, 75))),
        (505, ((0, 100),)),
    ):
        trade = replace(bare, ratchet_px=b.at(ratchet))
        found = split(trade, 100 * NANO)
        shown = tuple((rank, qty // NANO) for rank, qty in found)
        targets = [target_px(trade, rank) for rank, _ in found]
        assert shown == parts, targets
        assert all(b.trade.sign * (px - b.at(ratchet)) > 0 for px in targets)


def test_fills_that_come_later_fill_the_shares_up() -> None:
    b = begun(beside=True)
    for n, qty in enumerate((1, 6, 93)):
        b.fills("E1", qty)
        b.run(0.3)
        for line in [one for one in b.news() if one.startswith("submit X")]:
            b.accepts(line.split()[1])
        assert b.covered == b.held, n
    assert b.held == 100
    by_rank = dict.fromkeys(range(3), 0)
    for group in b.trade.groups:
        by_rank[group.rank] += group.qty // NANO
    assert by_rank == {0: 25, 1: 50, 2: 25}


def test_cover_that_is_lost_comes_back_for_its_own_target() -> None:
    b = begun()
    b.fills("E1", 100)
    for name in ("X1", "X2", "X3"):
        b.accepts(name)
    b.run(1)
    b.news()
    b.cancelled("X1")
    b.run(1)
    assert b.news()[-1] == oco(b, "X4", 50, 355)
    b.accepts("X4")
    assert b.covered == 100


def test_a_bust_and_a_reduction_leave_every_share_covered() -> None:
    b = begun()
    b.fills("E1", 60)
    report = b.fills("E1", 40)
    b.run(0.5)
    names = [line.split()[1] for line in b.lines if line.startswith("submit X")]
    for name in names:
        b.accepts(name)
    b.run(1)
    b.rows["E1"].cum_qty -= 40 * NANO
    bust = replace(report, exec_type=ExecType.TRADE_CANCEL, cum_qty=60 * NANO, venue_ns=b.now)
    b.streams(bust)
    for line in b.news():
        if line.startswith("cancel"):
            b.cancelled(line.split()[1])
    b.run(1)
    for line in b.news():
        if line.startswith("submit X"):
            b.accepts(line.split()[1])
    cover = cover_of(b.trade)
    assert (b.held, cover.claimed_qty, cover.covered_qty) == (60, 60 * NANO, 60 * NANO)


def test_a_target_moves_to_its_own_place_when_the_average_does() -> None:
    b = begun(beside=True)
    b.fills("E1", 60, 5)
    b.run(0.3)
    for line in [one for one in b.news() if one.startswith("submit X")]:
        b.accepts(line.split()[1])
    b.fills("E1", 40, -20)
    for _ in range(15):
        b.run(0.5)
        for word, name, *more in [line.split() for line in b.news() if " " in line]:
            if word == "submit" and name.startswith("X"):
                b.accepts(name)
            elif word == "replace":
                b.replaces(name, more[1])
    # (60 x 100.05 + 40 x 99.80) / 100 = 99.95
    resting = [o for o in b.trade.orders if o.leg is Leg.TARGET and o.is_open]
    assert {order.spec.limit_px for order in resting} == {b.at(345), b.at(495), b.at(595)}
    assert b.covered == 100


def test_where_no_pair_is_taken_all_shares_have_one_lone_stop() -> None:
    b = begun()
    b.fills("E1", 100)
    b.news()
    for name in ("X1", "X2", "X3"):
        b.refuses(name, RejectKind.OTHER)
    b.run(0.5)
    lines = [line for line in b.news() if line.startswith("submit")]
    assert sum(int(line.split()[3]) for line in lines if " STOP " in line) == 100


# ------------------------------------------------------------------------------------ the plan

LEVEL: dict[str, Any] = {"signal_price": 100, "stop": 99, "target": 104}
RATIO: dict[str, Any] = {"signal_price": 100, "risk": 1, "rr": 4}


def plan_of(scale_out: Any, side: str = "buy", **terms: Any) -> TradePlan:
    return TradePlan.of("X", side, 10, plan_id="p", scale_out=scale_out, **terms)


@pytest.mark.parametrize(
    ("scale_out", "terms", "says"),
    [
        ("50%:1", RATIO, []),
        (["20%:1", "20%:2", "20%:3", "20%:3.5"], RATIO, []),
        (["50%:101", "25%:102"], LEVEL, []),
        ("100%:1", RATIO, ["no share"]),
        ("0%:1", RATIO, ["no share"]),
        (["60%:1", "60%:2"], RATIO, ["no share"]),
        ("50%:4", RATIO, ["between"]),
        (["50%:2", "25%:2"], RATIO, ["between"]),
        ("50%:99.5", LEVEL, ["between"]),
        (["10%:1", "10%:2", "10%:3", "10%:3.2", "10%:3.4"], RATIO, ["more than 4"] * 5),
    ],
)
def test_what_is_no_ladder_of_targets(scale_out: Any, terms: Any, says: list[str]) -> None:
    problems = plan_problems(plan_of(scale_out, **terms), frozenset({"limit"}))
    assert len(problems) == len(says)
    assert all(word in str(problem) for word, problem in zip(says, problems, strict=True))


def test_the_ratio_is_that_of_the_mean() -> None:
    """Half at 1, half at 4 is 2.5; exactly the minimum is enough."""
    plan = plan_of("50%:1", **RATIO)
    for minimum, is_enough in ((5 * HALF, True), (5 * HALF + 1, False)):
        terms = entry_terms(plan, Policy(min_rr_ppb=minimum), US_EQUITY_TICKS, buffer_ppb=0)
        assert isinstance(terms, EntryTerms) == is_enough
        if isinstance(terms, EntryTerms):
            assert terms.rr_planned_ppb == 5 * HALF
    level = plan_of("50%:101", **LEVEL)
    assert mean_target(level, US_EQUITY_TICKS, cost=100 * NANO, qty=1) == 205 * HALF * NANO
    terms = entry_terms(level, Policy(), US_EQUITY_TICKS, buffer_ppb=0)
    assert isinstance(terms, EntryTerms)
    assert terms.worst_px == 10_010 * NANO // 100, "(102.5 + 2 x 99) / 3 = 100.16, the cap binds"
    wide = Policy(max_slippage_ppb=20_000_000)
    terms = entry_terms(level, wide, US_EQUITY_TICKS, buffer_ppb=0)
    assert isinstance(terms, EntryTerms)
    assert terms.worst_px == 10_016 * NANO // 100
    ladder = plan_of(("25%:101", "25%:102"), **LEVEL)
    assert mean_target(ladder, US_EQUITY_TICKS, cost=100 * NANO, qty=1) == 411 * NANO * NANO // 4
    poor = entry_terms(plan_of("90%:101", **LEVEL), Policy(), US_EQUITY_TICKS, buffer_ppb=0)
    assert not isinstance(poor, EntryTerms)
    assert [reason.code.name for reason in poor] == ["RR_BELOW_MIN"]


def test_a_target_that_the_worst_entry_has_passed_and_a_legacy_bracket() -> None:
    near = plan_of("1%:100.05", **LEVEL)
    denied = entry_terms(near, Policy(), US_EQUITY_TICKS, buffer_ppb=0)
    assert not isinstance(denied, EntryTerms)
    assert [reason.code.name for reason in denied] == ["EXITS_TARGET_WRONG_SIDE"]
    legacy = legacy_terms(near, Policy(), US_EQUITY_TICKS)
    assert not isinstance(legacy, EntryTerms)
    assert [reason.code.name for reason in legacy] == ["EXITS_LEGACY_ONE_TARGET"]
    wrong = replace(near, exits=ExitsByLevel(101 * NANO, 104 * NANO), trigger_px=near.signal_px)
    legacy = legacy_terms(wrong, Policy(), US_EQUITY_TICKS)
    assert not isinstance(legacy, EntryTerms)
    assert [reason.code.name for reason in legacy] == [
        *("EXITS_STOP_WRONG_SIDE", "EXITS_LEGACY_ONE_TARGET", "PLAN_TRIGGER_LEGACY")
    ]


def test_the_mean_for_reports_is_rounded_to_less_reward() -> None:
    for side, level, px in (
        ("buy", "101.01", 102_016_633_333),
        ("sell", "98.99", 97_983_366_666),
    ):
        target = {"buy": "104", "sell": "96"}[side]
        stop = {"buy": "99", "sell": "101"}[side]
        plan = plan_of(f"66.3333333%:{level}", side, signal_price=100, stop=stop, target=target)
        exits = mean_exits(plan, US_EQUITY_TICKS, cost=100 * NANO, qty=1)
        assert abs(exits.target_px - px) < 1_000_000
        mean = mean_target(plan, US_EQUITY_TICKS, cost=100 * NANO, qty=1)
        assert 0 <= plan.sign * (mean - exits.target_px * NANO) < NANO
        assert type(exits.target_px) is int
        assert mean % NANO, "there is something to round"
    b = begun()
    assert anchored_mean(b.trade).stop_px == b.at(-200)
    b.fills("E1", 100)
    assert anchored_mean(b.trade).stop_px == b.at(-195)


@SIDES
def test_a_bust_ends_no_pair_that_the_others_make_needless(side: str) -> None:
    """Found by simulation, seed 200373: all three pairs were ended, smallest first, where the
    largest and one more were enough, and all shares were bare until they had new cover."""
    b = begun(side)
    b.fills("E1", 70)
    b.fills("E1", 30)
    for name in ("X1", "X2", "X3"):
        b.accepts(name)
    b.run(1)
    b.news()
    gone, row = b.history[0], b.rows["E1"]
    row.cum_qty -= 70 * NANO
    b.streams(replace(gone, exec_type=ExecType.TRADE_CANCEL, cum_qty=row.cum_qty, venue_ns=b.now))
    assert b.news() == ["ALARM VENUE_BUST", "cancel X2", "cancel X1"]
    assert (b.held, b.covered) == (30, 25)
    b.cancelled("X2")
    assert b.news() == []
    b.cancelled("X1")
    (again,) = b.news()
    assert again.startswith(f"submit X4 {b.out} 5 OCO")
    b.accepts("X4")
    assert (b.held, b.covered) == (30, 30)
