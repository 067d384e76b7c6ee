"""Strict schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from surefill.core.events import Position
from surefill.core.plan import ExitsByDistance, ExitsByLevel, PlanError
from surefill.core.units import NANO
from surefill.service.problems import ApiProblem
from surefill.service.schemas import (
    AdoptBody,
    EventsQuery,
    NoQuery,
    PlanBody,
    TradesQuery,
    WhyBody,
    adoption_of,
    plan_of,
    read,
    read_query,
)

PLAN: dict[str, Any] = {"symbol": "ACME", "side": "buy", "signal_price": "100.5", "quantity": 3}


def body_of(**more: Any) -> PlanBody:
    return read(json.dumps(PLAN | more).encode(), PlanBody)


def test_a_plan_is_what_its_terms_say() -> None:
    plan = plan_of(
        body_of(risk="1", rr=2, overrides={"min_rr_ppb": NANO}, strategy="s", wait_s=3), "k-1"
    )
    assert (plan.plan_id, plan.signal_px, plan.order_qty) == ("k-1", 100_500_000_000, 3 * NANO)
    assert plan.exits == ExitsByDistance(NANO, 2 * NANO)
    assert plan.overrides == (("min_rr_ppb", NANO),)
    level = plan_of(body_of(stop="99", target="103", plan_id="k-1"), "k-1")
    assert level.exits == ExitsByLevel(99 * NANO, 103 * NANO)
    words = {"break_even": "1R", "trail": 1, "trail_from": "0.5", "scale_out": ["50%:1"]}
    managed = plan_of(body_of(risk="1", rr=2, exit_after_s=90, **words), "k")
    text = "break-even at 1R, trailing 1 from 0.5 on, scale-out 50%:1"
    assert str(managed.manage) == f"{text}, closed 90 s after the first fill"
    assert plan_of(body_of(wait_s=1), "k") == plan_of(body_of(wait_s=30), "k")


def test_a_breakout_needs_no_other_signal_price() -> None:
    body = {name: value for name, value in PLAN.items() if name != "signal_price"}
    more = {"trigger": "101", "trigger_for_s": 90, "risk": "1", "rr": 2}
    plan = plan_of(read(json.dumps(body | more).encode(), PlanBody), "k")
    assert (plan.trigger_px, plan.signal_px) == (101 * NANO, 101 * NANO)
    assert plan.trigger_for_ns == 90 * NANO
    assert plan_of(body_of(trigger="100.4"), "k").signal_px == 100_500_000_000
    with pytest.raises(PlanError) as problem:
        plan_of(read(json.dumps(body).encode(), PlanBody), "k")
    assert [one.code.name for one in problem.value.problems] == ["PLAN_SIGNAL_PX_INVALID"]


@pytest.mark.parametrize(
    "more",
    [
        {"signal_price": 100.5},
        {"signal_price": None},
        {"signal_price": True},
        {"signal_price": "1" * 65},
        {"quantity": 10**13},
        {"signal_ns": -1},
        {"exit_at_ns": 2**63},
        {"symbol": "acme"},
        {"symbol": "ACME\n"},
        {"side": "hold"},
        {"unknown": 1},
        {"max_order_qty": 1},
        {"overrides": {"a": 1.5}},
        {"overrides": {str(n): 1 for n in range(11)}},
        {"overrides": {"a": 10**5000}},
        {"wait_s": 0},
        {"wait_s": 31},
        {"flat_by_close": 1},
        {"strategy": "x" * 33},
    ],
)
def test_what_does_not_fit_is_refused(more: dict[str, Any]) -> None:
    if "overrides" in more and 10**5000 in more["overrides"].values():
        text = json.dumps(PLAN | {"overrides": {"a": 0}}).replace('"a": 0', '"a": 1' + "0" * 5000)
    else:
        text = json.dumps(PLAN | more)
    with pytest.raises(ApiProblem) as problem:
        read(text.encode(), PlanBody)
    assert (problem.value.status, problem.value.code) == (422, "BODY_INVALID")


@pytest.mark.parametrize("data", [b"[", b"\xff", b"[]", b"1", b'{"why": ' + b"[" * 60_000, b"null"])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(ApiProblem):
        read(data, WhyBody)


def test_an_empty_body_is_an_empty_object() -> None:
    assert read(b"", WhyBody) == WhyBody()


def test_the_key_is_the_plans_id() -> None:
    with pytest.raises(ApiProblem) as problem:
        plan_of(body_of(plan_id="other"), "k-1")
    assert problem.value.code == "KEY_IS_PLAN_ID"


def test_numbers_that_are_none_are_named() -> None:
    with pytest.raises(PlanError, match="signal_price is not a number"):
        plan_of(body_of(signal_price="ten"), "k-1")


def test_queries_are_strict_too() -> None:
    assert read_query([("state", "all"), ("limit", "5")], TradesQuery) == TradesQuery(
        state="all", limit=5
    )
    assert read_query([("after", "7")], EventsQuery) == EventsQuery(7)
    for pairs in (
        [("after", "-1")],
        [("after", "x")],
        [("after", "1"), ("after", "2")],
        [("before", "1")],
    ):
        with pytest.raises(ApiProblem) as problem:
            read_query(pairs, EventsQuery)
        assert problem.value.code == "QUERY_INVALID"
    with pytest.raises(ApiProblem):
        read_query([("token", "x")], NoQuery)


def test_shares_to_adopt_are_what_the_broker_shows_and_the_same_when_asked_again() -> None:
    body = AdoptBody(symbol="ACME", quantity=3, stop="99", target="103")
    unknown = adoption_of(body, "k", held=None, known=None)
    assert (unknown.sign, unknown.signal_px) == (1, 99 * NANO)
    short = Position("ACME", -3 * NANO, 98 * NANO)
    plan = adoption_of(body, "k", held=short, known=None)
    assert (plan.sign, plan.signal_px, plan.order_qty) == (-1, 98 * NANO, 3 * NANO)
    assert adoption_of(body, "k", held=None, known=plan) == plan
    unpriced = adoption_of(body, "k", held=Position("ACME", NANO), known=None)
    assert unpriced.signal_px == 99 * NANO
