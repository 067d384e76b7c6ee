"""The venue's time, asked before anything is built."""

from __future__ import annotations

import pytest
from aiohttp import web

from surefill.brokers.alpaca.endpoints import endpoints_of
from surefill.brokers.alpaca.translate.times import to_rfc3339
from surefill.brokers.alpaca.venue_time import venue_offset_ns
from surefill.core.fix import Feed
from surefill.core.units import NANO
from tests.brokers.alpaca.support import KEYS, START_NS, FakeClock, Json, serving


async def offset_from(status: int, answer: Json) -> int:
    async def clock(request: web.Request) -> web.Response:
        return web.json_response(answer, status=status)

    async with serving(web.get("/v2/clock", clock)) as url:
        endpoints = endpoints_of(url, feed=Feed.IEX)
        return await venue_offset_ns(endpoints, KEYS, clock=FakeClock())


async def test_the_difference_to_our_clock() -> None:
    venue = to_rfc3339(START_NS - 86_400 * NANO)
    assert await offset_from(200, {"timestamp": venue}) == -86_400 * NANO


@pytest.mark.parametrize(("status", "answer"), [(401, {"message": "unauthorized."}), (200, {})])
async def test_no_answer_is_a_sentence(status: int, answer: Json) -> None:
    with pytest.raises(ConnectionError, match=r"cannot read the venue's clock: ."):
        await offset_from(status, answer)
