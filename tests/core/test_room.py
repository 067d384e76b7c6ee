"""A stop inside the spread is none: the plan is turned away before it can be naked."""

from __future__ import annotations

import pytest

from surefill.core.fix import Feed, TradingStatus
from surefill.core.market import MarketView, Nbbo
from surefill.core.plan import TradePlan
from surefill.core.reasons import ReasonCode
from surefill.core.room import room_reasons
from surefill.core.units import NANO, to_nano


def market(bid: str, ask: str, feed: Feed = Feed.SIP) -> MarketView:
    """A quote."""
    nbbo = Nbbo(to_nano(bid), 100 * NANO, to_nano(ask), 100 * NANO, 1, 1)
    return MarketView("ACME", feed, nbbo, TradingStatus.TRADING, 1)


def by_distance(side: str, risk: str) -> TradePlan:
    """Exits that hang on the fill."""
    return TradePlan.of(
        "ACME", side, 10, plan_id="p", signal_price="100", risk=risk, rr="2", signal_ns=1
    )


def by_level(side: str, stop: str, target: str) -> TradePlan:
    """Exits at prices."""
    return TradePlan.of("ACME", side, 10, plan_id="p", signal_price="100", stop=stop, target=target)


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(
    ("risk", "is_refused"), [("0.03", True), ("0.04", True), ("0.05", False), ("1", False)]
)
def test_the_distance_has_to_exceed_the_spread(side: str, risk: str, is_refused: bool) -> None:
    found = list(room_reasons(by_distance(side, risk), market("99.98", "100.02")))
    assert [reason.code for reason in found] == [ReasonCode.STOP_INSIDE_SPREAD] * is_refused


@pytest.mark.parametrize(
    ("side", "stop", "target", "is_refused"),
    [
        ("buy", "99.97", "101", False),
        ("buy", "99.98", "101", True),
        ("buy", "99.99", "101", True),
        ("sell", "100.03", "99", False),
        ("sell", "100.02", "99", True),
    ],
)
def test_a_level_has_to_lie_beyond_the_near_touch(
    side: str, stop: str, target: str, is_refused: bool
) -> None:
    found = list(room_reasons(by_level(side, stop, target), market("99.98", "100.02")))
    assert bool(found) is is_refused


def test_a_market_that_has_passed_the_stop_already() -> None:
    (reason,) = room_reasons(by_level("buy", "99.50", "101"), market("99.20", "99.30"))
    assert reason.sentence == "a stop at 99.5 could not rest in the market 99.2 x 99.3"


@pytest.mark.parametrize(
    "view",
    [
        None,
        MarketView("ACME", Feed.SIP, None, TradingStatus.TRADING, 1),
        market("100.02", "99.98"),
        market("90", "110", Feed.IEX),
    ],
)
def test_without_a_consolidated_two_sided_quote_it_does_not_judge(view: MarketView | None) -> None:
    assert not list(room_reasons(by_distance("buy", "0.01"), view))
