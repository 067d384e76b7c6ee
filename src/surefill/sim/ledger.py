"""The books of one account: cash, positions, reservations, buying power.

What: `Ledger` holds exact integers; executions move cash and position together. Closing orders
hold shares, opening orders hold buying power; shares of a canceled order come back later.
Why: "cancel, then sell at once" is refused by the real broker for some 78 ms (spec 1.7), and an
executor has to live with it.
Invariants: cash is exact in 1e-18 USD: opening cash - sum(side sign * px * qty) - fees. What is
held is derived from the open orders at each question, never counted twice or forgotten.
Formula (U14, the post-2026 margin rule is not published): buying power = multiplier * equity -
gross exposure - cost of open opening orders, not below zero; multiplier 1: cash instead of equity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from surefill.core.units import NANO
from surefill.sim.orders import OrderGroup, VenueOrder

MIN_MARGIN_EQUITY_USD = 2_000 * NANO
"""Below this equity an account has no margin and may not short (spec 1.7)."""

GROSS_PER_EQUITY_MAX = 6
"""An account with more exposure than that may only close (spec 1.7: 600 %)."""

MAINTENANCE_PPB = 300_000_000
"""Maintenance margin of a position: 30 % (spec 7); initial margin is 50 %."""

MarkPx = Callable[[str], int | None]
"""Current price (1e-9 USD) of a symbol; ``None`` when it never traded nor quoted."""


@dataclass(slots=True)
class Position:
    """``qty`` signed, 1e-9 share; ``cost`` signed, 1e-18 USD paid for what is held."""

    qty: int = 0
    cost: int = 0

    def add(self, signed_qty: int, px: int) -> None:
        """Book an execution; reducing takes out cost in proportion, rounded down."""
        same_direction = self.qty * signed_qty >= 0
        if same_direction:
            self.qty += signed_qty
            self.cost += signed_qty * px
            return
        if abs(signed_qty) >= abs(self.qty):
            rest_qty = self.qty + signed_qty
            self.qty, self.cost = rest_qty, rest_qty * px
            return
        self.cost -= self.cost * abs(signed_qty) // abs(self.qty)
        self.qty += signed_qty


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of an account's books. ``cash`` (1e-18 USD, without the fee) and ``signed_qty`` are
    what it changed; ``fee`` is 1e-18 USD, paid out of cash."""

    at_ns: int
    kind: str
    symbol: str
    signed_qty: int
    cash: int
    fee: int = 0


