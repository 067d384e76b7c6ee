"""The catalogue: complete, and every code says what it takes and what is expected."""

from __future__ import annotations

from surefill.sim.alpaca.text import parse_stamp
from surefill.sim.catalogue import ACTS, BOOLEANS, EXPECTED, MODES, PARAMS, WINDOWED, FaultCode
from tests.support.bench import SYM, Bench

MINUTE_MS = 60_000
NOT_ARMED = {"V11", "V22"}
"""Half days and auctions are made by the calendar and the market."""


def test_every_fault_of_the_catalogue_can_be_armed() -> None:
    wanted = {f"N{n}" for n in range(1, 13)}
    wanted |= {f"W{n}" for n in range(1, 15)}
    wanted |= {f"V{n}" for n in range(1, 28)}
    assert {code.value for code in FaultCode} == wanted - NOT_ARMED


def test_v11_a_half_day_ends_early_without_being_armed() -> None:
    bench = Bench(start_ns=parse_stamp("2026-11-27T17:00:00Z") or 0)
    bench.quote(SYM, "99.99", "100.01")
    clock = bench.call("GET", "/v2/clock").json
    assert clock["next_close"] == "2026-11-27T13:00:00-05:00"
    day = bench.order(type="limit", limit_price="90").json
    assert day["expires_at"] == "2026-11-27T18:00:00Z"
    close = bench.order(type="limit", limit_price="101", time_in_force="cls").json
    bench.advance(51 * MINUTE_MS)
    late = bench.order(time_in_force="cls").error
    assert late[:2] == (403, 40310000), "ten minutes before the close of this day"
    bench.advance(9 * MINUTE_MS)
    bench.print_(SYM, "100")
    bench.advance()
    assert bench.call("GET", f"/v2/orders/{day['id']}").json["status"] == "expired"
    assert bench.call("GET", f"/v2/orders/{close['id']}").json["filled_avg_price"] == "100"
    after = bench.order(type="limit", limit_price="90").json["status"]
    assert (after, bench.call("GET", "/v2/clock").json["is_open"]) == ("accepted", False)


def test_v22_both_auctions_take_place_without_being_armed() -> None:
    bench = Bench(start_ns=parse_stamp("2026-11-23T14:20:00Z") or 0)
    bench.quote(SYM, "99.99", "100.01")
    opening = bench.order(time_in_force="opg").json
    closing = bench.order(time_in_force="cls", qty="4").json
    bench.advance(10 * MINUTE_MS)
    bench.print_(SYM, "100.50")
    bench.advance()
    shown = bench.call("GET", f"/v2/orders/{opening['id']}").json
    assert (shown["status"], shown["filled_avg_price"]) == ("filled", "100.5")
    bench.advance(390 * MINUTE_MS)
    bench.print_(SYM, "101.25")
    bench.advance()
    shown = bench.call("GET", f"/v2/orders/{closing['id']}").json
    assert (shown["status"], shown["filled_avg_price"]) == ("filled", "101.25")


def test_every_code_has_its_parameters_and_its_expected_response() -> None:
    assert set(PARAMS) == set(EXPECTED) == set(FaultCode)
    assert {code for code, names in PARAMS.items() if "mode" in names} == set(MODES)
    assert all(len(set(words)) == len(words) >= 2 for words in MODES.values())
    assert set().union(*PARAMS.values()) >= BOOLEANS
    assert not ACTS & WINDOWED
    assert len(set(EXPECTED.values())) == len(EXPECTED)
