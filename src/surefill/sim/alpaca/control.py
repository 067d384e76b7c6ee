"""The control routes under ``/sim/``: what a test may do to the venue (design, section 9).

What: set quotes, prints and statuses, pin and move the clock, arm faults, open accounts, act as the
venue's operator, read the ground truth. Off unless asked for; no authentication, so never for a
server that others can reach.
Invariants: bodies are JSON objects without unknown fields, prices and quantities are text; a
request that cannot be followed changes nothing and says why in ``error``.
Must never: bypass the exchange. Everything here is a call on its public face.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO, UnitError, to_nano
from surefill.sim.alpaca.app import Venue
from surefill.sim.alpaca.encode import Json, books_json, dump
from surefill.sim.alpaca.errors import JSON_HEADERS
from surefill.sim.alpaca.fault_file import FIELDS, fault_of
from surefill.sim.alpaca.parse import MAX_BODY_BYTES, query_value
from surefill.sim.alpaca.snapshot import records
from surefill.sim.alpaca.text import parse_stamp, stamp_ns, whole_text
from surefill.sim.faults import NS_PER_MS, FaultError
from surefill.sim.market import PrintEvent, QuoteEvent, StatusEvent
from surefill.sim.notices import BandNotice, ImbalanceNotice, Notice, PrintCancel, PrintCorrection
from surefill.sim.pacing import PaceError
from surefill.sim.snapshot_file import SnapshotError, lines_of, save
from surefill.sim.types import Refusal
from surefill.sim.wire import WireRequest, WireResponse

PREFIX = "/sim/"
MAX_SYMBOL_CHARS = 16

STATUSES: Mapping[str, TradingStatus] = {
    "halt": TradingStatus.HALTED,
    "resume": TradingStatus.TRADING,
    "luld": TradingStatus.LIMIT_STATE,
}


class ControlError(ValueError):
    """A control request that cannot be followed; the message says why."""


class Control:
    """The ``/sim/`` routes of one venue. Callers let the venue catch up afterwards."""

    def __init__(self, venue: Venue, *, save_path: Path | None = None) -> None:
        """``save_path``: the one file that ``POST snapshot`` may write."""
        self._venue = venue
        self._save_path = save_path
        self._routes: Mapping[tuple[str, str], Callable[[WireRequest], WireResponse]] = {
            ("POST", "nbbo"): self._nbbo,
            ("POST", "print"): self._print,
            ("POST", "status"): self._status,
            ("POST", "correction"): self._correct_print,
            ("POST", "bands"): self._bands,
            ("POST", "imbalance"): self._imbalance,
            ("POST", "clock"): self._set_clock,
            ("GET", "clock"): self._clock,
            ("GET", "snapshot"): self._snapshot,
            ("POST", "snapshot"): self._save,
            ("POST", "faults"): self._arm,
            ("GET", "faults"): self._faults,
            ("DELETE", "faults"): self._disarm,
            ("POST", "account"): self._account,
            ("POST", "venue"): self._operate,
            ("GET", "log"): self._log,
            ("GET", "books"): self._books,
        }

    def handle(self, request: WireRequest) -> WireResponse:
        """Answer one control request at the venue's present time."""
        name = request.path.removeprefix(PREFIX).rstrip("/")
        route = self._routes.get((request.method, name))
        if route is None:
            known = sorted({f"{method} {PREFIX}{path}" for method, path in self._routes})
            return _reply({"error": "no such route", "routes": known}, 404)
        try:
            return route(request)
        except (ControlError, FaultError, PaceError, SnapshotError, UnitError) as error:
            return _reply({"error": str(error)}, 422)
        except Refusal as refusal:
            return _reply({"error": str(refusal)}, 409)

    # -- market -------------------------------------------------------------------------------

    def _nbbo(self, request: WireRequest) -> WireResponse:
        body = _body(request, {"symbol", "bid", "bid_size", "ask", "ask_size"})
        now_ns = self._venue.edge.now_ns
        nbbo = Nbbo(
            bid_px=_amount(body, "bid"),
            bid_qty=_amount(body, "bid_size"),
            ask_px=_amount(body, "ask"),
            ask_qty=_amount(body, "ask_size"),
            venue_ns=now_ns,
            recv_ns=now_ns,
        )
        self._venue.edge.inject(QuoteEvent(_symbol(body), nbbo))
        return self._done()

    def _print(self, request: WireRequest) -> WireResponse:
        body = _body(request, {"symbol", "price", "size"})
        now_ns = self._venue.edge.now_ns
        px, qty = _amount(body, "price"), _amount(body, "size")
        if px == 0 or qty == 0:
            raise ControlError("a print needs a price and a size above 0")
        self._venue.edge.inject(PrintEvent(_symbol(body), Print(px, qty, now_ns, now_ns)))
        return self._done()

    def _status(self, request: WireRequest) -> WireResponse:
        body = _body(request, {"symbol", "status"})
        word = str(body.get("status"))
        if word not in STATUSES:
            raise ControlError(f"status is one of {', '.join(STATUSES)}")
        now_ns = self._venue.edge.now_ns
        self._venue.edge.inject(StatusEvent(_symbol(body), STATUSES[word], now_ns))
        return self._done()

    def _correct_print(self, request: WireRequest) -> WireResponse:
        """With price and size a correction, without them a cancel; ``number`` is the print's."""
        body = _body(
            request,
            {"symbol", "number", "price", "size"},
            required=frozenset({"symbol", "number"}),
        )
        symbol, number, now_ns = _symbol(body), _whole(body, "number"), self._venue.edge.now_ns
        notice: Notice = PrintCancel(symbol, number, now_ns)
        if "price" in body or "size" in body:
            px, qty = _amount(body, "price"), _amount(body, "size")
            if px == 0 or qty == 0:
                raise ControlError("a print needs a price and a size above 0")
            notice = PrintCorrection(symbol, number, px, qty, now_ns)
        try:
            self._venue.edge.announce(notice)
        except KeyError:
            raise ControlError(f"{symbol} has no print {number} to change") from None
        return self._done()

    def _bands(self, request: WireRequest) -> WireResponse:
        body = _body(request, {"symbol", "up", "down"})
        up_px, down_px = _amount(body, "up"), _amount(body, "down")
        if not 0 < down_px < up_px:
            raise ControlError("down is above 0 and below up")
        symbol, now_ns = _symbol(body), self._venue.edge.now_ns
        self._venue.edge.announce(BandNotice(symbol, up_px, down_px, now_ns))
        return self._done()

    def _imbalance(self, request: WireRequest) -> WireResponse:
        body = _body(request, {"symbol", "price"})
        symbol, px = _symbol(body), _amount(body, "price")
        self._venue.edge.announce(ImbalanceNotice(symbol, px, self._venue.edge.now_ns))
        return self._done()

    # -- clock --------------------------------------------------------------------------------

    def _set_clock(self, request: WireRequest) -> WireResponse:
        body = _body(request, {"pin", "advance_ms", "speed"}, required=frozenset())
        if not body:
            raise ControlError('say {"pin": time}, {"advance_ms": n} or {"speed": x}')
        clock = self._venue.clock
        speed_ppb = _ratio(body, "speed") if "speed" in body else None
        by_ns = _whole(body, "advance_ms") * NS_PER_MS if "advance_ms" in body else 0
        if by_ns < 0:
            raise PaceError("the venue's clock cannot go back")
        if "pin" in body:
            at_ns = _pin_ns(body)
            self._check_goal(at_ns + by_ns)
            clock.pin(at_ns)
        if by_ns:
            self._check_goal(clock.now_ns() + by_ns)
            clock.advance(by_ns)
        if speed_ppb is not None:
            clock.run(speed_ppb)
        return self._done()

    def _check_goal(self, goal_ns: int) -> None:
        """A jump ends within the venue's calendar: beyond it nothing is known, and every minute on
        the way there is played."""
        sessions = self._venue.exchange.calendar.sessions
        if sessions and goal_ns > sessions[-1].post_ns:
            raise ControlError(f"the venue's calendar ends at {stamp_ns(sessions[-1].post_ns)}")

    def _clock(self, request: WireRequest) -> WireResponse:
        return self._done()

    def clock_json(self) -> Json:
        """The venue's time and what is due next."""
        edge, clock = self._venue.edge, self._venue.clock
        next_ns, message_ns = edge.next_ns(), edge.quiet_ns()
        return {
            "now": stamp_ns(edge.now_ns),
            "now_ns": edge.now_ns,
            "pinned": clock.is_pinned,
            "speed_ppb": clock.speed_ppb,
            "next_ns": next_ns,
            "next_message_ns": message_ns,
        }

    # -- faults and operator ------------------------------------------------------------------

    def _arm(self, request: WireRequest) -> WireResponse:
        body = _body(request, set(FIELDS), required=frozenset({"code"}))
        fault = fault_of(body)
        self._venue.edge.arm(fault)
        return self._faults(request)

    def _faults(self, request: WireRequest) -> WireResponse:
        faults = self._venue.edge.faults
        return _reply(
            {"armed": faults.describe(self._venue.edge.now_ns), "counters": faults.counters}
        )

    def _disarm(self, request: WireRequest) -> WireResponse:
        self._venue.edge.clear_faults()
        return self._faults(request)

    def _account(self, request: WireRequest) -> WireResponse:
        body = _body(request, {"key", "cash"})
        key = _word(body, "key")
        if self._venue.keys.is_open(key):
            raise ControlError("this key has its account already")
        cash_usd = _amount(body, "cash")
        owner = self._venue.keys.open(key, cash_usd)
        return _reply({"account": owner.account, "id": owner.account_id})

    def _operate(self, request: WireRequest) -> WireResponse:
        body = _body(
            request,
            {"action", "exec_id", "price", "order_id", "key", "blocked"},
            required=frozenset({"action"}),
        )
        exchange = self._venue.exchange
        action = str(body["action"])
        if action == "bust":
            _known(exchange.bust, _word(body, "exec_id"))
        elif action == "correct":
            px = _amount(body, "price")
            _known(lambda exec_id: exchange.correct(exec_id, px), _word(body, "exec_id"))
        elif action == "cancel":
            exchange.cancel(self._owner_of_order(_word(body, "order_id")), _word(body, "order_id"))
        elif action == "reject":
            _known(exchange.reject, _word(body, "order_id"))
        elif action == "block":
            owner = self._venue.keys.open(_word(body, "key"))
            exchange.block_account(owner.account, blocked=body.get("blocked") is not False)
        else:
            raise ControlError("action is one of bust, correct, cancel, reject, block")
        self._venue.edge.settle()
        return self._done()

    def _owner_of_order(self, order_id: str) -> str:
        """The account an order belongs to: the operator sees all of them."""
        for owner in self._venue.keys.opened():
            try:
                return self._venue.exchange.order(owner.account, order_id).account
            except Refusal:
                continue
        raise ControlError(f"no account has an order {order_id}")

    # -- truth --------------------------------------------------------------------------------

    def _log(self, request: WireRequest) -> WireResponse:
        text = query_value(request.query, "after") or "0"
        if not text.isascii() or not text.isdigit():
            raise ControlError("after is the number of the last line you have")
        lines = self._venue.log.after(int(text))
        body = b"".join(dump(line) + b"\n" for line in lines)
        return WireResponse(200, {"content-type": "application/x-ndjson"}, body)

    def _books(self, request: WireRequest) -> WireResponse:
        """The books of a key's account; ``breaks`` names what does not add up (never anything)."""
        key = query_value(request.query, "key")
        if key is None or not self._venue.keys.is_open(key):
            raise ControlError("key is the key id of an account that is open")
        return _reply(books_json(self._venue.exchange.books(self._venue.keys.open(key).account)))

    # -- snapshot -----------------------------------------------------------------------------

    def _snapshot(self, request: WireRequest) -> WireResponse:
        """The whole exchange, to be kept by who asks."""
        body = b"".join(lines_of(records(self._venue)))
        return WireResponse(200, {"content-type": "application/x-ndjson"}, body)

    def _save(self, request: WireRequest) -> WireResponse:
        """The whole exchange, into the file named at the start; never one that a request names."""
        _body(request, set())
        if self._save_path is None:
            raise ControlError("start with --save FILE to say where, or GET the snapshot")
        save(self._save_path, records(self._venue))
        return _reply({"saved": self._save_path.name})

    def _done(self) -> WireResponse:
        return _reply(self.clock_json())


