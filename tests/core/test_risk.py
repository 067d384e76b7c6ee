"""The gate: each reason alone, all together, and nothing missing lets a plan pass (A-19)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.events import Instrument
from surefill.core.fix import Feed, TradingStatus
from surefill.core.market import MarketView, Nbbo
from surefill.core.plan import Policy, TradePlan
from surefill.core.pricing import EntryTerms, entry_terms
from surefill.core.risk import GateView, Limits, gate, worst_notional_usd
from surefill.core.units import NANO, US_EQUITY_TICKS, to_nano
from tests.support.core import ACCOUNT, CALENDAR, CLOSE_NS, OPEN_NS, SYMBOL, S

NOW = OPEN_NS + 1800 * S
POLICY = Policy()
LIMITS = Limits()


def plan(side: str = "buy", **more: object) -> TradePlan:
    """100 shares at 100.00."""
    base = TradePlan.of(
        SYMBOL, side, 100, plan_id="p1", signal_price="100", risk="2", rr="2", signal_ns=NOW - S
    )
    return replace(base, **more)  # type: ignore[arg-type]


def terms(asked: TradePlan) -> EntryTerms:
    """Its terms."""
    made = entry_terms(asked, POLICY, US_EQUITY_TICKS, buffer_ppb=POLICY.limit_buffer_regular_ppb)
    assert isinstance(made, EntryTerms)
    return made


def quote(bid: str = "99.99", ask: str = "100.01", **more: object) -> MarketView:
    """A fresh quote."""
    nbbo = Nbbo(to_nano(bid), 500 * NANO, to_nano(ask), 500 * NANO, NOW, NOW)
    view = MarketView(SYMBOL, Feed.TEST, nbbo, TradingStatus.TRADING, NOW)
    return replace(view, **more)  # type: ignore[arg-type]


VIEW = GateView(
    now=NOW,
    limits=LIMITS,
    calendar=CALENDAR,
    instrument=Instrument(SYMBOL, is_tradable=True, is_shortable=True, is_easy_to_borrow=True),
    account=ACCOUNT,
    market=quote(),
    foreign_qty=0,
    other_trade=None,
    open_trades=0,
    committed_usd=0,
)
INSTRUMENT = Instrument(SYMBOL, is_tradable=True, is_shortable=True, is_easy_to_borrow=True)


def codes(asked: TradePlan, view: GateView, policy: Policy = POLICY) -> list[str]:
    """Names of the reasons against it."""
    return [reason.code.name for reason in gate(asked, policy, terms(asked), view=view)]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_nothing_against_it(side: str) -> None:
    assert codes(plan(side), VIEW) == []


NOT_TRADABLE = replace(INSTRUMENT, is_tradable=False)
NO_SHORTS = replace(INSTRUMENT, is_shortable=False)
CASES: list[tuple[str, GateView, list[str]]] = [
    ("buy", replace(VIEW, now=OPEN_NS - 30_000 * S), ["SESSION_CLOSED"]),
    ("buy", replace(VIEW, now=CLOSE_NS - 299 * S), ["SESSION_NEAR_CLOSE"]),
    ("buy", replace(VIEW, now=NOW + 301 * S), ["SIGNAL_STALE", "QUOTE_STALE"]),
    ("buy", replace(VIEW, limits=replace(LIMITS, restricted=(SYMBOL,))), ["SYMBOL_RESTRICTED"]),
    ("buy", replace(VIEW, other_trade="p0"), ["SYMBOL_BUSY"]),
    ("buy", replace(VIEW, foreign_qty=None), ["POSITION_UNKNOWN"]),
    ("buy", replace(VIEW, foreign_qty=-5 * NANO), ["POSITION_FOREIGN"]),
    ("buy", replace(VIEW, instrument=None), ["SYMBOL_UNKNOWN"]),
    (
        "buy",
        replace(VIEW, instrument=NOT_TRADABLE),
        ["SYMBOL_NOT_TRADABLE"],
    ),
    ("buy", replace(VIEW, instrument=NO_SHORTS), []),
    (
        "sell",
        replace(VIEW, instrument=NO_SHORTS),
        ["SHORT_NO_BORROW"],
    ),
    (
        "sell",
        replace(VIEW, instrument=replace(INSTRUMENT, is_easy_to_borrow=False)),
        ["SHORT_NO_BORROW"],
    ),
    ("buy", replace(VIEW, market=None), ["QUOTE_MISSING"]),
    ("buy", replace(VIEW, market=quote(nbbo=None)), ["QUOTE_MISSING"]),
    ("buy", replace(VIEW, market=quote(status=TradingStatus.HALTED)), ["SYMBOL_HALTED"]),
    ("buy", replace(VIEW, market=quote(status=TradingStatus.LIMIT_STATE)), ["SYMBOL_HALTED"]),
    ("buy", replace(VIEW, market=quote(status=TradingStatus.UNKNOWN)), []),
    ("buy", replace(VIEW, now=NOW + 1_500_000_000), []),
    ("buy", replace(VIEW, now=NOW + 1_500_000_001), ["QUOTE_STALE"]),
    ("buy", replace(VIEW, market=quote("100.02", "100.01")), ["QUOTE_CROSSED"]),
    ("buy", replace(VIEW, market=quote("0", "100.01")), ["QUOTE_CROSSED"]),
    ("buy", replace(VIEW, limits=replace(LIMITS, order_qty_max=99 * NANO)), ["QTY_ABOVE_LIMIT"]),
    (
        "buy",
        replace(VIEW, limits=replace(LIMITS, order_notional_max_usd=10_009 * NANO)),
        ["NOTIONAL_ABOVE_LIMIT"],
    ),
    ("buy", replace(VIEW, limits=replace(LIMITS, order_notional_max_usd=10_010 * NANO)), []),
    ("buy", replace(VIEW, committed_usd=990_001 * NANO), ["NOTIONAL_ABOVE_LIMIT"]),
    ("buy", replace(VIEW, open_trades=50), ["TRADES_ABOVE_LIMIT"]),
    ("buy", replace(VIEW, requests_left=40, requests_reserved=40), ["BUDGET_EXHAUSTED"]),
    ("buy", replace(VIEW, requests_left=41, requests_reserved=40), []),
    ("buy", replace(VIEW, account=None), ["ACCOUNT_UNKNOWN"]),
    ("buy", replace(VIEW, account=replace(ACCOUNT, is_blocked=True)), ["ACCOUNT_BLOCKED"]),
    ("buy", replace(VIEW, account=replace(ACCOUNT, shorting_enabled=False)), []),
    ("sell", replace(VIEW, account=replace(ACCOUNT, shorting_enabled=False)), ["SHORT_DISABLED"]),
    ("buy", replace(VIEW, account=replace(ACCOUNT, buying_power_usd=None)), ["ACCOUNT_UNKNOWN"]),
    (
        "buy",
        replace(VIEW, account=replace(ACCOUNT, buying_power_usd=10_009 * NANO)),
        ["BUYING_POWER_SHORT"],
    ),
    ("buy", replace(VIEW, account=replace(ACCOUNT, equity_usd=None)), ["ACCOUNT_UNKNOWN"]),
    ("buy", replace(VIEW, account=replace(ACCOUNT, last_equity_usd=None)), ["ACCOUNT_UNKNOWN"]),
    (
        "buy",
        replace(VIEW, account=replace(ACCOUNT, equity_usd=89_999 * NANO)),
        ["DAILY_LOSS_REACHED"],
    ),
    ("buy", replace(VIEW, account=replace(ACCOUNT, equity_usd=90_000 * NANO)), []),
]


@pytest.mark.parametrize(("side", "view", "expected"), CASES)
def test_each_reason(side: str, view: GateView, expected: list[str]) -> None:
    asked = plan(side, signal_ns=None if "SESSION_NEAR_CLOSE" in expected else NOW - S)
    if expected[:1] in (["SESSION_CLOSED"], ["SESSION_NEAR_CLOSE"]):
        assert codes(asked, view)[0] == expected[0]
        return
    assert codes(asked, view) == expected


def test_extended_hours_need_both_consents_and_the_plain_tactic() -> None:
    view = replace(VIEW, now=OPEN_NS - 3600 * S)
    view = replace(view, market=quote(alive_ns=view.now))
    willing = replace(POLICY, extended_hours=True)
    asked = plan(extended_hours=True, signal_ns=None)
    assert codes(asked, view) == ["SESSION_EXTENDED_DISABLED"]
    assert codes(replace(asked, extended_hours=False), view, willing) == [
        "SESSION_EXTENDED_DISABLED"
    ]
    assert codes(asked, view, willing) == []
    crossing = replace(asked, tactic="marketable")
    assert codes(crossing, view, willing) == ["SESSION_TACTIC_NEEDS_RTH"]
    assert codes(asked, replace(view, is_legacy=True), willing) == ["SESSION_TACTIC_NEEDS_RTH"]


def test_every_reason_at_once() -> None:
    view = replace(
        VIEW, instrument=None, account=None, market=None, foreign_qty=None, open_trades=99
    )
    assert codes(plan(), view) == [
        "POSITION_UNKNOWN",
        "SYMBOL_UNKNOWN",
        "QUOTE_MISSING",
        "TRADES_ABOVE_LIMIT",
        "ACCOUNT_UNKNOWN",
    ]


def test_a_short_counts_at_its_signal() -> None:
    assert worst_notional_usd(plan(), terms(plan())) == 10_010 * NANO
    assert worst_notional_usd(plan("sell"), terms(plan("sell"))) == 10_000 * NANO
