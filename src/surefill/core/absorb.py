"""Taking in what happened: answers, reports and reads become the state of a trade's orders.

What: one function per kind of event; none of them decides what to send.
Invariants: absence is typed (I11): a failed read changes nothing, a "not found" counts only for an
order in doubt; a refusal is final only for what it refused; a report is attributed by broker id, by
client id or by the chain of replacements, and kept as a stray when it may be a leg that we have not
been told of yet (R1, R7, R20).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

from surefill.core.commands import OrderSpec, Priority, QueryPositions
from surefill.core.corrections import check_fill, give_back, settle_disputes
from surefill.core.cover import ARM_NS, bracket_entry, filled_ns, is_held_back
from surefill.core.events import (
    Accepted,
    ExecutionReport,
    FillsRead,
    OrdersRead,
    RateLimited,
    Rejected,
    RejectKind,
    RequestAnswered,
    Unavailable,
    Verb,
)
from surefill.core.fix import Contingency, ExecType, Leg, OrdType
from surefill.core.memory import remembered_once
from surefill.core.order import (
    ChildOrder,
    OrderInput,
    OrderState,
    with_execution,
    with_input,
    with_report,
)
from surefill.core.plan import SECOND_NS
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.trade import Rung, Trade
from surefill.core.turn import CONFIRM_NS, RETRY_NS, Turn, backoff
from surefill.core.units import to_text
from surefill.core.values import replace

UNRELEASED_SENDS = 12
"""Sends of one exit while the broker still reserves its shares: some 6 s, then a human is told."""
HELD_RETRY_NS = 2 * SECOND_NS
"""From then on that cover goes again this often, until whoever holds the shares lets go of them."""
CHANGE_FAILURES_TOLD = 5
"""Refused moves of exits in a row after which a human is told: after some ten seconds."""
STRAYS_MAX = 64


def absorb_answer(turn: Turn, event: RequestAnswered) -> None:
    """The answer to one of this trade's requests."""
    order = turn.trade.order(event.cl_ord_id)
    if order is None:
        return
    match event.verb:
        case Verb.SUBMIT:
            _submit_answered(turn, order, event)
        case Verb.CANCEL:
            if isinstance(event.answer, Rejected) and not order.is_terminal:
                # The answer decides nothing; it only says to look at once.
                turn.update(replace(order, asked_ns=0, asks=0))
        case Verb.REPLACE:
            _replace_answered(turn, order, event)
        case _:
            _query_answered(turn, order, event)


def _submit_answered(turn: Turn, order: ChildOrder, event: RequestAnswered) -> None:
    match event.answer:
        case Accepted(report):
            if report is not None:
                take_report(turn, report)
        case Rejected() as refusal:
            if order.state is not OrderState.WORKING and not order.is_terminal:
                _submit_refused(turn, order, refusal)
        case RateLimited(until_ns):
            _defer(turn, order, until_ns)
        case Unavailable():
            _defer(turn, order, turn.now + backoff(RETRY_NS, order.sends))
        case _:
            if not order.is_terminal:
                doubted = with_input(order, OrderInput.DOUBT)
                turn.update(replace(doubted, asked_ns=0, asks=0, text=event.answer.text))


def _defer(turn: Turn, order: ChildOrder, until_ns: int) -> None:
    if order.is_terminal:
        return
    turn.update(replace(with_input(order, OrderInput.DEFER), not_before_ns=until_ns))


