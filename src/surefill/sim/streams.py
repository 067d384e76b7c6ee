"""Open streams at the edge: order of messages, and the faults that strike them.

What: `StreamHub` keeps every open connection, sends the session's frames on their way and lets the
W faults (and the outage N10) drop, double, delay, reorder, cut or mute them.
Invariants: a stream keeps its order unless fault W3 strikes; nothing is delivered on a connection
after its end; answers of the protocol itself (greeting, acknowledgements) are never faulted.
Must never: know a protocol. Frames are bytes here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from surefill.core.values import replace
from surefill.sim.faults import NS_PER_MS, Fault, FaultCode, FaultPlan
from surefill.sim.market import MarketEvent
from surefill.sim.models import Delay, LatencyModel
from surefill.sim.notices import Notice
from surefill.sim.requests import skew_ns_of
from surefill.sim.types import OrderEventKind, VenueEvent
from surefill.sim.wire import Delivery, DeliveryKind, Frame, StreamKind, StreamSession, VenueFace

CUT = 1006
"""Websocket close code of a connection that ended without a close frame (RFC 6455 7.4.1)."""
GOING_AWAY = 1001
POLICY_VIOLATION = 1008
AUTH_TIMEOUT_NS = 10 * 1_000_000_000
"""A market stream must authenticate within 10 s (spec 5.1)."""
HUGE_FRAME_BYTES = 2 * 1024 * 1024
"""Above the 1 MiB that websocket clients accept by default: fault W8, mode huge."""


class StreamError(ValueError):
    """The caller broke a rule of the streams: a connection opened twice."""


class Scheduler(Protocol):
    """What the hub needs of the edge: its time, its agenda, its way out."""

    @property
    def now_ns(self) -> int:
        """Venue time, UTC ns."""

    def at(self, at_ns: int, act: Callable[[], None]) -> None:
        """Let ``act`` happen at ``at_ns``."""

    def emit(self, delivery: Delivery) -> None:
        """Hand something to the client now."""


@dataclass(slots=True)
class Stream:
    """One open connection. ``up_ns`` and ``down_ns`` are the last arrivals, to keep order."""

    conn: int
    kind: StreamKind
    session: StreamSession
    up_ns: int
    down_ns: int
    is_open: bool = True
    has_spoken: bool = False


class StreamHub:
    """All streams of one edge: conn -> `Stream`."""

    def __init__(
        self, edge: Scheduler, *, face: VenueFace, latency: LatencyModel, faults: FaultPlan
    ) -> None:
        self._edge = edge
        self._face = face
        self._latency = latency
        self._faults = faults
        self._streams: dict[int, Stream] = {}
        # (when, stream) of those that have to authenticate by then
        self._alarms: list[tuple[int, Stream]] = []
        self.refuse_until_ns: dict[StreamKind, int] = {}

    def open(self, conn: int, kind: StreamKind, headers: Mapping[str, str]) -> bool:
        """Open ``conn``; ``False`` when the venue refuses (outage, reconnect ban)."""
        if conn in self._streams:
            raise StreamError(f"connection {conn} is open already")
        now_ns = self._edge.now_ns
        if self._faults.draw(FaultCode.N10, f"{kind} open", now_ns) is not None:
            return False
        if self._draw_w7(kind, "refuse"):
            return False
        if now_ns < self.refuse_until_ns.get(kind, 0):
            return False
        session = self._face.open_stream(kind, headers)
        stream = Stream(conn, kind, session, now_ns, now_ns)
        self._streams[conn] = stream
        self._reply(stream, session.opened())
        storm = self._faults.draw(FaultCode.W13, f"{kind} open", now_ns)
        if storm is not None:
            end_ns = now_ns + storm.number("delay_ms", 100) * NS_PER_MS
            self._edge.at(end_ns, lambda: self._cut_if_open(stream))
        if kind is StreamKind.MARKET:
            self._alarms.append((now_ns + AUTH_TIMEOUT_NS, stream))
        return True

    def next_alarm_ns(self) -> int | None:
        """When the next connection must have authenticated."""
        return self._alarms[0][0] if self._alarms else None

    def ring(self) -> None:
        """End the connections that have not authenticated in time."""
        while self._alarms and self._alarms[0][0] <= self._edge.now_ns:
            _, stream = self._alarms.pop(0)
            frames = stream.session.auth_expired() if stream.is_open else ()
            for frame in frames:
                self._emit(stream, DeliveryKind.FRAME, frame=frame)
            if frames:
                self._cut(stream, POLICY_VIOLATION)

    def close(self, conn: int) -> None:
        """The client's end is gone; nothing more will be delivered to it."""
        stream = self._streams.pop(conn, None)
        if stream is not None:
            stream.is_open = False
            stream.session.closed()

    def send(self, conn: int, data: bytes) -> None:
        """One message of the client leaves now."""
        stream = self._streams.get(conn)
        if stream is None:
            return
        stream.up_ns = max(stream.up_ns, self._edge.now_ns + self._latency.draw(Delay.UP))
        self._edge.at(stream.up_ns, lambda: self._arrive(stream, data))

    def unmute(self) -> None:
        """Fault W6 is over for every stream."""
        for stream in self._streams.values():
            self._emit(stream, DeliveryKind.UNMUTE)

    def on_market(self, event: MarketEvent) -> None:
        """Publish a market event to the market streams."""
        for stream in self._listeners(StreamKind.MARKET):
            name = type(event).__name__.removesuffix("Event").lower()
            self._publish(stream, stream.session.on_market(event), name)

    def has_listeners(self, kind: StreamKind) -> bool:
        """Whether any connection of this kind is open."""
        return any(s.kind is kind and s.is_open for s in self._streams.values())

    def on_notice(self, notice: Notice) -> None:
        """Publish a notice to the market streams."""
        for stream in self._listeners(StreamKind.MARKET):
            self._publish(stream, stream.session.on_notice(notice), type(notice).__name__.lower())

    def on_order(self, event: VenueEvent) -> None:
        """Publish an order event to the order streams."""
        for stream in self._listeners(StreamKind.ORDERS):
            name = event.kind.value.lower()
            frames = stream.session.on_order(event)
            if frames and self._draw(FaultCode.W14, f"{stream.kind} {name}") is not None:
                self._reply(stream, stream.session.foreign(event))
            is_sibling = event.kind is OrderEventKind.CANCELED and event.order.leg is not None
            if frames and is_sibling:
                opportunity = f"{stream.kind} {name}"
                frames = () if self._draw(FaultCode.W11, opportunity) is not None else frames
            self._publish(stream, frames, name)

    def _listeners(self, kind: StreamKind) -> list[Stream]:
        return [s for s in self._streams.values() if s.kind is kind and s.is_open]

    def _arrive(self, stream: Stream, data: bytes) -> None:
        if not stream.is_open:
            return
        if self._is_mute(stream):
            self._draw(FaultCode.W6, f"{stream.kind} unheard")  # a connection opened meanwhile
            return
        if not stream.has_spoken and self._draw_w7(stream.kind, "auth"):
            self._reply(stream, stream.session.auth_refused())
            return
        stream.has_spoken = True
        self._reply(stream, stream.session.receive(data))

    def _draw_w7(self, kind: StreamKind, mode: str) -> bool:
        """Fault W7, if one of this mode is armed for this moment."""
        return (
            self._faults.draw(FaultCode.W7, f"{kind} {mode}", self._edge.now_ns, mode=mode)
            is not None
        )

    def _reply(self, stream: Stream, frames: Sequence[Frame]) -> None:
        """Protocol answers: they travel like events but no W fault is drawn for them."""
        for frame in frames:
            self._queue(stream, frame)

    def _publish(self, stream: Stream, frames: Sequence[Frame], name: str) -> None:
        """Event frames: every one of them is an opportunity for the W faults."""
        for frame in frames:
            if stream.is_open and self._passes(stream, f"{stream.kind} {name}"):
                self._send_frame(stream, frame, f"{stream.kind} {name}")

    def _passes(self, stream: Stream, opportunity: str) -> bool:
        """Faults that swallow the message: outage, half open, cut, drop."""
        if self._faults.draw(FaultCode.N10, opportunity, self._edge.now_ns) is not None:
            self._cut(stream, CUT)
            return False
        if self._go_mute(stream, opportunity):
            return False
        cut = self._faults.draw(FaultCode.W5, opportunity, self._edge.now_ns)
        if cut is not None:
            ban_ns = cut.number("refuse_ms", 0) * NS_PER_MS
            self.refuse_until_ns[stream.kind] = self._edge.now_ns + ban_ns
            self._cut(stream, CUT if cut.mode == "cut" else GOING_AWAY)
            return False
        return self._faults.draw(FaultCode.W1, opportunity, self._edge.now_ns) is None

    def _draw(self, code: FaultCode, opportunity: str) -> Fault | None:
        return self._faults.draw(code, opportunity, self._edge.now_ns)

    def _cut_if_open(self, stream: Stream) -> None:
        if stream.is_open:
            self._cut(stream, CUT)

    def _pile_up(self, stream: Stream, slow: Fault) -> bool:
        """Fault W12: nothing passes for a while and then everything at once, or the client is
        thrown out; whether it is still there."""
        if slow.mode == "thrown_out":
            for frame in stream.session.thrown_out():
                self._emit(stream, DeliveryKind.FRAME, frame=frame)
            self._cut(stream, POLICY_VIOLATION)
            return False
        until_ns = self._edge.now_ns + slow.number("delay_ms", 2_000) * NS_PER_MS
        stream.down_ns = max(stream.down_ns, until_ns)
        return True

    def _send_frame(self, stream: Stream, frame: Frame, opportunity: str) -> None:
        slow_reader = self._draw(FaultCode.W12, opportunity)
        if slow_reader is not None and not self._pile_up(stream, slow_reader):
            return
        skew = self._draw(FaultCode.V27, "clock")
        if skew is not None:
            frame = replace(frame, data=self._face.skewed(frame.data, skew_ns_of(skew)))
        garbage = self._faults.draw(FaultCode.W8, opportunity, self._edge.now_ns)
        if garbage is not None:
            self._queue(stream, _garbage(garbage.mode))
        if self._faults.draw(FaultCode.W9, opportunity, self._edge.now_ns) is not None:
            self._queue(stream, stream.session.unknown())
        copies = 1
        double = self._faults.draw(FaultCode.W2, opportunity, self._edge.now_ns)
        if double is not None:
            copies += double.number("copies", 1)
        late = self._faults.draw(FaultCode.W3, opportunity, self._edge.now_ns)
        slow = self._faults.draw(FaultCode.W4, opportunity, self._edge.now_ns)
        delay_ms = slow.number("delay_ms", 1_000) if slow is not None else 0
        for _ in range(copies):
            if late is not None:
                self._overtaken(stream, frame, late.number("delay_ms", 250))
            else:
                self._queue(stream, frame, delay_ms)

    def _queue(self, stream: Stream, frame: Frame, delay_ms: int = 0) -> None:
        """Deliver in order: never before the frame sent before it."""
        at_ns = self._edge.now_ns + self._latency.draw(Delay.STREAM) + delay_ms * NS_PER_MS
        stream.down_ns = max(stream.down_ns, at_ns)
        self._edge.at(stream.down_ns, lambda: self._frame_out(stream, frame))

    def _overtaken(self, stream: Stream, frame: Frame, delay_ms: int) -> None:
        at_ns = self._edge.now_ns + self._latency.draw(Delay.STREAM) + delay_ms * NS_PER_MS
        self._edge.at(at_ns, lambda: self._frame_out(stream, frame))

    def _frame_out(self, stream: Stream, frame: Frame) -> None:
        if stream.is_open:
            self._emit(stream, DeliveryKind.FRAME, frame=frame)

    def _cut(self, stream: Stream, code: int) -> None:
        """The connection ends now; frames still under way are lost with it."""
        self.close(stream.conn)
        self._emit(stream, DeliveryKind.CLOSE, code=code)

    def _emit(
        self, stream: Stream, kind: DeliveryKind, *, frame: Frame | None = None, code: int = 0
    ) -> None:
        self._edge.emit(Delivery(self._edge.now_ns, kind, conn=stream.conn, frame=frame, code=code))

    def _is_mute(self, stream: Stream) -> bool:
        return self._faults.is_armed(FaultCode.W6, f"{stream.kind} ", self._edge.now_ns)

    def _go_mute(self, stream: Stream, opportunity: str) -> bool:
        """Fault W6: this message and all others vanish until the window ends."""
        if self._faults.draw(FaultCode.W6, opportunity, self._edge.now_ns) is None:
            return False
        self._emit(stream, DeliveryKind.MUTE)
        end_ns = self._faults.window_end_ns(FaultCode.W6, self._edge.now_ns)
        if end_ns is not None:
            self._edge.at(end_ns, lambda: self._emit(stream, DeliveryKind.UNMUTE))
        return True


def _garbage(mode: str) -> Frame:
    """A frame no protocol produces (fault W8)."""
    if mode == "text":
        return Frame(b"{not json", is_text=True)
    if mode == "huge":
        return Frame(b"x" * HUGE_FRAME_BYTES, is_text=True)
    return Frame(b"\xc1\x00\xff\xfe", is_text=False)