def _reply(body: object, status: int = 200) -> WireResponse:
    return WireResponse(status, JSON_HEADERS, dump(body))


def _body(
    request: WireRequest, fields: set[str], *, required: frozenset[str] | None = None
) -> Mapping[str, object]:
    """The JSON object of a body: no unknown field, no required one missing (default: all)."""
    if len(request.body) > MAX_BODY_BYTES:
        raise ControlError("the body is too large")
    try:
        raw = request.body or b"{}"
        body = whole_text(json.loads(raw, parse_float=Decimal, parse_constant=str))
    except (ValueError, RecursionError):
        raise ControlError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise ControlError("the body is not a JSON object")
    unknown = sorted(set(body) - fields)
    if unknown:
        raise ControlError(f"unknown field {unknown[0]!r}; known: {', '.join(sorted(fields))}")
    missing = sorted((fields if required is None else required) - set(body))
    if missing:
        raise ControlError(f"{missing[0]} is missing")
    return body


def _symbol(body: Mapping[str, object]) -> str:
    symbol = body.get("symbol")
    if not isinstance(symbol, str) or not 0 < len(symbol) <= MAX_SYMBOL_CHARS:
        raise ControlError(f"symbol is text of 1 to {MAX_SYMBOL_CHARS} characters")
    if not symbol.replace(".", "").replace("/", "").isalnum() or symbol.upper() != symbol:
        raise ControlError("symbol is upper case letters, digits, '.' and '/'")
    return symbol


