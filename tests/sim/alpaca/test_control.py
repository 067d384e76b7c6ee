"""The control routes: what they do, and that nonsense changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from surefill.core.fix import TradingStatus
from surefill.core.units import to_nano
from surefill.sim.alpaca.control import Control
from surefill.sim.alpaca.parse import MAX_BODY_BYTES
from surefill.sim.alpaca.switches import FACE_CHOICES, FACE_NUMBERS
from surefill.sim.faults import MODES, PARAMS
from surefill.sim.wire import WireRequest
from tests.support.bench import SYM, Bench


class Panel:
    """A venue and its control routes; bodies and answers as values."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.routes = Control(self.bench.venue)

    def ask(self, method: str, name: str, body: object = None) -> tuple[int, Any]:
        path, _, query = name.partition("?")
        pairs = tuple(tuple(pair.split("=")) for pair in query.split("&") if pair)
        raw = b"" if body is None else json.dumps(body).encode()
        request = WireRequest(method, f"/sim/{path}", pairs, {}, raw)  # type: ignore[arg-type]
        answer = self.routes.handle(request)
        return answer.status, json.loads(answer.body)

    def post(self, name: str, body: object) -> Any:
        status, answer = self.ask("POST", name, body)
        assert status == 200, answer
        return answer

    def refused(self, name: str, body: object) -> str:
        status, answer = self.ask("POST", name, body)
        assert status == 422
        return str(answer["error"])


NBBO = {"symbol": SYM, "bid": "99.99", "bid_size": "100", "ask": "100.01", "ask_size": 200}


@pytest.fixture
def panel() -> Panel:
    return Panel()


def test_quotes_prints_and_statuses(panel: Panel) -> None:
    panel.post("nbbo", NBBO)
    nbbo = panel.bench.exchange.nbbo(SYM)
    assert nbbo is not None
    assert (nbbo.bid_px, nbbo.ask_qty) == (to_nano("99.99"), to_nano(200))
    panel.post("print", {"symbol": SYM, "price": "100", "size": "5"})
    print_ = panel.bench.exchange.last_print(SYM)
    assert print_ is not None
    assert print_.qty == to_nano(5)
    panel.post("status", {"symbol": SYM, "status": "halt"})
    assert panel.bench.exchange.status(SYM) is TradingStatus.HALTED
    panel.post("status", {"symbol": SYM, "status": "resume"})
    assert panel.bench.exchange.status(SYM) is TradingStatus.TRADING


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("nbbo", {**NBBO, "bid": "-1"}, "must not be negative"),
        ("nbbo", {**NBBO, "bid": "much"}, "not a number"),
        ("nbbo", {**NBBO, "bid": True}, "decimal number"),
        ("nbbo", {**NBBO, "colour": "red"}, "unknown field 'colour'"),
        ("nbbo", {"symbol": SYM}, "is missing"),
        ("nbbo", {**NBBO, "symbol": "acme"}, "upper case"),
        ("nbbo", {**NBBO, "symbol": "A" * 17}, "1 to 16"),
        ("nbbo", {**NBBO, "symbol": "A;B"}, "upper case"),
        ("nbbo", [], "not a JSON object"),
        ("print", {"symbol": SYM, "price": "0", "size": "5"}, "above 0"),
        ("status", {"symbol": SYM, "status": "asleep"}, "status is one of"),
        ("clock", {}, "advance_ms"),
        ("clock", {"pin": "tomorrow"}, "RFC 3339"),
        ("clock", {"pin": "2020-01-01T00:00:00Z"}, "cannot go back"),
        ("clock", {"advance_ms": -5}, "cannot go back"),
        ("clock", {"advance_ms": "5"}, "whole number"),
        ("clock", {"advance_ms": 10**18}, "calendar ends at"),
        ("clock", {"pin": "9999-12-31T23:59:59Z"}, "calendar ends at"),
        ("clock", {"pin": "2026-03-02T16:00:00Z", "advance_ms": 10**18}, "calendar ends at"),
        ("clock", {"pin": "2026-03-02T16:00:00Z", "speed": 0}, "above 0"),
        ("clock", {"speed": 0}, "above 0"),
        ("clock", {"speed": True}, "must be a number"),
        ("faults", {"code": "N99"}, "unknown fault"),
        ("faults", {"code": "V11"}, "made by the calendar: --start"),
        ("faults", {"code": "V22"}, "made by the calendar: --start"),
        ("faults", {"target": "POST"}, "code is missing"),
        ("faults", {"code": "N1", "params": "x"}, "params is an object"),
        ("faults", {"code": "N1", "params": {"x": 1}}, "no parameter"),
        ("faults", {"code": "N1", "probability": 2}, "probability"),
        ("faults", {"code": "N3", "params": {"status": 200}}, "status is one of 500, 502"),
        ("faults", {"code": "W2", "params": {"copies": 10**9}}, "copies must be between 1 and 100"),
        ("faults", {"code": "V14", "params": {"new": 0}}, "new must be between 1 and 1000"),
        ("faults", {"code": "N6", "params": {"delay_ms": 10**30}}, "delay_ms must be between 0"),
        ("account", {"key": "", "cash": "1"}, "key is missing"),
        ("account", {"key": 5, "cash": "1"}, "key is missing"),
        ("venue", {"action": "dance"}, "action is one of"),
        ("venue", {"action": "bust"}, "exec_id is missing"),
        ("venue", {"action": "bust", "exec_id": "x"}, "knows no x"),
        ("venue", {"action": "reject", "order_id": "x"}, "knows no x"),
        ("venue", {"action": "cancel", "order_id": "x"}, "no account has"),
    ],
)
def test_nonsense_is_refused_with_a_reason(
    panel: Panel, name: str, body: object, message: str
) -> None:
    before = len(panel.bench.venue.log.lines)
    assert message in panel.refused(name, body)
    assert len(panel.bench.venue.log.lines) == before


