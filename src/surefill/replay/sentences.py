"""What one record of a trade says, in sentences.

What: `of_moment` compares the trade before and after a record and names every difference that a
trader would want to know: orders sent and why, answers, fills, cover, refusals, alarms.
Invariants: one fact is told once; a reason is told where it first mattered.
Must never: read anything but the moment and the trade's last image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from surefill.core.commands import (
    Announce,
    CancelOrder,
    Command,
    Milestone,
    RaiseAlarm,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.cover import cover_of
from surefill.core.events import (
    Answer,
    EngineStarted,
    InDoubt,
    OperatorActed,
    OrdersRead,
    PositionAdopted,
    RateLimited,
    Rejected,
    RejectKind,
    RequestAnswered,
    Unavailable,
    Verb,
)
from surefill.core.fix import Leg
from surefill.core.ids import parse_cl_ord_id
from surefill.core.market import MarketView
from surefill.core.order import ChildOrder, Fill, OrderState
from surefill.core.plan import ExitsByDistance, ExitsByLevel, TradePlan
from surefill.core.preview import order_text
from surefill.core.reasons import ReasonCode
from surefill.core.trade import Trade, Uncovered
from surefill.core.units import to_text, to_usd_text
from surefill.core.values import replace
from surefill.journal.record import Record
from surefill.replay.retell import Moment
from surefill.runtime.result import result_of

MS_NS = 1_000_000
CENT_OF_RATIO = 10_000_000


class LineKind(StrEnum):
    """What a sentence is about."""

    PLAN = "PLAN"
    ORDER = "ORDER"
    ANSWER = "ANSWER"
    FILL = "FILL"
    COVER = "COVER"
    ALARM = "ALARM"
    OPERATOR = "OPERATOR"
    OUTCOME = "OUTCOME"


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence. ``at_ns``: UTC ns by our clock; ``seq``: the record that it comes from."""

    at_ns: int
    seq: int
    kind: LineKind
    sentence: str


def of_moment(moment: Moment, final: Trade) -> Iterator[Line]:
    """The sentences of one record, in the order in which things happened within it."""
    record, after = moment.record, moment.after
    before = moment.before
    told: list[tuple[LineKind, str]] = []
    if before is None:
        told += [(LineKind.PLAN, text) for text in plan_sentences(after.plan, record)]
        told += [(LineKind.PLAN, text) for text in _terms(after)]
        before = replace(after, orders=(), groups=(), uncovered=Uncovered(), triggered_ns=0)
    told += _event_news(record, before)
    if after.triggered_ns != before.triggered_ns:
        told += _trigger_news(after, record)
    for order in after.orders:
        told += _order_news(before.order(order.key), order, record=record, after=after)
    told += _cover_news(before, after)
    for command in record.commands:
        if getattr(command, "trade_id", None) == final.trade_id:
            told += _command_news(command, after, record=record, final=final)
    return (Line(record.now_ns, record.seq, kind, text) for kind, text in told)


# ----------------------------------------------------------------------------------- the plan


def plan_sentences(plan: TradePlan, record: Record) -> Iterator[str]:
    """What was asked for, and the market that it met."""
    qty = f" {to_text(plan.order_qty)}" if plan.order_qty is not None else ""
    managed = f", {plan.manage}" if str(plan.manage) else ""
    size = f", {to_usd_text(plan.risk_usd)} USD at risk" if plan.risk_usd is not None else ""
    yield (
        f"Plan {plan.plan_id}: {plan.side.value}{qty} {plan.symbol}{size}, signal "
        f"{to_usd_text(plan.signal_px)}, {_exits_text(plan)}{managed}, tactic {plan.tactic}."
    )
    if plan.trigger_px is not None:
        yield (
            f"It waits with us until the {_touch(plan)} comes to {to_usd_text(plan.trigger_px)}; "
            "nothing is at the broker before."
        )
    yield _quote_text(_view_of(plan, record), record.now_ns)


def _view_of(plan: TradePlan, record: Record) -> MarketView | None:
    return next((view for view in record.views if view.symbol == plan.symbol), None)


def _touch(plan: TradePlan) -> str:
    return "bid" if plan.sign > 0 else "ask"


def _exits_text(plan: TradePlan) -> str:
    match plan.exits:
        case ExitsByDistance(risk_px, rr_ppb):
            return f"stop {to_usd_text(risk_px)} from the fill, target {to_text(rr_ppb)} times that"
        case ExitsByLevel(stop_px, target_px):
            return f"stop at {to_usd_text(stop_px)}, target at {to_usd_text(target_px)}"
        case None:
            return "without exits"


