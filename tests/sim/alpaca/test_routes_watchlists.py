"""Watchlists over the protocol, by id and by name."""

from __future__ import annotations

import pytest

from surefill.sim.alpaca import routes_watchlists
from tests.support.bench import SYM, Bench

PATH = "/v2/watchlists"


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.quote(SYM, "99.99", "100.01")
    return bench


def test_create_read_change_delete(bench: Bench) -> None:
    bench.quote("OTHER", "9.99", "10.01")
    made = bench.call("POST", PATH, {"name": "mine", "symbols": [SYM]})
    assert made.status == 200
    one = f"{PATH}/{made.json['id']}"
    assert [asset["symbol"] for asset in made.json["assets"]] == [SYM]
    assert bench.call("GET", one).json == made.json
    assert bench.call("GET", f"{PATH}:by_name?name=mine").json == made.json
    heads = bench.call("GET", PATH).json
    assert heads == [{key: made.json[key] for key in made.json if key != "assets"}]
    bench.advance()
    added = bench.call("POST", one, {"symbol": "OTHER"}).json
    assert [asset["symbol"] for asset in added["assets"]] == [SYM, "OTHER"]
    assert added["updated_at"] > added["created_at"]
    gone = bench.call("DELETE", f"{one}/{SYM}").json
    assert [asset["symbol"] for asset in gone["assets"]] == ["OTHER"]
    # Recorded: a PUT that names no symbols empties the list.
    put = bench.call("PUT", one, {"name": "yours"}).json
    assert (put["name"], put["assets"]) == ("yours", [])
    kept = bench.call("PUT", one, {"symbols": [SYM]}).json
    assert (kept["name"], len(kept["assets"])) == ("yours", 1)
    assert bench.call("DELETE", one).status == 204
    assert bench.call("GET", PATH).json == []


def test_by_name_forms(bench: Bench) -> None:
    bench.call("POST", PATH, {"name": "mine", "symbols": []})
    named = f"{PATH}:by_name"
    assert len(bench.call("POST", f"{named}?name=mine", {"symbol": SYM}).json["assets"]) == 1
    assert bench.call("DELETE", f"{named}/{SYM}?name=mine").json["assets"] == []
    assert bench.call("PUT", f"{named}?name=mine", {"name": "two"}).json["name"] == "two"
    assert bench.call("DELETE", f"{named}?name=two").status == 204
    assert bench.call("DELETE", f"{named}?name=two").error == (
        404,
        40410000,
        "watchlist not found: two",
    )


def test_lists_are_the_accounts_own(bench: Bench) -> None:
    made = bench.call("POST", PATH, {"name": "mine"}).json
    assert bench.call("GET", f"{PATH}/{made['id']}", key="OTHER").status == 404
    assert bench.call("GET", PATH, key="OTHER").json == []


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", PATH, {}, "name is required"),
        ("POST", PATH, {"name": "x" * 65}, "name must be no more than 64 characters"),
        ("POST", PATH, {"name": "mine"}, "watchlist name must be unique"),
        ("POST", PATH, {"name": "new", "symbols": "AAPL"}, "invalid symbols"),
        ("POST", PATH, {"name": "new", "symbols": ["NONE"]}, 'asset "NONE" not found'),
        ("GET", f"{PATH}/fake", None, "watchlist is required"),
        ("GET", f"{PATH}:by_name", None, "name is required"),
        ("POST", f"{PATH}:by_name?name=mine", {}, "symbol is required"),
    ],
)
def test_refusals(
    bench: Bench, method: str, path: str, body: dict[str, object] | None, message: str
) -> None:
    bench.call("POST", PATH, {"name": "mine"})
    answer = bench.call(method, path, body)
    assert (answer.status, answer.json["message"]) == (422, message)


def test_a_symbol_that_is_not_on_the_list(bench: Bench) -> None:
    bench.call("POST", PATH, {"name": "mine"})
    answer = bench.call("DELETE", f"{PATH}:by_name/{SYM}?name=mine")
    assert answer.error == (404, 40410000, f"symbol not found: {SYM}")


def test_there_is_a_bound(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes_watchlists, "LISTS_MAX", 1)
    bench.call("POST", PATH, {"name": "mine"})
    assert bench.call("POST", PATH, {"name": "two"}).status == 422
