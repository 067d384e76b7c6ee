"""Patience with limits and failures, none with refusals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from surefill.brokers.alpaca import past
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.endpoints import endpoints_of
from surefill.brokers.alpaca.past import TRIES_MAX, PastMarket, PastRefused
from surefill.brokers.alpaca.translate.past import Page, PastKind
from surefill.brokers.alpaca.transport import (
    HttpOutcome,
    HttpRequest,
    HttpResponse,
    Lost,
    Throttled,
)
from surefill.core.commands import Priority
from surefill.core.fix import Feed

NOW = 1_772_463_600_000_000_000
GOOD = json.dumps({"symbol": "CRWD", "quotes": [], "next_page_token": None}).encode()


class HandClock:
    """Stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def now_ns(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += int(seconds * 1e9)


class Scripted:
    """Answers in turn, the last one for good."""

    def __init__(self, outcomes: Sequence[HttpOutcome]) -> None:
        self._outcomes = list(outcomes)
        self.asked: list[HttpRequest] = []
        self.is_open = False

    def __call__(self, **named: Any) -> Scripted:
        assert named["base_url"] == "http://127.0.0.1:1"
        named["on_budget"]()
        return self

    async def open(self) -> None:
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False

    async def read(self, request: HttpRequest, priority: Priority) -> HttpOutcome:
        assert priority is Priority.ROUTINE
        self.asked.append(request)
        return self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]


def response(status: int, body: bytes = GOOD, **headers: str) -> HttpResponse:
    return HttpResponse(status, body, NOW, {key.replace("_", "-"): v for key, v in headers.items()})


async def asked(
    monkeypatch: pytest.MonkeyPatch, *outcomes: HttpOutcome
) -> tuple[Page, HandClock, Scripted, list[str]]:
    clock, rest, told = HandClock(), Scripted(outcomes), []
    monkeypatch.setattr(past, "Rest", rest)

    def on_wait(why: str, until_ns: int) -> None:
        assert until_ns > clock.now
        told.append(why)

    async with PastMarket(
        endpoints=endpoints_of("http://127.0.0.1:1", feed=Feed.IEX),
        credentials=Credentials(key_id="K", secret="S"),
        feed=Feed.IEX,
        clock=clock,
        sleep=clock.sleep,
        on_wait=on_wait,
    ) as market:
        assert rest.is_open
        found = await market.page(PastKind.QUOTES, "CRWD", (NOW, NOW + 1), token="t")
    assert not rest.is_open
    return found, clock, rest, told


async def test_a_page_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found, clock, rest, told = await asked(monkeypatch, response(200))
    assert found == Page((), None)
    assert (clock.slept, told) == ([], [])
    assert ("page_token", "t") in rest.asked[0].query


async def test_a_limit_is_waited_for_as_long_as_the_server_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limited = response(429, b"{}", retry_after="7")
    found, clock, rest, told = await asked(monkeypatch, limited, limited, response(200))
    assert found.token is None
    assert clock.slept == pytest.approx([7, 7], abs=1e-6)
    assert told == ["the request limit"] * 2
    assert len(set(rest.asked)) == 1, "the same request again"


async def test_our_own_budget_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Throttled(NOW + 3_000_000_000)
    _, clock, _, _ = await asked(monkeypatch, held, response(200))
    assert clock.slept == pytest.approx([3], abs=1e-6)


async def test_what_may_pass_is_tried_again_with_growing_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, clock, _, told = await asked(
        monkeypatch, Lost("no answer"), response(503, b""), response(200, b"<html>"), response(200)
    )
    assert clock.slept == pytest.approx([0.5, 1, 2], abs=1e-6)
    assert told[0].startswith("quotes of CRWD: ")


async def test_what_does_not_pass_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectionError, match="quotes of CRWD"):
        await asked(monkeypatch, *[Lost("no answer")] * TRIES_MAX)


async def test_a_refusal_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"message": "subscription does not permit querying recent SIP data"}'
    with pytest.raises(PastRefused, match="does not permit"):
        await asked(monkeypatch, response(403, body))
