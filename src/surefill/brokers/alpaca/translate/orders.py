"""Alpaca's orders, executions, positions and account to the core's reports.

What: each function turns one JSON record into a value of `core.events`, or into `Unreadable`.
Why: B-09 and N7: statuses, types and events are closed tables here, and a word outside them is an
error value that the caller reports, never a default and never an exception.
Invariants: quantities are exact; only the broker's own average is cut to nine decimals, downward;
``held`` is NEW with ``working = False`` (style.md glossary); an execution is keyed by Alpaca's
execution id, the uuid part of a FILL activity's id, so stream and REST agree on it (I24).
Must never: invent a price, a quantity or a status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Raw

from surefill.brokers.alpaca.translate.times import first_ns, to_ns
from surefill.brokers.alpaca.wire import (
    AccountWire,
    FillWire,
    OrderKey,
    OrderWire,
    PositionWire,
    Unreadable,
    UpdateWire,
    WireError,
    attempt,
    decode,
    exact,
    exact_or_none,
    floor_or_none,
    lone_number,
    not_negative,
    positive,
    printable,
    split,
)
from surefill.core.events import Account, ExecutionReport, Position
from surefill.core.fix import Contingency, ExecType, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.values import replace

STATUSES: Mapping[str, OrdStatus] = {
    "accepted": OrdStatus.PENDING_NEW,
    "accepted_for_bidding": OrdStatus.PENDING_NEW,
    "pending_review": OrdStatus.PENDING_NEW,
    "pending_new": OrdStatus.PENDING_NEW,
    "new": OrdStatus.NEW,
    "held": OrdStatus.NEW,  # with working = False: the leg waits for its trigger
    "partially_filled": OrdStatus.PARTIALLY_FILLED,
    "filled": OrdStatus.FILLED,
    "done_for_day": OrdStatus.DONE_FOR_DAY,
    "canceled": OrdStatus.CANCELED,
    "expired": OrdStatus.EXPIRED,
    "replaced": OrdStatus.REPLACED,
    "rejected": OrdStatus.REJECTED,
    "pending_cancel": OrdStatus.PENDING_CANCEL,
    "pending_replace": OrdStatus.PENDING_REPLACE,
    "stopped": OrdStatus.STOPPED,
    "suspended": OrdStatus.SUSPENDED,
    "calculated": OrdStatus.CALCULATED,
}
EVENTS: Mapping[str, ExecType] = {
    "accepted": ExecType.PENDING_NEW,
    "pending_new": ExecType.PENDING_NEW,
    "new": ExecType.NEW,
    "held": ExecType.NEW,
    "partial_fill": ExecType.TRADE,
    "fill": ExecType.TRADE,
    "canceled": ExecType.CANCELED,
    "expired": ExecType.EXPIRED,
    "done_for_day": ExecType.DONE_FOR_DAY,
    "replaced": ExecType.REPLACED,
    "rejected": ExecType.REJECTED,
    "pending_cancel": ExecType.PENDING_CANCEL,
    "pending_replace": ExecType.PENDING_REPLACE,
    "order_cancel_rejected": ExecType.CANCEL_REJECTED,
    "order_replace_rejected": ExecType.REPLACE_REJECTED,
    "stopped": ExecType.STOPPED,
    "suspended": ExecType.SUSPENDED,
    "calculated": ExecType.CALCULATED,
    "restated": ExecType.RESTATED,
    "trade_bust": ExecType.TRADE_CANCEL,
    "trade_correct": ExecType.TRADE_CORRECT,
}
TYPES: Mapping[str, OrdType] = {
    "market": OrdType.MARKET,
    "limit": OrdType.LIMIT,
    "stop": OrdType.STOP,
    "stop_limit": OrdType.STOP_LIMIT,
    "trailing_stop": OrdType.TRAILING_STOP,
}
TIFS: Mapping[str, TimeInForce] = {
    "day": TimeInForce.DAY,
    "gtc": TimeInForce.GTC,
    "ioc": TimeInForce.IOC,
    "fok": TimeInForce.FOK,
    "opg": TimeInForce.OPG,
    "cls": TimeInForce.CLS,
}
CONTINGENCIES: Mapping[str, Contingency] = {
    "": Contingency.NONE,  # simple orders carry an empty string, newer payloads the word
    "simple": Contingency.NONE,
    "oco": Contingency.OCO,
    "oto": Contingency.OTO,
    "bracket": Contingency.BRACKET,
}
SIDES: Mapping[str, Side] = {
    "buy": Side.BUY,
    "sell": Side.SELL,
    "sell_short": Side.SELL_SHORT,
}
EXECUTIONS = frozenset({ExecType.TRADE, ExecType.TRADE_CORRECT})
"""Events that mean nothing without their own price and quantity."""

FOREIGN_CLASSES = frozenset({"crypto", "crypto_perp", "us_option"})
"""Asset classes that we never trade: an unreadable order of theirs cannot hide one of ours."""

LEG_DEPTH_MAX = 2
"""A bracket is one level deep; deeper nesting is nonsense."""

BLOCKED_STATUSES_EXCEPT = "ACTIVE"


def order_report(raw: bytes | Raw, recv_ns: int) -> ExecutionReport | Unreadable:
    """An order as REST shows it, legs included."""
    return attempt("order", lambda: _order(decode(OrderWire, raw), recv_ns, depth=0))


def update_report(raw: bytes | Raw, recv_ns: int) -> ExecutionReport | Unreadable:
    """One trade update of the stream.

    An unknown event, or an execution whose numbers cannot be read, becomes the state of its order
    (ORDER_STATUS) with the event's word in ``text``: evidence without a ledger entry (A-04).
    """
    return attempt("trade update", lambda: _update(decode(UpdateWire, raw), recv_ns))


def fill_report(
    raw: bytes | Raw, recv_ns: int, known: Mapping[str, ExecutionReport]
) -> ExecutionReport | Unreadable:
    """A FILL activity. ``known``: order id -> a report of that order, from elsewhere.

    The activity itself names neither type, time in force nor client id. Where ``known`` lacks the
    order, ``cl_ord_id`` is empty and type and time in force are MARKET and DAY without meaning.
    """
    return attempt("activity", lambda: _fill(decode(FillWire, raw), recv_ns, known))


def position(raw: bytes | Raw) -> Position | Unreadable:
    """A position, signed."""
    return attempt("position", lambda: _position(decode(PositionWire, raw)))


def account(raw: bytes | Raw) -> Account | Unreadable:
    """The account; every number that cannot be read is ``None`` (A-19)."""
    return attempt("account", lambda: _account(decode(AccountWire, raw)))


def items(raw: bytes | Raw, what: str) -> list[Raw] | Unreadable:
    """The records of a listing, each still to be read."""
    return attempt(what, lambda: split(raw))


def order_key(raw: Raw) -> OrderKey | Unreadable:
    """Id, submission time and asset class of an order that may be otherwise unreadable."""
    return attempt("order", lambda: decode(OrderKey, raw))


def is_foreign(key: OrderKey) -> bool:
    """Whether this order provably cannot be ours: another asset class, or a multi-leg order."""
    return key.asset_class in FOREIGN_CLASSES or key.order_class == "mleg"


def with_headers(
    fills: Iterable[ExecutionReport], known: Mapping[str, ExecutionReport]
) -> tuple[ExecutionReport, ...]:
    """The executions with what ``known`` (order id -> report) says of their orders."""
    return tuple(
        _with_header(fill, known[fill.order_id]) if fill.order_id in known else fill
        for fill in fills
    )


def _word(table: Mapping[str, object], word: str | None, name: str) -> str:
    if word is None:
        raise WireError(f"{name} is missing")
    if word not in table:
        raise WireError(f"{name} is unknown: {printable(word)}")
    return word


def _side(order: OrderWire) -> Side:
    side = SIDES[_word(SIDES, order.side, "side")]
    if side is Side.SELL and order.position_intent == "sell_to_open":
        return Side.SELL_SHORT
    return side


def _order(order: OrderWire, recv_ns: int, *, depth: int) -> ExecutionReport:
    if depth >= LEG_DEPTH_MAX:
        raise WireError("legs are nested too deeply")
    type_word = order.type if order.type is not None else order.order_type
    cum_qty = not_negative(exact(order.filled_qty, "filled_qty"), "filled_qty")
    legs = tuple(
        _order(decode(OrderWire, leg), recv_ns, depth=depth + 1) for leg in order.legs or ()
    )
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        ord_status=STATUSES[_word(STATUSES, order.status, "status")],
        order_id=order.id,
        cl_ord_id=order.client_order_id,
        symbol=order.symbol,
        side=_side(order),
        ord_type=TYPES[_word(TYPES, type_word, "type")],
        tif=TIFS[_word(TIFS, order.time_in_force, "time_in_force")],
        order_qty=_order_qty(order, cum_qty),
        cum_qty=cum_qty,
        venue_ns=first_ns(
            (order.updated_at, "updated_at"),
            (order.submitted_at, "submitted_at"),
            (order.created_at, "created_at"),
        ),
        recv_ns=recv_ns,
        avg_px=_price(
            floor_or_none(order.filled_avg_price, "filled_avg_price"), "filled_avg_price"
        ),
        limit_px=_price(exact_or_none(order.limit_price, "limit_price"), "limit_price"),
        # A trailing stop's own price is shown unrounded; nobody sends it back.
        stop_px=_price(floor_or_none(order.stop_price, "stop_price"), "stop_price"),
        contingency=CONTINGENCIES[_word(CONTINGENCIES, order.order_class or "", "order_class")],
        working=order.status != "held",
        submitted_ns=to_ns(order.submitted_at, "submitted_at") if order.submitted_at else 0,
        replaces=order.replaces,
        replaced_by=order.replaced_by,
        legs=legs,
    )


def _order_qty(order: OrderWire, cum_qty: int) -> int:
    """A notional order (never one of ours) has no quantity: what it executed is all we know."""
    if order.qty is None and order.notional is not None:
        return cum_qty
    order_qty = positive(exact(order.qty, "qty"), "qty")
    if cum_qty > order_qty:
        raise WireError("filled_qty is more than qty")
    return order_qty


def _price(px: int | None, name: str) -> int | None:
    return None if px is None else not_negative(px, name)


def _positive_number(raw: Raw) -> int | None:
    number = lone_number(raw)
    if number is None or number <= 0:
        return None
    found = attempt("number", lambda: exact(number, "number"))
    return found if isinstance(found, int) else None


def _signed_number(raw: Raw) -> int | None:
    number = lone_number(raw)
    found = attempt("number", lambda: exact(number, "number"))
    return found if isinstance(found, int) else None


def _update(update: UpdateWire, recv_ns: int) -> ExecutionReport:
    order = _order(decode(OrderWire, update.order), recv_ns, depth=0)
    exec_type = EVENTS.get(update.event)
    venue_ns = to_ns(update.timestamp or update.at, "timestamp") if _is_timed(update) else None
    report = replace(
        order,
        venue_ns=order.venue_ns if venue_ns is None else venue_ns,
        position_qty=_signed_number(update.position_qty),
        text=printable(update.reason or ""),
    )
    if exec_type is None:
        return replace(report, text=printable(f"unknown event: {update.event}"))
    # A bust or a correction speaks of an earlier execution: that one's id is the key.
    exec_id = update.previous_execution_id or update.execution_id
    if exec_type is ExecType.TRADE_CANCEL:
        if not exec_id:
            return replace(report, text="trade_bust without an execution id")
        return replace(
            report, exec_type=exec_type, exec_id=exec_id, last_qty=_positive_number(update.qty)
        )
    if exec_type not in EXECUTIONS:
        return replace(report, exec_type=exec_type, exec_id=update.execution_id)
    last_px, last_qty = _positive_number(update.price), _positive_number(update.qty)
    if not exec_id or last_px is None or last_qty is None:
        return replace(report, text=f"{printable(update.event)} without readable numbers")
    return replace(report, exec_type=exec_type, exec_id=exec_id, last_px=last_px, last_qty=last_qty)


def _is_timed(update: UpdateWire) -> bool:
    return update.timestamp is not None or update.at is not None


def is_incomplete(report: ExecutionReport) -> bool:
    """Whether a stream report lost what it was sent for: the executions must be read by REST."""
    return report.exec_type is ExecType.ORDER_STATUS


def _fill(fill: FillWire, recv_ns: int, known: Mapping[str, ExecutionReport]) -> ExecutionReport:
    _, found, exec_id = fill.id.partition("::")
    if not found or not exec_id:
        raise WireError(f"id has no execution id: {printable(fill.id)}")
    cum_qty = positive(exact(fill.cum_qty, "cum_qty"), "cum_qty")
    leaves_qty = not_negative(exact(fill.leaves_qty, "leaves_qty"), "leaves_qty")
    status = fill.order_status or ("partially_filled" if leaves_qty else "filled")
    report = ExecutionReport(
        exec_type=ExecType.TRADE,
        ord_status=STATUSES[_word(STATUSES, status, "order_status")],
        order_id=fill.order_id,
        cl_ord_id="",
        symbol=fill.symbol,
        side=SIDES[_word(SIDES, fill.side, "side")],
        ord_type=OrdType.MARKET,
        tif=TimeInForce.DAY,
        order_qty=cum_qty + leaves_qty,
        cum_qty=cum_qty,
        venue_ns=to_ns(fill.transaction_time, "transaction_time"),
        recv_ns=recv_ns,
        last_qty=positive(exact(fill.qty, "qty"), "qty"),
        last_px=positive(exact(fill.price, "price"), "price"),
        exec_id=exec_id,
    )
    order = known.get(fill.order_id)
    return report if order is None else _with_header(report, order)


def _with_header(fill: ExecutionReport, order: ExecutionReport) -> ExecutionReport:
    return replace(
        fill,
        cl_ord_id=order.cl_ord_id,
        ord_type=order.ord_type,
        tif=order.tif,
        order_qty=order.order_qty,
        limit_px=order.limit_px,
        stop_px=order.stop_px,
        contingency=order.contingency,
        submitted_ns=order.submitted_ns,
    )


def _position(wire: PositionWire) -> Position:
    qty = exact(wire.qty, "qty")
    if wire.side not in ("long", "short"):
        raise WireError(f"side is unknown: {printable(str(wire.side))}")
    if wire.side == "long":
        not_negative(qty, "qty of a long position")
    signed = -abs(qty) if wire.side == "short" else qty
    return Position(wire.symbol, signed, floor_or_none(wire.avg_entry_price, "avg_entry_price"))


def _account(wire: AccountWire) -> Account:
    flags = (wire.trading_blocked, wire.account_blocked, wire.trade_suspended_by_user)
    return Account(
        account_id=wire.account_number or wire.id,
        equity_usd=_money(wire.equity),
        last_equity_usd=_money(wire.last_equity),
        buying_power_usd=_money(wire.buying_power),
        shorting_enabled=wire.shorting_enabled is True,
        is_blocked=any(flags) or wire.status != BLOCKED_STATUSES_EXCEPT,
    )


def _money(raw: Raw) -> int | None:
    number: Decimal | None = lone_number(raw)
    found = attempt("number", lambda: floor_or_none(number, "number"))
    return found if isinstance(found, int) else None


def activity_id(raw: Raw) -> str | Unreadable:
    """The whole id of an activity: the token that the next page follows."""
    return attempt("activity", lambda: decode(FillWire, raw).id)
