"""``surefill flatten`` with and without an engine."""

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
        running.quote("FLAT", "99.99", "100.01")
        yield running


def test_alone_it_closes_and_says_flat(counter: Counter) -> None:
    counter.trade(plan_of("FLAT", "f1"))
    assert counter.run("flatten")[0] == 2  # everything: not without a word
    code, out, _ = counter.run("flatten", "FLAT", "--why", "enough")
    assert (code, out.startswith("FLAT")) == (0, True)
    assert "CLOSED_FLATTEN f1" in out
    code, out, _ = counter.run("flatten", "--yes")
    assert (code, "No trade of ours was open." in out) == (0, True)


def test_a_symbol_that_is_not_held_is_told_from_one_that_others_hold(counter: Counter) -> None:
    code, out, _ = counter.run("flatten", "NOPE")
    assert code == 0
    assert "No trade of ours was open in NOPE, and nothing is held." in out
    code, _, err = counter.run("flatten", "no-such-trade")
    assert (code, "TRADE_UNKNOWN" in err) == (2, True)
    counter.exchange.quote("NOPE", "99.99", "100.01")
    counter.desk.buy_elsewhere("NOPE", 7)
    code, out, _ = counter.run("flatten", "NOPE")
    assert (code, out.startswith("NOT_FLAT")) == (4, True)
    assert "7 shares of NOPE are not ours and were not touched." in out
    assert counter.json("flatten", "--yes")["foreign"] == {"NOPE": "7"}


def test_not_flat_shows_the_cover_and_ends_with_4(counter: Counter) -> None:
    with engine_beside(counter.desk):
        counter.trade_through(plan_of("FLAT", "f2"))
        counter.exchange.control("POST", "status", {"symbol": "FLAT", "status": "halt"})
        assert counter.run("flatten", "f2", "--timeout", "1")[0] == 4
        counter.exchange.control("POST", "status", {"symbol": "FLAT", "status": "resume"})
        found = counter.json("flatten", "f2")
    assert found["state"] == "FLAT"
    assert [row["trade"] for row in found["trades"]] == ["f2"]


def test_wrong_settings_are_usage(counter: Counter) -> None:
    counter.use(SUREFILL_TYPO="1")
    assert counter.run("flatten", "X")[0] == 2