def _submit_refused(turn: Turn, order: ChildOrder, refusal: Rejected) -> None:
    if refusal.kind is RejectKind.DUPLICATE_ID:
        # An earlier copy of this very intent may exist: look, do not conclude (A-29, R21).
        doubted = with_input(order, OrderInput.DOUBT)
        turn.update(replace(doubted, asked_ns=0, asks=0, text=refusal.text))
        return
    if order.leg is Leg.ENTRY:
        _refuse(turn, order, refusal)
        return
    if refusal.kind is RejectKind.WASH_TRADE and order.leg is not Leg.FLATTEN:
        turn.trade = replace(turn.trade, wash_blocked=True)
        _defer(turn, order, turn.now)
        return
    is_short_of_shares = refusal.kind in (RejectKind.QTY_UNAVAILABLE, RejectKind.NOT_AN_EXIT)
    if refusal.kind is not RejectKind.PRICE_THROUGH and order.may_yet_arrive(turn.now):
        _tell_refused(turn, refusal)
        _defer(turn, order, turn.now + SECOND_NS)
        if is_short_of_shares and order.sends % 4 == 3:  # they may be sold: the positions tell
            turn.commands.append(QueryPositions(Priority.EVIDENCE))
        return
    if is_short_of_shares and _waits_for_shares(turn, order, refusal):
        return
    is_closing_pair = order.leg is Leg.FLATTEN and order.spec.contingency is Contingency.OCO
    if is_closing_pair and not is_short_of_shares:
        _refuse(turn, order, refusal)  # the plain one is next, at once
        return
    _tell_refused(turn, refusal)
    if is_closing_pair:
        _drop(turn, order)  # tried again as a pair: no plain order is sent for shares others hold
    else:
        _refuse(turn, order, refusal)
    if order.leg is Leg.FLATTEN:
        turn.trade = replace(turn.trade, closing_failed_ns=turn.now)
    elif refusal.kind is RejectKind.PRICE_THROUGH:
        turn.trade = step_down(replace(turn.trade, rung=Rung.STOP), refusal.text)
    elif order.spec.contingency is not Contingency.OCO or turn.trade.rung is Rung.OCO:
        turn.trade = step_down(
            turn.trade, refusal.text
        )  # else the pairs beside it were refused too


def _waits_for_shares(turn: Turn, order: ChildOrder, refusal: Rejected) -> bool:
    """Send the same intent again later, if that may help.

    Shares are released, and positions booked, a moment after the event (alpaca.md 1.7). Shares that
    stay unavailable are held by an order that is not ours, and where the broker finds nothing to
    exit from they are sold. No other kind of exit would help: a lone stop or a plain sale that
    arrives after that order's execution, and before its message, opens a position, where the broker
    takes no OCO without shares (decision 0016). So cover waits as it is, until the positions are
    read; a closing order is planned anew, at another price.
    """
    is_early = order.sends < UNRELEASED_SENDS
    if not is_early and order.leg is Leg.FLATTEN:
        return False
    pause_ns = backoff(RETRY_NS, order.sends - 1) if is_early else HELD_RETRY_NS
    _defer(turn, order, turn.now + pause_ns)
    if order.sends % 4 == 3:
        turn.commands.append(QueryPositions(Priority.EVIDENCE))
    if order.sends == UNRELEASED_SENDS:
        _tell_refused(turn, refusal)
    return True


def _tell_refused(turn: Turn, refusal: Rejected) -> None:
    rung = turn.trade.rung.value
    turn.alarm(Reason.of(ReasonCode.COVER_REFUSED, rung=rung, text=refusal.text))


def step_down(trade: Trade, text: str) -> Trade:
    """One rung further after a definitive refusal of cover."""
    if trade.rung is Rung.OCO:
        return replace(trade, rung=Rung.STOP)
    reason = Reason.of(ReasonCode.COVER_REFUSED, rung=trade.rung.value, text=text)
    return replace(trade, rung=Rung.FLATTEN, exit_reason=trade.exit_reason or reason)


def _refuse(turn: Turn, order: ChildOrder, refusal: Rejected) -> None:
    turn.update(replace(with_input(order, OrderInput.REJECT), text=refusal.text))


def _replace_answered(turn: Turn, order: ChildOrder, event: RequestAnswered) -> None:
    successor = _successor(turn.trade, order)
    match event.answer:
        case Accepted(report):
            if report is not None:
                take_report(turn, report)
        case Rejected() as refusal:
            turn.update(replace(order, asked_ns=0, asks=0))
            is_early = refusal.kind is RejectKind.PENDING
            _change_failed(turn, refusal.text, unspent=successor if is_early else None)
            if successor is not None:
                _refuse(turn, successor, refusal)
        case RateLimited() | Unavailable():
            _change_failed(turn, type(event.answer).__name__, unspent=successor)
            if successor is not None:
                _drop(turn, successor)
        case _:
            turn.update(replace(order, asked_ns=0, asks=0))
            if successor is not None:
                doubted = with_input(successor, OrderInput.DOUBT)
                turn.update(replace(doubted, text=event.answer.text))


