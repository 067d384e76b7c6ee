"""What a plan would become, before anybody is asked: terms, orders, or every reason against it.

What: `preview` validates and prices a plan, lets the trade's own machine send the entry and cover a
full fill of it, and hands the orders back unsent.
Why the machine and not a description of it: a check that can disagree with the deed is worth
nothing. What needs a broker (session, quote, account, positions) is left to the gate.
Invariants: pure; the same plan gives the same answer on every day.
Must never: be taken for permission: the gate decides when the plan is submitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from surefill.core.admission import style_of
from surefill.core.commands import Command, OrderSpec, SubmitOrder
from surefill.core.events import ExecutionReport, ReportReceived, TimePassed
from surefill.core.fix import Contingency, ExecType, OrdStatus
from surefill.core.plan import ExitsByDistance, Policy, TradePlan, plan_problems
from surefill.core.pricing import (
    EntryTerms,
    buffer_px,
    entry_terms,
    exits_at,
    legacy_terms,
    mean_target,
    reward_risk_ppb,
)
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.risk import GateView, Limits, gate, worst_notional_usd
from surefill.core.session import Calendar, SessionKind
from surefill.core.step import step_trade
from surefill.core.tactic import Tactic
from surefill.core.trade import Trade
from surefill.core.turn import Context
from surefill.core.units import NANO, US_EQUITY_TICKS, TickSchedule, to_text, to_usd_text

STATIC_CODES = frozenset(
    {
        ReasonCode.QTY_ABOVE_LIMIT,
        ReasonCode.NOTIONAL_ABOVE_LIMIT,
        ReasonCode.SYMBOL_RESTRICTED,
    }
)
"""The gate's reasons that need no broker: they hold today as on any other day."""


DEFAULT_POLICY = Policy()
DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Rules:
    """What a preview is judged by. ``tactics``: name -> tactic, the legacy path among them."""

    tactics: Mapping[str, Tactic]
    policy: Policy = DEFAULT_POLICY
    limits: Limits = DEFAULT_LIMITS
    ticks: TickSchedule = US_EQUITY_TICKS
    kind: SessionKind = SessionKind.RTH

    def buffer_of(self, policy: Policy) -> int:
        """Limit buffer of this kind of session under ``policy``, ppb."""
        is_extended = self.kind is SessionKind.ETH
        return policy.limit_buffer_extended_ppb if is_extended else policy.limit_buffer_regular_ppb


@dataclass(frozen=True, slots=True)
class AtPrice:
    """The trade if the whole entry filled at ``entry_px``. Prices and money in 1e-9 USD (money
    ``None`` while the quantity is open), ``rr_ppb`` reward/risk rounded down (``None``: no risk).
    """

    name: str
    entry_px: int
    stop_px: int
    target_px: int
    rr_ppb: int | None
    risk_usd: int | None
    reward_usd: int | None
    notional_usd: int | None


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order as it would be sent, and why, in words."""

    spec: OrderSpec
    why: str


@dataclass(frozen=True, slots=True)
class PriceRule:
    """One price of the terms (1e-9 USD) and the rule that made it."""

    name: str
    px: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The answer. ``terms`` is ``None`` when the plan cannot be priced; ``reasons`` says why."""

    plan: TradePlan
    is_legacy: bool
    reasons: tuple[Reason, ...]
    terms: EntryTerms | None = None
    worst_notional_usd: int | None = None
    prices: tuple[PriceRule, ...] = ()
    cases: tuple[AtPrice, ...] = ()
    orders: tuple[PlannedOrder, ...] = ()

    @property
    def is_accepted(self) -> bool:
        """Whether nothing of the plan itself stands against it."""
        return not self.reasons

    @property
    def notes(self) -> tuple[Reason, ...]:
        """What refuses nothing but should be known."""
        return self.terms.notes if self.terms is not None else ()


