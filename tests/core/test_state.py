"""What the engine remembers beside its trades."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.events import Instrument
from surefill.core.state import HELD_WAIT_NS, NO_SESSIONS, EngineState, Mode


def test_a_new_engine_knows_nothing() -> None:
    state = EngineState()
    assert state.mode is Mode.STARTING
    assert (state.account, state.calendar, state.foreign) == (None, NO_SESSIONS, ())
    assert (state.orders_read_ns, state.positions_read_ns) == (0, 0), "never read, not empty"


def test_what_was_held_while_nobody_looked_is_not_known_at_once() -> None:
    state = EngineState(started_ns=1_000)
    assert not state.is_held_known(1_000 + HELD_WAIT_NS - 1)
    assert state.is_held_known(1_000 + HELD_WAIT_NS), "nobody tells: shares are bare meanwhile"
    assert replace(state, positions_read_ns=1_001).is_held_known(1_002)


def test_instruments_by_symbol() -> None:
    acme, zed = (
        Instrument(symbol, is_tradable=True, is_shortable=False, is_easy_to_borrow=False)
        for symbol in ("ACME", "ZED")
    )
    state = EngineState(instruments=(acme, zed))
    assert state.instrument("ZED") == zed
    assert state.instrument("NONE") is None
