"""The values between translation and sockets."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from surefill.brokers.alpaca.transport import HttpRequest, HttpResponse, Lost, NotSent, Throttled


def test_requests_and_outcomes_are_values() -> None:
    request = HttpRequest("GET", "/v2/clock")
    assert request == HttpRequest("GET", "/v2/clock", (), None)
    with pytest.raises(FrozenInstanceError):
        request.method = "POST"  # type: ignore[misc]
    outcomes = {HttpResponse(200, b"", 1).status, Lost("x").text, NotSent("y").text}
    assert outcomes == {200, "x", "y"}
    assert Throttled(7).until_ns == 7
