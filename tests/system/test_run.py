"""``surefill run`` with real processes: one engine, several strategies, a restart, a second engine.

The exchange is real too, and its truth log judges.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from surefill.client import Client
from surefill.config import Settings
from surefill.core.trade import Outcome
from surefill.runtime.errors import ErrorCode, SurefillError
from tests.support.desk import Desk
from tests.support.engine_process import EngineProcess
from tests.support.exchange_server import RunningExchange, wait_until
from tests.support.workplace import SECRET, Workplace, clean_environ

pytestmark = pytest.mark.slow

SYMBOLS = ("ALFA", "BRAV", "CHAR", "DELT")
TERMS: dict[str, Any] = {"signal_price": "100.00", "risk": "1", "rr": "2"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """A user's directory before an exchange of its own."""
    with RunningExchange() as exchange:
        for symbol in SYMBOLS:
            exchange.quote(symbol, "99.99", "100.01")
        yield Workplace(exchange, tmp_path)


def client_of(place: Workplace, strategy: str = "", **more: Any) -> Client:
    """A strategy's client with the settings of the place."""
    environ = {"SUREFILL_JOURNAL_PATH": str(place.folder / ".surefill" / "journal.db")}
    return Client(Settings.load(environ, place.env), strategy=strategy, **more)


def test_two_strategies_share_the_account_and_a_restart_is_not_noticed(place: Workplace) -> None:
    with EngineProcess(place.folder) as engine:
        assert stat.S_IMODE(os.stat(engine.ready["socket"]).st_mode) == 0o600
        with client_of(place, "opening") as one, client_of(place, "closing") as two:
            first = one.trade("ALFA", "buy", 10, plan_id="a-1", **TERMS)
            second = two.trade("BRAV", "buy", 20, **TERMS)
            assert (first.entry_qty, first.uncovered_qty, first.strategy) == (
                10 * 10**9,
                0,
                "opening",
            )
            assert second.strategy == "closing"
            assert second.plan_id.startswith("closing-BRAV-")
            assert [trade.plan_id for trade in one.open_trades()] == ["a-1", second.plan_id]
            assert [trade.plan_id for trade in two.open_trades(strategy="opening")] == ["a-1"]
            engine.kill()
            with EngineProcess(place.folder) as next_engine:
                assert next_engine.ready["open_trades"] == ["a-1", second.plan_id]
                again = one.trade("ALFA", "buy", 10, plan_id="a-1", **TERMS)
                assert again.orders[0].cl_ord_id == first.orders[0].cl_ord_id
                report = two.flatten("BRAV", "enough")
                assert report.is_flat
                assert two.closed(second).outcome is Outcome.CLOSED_FLATTEN
                assert next_engine.stop() == 0
                assert next_engine.stopped["covered"] == ["a-1"]
                assert "leaving 10 shares of ALFA, 10 covered at the broker" in next_engine.said()
    assert len(place.entries("ALFA")) == 1
    assert not list((place.folder / ".surefill").glob("*.sock"))


def test_a_plan_is_sent_once_when_the_engine_dies_under_its_request(place: Workplace) -> None:
    """The caller waits through the death of one engine and is answered by the next."""
    place.write_env(SMART_EXECUTOR_FILL_TIMEOUT="20")
    place.exchange.quote("CHAR", "100.90", "101.00")  # does not fill yet
    with (
        EngineProcess(place.folder) as engine,
        client_of(place, "s") as client,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(client.trade, "CHAR", "buy", 10, plan_id="c-1", **TERMS)
        wait_until(lambda: len(place.entries("CHAR")) == 1)
        engine.kill()
        with EngineProcess(place.folder) as next_engine:
            place.exchange.quote("CHAR", "99.99", "100.01")
            result = waiting.result(timeout=30)
            assert (result.entry_qty, result.uncovered_qty) == (10 * 10**9, 0)
            assert next_engine.ready["open_trades"] == ["c-1"]
    assert len(place.entries("CHAR")) == 1


def test_a_second_engine_is_refused_and_told_who_holds_the_account(place: Workplace) -> None:
    with EngineProcess(place.folder) as engine:
        second = place.surefill("run")
        assert second.returncode == 3
        assert f"process {engine.process.pid}" in second.stderr
        strategy = subprocess.run(
            [sys.executable, "-m", "tests.system.strategy"],
            cwd=place.folder,
            env=clean_environ(),
            capture_output=True,
            text=True,
            timeout=40,
        )
        assert "JOURNAL_HELD" in strategy.stderr
        with client_of(place) as client:  # the refused ones took nothing with them
            assert client.status().pid == engine.process.pid


def test_without_an_engine_the_client_says_how_to_start_one(place: Workplace) -> None:
    place.surefill("status")
    with pytest.raises(SurefillError) as error, client_of(place, reconnect_s=0.2):
        pass
    assert error.value.code is ErrorCode.CONTROL_UNREACHABLE
    assert "surefill run" in error.value.sentence
    with place.strategy():
        with pytest.raises(SurefillError) as held, client_of(place, reconnect_s=0.2):
            pass
        assert "which takes no requests" in held.value.sentence


def test_a_stop_ends_entries_and_covers_what_they_brought(place: Workplace) -> None:
    place.write_env(SMART_EXECUTOR_FILL_TIMEOUT="30")
    place.exchange.quote("DELT", "99.99", "100.01", size="4")
    with EngineProcess(place.folder) as engine:
        with client_of(place, "s", reconnect_s=0.2) as client:
            failures: list[ErrorCode] = []

            def trade() -> None:
                try:
                    client.trade("DELT", "buy", 10, plan_id="d-1", **TERMS)
                except SurefillError as error:
                    failures.append(error.code)

            caller = threading.Thread(target=trade)
            caller.start()
            wait_until(lambda: len(place.entries("DELT")) == 1)
            wait_until(lambda: client.result("d-1").entry_qty > 0)
            assert engine.stop() == 0
            caller.join(timeout=20)
        assert failures == [ErrorCode.CONTROL_UNREACHABLE]
    assert engine.stopped["covered"] == ["d-1"]
    kinds = [line["kind"] for line in place.exchange.log() if line["symbol"] == "DELT"]
    assert "canceled" in kinds
    assert "armed" in kinds


def test_adopted_shares_stay_covered_through_the_death_of_the_engine(place: Workplace) -> None:
    desk = Desk(place.exchange, place.folder, key=place.key, secret=SECRET)
    desk.buy_elsewhere("ALFA", 15)
    with EngineProcess(place.folder) as engine:
        listed = place.json("adopt")["positions"]
        assert [(row["symbol"], row["covered"], row["free"]) for row in listed] == [
            ("ALFA", "0", "15")
        ]
        found = place.json("adopt", "ALFA", "--stop", "98", "--target", "104", "--yes")
        assert (found["phase"], found["uncovered_qty"]) == ("COVERED", "0")
        engine.kill()
    with EngineProcess(place.folder) as engine:
        assert engine.ready["open_trades"] == [found["plan_id"]]
        assert place.json("status")["trades"][0]["bare"] == "0"
    assert len(desk.accepted(found["plan_id"], "X")) == 1
    assert not desk.accepted(found["plan_id"], "E")
