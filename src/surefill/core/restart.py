"""What a new process makes of what the journal remembers.

What: `state_at_start`: what has not been read since is unknown. `restarted`, of a trade: what was
in flight is in doubt, what was asked is asked again (I25), and nothing of our own lies in the
future.
Why the last: within a process time never goes back, but the next one may begin on a clock that has
been set back. A request that was "sent tomorrow" is newer than every read until then, so that cover
which was lost stayed in doubt for a day.
Invariants: a trade without times in the future comes out as ever; the venue's times are its own and
stay.
"""

from __future__ import annotations

from typing import Any

from surefill.core.events import EngineStarted
from surefill.core.order import ChildOrder, OrderInput, OrderState, with_input
from surefill.core.plan import SECOND_NS
from surefill.core.state import EngineState, Mode
from surefill.core.trade import Trade
from surefill.core.values import replace

FAR_NS = 86_400 * SECOND_NS
"""When a trade was really accepted is not known then: its orders are looked for a day back, and its
time to enter is over."""
_OF_TRADE = (
    *("break_since_ns", "break_asked_ns", "change_failed_ns", "closing_failed_ns"),
    *("closing_since_ns", "through_since_ns", "ratchet_ns", "held_since_ns", "flat_since_ns"),
)
_OF_ORDER = ("sent_ns", "absent_since_ns", "read_ns")


def state_at_start(state: EngineState, event: EngineStarted) -> EngineState:
    """The engine's memory at the start of a process: nothing is decided before a complete read."""
    return replace(
        state,
        mode=Mode.RECONCILING,
        token=event.token,
        started_ns=event.recv_ns,
        is_stream_up=False,
        account=None,
        instruments=(),
        orders_read_ns=0,
        positions_read_ns=0,
        account_read_ns=0,
    )


def restarted(trade: Trade, now: int) -> Trade:
    """The trade at the start of a process, at ``now`` (UTC ns)."""
    orders = tuple(_after_restart(order, now) for order in trade.orders)
    trade = replace(trade, orders=orders, fills_asked_ns=0, short_ns=0, wake_ns=None)
    if trade.accepted_ns > now:
        trade = replace(trade, accepted_ns=now - FAR_NS, deadline_ns=now)
    changes = tuple(at_ns for at_ns in trade.exit_changes if at_ns <= now)
    late = _present(trade, _OF_TRADE, now)
    if not late and changes == trade.exit_changes:
        return trade
    return replace(trade, exit_changes=changes, **late)


def _after_restart(order: ChildOrder, now: int) -> ChildOrder:
    if order.is_terminal:
        return order
    if order.state is OrderState.IN_FLIGHT:
        order = with_input(order, OrderInput.DOUBT)
    order = replace(order, asked_ns=0, asks=0, cancel_ns=None, not_before_ns=0)
    late = _present(order, _OF_ORDER, now)
    return replace(order, **late) if late else order


def _present(value: object, names: tuple[str, ...], now: int) -> dict[str, Any]:
    """Of these times the ones that are in the future, as of now."""
    return {name: now for name in names if (getattr(value, name) or 0) > now}
