"""A desk whose settings are those of the process, for verbs that run in this process."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from surefill.cli.main import main
from surefill.client import Client
from surefill.core.plan import TradePlan
from surefill.runtime.result import TradeResult
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import Desk
from tests.support.exchange_server import RunningExchange

OURS = ("APCA_", "SUREFILL_", "SMART_EXECUTOR_", "USE_SMART")


class Counter:
    """Verbs and what they printed."""

    def __init__(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.desk = desk
        self.exchange: RunningExchange = desk.exchange
        self.folder: Path = desk.folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(desk.folder)
        for name in [name for name in os.environ if name.startswith(OURS)]:
            monkeypatch.delenv(name)
        self.use(**desk.environ())

    def use(self, **environ: str) -> None:
        """Set these names in the environment."""
        for name, text in environ.items():
            self._monkeypatch.setenv(name, text)

    def forget_keys(self) -> None:
        """No keys in the environment."""
        for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"):
            self._monkeypatch.delenv(name, raising=False)

    def run(self, *words: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr), spaces and line ends as one space."""
        code = main(list(words))
        shown = self._capsys.readouterr()
        return code, " ".join(shown.out.split()), " ".join(shown.err.split())

    def json(self, *words: str) -> dict[str, Any]:
        """The one JSON object of a verb."""
        main([*words, "--json"])
        found: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return found

    def trade(self, *plans: TradePlan) -> None:
        """Execute these plans, and leave."""
        asyncio.run(self._trade(plans))
        self._capsys.readouterr()

    async def _trade(self, plans: tuple[TradePlan, ...]) -> None:
        async with SmartOrderExecutor() as executor:
            for plan in plans:
                await executor.execute(plan)

    def bare(self, plan_id: str) -> None:
        """Take the cover of a trade away at the venue."""
        for line in self.desk.accepted(plan_id, "X"):
            body = {"action": "cancel", "order_id": line["order_id"]}
            self.exchange.control("POST", "venue", body)

    def trade_through(self, plan: TradePlan) -> TradeResult:
        """Execute this plan through the running engine."""
        with Client() as engine:
            return engine.execute(plan)
