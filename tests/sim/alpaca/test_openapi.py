"""The document describes what is served, and what it describes is served."""

from __future__ import annotations

import re

from surefill.sim.alpaca.api import ROUTES
from surefill.sim.alpaca.openapi import ROWS, document
from tests.support.bench import SYM, Bench

UUID = "11111111-1111-4111-8111-111111111111"
NOT_DESCRIBED = ("/v1", "/v2/options", "/v2/corporate", "/v2/events", "exercise")
"""Refusals of what is not offered, and a switched-off route."""
EXAMPLES = {"order_id": UUID, "watchlist_id": UUID, "kind": "bars", "symbol": SYM}


def example(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda match: EXAMPLES.get(match[1], "FILL"), path)


def test_every_route_is_described() -> None:
    for method, pattern, _ in ROUTES:
        if any(word in pattern.pattern for word in NOT_DESCRIBED):
            continue
        found = [
            path
            for verb, path, *_ in ROWS
            if verb.upper() == method and pattern.fullmatch(example(path))
        ]
        assert found, f"{method} {pattern.pattern}"


def test_every_description_is_served() -> None:
    bench = Bench("rate_limit_per_min=0")
    bench.quote(SYM, "99.99", "100.01")
    described = document()["paths"]
    for method, path, _, _, body in ROWS:
        answer = bench.call(method.upper(), example(path), None if body is None else {})
        assert str(answer.status) in described[path][method]["responses"], (method, path)
        if answer.status == 404:
            assert answer.json["message"] != "endpoint not found", path


def test_it_is_served_to_anybody() -> None:
    answer = Bench().call("GET", "/openapi.json", key="")
    assert answer.json["paths"].keys() == document()["paths"].keys()


def test_what_is_made_links_to_what_can_be_done_with_it() -> None:
    paths = document()["paths"]
    ids = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert len(set(ids)) == len(ids)
    links = paths["/v2/orders"]["post"]["responses"]["200"]["links"]
    assert sorted(links) == [
        "delete_v2_orders_order_id",
        "get_v2_orders_order_id",
        "patch_v2_orders_order_id",
    ]
    assert all(link["parameters"] == {"order_id": "$response.body#/id"} for link in links.values())
