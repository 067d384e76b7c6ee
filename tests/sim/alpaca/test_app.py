"""Building a venue: which market, which day, which clock; and that it repeats itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surefill.sim.alpaca.app import (
    AFTER_OPEN_NS,
    SYNTHETIC_DATE,
    SYNTHETIC_SYMBOLS,
    ConfigError,
    ExchangeConfig,
    Venue,
    build,
)
from surefill.sim.calendar import session_on
from surefill.sim.market import TapeError
from surefill.sim.models import Delay
from surefill.sim.wire import WireRequest
from tests.sim.tapes import day, twin
from tests.support.bench import START_NS, SYM, Bench

MINUTE_NS = 60 * 10**9


def built(config: ExchangeConfig) -> Venue:
    return build(config, reading_ns=lambda: 0, wall_ns=lambda: START_NS)


def test_without_tape_and_seed_the_market_is_empty_and_starts_now() -> None:
    venue = built(ExchangeConfig())
    assert venue.edge.next_ns() is None
    assert venue.edge.now_ns == venue.clock.now_ns() == START_NS
    assert "empty market" in venue.title


def test_a_seed_plays_a_synthetic_day_from_just_after_the_opening() -> None:
    venue = built(ExchangeConfig(seed=7))
    open_ns = session_on(SYNTHETIC_DATE).open_ns
    assert venue.edge.now_ns == venue.clock.now_ns() == open_ns + AFTER_OPEN_NS
    for symbol, _ in SYNTHETIC_SYMBOLS:
        assert venue.exchange.nbbo(symbol) is not None
    assert "seed 7" in venue.title


def test_the_same_seed_is_the_same_market_and_another_is_not() -> None:
    def touch(seed: int) -> object:
        venue = built(ExchangeConfig(seed=seed))
        venue.edge.advance(venue.edge.now_ns + MINUTE_NS)
        return venue.exchange.nbbo("MID")

    assert touch(1) == touch(1) != touch(2)


def test_the_start_may_be_chosen() -> None:
    open_ns = session_on(SYNTHETIC_DATE).open_ns
    venue = built(ExchangeConfig(seed=1, start_ns=open_ns + MINUTE_NS, pinned=True))
    assert venue.edge.now_ns == open_ns + MINUTE_NS
    assert venue.clock.is_pinned


def test_what_cannot_be_built() -> None:
    with pytest.raises(ConfigError, match="not both"):
        ExchangeConfig(seed=1, tape=Path("x"))
    with pytest.raises(ConfigError, match="latency"):
        ExchangeConfig(latency="warp")
    with pytest.raises(TapeError):
        built(ExchangeConfig(tape=Path("no/such/tape")))


def test_the_fill_model_is_a_switch() -> None:
    assert ExchangeConfig().with_model("paper").switches.fill_model == "paper"


def test_no_latency_is_really_none() -> None:
    venue = built(ExchangeConfig(latency="none"))
    assert venue.edge.exchange is venue.exchange
    assert {delay.value for delay in Delay} >= {"UP", "DOWN", "STREAM"}


def test_a_key_file_closes_the_ring(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"A": {"secret": "s", "cash": "5"}}')
    venue = built(ExchangeConfig(keys_path=path))
    owner = venue.keys.open("A")
    assert venue.exchange.account_view(owner.account).cash_usd == 5 * 10**9
    # The calendar answers for any month, also beyond its last day.
    assert venue.face.desk.sessions_between(20260130, 20260232)[-1].date == 20260227
    assert venue.face.desk.sessions_between(20251229, 20261331)[0].date == 20251229


def check_recorded(tape: Path, symbol: str, date: int) -> None:
    """A recorded day plays from a minute before its opening."""
    venue = built(ExchangeConfig(tape=tape, tape_date=date))
    assert f"{symbol} on {date}" in venue.title
    assert venue.edge.now_ns == session_on(date).open_ns + AFTER_OPEN_NS
    assert venue.exchange.asset(symbol) is not None
    assert venue.exchange.nbbo(symbol) is not None
    with pytest.raises(ConfigError, match="no tape of 20200102"):
        built(ExchangeConfig(tape=tape, tape_date=20200102))


@pytest.mark.tape
def test_a_recorded_day() -> None:
    found = day("BAC", 20131009)
    check_recorded(found.quotes_path, "BAC", 20131009)
    first = built(ExchangeConfig(tape=found.quotes_path))
    assert "BAC on 20131007" in first.title


def test_a_recorded_day_synthetic_twin(tmp_path: Path) -> None:
    made = twin(tmp_path)
    check_recorded(tmp_path, made.symbol, made.date)


def test_fees_come_out_of_cash_with_each_execution() -> None:
    config = ExchangeConfig(start_ns=START_NS, latency="none", fee_per_share_usd=5_000_000)
    bench = Bench()
    bench.venue = build(config, reading_ns=lambda: 0, wall_ns=lambda: START_NS)
    bench.edge, bench.exchange = bench.venue.edge, bench.venue.exchange
    bench.quote(SYM, "99.99", "100.01")
    bench.filled(qty="10")
    books = bench.exchange.books(bench.venue.keys.opened()[0].account)
    assert (books.fees, books.breaks) == (50_000_000 * 10**9, ())
    assert bench.call("GET", "/v2/account").json["cash"] == "98999.85"


def test_a_scenario_file_makes_incidents_happen_in_their_time(tmp_path: Path) -> None:
    path = tmp_path / "scenario.json"
    rows = [{"after_ms": 1_000, "code": "V7", "target": "MID", "params": {"for_ms": 2_000}}]
    path.write_text(json.dumps([*rows, {"after_ms": 500, "code": "V24", "target": "WIDE"}]))
    venue = built(ExchangeConfig(seed=3, faults_path=path))
    start_ns, seen = venue.edge.now_ns, []
    for ms in (999, 1_001, 2_999, 3_001):
        venue.edge.advance(start_ns + ms * 1_000_000)
        seen.append(venue.exchange.status("MID").name)
    assert seen == ["TRADING", "HALTED", "HALTED", "TRADING"]
    assert venue.exchange.status("WIDE").name == "TRADING"
    assert (venue.edge.faults.counters["V7"], venue.edge.faults.counters["V24"]) == (1, 1)


def test_the_same_requests_at_the_same_times_give_the_same_bytes() -> None:
    def told() -> list[object]:
        venue = built(ExchangeConfig(seed=5, pinned=True))
        for ticket in range(1, 40):
            body = {"symbol": "MID", "qty": str(ticket), "side": "buy", "type": "market"}
            data = json.dumps({**body, "time_in_force": "day"}).encode()
            headers = {"apca-api-key-id": f"K{ticket % 3}", "apca-api-secret-key": "S"}
            request = WireRequest("POST", "/v2/orders", (), headers, data)
            venue.edge.send(venue.edge.now_ns, ticket, request)
            venue.edge.advance(venue.edge.now_ns + 7_000_000)
        return [venue.edge.advance(venue.edge.now_ns + 10**9), venue.log.lines]

    assert told() == told()