def _quote_text(view: MarketView | None, now: int) -> str:
    if view is None or view.nbbo is None:
        return "No quote was known."
    nbbo = view.nbbo
    age_ms = (view.quote_age_ns(now) or 0) // MS_NS
    return (
        f"Quote {to_usd_text(nbbo.bid_px)} x {to_usd_text(nbbo.ask_px)} "
        f"({to_text(nbbo.bid_qty)} x {to_text(nbbo.ask_qty)} shares, {view.feed.value}, "
        f"{age_ms} ms old)."
    )


def _terms(trade: Trade) -> Iterator[str]:
    terms = trade.terms
    if trade.is_legacy:
        yield "Accepted for the legacy path: market order, no cap, exits from the signal."
    else:
        yield (
            f"Accepted for {to_text(terms.order_qty)} shares: first limit "
            f"{to_usd_text(terms.first_limit_px)}, cap {to_usd_text(terms.cap_px)}, worst price "
            f"{to_usd_text(terms.worst_px)}; planned reward/risk {_ratio(terms.rr_planned_ppb)}."
        )
    for note in terms.notes:
        yield f"Note {note}."


# ---------------------------------------------------------------------------- what was learnt


def _trigger_news(after: Trade, record: Record) -> Iterator[tuple[LineKind, str]]:
    plan = after.plan
    yield (
        LineKind.PLAN,
        f"Triggered: the {_touch(plan)} has come to {to_usd_text(plan.trigger_px or 0)}. "
        f"{_quote_text(_view_of(plan, record), record.now_ns)}",
    )


def _event_news(record: Record, before: Trade) -> Iterator[tuple[LineKind, str]]:
    match record.event:
        case RequestAnswered(verb=verb, cl_ord_id=key, answer=answer) as event:
            name = _name_in(before, key)
            took_ms = max(0, event.recv_ns - event.sent_ns) // MS_NS
            text = _answer_text(answer, verb, name)
            if text is not None and verb is Verb.QUERY:
                yield LineKind.ANSWER, f"{text}."  # asked again and again: one sentence for all
            elif text is not None:
                yield LineKind.ANSWER, f"{text} ({took_ms} ms)."
        case OperatorActed(act=act, by=by, why=why, qty=qty, key=key):
            reason = f": {why}" if why else ""
            shares = f" of {to_text(qty)} shares" if qty else ""
            name = f", request {key}" if key else ""
            yield LineKind.OPERATOR, f"{by} asked for {act.value}{shares}{name}{reason}."
        case PositionAdopted(by=by):
            yield LineKind.OPERATOR, f"{by} asked for cover of these shares, which were there."
        case EngineStarted(build=build):
            yield (
                LineKind.OPERATOR,
                f"A new process took over ({build}); what was in flight is in doubt until read.",
            )
        case _:
            pass


def _answer_text(answer: Answer, verb: Verb, name: str) -> str | None:
    """A refusal or a doubt; what was accepted shows in the order itself."""
    match answer:
        case Rejected(kind=RejectKind.NOT_FOUND) if verb is Verb.QUERY:
            return f"The broker does not know {name}"
        case Rejected(kind, text):
            return f"The broker refused to {verb.value.lower()} {name}: {kind.value}, {text}"
        case RateLimited():
            return f"Too many requests; {verb.value.lower()} of {name} waits"
        case Unavailable(text):
            return f"The {verb.value.lower()} of {name} did not leave: {text}"
        case InDoubt(text) if verb is not Verb.QUERY:
            return f"No proof whether the {verb.value.lower()} of {name} took effect: {text}"
        case _:
            return None


def _order_news(
    old: ChildOrder | None, new: ChildOrder, *, record: Record, after: Trade
) -> Iterator[tuple[LineKind, str]]:
    if new.order_id is not None and (old is None or old.order_id is None):
        yield LineKind.ANSWER, _appeared(new, record)
    known = {fill.exec_id: fill for fill in old.fills} if old is not None else {}
    for fill in new.fills:
        text = _fill_text(known.get(fill.exec_id), fill, order=new, after=after)
        if text is not None:
            yield LineKind.FILL, text
    missing = new.unpriced_qty
    if missing > (old.unpriced_qty if old is not None else 0):
        yield (
            LineKind.FILL,
            f"{_capital(name_of(new))}: the broker counts {to_text(missing)} shares more than "
            "its executions show; they are read.",
        )
    is_over = new.state in _ENDS and (old is None or old.state is not new.state)
    if is_over:
        done, asked = to_text(new.cum_qty), to_text(new.spec.order_qty)
        yield (
            LineKind.ANSWER,
            f"{_capital(name_of(new))} is {_ENDS[new.state]}, {done} of {asked} filled.",
        )


