"""Alpaca's REST face, without I/O: a request value in, an answer value out.

What: `AlpacaFace` authenticates, counts against the request limit, finds the route and turns every
refusal into Alpaca's error body. It also opens stream sessions and keeps the board and the read
history up to date, so it is all the edge needs of a broker (`surefill.sim.wire.VenueFace`).
Invariants: every answer carries a request id that is a function of its number; an unknown route is
a 404 in Alpaca's shape; a programming error is not caught here.
Must never: trade. Routes translate, the exchange decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from surefill.core.market import Print
from surefill.core.values import replace
from surefill.sim.alpaca import (
    routes_account,
    routes_events,
    routes_history,
    routes_market,
    routes_orders,
    routes_portfolio,
    routes_reference,
    routes_unsupported,
    routes_watchlists,
)
from surefill.sim.alpaca.board import Board
from surefill.sim.alpaca.context import Call, Desk, Handler, SessionsBetween, reply
from surefill.sim.alpaca.data_stream import DataSession
from surefill.sim.alpaca.errors import (
    BAD_REQUEST,
    NOT_FOUND,
    RATE_LIMITED,
    UNAUTHORIZED,
    RequestError,
    error_response,
    fault_answer,
    refusal_response,
)
from surefill.sim.alpaca.keys import KeyRing, Owner, credentials_of, sealed
from surefill.sim.alpaca.limits import Allowance, RateLimit
from surefill.sim.alpaca.openapi import document
from surefill.sim.alpaca.reads import Reads
from surefill.sim.alpaca.spoil import skewed, spoiled, unexplained
from surefill.sim.alpaca.stream import OrderSession
from surefill.sim.alpaca.switches import FaceSwitches
from surefill.sim.alpaca.text import uuid_of
from surefill.sim.exchange import Exchange
from surefill.sim.market import MarketEvent
from surefill.sim.notices import Notice, PrintCancel, PrintCorrection
from surefill.sim.types import Refusal, RefusalKind, VenueEvent
from surefill.sim.wire import StreamKind, StreamSession, WireRequest, WireResponse

_PART = r"([^/]+)"
_KIND = r"(quotes|trades|bars)"
_LIST = r"/v2/watchlists(?::by_name|/([^/]+))"
"""A watchlist by name (the query holds it) or by id."""

_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", r"/v2/orders", routes_orders.submit),
    ("GET", r"/v2/orders", routes_orders.list_orders),
    ("DELETE", r"/v2/orders", routes_orders.cancel_all),
    ("GET", r"/v2/orders:by_client_order_id", routes_orders.get_by_client_id),
    ("GET", rf"/v2/orders/{_PART}", routes_orders.get),
    ("PATCH", rf"/v2/orders/{_PART}", routes_orders.replace),
    ("DELETE", rf"/v2/orders/{_PART}", routes_orders.cancel),
    ("GET", r"/v2/positions", routes_account.list_positions),
    ("DELETE", r"/v2/positions", routes_account.close_all),
    ("GET", r"/v2/positions/(.+)", routes_account.get_position),
    ("DELETE", r"/v2/positions/(.+)", routes_account.close_position),
    ("GET", r"/v2/account", routes_account.get_account),
    ("GET", r"/v2/account/configurations", routes_account.get_configuration),
    ("PATCH", r"/v2/account/configurations", routes_account.patch_configuration),
    ("GET", r"/v2/account/portfolio/history", routes_portfolio.history),
    ("GET", r"/v2/account/activities", routes_account.activities),
    ("GET", rf"/v2/account/activities/{_PART}", routes_account.activities),
    ("GET", r"/v2/events/trades", routes_events.trades),
    ("GET", r"/v2/assets", routes_reference.list_assets),
    ("GET", r"/v2/assets/(.+)", routes_reference.get_asset),
    ("GET", r"/v2/clock", routes_reference.clock),
    ("GET", r"/v2/calendar", routes_reference.calendar),
    ("GET", r"/v2/watchlists", routes_watchlists.list_watchlists),
    ("POST", r"/v2/watchlists", routes_watchlists.create),
    ("GET", _LIST, routes_watchlists.get),
    ("PUT", _LIST, routes_watchlists.put),
    ("POST", _LIST, routes_watchlists.add),
    ("DELETE", _LIST, routes_watchlists.delete),
    ("DELETE", rf"{_LIST}/(.+)", routes_watchlists.remove),
    ("GET", r"/v2/options/.+", routes_unsupported.options),
    ("POST", r"/v2/positions/.+/(?:exercise|do-not-exercise)", routes_unsupported.options),
    ("GET", r"/v2/corporate_actions/.+", routes_unsupported.announcements),
    ("GET", r"/v1/locates(?:/.+)?", routes_unsupported.locates),
    ("POST", r"/v1/locates(?:/.+)?", routes_unsupported.locates),
    ("GET", r"/v1beta[0-9]/.+", routes_unsupported.other_data),
    ("GET", rf"/v2/stocks/{_KIND}/latest", routes_market.latest_many),
    ("GET", rf"/v2/stocks/{_PART}/{_KIND}/latest", routes_market.latest_one),
    ("GET", r"/v2/stocks/snapshots", routes_market.snapshots),
    ("GET", rf"/v2/stocks/{_KIND}", routes_history.many),
    ("GET", rf"/v2/stocks/{_PART}/{_KIND}", routes_history.one),
    ("GET", rf"/v2/stocks/{_PART}/snapshot", routes_market.snapshot),
)
PATH_CHARS_KEPT = 128
"""Longer paths are looked up each time: no client fills the memory with them."""
DATA_PREFIXES = ("/v2/stocks/", "/v1beta")
"""Paths of the data host; they have a request limit of their own."""

ROUTES = tuple((method, re.compile(path), handler) for method, path, handler in _ROUTES)
"""First match wins: method, full path, handler."""


class AlpacaFace:
    """The protocol in front of one exchange."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        keys: KeyRing,
        switches: FaceSwitches,
        sessions_between: SessionsBetween,
    ) -> None:
        self.desk = Desk(
            exchange=exchange,
            reads=Reads(exchange),
            board=Board(),
            keys=keys,
            switches=switches,
            sessions_between=sessions_between,
        )
        self.limit = RateLimit(
            switches.rate_limit_per_min, from_first=switches.rate_limit_window == "from_first"
        )
        self.served = 0
        self._order_sessions: list[OrderSession] = []
        self._data_sessions: list[DataSession] = []

    def handle(self, request: WireRequest) -> WireResponse:
        """Answer one request at the exchange's present time."""
        self.served += 1
        if request.method == "GET" and request.path == "/openapi.json":
            return self._stamped(reply(document()), None)
        if request.sealed is not None:
            owner = self.desk.keys.find_sealed(request.sealed)
        else:
            owner = self.desk.keys.find(credentials_of(request.headers))
        if owner is None:
            return self._stamped(self._unauthorized(), None)
        kind = "data" if request.path.startswith(DATA_PREFIXES) else "trading"
        allowance = self.limit.take(owner.account, kind, self.desk.exchange.now_ns)
        if allowance is not None and not allowance.granted:
            return self._stamped(self._limited(), allowance)
        return self._stamped(self._routed(owner, request), allowance)

    def open_stream(self, kind: StreamKind, headers: Mapping[str, str]) -> StreamSession:
        """A protocol session for a new websocket."""
        if kind is StreamKind.MARKET:
            self._data_sessions = [s for s in self._data_sessions if s.account is not None]
            data = DataSession(self.desk, headers, others=tuple(self._data_sessions))
            self._data_sessions.append(data)
            return data
        self._order_sessions = [s for s in self._order_sessions if s.is_listed]
        session = OrderSession(self.desk, headers, others=self._order_sessions)
        self._order_sessions.append(session)
        return session

    def seal(self, request: WireRequest) -> WireRequest:
        """The request as it may be written down: no header, the digest of the secret."""
        if request.sealed is not None:
            return request
        credentials = credentials_of(request.headers)
        return replace(
            request, headers={}, sealed=None if credentials is None else sealed(credentials)
        )

    def fault_answer(self, status: int, headers: Mapping[str, str]) -> WireResponse:
        """What Alpaca would send for a failure of its own."""
        return self._stamped(fault_answer(status, headers), None)

    def spoiled(self, response: WireResponse, mode: str, *, rows: int) -> WireResponse:
        """A good answer gone wrong."""
        return spoiled(response, mode, rows=rows)

    def refused(self, mode: str, request: WireRequest) -> WireResponse:
        """A refusal of Alpaca's that nothing explains."""
        return self._stamped(refusal_response(unexplained(mode, request.path)), None)

    def skewed(self, data: bytes, skew_ns: int) -> bytes:
        """Every time of a JSON text moved."""
        return skewed(data, skew_ns)

    def on_market(self, event: MarketEvent) -> None:
        """Keep the board up to date."""
        self.desk.board.apply(event)

    def on_notice(self, notice: Notice) -> None:
        """Keep corrected and canceled prints. ``KeyError`` when there is no such print."""
        if isinstance(notice, PrintCorrection):
            corrected = Print(notice.px, notice.qty, notice.venue_ns, notice.venue_ns)
            self.desk.board.change_print(notice.symbol, notice.number, corrected)
        elif isinstance(notice, PrintCancel):
            self.desk.board.change_print(notice.symbol, notice.number, None)

    def on_order(self, event: VenueEvent) -> None:
        """Keep the read history up to date."""
        self.desk.reads.on_order(event)

    def _routed(self, owner: Owner, request: WireRequest) -> WireResponse:
        find = _route if len(request.path) <= PATH_CHARS_KEPT else _route.__wrapped__
        found = find(request.method, request.path)
        if found is None:
            return error_response(404, NOT_FOUND, "endpoint not found")
        handler, args = found
        return self._answered(handler, Call(self.desk, owner, request, args))

    def _answered(self, handler: Handler, call: Call) -> WireResponse:
        try:
            return handler(call)
        except RequestError as error:
            return error_response(error.status, error.code, str(error))
        except Refusal as refusal:
            return self._refused(refusal)

    def _refused(self, refusal: Refusal) -> WireResponse:
        old_code = self.desk.exchange.switches.unknown_symbol_code == "40010001"
        if refusal.kind is RefusalKind.UNKNOWN_SYMBOL and old_code:
            symbol = refusal.context.get("symbol")
            return error_response(422, BAD_REQUEST, f'could not find asset "{symbol}"')
        if refusal.kind is RefusalKind.LEG_ORDER:
            words = {**refusal.context, "text": self.desk.switches.leg_order_text}
            refusal = Refusal(refusal.kind, words)
        return refusal_response(refusal)

    def _limited(self) -> WireResponse:
        word = self.desk.switches.rate_limit_body
        message = "rate limit exceeded" if word == "exceeded" else "too many requests."
        return error_response(429, None if word == "no_code" else RATE_LIMITED, message)

    def _unauthorized(self) -> WireResponse:
        if self.desk.switches.unauthorized_body == "plain":
            return error_response(401, None, "unauthorized.")
        message = "access key verification failed : verification failure"
        return error_response(401, UNAUTHORIZED, message)

    def _stamped(self, response: WireResponse, allowance: Allowance | None) -> WireResponse:
        """Add the request id and, where they are on, the limit headers."""
        headers = {
            **response.headers,
            "x-request-id": uuid_of("request", str(self.served)).replace("-", ""),
        }
        if allowance is not None and self.desk.switches.rate_limit_headers == "on":
            headers.update(allowance.headers)
        return WireResponse(response.status, headers, response.body)


@lru_cache(maxsize=1_024)
def _route(method: str, path: str) -> tuple[Handler, tuple[str, ...]] | None:
    """Handler of a path and its variable parts; clients ask for the same few again and again."""
    whole = path.rstrip("/") or "/"
    for known, pattern, handler in ROUTES:
        match = pattern.fullmatch(whole) if known == method else None
        if match is not None:
            return handler, _args(match)
    return None


def _args(match: re.Match[str]) -> tuple[str, ...]:
    """The variable parts of a path that are there."""
    return tuple(part for part in match.groups() if part is not None)