def test_bodies_that_are_no_json_or_too_large(panel: Panel) -> None:
    for raw in (b"{", b" " * (MAX_BODY_BYTES + 1)):
        answer = panel.routes.handle(WireRequest("POST", "/sim/nbbo", (), {}, raw))
        assert answer.status == 422


def test_unknown_routes_name_the_known_ones(panel: Panel) -> None:
    status, answer = panel.ask("GET", "nothing")
    assert status == 404
    assert "POST /sim/nbbo" in answer["routes"]


def test_the_clock_is_pinned_moved_and_released(panel: Panel) -> None:
    panel.post("clock", {"pin": "2026-03-02T16:00:00Z"})
    clock = panel.bench.venue.clock
    assert clock.is_pinned
    start_ns = clock.now_ns()
    panel.post("clock", {"advance_ms": 1500})
    assert clock.now_ns() - start_ns == 1_500_000_000
    panel.post("clock", {"speed": "2.5"})
    assert (clock.is_pinned, clock.speed_ppb) == (False, 2_500_000_000)
    status, shown = panel.ask("GET", "clock")
    assert status == 200
    assert set(shown) == {
        "now",
        "now_ns",
        "pinned",
        "speed_ppb",
        "next_ns",
        "next_message_ns",
    }


def test_faults_are_armed_shown_and_cleared(panel: Panel) -> None:
    shown = panel.post(
        "faults",
        {"code": "N3", "target": "POST", "count": 2, "params": {"status": 503, "effect": True}},
    )
    assert shown["armed"][0]["left"] == 2
    panel.post("faults", {"code": "W1", "probability": "0.5"})
    assert len(panel.ask("GET", "faults")[1]["armed"]) == 2
    status, shown = panel.ask("DELETE", "faults")
    assert (status, shown["armed"]) == (200, [])
    assert shown["counters"]["N3"] == 0


def test_accounts_are_opened_with_their_cash_once(panel: Panel) -> None:
    answer = panel.post("account", {"key": "RICH", "cash": "5000000"})
    assert answer["account"].startswith("PA")
    account = panel.bench.call("GET", "/v2/account", key="RICH").json
    assert (account["cash"], account["account_number"]) == ("5000000", answer["account"])
    assert "already" in panel.refused("account", {"key": "RICH", "cash": "1"})


def test_the_operator_busts_corrects_and_cancels(panel: Panel) -> None:
    bench = panel.bench
    panel.post("nbbo", NBBO)
    bench.filled()
    bench.filled(qty="5")
    newest, oldest = bench.call("GET", "/v2/account/activities/FILL").json
    panel.post("venue", {"action": "bust", "exec_id": newest["id"].partition("::")[2]})
    assert bench.call("GET", f"/v2/positions/{SYM}").json["qty"] == "10"
    again = {"action": "bust", "exec_id": newest["id"].partition("::")[2]}
    assert "already" in panel.refused("venue", again)
    correct = {"action": "correct", "exec_id": oldest["id"].partition("::")[2], "price": "99"}
    panel.post("venue", correct)
    assert bench.call("GET", f"/v2/positions/{SYM}").json["avg_entry_price"] == "99"
    resting = bench.filled(type="limit", limit_price="90")
    panel.post("venue", {"action": "cancel", "order_id": resting["id"]})
    bench.advance()
    assert bench.call("GET", f"/v2/orders/{resting['id']}").json["status"] == "canceled"
    done = {"action": "cancel", "order_id": bench.filled(qty="1")["id"]}
    assert panel.ask("POST", "venue", done)[0] == 409


def test_the_operator_finds_the_account_of_an_order(panel: Panel) -> None:
    panel.post("nbbo", NBBO)
    panel.bench.call("GET", "/v2/account", key="OTHER")
    resting = panel.bench.filled(type="limit", limit_price="90")
    panel.post("venue", {"action": "cancel", "order_id": resting["id"]})
    panel.bench.advance()
    assert panel.bench.call("GET", f"/v2/orders/{resting['id']}").json["status"] == "canceled"