def _change_failed(turn: Turn, text: str, *, unspent: ChildOrder | None = None) -> None:
    """A move of an exit came to nothing; the pause before the next grows (`protection`).

    ``unspent``: a move that was refused because of the moment, not because of what it asked for
    (another change of the group is pending; the venue has no time for us). It is given back to the
    limit of changes (I20), which is against exits that move to and fro: these did not move.
    """
    changes = list(turn.trade.exit_changes)
    if unspent is not None and unspent.sent_ns in changes:
        changes.remove(unspent.sent_ns)
    failures = turn.trade.change_failures + 1
    turn.trade = replace(
        turn.trade,
        exit_changes=tuple(changes),
        change_failed_ns=turn.now,
        change_failures=failures,
    )
    if failures >= CHANGE_FAILURES_TOLD:
        count = CHANGE_FAILURES_TOLD
        turn.alarm(Reason.of(ReasonCode.EXIT_MOVE_REFUSED, count=count, text=text))


def _successor(trade: Trade, order: ChildOrder) -> ChildOrder | None:
    """The replacement under way for this order. A refused one never had an id either."""
    asked = (o for o in trade.orders if o.replaces == order.order_id and o.order_id is None)
    return next((o for o in asked if not o.is_terminal), None)


def _drop(turn: Turn, order: ChildOrder) -> None:
    """An order proven to be without effect, and not wanted any more."""
    deferred = with_input(order, OrderInput.DEFER)
    turn.update(with_input(deferred, OrderInput.DROP))


def _query_answered(turn: Turn, order: ChildOrder, event: RequestAnswered) -> None:
    match event.answer:
        case Accepted(report):
            if report is not None:
                take_report(turn, report)
                _give_up_held(turn, event.sent_ns)
                _note_read(turn, order.key, event.sent_ns)
        case Rejected(kind=RejectKind.NOT_FOUND):
            is_late_cover = order.state is OrderState.IN_FLIGHT and order.leg is not Leg.ENTRY
            is_open_question = order.state is OrderState.IN_DOUBT or is_late_cover
            if is_open_question and event.sent_ns > order.sent_ns:
                _not_found(turn, order, event.sent_ns)
        case _:
            pass  # a read that failed says nothing (I11); `ask` keeps its own distance


def _note_read(turn: Turn, key: str, sent_ns: int) -> None:
    """While the position is in question, remember how fresh our picture of each exit is."""
    order = turn.trade.order(key)
    if order is not None and turn.trade.break_since_ns is not None:
        turn.update(replace(order, read_ns=max(order.read_ns, sent_ns)))


def _give_up_held(turn: Turn, sent_ns: int) -> None:
    """A read, sent long after the fill, still shows every leg of a bracket held: none of them
    protects, so the group is given up and the shares are covered anew (A-20, V20)."""
    for group in turn.trade.groups:
        entry = bracket_entry(turn.trade, group)
        if entry is None or group.is_ended or not is_held_back(turn.trade, group):
            continue
        if sent_ns >= filled_ns(entry) + ARM_NS:
            turn.alarm(Reason.of(ReasonCode.COVER_LOST, qty=to_text(group.qty), by="HELD"))
            turn.update_group(replace(group, is_ended=True))


