"""An entry as a tactic sees it: a long at 100.00, first limit 100.05, worst 100.10, 60 s."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from surefill.core.fix import Feed, OrdType, TradingStatus
from surefill.core.market import MarketView, Nbbo
from surefill.core.plan import SECOND_NS
from surefill.core.pricing import EntryTerms
from surefill.core.session import SessionKind
from surefill.core.tactic import EntryView, WantedEntry
from surefill.core.units import NANO, US_EQUITY_TICKS, to_nano

TERMS = EntryTerms(
    order_qty=100 * NANO,
    cap_px=to_nano("100.10"),
    worst_px=to_nano("100.10"),
    first_limit_px=to_nano("100.05"),
    stop_px=to_nano("98.10"),
    target_px=to_nano("104.10"),
    rr_planned_ppb=2 * NANO,
)
VIEW = EntryView(
    sign=1,
    terms=TERMS,
    ticks=US_EQUITY_TICKS,
    leaves_qty=100 * NANO,
    started_ns=1_000,
    deadline_ns=60_000_001_000,
    session=SessionKind.RTH,
    market=None,
)

NOW = VIEW.started_ns + 10 * SECOND_NS


def quote(
    bid: str, ask: str, *, sizes: tuple[int, int] = (300, 300), age_ns: int = 0
) -> MarketView:
    """The market of an instant ``age_ns`` before 10 s after the start; sizes in shares."""
    at_ns = NOW - age_ns
    bid_qty, ask_qty = (size * NANO for size in sizes)
    nbbo = Nbbo(to_nano(bid), bid_qty, to_nano(ask), ask_qty, at_ns, at_ns)
    return MarketView("ACME", Feed.SIP, nbbo, TradingStatus.TRADING)


def seen(market: MarketView | None, *, working: str | None = None, **fields: Any) -> EntryView:
    """The view with this market, and an order working at ``working`` for five seconds."""
    order = WantedEntry(OrdType.LIMIT, to_nano(working)) if working is not None else None
    known = {"working": order, "working_ns": NOW - 5 * SECOND_NS, "quotes": 1 if working else 0}
    return replace(VIEW, market=market, **(known | fields))


def limit(px: str) -> WantedEntry:
    """A limit order at this price."""
    return WantedEntry(OrdType.LIMIT, to_nano(px))


def short(market: MarketView) -> EntryView:
    """A sale at 100.00 whose worst price is 99.90."""
    terms = replace(TERMS, worst_px=to_nano("99.90"), first_limit_px=to_nano("99.95"))
    return replace(VIEW, sign=-1, terms=terms, market=market)
