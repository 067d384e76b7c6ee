"""Past order events, where the switch says that the account has them."""

from __future__ import annotations

import json
from typing import Any

from tests.support.bench import SYM, Bench

PATH = "/v2/events/trades"


def rows(bench: Bench, query: str = "") -> list[Any]:
    answer = bench.call("GET", f"{PATH}{query}")
    assert answer.headers["content-type"] == "text/event-stream"
    return [json.loads(line[5:]) for line in answer.raw.decode().split("\n\n") if line]


def test_everything_once_and_from_any_point() -> None:
    bench = Bench("event_history=on")
    bench.quote(SYM, "99.99", "100.01")
    bench.filled()
    bench.advance()
    bench.filled(side="sell")
    everything = rows(bench)
    assert [row["event"] for row in everything] == ["pending_new", "new", "fill"] * 2
    third = everything[2]
    assert rows(bench, f"?since_id={third['event_id']}") == everything[3:]
    assert rows(bench, f"?until_id={third['event_id']}") == everything[:3]
    assert rows(bench, f"?since={everything[3]['at']}") == everything[3:]
    assert rows(bench, f"?until={third['at']}") == everything[:3]
    assert bench.call("GET", PATH, key="OTHER").raw == b""


def test_by_default_there_is_no_such_route() -> None:
    assert Bench().call("GET", PATH).error == (404, 40410000, "endpoint not found")
