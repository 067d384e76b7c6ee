"""``surefill tighten`` with and without an engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.counter import Counter
from tests.support.desk import plan_of
from tests.support.exchange_server import RunningExchange
from tests.support.port import engine_beside


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("TITE", "99.99", "100.01")
        yield running


def test_alone_it_moves_the_stop_and_refuses_what_is_none(counter: Counter) -> None:
    counter.trade(plan_of("TITE", "t1"))
    code, out, _ = counter.run("tighten", "t1", "--stop", "99.40", "--why", "news")
    assert (code, out) == (0, "TITE: the stop belongs at 99.40 now, and only tightens.")
    code, _, err = counter.run("tighten", "t1", "--stop", "99.30")
    assert (code, "STOP_NOT_TIGHTER" in err) == (2, True)
    assert counter.run("tighten", "t1", "--stop", "soon")[0] == 2
    assert counter.run("tighten", "nobody", "--stop", "99.50")[0] == 2
    counter.use(SUREFILL_TYPO="1")
    assert counter.run("tighten", "t1", "--stop", "99.50")[0] == 2


def test_through_the_engine_that_runs(counter: Counter) -> None:
    with engine_beside(counter.desk):
        counter.trade_through(plan_of("TITE", "t2"))
        found = counter.json("tighten", "t2", "--stop", "99.60")
    assert (found["stop_px"], found["uncovered_qty"]) == ("99.6", "0")
