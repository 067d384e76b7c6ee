"""Routing and rollback, proven by restart: real processes, a real ``.env``, a real exchange."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.exchange_server import RunningExchange, wait_until
from tests.support.workplace import Workplace

pytestmark = pytest.mark.slow

SMART, LEGACY, BACK = "SMRT", "LGCY", "BACK"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """A user's directory before an exchange of its own."""
    with RunningExchange() as exchange:
        for symbol in (SMART, LEGACY, BACK):
            exchange.quote(symbol, "99.99", "100.01")
        yield Workplace(exchange, tmp_path)


def entry(symbol: str) -> dict[str, object]:
    """The same order whatever the routing is."""
    return {
        "symbol": symbol,
        "side": "buy",
        "qty": 10,
        "price": "100.00",
        "stop_loss_price": "99.00",
        "take_profit_price": "102.50",
        "plan_id": f"in-{symbol}",
    }


def is_covered(place: Workplace, symbol: str) -> bool:
    """The venue itself says that a stop stands behind the position."""
    lines = [line for line in place.exchange.log() if line["symbol"] == symbol]
    return any(line["kind"] == "armed" for line in lines) and not any(
        line["kind"] == "canceled" for line in lines
    )


def trade_of(place: Workplace, plan_id: str) -> dict[str, Any]:
    """The row of one open trade in ``surefill status``."""
    (row,) = [row for row in place.json("status")["trades"] if row["trade"] == plan_id]
    return dict(row)


def test_rollback_by_hand_and_back_keeps_the_open_trade_smart_and_covered(
    place: Workplace,
) -> None:
    with place.strategy() as strategy:
        first = strategy.order(**entry(SMART))
        assert not first["is_legacy"]
    assert is_covered(place, SMART)
    place.write_env(USE_SMART_EXECUTOR="False")
    with place.strategy() as strategy:
        assert strategy.open == ["in-SMRT"]
        second = strategy.order(**entry(LEGACY))
        assert second["is_legacy"]
    assert [row["ord_type"] for row in place.entries(SMART)] == ["LIMIT"]
    assert [row["ord_type"] for row in place.entries(LEGACY)] == ["MARKET"]
    assert is_covered(place, SMART)
    row = trade_of(place, "in-SMRT")
    assert (row["path"], row["phase"], row["bare"]) == ("smart", "COVERED", "0")
    assert trade_of(place, "in-LGCY")["path"] == "legacy"
    place.write_env(USE_SMART_EXECUTOR="True")
    with place.strategy() as strategy:
        assert sorted(strategy.open) == ["in-LGCY", "in-SMRT"]
        assert not strategy.order(**entry(BACK))["is_legacy"]
        place.exchange.quote(SMART, "102.60", "102.70")
        place.exchange.quote(LEGACY, "102.60", "102.70")
        wait_until(lambda: not place.json("status", "--offline")["trades"][1:], timeout_s=30)
    assert trade_of(place, "in-BACK")["path"] == "smart"


def test_the_verb_does_the_same_and_puts_it_on_record(place: Workplace) -> None:
    with place.strategy() as strategy:
        strategy.order(**entry(SMART))
    before = place.env.read_text(encoding="utf-8")
    done = place.surefill("rollback", "--by", "ann", "--why", "slippage doubled")
    assert done.returncode == 0, done.stderr
    assert "in-SMRT" in done.stdout
    assert "start it now" in " ".join(done.stdout.split())
    assert place.env.read_text(encoding="utf-8") == before + "USE_SMART_EXECUTOR=False\n"
    assert stat.S_IMODE(place.env.stat().st_mode) == 0o600
    status = place.json("status")
    assert status["routing"]["in_force"] == "smart"
    assert "the settings now ask for legacy: restart" in status["routing"]["sentence"]
    (note,) = status["notes"]
    assert (note["topic"], note["by"], note["why"]) == ("rollback", "ann", "slippage doubled")
    with place.strategy() as strategy:
        assert strategy.order(**entry(LEGACY))["is_legacy"]
        assert place.json("status")["routing"]["in_force"] == "legacy"
    again = place.surefill("rollback")
    assert again.returncode == 0
    assert "already says USE_SMART_EXECUTOR=False" in again.stdout
    undone = place.json("rollback", "--undo", "--by", "ann")
    assert (undone["before"], undone["after"], undone["changed"]) == ("legacy", "smart", True)
    assert {row["trade"]: row["bare"] for row in undone["trades"]} == {
        "in-SMRT": "0",
        "in-LGCY": "0",
    }
    with place.strategy() as strategy:
        assert not strategy.order(**entry(BACK))["is_legacy"]
    assert place.json("status")["routing"]["in_force"] == "smart"
    proven = place.json("journal", "verify")
    assert proven["records"] > 0


def test_a_running_engine_is_named_and_nothing_changes(place: Workplace) -> None:
    before = place.env.read_bytes()
    with place.strategy():
        done = place.surefill("rollback")
    assert done.returncode == 3
    assert "the engine is running: surefill" in done.stderr
    assert "Stop that process first" in done.stderr
    assert done.stdout == ""
    assert place.env.read_bytes() == before


def test_a_variable_that_wins_over_the_file_is_named(place: Workplace) -> None:
    done = place.surefill("rollback", environ={"USE_SMART_EXECUTOR": "True"})
    assert done.returncode == 2
    assert "wins over .env" in done.stderr


def test_a_dead_broker_does_not_stop_a_rollback(place: Workplace, tmp_path: Path) -> None:
    with place.strategy() as strategy:
        strategy.order(**entry(SMART))
    place.exchange.arm("N10", "*", probability=1, params={"mode": "reset"})
    done = place.surefill("rollback")
    place.exchange.disarm()
    assert done.returncode == 0, done.stderr
    assert "does not answer" in " ".join(done.stdout.split())
    shutil.rmtree(tmp_path / "logs")
