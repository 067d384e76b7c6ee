"""Every route before a real engine: what each role may, what each act does, what comes again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from surefill.config import Settings
from surefill.service import guard
from surefill.service.routes import ROUTES, plan_id_of
from surefill.service.tokens import Role
from tests.support.api_server import ApiServer
from tests.support.engine_process import EngineProcess
from tests.support.exchange_server import RunningExchange, wait_until
from tests.support.workplace import SECRET, Workplace

INVENTORY = Path(__file__).parent / "inventory.txt"
TERMS: dict[str, Any] = {"side": "buy", "signal_price": "100.00", "risk": "1", "rr": 2}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    with RunningExchange() as exchange:
        for symbol in ("ALFA", "BRAV", "CHAR", "DELT", "ECHO", "FOXT", "GOLF"):
            exchange.quote(symbol, "99.99", "100.01")
        yield Workplace(exchange, tmp_path_factory.mktemp("routes"))


@pytest.fixture(scope="module")
def api(place: Workplace) -> Iterator[ApiServer]:
    patch = pytest.MonkeyPatch()
    patch.setattr(guard, "ACTS_PER_S", 10_000)
    journal = place.folder / ".surefill" / "journal.db"
    settings = Settings.load({"SUREFILL_JOURNAL_PATH": str(journal)}, place.env)
    with EngineProcess(place.folder), ApiServer(settings) as running:
        yield running
    patch.undo()


def submit(api: ApiServer, key: str, symbol: str, **more: object) -> tuple[int, Any]:
    body = {"symbol": symbol, "quantity": 10, **TERMS, **more}
    return api.call("POST", "/v1/plans", body, headers={"Idempotency-Key": key})[:2]


def test_the_routes_are_those_of_the_committed_list() -> None:
    rows = sorted(
        f"{one.method} {one.path} {' '.join(sorted(role.value for role in one.roles))}"
        for one in ROUTES
    )
    assert "\n".join(rows) + "\n" == INVENTORY.read_text(encoding="utf-8")


def test_nothing_changes_by_get() -> None:
    assert {one.method for one in ROUTES if one.body is not None} == {"POST"}
    assert {one.method for one in ROUTES} == {"GET", "POST"}


@pytest.mark.parametrize("role", [None, *Role])
def test_authz_matrix(api: ApiServer, role: Role | None) -> None:
    """Role by route: with a body that fits no schema, nothing is ever done."""
    for route in ROUTES:
        if route.path == "/v1/events":
            continue
        path = route.path.replace("{plan_id}", "nobody")
        asked = {"Idempotency-Key": "k"} if route.needs_key else {}
        wrong = {"not": "a field"}
        status, body, _ = api.call(route.method, path, wrong, role=role, headers=asked)
        if role is None:
            assert (status, body["code"]) == (401, "TOKEN_MISSING"), route
        elif role not in route.roles:
            assert (status, body["code"]) == (403, "ROLE_REFUSED"), route
        else:
            assert status in (200, 404, 422), (route, body)
            assert (status == 422) == (route.method == "POST"), (route, body)


def test_a_plan_is_done_once_whoever_asks_how_often(api: ApiServer, place: Workplace) -> None:
    with ThreadPoolExecutor(8) as pool:  # S10
        found = list(pool.map(lambda _: submit(api, "a-1", "ALFA", strategy="s1"), range(8)))
    assert {status for status, _ in found} == {200}
    assert all(body["orders"][0] == found[0][1]["orders"][0] for _, body in found)
    assert len(place.entries("ALFA")) == 1
    status, other = submit(api, "a-1", "ALFA", rr=3)
    assert (status, other["code"]) == (409, "PLAN_ID_REUSED")
    status, unnamed, _ = api.call("POST", "/v1/plans", {"symbol": "ALFA", **TERMS})
    assert (status, unnamed["code"]) == (428, "KEY_MISSING")
    _, trade, _ = api.call("GET", "/v1/trades/a-1", role="viewer")
    assert (trade["phase"], trade["uncovered_qty"], trade["strategy"]) == ("COVERED", "0", "s1")
    _, rows, _ = api.call("GET", "/v1/positions", role="viewer")
    assert ("ALFA", "10", "10") in [
        (r["symbol"], r["position_qty"], r["covered_qty"]) for r in rows
    ]


def test_a_refusal_is_a_result_and_a_nonsense_an_error(api: ApiServer) -> None:
    status, denied = submit(api, "b-1", "BRAV", rr=1)
    assert (status, denied["outcome"], denied["reasons"][0]["code"]) == (
        200,
        "DENIED",
        "RR_BELOW_MIN",
    )
    status, mixed = submit(api, "b-2", "BRAV", signal_price="ten")
    assert (status, mixed["code"], mixed["problems"][0]["code"]) == (
        422,
        "PLAN_INVALID",
        "PLAN_NUMBER_INVALID",
    )
    body = {"symbol": "BRAV", "quantity": 10, **TERMS}
    _, check, _ = api.call("POST", "/v1/plans/check", body)
    assert (check["is_accepted"], check["worst_px"]) == (not check["reasons"], "100.1")
    _, rows, _ = api.call("GET", "/v1/refusals", role="viewer")
    assert "RR_BELOW_MIN" in [row["code"] for row in rows]


def test_a_trade_is_reduced_and_closed(api: ApiServer) -> None:
    submit(api, "c-1", "CHAR")
    body, key = {"quantity": "4"}, {"Idempotency-Key": "r-1"}
    for _ in range(2):
        status, left, _ = api.call("POST", "/v1/trades/c-1/reduce", body, headers=key)
        assert (status, left["position_qty"]) == (200, "6")
    status, flat, _ = api.call("POST", "/v1/trades/c-1/flatten")
    assert (status, flat["state"]) == (200, "FLAT")
    submit(api, "d-1", "DELT")
    assert api.call("POST", "/v1/flatten", {"symbol": "DELT"})[1]["state"] == "FLAT"
    status, refused, _ = api.call("POST", "/v1/flatten", {"confirm": "flatten"})
    assert (status, refused["code"]) == (403, "NOT_CONFIRMED")
    _, fills, _ = api.call("GET", "/v1/fills?state=all&plan_id=d-1", role="viewer")
    assert [row["side"] for row in fills] == ["SELL", "BUY"] or len(fills) == 2


def test_a_fraction_is_refused_and_the_whole_share_named(api: ApiServer) -> None:
    for key, quantity, whole in (("q-1", "2.5", "2"), ("q-2", "0.4", "1")):
        status, denied = submit(api, key, "BRAV", quantity=quantity)
        (reason,) = denied["reasons"]
        assert (status, denied["outcome"]) == (200, "DENIED")
        assert (reason["code"], reason["context"]["whole"]) == ("FRACTIONAL_UNPROTECTABLE", whole)
    body = {"symbol": "BRAV", "quantity": "2.5", **TERMS}
    _, check, _ = api.call("POST", "/v1/plans/check", body)
    assert check["reasons"][0]["code"] == "FRACTIONAL_UNPROTECTABLE"
    headers = {"Idempotency-Key": "q-3"}
    status, refused, _ = api.call(
        "POST", "/v1/trades/a-1/reduce", {"quantity": "0.5"}, headers=headers
    )
    assert (status, refused["problems"][0]["code"]) == (422, "FRACTIONAL_UNPROTECTABLE")


def test_a_stop_is_tightened_and_not_loosened(api: ApiServer) -> None:
    submit(api, "g-1", "FOXT", break_even="1R", trail=1, trail_from="1.5R")
    for _ in range(2):
        status, found, _ = api.call("POST", "/v1/trades/g-1/tighten", {"stop": "99.40"})
        assert (status, found["stop_px"], found["uncovered_qty"]) == (200, "99.4", "0")
    status, refused, _ = api.call("POST", "/v1/trades/g-1/tighten", {"stop": "99.20"})
    assert (status, refused["code"]) == (409, "STOP_NOT_TIGHTER")
    status, wrong, _ = api.call("POST", "/v1/trades/g-1/tighten", {"stop": "near"})
    assert (status, wrong["problems"][0]["code"]) == (422, "EXITS_LEVEL_INVALID")
    assert api.call("POST", "/v1/trades/nobody/tighten", {"stop": "99"})[0] == 404
    status, wrong = submit(api, "g-2", "FOXT", trail="near")
    assert (status, wrong["problems"][0]["code"]) == (422, "PLAN_DISTANCE_INVALID")


def test_shares_that_are_not_ours_are_adopted_once(api: ApiServer, place: Workplace) -> None:
    keys = {"APCA-API-KEY-ID": place.key, "APCA-API-SECRET-KEY": SECRET}
    order = {"symbol": "GOLF", "qty": "7", "side": "buy", "type": "market", "time_in_force": "day"}
    place.exchange.call("POST", "/v2/orders", order, headers=keys)

    def foreign() -> list[str]:
        rows = api.call("GET", "/v1/positions")[1]
        return [row["position_qty"] for row in rows if row["plan_id"] is None]

    wait_until(lambda: foreign() == ["7"])
    body = {"symbol": "GOLF", "quantity": 7, "stop": "99", "target": "103", "trail": "0.50"}
    for _ in range(2):
        headers = {"Idempotency-Key": "h-1"}
        status, trade, _ = api.call("POST", "/v1/adopt", body, headers=headers)
        assert status == 200, trade
        assert (status, trade["position_qty"], trade["uncovered_qty"]) == (200, "7", "0")
    assert foreign() == []
    status, none, _ = api.call(
        "POST", "/v1/adopt", {**body, "quantity": 1}, headers={"Idempotency-Key": "h-2"}
    )
    assert (status, none["outcome"]) == (200, "DENIED")


def test_the_switches(api: ApiServer) -> None:
    def state() -> str:
        found: str = api.call("GET", "/v1/health", role="kill-only")[1]["risk_state"]
        return found

    try:
        assert api.call("POST", "/v1/halt", {"why": "news"})[0] == 200
        assert state() == "REDUCING"
        status, denied = submit(api, "e-1", "ECHO")
        assert (status, denied["outcome"]) == (200, "DENIED")
        _, by, _ = api.call("POST", "/v1/kill", {"why": "drill"}, role="kill-only")
        assert (by, state()) == ({"act": "KILL", "by": "api-kill-only"}, "HALTED")
        for body in ({"why": "x", "confirm": "yes"}, {"why": "x"}, {"confirm": "UNKILL"}):
            assert api.call("POST", "/v1/unkill", body)[0] in (403, 422)
        assert state() == "HALTED"
    finally:
        api.call("POST", "/v1/unkill", {"why": "over", "confirm": "UNKILL"})
        api.call("POST", "/v1/resume")
    assert state() == "ACTIVE"
    assert api.call("POST", "/v1/trades/nobody/cancel-entry")[1]["code"] == "TRADE_UNKNOWN"


def test_an_entry_is_ended(api: ApiServer, place: Workplace) -> None:
    place.exchange.quote("ECHO", "100.90", "101.00")
    overrides = {"fill_timeout_ns": 20_000_000_000}
    _, trade = submit(api, "f-1", "ECHO", overrides=overrides, wait_s=1)
    assert trade["phase"] == "WORKING"
    assert api.call("POST", "/v1/trades/f-1/cancel-entry", {"why": "enough"})[0] == 200
    _, ended = submit(api, "f-1", "ECHO", overrides=overrides)
    assert ended["outcome"] == "NOT_ENTERED"


def test_no_answer_shows_a_secret_or_an_account_number(api: ApiServer, place: Workplace) -> None:
    keys = {"APCA-API-KEY-ID": place.key, "APCA-API-SECRET-KEY": SECRET}
    account = json.loads(place.exchange.call("GET", "/v2/account", headers=keys)[1])
    for path in ("health", "settings", "trades?state=all", "orders?state=all", "limits"):
        _, body, _ = api.call("GET", f"/v1/{path}")
        for hidden in (SECRET, place.key, account["id"], account["account_number"]):
            assert hidden not in str(body)


def test_ids_are_bounded() -> None:
    assert plan_id_of("a-1") == "a-1"
