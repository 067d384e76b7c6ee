"""The edge of the simulated venue as the wire of the adapter, in virtual time.

What: `EdgeWire` hands requests and stream messages of one adapter to the edge, and what reaches the
client back to the adapter.
Must never: know a word of the protocol; bytes and outcomes pass through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from surefill.brokers.alpaca.transport import HttpOutcome, HttpRequest, HttpResponse, Lost
from surefill.sim.edge import Edge
from surefill.sim.wire import Delivery, DeliveryKind, StreamKind, WireRequest


class Receiver(Protocol):
    """The adapter's side of the wire."""

    def answered(self, ticket: int, outcome: HttpOutcome) -> None:
        """What became of a request."""

    def framed(self, conn: int, data: bytes) -> None:
        """A message of the stream."""

    def closed(self, conn: int) -> None:
        """The stream ended."""

    def muted(self, conn: int) -> None:
        """The stream went silent without ending."""


class EdgeWire:
    """One client's wire."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def now_ns(self) -> int:
        """Virtual time, UTC ns."""
        return self._edge.now_ns

    def request(self, ticket: int, request: HttpRequest, headers: Mapping[str, str]) -> None:
        """Send a request now."""
        body = request.body or b""
        wire = WireRequest(request.method, request.path, request.query, headers, body)
        self._edge.send(self._edge.now_ns, ticket, wire)

    def open_stream(self, conn: int) -> bool:
        """Open the order stream; False when the venue refuses."""
        return self._edge.open_stream(self._edge.now_ns, conn, StreamKind.ORDERS, headers={})

    def stream_send(self, conn: int, data: bytes) -> None:
        """One message of ours on a connection."""
        self._edge.stream_send(self._edge.now_ns, conn, data)

    def close_stream(self, conn: int) -> None:
        """Our end of a connection is gone."""
        self._edge.close_stream(self._edge.now_ns, conn)


def hand_on(delivery: Delivery, receiver: Receiver) -> None:
    """Give the adapter what reached it."""
    if delivery.ticket is not None:
        receiver.answered(delivery.ticket, _outcome(delivery))
        return
    assert delivery.conn is not None
    match delivery.kind:
        case DeliveryKind.FRAME if delivery.frame is not None:
            receiver.framed(delivery.conn, delivery.frame.data)
        case DeliveryKind.CLOSE:
            receiver.closed(delivery.conn)
        case DeliveryKind.MUTE:
            receiver.muted(delivery.conn)
        case _:
            pass


def _outcome(delivery: Delivery) -> HttpOutcome:
    if delivery.kind is DeliveryKind.RESPONSE and delivery.response is not None:
        response = delivery.response
        return HttpResponse(response.status, response.body, delivery.at_ns, response.headers)
    return Lost("connection reset")
