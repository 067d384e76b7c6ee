"""The values of the wire: immutable, with harmless defaults."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from surefill.sim.wire import (
    Delivery,
    DeliveryKind,
    Frame,
    StreamKind,
    WireRequest,
    WireResponse,
)


def test_a_request_reads_the_present_unless_the_edge_says_otherwise() -> None:
    request = WireRequest("GET", "/x")
    assert request.as_of_ns is None
    assert (request.query, dict(request.headers), request.body) == ((), {}, b"")
    with pytest.raises(FrozenInstanceError):
        request.path = "/y"  # type: ignore[misc]  # that it fails is the point


def test_a_delivery_is_an_answer_or_a_frame() -> None:
    answer = Delivery(7, DeliveryKind.RESPONSE, ticket=1, response=WireResponse(204))
    frame = Delivery(8, DeliveryKind.FRAME, conn=2, frame=Frame(b"{}", is_text=True))
    assert answer.conn is None
    assert frame.response is None
    assert (answer.code, frame.code) == (0, 0)
    assert StreamKind.ORDERS.value == "orders"
