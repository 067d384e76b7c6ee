"""What a route handler gets: the request, whose it is, and the venue behind it.

What: `Call` (one request), `Desk` (what all calls share: exchange, reads, board, configurations,
calendar) and the answers every route gives.
Must never: hold a rule of trading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from surefill.core.session import Session
from surefill.sim.alpaca.board import Board
from surefill.sim.alpaca.encode import Json, dump, order_json
from surefill.sim.alpaca.errors import JSON_HEADERS
from surefill.sim.alpaca.keys import KeyRing, Owner
from surefill.sim.alpaca.reads import Reads
from surefill.sim.alpaca.switches import FaceSwitches
from surefill.sim.alpaca.watchlists import Watchlists
from surefill.sim.exchange import Exchange
from surefill.sim.types import OrderSnapshot
from surefill.sim.wire import WireRequest, WireResponse

SessionsBetween = Callable[[int, int], tuple[Session, ...]]
"""(first, last) yyyymmdd -> the exchange days between them, inclusive."""


@dataclass(slots=True)
class Configuration:
    """Account configurations a client may read and change (alpaca.md 1.6)."""

    dtbp_check: str = "entry"
    pdt_check: str = "entry"
    trade_confirm_email: str = "all"
    fractional_trading: bool = True
    no_shorting: bool = False
    suspend_trade: bool = False
    ptp_no_exception_entry: bool = False
    disable_overnight_trading: bool = False
    max_margin_multiplier: str = "4"
    max_options_trading_level: int | None = None


@dataclass(slots=True)
class Desk:
    """Shared by all calls. ``configurations``: account -> its settings."""

    exchange: Exchange
    reads: Reads
    board: Board
    keys: KeyRing
    switches: FaceSwitches
    sessions_between: SessionsBetween
    configurations: dict[str, Configuration] = field(default_factory=dict)
    watchlists: Watchlists = field(default_factory=Watchlists)

    def order(self, order: OrderSnapshot, *, nested: bool = False, fresh: bool = False) -> Json:
        """An order's JSON with this server's spelling of a simple order's class."""
        body = order_json(order, nested=nested, fresh=fresh)
        if self.exchange.switches.simple_class == "simple" and not body["order_class"]:
            body["order_class"] = "simple"
        return body

    def configuration(self, account: str) -> Configuration:
        """The settings of an account, with the defaults until changed."""
        return self.configurations.setdefault(account, Configuration())


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request. ``args`` are the variable parts of its path."""

    desk: Desk
    owner: Owner
    request: WireRequest
    args: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """The caller's account at the exchange."""
        return self.owner.account

    @property
    def as_of_ns(self) -> int | None:
        """Set when this read must show the past."""
        return self.request.as_of_ns


Handler = Callable[[Call], WireResponse]


def reply(body: object, status: int = 200) -> WireResponse:
    """A JSON answer."""
    return WireResponse(status, JSON_HEADERS, dump(body))


def no_content() -> WireResponse:
    """204: done, nothing to say."""
    return WireResponse(204, {}, b"")
