"""What struck, and what it excuses."""

from __future__ import annotations

import pytest

from surefill.replay.simulate.strikes import StrikingFaults, excuses_of, has_stream_faults
from surefill.sim.faults import NS_PER_MS, Fault, FaultCode, Param

AT_NS = 1_000 * NS_PER_MS


def struck(code: str, **params: Param) -> StrikingFaults:
    """One fault that has struck once."""
    faults = StrikingFaults(1)
    faults.phases = lambda: ("WORKING",)
    faults.arm(Fault(FaultCode(code), params=params), 0)
    assert faults.draw(FaultCode(code), "POST /v2/orders", AT_NS) is not None
    return faults


def test_strikes_are_remembered_and_misses_are_not() -> None:
    faults = struck("N1")
    assert faults.draw(FaultCode.N1, "POST /v2/orders", AT_NS) is None
    (strike,) = faults.strikes
    assert (strike.code, strike.at_ns, strike.phases) == (FaultCode.N1, AT_NS, ("WORKING",))
    assert faults.counters["N1"] == 1


@pytest.mark.parametrize(
    ("code", "params", "lasts_ms"),
    [
        ("N1", {}, 5_000),
        ("N2", {"accept_delay_ms": 90_000}, 5_000),
        ("N3", {"delay_ms": 1_000}, 1_000),
        ("N4", {"retry_after_s": 2}, 2_000),
        ("N4", {"headers": False}, 60_000),
        ("N5", {}, 0),
        ("N6", {"delay_ms": 30_000}, 5_000),
        ("N6", {"delay_ms": 1_000}, 1_000),
        ("N6", {"never": True}, 5_000),
        ("N7", {}, 0),
        ("N8", {"lag_ms": 200, "list_lag_ms": 5_000}, 5_000),
        ("N9", {}, 0),
        ("N10", {}, 5_000),
        ("W3", {"delay_ms": 500}, 500),
        ("W4", {"delay_ms": 8_000}, 8_000),
        ("V18", {}, 3_600_000),
        ("V19", {"delay_ms": 2_000}, 2_000),
        ("V20", {}, 2_000),
    ],
)
def test_an_excuse_lasts_as_long_as_the_effect(
    code: str, params: dict[str, Param], lasts_ms: int
) -> None:
    (excuse,) = excuses_of(struck(code, **params).strikes)
    assert excuse.from_ns == AT_NS
    assert excuse.to_ns == AT_NS + lasts_ms * NS_PER_MS
    assert excuse.grace_ms == (5_000 if code[0] == "W" or code == "N10" else 2_000)


@pytest.mark.parametrize("code", ["N11", "W1", "W2", "W5", "W6", "W7", "W8", "W9"])
def test_what_is_only_lost_or_repeated_is_a_limit_and_no_stretch(code: str) -> None:
    strikes = struck(code).strikes
    assert excuses_of(strikes) == ()
    assert has_stream_faults(strikes) is (code[0] == "W")


@pytest.mark.parametrize("name", ["trade_bust", "trade_correct"])
def test_what_only_a_poll_can_tell_is_excused_until_the_poll(name: str) -> None:
    faults = StrikingFaults(1)
    faults.arm(Fault(FaultCode.W1), 0)
    faults.draw(FaultCode.W1, f"orders {name}", AT_NS)
    (excuse,) = excuses_of(faults.strikes)
    assert excuse.to_ns == AT_NS + 30_000 * NS_PER_MS


def test_an_aimed_fault_waits_for_its_phase_and_then_begins() -> None:
    """Its window counts from where it strikes; what it waits for is over with it."""
    faults = StrikingFaults(1)
    now: list[str] = []
    faults.phases = lambda: tuple(now)
    faults.aim(Fault(FaultCode.N10, params={"for_ms": 1_000}), "PARTIAL", 0)
    faults.aim(Fault(FaultCode.N1, count=1), "COVERED", 0)
    late_ns = 60_000 * NS_PER_MS
    assert faults.draw(FaultCode.N10, "GET /v2/orders", late_ns) is None
    now[:] = ["WORKING", "PARTIAL"]
    assert faults.draw(FaultCode.N10, "GET /v2/orders", late_ns) is not None
    assert faults.draw(FaultCode.N1, "GET /v2/orders", late_ns) is None
    now[:] = []
    assert faults.draw(FaultCode.N10, "GET /v2/orders", late_ns + 999 * NS_PER_MS) is not None
    assert faults.draw(FaultCode.N10, "GET /v2/orders", late_ns + 1_000 * NS_PER_MS) is None
    faults.clear()
    now[:] = ["COVERED"]
    assert faults.draw(FaultCode.N1, "GET /v2/orders", late_ns) is None


def test_lost_news_of_cover_that_somebody_took_waits_for_a_read() -> None:
    faults = StrikingFaults(1)
    faults.arm(Fault(FaultCode.W1, "orders", count=2), 0)
    assert faults.draw(FaultCode.W1, "orders canceled", AT_NS) is not None
    assert excuses_of(faults.strikes) == ()
    (excuse,) = excuses_of(faults.strikes, [AT_NS - NS_PER_MS, AT_NS + NS_PER_MS])
    assert excuse.to_ns == AT_NS + 30_000 * NS_PER_MS
    assert excuses_of(faults.strikes, [AT_NS - 15_001 * NS_PER_MS]) == ()
