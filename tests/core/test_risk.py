"""The gate: each reason alone, all together, and nothing missing lets a plan pass (A-19)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.events import Instrument
from surefill.core.fix import Feed, TradingStatus
from surefill.core.limits import Entered, Override
from surefill.core.market import MarketView, Nbbo
from surefill.core.plan import Policy, TradePlan
from surefill.core.pricing import EntryTerms, entry_terms
from surefill.core.risk import GateView, Limits, gate, risk_state, worst_notional_usd
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
    ("buy", replace(VIEW, limits=replace(LIMITS, order_qty_max=100 * NANO)), []),
    ("buy", replace(VIEW, limits=replace(LIMITS, signal_age_max_ns=S)), []),
    ("buy", replace(VIEW, account=replace(ACCOUNT, buying_power_usd=10_010 * NANO)), []),
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


NEAR_CLOSE = replace(VIEW, now=CLOSE_NS - 299 * S, market=quote(alive_ns=CLOSE_NS - 299 * S))
VOLUME = Limits(volume_share_max_ppb=NANO // 10)
SENTENCES: list[tuple[GateView, str]] = [
    (NEAR_CLOSE, "the close is in 299 s, entries stop 300 s before"),
    (replace(VIEW, limits=replace(LIMITS, signal_age_max_ns=S // 2)), "1000 ms old, limit 500 ms"),
    (replace(VIEW, limits=replace(LIMITS, restricted=(SYMBOL,))), "ACME is on the restricted list"),
    (replace(VIEW, other_trade="p0"), "ACME already has trade p0"),
    (replace(VIEW, foreign_qty=-5 * NANO), "holds -5 of ACME that are not ours"),
    (replace(VIEW, instrument=None), "no instrument data for ACME"),
    (replace(VIEW, instrument=NOT_TRADABLE), "ACME is not tradable"),
    (replace(VIEW, market=None), "no quote for ACME"),
    (replace(VIEW, market=quote(status=TradingStatus.HALTED)), "ACME is HALTED"),
    (replace(VIEW, now=NOW + 2 * S), "the quote is 2000 ms old, limit 1500 ms"),
    (replace(VIEW, market=quote("100.02", "100.01")), "the quote 100.02 x 100.01 is not a market"),
    (
        replace(VIEW, limits=Limits(collar_ppb=NANO // 1000), market=quote("99.00", "99.99")),
        "worst price 100.1 is more than 0.001 of 99.99 beyond the market",
    ),
    (
        replace(VIEW, limits=Limits(displayed_share_max_ppb=NANO // 10)),
        "100 shares are above 0.1 of the 500 displayed",
    ),
    (
        replace(VIEW, limits=VOLUME, market=quote(volume_qty=999 * NANO)),
        "100 shares are above 0.1 of the recent volume, 999",
    ),
    (replace(VIEW, limits=VOLUME), "100 shares are above 0.1 of the recent volume, unknown"),
    (replace(VIEW, limits=replace(LIMITS, order_qty_max=99 * NANO)), "100 is above the limit 99"),
    (
        replace(VIEW, limits=replace(LIMITS, order_notional_max_usd=10_009 * NANO)),
        "order notional 10010 is above the limit 10009",
    ),
    (replace(VIEW, committed_usd=990_001 * NANO), "account notional 1000011 is above the limit"),
    (replace(VIEW, open_trades=50), "50 open trades, limit 50"),
    (
        replace(VIEW, requests_left=39, requests_reserved=40),
        "39 broker requests left, 40 reserved for protection",
    ),
    (replace(VIEW, account=None), "the account has not been read: account is missing"),
    (
        replace(VIEW, account=replace(ACCOUNT, buying_power_usd=None)),
        "the account has not been read: buying power is missing",
    ),
    (
        replace(VIEW, account=replace(ACCOUNT, buying_power_usd=10_009 * NANO)),
        "needs 10010, buying power is 10009",
    ),
    (
        replace(VIEW, account=replace(ACCOUNT, equity_usd=None)),
        "the account has not been read: equity is missing",
    ),
    (
        replace(VIEW, account=replace(ACCOUNT, equity_usd=89_999 * NANO)),
        "today's loss 10001 is beyond the limit 10000",
    ),
]


@pytest.mark.parametrize(("view", "says"), SENTENCES, ids=[says for _, says in SENTENCES])
def test_a_refusal_says_what_was_asked_and_what_is_allowed(view: GateView, says: str) -> None:
    asked = plan(signal_ns=None if view is NEAR_CLOSE else NOW - S)
    (reason,) = gate(asked, POLICY, terms(asked), view=view)
    assert says in reason.sentence
    assert "?" not in reason.sentence


def test_a_refusal_says_which_tactic_and_which_short() -> None:
    view = replace(VIEW, now=OPEN_NS - 3600 * S, market=quote(alive_ns=OPEN_NS - 3600 * S))
    asked = plan(extended_hours=True, signal_ns=None, tactic="marketable")
    (reason,) = gate(asked, Policy(extended_hours=True), terms(asked), view=view)
    assert reason.sentence == "tactic marketable works in regular hours only"
    short = plan("sell")
    (reason,) = gate(short, POLICY, terms(short), view=replace(VIEW, instrument=NO_SHORTS))
    assert reason.sentence == "ACME is not easy to borrow"


def test_rates_say_whose_and_how_many() -> None:
    view = replace(VIEW, entered=(entered(9), entered(8)))
    for limits, says in (
        (Limits(entries_per_minute_max=2), "2 entries in a minute (account), limit 2"),
        (Limits(symbol_entries_per_minute_max=1), "2 entries in a minute (ACME), limit 1"),
        (Limits(duplicate_ns=10 * S), "the same order in ACME 9000 ms ago, limit 10000 ms"),
    ):
        (reason,) = gate(plan(), POLICY, terms(plan()), view=replace(view, limits=limits))
        assert reason.sentence == says


def test_entries_stop_just_inside_the_cutoff() -> None:
    at_ns = CLOSE_NS - 300 * S
    view = replace(VIEW, now=at_ns, market=quote(alive_ns=at_ns))
    assert codes(plan(signal_ns=None), view) == []
    assert codes(plan(signal_ns=None), replace(NEAR_CLOSE, limits=LIMITS)) == ["SESSION_NEAR_CLOSE"]


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


def test_the_price_collar_is_measured_from_the_touch_that_is_crossed_to() -> None:
    tight = replace(VIEW, limits=Limits(collar_ppb=NANO // 1000))
    assert codes(plan(), tight) == []
    assert codes(plan(), replace(tight, market=quote("99.90", "100"))) == [], "just at the collar"
    far = replace(tight, market=quote("99.00", "99.99"))
    assert codes(plan(), far) == ["COLLAR_EXCEEDED"]
    assert codes(plan("sell"), replace(tight, market=quote("100.01", "101"))) == ["COLLAR_EXCEEDED"]
    assert "COLLAR_EXCEEDED" not in codes(plan(), replace(far, limits=LIMITS))
    empty = replace(tight, market=quote("0", "0"))
    assert codes(plan(), empty) == ["QUOTE_CROSSED"]


def test_an_entry_is_a_share_of_what_is_displayed() -> None:
    limits = Limits(displayed_share_max_ppb=NANO // 5)
    assert codes(plan(), replace(VIEW, limits=limits)) == []
    more = plan(order_qty=101 * NANO)
    assert codes(more, replace(VIEW, limits=limits)) == ["DISPLAYED_SHARE_ABOVE_LIMIT"]
    assert VIEW.market is not None
    assert VIEW.market.nbbo is not None
    thin = replace(VIEW.market, nbbo=replace(VIEW.market.nbbo, bid_qty=0))
    short = replace(VIEW, limits=limits, market=thin)
    assert codes(plan("sell"), short) == ["DISPLAYED_SHARE_ABOVE_LIMIT"]


@pytest.mark.parametrize(("volume", "is_denied"), [(1000, False), (999, True), (None, True)])
def test_an_entry_is_a_share_of_recent_volume(volume: int | None, is_denied: bool) -> None:
    limits = Limits(volume_share_max_ppb=NANO // 10)
    market = quote(volume_qty=None if volume is None else volume * NANO)
    found = codes(plan(), replace(VIEW, limits=limits, market=market))
    assert found == (["VOLUME_SHARE_ABOVE_LIMIT"] if is_denied else [])


def entered(age_s: int, symbol: str = SYMBOL, **more: int) -> Entered:
    """An entry like `plan`'s, some seconds ago."""
    shape = {"sign": 1, "order_qty": 100 * NANO, "signal_px": 100 * NANO} | more
    return Entered(NOW - age_s * S, symbol, **shape)


