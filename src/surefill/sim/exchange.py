"""The exchange: accounts, orders and a market on one clock, deterministic and without I/O.

What: the facade of the simulated venue. Market data come in (`Exchange.on_quote`, `on_print`,
`on_status`), requests come in at `now_ns` (`submit`, `replace`, `cancel`), events come out
(`drain`). Whoever owns it moves the clock with `advance`; the venue's own delays (routing, cancel
confirmation, arming of legs, share release, end of day) are steps on that clock (`next_ns`).
Why: one engine and one venue for every harness; the same inputs in the same order give the same
truth log, byte for byte.
Invariants: a buy never fills above its limit nor a sale below (asserted at the one place that
fills); every change is a line of the truth log; a refused request changes nothing else.
Not modelled in this version: orders of different accounts on one symbol do not trade with each
other, they trade with the recorded market (and share its displayed size); auctions; overnight.
Must never: read a clock, a file or a socket.
"""

from __future__ import annotations

from surefill.core.market import Nbbo, Print
from surefill.core.fix import TradingStatus
from surefill.core.session import Calendar
from surefill.core.units import NANO
from surefill.sim.assets import Asset, AssetTable
from surefill.sim.models import LatencyModel
from surefill.sim.switches import Switches
from surefill.sim.truth import TruthLog
from surefill.sim.types import (
    AccountView,
    CancelResult,
    FillRecord,
    OrderQuery,
    OrderRequest,
    OrderSnapshot,
    PositionView,
    ReplaceRequest,
    VenueEvent,
)


class Exchange:
    """One simulated venue and broker. All requests take effect at `now_ns`."""

    def __init__(
        self,
        *,
        seed: int,
        calendar: Calendar,
        start_ns: int,
        switches: Switches,
        latency: LatencyModel,
        log: TruthLog,
        assets: AssetTable,
    ) -> None:
        """``start_ns``: first instant of the clock. ``seed`` makes the ids."""

    # --- clock and market -----------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Venue time, UTC ns."""

    def next_ns(self) -> int | None:
        """Time of the next internal step; ``None`` when nothing is scheduled."""

    def advance(self, to_ns: int) -> None:
        """Move the clock, running internal steps in (time, seq) order. Backwards raises."""

    def on_quote(self, symbol: str, nbbo: Nbbo) -> None:
        """A quote at ``nbbo.venue_ns`` (the clock moves there first when it is ahead)."""

    def on_print(self, symbol: str, print_: Print) -> None:
        """A public trade at ``print_.venue_ns``."""

    def on_status(self, symbol: str, status: TradingStatus) -> None:
        """The symbol is halted, resumed, or in a limit state, from now on."""

    # --- requests -------------------------------------------------------------------------

    def open_account(
        self, account: str, *, cash_usd: int = 100_000 * NANO, multiplier: int = 4
    ) -> None:
        """Open an account; opening it again with other terms raises ``ValueError``."""

    def has_account(self, account: str) -> bool:
        """Whether the account is open."""

    def block_account(self, account: str, *, blocked: bool) -> None:
        """Block or unblock new orders of an account (cancels always work)."""

    def submit(self, account: str, request: OrderRequest) -> OrderSnapshot:
        """Accept an order (with its legs) or raise `Refusal`."""

    def replace(self, account: str, order_id: str, change: ReplaceRequest) -> OrderSnapshot:
        """Ask for a replacement: the answer is the *new* order, not yet in force (spec 2.4)."""

    def cancel(self, account: str, order_id: str) -> None:
        """Ask for a cancel; the confirmation is an event later (spec 2.5)."""

    def cancel_all(self, account: str) -> list[CancelResult]:
        """Ask to cancel every open order of the account; held legs are never items."""

    # --- reads ----------------------------------------------------------------------------

    def order(self, account: str, order_id: str, *, nested: bool = False) -> OrderSnapshot:
        """The order, or `Refusal` ORDER_NOT_FOUND."""

    def order_by_cl_ord_id(
        self, account: str, cl_ord_id: str, *, nested: bool = False
    ) -> OrderSnapshot:
        """The order with this client id, or `Refusal` ORDER_NOT_FOUND."""

    def orders(self, account: str, query: OrderQuery) -> list[OrderSnapshot]:
        """Orders by filter."""

    def positions(self, account: str) -> list[PositionView]:
        """Open positions, in order of symbol."""

    def position(self, account: str, symbol: str) -> PositionView:
        """The position (by symbol or asset id), or `Refusal` POSITION_NOT_FOUND."""

    def account_view(self, account: str) -> AccountView:
        """Cash, equity, margin and buying power now."""

    def fills(self, account: str, *, after_seq: int = 0) -> list[FillRecord]:
        """Executions with a number above ``after_seq``, oldest first."""

    def nbbo(self, symbol: str) -> Nbbo | None:
        """The last quote of a symbol."""

    def last_print(self, symbol: str) -> Print | None:
        """The last public trade of a symbol."""

    def status(self, symbol: str) -> TradingStatus:
        """Trading status of a symbol (TRADING when nothing was said)."""

    def asset(self, symbol_or_id: str) -> Asset | None:
        """The asset, by symbol or asset id."""

    @property
    def assets(self) -> AssetTable:
        """The asset table."""

    @property
    def calendar(self) -> Calendar:
        """The sessions this venue knows."""

    @property
    def switches(self) -> Switches:
        """The switches in force."""

    @property
    def log(self) -> TruthLog:
        """The ground truth."""

    @property
    def events(self) -> list[VenueEvent]:
        """Events not yet drained, oldest first."""

    def drain(self) -> list[VenueEvent]:
        """Take the events that have come up since the last call."""

    # --- operator of the venue ------------------------------------------------------------

    def bust(self, exec_id: str) -> None:
        """Break an execution (fault V6): cash, position and cumulative quantity go back."""

    def correct(self, exec_id: str, px: int) -> None:
        """Correct the price (1e-9 USD) of an execution (fault V6)."""
