"""``kill -9`` at eight named points, then the same command again: replay, reconcile, repair cover,
trade on. Real process, real sockets, real journal; the venue's truth log is the judge."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from surefill.core.order import OrderState
from surefill.core.trade import Trade
from surefill.core.units import NANO
from surefill.journal.images import ENGINE_IMAGE, decode_trade
from surefill.runtime.account import open_journal
from surefill.tca.history import IncidentKind, read_history
from tests.support.desk import Desk, shares
from tests.support.exchange_server import RunningExchange, wait_until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SYMBOL, PLAN, QTY = "ACME", "kill", 100
PATIENCE_S = 60.0


class Script:
    """One run of the trader's script."""

    def __init__(self, desk: Desk, *, plan_id: str = PLAN) -> None:
        command = [sys.executable, "-m", "tests.system.trader", plan_id, SYMBOL, str(QTY)]
        environ = os.environ | desk.environ(SMART_EXECUTOR_FILL_TIMEOUT="20")
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def hears(self, what: str) -> dict[str, Any]:
        """The next line, which must be this one."""
        line = self._lines.get(timeout=PATIENCE_S)
        assert line["what"] == what, line
        return line

    def kill(self) -> None:
        """SIGKILL, and gone."""
        self.process.kill()
        self.end()

    def end(self) -> None:
        """Wait for the end."""
        self.process.wait(timeout=PATIENCE_S)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Case:
    """A killed script and its successor, before the same venue."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.exchange = desk, desk.exchange
        self.scripts: list[Script] = []

    def start(self, *, plan_id: str = PLAN) -> Script:
        """The command line, once more."""
        self.scripts.append(Script(self.desk, plan_id=plan_id))
        return self.scripts[-1]

    def sees(self, kind: str, **wanted: object) -> None:
        """Wait until the truth log has such a line."""
        wait_until(
            lambda: self.desk.truth(kind=kind, symbol=SYMBOL, **wanted), timeout_s=PATIENCE_S
        )

    def struck(self, code: str) -> None:
        """Wait until a fault has struck."""
        wait_until(lambda: self.exchange.counters()[code] > 0, timeout_s=PATIENCE_S)

    def away(self) -> None:
        """The market moves where the entry does not fill."""
        self.exchange.quote(SYMBOL, "100.10", "100.20")

    def near(self, *, size: str = "1000") -> None:
        """The market comes to the entry."""
        self.exchange.quote(SYMBOL, "100.00", "100.02", size=size)

    def up(self, *, size: str = "1000") -> None:
        """The market reaches the target."""
        self.exchange.quote(SYMBOL, "102.20", "102.30", size=size)

    def knows(self, what: Callable[[Trade], bool]) -> None:
        """Until the script's journal says so of the trade."""
        wait_until(lambda: any(map(what, self._open_trades())))

    def _open_trades(self) -> list[Trade]:
        journal = open_journal(self.desk.settings(), read_only=True)
        try:
            images = dict(journal.open_images())
        finally:
            journal.close()
        images.pop(ENGINE_IMAGE, None)
        found = [decode_trade(image) for image in images.values()]
        return [trade for trade in found if isinstance(trade, Trade)]

    def ends_well(self, script: Script) -> dict[str, Any]:
        """Settled, covered for what was entered, closed at the target; nothing twice, nothing
        left."""
        settled = script.hears("settled")
        assert settled["uncovered_qty"] == "0"
        self.up()
        closed = script.hears("closed")
        script.end()
        assert closed["outcome"] == "CLOSED_TARGET"
        assert len(self.desk.accepted(PLAN, "E")) == 1
        assert self.filled_qty("SELL") == self.filled_qty("BUY") > 0
        assert self.crashes() == len(self.scripts) - 1, "the last one ended as it should"
        return settled

    def crashes(self) -> int:
        """Runs of which the journal knows that they did not end as they should."""
        journal = open_journal(self.desk.settings(), read_only=True)
        try:
            incidents = read_history(journal).incidents
        finally:
            journal.close()
        return sum(one.kind is IncidentKind.CRASH for one in incidents)

    def filled_qty(self, side: str) -> int:
        """Shares executed on one side, 1e-9."""
        lines = self.desk.truth(symbol=SYMBOL, side=side)
        return sum(line["qty"] for line in lines if line["kind"] in ("fill", "partial_fill"))


