"""What the engine remembers beside its trades."""

from __future__ import annotations

from surefill.core.events import Instrument
from surefill.core.state import NO_SESSIONS, EngineState, Mode


def test_a_new_engine_knows_nothing() -> None:
    state = EngineState()
    assert state.mode is Mode.STARTING
    assert (state.account, state.calendar, state.foreign) == (None, NO_SESSIONS, ())
    assert (state.orders_read_ns, state.positions_read_ns) == (0, 0), "never read, not empty"


def test_instruments_by_symbol() -> None:
    acme, zed = (
        Instrument(symbol, is_tradable=True, is_shortable=False, is_easy_to_borrow=False)
        for symbol in ("ACME", "ZED")
    )
    state = EngineState(instruments=(acme, zed))
    assert state.instrument("ZED") == zed
    assert state.instrument("NONE") is None