def test_the_operator_rejects_and_blocks(panel: Panel) -> None:
    bench = panel.bench
    panel.post("nbbo", NBBO)
    resting = bench.filled(type="limit", limit_price="90")
    panel.post("venue", {"action": "reject", "order_id": resting["id"]})
    assert bench.call("GET", f"/v2/orders/{resting['id']}").json["status"] == "rejected"
    panel.post("venue", {"action": "block", "key": "KEY"})
    assert bench.order().error[2] == "account is not authorized to trade"
    panel.post("venue", {"action": "block", "key": "KEY", "blocked": False})
    assert bench.order().status == 200


def test_the_log_is_read_from_where_one_stopped(panel: Panel) -> None:
    panel.post("nbbo", NBBO)
    panel.bench.filled()

    def lines(query: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
        answer = panel.routes.handle(WireRequest("GET", "/sim/log", query))
        assert answer.headers["content-type"] == "application/x-ndjson"
        return [json.loads(line) for line in answer.body.splitlines()]

    everything = lines(())
    assert [line["seq"] for line in everything] == list(range(1, len(everything) + 1))
    assert lines((("after", "2"),)) == everything[2:]
    assert panel.ask("GET", "log?after=x")[0] == 422


def test_the_document_names_every_route_fault_and_switch(panel: Panel) -> None:
    text = (Path(__file__).parents[3] / "docs" / "exchange.md").read_text(encoding="utf-8")
    routes = panel.ask("GET", "nothing")[1]["routes"]
    for route in routes:
        assert f"`{route}" in text, route
    for code, params in PARAMS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{code}` |"))
        assert all(f"`{name}`" in row for name in params), row
        assert all(mode in row for mode in MODES.get(code, ())), row
    for name in [*FACE_CHOICES, *FACE_NUMBERS]:
        assert f"| `{name}` |" in text, name


def test_corrections_and_bands(panel: Panel) -> None:
    panel.post("print", {"symbol": SYM, "price": "100", "size": "5"})
    panel.post("correction", {"symbol": SYM, "number": 1, "price": "101", "size": "4"})
    panel.post("correction", {"symbol": SYM, "number": 1})
    history = panel.bench.call("GET", f"/v2/stocks/{SYM}/trades").json["trades"]
    assert (history[0]["p"], history[0]["u"]) == (101, "canceled")
    panel.post("bands", {"symbol": SYM, "up": "110", "down": "90"})
    assert "has no print 7" in panel.refused("correction", {"symbol": SYM, "number": 7})
    assert "has no print 1" in panel.refused("correction", {"symbol": "NONE", "number": 1})
    wrong = {"symbol": SYM, "number": 1, "price": "0", "size": "1"}
    assert "above 0" in panel.refused("correction", wrong)
    assert "below up" in panel.refused("bands", {"symbol": SYM, "up": "90", "down": "110"})


def test_the_books_add_up(panel: Panel) -> None:
    panel.post("nbbo", NBBO)
    panel.bench.filled()
    status, books = panel.ask("GET", "books?key=KEY")
    assert (status, books["breaks"]) == (200, [])
    assert (books["opening_cash"], books["cash"]) == ("100000", "98999.9")
    (entry,) = books["entries"]
    assert (entry["qty"], entry["cash"], entry["fee"]) == ("10", "-1000.1", "0")
    assert panel.ask("GET", "books?key=NOBODY")[0] == 422


def test_the_exchange_may_be_kept(tmp_path: Path) -> None:
    bench = Bench()
    bench.quote(SYM, "99.99", "100.01")
    routes = Control(bench.venue, save_path=tmp_path / "kept")
    shown = routes.handle(WireRequest("GET", "/sim/snapshot"))
    assert (shown.status, shown.headers["content-type"]) == (200, "application/x-ndjson")
    answer = routes.handle(WireRequest("POST", "/sim/snapshot"))
    assert json.loads(answer.body) == {"saved": "kept"}
    assert (tmp_path / "kept").read_bytes() == shown.body
    assert routes.handle(WireRequest("POST", "/sim/snapshot", body=b'{"file":"x"}')).status == 422
    nowhere = Control(bench.venue, save_path=tmp_path / "no" / "kept")
    refused = nowhere.handle(WireRequest("POST", "/sim/snapshot"))
    assert (refused.status, b"SNAPSHOT_UNWRITABLE" in refused.body) == (422, True)
    status, body = Panel().ask("POST", "snapshot")
    assert (status, "--save FILE" in body["error"]) == (422, True)


def test_bands_bind_and_imbalances_are_told(panel: Panel) -> None:
    panel.post("nbbo", NBBO)
    panel.post("bands", {"symbol": SYM, "up": "99", "down": "90"})
    order = panel.bench.order().json
    panel.bench.advance()
    assert panel.bench.call("GET", f"/v2/orders/{order['id']}").json["status"] == "new"
    panel.post("imbalance", {"symbol": SYM, "price": "100.5"})
    panel.refused("imbalance", {"symbol": SYM})
