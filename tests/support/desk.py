"""One trader's desk at the real exchange: settings of an own account, plans, the truth log.

desk = Desk(exchange, folder)
async with SmartOrderExecutor(desk.settings()) as executor: ...
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from surefill.config import Settings
from surefill.core.plan import TradePlan
from surefill.core.units import NANO
from tests.conftest import CANARY
from tests.support.exchange_server import RunningExchange, wait_until

_numbers = itertools.count(1)


class Desk:
    """An account nobody else uses, with a journal and logs below ``folder``."""

    def __init__(
        self, exchange: RunningExchange, folder: Path, *, key: str = "", secret: str = CANARY
    ) -> None:
        self.exchange = exchange
        self.folder = folder
        self._secret = secret
        self.key = key or f"DESK{next(_numbers)}"

    def environ(self, **more: str) -> dict[str, str]:
        """What a user would have in the environment."""
        return {
            "APCA_API_KEY_ID": self.key,
            "APCA_API_SECRET_KEY": self._secret,
            "APCA_API_BASE_URL": self.exchange.url,
            "SUREFILL_JOURNAL_PATH": str(self.folder / "state" / "journal.db"),
            "SUREFILL_LOG_DIR": str(self.folder / "logs"),
            "SMART_EXECUTOR_FILL_TIMEOUT": "2",
            **more,
        }

    def settings(self, **more: str) -> Settings:
        """Checked settings of this desk."""
        return Settings.load(self.environ(**more))

    def log_text(self) -> str:
        """What has been logged."""
        path = self.folder / "logs" / "surefill.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def truth(self, **wanted: object) -> list[dict[str, Any]]:
        """Lines of the truth log about this desk's orders with these values."""
        return [
            line
            for line in self.exchange.log()
            if all(line.get(name) == value for name, value in wanted.items())
        ]

    def buy_elsewhere(self, symbol: str, qty: int, side: str = "buy") -> None:
        """Shares that somebody bought on this account without us."""
        body = {"symbol": symbol, "qty": str(qty), "side": side, "type": "market"}
        keys = {"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": self._secret}
        body["time_in_force"] = "day"
        status, answer, _ = self.exchange.call("POST", "/v2/orders", body, headers=keys)
        assert status == 200, answer
        wait_until(lambda: self._holds(symbol, keys))

    def _holds(self, symbol: str, keys: dict[str, str]) -> bool:
        return self.exchange.call("GET", f"/v2/positions/{symbol}", headers=keys)[0] == 200

    def accepted(self, plan_id: str, leg: str = "") -> list[dict[str, Any]]:
        """Orders of this plan that the venue took, by the letters of our ids."""
        return [
            line
            for line in self.truth(kind="accept")
            if f"-{plan_id}-{leg}" in str(line["cl_ord_id"])
        ]


def plan_of(symbol: str, plan_id: str, *, qty: int = 100, **terms: Any) -> TradePlan:
    """A long plan at 100.00, risk 1.00, reward/risk 2, unless told otherwise."""
    shape: dict[str, Any] = {"side": "buy", "signal_price": "100.00", "risk": "1", "rr": "2"}
    shape |= terms
    return TradePlan.of(symbol, shape.pop("side"), qty, plan_id=plan_id, **shape)


def shares(count: int) -> int:
    """Whole shares in 1e-9."""
    return count * NANO
