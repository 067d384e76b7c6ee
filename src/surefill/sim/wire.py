"""The vocabulary of the wire, without a wire: requests, answers, frames, deliveries.

What: plain values that the edge moves between a client and the venue, plus the two shapes a
broker's protocol must have to stand behind the edge (`VenueFace`, `StreamSession`).
Why: the same values travel over real sockets (the server) and in virtual time (the harness), so
both see byte-identical answers.
Must never: hold a socket, a clock or a protocol's own word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from surefill.sim.market import MarketEvent
from surefill.sim.notices import Notice
from surefill.sim.types import VenueEvent


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP request. Header names are lower case; ``query`` keeps order and repetition.

    ``as_of_ns`` is set by the edge alone (fault N8): answer a read as the venue stood then.
    ``sealed`` is set by a restored snapshot alone: whose request it is (key, digest of the secret)
    where the headers that said so were not written down.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    as_of_ns: int | None = None
    sealed: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class WireResponse:
    """One HTTP answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Frame:
    """One websocket message; ``is_text`` chooses the opcode, the bytes are UTF-8 then."""

    data: bytes
    is_text: bool = False


class StreamKind(StrEnum):
    """What a stream carries: the account's own order events, or the public market."""

    ORDERS = "orders"
    MARKET = "market"


class DeliveryKind(StrEnum):
    """What arrives at the client. ``RESET`` may carry the part of an answer that got through."""

    RESPONSE = "RESPONSE"
    RESET = "RESET"
    FRAME = "FRAME"
    CLOSE = "CLOSE"
    MUTE = "MUTE"
    """The peer of this stream is gone without a word: not even pings are answered (W6)."""
    UNMUTE = "UNMUTE"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that reaches the client at ``at_ns``: an answer by ticket, a frame by connection.

    ``code`` is the websocket close code of a ``CLOSE``; 1006 means cut, without a close frame.
    """

    at_ns: int
    kind: DeliveryKind
    ticket: int | None = None
    conn: int | None = None
    response: WireResponse | None = None
    frame: Frame | None = None
    code: int = 0


class StreamSession(Protocol):
    """One client's stream, as a state machine: bytes in, frames out."""

    def opened(self) -> Sequence[Frame]:
        """Frames sent right after the handshake."""

    def receive(self, data: bytes) -> Sequence[Frame]:
        """Answer to one message of the client."""

    def on_order(self, event: VenueEvent) -> Sequence[Frame]:
        """Frames for one order event; empty when it is not this stream's business."""

    def on_market(self, event: MarketEvent) -> Sequence[Frame]:
        """Frames for one market event; empty when not subscribed."""

    def on_notice(self, notice: Notice) -> Sequence[Frame]:
        """Frames for a public message that is no market event; empty when not subscribed."""

    def auth_expired(self) -> Sequence[Frame]:
        """Time to authenticate is over: last frames before the end, or nothing when it was used."""

    def auth_refused(self) -> Sequence[Frame]:
        """What this broker says to credentials it does not like (fault W7)."""

    def closed(self) -> None:
        """The connection ended."""

    def thrown_out(self) -> Sequence[Frame]:
        """What this broker says to a client that reads too slowly (fault W12)."""

    def foreign(self, event: VenueEvent) -> Sequence[Frame]:
        """The event as of an order that this client never placed (fault W14)."""

    def unknown(self) -> Frame:
        """A well-formed message of a kind no client knows (fault W9)."""


class VenueFace(Protocol):
    """A broker's protocol in front of the exchange: what the edge needs of it."""

    def handle(self, request: WireRequest) -> WireResponse:
        """Answer a request at the exchange's present time."""

    def open_stream(self, kind: StreamKind, headers: Mapping[str, str]) -> StreamSession:
        """A session for a new connection with these handshake headers (lower case)."""

    def seal(self, request: WireRequest) -> WireRequest:
        """The request without its secret, to be written down; it is answered the same."""

    def fault_answer(self, status: int, headers: Mapping[str, str]) -> WireResponse:
        """The body this broker would send for a failure of its own (429, 5xx)."""

    def spoiled(self, response: WireResponse, mode: str, *, rows: int) -> WireResponse:
        """A good answer with malformed values or a wrong listing (faults N7, N9)."""

    def refused(self, mode: str, request: WireRequest) -> WireResponse:
        """A refusal in this broker's words, out of nothing (fault N12)."""

    def skewed(self, data: bytes, skew_ns: int) -> bytes:
        """Text of an answer or a message with every time in it moved (fault V27)."""

    def on_market(self, event: MarketEvent) -> None:
        """Every market event passes here before it reaches any stream."""

    def on_notice(self, notice: Notice) -> None:
        """Every notice passes here before it reaches any stream. ``KeyError``: no such print."""

    def on_order(self, event: VenueEvent) -> None:
        """Every order event passes here before it reaches any stream."""
