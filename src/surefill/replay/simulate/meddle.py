"""What the venue's operator and people in the broker's own screen do to a trade.

What: `meddle`, which does one thing if this is a moment for it and says whether it did; `rest`, an
order of somebody else that has nothing to do with us; `bust_late`, news about what is over.
Must never: reach into the engine; its book is read only to find an honest moment.
"""

from __future__ import annotations

from collections.abc import Callable

from surefill.core.fix import Contingency, Leg, OrdType, Side, TimeInForce
from surefill.core.order import Fill, OrderState
from surefill.core.state import Mode
from surefill.core.trade import Trade
from surefill.core.units import NANO
from surefill.replay.drills import Drills
from surefill.replay.harness import VirtualRun
from surefill.replay.simulate.scenario import Meddled, Meddling
from surefill.sim.types import OrderRequest, Refusal

PX_UNIT = 10_000_000
"""A cent."""
OTHERS_QTY, OTHERS_PX = 5 * NANO, 10 * NANO


def meddle(one: Meddled, run: VirtualRun, drills: Drills) -> bool:
    """Do it if there is something to do it to."""
    if not run.is_alive or run.engine.state.mode is not Mode.READY:
        return False
    if one.what is Meddling.BLOCK_ACCOUNT:
        run.exchange.block_account(run.account, blocked=True)
        return True
    trades = run.engine.book.of_symbol(one.symbol)
    return any(_ACTS[one.what](trade, run, drills) for trade in trades)


def rest(symbol: str, run: VirtualRun) -> None:
    """Somebody else buys, far below any market, in a symbol that is none of ours."""
    run.exchange.venue.assets.note_quote(symbol)
    request = OrderRequest(
        symbol=symbol,
        side=Side.BUY,
        ord_type=OrdType.LIMIT,
        tif=TimeInForce.GTC,
        order_qty=OTHERS_QTY,
        contingency=Contingency.NONE,
        limit_px=OTHERS_PX,
        cl_ord_id=f"screen-{symbol}",
    )
    try:
        run.exchange.submit(run.account, request)
    except Refusal:
        return  # the account is blocked: he has to do without
    run.edge.settle()


def _fill_of(trade: Trade, run: VirtualRun) -> Fill | None:
    """An entry's execution that still stands, also where we were not told of its end."""
    stands = (
        fill
        for order in trade.entries
        for fill in order.fills
        if fill.qty and not run.exchange.venue.fills[fill.exec_id].busted
    )
    return next(stands, None)


def bust_late(run: VirtualRun) -> bool:
    """Take back an entry execution of a trade that is over, its symbol untouched since."""
    if not run.is_alive or run.engine.state.mode is not Mode.READY:
        return False
    book, told = run.engine.book, run.exchange.venue.fills
    for trade in book.watched.newest_first():
        if not trade.is_closed or book.of_symbol(trade.symbol):
            continue
        fills = (fill for order in trade.entries for fill in order.fills if fill.qty)
        fill = next((fill for fill in fills if not told[fill.exec_id].busted), None)
        if fill is not None:
            run.exchange.bust(fill.exec_id)
            run.edge.settle()
            return True
    return False


def _bust(trade: Trade, run: VirtualRun, drills: Drills) -> bool:
    fill = _fill_of(trade, run)
    if fill is None or not trade.position_qty:
        return False
    run.exchange.bust(fill.exec_id)
    run.edge.settle()
    return True


def _correct(trade: Trade, run: VirtualRun, drills: Drills) -> bool:
    fill = _fill_of(trade, run)
    if fill is None or not trade.position_qty or fill.px <= PX_UNIT:
        return False
    run.exchange.correct(fill.exec_id, fill.px - trade.sign * trade.ticks.tick_at(fill.px))
    run.edge.settle()
    return True


def _reject_entry(trade: Trade, run: VirtualRun, drills: Drills) -> bool:
    order = next((o for o in trade.entries if o.state is OrderState.WORKING and o.order_id), None)
    if order is None or order.cum_qty:
        return False
    return _rejected(run, str(order.order_id))


def _reject_stop(trade: Trade, run: VirtualRun, drills: Drills) -> bool:
    is_live = (o for o in trade.orders if o.state is OrderState.WORKING and o.order_id)
    order = next((o for o in is_live if o.leg is Leg.STOP), None)
    if order is None or order.cum_qty:
        return False
    return _rejected(run, str(order.order_id))


def _rejected(run: VirtualRun, order_id: str) -> bool:
    snapshot = run.exchange.order(run.account, order_id)
    if snapshot.leaves_qty <= 0:
        return False
    run.exchange.reject(order_id)
    run.edge.settle()
    return True


def _cancel_leg(trade: Trade, run: VirtualRun, drills: Drills) -> bool:
    """Somebody cancels an exit by hand (R18)."""
    order = next(
        (
            o
            for o in trade.orders
            if o.leg in (Leg.STOP, Leg.TARGET) and o.state is OrderState.WORKING and o.order_id
        ),
        None,
    )
    if order is None or not trade.is_settled or trade.exit_reason is not None:
        return False
    try:
        run.exchange.cancel(run.account, str(order.order_id))
    except Refusal:
        return False
    drills.others |= {o.order_id for o in trade.orders if o.order_id is not None}
    run.edge.settle()
    return True


def _close_outside(trade: Trade, run: VirtualRun, drills: Drills) -> bool:
    """Somebody closes the position by hand (R19)."""
    return drills.close_outside(trade)


_ACTS: dict[Meddling, Callable[[Trade, VirtualRun, Drills], bool]] = {
    Meddling.BUST: _bust,
    Meddling.CORRECT: _correct,
    Meddling.REJECT_ENTRY: _reject_entry,
    Meddling.REJECT_STOP: _reject_stop,
    Meddling.CANCEL_LEG: _cancel_leg,
    Meddling.CLOSE_OUTSIDE: _close_outside,
}
