"""``surefill halt`` with and without an engine."""

from __future__ import annotations

from tests.support.counter import Counter
from tests.support.port import engine_beside


def test_without_an_engine_the_next_start_finds_it(counter: Counter) -> None:
    code, out, _ = counter.run("halt", "--by", "ann", "--why", "news")
    assert (code, "halt: record 2; no engine runs" in out) == (0, True)
    (switch,) = counter.json("status", "--offline")["switches"]
    assert switch == "HALT_ACTIVE: new entries are halted: ann: news"


def test_a_running_engine_is_asked(counter: Counter) -> None:
    with engine_beside(counter.desk) as port:
        assert counter.json("halt", "--by", "ann")["where"] == "the running engine"
        assert port.executor.runtime.engine.state.halt is not None


def test_wrong_settings_are_usage(counter: Counter) -> None:
    counter.use(SUREFILL_TYPO="1")
    assert counter.run("halt")[0] == 2