def preview(plan: TradePlan, rules: Rules, *, is_legacy: bool = False) -> Preview:
    """What would become of ``plan`` in a session of ``rules.kind``."""
    reasons = plan_problems(plan, frozenset(rules.tactics) - {"legacy"})
    if reasons:
        return Preview(plan=plan, is_legacy=is_legacy, reasons=reasons)
    policy, ticks = plan.with_policy(rules.policy), rules.ticks
    if is_legacy:
        terms = legacy_terms(plan, policy, ticks)
    else:
        terms = entry_terms(plan, policy, ticks, buffer_ppb=rules.buffer_of(policy))
    if not isinstance(terms, EntryTerms):
        at_signal = _case("signal", plan.signal_px, plan=plan, ticks=ticks, qty=plan.order_qty)
        return Preview(plan=plan, is_legacy=is_legacy, reasons=terms, cases=(at_signal,))
    tactic = rules.tactics["legacy" if is_legacy else plan.tactic]
    now = plan.signal_ns or 0
    trade = Trade(
        plan=plan,
        policy=policy,
        terms=terms,
        ticks=ticks,
        tag="0" * 6,
        style=style_of(plan, tactic),
        is_legacy=is_legacy,
        accepted_ns=now,
        deadline_ns=now + policy.fill_timeout_ns,
        triggered_ns=0 if plan.trigger_px is None else max(1, now),  # shown as if it had come
    )
    return Preview(
        plan=plan,
        is_legacy=is_legacy,
        reasons=_static_reasons(trade, rules),
        terms=terms,
        worst_notional_usd=None if is_legacy else worst_notional_usd(plan, terms),
        prices=() if is_legacy else _price_rules(trade, rules),
        cases=_cases(trade),
        orders=_orders(trade, tactic, rules),
    )


def _static_reasons(trade: Trade, rules: Rules) -> tuple[Reason, ...]:
    """What the gate itself says of this plan where nothing else is known."""
    view = GateView(
        now=trade.accepted_ns,
        limits=rules.limits,
        calendar=Calendar(),
        instrument=None,
        account=None,
        market=None,
        foreign_qty=None,
        other_trade=None,
        open_trades=0,
        committed_usd=0,
        is_legacy=trade.is_legacy,
    )
    found = gate(trade.plan, trade.policy, trade.terms, view=view)
    return tuple(reason for reason in found if reason.code in STATIC_CODES)


def _cases(trade: Trade) -> tuple[AtPrice, ...]:
    """The trade at the signal, at its first limit and at its worst price."""
    terms, named = trade.terms, [("signal", trade.plan.signal_px)]
    if not trade.is_legacy:  # a market order has neither a limit nor a worst price
        named += [("first limit", terms.first_limit_px), ("worst price", terms.worst_px)]
    return tuple(
        _case(name, px, plan=trade.plan, ticks=trade.ticks, qty=terms.order_qty)
        for name, px in named
    )


def _case(
    name: str, entry_px: int, *, plan: TradePlan, ticks: TickSchedule, qty: int | None
) -> AtPrice:
    exits = exits_at(plan, ticks, cost=entry_px, qty=1)
    sign = plan.sign
    mean = mean_target(plan, ticks, cost=entry_px, qty=1)
    rr_ppb = reward_risk_ppb(
        sign, entry_px=entry_px * NANO, stop_px=exits.stop_px * NANO, target_px=mean
    )

    def money(px: int) -> int | None:
        return None if qty is None else px * qty // NANO

    return AtPrice(
        name=name,
        entry_px=entry_px,
        stop_px=exits.stop_px,
        target_px=exits.target_px,
        rr_ppb=rr_ppb,
        risk_usd=money(sign * (entry_px - exits.stop_px)),
        reward_usd=None if qty is None else sign * (mean - entry_px * NANO) * qty // (NANO * NANO),
        notional_usd=money(entry_px),
    )


def order_text(spec: OrderSpec) -> str:
    """An order in one line: ``BUY 25 LIMIT 535.08 DAY``, with the exits that it carries."""
    head, tif = f"{spec.side.value} {to_text(spec.order_qty)}", spec.tif.value
    exits = ""
    if spec.stop_loss_px is not None and spec.take_profit_px is not None:
        exits = f"stop {to_usd_text(spec.stop_loss_px)} | limit {to_usd_text(spec.take_profit_px)}"
    if exits and spec.contingency is Contingency.OCO:
        return f"{head} OCO {exits} {tif}"
    px = spec.limit_px if spec.limit_px is not None else spec.stop_px
    at = f" {to_usd_text(px)}" if px is not None else ""
    return f"{head} {spec.ord_type.value}{at} {tif}{f' BRACKET {exits}' if exits else ''}"


def percent(ratio_ppb: int) -> str:
    """``500_000`` ppb as ``"0.05 %"``."""
    return f"{to_text(ratio_ppb * 100)} %"


