"""The edge of the venue: travel time, order of arrival and faults between clients and exchange.

What: `Edge` holds the exchange, its market and everything that is under way in both directions on
one clock. A caller puts requests and stream messages in, moves time with `advance`, and gets back
what reaches the clients, in order. No sockets, no threads, no clock: `next_ns` says when something
happens next, the caller decides when that is.
Why: the real server and the virtual-time harness use this unchanged, so a fault found on sockets
replays in process, byte for byte.

Invariants: time never goes back; within one instant the exchange's own events come first, then the
market, then arrivals in the order they were sent; a stream keeps its order unless fault W3 says
otherwise; a request that was answered took effect before its answer left.
Must never: decide anything about an order, or know one word of a broker's protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from surefill.sim.exchange import Exchange
from surefill.sim.faults import NS_PER_MS, Fault, FaultCode, FaultPlan
from surefill.sim.market import MarketEvent, MarketSource, PrintEvent, QuoteEvent
from surefill.sim.models import Delay, LatencyModel
from surefill.sim.notices import MinuteEnd, Notice
from surefill.sim.streams import StreamHub
from surefill.sim.wire import (
    Delivery,
    DeliveryKind,
    StreamKind,
    VenueFace,
    WireRequest,
    WireResponse,
)

NS_PER_MINUTE = 60_000_000_000


class EdgeError(ValueError):
    """The caller broke a rule of the edge: time going back."""


@dataclass(order=True, slots=True)
class _Due:
    """Something that happens at ``at_ns``; ``seq`` breaks ties."""

    at_ns: int
    seq: int
    act: Callable[[], None] = field(compare=False)


class Edge:
    """One clock for exchange, market, travel and faults. See the module docstring."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        market: MarketSource | None,
        face: VenueFace,
        latency: LatencyModel,
        faults: FaultPlan | None = None,
    ) -> None:
        self.exchange = exchange
        self.faults = faults if faults is not None else FaultPlan()
        self._market = market
        self._face = face
        self._latency = latency
        self._now_ns = exchange.now_ns
        self._seq = 0
        self._due: list[_Due] = []
        self._out: list[Delivery] = []
        self._minute_ns: int | None = None
        exchange.troubled_by(self._trouble)
        self._streams = StreamHub(self, face=face, latency=latency, faults=self.faults)

    # -- time ---------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Venue time, UTC ns."""
        return self._now_ns

    def next_ns(self) -> int | None:
        """When the next thing happens (UTC ns); ``None`` when nothing is under way."""
        alarm_ns = self._streams.next_alarm_ns()
        times = [self.exchange.next_ns(), self._market_ns(), self._minute_ns, alarm_ns]
        if self._due:
            times.append(self._due[0].at_ns)
        if self._out:
            times.append(self._now_ns)
        known = [at_ns for at_ns in times if at_ns is not None]
        return max(self._now_ns, min(known)) if known else None

    def quiet_ns(self) -> int | None:
        """Like `next_ns`, without the market: when the next message or venue event is due."""
        times = [self.exchange.next_ns()]
        if self._due:
            times.append(self._due[0].at_ns)
        known = [at_ns for at_ns in times if at_ns is not None]
        return max(self._now_ns, min(known)) if known else None

    def advance(self, to_ns: int) -> list[Delivery]:
        """Let everything happen up to and including ``to_ns``; what reached the clients."""
        if to_ns < self._now_ns:
            raise EdgeError(f"time cannot go back from {self._now_ns} to {to_ns}")
        while self._turn(to_ns):
            pass
        self._move(to_ns)
        out, self._out = self._out, []
        return out

    def advance_until(self, to_ns: int, has_news: Callable[[], bool]) -> list[Delivery]:
        """Like `advance`, but stop at the first instant at which something reaches the clients or
        ``has_news`` says so. Afterwards `now_ns` tells how far time has come."""
        if to_ns < self._now_ns:
            raise EdgeError(f"time cannot go back from {self._now_ns} to {to_ns}")
        while not self._out and not has_news():
            if not self._turn(to_ns):
                self._move(to_ns)
                break
        out, self._out = self._out, []
        return out

    # -- the client's side --------------------------------------------------------------------

    def send(self, now_ns: int, ticket: int, request: WireRequest) -> None:
        """A request leaves the client at ``now_ns``; its answer will carry ``ticket``."""
        self._move_to(now_ns)
        opportunity = f"{request.method} {request.path}"
        outage = self.faults.draw(FaultCode.N10, opportunity, self._now_ns)
        if outage is not None:
            if outage.mode == "reset":
                self._reset(ticket, None)
            return
        if self.faults.draw(FaultCode.N1, opportunity, self._now_ns) is not None:
            return
        at_ns = self._now_ns + self._latency.draw(Delay.UP)
        lost = self.faults.draw(FaultCode.N2, opportunity, self._now_ns)
        if lost is not None:
            at_ns += lost.number("accept_delay_ms", 0) * NS_PER_MS
            self.at(at_ns, lambda: self._effect(request))
            return
        self.at(at_ns, lambda: self._arrive(ticket, request, opportunity))

    def open_stream(
        self, now_ns: int, conn: int, kind: StreamKind, *, headers: Mapping[str, str]
    ) -> bool:
        """Open connection ``conn``; ``False`` when the venue refuses (outage, reconnect ban)."""
        self._move_to(now_ns)
        return self._streams.open(conn, kind, headers)

    def close_stream(self, now_ns: int, conn: int) -> None:
        """The client's end of ``conn`` is gone; nothing more will be delivered to it."""
        self._move_to(now_ns)
        self._streams.close(conn)

    def stream_send(self, now_ns: int, conn: int, data: bytes) -> None:
        """One message of the client on ``conn`` leaves at ``now_ns``."""
        self._move_to(now_ns)
        self._streams.send(conn, data)

    # -- the venue's side ---------------------------------------------------------------------

    def inject(self, event: MarketEvent) -> None:
        """A market event from outside the tape, at the present time (control routes)."""
        self._apply_market(event)
        self._fan_out()

    def announce(self, notice: Notice) -> None:
        """A public message from outside the tape. ``KeyError``: it is about an unknown print."""
        self._face.on_notice(notice)
        self._streams.on_notice(notice)

    def settle(self) -> None:
        """Pass on what a direct call on the exchange (operator of the venue) has caused."""
        self._fan_out()

    def clear_faults(self) -> None:
        """Disarm every fault; streams that were mute speak again."""
        self.faults.clear()
        self._streams.unmute()

    # -- inside: time -------------------------------------------------------------------------

    def _market_ns(self) -> int | None:
        return self._market.next_ns() if self._market is not None else None

    def _turn(self, to_ns: int) -> bool:
        """Let the earliest thing happen if it is due by ``to_ns``; whether there was one."""
        exchange_ns, market_ns = self.exchange.next_ns(), self._market_ns()
        due_ns = self._due[0].at_ns if self._due else None
        alarm_ns = self._streams.next_alarm_ns()
        times = (exchange_ns, market_ns, due_ns, self._minute_ns, alarm_ns)
        known = [at_ns for at_ns in times if at_ns is not None]
        if not known or min(known) > to_ns:
            return False
        at_ns = max(self._now_ns, min(known))
        self._move(at_ns)
        if self._minute_ns is not None and self._minute_ns <= at_ns:
            # Before a print of the same instant: that one belongs to the next minute.
            minute_ns, self._minute_ns = self._minute_ns, None
            self.announce(MinuteEnd(minute_ns))
        elif market_ns is not None and self._market is not None and market_ns <= at_ns:
            self._apply_market(self._market.pop())
        elif due_ns is not None and due_ns <= at_ns:
            heappop(self._due).act()
        elif alarm_ns is not None and alarm_ns <= at_ns:
            self._streams.ring()
        self._fan_out()
        return True

    def _move_to(self, now_ns: int) -> None:
        """Catch up before something enters, so that it cannot overtake what was due earlier."""
        if now_ns < self._now_ns:
            raise EdgeError(f"time cannot go back from {self._now_ns} to {now_ns}")
        while self._turn(now_ns):
            pass
        self._move(now_ns)

    def _move(self, to_ns: int) -> None:
        self._now_ns = to_ns
        self.exchange.advance(to_ns)
        self._fan_out()

    def at(self, at_ns: int, act: Callable[[], None]) -> None:
        """Let ``act`` happen at ``at_ns`` (the agenda of the streams as well)."""
        self._seq += 1
        heappush(self._due, _Due(max(at_ns, self._now_ns), self._seq, act))

    # -- inside: requests ---------------------------------------------------------------------

    def _effect(self, request: WireRequest) -> None:
        """The venue does what was asked; nobody will hear of it."""
        self._face.handle(request)

    def _arrive(self, ticket: int, request: WireRequest, opportunity: str) -> None:
        """A request reaches the venue: faults that replace the answer, or the answer itself."""
        limited = self.faults.draw(FaultCode.N4, opportunity, self._now_ns)
        if limited is not None:
            self._answer(
                ticket, self._face.fault_answer(429, _limit_headers(limited, self._now_ns))
            )
            return
        failed = self.faults.draw(FaultCode.N3, opportunity, self._now_ns)
        if failed is not None:
            if failed.flag("effect", default=False):
                self._effect(request)
            answer = self._face.fault_answer(failed.number("status", 504), {})
            self._answer(ticket, answer, failed.number("delay_ms", 0))
            return
        broken = self.faults.draw(FaultCode.N5, opportunity, self._now_ns)
        if broken is not None and not broken.flag("effect", default=True):
            self._break(ticket, broken, self._face.fault_answer(502, {}))
            return
        response = self._handled(request, opportunity)
        if broken is not None:
            self._break(ticket, broken, response)
            return
        slow = self.faults.draw(FaultCode.N6, opportunity, self._now_ns)
        if slow is not None and slow.flag("never", default=False):
            return
        self._answer(ticket, response, slow.number("delay_ms", 5_000) if slow is not None else 0)

    def _handled(self, request: WireRequest, opportunity: str) -> WireResponse:
        """The venue's answer, perhaps to the second of two (N11), perhaps gone wrong (N7, N9)."""
        response = self._face.handle(self._as_of(request, opportunity))
        is_post = request.method == "POST"
        twice = self.faults.draw(FaultCode.N11, opportunity, self._now_ns) if is_post else None
        if twice is not None:
            again = self._face.handle(request)
            response = again if twice.mode == "second" else response
        if response.status != 200:
            return response
        for code in (FaultCode.N7, FaultCode.N9):
            fault = self.faults.draw(code, opportunity, self._now_ns)
            if fault is not None:
                response = self._face.spoiled(response, fault.mode, rows=fault.number("rows", 1))
        return response

    def _trouble(self, code: FaultCode, what: str) -> int | None:
        """A fault inside the venue: its ``delay_ms`` in nanoseconds, ``None`` when none strikes."""
        fault = self.faults.draw(code, what, self._now_ns)
        return None if fault is None else fault.number("delay_ms", 60_000) * NS_PER_MS

    def _as_of(self, request: WireRequest, opportunity: str) -> WireRequest:
        """Fault N8: a read that shows the past. A list may lag more than a single read."""
        if request.method != "GET":
            return request
        stale = self.faults.draw(FaultCode.N8, opportunity, self._now_ns)
        if stale is None:
            return request
        lag_ms = stale.number("lag_ms", 2_000)
        if _is_list(request):
            lag_ms = stale.number("list_lag_ms", lag_ms)
        return replace(request, as_of_ns=self._now_ns - lag_ms * NS_PER_MS)

    def _break(self, ticket: int, fault: Fault, response: WireResponse) -> None:
        """Fault N5: the venue did it, the answer does not survive the way."""
        if fault.mode == "reset":
            self._reset(ticket, None)
        elif fault.mode == "truncated":
            headers = {**response.headers, "content-length": str(len(response.body))}
            half = response.body[: len(response.body) // 2]
            self._reset(ticket, WireResponse(response.status, headers, half))
        elif fault.mode == "html":
            body = b"<html><head><title>502 Bad Gateway</title></head><body></body></html>"
            self._answer(ticket, WireResponse(200, {"content-type": "text/html"}, body))
        else:
            self._answer(ticket, WireResponse(200, {"content-type": "application/json"}, b""))

    def _answer(self, ticket: int, response: WireResponse, delay_ms: int = 0) -> None:
        at_ns = self._now_ns + self._latency.draw(Delay.DOWN) + delay_ms * NS_PER_MS
        self._deliver(at_ns, DeliveryKind.RESPONSE, ticket=ticket, response=response)

    def _reset(self, ticket: int, part: WireResponse | None) -> None:
        at_ns = self._now_ns + self._latency.draw(Delay.DOWN)
        self._deliver(at_ns, DeliveryKind.RESET, ticket=ticket, response=part)

    def _deliver(
        self,
        at_ns: int,
        kind: DeliveryKind,
        *,
        ticket: int | None = None,
        response: WireResponse | None = None,
    ) -> None:
        self.at(
            at_ns,
            lambda: self.emit(Delivery(self._now_ns, kind, ticket=ticket, response=response)),
        )

    def emit(self, delivery: Delivery) -> None:
        """Hand something to the clients now."""
        self._out.append(delivery)

    def _apply_market(self, event: MarketEvent) -> None:
        if isinstance(event, QuoteEvent):
            self.exchange.on_quote(event.symbol, event.nbbo)
        elif isinstance(event, PrintEvent):
            self.exchange.on_print(event.symbol, event.print_)
        else:
            self.exchange.on_status(event.symbol, event.status)
        self._face.on_market(event)
        self._streams.on_market(event)
        if self._minute_ns is None and self._streams.has_listeners(StreamKind.MARKET):
            self._minute_ns = (self._now_ns // NS_PER_MINUTE + 1) * NS_PER_MINUTE

    def _fan_out(self) -> None:
        for event in self.exchange.drain():
            self._face.on_order(event)
            self._streams.on_order(event)


def _is_list(request: WireRequest) -> bool:
    return request.path.count("/") <= 2 and ":" not in request.path


def _limit_headers(fault: Fault, now_ns: int) -> dict[str, str]:
    """What a 429 says of when to come back (fault N4)."""
    if not fault.flag("headers", default=True):
        return {}
    wait_s = fault.number("retry_after_s", 3)
    return {
        "retry-after": str(wait_s),
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(now_ns // 1_000_000_000 + wait_s),
    }
