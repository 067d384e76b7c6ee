"""The edge as an adapter's wire: bytes pass through, and every kind of delivery arrives."""

from __future__ import annotations

from surefill.brokers.alpaca.transport import HttpOutcome, HttpRequest, HttpResponse, Lost
from surefill.replay.virtual_wire import EdgeWire, hand_on
from surefill.sim.faults import Fault, FaultCode
from surefill.sim.wire import Delivery, DeliveryKind
from tests.support.stage import MS_NS, Stage


class Ear:
    """Remembers what reached the client."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []

    def answered(self, ticket: int, outcome: HttpOutcome) -> None:
        """What became of a request."""
        self.heard.append((f"answer {ticket}", outcome))

    def framed(self, conn: int, data: bytes) -> None:
        """A message of the stream."""
        self.heard.append((f"frame {conn}", data))

    def closed(self, conn: int) -> None:
        """The stream ended."""
        self.heard.append((f"close {conn}", None))

    def muted(self, conn: int) -> None:
        """The stream went silent."""
        self.heard.append((f"mute {conn}", None))


def test_every_kind_of_delivery_reaches_the_adapter() -> None:
    stage = Stage("buy", [(0, "100.00")])
    edge, ear = stage.run.edge, Ear()
    wire = EdgeWire(edge)
    assert wire.now_ns() == edge.now_ns

    def pass_time(ms: int) -> None:
        for delivery in edge.advance(edge.now_ns + ms * MS_NS):
            hand_on(delivery, ear)

    keys = {"apca-api-key-id": "K", "apca-api-secret-key": "s"}
    wire.request(7, HttpRequest("GET", "/v2/clock"), keys)
    pass_time(200)
    name, outcome = ear.heard.pop()
    assert name == "answer 7"
    assert isinstance(outcome, HttpResponse)
    assert outcome.status == 200

    stage.faults.arm(Fault(FaultCode.N5, "GET", params={"mode": "reset"}), edge.now_ns)
    wire.request(8, HttpRequest("GET", "/v2/clock"), keys)
    pass_time(200)
    assert isinstance(ear.heard.pop()[1], Lost)

    assert wire.open_stream(3)
    wire.stream_send(3, b'{"action": "auth", "key": "K", "secret": "s"}')
    pass_time(200)
    name, data = ear.heard.pop()
    assert name == "frame 3"
    assert isinstance(data, bytes)
    assert b"authoriz" in data

    for kind, said in ((DeliveryKind.MUTE, "mute 3"), (DeliveryKind.CLOSE, "close 3")):
        hand_on(Delivery(edge.now_ns, kind, conn=3), ear)
        assert ear.heard.pop()[0] == said
    hand_on(Delivery(edge.now_ns, DeliveryKind.UNMUTE, conn=3), ear)
    wire.close_stream(3)
    assert not ear.heard
