"""What a plan says about its exits: read from text, checked, typed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from surefill.core.management import Distance, Management, ScaleOut, mistyped
from surefill.core.plan import PlanError, Policy, TradePlan, plan_problems
from surefill.core.pricing import EntryTerms, entry_terms
from surefill.core.units import CENT, NANO, US_EQUITY_TICKS

TACTICS = frozenset({"limit"})


def plan_with(**manage: Any) -> TradePlan:
    """A long plan with these words about its exits."""
    return TradePlan.of(
        "CRWD", "buy", 10, plan_id="p1", signal_price="100", risk="1", rr="2", **manage
    )


def test_a_distance_is_usd_a_share_or_a_multiple_of_the_risk() -> None:
    plan = plan_with(break_even="1R", trail=" 1.25 ", trail_from="1.5r")
    assert plan.manage == Management(
        break_even_at=Distance(r_ppb=NANO),
        trail=Distance(px=125 * CENT),
        trail_from=Distance(r_ppb=3 * NANO // 2),
    )
    assert [str(distance) for _, distance in plan.manage.distances] == ["1R", "1.25", "1.5R"]
    assert plan_problems(plan, TACTICS) == ()
    assert str(plan.manage) == "break-even at 1R, trailing 1.25 from 1.5R on"
    assert str(plan_with(trail=1).manage) == "trailing 1"
    timed = plan_with(exit_after_s="90.5").manage
    assert timed.exit_after_ns == 90_500_000_000
    assert str(timed) == "closed 90.5 s after the first fill"
    ladder = plan_with(scale_out=("50%:1", "25%:1.5")).manage
    assert ladder.scale_outs == (ScaleOut(NANO // 2, NANO), ScaleOut(NANO // 4, 3 * NANO // 2))
    assert str(ladder) == "scale-out 50%:1, scale-out 25%:1.5"
    assert plan_with(scale_out="50%:1").manage.scale_outs == ladder.scale_outs[:1]
    assert plan_with(scale_out=None).manage.scale_outs == ()
    assert plan.manage.moves_stop
    assert not plan_with().manage.moves_stop
    assert plan_with(trail=1).manage.moves_stop


@pytest.mark.parametrize("value", ["near", "R", "1RR", ""])
def test_a_word_that_is_no_distance_is_told_with_every_other_problem(value: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan_with(trail=value, break_even="x", exit_after_s="soon", scale_out=["50:1", 5])
    codes = [problem.code.name for problem in caught.value.problems]
    assert [
        problem.sentence for problem in caught.value.problems if "scale" not in str(problem)
    ] == [
        "break_even x is neither a positive distance in USD nor a multiple of the risk like 1R",
        f"trail {value} is neither a positive distance in USD nor a multiple of the risk like 1R",
        "exit_after_s soon is not a number of seconds above 0, up to 30 days",
    ]
    assert caught.value.problems[-1].sentence == "scale-out 5 is not SHARE%:TARGET, as in 50%:1"
    late = ["PLAN_EXIT_AFTER_INVALID", *["PLAN_SCALE_OUT_INVALID"] * 2]
    assert codes == [*["PLAN_DISTANCE_INVALID"] * 2, *late]
    with pytest.raises(PlanError):
        plan_with(scale_out=7)


def test_a_word_that_is_unknown_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="break_evn"):
        plan_with(break_evn="1R")


@pytest.mark.parametrize(
    ("manage", "codes"),
    [
        (Management(trail=Distance()), ["PLAN_DISTANCE_INVALID"]),
        (Management(trail=Distance(1, 1)), ["PLAN_DISTANCE_INVALID"]),
        (Management(trail=Distance(px=0)), ["PLAN_DISTANCE_INVALID"]),
        (Management(break_even_at=Distance(r_ppb=-1)), ["PLAN_DISTANCE_INVALID"]),
        (Management(trail_from=Distance(px=1)), ["PLAN_TRAIL_MISSING"]),
        (Management(exit_after_ns=0), ["PLAN_EXIT_AFTER_INVALID"]),
        (Management(exit_after_ns=31 * 86_400 * NANO), ["PLAN_EXIT_AFTER_INVALID"]),
    ],
)
def test_what_is_wrong_by_itself(manage: Management, codes: list[str]) -> None:
    plan = replace(plan_with(), manage=manage)
    assert [problem.code.name for problem in plan_problems(plan, TACTICS)] == codes


@pytest.mark.parametrize(
    ("manage", "says"),
    [
        (Management(break_even_at=Distance(px=0)), "break_even 0 is neither"),
        (Management(trail=Distance(r_ppb=0)), "trail 0R is neither"),
        (Management(trail=Distance(px=1), trail_from=Distance()), "trail_from 0R is neither"),
        (Management(trail_from=Distance(r_ppb=NANO)), "trail_from 1R says from when on"),
        (Management(exit_after_ns=-NANO), "exit_after_s -1 is not a number"),
        (Management(scale_outs=(ScaleOut(0, NANO),)), "scale-out 0%:1 is no share above 0 % that"),
        (Management(scale_outs=(ScaleOut(NANO, NANO),)), "100%:1 is no share above 0 %"),
        (
            Management(scale_outs=(ScaleOut(NANO // 2, 2 * NANO),)),
            "scale-out 50%:2 does not lie between the one before it and the plan's own target",
        ),
    ],
)
def test_a_plan_that_is_wrong_is_told_what_it_said(manage: Management, says: str) -> None:
    (problem,) = plan_problems(replace(plan_with(), manage=manage), TACTICS)
    assert says in problem.sentence


def test_the_longest_time_is_still_one() -> None:
    for value in (1, 30 * 86_400 * NANO):
        assert (
            plan_problems(replace(plan_with(), manage=Management(exit_after_ns=value)), TACTICS)
            == ()
        )


def test_a_word_with_two_targets_is_read_as_none() -> None:
    with pytest.raises(PlanError, match="scale-out 50%:1:2 is not"):
        plan_with(scale_out="50%:1:2")


WRONG: tuple[Any, ...] = ("1R", 1.5)


@pytest.mark.parametrize(
    "manage",
    [
        {"trail": 1},
        Management(trail=WRONG[0]),
        Management(trail=Distance(px=WRONG[1])),
        Management(exit_after_ns=WRONG[1]),
        Management(scale_outs=WRONG[0]),
        Management(scale_outs=WRONG),
        Management(scale_outs=(ScaleOut(1, WRONG[1]),)),
    ],
)
def test_what_is_not_of_its_kind(manage: Any) -> None:
    plan = replace(plan_with(), manage=manage)
    assert {p.code.name for p in plan_problems(plan, TACTICS)} == {"PLAN_NUMBER_INVALID"}


def test_each_mistyped_word_is_named() -> None:
    manage = Management(
        break_even_at=WRONG[0],
        trail=Distance(WRONG[1], WRONG[1]),
        exit_after_ns=WRONG[1],
        scale_outs=(WRONG[0],),
    )
    assert mistyped(manage) == [
        ("exit_after_ns", 1.5),
        ("scale_outs", "'1R'"),
        ("break_even", "1R"),
        ("trail", 1.5),
        ("trail", 1.5),
    ]
    assert mistyped(Management(scale_outs=WRONG[0])) == [("scale_outs", "1R")]
    assert mistyped("1R") == [("manage", "1R")]


def test_a_distance_that_is_none_is_shown_and_never_far() -> None:
    nothing = Distance()
    assert str(nothing) == "0R"
    assert nothing.is_reached(0, qty=NANO, risk=NANO)
    assert nothing.over(qty=NANO, risk=NANO) == 0


def test_reached_exactly_and_not_a_thousandth_before() -> None:
    qty, risk = 3 * NANO, 3 * NANO * CENT
    for distance in (Distance(px=2 * CENT), Distance(r_ppb=2 * NANO)):
        assert distance.is_reached(2 * CENT * qty, qty=qty, risk=risk)
        assert not distance.is_reached(2 * CENT * qty - 1, qty=qty, risk=risk)
        assert distance.over(qty=qty, risk=risk) == 2 * CENT * qty * NANO


@pytest.mark.parametrize(
    ("words", "distances"),
    [
        ({"trail": "0.01"}, ["0.01"]),
        ({"trail": "0.01", "break_even": "0.005R"}, ["0.005", "0.01"]),
        ({"trail": "0.02", "break_even": "0.02R"}, []),
    ],
)
def test_a_rule_that_puts_a_stop_where_no_broker_takes_it(
    words: dict[str, Any], distances: list[str]
) -> None:
    plan = TradePlan.of("X", "buy", 1, plan_id="p", signal_price=100, risk=1, rr=2, **words)
    terms = entry_terms(plan, Policy(), US_EQUITY_TICKS, buffer_ppb=0)
    told = [] if isinstance(terms, EntryTerms) else [dict(r.context)["distance"] for r in terms]
    assert told == distances
