"""The gate: every local reason for which a plan is not sent. Everything that can veto is here,
before any order exists (I15: no veto after a fill).

What: `GateView` (what the gate may know, with `core.limits`) and `gate`; `RiskState`, what the
switches allow.
Invariants: a missing datum refuses (A-19): no default equity, no assumed position; reducing orders
never pass through here (A-35).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from surefill.core.events import Account, Instrument
from surefill.core.fix import Side, TradingStatus
from surefill.core.limits import Entered
from surefill.core.limits import Limits as Limits
from surefill.core.market import MarketView
from surefill.core.plan import SECOND_NS, Policy, TradePlan
from surefill.core.pricing import EntryTerms
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.room import room_reasons
from surefill.core.session import Calendar, SessionKind
from surefill.core.units import NANO, to_text
from surefill.core.values import replace


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """What the gate may know at ``now`` (UTC ns). ``other_trade`` is the id of an open trade of the
    same symbol; ``foreign_qty`` signed shares (1e-9) that are not ours, ``None`` = never read.
    ``committed_usd`` is the worst-case notional of all open trades; ``entered`` the entries of the
    last minute at least."""

    now: int
    limits: Limits
    calendar: Calendar
    instrument: Instrument | None
    account: Account | None
    market: MarketView | None
    foreign_qty: int | None
    other_trade: str | None
    open_trades: int
    committed_usd: int
    requests_left: int | None = None
    requests_reserved: int = 0
    is_legacy: bool = False
    entered: tuple[Entered, ...] = ()


class RiskState(StrEnum):
    """What new risk is allowed; reducing and cancelling always are (I6)."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    """Halted: working entries end, no plan is accepted, until somebody resumes."""
    HALTED = "HALTED"
    """Killed: the same, until a person takes it back."""


def risk_state(*, is_killed: bool, is_halted: bool) -> RiskState:
    """The state that the switches make; the kill is the stronger one."""
    if is_killed:
        return RiskState.HALTED
    return RiskState.REDUCING if is_halted else RiskState.ACTIVE


def gate(
    plan: TradePlan, policy: Policy, terms: EntryTerms, *, view: GateView
) -> tuple[Reason, ...]:
    """Every reason against sending this plan's entry now, or ()."""
    view = replace(view, limits=view.limits.of_symbol(plan.symbol))
    return (
        *_session_reasons(plan, policy, view),
        *_symbol_reasons(plan, view),
        *_quote_reasons(plan, view),
        *(() if view.is_legacy else room_reasons(plan, view.market)),
        *_market_reasons(plan, terms, view),
        *_rate_reasons(plan, terms, view),
        *_size_reasons(plan, terms, view),
        *_account_reasons(plan, terms, view),
    )


