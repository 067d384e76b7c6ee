"""Which market prices can wake anybody in a book: far from every order, a quote costs nothing.

What: `reach_of` looks at the orders once; `Reach` answers for every quote and print until an order
comes, goes or changes its state.
Why: most quotes reach nobody; looking at every order each time took two thirds of a core at 5,000
quotes a second on 1,000 orders (docs/reports).
Invariants: it may say "wakes" for nothing, never the other way round: what the book does with a
price that wakes nobody is nothing. Nobody changes limit or stop of an order at the market but a
trailing stop's print.
Must never: decide an execution.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from surefill.core.fix import OrdType, Side, TimeInForce
from surefill.core.market import Nbbo
from surefill.sim.orders import VenueOrder

FAR_PX = 1 << 62
"""Above every price."""

SWEEPING = frozenset({OrdType.MARKET, OrdType.STOP, OrdType.TRAILING_STOP})
"""Types that go on taking at the touch once they are at the market."""
AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
"""Orders that have one chance only."""


@dataclass(slots=True)
class Reach:
    """Best limits and nearest stops, 1e-9 USD. ``restless``: somebody wants to see every quote;
    ``trails``: somebody wants to see every print."""

    top_buy_px: int = -1
    low_sell_px: int = FAR_PX
    low_buy_stop_px: int = FAR_PX
    top_sell_stop_px: int = -1
    restless: bool = False
    trails: bool = False

    def quote_wakes(self, nbbo: Nbbo) -> bool:
        """Whether a quote touches a limit: from the far side, or from its own (the queue)."""
        if self.restless:
            return True
        bid_px, ask_px = nbbo.bid_px, nbbo.ask_px
        if self.top_buy_px >= 0 and (bid_px <= self.top_buy_px or 0 < ask_px <= self.top_buy_px):
            return True
        return self.low_sell_px < FAR_PX and (
            ask_px <= 0 or ask_px >= self.low_sell_px or bid_px >= self.low_sell_px
        )

    def print_trades(self, px: int) -> bool:
        """Whether a print is at or through a limit."""
        return px <= self.top_buy_px or px >= self.low_sell_px

    def print_elects(self, px: int) -> bool:
        """Whether a print is at or through a stop."""
        return px >= self.low_buy_stop_px or px <= self.top_sell_stop_px


def reach_of(orders: Iterable[VenueOrder]) -> Reach:
    """Look at everybody at the market."""
    reach = Reach()
    for order in orders:
        is_buy = order.side is Side.BUY
        if order.is_dormant_stop:
            reach.trails = reach.trails or order.ord_type is OrdType.TRAILING_STOP
            if order.stop_px is not None and is_buy:
                reach.low_buy_stop_px = min(reach.low_buy_stop_px, order.stop_px)
            elif order.stop_px is not None:
                reach.top_sell_stop_px = max(reach.top_sell_stop_px, order.stop_px)
            continue
        limit_px = order.limit_px
        if limit_px is not None and is_buy:
            reach.top_buy_px = max(reach.top_buy_px, limit_px)
        elif limit_px is not None:
            reach.low_sell_px = min(reach.low_sell_px, limit_px)
        if not order.rested or order.ord_type in SWEEPING or order.tif in AT_ONCE:
            reach.restless = True
    return reach