def test_entries_of_a_minute_are_counted_for_account_and_symbol() -> None:
    three = (entered(60), entered(59), entered(1, "OTHER"))
    view = replace(VIEW, entered=three)
    account = replace(view, limits=Limits(entries_per_minute_max=2))
    assert codes(plan(), account) == ["RATE_ABOVE_LIMIT"]
    assert codes(plan(), replace(account, entered=three[:2])) == []
    symbol = replace(view, limits=Limits(symbol_entries_per_minute_max=1))
    assert codes(plan(), symbol) == ["RATE_ABOVE_LIMIT"]
    assert codes(plan(), replace(symbol, entered=three[2:])) == []


def test_the_same_order_again_is_a_duplicate_for_a_while() -> None:
    limits = Limits(duplicate_ns=10 * S)
    for one, expected in (
        (entered(9), ["DUPLICATE_ORDER"]),
        (entered(10), []),
        (entered(9, "OTHER"), []),
        (entered(9, signal_px=99 * NANO), []),
        (entered(9, sign=-1), []),
    ):
        assert codes(plan(), replace(VIEW, limits=limits, entered=(one,))) == expected
    twice = replace(VIEW, limits=limits, entered=(entered(9), entered(8)))
    assert codes(plan(), twice) == ["DUPLICATE_ORDER"]


def test_a_symbol_may_have_limits_of_its_own() -> None:
    own = Limits(overrides=(Override(SYMBOL, "order_qty_max", 99 * NANO),))
    assert codes(plan(), replace(VIEW, limits=own)) == ["QTY_ABOVE_LIMIT"]


def test_the_state_that_the_switches_make() -> None:
    states = [risk_state(is_killed=k, is_halted=h) for k in (False, True) for h in (False, True)]
    assert states == ["ACTIVE", "REDUCING", "HALTED", "HALTED"]