def _not_found(turn: Turn, order: ChildOrder, sent_ns: int) -> None:
    """A targeted read, newer than the send, does not know the order."""
    if order.leg is Leg.ENTRY:
        since_ns = order.absent_since_ns
        turn.update(
            replace(
                order,
                absent_reads=order.absent_reads + 1,
                absent_since_ns=sent_ns if since_ns is None else since_ns,
            )
        )
    elif order.replaces is not None:
        old = turn.trade.order_by_id(order.replaces)
        if old is not None and (old.is_moving or _lacks_successor(turn.trade, old)):
            turn.ask(old)  # the broker has a move of it: this read came from the past (N8)
            return
        _change_failed(turn, "it never reached the broker")
        _drop(turn, order)
    else:
        # Cover may go again under its own id: the broker refuses a second copy (decision 0003).
        turn.update(replace(order, absent_since_ns=order.absent_since_ns or sent_ns))
        order = turn.trade.order(order.key) or order
        _defer(turn, order, turn.now + backoff(RETRY_NS, order.sends - 1))


def _lacks_successor(trade: Trade, order: ChildOrder) -> bool:
    return order.state is OrderState.REPLACED and not trade.has_successor(order)


def take_report(turn: Turn, report: ExecutionReport) -> bool:
    """Attribute a report to an order of this trade and apply it; False if it is none of ours."""
    order = _owner(turn.trade, report)
    if order is None:
        adopted = _adopt_successor(turn, report)
        if adopted is None:
            return False
        order = adopted
    _apply(turn, order, report)
    for leg in report.legs:
        _take_leg(turn, leg, order.group)
    _replay_strays(turn)
    return True


def _owner(trade: Trade, report: ExecutionReport) -> ChildOrder | None:
    by_id = trade.order_by_id(report.order_id)
    if by_id is not None:
        return by_id
    named = trade.order(report.cl_ord_id)
    return named if named is not None and named.order_id is None else None


def _adopt_successor(turn: Turn, report: ExecutionReport) -> ChildOrder | None:
    """An order that replaces one of ours: the one we asked for, or one that the broker made."""
    if report.replaces is None:
        return None
    old = turn.trade.order_by_id(report.replaces)
    if old is None:
        return None
    asked = _successor(turn.trade, old)
    if asked is not None:
        return asked
    successor = _broker_made(report, leg=old.leg, group=old.group)
    successor = replace(successor, carried_qty=old.cum_qty + old.carried_qty)
    turn.add_order(successor)
    return successor


def _take_leg(turn: Turn, leg: ExecutionReport, group: int) -> None:
    order = _owner(turn.trade, leg) or _adopt_successor(turn, leg)
    if order is None:
        kind = Leg.TARGET if leg.ord_type is OrdType.LIMIT else Leg.STOP
        order = _broker_made(leg, leg=kind, group=group)
        turn.add_order(order)
    _apply(turn, order, leg)


def _broker_made(report: ExecutionReport, *, leg: Leg, group: int) -> ChildOrder:
    """A child order that the broker created and named: a leg, or a replacement of its own."""
    spec = OrderSpec(
        cl_ord_id=report.cl_ord_id,
        symbol=report.symbol,
        side=report.side,
        ord_type=report.ord_type,
        tif=report.tif,
        order_qty=report.order_qty,
        leg=leg,
        limit_px=report.limit_px,
        stop_px=report.stop_px,
        contingency=report.contingency,
    )
    return ChildOrder(key=report.cl_ord_id, spec=spec, group=group, is_ours=False)


def _apply(turn: Turn, order: ChildOrder, report: ExecutionReport) -> None:
    after = with_report(order, report)
    turn.update(after)
    _carry(turn, after)
    give_back(turn, after, order.cum_qty - after.cum_qty)
    if after.state is OrderState.REPLACED and order.state is not OrderState.REPLACED:
        turn.trade = replace(turn.trade, change_failures=0)  # what was pending is not any more
        _expect_successor(turn, after)
    if order.order_id is None and after.replaces is not None:
        _await_predecessor(turn, after.replaces)
    check_fill(turn, after, report)


def _carry(turn: Turn, order: ChildOrder) -> None:
    """What an order executed while its replacement was pending is carried on by that as well: the
    broker counts it in both, and it closed its shares once (R10)."""
    carried_qty = order.cum_qty + order.carried_qty
    for later in turn.trade.orders:
        if order.order_id and later.replaces == order.order_id and later.carried_qty < carried_qty:
            later = replace(later, carried_qty=carried_qty)
            turn.update(later)
            _carry(turn, later)