_ENDS = {
    OrderState.CANCELED: "cancelled",
    OrderState.EXPIRED: "expired",
    OrderState.REJECTED: "rejected",
    OrderState.REPLACED: "replaced",
}


def _appeared(order: ChildOrder, record: Record) -> str:
    """The broker shows an order for the first time."""
    match record.event:
        case RequestAnswered(sent_ns=sent_ns, recv_ns=recv_ns):
            # A leg comes with the answer to its parent's request.
            where = f"in {max(0, recv_ns - sent_ns) // MS_NS} ms"
        case OrdersRead():
            where = "from a listing"
        case _:
            where = "from the stream"
    if order.is_ours:
        return f"The broker has {name_of(order)}, known {where}."
    return f"The broker made {name_of(order)}: {order_text(order.spec)}, known {where}."


def _fill_text(old: Fill | None, fill: Fill, *, order: ChildOrder, after: Trade) -> str | None:
    name = _capital(name_of(order))
    if fill.busted_qty and (old is None or not old.busted_qty):
        return f"{name}: the venue took back {to_text(fill.busted_qty)} at {_px(fill.px)}."
    if fill == old:
        return None
    if old is not None:
        return (
            f"{name}: the venue corrected {to_text(old.qty)} at {_px(old.px)} to "
            f"{to_text(fill.qty)} at {_px(fill.px)}."
        )
    text = f"{name} filled {to_text(fill.qty)} at {_px(fill.px)}"
    if order.leg is not Leg.ENTRY:
        return f"{text}; {to_text(after.position_qty)} shares left."
    found = result_of(after)
    slippage = found.slippage_vs_signal_bps
    return (
        f"{text}: {to_text(after.entry_qty)} of {to_text(after.terms.order_qty)}, average "
        f"{_px(found.avg_px or 0)}, slippage {slippage:+} bps."
    )


def _cover_news(before: Trade, after: Trade) -> Iterator[tuple[LineKind, str]]:
    was, now = cover_of(before), cover_of(after)
    if not now.position_qty or now.covered_qty == was.covered_qty:
        return
    exits = after.wanted_exits()
    if now.covered_qty > was.covered_qty and not now.uncovered_qty:
        clock, bare = before.uncovered, ""
        if clock.since_ns is not None:
            counted_ns = clock.at_ns - clock.since_ns
            bare_ns = counted_ns + after.uncovered.total_ns - clock.total_ns
            bare = f"; bare for {bare_ns // MS_NS} ms"
        yield (
            LineKind.COVER,
            f"All {to_text(now.position_qty)} shares covered: stop {_px(exits.stop_px)}, "
            f"{_target_text(after)}{bare}.",
        )
    elif now.covered_qty > was.covered_qty:
        yield (
            LineKind.COVER,
            f"{to_text(now.covered_qty)} of {to_text(now.position_qty)} shares covered.",
        )
    elif now.uncovered_qty > was.uncovered_qty:
        yield LineKind.COVER, f"{to_text(now.uncovered_qty)} shares are bare."


def _target_text(after: Trade) -> str:
    is_there = any(o.leg is Leg.TARGET and o.state is OrderState.WORKING for o in after.orders)
    return f"target {_px(after.wanted_exits().target_px)}" if is_there else "no target"


# --------------------------------------------------------------------------- what was decided


def _command_news(
    command: Command, after: Trade, *, record: Record, final: Trade
) -> Iterator[tuple[LineKind, str]]:
    match command:
        case SubmitOrder(_, spec):
            order = after.order(spec.cl_ord_id)
            again = "again, under the same id" if order is not None and order.sends > 1 else ""
            why = again or _why_sent(order, after, final)
            yield LineKind.ORDER, f"Sent {_short(spec.cl_ord_id)}: {order_text(spec)}, {why}."
        case ReplaceOrder(_, key):
            moved = f"{_name_in(after, key)} to {_moved_to(command)}"
            yield LineKind.ORDER, f"Moves {moved}, {_why_moved(command, after, final)}."
        case CancelOrder(_, key):
            old = after.order(key)
            if old is not None and old.cancels == 1:
                yield LineKind.ORDER, f"Cancels {name_of(old)}: {_why_ended(old, after, final)}."
        case RaiseAlarm(_, reason):
            yield LineKind.ALARM, f"ALARM {reason}."
        case Announce(_, Milestone.SETTLED):
            yield LineKind.OUTCOME, _settled_text(after, final)
        case Announce(_, Milestone.CLOSED):
            yield from ((LineKind.OUTCOME, text) for text in _closed_text(final, record))
        case _:
            pass  # reads are routine; what they bring is told