def _session_reasons(plan: TradePlan, policy: Policy, view: GateView) -> Iterator[Reason]:
    now = view.now
    match view.calendar.kind_at(now):
        case SessionKind.CLOSED:
            yield Reason.of(ReasonCode.SESSION_CLOSED)
        case SessionKind.ETH:
            if not (policy.extended_hours and plan.extended_hours):
                yield Reason.of(ReasonCode.SESSION_EXTENDED_DISABLED)
            elif plan.tactic != "limit" or view.is_legacy:
                # alpaca.md 1.10: only plain limit orders exist outside the core session.
                yield Reason.of(ReasonCode.SESSION_TACTIC_NEEDS_RTH, value=plan.tactic)
        case _:
            session = view.calendar.session_at(now)
            assert session is not None
            left_ns = session.close_ns - now
            if left_ns < view.limits.entry_cutoff_ns:
                yield Reason.of(
                    ReasonCode.SESSION_NEAR_CLOSE,
                    left_s=left_ns // SECOND_NS,
                    cutoff_s=view.limits.entry_cutoff_ns // SECOND_NS,
                )
    if plan.signal_ns is not None:
        age_ns = now - plan.signal_ns
        if age_ns > view.limits.signal_age_max_ns:
            limit_ms = view.limits.signal_age_max_ns // 1_000_000
            yield Reason.of(ReasonCode.SIGNAL_STALE, age_ms=age_ns // 1_000_000, limit_ms=limit_ms)


def _symbol_reasons(plan: TradePlan, view: GateView) -> Iterator[Reason]:
    symbol, instrument = plan.symbol, view.instrument
    if symbol in view.limits.restricted:
        yield Reason.of(ReasonCode.SYMBOL_RESTRICTED, symbol=symbol)
    if view.other_trade is not None:
        yield Reason.of(ReasonCode.SYMBOL_BUSY, symbol=symbol, other=view.other_trade)
    if view.foreign_qty is None:
        yield Reason.of(ReasonCode.POSITION_UNKNOWN)
    elif view.foreign_qty:
        qty = to_text(view.foreign_qty)
        yield Reason.of(ReasonCode.POSITION_FOREIGN, qty=qty, symbol=symbol)
    if instrument is None:
        yield Reason.of(ReasonCode.SYMBOL_UNKNOWN, symbol=symbol)
        return
    if not instrument.is_tradable:
        yield Reason.of(ReasonCode.SYMBOL_NOT_TRADABLE, symbol=symbol)
    if plan.side is Side.SELL_SHORT and not (
        instrument.is_shortable and instrument.is_easy_to_borrow
    ):
        yield Reason.of(ReasonCode.SHORT_NO_BORROW, symbol=symbol)


def _quote_reasons(plan: TradePlan, view: GateView) -> Iterator[Reason]:
    market = view.market
    if market is None or market.nbbo is None:
        yield Reason.of(ReasonCode.QUOTE_MISSING, symbol=plan.symbol)
        return
    if market.status in (TradingStatus.HALTED, TradingStatus.LIMIT_STATE):
        yield Reason.of(ReasonCode.SYMBOL_HALTED, symbol=plan.symbol, status=market.status.value)
    age_ns = market.quote_age_ns(view.now)
    assert age_ns is not None
    if age_ns > view.limits.quote_age_max_ns:
        limit_ms = view.limits.quote_age_max_ns // 1_000_000
        yield Reason.of(ReasonCode.QUOTE_STALE, age_ms=age_ns // 1_000_000, limit_ms=limit_ms)
    if not market.nbbo.is_two_sided:
        bid, ask = to_text(market.nbbo.bid_px), to_text(market.nbbo.ask_px)
        yield Reason.of(ReasonCode.QUOTE_CROSSED, bid=bid, ask=ask)


def _market_reasons(plan: TradePlan, terms: EntryTerms, view: GateView) -> Iterator[Reason]:
    """The order against the market it will meet: price beyond the touch, size at the touch, volume
    of late. A limit that is set and has nothing to compare with refuses (A-19)."""
    limits, market, sign = view.limits, view.market, plan.sign
    nbbo = market.nbbo if market is not None else None
    if market is None or nbbo is None:
        return  # said already: without a quote there is no entry at all
    far_px, far_qty = nbbo.far_px(sign), nbbo.ask_qty if sign > 0 else nbbo.bid_qty
    if limits.collar_ppb and far_px:
        beyond_px = sign * (terms.worst_px - far_px)
        if beyond_px * NANO > limits.collar_ppb * far_px:
            yield Reason.of(
                ReasonCode.COLLAR_EXCEEDED,
                worst=to_text(terms.worst_px),
                touch=to_text(far_px),
                limit=to_text(limits.collar_ppb),
            )
    share_ppb = limits.displayed_share_max_ppb
    if share_ppb and terms.order_qty * NANO > share_ppb * far_qty:
        yield Reason.of(
            ReasonCode.DISPLAYED_SHARE_ABOVE_LIMIT,
            value=to_text(terms.order_qty),
            displayed=to_text(far_qty),
            limit=to_text(limits.displayed_share_max_ppb),
        )
    if limits.volume_share_max_ppb:
        volume_qty = market.volume_qty or 0
        if terms.order_qty * NANO > limits.volume_share_max_ppb * volume_qty:
            yield Reason.of(
                ReasonCode.VOLUME_SHARE_ABOVE_LIMIT,
                value=to_text(terms.order_qty),
                volume="unknown" if market.volume_qty is None else to_text(volume_qty),
                limit=to_text(limits.volume_share_max_ppb),
            )


def _rate_reasons(plan: TradePlan, terms: EntryTerms, view: GateView) -> Iterator[Reason]:
    """Entries in the last minute, and the same order again under another id."""
    limits, since_ns = view.limits, view.now - 60 * SECOND_NS
    minute = [one for one in view.entered if one.at_ns > since_ns]
    ours = [one for one in minute if one.symbol == plan.symbol]
    for scope, count, limit in (
        ("account", len(minute), limits.entries_per_minute_max),
        (plan.symbol, len(ours), limits.symbol_entries_per_minute_max),
    ):
        if limit and count >= limit:
            yield Reason.of(ReasonCode.RATE_ABOVE_LIMIT, scope=scope, value=count, limit=limit)
    same = Entered(0, plan.symbol, plan.sign, terms.order_qty, plan.signal_px)
    for one in view.entered:
        if replace(one, at_ns=0) == same and view.now - one.at_ns < limits.duplicate_ns:
            yield Reason.of(
                ReasonCode.DUPLICATE_ORDER,
                symbol=plan.symbol,
                age_ms=(view.now - one.at_ns) // 1_000_000,
                limit_ms=limits.duplicate_ns // 1_000_000,
            )
            return


def worst_notional_usd(plan: TradePlan, terms: EntryTerms) -> int:
    """Largest notional of the entry, 1e-9 USD; a short counts at its signal, the higher price."""
    px = max(terms.worst_px, plan.signal_px)
    return px * terms.order_qty // NANO


def _size_reasons(plan: TradePlan, terms: EntryTerms, view: GateView) -> Iterator[Reason]:
    limits, notional = view.limits, worst_notional_usd(plan, terms)
    if terms.order_qty > limits.order_qty_max:
        yield Reason.of(
            ReasonCode.QTY_ABOVE_LIMIT,
            value=to_text(terms.order_qty),
            limit=to_text(limits.order_qty_max),
        )
    for scope, value, limit in (
        ("order", notional, limits.order_notional_max_usd),
        ("account", notional + view.committed_usd, limits.total_notional_max_usd),
    ):
        if value > limit:
            yield Reason.of(
                ReasonCode.NOTIONAL_ABOVE_LIMIT,
                scope=scope,
                value=to_text(value),
                limit=to_text(limit),
            )
    if view.open_trades >= limits.open_trades_max:
        yield Reason.of(
            ReasonCode.TRADES_ABOVE_LIMIT, value=view.open_trades, limit=limits.open_trades_max
        )
    if view.requests_left is not None and view.requests_left <= view.requests_reserved:
        yield Reason.of(
            ReasonCode.BUDGET_EXHAUSTED, left=view.requests_left, reserved=view.requests_reserved
        )


def _account_reasons(plan: TradePlan, terms: EntryTerms, view: GateView) -> Iterator[Reason]:
    account = view.account
    if account is None:
        yield Reason.of(ReasonCode.ACCOUNT_UNKNOWN, field="account")
        return
    if account.is_blocked:
        yield Reason.of(ReasonCode.ACCOUNT_BLOCKED)
    if plan.side is Side.SELL_SHORT and not account.shorting_enabled:
        yield Reason.of(ReasonCode.SHORT_DISABLED)
    needed = worst_notional_usd(plan, terms)
    if account.buying_power_usd is None:
        yield Reason.of(ReasonCode.ACCOUNT_UNKNOWN, field="buying power")
    elif needed > account.buying_power_usd:
        yield Reason.of(
            ReasonCode.BUYING_POWER_SHORT,
            needed=to_text(needed),
            available=to_text(account.buying_power_usd),
        )
    if account.equity_usd is None or account.last_equity_usd is None:
        yield Reason.of(ReasonCode.ACCOUNT_UNKNOWN, field="equity")
        return
    loss = account.last_equity_usd - account.equity_usd
    if loss > view.limits.daily_loss_max_usd:
        yield Reason.of(
            ReasonCode.DAILY_LOSS_REACHED,
            value=to_text(loss),
            limit=to_text(view.limits.daily_loss_max_usd),
        )