def _expect_successor(turn: Turn, order: ChildOrder) -> None:
    """An order is replaced, and its moves were put down as lost: one of them was not (I10)."""
    for lost in turn.trade.orders:
        if order.order_id and lost.replaces == order.order_id and lost.state is OrderState.ABSENT:
            doubted = with_input(lost, OrderInput.DOUBT)
            turn.update(replace(doubted, asked_ns=0, asks=0))


def _await_predecessor(turn: Turn, order_id: str) -> None:
    """The stream says within its own delay that the old order is replaced; else it is read (R9)."""
    old = turn.trade.order_by_id(order_id)
    if old is not None and not old.is_terminal:
        turn.update(replace(old, asked_ns=turn.now + CONFIRM_NS, asks=0))


def keep_stray(turn: Turn, report: ExecutionReport) -> None:
    """Keep a report that may turn out to belong to a leg of ours."""
    if len(turn.trade.strays) < STRAYS_MAX and report not in turn.trade.strays:
        turn.trade = replace(turn.trade, strays=(*turn.trade.strays, report))


def _replay_strays(turn: Turn) -> None:
    for stray in turn.trade.strays:
        order = turn.trade.order_by_id(stray.order_id)
        if order is not None:
            rest = tuple(s for s in turn.trade.strays if s is not stray)
            turn.trade = replace(turn.trade, strays=rest)
            _apply(turn, order, stray)


def absorb_listing(turn: Turn, event: OrdersRead, mine: Iterable[ExecutionReport]) -> None:
    """A complete listing: what it shows is news, what it does not show is a reason to look."""
    for report in mine:
        take_report(turn, report)
    shown = shown_ids(event)
    for order in turn.trade.orders:
        if not (event.after_ns < order.sent_ns < event.sent_ns):
            continue
        if order.state is OrderState.IN_DOUBT and order.order_id is None:
            turn.update(replace(order, is_unlisted=order.is_long_absent(event.sent_ns)))
        elif order.state is OrderState.WORKING and order.order_id not in shown:
            turn.ask(order)


@remembered_once
def shown_ids(event: OrdersRead) -> frozenset[str]:
    """Every broker id in a listing; each open trade asks."""
    return frozenset(report.order_id for report in _with_legs(event.orders))


def _with_legs(reports: Iterable[ExecutionReport]) -> Iterable[ExecutionReport]:
    for report in reports:
        yield report
        yield from report.legs


def absorb_fills(turn: Turn, event: FillsRead) -> None:
    """Executions as the broker lists them: the ledger's last word (gap recovery, A-04)."""
    fills = _fills_by_order(event)
    ids = {order.order_id for order in turn.trade.orders if order.order_id in fills}
    mine = [pair for order_id in ids for pair in fills[order_id or ""]]
    for _, report in sorted(mine, key=itemgetter(0)):
        order = next(one for one in turn.trade.orders if one.order_id == report.order_id)
        after = with_execution(order, report)
        turn.update(after)
        _carry(turn, after)
        check_fill(turn, after, report)
    if event.after_ns <= turn.trade.started_ns:
        settle_disputes(turn, event)


@remembered_once
def _fills_by_order(event: FillsRead) -> Mapping[str, Sequence[tuple[int, ExecutionReport]]]:
    """Broker id -> (place in the listing, execution); each open trade asks."""
    found: dict[str, list[tuple[int, ExecutionReport]]] = {}
    for pair in enumerate(event.fills):
        found.setdefault(pair[1].order_id, []).append(pair)
    return found


def is_known_execution(event: FillsRead, order: ChildOrder) -> bool:
    """Whether a listing of executions says nothing of this order that its ledger does not hold."""
    known = {fill.exec_id for fill in order.fills if fill.qty}
    listed = _fills_by_order(event).get(order.order_id or "", ())
    return all(
        report.exec_type is ExecType.TRADE and report.exec_id in known for _, report in listed
    )