def _price_rules(trade: Trade, rules: Rules) -> tuple[PriceRule, ...]:
    plan, policy, terms = trade.plan, trade.policy, trade.terms
    way, beyond = ("down", "+") if plan.sign > 0 else ("up", "-")
    rounded = f"rounded {way} to the tick"
    ratio = to_text(policy.min_rr_ppb)
    worst = "the cap"
    if terms.worst_px != terms.cap_px:
        worst = f"tighter than the cap: keeps reward/risk {ratio} against fixed levels"
    buffer_ppb = rules.buffer_of(policy)
    first = f"signal {beyond} buffer {percent(buffer_ppb)}, {rounded}"
    if terms.first_limit_px != buffer_px(plan, buffer_ppb, trade.ticks):
        first = "the worst price, which is tighter than signal and buffer"
    cap = f"signal {beyond} {percent(policy.max_slippage_ppb)}, {rounded}"
    touch = "bid" if plan.sign > 0 else "ask"
    waits = f"nothing is sent before the {touch} has come there"
    trigger = () if plan.trigger_px is None else (PriceRule("trigger", plan.trigger_px, waits),)
    return (
        *trigger,
        PriceRule("cap", terms.cap_px, cap),
        PriceRule("worst price", terms.worst_px, worst),
        PriceRule("first limit", terms.first_limit_px, first),
    )


def _orders(trade: Trade, tactic: Tactic, rules: Rules) -> tuple[PlannedOrder, ...]:
    """The entry, and the cover of a full fill at the entry's own limit (market: at the signal)."""
    context = Context(now=trade.accepted_ns, tactic=tactic, kind=rules.kind)
    sent = step_trade(trade, TimePassed(), context)
    entries = _submitted(sent.commands)
    filled = [step_trade(sent.trade, _full_fill(trade, spec), context) for spec in entries]
    covers = [spec for step in filled for spec in _submitted(step.commands)]
    return (
        *(PlannedOrder(spec, _entry_why(trade, spec)) for spec in entries),
        *(PlannedOrder(spec, _cover_why(trade)) for spec in covers),
    )


def _submitted(commands: tuple[Command, ...]) -> tuple[OrderSpec, ...]:
    return tuple(command.spec for command in commands if isinstance(command, SubmitOrder))


def _full_fill(trade: Trade, spec: OrderSpec) -> ReportReceived:
    """The report of an entry that filled completely at its own limit."""
    now = trade.accepted_ns
    px = spec.limit_px if spec.limit_px is not None else trade.plan.signal_px
    return ReportReceived(
        ExecutionReport(
            exec_type=ExecType.TRADE,
            ord_status=OrdStatus.FILLED,
            order_id="1",
            cl_ord_id=spec.cl_ord_id,
            symbol=spec.symbol,
            side=spec.side,
            ord_type=spec.ord_type,
            tif=spec.tif,
            order_qty=spec.order_qty,
            cum_qty=spec.order_qty,
            venue_ns=now,
            recv_ns=now,
            avg_px=px,
            limit_px=spec.limit_px,
            contingency=spec.contingency,
            last_qty=spec.order_qty,
            last_px=px,
            exec_id="1",
        )
    )


def _entry_why(trade: Trade, spec: OrderSpec) -> str:
    seconds = to_text(trade.policy.fill_timeout_ns)
    if trade.is_legacy:
        return "legacy path: a market order without a cap, exits from the signal"
    start = "" if trade.plan.trigger_px is None else "once triggered, "
    if spec.contingency is Contingency.BRACKET:
        return (
            f"{start}crosses up to the worst price, works {seconds} s; stop and target travel with "
            f"it and are moved to the fill, {_anchor_why(trade.plan)}"
        )
    return f"{start}rests at the first limit for {seconds} s, then the rest is cancelled"


def _cover_why(trade: Trade) -> str:
    return f"for every filled share, shown for a full fill at the limit; {_anchor_why(trade.plan)}"


def _anchor_why(plan: TradePlan) -> str:
    if not isinstance(plan.exits, ExitsByDistance):
        return "at the plan's own levels, rounded in the trade's favour"
    risk, ratio = to_usd_text(plan.exits.risk_px), to_text(plan.exits.rr_ppb)
    return f"stop {risk} from the average fill, target {ratio} times as far"
