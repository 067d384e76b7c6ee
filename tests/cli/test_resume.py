"""``surefill resume`` with and without an engine."""

from __future__ import annotations

from tests.support.counter import Counter
from tests.support.port import engine_beside


def test_a_halt_is_taken_back_without_a_question(counter: Counter) -> None:
    counter.run("halt")
    code, out, _ = counter.run("resume", "--by", "ann")
    assert (code, "New entries are allowed" in out) == (0, True)
    assert counter.json("status", "--offline")["switches"] == []


def test_a_kill_needs_a_person(counter: Counter) -> None:
    counter.run("kill")
    code, _, err = counter.run("resume")
    assert (code, "Not confirmed" in err) == (1, True)
    assert len(counter.json("status", "--offline")["switches"]) == 1
    assert counter.json("resume", "--yes")["unkilled"] is True
    assert counter.json("status", "--offline")["switches"] == []


def test_a_running_engine_is_asked(counter: Counter) -> None:
    with engine_beside(counter.desk) as port:
        counter.run("kill")
        counter.run("resume", "--yes")
        assert port.executor.runtime.engine.state.kill is None


def test_before_the_first_start_there_is_nothing_to_take_back(counter: Counter) -> None:
    assert counter.json("resume")["unkilled"] is False


def test_wrong_settings_are_usage(counter: Counter) -> None:
    counter.use(SUREFILL_TYPO="1")
    assert counter.run("resume")[0] == 2