class Ledger:
    """One account. ``open_orders``: symbol -> order id -> live order (pending replacements wait
    outside until they are in force)."""

    def __init__(
        self, *, account: str, account_id: str, cash_usd: int, multiplier: int, created_ns: int
    ) -> None:
        self.account = account
        self.account_id = account_id
        self.created_ns = created_ns
        self.opening_cash = cash_usd * NANO
        self.cash = cash_usd * NANO
        self.fees = 0
        self.multiplier = multiplier
        self.blocked = False
        self.suspended = False
        self.may_short = True
        self.may_trade_fractions = True
        self.last_equity = self.cash
        self.last_maintenance = 0
        self.positions: dict[str, Position] = {}
        self.open_orders: dict[str, dict[str, VenueOrder]] = {}
        self.releasing_qty: dict[str, int] = {}
        self.entries: list[Entry] = []

    # --- orders ---------------------------------------------------------------------------

    def add_order(self, order: VenueOrder) -> None:
        """The order is live from now on."""
        self.open_orders.setdefault(order.symbol, {})[order.order_id] = order

    def drop_order(self, order: VenueOrder) -> None:
        """The order is terminal."""
        self.open_orders.get(order.symbol, {}).pop(order.order_id, None)

    def live_orders(self, symbol: str) -> list[VenueOrder]:
        """Live orders of a symbol, oldest first."""
        return list(self.open_orders.get(symbol, {}).values())

    # --- shares ---------------------------------------------------------------------------

    def position_qty(self, symbol: str) -> int:
        """Signed position, 1e-9 share."""
        position = self.positions.get(symbol)
        return position.qty if position else 0

    def ordered_qty(self, symbol: str) -> int:
        """Shares held by live closing orders; a group counts once."""
        groups: list[OrderGroup] = []
        total_qty = 0
        for order in self.live_orders(symbol):
            if order.is_opening:
                continue
            if order.group is None:
                total_qty += order.reserved_qty()
            elif not any(order.group is known for known in groups):
                groups.append(order.group)
                total_qty += order.group.reserved_qty()
        return total_qty

    def held_qty(self, symbol: str) -> int:
        """Shares not available: live closing orders plus those not yet released."""
        return self.ordered_qty(symbol) + self.releasing_qty.get(symbol, 0)

    def available_qty(self, symbol: str) -> int:
        """Unsigned shares a new closing order may use."""
        return max(0, abs(self.position_qty(symbol)) - self.held_qty(symbol))

    def hold_back(self, symbol: str, qty: int) -> None:
        """Shares of an ended order stay held until `release`."""
        self.releasing_qty[symbol] = self.releasing_qty.get(symbol, 0) + qty

    def release(self, symbol: str, qty: int) -> None:
        """Give back shares held by `hold_back`."""
        rest_qty = self.releasing_qty.get(symbol, 0) - qty
        assert rest_qty >= 0, f"released more {symbol} than was held back"
        self.releasing_qty[symbol] = rest_qty

    # --- money ----------------------------------------------------------------------------

    def book(self, symbol: str, *, signed_qty: int, px: int, fee: int = 0, at_ns: int = 0) -> None:
        """Book an execution (or, with the sign turned, its reversal). ``fee`` in 1e-18 USD."""
        self.positions.setdefault(symbol, Position()).add(signed_qty, px)
        self._enter(
            "execution", symbol, at_ns, signed_qty=signed_qty, cash=-signed_qty * px, fee=fee
        )

    def book_correction(self, symbol: str, *, cash: int, cost: int, at_ns: int) -> None:
        """Another price of an execution: ``cash`` and the position's ``cost`` change, 1e-18 USD."""
        self.positions[symbol].cost += cost
        self._enter("correction", symbol, at_ns, cash=cash)

    def book_action(self, symbol: str, *, new: int, old: int, amount_usd: int, at_ns: int) -> None:
        """``new`` shares for ``old`` at the same cost; ``amount_usd`` (1e-9) a share in cash."""
        position = self.positions[symbol]
        cash = position.qty * amount_usd
        change_qty = position.qty * new // old - position.qty
        position.qty += change_qty
        kind = "split" if new != old else "dividend"
        self._enter(kind, symbol, at_ns, signed_qty=change_qty, cash=cash)

    def book_borrow(self, symbol: str, *, fee: int, at_ns: int) -> None:
        """The fee (1e-18 USD) of a short position held over night."""
        self._enter("borrow", symbol, at_ns, cash=0, fee=fee)

    def _enter(
        self, kind: str, symbol: str, at_ns: int, *, signed_qty: int = 0, cash: int, fee: int = 0
    ) -> None:
        self.cash += cash - fee
        self.fees += fee
        self.entries.append(
            Entry(at_ns=at_ns, kind=kind, symbol=symbol, signed_qty=signed_qty, cash=cash, fee=fee)
        )

    def reserved_cost(self) -> int:
        """1e-18 USD held by live opening orders, the larger one during a replacement."""
        total = 0
        for orders in self.open_orders.values():
            for order in orders.values():
                if order.is_opening:
                    total += _order_cost(order)
        return total

    def values(self, mark_px: MarkPx) -> tuple[int, int]:
        """Market value of the longs and (negative) of the shorts, 1e-18 USD."""
        long_value = short_value = 0
        for symbol, position in self.positions.items():
            px = mark_px(symbol)
            value = position.cost if px is None else position.qty * px
            if position.qty >= 0:
                long_value += value
            else:
                short_value += value
        return long_value, short_value

    def equity(self, mark_px: MarkPx) -> int:
        """Cash plus market value, 1e-18 USD."""
        return self.cash + sum(self.values(mark_px))

    def maintenance(self, mark_px: MarkPx) -> int:
        """Maintenance margin of the positions, 1e-18 USD."""
        long_value, short_value = self.values(mark_px)
        return (long_value - short_value) * MAINTENANCE_PPB // NANO

    def has_margin(self, mark_px: MarkPx) -> bool:
        """Whether the account may borrow and short."""
        return self.multiplier > 1 and self.equity(mark_px) >= MIN_MARGIN_EQUITY_USD * NANO

    def is_overextended(self, mark_px: MarkPx) -> bool:
        """Whether gross exposure is above 600 % of the equity: only closing orders then."""
        if not self.positions:
            return False
        long_value, short_value = self.values(mark_px)
        gross = long_value - short_value
        return gross > 0 and gross > GROSS_PER_EQUITY_MAX * (self.cash + long_value + short_value)

    def buying_power(self, mark_px: MarkPx, *, from_last_close: bool = False) -> int:
        """1e-18 USD available for opening orders, >= 0 (formula: module docstring).
        ``from_last_close``: the legacy base, last equity minus last maintenance margin."""
        long_value, short_value = self.values(mark_px)
        if not self.has_margin(mark_px):
            return max(0, self.cash - self.reserved_cost())
        equity = self.cash + long_value + short_value
        if from_last_close:
            equity = self.last_equity - self.last_maintenance
        used = long_value - short_value + self.reserved_cost()
        return max(0, self.multiplier * equity - used)


def _order_cost(order: VenueOrder) -> int:
    """1e-18 USD that a live opening order holds. Asked for every open order at each submission,
    hence without the properties of an order."""
    cost = order.reserve_px * (order.order_qty - order.cum_qty - order.busted_qty)
    successor = order.successor
    if successor is None:
        return cost
    return max(cost, successor.reserve_px * (successor.order_qty - order.cum_qty))