def is_working(trade: Trade) -> bool:
    """Whether the engine knows that the venue took the entry."""
    return any(order.state is OrderState.WORKING for order in trade.entries)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """A venue and a desk of this test alone."""
    with RunningExchange() as exchange:
        found = Case(Desk(exchange, tmp_path, key="KILLED"))
        found.away()
        yield found
        for script in found.scripts:
            if script.process.poll() is None:
                script.kill()


def test_before_send(case: Case) -> None:
    case.exchange.arm("N1", "POST /v2/orders", count=1)
    script = case.start()
    case.struck("N1")
    script.kill()
    script = case.start()
    assert script.hears("ready")["open"] == [PLAN]
    settled = script.hears("settled")
    assert settled["outcome"] == "NOT_ENTERED"
    assert settled["reasons"][0]["code"] in ("ENTRY_ABSENT", "ENTRY_TIMEOUT")
    script.hears("closed")
    script.end()
    assert not case.desk.accepted(PLAN)
    case.near()  # and trade on
    script = case.start(plan_id="next")
    script.hears("ready")
    assert script.hears("settled")["entry_qty"] == str(QTY)
    script.kill()


def test_in_flight(case: Case) -> None:
    case.exchange.arm("N2", "POST /v2/orders", count=1)
    case.exchange.arm("W4", "orders", count=20, params={"delay_ms": 10_000})
    script = case.start()
    case.sees("accept")
    script.kill()
    case.exchange.disarm()
    script = case.start()
    assert script.hears("ready")["open"] == [PLAN]
    case.near()
    assert case.ends_well(script)["entry_qty"] == str(QTY)


def test_working(case: Case) -> None:
    script = case.start()
    case.sees("new")
    case.knows(is_working)
    script.kill()
    script = case.start()
    assert script.hears("ready")["open"] == [PLAN]
    case.near()
    assert case.ends_well(script)["entry_qty"] == str(QTY)


def test_partial(case: Case) -> None:
    script = case.start()
    case.sees("new")
    case.exchange.arm("N6", "DELETE /v2/orders", count=20, params={"never": True})
    case.near(size="37")
    case.sees("partial_fill")
    case.away()
    case.knows(lambda trade: trade.position_qty == 37 * NANO)
    script.kill()
    case.exchange.disarm()
    script = case.start()
    assert script.hears("ready")["open"] == [PLAN]
    assert case.ends_well(script)["entry_qty"] == "37"


def test_filled_and_uncovered(case: Case) -> None:
    case.exchange.arm("W4", "orders", count=50, params={"delay_ms": 10_000})
    script = case.start()
    case.sees("new")
    case.knows(is_working)
    case.near()
    case.sees("fill")
    script.kill()
    assert not case.desk.accepted(PLAN, "X")
    case.exchange.disarm()
    script = case.start()
    assert script.hears("ready")["open"] == [PLAN]
    assert case.ends_well(script)["entry_qty"] == str(QTY)


def test_cover_in_flight(case: Case) -> None:
    script = case.start()
    case.sees("new")
    case.knows(is_working)
    case.exchange.arm("N2", "POST /v2/orders", count=1)
    case.near()
    case.sees("accept", side="SELL")
    script.kill()
    case.exchange.disarm()
    script = case.start()
    assert script.hears("ready")["open"] == [PLAN]
    case.ends_well(script)
    assert len(case.desk.accepted(PLAN, "X")) == 1


def test_cover_lost_in_flight(case: Case) -> None:
    script = case.start()
    case.sees("new")
    case.knows(is_working)
    case.exchange.arm("N1", "POST /v2/orders", count=1)
    case.near()
    case.struck("N1")
    script.kill()
    case.exchange.disarm()
    assert not case.desk.accepted(PLAN, "X")
    script = case.start()
    assert script.hears("ready")["open"] == [PLAN]
    case.ends_well(script)
    assert [line["order_qty"] for line in case.desk.accepted(PLAN, "X")] == [shares(QTY)]


def test_covered(case: Case) -> None:
    case.near()
    script = case.start()
    script.hears("ready")
    script.hears("settled")
    script.kill()
    script = case.start()
    assert script.hears("ready")["open"] == [PLAN]
    case.ends_well(script)
    assert len(case.desk.accepted(PLAN, "X")) == 1


def test_exiting(case: Case) -> None:
    case.near()
    script = case.start()
    script.hears("ready")
    script.hears("settled")
    case.up(size="40")
    case.sees("partial_fill", side="SELL")
    script.kill()
    script = case.start()
    assert script.hears("ready")["open"] == [PLAN]
    case.ends_well(script)
    assert len(case.desk.accepted(PLAN, "X")) == 1