def _word(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError(f"{name} is missing")
    return value


def _amount(body: Mapping[str, object], name: str) -> int:
    """A price or size, as text or JSON number, not negative; 1e-9."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ControlError(f"{name} must be a decimal number as text")
    amount = to_nano(value)
    if amount < 0:
        raise ControlError(f"{name} must not be negative")
    return amount


def _whole(body: Mapping[str, object], name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ControlError(f"{name} must be a whole number")
    return value


def _pin_ns(body: Mapping[str, object]) -> int:
    """Where the clock is to stand, UTC ns."""
    at_ns = parse_stamp(str(body["pin"]))
    if at_ns is None:
        raise ControlError("pin is an RFC 3339 time")
    return at_ns


def _ratio(body: Mapping[str, object], name: str) -> int:
    """A speed or probability in 1e-9; 1 is ``NANO``."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ControlError(f"{name} must be a number")
    ratio = to_nano(value)
    if not 0 < ratio <= 10_000 * NANO:
        raise ControlError(f"{name} must be above 0")
    return ratio


def _known(act: Callable[[str], None], name: str) -> None:
    """Run an operator's act on an execution or order; an unknown one is an error, not a crash."""
    try:
        act(name)
    except KeyError:
        raise ControlError(f"the venue knows no {name}") from None
    except ValueError as error:
        raise ControlError(str(error)) from None
