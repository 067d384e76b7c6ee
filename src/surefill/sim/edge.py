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
from dataclasses import dataclass, field
from functools import partial
from heapq import heapify, heappop, heappush

from surefill.sim.catalogue import ACTS
from surefill.sim.exchange import Exchange
from surefill.sim.faults import NS_PER_MS, Fault, FaultCode, FaultPlan
from surefill.sim.market import MarketEvent, MarketSource, PrintEvent, QuoteEvent
from surefill.sim.models import LatencyModel
from surefill.sim.notices import BandNotice, MinuteEnd, Notice
from surefill.sim.requests import NOBODY, RequestPath, UnderWay
from surefill.sim.streams import StreamHub
from surefill.sim.wire import (
    Delivery,
    StreamKind,
    VenueFace,
    WireRequest,
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
    kept: UnderWay | None = field(compare=False)


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
        self.face = face
        self.latency = latency
        self._now_ns = exchange.now_ns
        self._seq = 0
        self._due: list[_Due] = []
        self._out: list[Delivery] = []
        self._minute_ns: int | None = None
        self._taken = 0
        exchange.troubled_by(self._trouble)
        self._requests = RequestPath(self)
        self.streams = StreamHub(self, face=face, latency=latency, faults=self.faults)

    # -- time ---------------------------------------------------------------------------------

    @property
    def seq(self) -> int:
        """Number of the last thing that was put under way."""
        return self._seq

    @property
    def now_ns(self) -> int:
        """Venue time, UTC ns."""
        return self._now_ns

    def next_ns(self) -> int | None:
        """When the next thing happens (UTC ns); ``None`` when nothing is under way."""
        alarm_ns = self.streams.next_alarm_ns()
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
        self._requests.send(ticket, request)

    def open_stream(
        self, now_ns: int, conn: int, kind: StreamKind, *, headers: Mapping[str, str]
    ) -> bool:
        """Open connection ``conn``; ``False`` when the venue refuses (outage, reconnect ban)."""
        self._move_to(now_ns)
        return self.streams.open(conn, kind, headers)

    def close_stream(self, now_ns: int, conn: int) -> None:
        """The client's end of ``conn`` is gone; nothing more will be delivered to it."""
        self._move_to(now_ns)
        self.streams.close(conn)

    def stream_send(self, now_ns: int, conn: int, data: bytes) -> None:
        """One message of the client on ``conn`` leaves at ``now_ns``."""
        self._move_to(now_ns)
        self.streams.send(conn, data)

    # -- the venue's side ---------------------------------------------------------------------

    def inject(self, event: MarketEvent) -> None:
        """A market event from outside the tape, at the present time (control routes)."""
        self._apply_market(event)
        self._fan_out()

    def announce(self, notice: Notice) -> None:
        """A public message from outside the tape. ``KeyError``: it is about an unknown print."""
        self._say(notice)
        if isinstance(notice, BandNotice):
            self.exchange.on_bands(notice.symbol, up_px=notice.up_px, down_px=notice.down_px)
            self._fan_out()

    def _say(self, notice: Notice) -> None:
        self.face.on_notice(notice)
        self.streams.on_notice(notice)

    def arm(self, fault: Fault) -> None:
        """Arm a fault now. One that the venue performs (`ACTS`) is performed now."""
        self.faults.arm(fault, self._now_ns)
        if fault.code in ACTS:
            for name in self.faults.act(self.exchange.names(fault.code), self._now_ns):
                self.exchange.perform(fault, name)
            self._fan_out()

    def settle(self) -> None:
        """Pass on what a direct call on the exchange (operator of the venue) has caused."""
        self._fan_out()

    @property
    def market_taken(self) -> int:
        """How many events of the market were played."""
        return self._taken

    def market_next_ns(self) -> int | None:
        """When the market's next event is; ``None`` at its end."""
        return self._market_ns()

    def skip_market(self, count: int) -> bool:
        """Leave out the first ``count`` events, which were played before; whether there were."""
        while self._taken < count and self._market is not None and self._market_ns() is not None:
            self._market.pop()
            self._taken += 1
        return self._taken == count

    def arm_later(self, after_ms: int, fault: Fault) -> None:
        """Arm a fault when so much venue time has passed."""
        self.put_under_way(self._now_ns + after_ms * NS_PER_MS, UnderWay(fault=fault))

    def under_way(self) -> list[tuple[int, int, UnderWay]]:
        """(when, number, what) of all that does not depend on a connection, in order."""
        rows = [(due.at_ns, due.seq, due.kept) for due in sorted(self._due)]
        return [(at_ns, seq, kept) for at_ns, seq, kept in rows if kept is not None]

    def restore_under_way(self, rows: list[tuple[int, int, UnderWay]], seq: int) -> None:
        """Replace everything under way by these; nobody waits for the answers."""
        self._due = [_Due(at_ns, n, self._act_of(kept, NOBODY), kept) for at_ns, n, kept in rows]
        heapify(self._due)
        self._seq = seq

    def clear_faults(self) -> None:
        """Disarm every fault; streams that were mute speak again."""
        self.faults.clear()
        self.streams.unmute()

    # -- inside: time -------------------------------------------------------------------------

    def _market_ns(self) -> int | None:
        return self._market.next_ns() if self._market is not None else None

    def _turn(self, to_ns: int) -> bool:
        """Let the earliest thing happen if it is due by ``to_ns``; whether there was one."""
        exchange_ns, market_ns = self.exchange.next_ns(), self._market_ns()
        due_ns = self._due[0].at_ns if self._due else None
        alarm_ns = self.streams.next_alarm_ns()
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
            self._taken += 1
            self._apply_market(self.exchange.bent(self._market.pop()))
        elif due_ns is not None and due_ns <= at_ns:
            heappop(self._due).act()
        elif alarm_ns is not None and alarm_ns <= at_ns:
            self.streams.ring()
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
        self._push(at_ns, act, None)

    def _push(self, at_ns: int, act: Callable[[], None], kept: UnderWay | None) -> None:
        self._seq += 1
        heappush(self._due, _Due(max(at_ns, self._now_ns), self._seq, act, kept))

    def put_under_way(self, at_ns: int, what: UnderWay, ticket: int = NOBODY) -> None:
        """Let it reach the venue at ``at_ns``."""
        self._push(at_ns, self._act_of(what, ticket), what)

    def _act_of(self, what: UnderWay, ticket: int) -> Callable[[], None]:
        """What happens when it arrives."""
        if what.request is not None:
            return partial(self._requests.arrive, ticket, what.request, what.opportunity)
        assert what.fault is not None, "a request or a fault is under way"
        return partial(self.arm, what.fault)

    def _trouble(self, code: FaultCode, what: str) -> int | None:
        """A fault inside the venue: its ``delay_ms`` in nanoseconds, ``None`` when none strikes."""
        if not self.faults.arms:
            return None
        fault = self.faults.draw(code, what, self._now_ns)
        return None if fault is None else fault.number("delay_ms", 60_000) * NS_PER_MS

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
        self._publish(event)

    def _publish(self, event: MarketEvent) -> None:
        self.face.on_market(event)
        self.streams.on_market(event)
        if self._minute_ns is None and self.streams.has_listeners(StreamKind.MARKET):
            self._minute_ns = (self._now_ns // NS_PER_MINUTE + 1) * NS_PER_MINUTE

    def _fan_out(self) -> None:
        for jump in self.exchange.drain_jumps():
            self._apply_market(jump)
        for said in self.exchange.drain_public():
            if isinstance(said, BandNotice):
                self._say(said)
            else:
                self._publish(said)
        for event in self.exchange.drain():
            self.face.on_order(event)
            self.streams.on_order(event)
