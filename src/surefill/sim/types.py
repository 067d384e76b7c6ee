"""The words of the venue: requests, refusals, orders as seen from outside, events, views.

What: the values that cross the border of `surefill.sim.exchange.Exchange`. They are neutral: a
protocol face (REST, websocket, in-process broker) translates them and nothing else.
Units: prices ``_px`` and quantities ``_qty`` are ``int`` in 1e-9 USD and 1e-9 share; ``cost`` is
price times quantity in 1e-18 USD; ``_usd`` is 1e-9 USD; times ``_ns`` are UTC nanoseconds.
Invariants: everything here is frozen except `Refusal`, which is an exception.
Must never: hold a wire word or a wire number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from surefill.core.fix import Contingency, Leg, OrdStatus, OrdType, Side, TimeInForce


class RefusalKind(StrEnum):
    """Why the venue refuses a request. The context keys a face may read stand behind each."""

    # Account and position (spec 1.3, 403)
    INSUFFICIENT_BUYING_POWER = "INSUFFICIENT_BUYING_POWER"  # buying_power_usd, cost_usd
    INSUFFICIENT_QTY = "INSUFFICIENT_QTY"
    """symbol, requested_qty, available_qty, existing_qty, held_qty, related_order_ids."""
    WASH_TRADE = "WASH_TRADE"  # existing_order_id, existing: "market/stop" | "limit"
    OPPOSITE_INTENT = "OPPOSITE_INTENT"  # existing_order_id, opening: Side of the refused order
    ACCOUNT_NOT_SHORTABLE = "ACCOUNT_NOT_SHORTABLE"
    ACCOUNT_BLOCKED = "ACCOUNT_BLOCKED"
    LIQUIDATION_ONLY = "LIQUIDATION_ONLY"  # more than six times the equity is held
    FRACTIONAL_DISABLED = "FRACTIONAL_DISABLED"  # by the account's own setting
    DAY_TRADE = "DAY_TRADE"
    NOT_FRACTIONABLE = "NOT_FRACTIONABLE"  # symbol
    # Shape of the request (422, request)
    DUPLICATE_CL_ORD_ID = "DUPLICATE_CL_ORD_ID"  # existing_order_id
    ID_TOO_LONG = "ID_TOO_LONG"
    BAD_QTY = "BAD_QTY"
    BAD_NOTIONAL = "BAD_NOTIONAL"  # below one dollar
    QTY_OR_NOTIONAL = "QTY_OR_NOTIONAL"  # given: "both" | "none"
    BAD_PRICE = "BAD_PRICE"  # field: "limit_px" | "stop_px" | leg fields; not > 0
    LIMIT_PX_MISSING = "LIMIT_PX_MISSING"
    STOP_PX_MISSING = "STOP_PX_MISSING"
    STOP_LIMIT_PX_MISSING = "STOP_LIMIT_PX_MISSING"
    LIMIT_PX_UNWANTED = "LIMIT_PX_UNWANTED"  # ord_type
    STOP_PX_UNWANTED = "STOP_PX_UNWANTED"  # ord_type
    TRAIL_MISSING = "TRAIL_MISSING"  # neither or both of trail_px and trail_ppb
    TRAIL_TOO_SMALL = "TRAIL_TOO_SMALL"
    TRAIL_UNWANTED = "TRAIL_UNWANTED"  # not a trailing stop, or the other unit
    AUCTION_WINDOW = "AUCTION_WINDOW"  # tif
    TIF_ILLEGAL = "TIF_ILLEGAL"  # tif, ord_type, contingency
    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL"  # symbol
    # State and price rules (422, state)
    SUB_PENNY = "SUB_PENNY"  # field, px
    STOP_THROUGH_MARKET = "STOP_THROUGH_MARKET"  # side, stop_px, base_px
    STOP_NOT_BEYOND_BASE = "STOP_NOT_BEYOND_BASE"  # side (of the position: BUY long), base_px
    TARGET_NOT_BEYOND_BASE = "TARGET_NOT_BEYOND_BASE"  # side (of the position), base_px
    LIMIT_TOO_FAR = "LIMIT_TOO_FAR"  # limit_px, base_px
    OUTSIDE_BANDS = "OUTSIDE_BANDS"  # limit_px
    STOP_ENTRY = "STOP_ENTRY"  # contingency
    LEG_ORDER = "LEG_ORDER"  # side (of the position): target is not beyond the stop
    TARGET_MISSING = "TARGET_MISSING"  # contingency
    STOP_LEG_MISSING = "STOP_LEG_MISSING"  # contingency
    LEG_UNWANTED = "LEG_UNWANTED"  # contingency
    NOT_EXIT = "NOT_EXIT"  # OCO must be an exit
    NOT_ENTRY = "NOT_ENTRY"  # bracket and OTO must be entries
    OCO_NOT_LIMIT = "OCO_NOT_LIMIT"
    EXTENDED_ILLEGAL = "EXTENDED_ILLEGAL"  # ord_type, tif, contingency
    FRACTIONAL_NOT_DAY = "FRACTIONAL_NOT_DAY"
    FRACTIONAL_NOT_SIMPLE = "FRACTIONAL_NOT_SIMPLE"
    FRACTIONAL_SHORT = "FRACTIONAL_SHORT"
    NOTIONAL_BESIDE_CLOSE = "NOTIONAL_BESIDE_CLOSE"  # symbol
    NOT_TRADABLE = "NOT_TRADABLE"  # symbol
    NOT_SHORTABLE = "NOT_SHORTABLE"  # symbol
    # Cancel and replace
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"  # order_id or cl_ord_id
    POSITION_NOT_FOUND = "POSITION_NOT_FOUND"  # symbol
    NOT_CANCELABLE = "NOT_CANCELABLE"  # status: OrdStatus, is_leg: bool
    NOT_REPLACEABLE = "NOT_REPLACEABLE"  # status: OrdStatus, not_routed: bool
    ALREADY_REPLACED = "ALREADY_REPLACED"
    PENDING_REPLACE = "PENDING_REPLACE"  # the order, or a member of its group, is being replaced
    CHAIN_NOT_SETTLED = "CHAIN_NOT_SETTLED"  # the order to replace is itself a pending replacement
    UNCHANGED = "UNCHANGED"
    QTY_FIXED = "QTY_FIXED"  # complex orders cannot change quantity
    QTY_NOT_ABOVE_FILLED = "QTY_NOT_ABOVE_FILLED"


@dataclass(eq=False)
class Refusal(Exception):
    """A request refused: nothing changed at the venue (one ``refused`` line in the truth log)."""

    kind: RefusalKind
    context: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        details = " ".join(f"{key}={value}" for key, value in self.context.items())
        return f"{self.kind} {details}".rstrip()


@dataclass(frozen=True, slots=True)
class LegRequest:
    """An exit leg: target with ``limit_px``, stop with ``stop_px`` (and limit for stop-limit)."""

    limit_px: int | None = None
    stop_px: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """One submission. ``side`` is BUY or SELL; the venue decides whether a sale is short.

    OCO: ``limit_px`` may be omitted, the order takes ``take_profit.limit_px``.
    ``order_qty`` is 0 when ``notional_usd`` is given. A trailing stop has ``trail_px`` or
    ``trail_ppb`` (1e-9 of the price) and no other price.
    """

    symbol: str
    side: Side
    ord_type: OrdType
    tif: TimeInForce
    order_qty: int = 0
    notional_usd: int | None = None
    limit_px: int | None = None
    stop_px: int | None = None
    trail_px: int | None = None
    trail_ppb: int | None = None
    contingency: Contingency = Contingency.NONE
    take_profit: LegRequest | None = None
    stop_loss: LegRequest | None = None
    cl_ord_id: str | None = None
    extended_hours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceRequest:
    """Changed terms; ``None`` inherits. ``order_qty`` is the total of the chain (spec 2.4.5).
    ``trail`` is in the unit the order trails by: 1e-9 USD or 1e-9 of a percent."""

    order_qty: int | None = None
    limit_px: int | None = None
    stop_px: int | None = None
    trail: int | None = None
    tif: TimeInForce | None = None
    cl_ord_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """An order as the venue shows it at one instant.

    ``held``: a leg the venue keeps back (unarmed, or armed and watched: see ``armed``).
    ``not_routed``: accepted but not yet at the market (closed session, or first moments).
    ``is_short_sale``: it opens or adds to a short position. ``legs`` is filled for nested reads
    and for the answer to a submission. ``cost`` is 1e-18 USD over ``cum_qty`` without
    ``carried_qty``, which a replaced order had executed. ``hwm_px`` is the best print a trailing
    stop has seen; its ``stop_px`` follows it.
    """

    order_id: str
    cl_ord_id: str
    account: str
    symbol: str
    asset_id: str
    side: Side
    is_short_sale: bool
    is_opening: bool
    ord_type: OrdType
    tif: TimeInForce
    order_qty: int
    notional_usd: int | None
    limit_px: int | None
    stop_px: int | None
    extended_hours: bool
    contingency: Contingency
    parent_id: str | None
    leg: Leg | None
    status: OrdStatus
    held: bool
    armed: bool
    not_routed: bool
    triggered: bool
    working: bool
    cum_qty: int
    cost: int
    leaves_qty: int
    created_ns: int
    submitted_ns: int
    updated_ns: int
    expires_ns: int | None
    filled_ns: int | None
    canceled_ns: int | None
    cancel_requested_ns: int | None
    expired_ns: int | None
    failed_ns: int | None
    replaced_ns: int | None
    replaced_by: str | None
    replaces: str | None
    trail_px: int | None = None
    trail_ppb: int | None = None
    hwm_px: int | None = None
    carried_qty: int = 0
    legs: tuple[OrderSnapshot, ...] = ()

    @property
    def fill_side(self) -> Side:
        """BUY, SELL or SELL_SHORT: the side an execution report of this order names."""
        return Side.SELL_SHORT if self.is_short_sale else self.side


class OrderEventKind(StrEnum):
    """What an event says happened (a face maps these to its own words)."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    HELD = "HELD"
    PARTIAL_FILL = "PARTIAL_FILL"
    FILL = "FILL"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELED = "CANCELED"
    CANCEL_REJECTED = "CANCEL_REJECTED"
    PENDING_REPLACE = "PENDING_REPLACE"
    REPLACED = "REPLACED"
    REPLACE_REJECTED = "REPLACE_REJECTED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    RESTATED = "RESTATED"
    TRADE_BUST = "TRADE_BUST"
    TRADE_CORRECT = "TRADE_CORRECT"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueEvent:
    """One event of the account stream. ``px`` and ``qty`` are this execution (0 when none);
    ``position_qty`` is the signed position after it; ``exec_id`` is unique per event."""

    seq: int
    venue_ns: int
    account: str
    kind: OrderEventKind
    order: OrderSnapshot
    px: int
    qty: int
    position_qty: int
    exec_id: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRecord:
    """One execution. ``side`` is BUY, SELL or SELL_SHORT. ``exec_id`` is the event's."""

    seq: int
    exec_id: str
    venue_ns: int
    account: str
    order_id: str
    cl_ord_id: str
    symbol: str
    side: Side
    px: int
    qty: int
    cum_qty: int
    leaves_qty: int
    order_status: OrdStatus
    position_qty: int
    busted: bool = False
    corrected: bool = False


