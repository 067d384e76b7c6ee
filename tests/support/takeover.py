"""One account with two engines: what a takeover needs, and what is measured of it.

account = Account(exchange, folder, database)
with account.engine(0) as first, account.engine(1, "--standby") as second: ...
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from surefill.client import Client
from surefill.config import Settings
from surefill.core.trade import Trade
from surefill.journal.images import decode_trade
from surefill.replay.evidence import rows_of
from surefill.runtime.account import open_journal
from surefill.sim.auditor import AuditLimits, audit, render
from surefill.sim.auditor_findings import Excuse
from tests.support.engine_process import EngineProcess
from tests.support.exchange_server import RunningExchange, wait_until
from tests.support.short_lease import LEASE_S
from tests.support.workplace import Workplace

PROGRAM = "tests.support.short_lease"
TERMS: dict[str, Any] = {"signal_price": "100.00", "risk": "1", "rr": "2"}
TAKEOVER_S = 10.0
"""What a takeover may need beyond the lease."""
AWAY = ("100.10", "100.20")
"""Where an entry at 100.05 does not fill."""


class Account:
    """One account, its journal in a database, and two directories as if on two machines."""

    def __init__(
        self, exchange: RunningExchange, folder: Path, database: str, *, program: str = PROGRAM
    ) -> None:
        self.exchange = exchange
        self._program = program
        self.places = tuple(self._place(folder / name) for name in ("one", "two"))
        self.key = self.places[0].key
        for place in self.places:
            place.key = self.key
            place.write_env(SUREFILL_JOURNAL_PATH=database, SMART_EXECUTOR_FILL_TIMEOUT="60")
        self.excuses: list[Excuse] = []
        exchange.quote("ALFA", "99.99", "100.01")
        for symbol in ("BRAV", "CHAR"):
            exchange.quote(symbol, *AWAY)

    def _place(self, folder: Path) -> Workplace:
        folder.mkdir()
        return Workplace(self.exchange, folder)

    def engine(self, number: int, *words: str) -> EngineProcess:
        """``surefill run`` in one of the directories."""
        return EngineProcess(self.places[number].folder, *words, program=self._program)

    def client(self, number: int) -> Client:
        """A strategy beside that engine."""
        folder = self.places[number].folder
        environ = {"SUREFILL_JOURNAL_PATH": str(folder / ".surefill" / "journal.db")}
        return Client(Settings.load(environ, folder / ".env"), reconnect_s=0.2)

    def stops_with_bare_shares(self, engine: EngineProcess, symbol: str, size: str) -> int:
        """The engine stands still, and a part of its open entry fills; the log's line before."""
        wait_until(lambda: self.places[0].entries(symbol))
        time.sleep(0.3)  # the acknowledgement
        os.kill(engine.process.pid, signal.SIGSTOP)
        seq = int(self.log()[-1]["seq"])
        self.exchange.quote(symbol, "99.99", "100.01", size=size)
        wait_until(lambda: any(line["kind"] == "partial_fill" for line in self.log(seq)))
        self.exchange.quote(symbol, *AWAY)
        return seq

    def log(self, after: int = 0) -> list[dict[str, Any]]:
        """The truth log after this line."""
        return self.exchange.log(after)

    def takes_over(self, standby: EngineProcess, since_s: float, since: int) -> None:
        """The standby becomes ready, covers in time, and does nothing before that but end the
        entry that is in the way."""
        standby.becomes_ready()
        ready_s = time.monotonic() - since_s
        wait_until(lambda: self.covers(since))
        took_s = time.monotonic() - since_s
        print(f"takeover: ready after {ready_s:.2f} s, covered after {took_s:.2f} s")
        cover = self.covers(since)[0]
        lines = [line for line in self.log(since) if line["seq"] <= cover["seq"]]
        self.excuses.append(Excuse(lines[0]["venue_ns"], cover["venue_ns"]))
        assert {line["symbol"] for line in lines} == {cover["symbol"]}
        assert [line["kind"] for line in lines if line["kind"] == "accept"] == ["accept"]
        assert LEASE_S - 1 < ready_s < took_s < LEASE_S + TAKEOVER_S

    def covers(self, since: int) -> list[dict[str, Any]]:
        """Cover that the venue took after this line."""
        return [
            line
            for line in self.log(since)
            if line["kind"] == "accept" and "-X" in str(line["cl_ord_id"])
        ]

    def judge(self) -> None:
        """The auditor on everything that happened, with what the journal says came of it."""
        settings = Settings.load({}, self.places[0].env)
        rows = []
        journal = open_journal(settings, read_only=True)
        try:
            for plan_id in ("covered", "first", "second"):
                trade = decode_trade(journal.image(plan_id) or b"")
                assert isinstance(trade, Trade)
                rows.append(rows_of(trade, settings.policy(), accepted_ns=trade.accepted_ns))
        finally:
            journal.close()
        report = audit(
            [plan for plan, _ in rows],
            self.log(),
            [claim for _, claim in rows],
            limits=AuditLimits(excuses=tuple(self.excuses)),
        )
        assert report.is_clean, render(report)
