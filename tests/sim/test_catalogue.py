"""The catalogue: complete, and every code says what it takes and what is expected."""

from __future__ import annotations

from surefill.sim.catalogue import ACTS, BOOLEANS, EXPECTED, MODES, PARAMS, WINDOWED, FaultCode

NOT_ARMED = {"V11", "V22"}
"""Half days and auctions are made by the calendar and the market."""


def test_every_fault_of_the_catalogue_can_be_armed() -> None:
    wanted = {f"N{n}" for n in range(1, 13)}
    wanted |= {f"W{n}" for n in range(1, 15)}
    wanted |= {f"V{n}" for n in range(1, 28)}
    assert {code.value for code in FaultCode} == wanted - NOT_ARMED


def test_every_code_has_its_parameters_and_its_expected_response() -> None:
    assert set(PARAMS) == set(EXPECTED) == set(FaultCode)
    assert {code for code, names in PARAMS.items() if "mode" in names} == set(MODES)
    assert all(len(set(words)) == len(words) >= 2 for words in MODES.values())
    assert set().union(*PARAMS.values()) >= BOOLEANS
    assert not ACTS & WINDOWED
    assert len(set(EXPECTED.values())) == len(EXPECTED)