class OrderScope(StrEnum):
    """Which orders a listing wants. OPEN leaves out held legs unless nested (spec 2.6, 3.6)."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    ALL = "ALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """Listing filter. ``after_ns`` and ``until_ns`` are exclusive, on ``submitted_ns``."""

    scope: OrderScope = OrderScope.OPEN
    limit: int = 50
    after_ns: int | None = None
    until_ns: int | None = None
    after_order_id: str | None = None
    before_order_id: str | None = None
    descending: bool = True
    nested: bool = False
    symbols: frozenset[str] | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelResult:
    """One item of a cancel-all: the id asked for, the order shown (for a leg: its parent with
    nested legs), and the refusal when it could not be canceled."""

    order_id: str
    order: OrderSnapshot
    refusal: Refusal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """A position. ``qty``, ``cost`` and ``market_value_usd`` are negative for a short.

    ``cost`` (1e-18 USD) divided by ``qty`` is the average entry price. ``current_px`` is the last
    print, else the mid; ``None`` when the symbol never traded nor quoted. ``lastday_px`` is the
    last price before the present session.
    """

    symbol: str
    asset_id: str
    marginable: bool
    qty: int
    available_qty: int
    cost: int
    current_px: int | None
    lastday_px: int | None
    market_value_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """What the owner of an account allows: margin 1, 2 or 4, new orders, shorts, fractions."""

    multiplier: int = 4
    suspended: bool = False
    may_short: bool = True
    may_trade_fractions: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account. ``cash_exact`` is 1e-18 USD, the ``_usd`` values are rounded down to 1e-9."""

    account: str
    account_id: str
    created_ns: int
    cash_exact: int
    cash_usd: int
    equity_usd: int
    last_equity_usd: int
    long_value_usd: int
    short_value_usd: int
    initial_margin_usd: int
    maintenance_margin_usd: int
    buying_power_usd: int
    multiplier: int
    blocked: bool
    shorting_enabled: bool
    last_maintenance_usd: int = 0
