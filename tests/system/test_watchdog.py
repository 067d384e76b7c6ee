"""``surefill watchdog`` with real processes: an engine that is killed, cover that is taken away."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from tests.support.desk import Desk
from tests.support.engine_process import EngineProcess
from tests.support.exchange_server import RunningExchange
from tests.support.workplace import SECRET, Workplace, clean_environ

pytestmark = pytest.mark.slow

PLAN = ("--signal", "100", "--risk", "1", "--rr", "2", "--plan-id", "w1")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """A user's directory before an exchange of its own."""
    with RunningExchange() as exchange:
        exchange.quote("WTCH", "99.99", "100.01")
        yield Workplace(exchange, tmp_path)


class Watchdog:
    """The verb in a process of its own; `hear` gives its alarms."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "surefill", "watchdog", "--json", "--run", "touch"],
            cwd=folder,
            env=clean_environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Watchdog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self.code = self._process.wait(timeout=10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def hear(self) -> dict[str, Any]:
        """The next alarm."""
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found


def test_a_killed_engine_and_lost_cover_are_noticed_and_the_next_start_ends_both(
    place: Workplace,
) -> None:
    desk = Desk(place.exchange, place.folder, key=place.key, secret=SECRET)
    with EngineProcess(place.folder) as engine:
        assert place.surefill("trade", "WTCH", "buy", "10", *PLAN).returncode == 0
        (cover,) = desk.accepted("w1", "X")
        with Watchdog(place.folder) as watchdog:
            time.sleep(2.0)  # it hears the engine
            engine.kill()
            body = {"action": "cancel", "order_id": cover["order_id"]}
            place.exchange.control("POST", "venue", body)
            first, second = watchdog.hear(), watchdog.hear()
            assert {first["event"], second["event"]} == {"alarm"}
            codes = {first["code"], second["code"]}
            assert codes == {"HEARTBEAT_LOST", "SHARES_UNCOVERED"}
            with EngineProcess(place.folder) as following:  # a start repairs cover first
                assert {watchdog.hear()["event"], watchdog.hear()["event"]} == {"over"}
                assert following.stop() == 0
        assert watchdog.code == 0
    text = (place.folder / "logs" / "watchdog.log").read_text(encoding="utf-8")
    assert "ALARM HEARTBEAT_LOST: no sign of life from the engine for 5 s" in text
    assert "ALARM SHARES_UNCOVERED: 10 WTCH without a stop for 3 s" in text
    assert list(place.folder.glob("ALARM HEARTBEAT_LOST*"))  # what `touch` was told
