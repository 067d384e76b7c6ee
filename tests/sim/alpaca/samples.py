"""Values of the venue for tests of the face: valid, with what a test cares about on top."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from surefill.core.fix import Contingency, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.units import to_nano
from surefill.sim.types import (
    AccountView,
    FillRecord,
    OrderEventKind,
    OrderSnapshot,
    PositionView,
    VenueEvent,
)
from tests.support.bench import START_NS, SYM

ORDER = OrderSnapshot(
    order_id="11111111-1111-4111-8111-111111111111",
    cl_ord_id="mine",
    account="PA1",
    symbol=SYM,
    asset_id="22222222-2222-4222-8222-222222222222",
    side=Side.BUY,
    is_short_sale=False,
    is_opening=True,
    ord_type=OrdType.LIMIT,
    tif=TimeInForce.DAY,
    order_qty=to_nano(10),
    notional_usd=None,
    limit_px=to_nano("100.5"),
    stop_px=None,
    extended_hours=False,
    contingency=Contingency.NONE,
    parent_id=None,
    leg=None,
    status=OrdStatus.NEW,
    held=False,
    armed=False,
    not_routed=False,
    triggered=False,
    working=True,
    cum_qty=0,
    cost=0,
    leaves_qty=to_nano(10),
    created_ns=START_NS,
    submitted_ns=START_NS + 1_234_567,
    updated_ns=START_NS + 7_654_321,
    expires_ns=None,
    filled_ns=None,
    canceled_ns=None,
    cancel_requested_ns=None,
    expired_ns=None,
    failed_ns=None,
    replaced_ns=None,
    replaced_by=None,
    replaces=None,
)

POSITION = PositionView(
    symbol=SYM,
    asset_id=ORDER.asset_id,
    marginable=True,
    qty=to_nano(10),
    available_qty=to_nano(4),
    cost=to_nano("1000.1") * 10**9,
    current_px=to_nano("99"),
    lastday_px=to_nano("90"),
    market_value_usd=to_nano("990"),
)

ACCOUNT = AccountView(
    account="PA1",
    account_id="33333333-3333-4333-8333-333333333333",
    created_ns=START_NS,
    cash_exact=to_nano("99000.5") * 10**9,
    cash_usd=to_nano("99000.5"),
    equity_usd=to_nano("100000.5"),
    last_equity_usd=to_nano("100000"),
    long_value_usd=to_nano("1000"),
    short_value_usd=to_nano("-500"),
    initial_margin_usd=to_nano("750"),
    maintenance_margin_usd=to_nano("450"),
    buying_power_usd=to_nano("397000"),
    multiplier=4,
    blocked=False,
    shorting_enabled=True,
)

FILL = FillRecord(
    seq=1,
    exec_id="44444444-4444-4444-8444-444444444444",
    venue_ns=START_NS + 1_234_567,
    account="PA1",
    order_id=ORDER.order_id,
    cl_ord_id="mine",
    symbol=SYM,
    side=Side.SELL_SHORT,
    px=to_nano("100.01"),
    qty=to_nano(4),
    cum_qty=to_nano(4),
    leaves_qty=to_nano(6),
    order_status=OrdStatus.PARTIALLY_FILLED,
    position_qty=to_nano(-4),
)


def order(**changes: Any) -> OrderSnapshot:
    """A resting limit buy of ten."""
    return replace(ORDER, **changes)


def event(kind: OrderEventKind, snapshot: OrderSnapshot = ORDER, **changes: Any) -> VenueEvent:
    """An event of that order."""
    plain = VenueEvent(
        seq=5,
        venue_ns=START_NS + 9,
        account="PA1",
        kind=kind,
        order=snapshot,
        px=0,
        qty=0,
        position_qty=0,
        exec_id="55555555-5555-4555-8555-555555555555",
    )
    return replace(plain, **changes)
