"""First reads: waited for where waiting helps, ended with a sentence where it does not."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

import pytest

from surefill.brokers.alpaca.patience import RETRY_NS, UNREACHABLE_S, Patience
from surefill.brokers.alpaca.translate import requests
from surefill.brokers.alpaca.transport import (
    HttpOutcome,
    HttpRequest,
    HttpResponse,
    Lost,
    NotSent,
    Throttled,
)
from surefill.core.commands import Priority
from surefill.core.units import NANO
from surefill.ports import KeysRefused
from tests.brokers.alpaca.support import START_NS, FakeClock

GOOD = HttpResponse(200, b"{}", START_NS, {})


class Replies:
    """A `Reader` that gives these outcomes in turn, the last one for ever."""

    def __init__(self, outcomes: Iterable[HttpOutcome]) -> None:
        self.outcomes = list(outcomes)
        self.asked = 0

    async def read(self, request: HttpRequest, priority: Priority) -> HttpOutcome:
        assert (request.method, priority) == ("GET", Priority.EVIDENCE)
        self.asked += 1
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


def status(code: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> HttpOutcome:
    return HttpResponse(code, body, START_NS, headers or {})


class Start:
    """One start: what it was told, how long it waited (s)."""

    def __init__(self, *outcomes: HttpOutcome, moves: bool = True) -> None:
        self.clock = FakeClock()
        self.replies = Replies(outcomes)
        self.waits: list[float] = []
        self._moves = moves
        self.patience = Patience(within_s=30, clock=self.clock, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))
        if self._moves:
            self.clock.advance(round(seconds * NANO))

    async def read(self) -> HttpResponse:
        return await self.patience.read(self.replies, requests.account(), "the account")


async def test_a_good_answer_is_not_waited_for() -> None:
    start = Start(GOOD)
    assert await start.read() == GOOD
    assert start.waits == []


async def test_a_limit_is_waited_out_to_the_second(caplog: pytest.LogCaptureFixture) -> None:
    at_s = START_NS // NANO + 7
    for headers in ({"x-ratelimit-reset": str(at_s)}, {"retry-after": "7"}):
        start = Start(status(429, headers=headers), GOOD)
        with caplog.at_level(logging.WARNING):
            assert await start.read() == GOOD
        assert start.waits == [7.0]
        assert start.patience.asked_ns == START_NS + 7 * NANO
    assert "cannot read the account (rate limited until" in caplog.text
    assert "asking again in 7.0 s" in caplog.text


async def test_our_own_budget_is_waited_for_too() -> None:
    start = Start(Throttled(START_NS + 3 * NANO), GOOD)
    assert await start.read() == GOOD
    assert start.waits == [3.0]


async def test_a_limit_beyond_the_bound_ends_at_once_and_says_until_when() -> None:
    start = Start(status(429, headers={"retry-after": "45"}))
    with pytest.raises(
        ConnectionError, match=r"cannot read the account: rate limited until 08:00:46 UTC"
    ):
        await start.read()
    assert start.waits == []
    assert start.replies.asked == 1


async def test_a_limit_that_is_over_already_is_no_spin() -> None:
    start = Start(Throttled(START_NS - NANO))
    with pytest.raises(ConnectionError):
        await start.read()
    assert min(start.waits) >= RETRY_NS[0] / NANO
    assert sum(start.waits) <= 30


@pytest.mark.parametrize("outcome", [status(503), status(500), Lost("no answer (X)")])
async def test_a_short_outage_is_waited_for_and_a_long_one_is_not(outcome: HttpOutcome) -> None:
    start = Start(outcome, outcome, GOOD)
    assert await start.read() == GOOD
    assert start.waits == [0.5, 1.0]
    long = Start(outcome)
    with pytest.raises(ConnectionError, match="cannot read the account: "):
        await long.read()
    assert 25 <= sum(long.waits) <= 30


async def test_where_nobody_answers_the_wait_is_short() -> None:
    start = Start(NotSent("no connection (X)"))
    with pytest.raises(ConnectionError, match=r"cannot read the account: no connection \(X\)"):
        await start.read()
    assert 0 < sum(start.waits) <= UNREACHABLE_S


async def test_a_clock_that_stands_still_ends_it_too() -> None:
    start = Start(status(503), moves=False)
    with pytest.raises(ConnectionError):
        await start.read()
    assert sum(start.waits) <= 30


async def test_all_reads_of_a_start_share_its_time() -> None:
    start = Start(status(429, headers={"retry-after": "20"}), GOOD)
    await start.read()
    start.replies.outcomes = [status(429, headers={"retry-after": "20"}), GOOD]
    with pytest.raises(ConnectionError, match="rate limited"):
        await start.read()


@pytest.mark.parametrize(
    "outcome", [status(401), status(403, b'{"code":40310000,"message":"forbidden."}')]
)
async def test_refused_keys_are_told_apart_and_not_tried_again(outcome: HttpOutcome) -> None:
    start = Start(outcome)
    with pytest.raises(KeysRefused, match="cannot read the account: AUTHORIZATION: 40"):
        await start.read()
    assert start.waits == []


async def test_another_refusal_is_not_about_the_keys() -> None:
    start = Start(status(404, b'{"message":"no such thing"}'))
    with pytest.raises(ConnectionError, match="404: no such thing") as caught:
        await start.read()
    assert not isinstance(caught.value, KeysRefused)
    assert start.waits == []