def _why_sent(order: ChildOrder | None, after: Trade, final: Trade) -> str:
    if order is None or order.leg is Leg.ENTRY:
        seconds = to_text(after.deadline_ns - after.started_ns)
        return "legacy path" if after.is_legacy else f"to work for {seconds} s at most"
    if order.leg is Leg.FLATTEN:
        if after.exit_reason is None and after.keep_qty is not None:
            return _part(after)
        reason = after.exit_reason or final.exit_reason
        return f"to close: {reason.sentence}" if reason is not None else "to be flat"
    average = result_of(after).avg_px
    return f"cover for the fill at {_px(average or 0)} on average"


def _moved_to(command: ReplaceOrder) -> str:
    px = command.limit_px if command.limit_px is not None else command.stop_px
    return f"{_px(px or 0)} ({_short(command.new_cl_ord_id)})"


def _why_moved(command: ReplaceOrder, after: Trade, final: Trade) -> str:
    successor = after.order(command.new_cl_ord_id)
    if after.exit_reason is None and after.keep_qty is not None:
        return _part(after)
    reason = after.exit_reason or final.exit_reason
    if successor is not None and successor.leg is Leg.FLATTEN and reason is not None:
        return f"to close: {reason.sentence}"
    return f"where the average fill {_px(result_of(after).avg_px or 0)} puts it"


def _part(trade: Trade) -> str:
    return f"to close a part: {to_text(trade.keep_qty or 0)} shares are to stay"


def _why_ended(order: ChildOrder, after: Trade, final: Trade) -> str:
    if order.leg is Leg.ENTRY:
        return _entry_end(after, final)
    if after.exit_reason is None and after.keep_qty is not None:
        return _part(after)
    reason = after.exit_reason or final.exit_reason
    return reason.sentence if reason is not None else "its place is needed for other exits"


def _settled_text(after: Trade, final: Trade) -> str:
    found, end = result_of(after), _entry_end(after, final)
    if not found.entry_qty:
        return f"Entry over without a share: {end}."
    seconds = to_text(found.uncovered_ns // MS_NS * MS_NS)
    return (
        f"Entry over: {end}; {to_text(found.entry_qty)} shares at {_px(found.avg_px or 0)}, "
        f"bare for {seconds} s in all ({found.uncovered_share_s} share-seconds)."
    )


def _entry_end(after: Trade, final: Trade) -> str:
    """Why the entry was over. A trade handed over later keeps that as its last word."""
    if after.entries and after.entries[-1].state is OrderState.FILLED:
        return "it filled completely"
    reason = after.entry_end or final.entry_end
    is_known = reason is not None and reason.code is not ReasonCode.HANDED_OVER
    return reason.sentence if reason is not None and is_known else "no more is wanted"


def _closed_text(final: Trade, record: Record) -> Iterator[str]:
    if final.closed_ns != record.now_ns:
        yield "Closed, as it seemed then; later news opened it again."
        return
    found = result_of(final)
    why = f": {final.reason.sentence}" if final.reason is not None else ""
    outcome = final.outcome.value if final.outcome is not None else "open"
    if not found.entry_qty:
        yield f"Outcome {outcome}{why}."
        return
    money = f", {to_usd_text(found.pnl_usd)} USD" if found.pnl_usd is not None else ""
    at = f" at {_px(found.exit_avg_px)}" if found.exit_avg_px is not None else ""
    yield f"Outcome {outcome}{at}{money}{why}."
    yield (
        f"Reward/risk: planned {_known(found.rr_planned)}, at the fill against the signal's levels "
        f"{_known(found.rr_at_fill)}, realized {_known(found.r_realized)} R."
    )


# -------------------------------------------------------------------------------------- words

_LEGS = {
    Leg.ENTRY: "entry",
    Leg.TARGET: "target",
    Leg.STOP: "stop",
    Leg.FLATTEN: "closing order",
}


def name_of(order: ChildOrder) -> str:
    """``entry E1``, ``stop S2``; a leg that the broker made has no name of ours."""
    short = f" {_short(order.key)}" if order.is_ours else " leg"
    return f"{_LEGS[order.leg]}{short}"


def _name_in(trade: Trade, key: str) -> str:
    order = trade.order(key)
    return name_of(order) if order is not None else _short(key)


def _short(key: str) -> str:
    parsed = parse_cl_ord_id(key)
    return f"{parsed.leg.value}{parsed.n}" if parsed is not None else key


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _px(nano: int) -> str:
    """A price for people: an average is cut after four decimals."""
    return to_usd_text(nano // 100_000 * 100_000)


def _ratio(ratio_ppb: int) -> str:
    return to_usd_text(ratio_ppb // CENT_OF_RATIO * CENT_OF_RATIO)


def _known(value: Decimal | None) -> str:
    return "?" if value is None else f"{value:.2f}"
