"""A user's directory with its ``.env`` and processes started in it, before a real exchange.

place = Workplace(exchange, tmp_path)
with place.strategy() as strategy:
    strategy.order(symbol="ACME", side="buy", qty=10, price="100", ...)
place.surefill("status", "--json")
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.exchange_server import RunningExchange

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 40.0
SECRET = "kept-in-a-private-file"
"""Not the canary of the test suite: a `.env` is the one file that a secret belongs in."""
_numbers = itertools.count(1)


def clean_environ() -> dict[str, str]:
    """This process's environment without anything of ours; the package is found."""
    ours = ("APCA_", "SUREFILL_", "SMART_EXECUTOR_", "USE_SMART")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
        "PATH": f"{Path(sys.executable).parent}:{kept.get('PATH', '')}",
        "TERM": "dumb",
    }


class Strategy:
    """One run of `tests.system.strategy` in a workplace."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.strategy"],
            cwd=folder,
            env=clean_environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.open: list[str] = []

    def __enter__(self) -> Strategy:
        self.open = self._hear()["open"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(timeout=PATIENCE_S)
        finally:
            self.process.kill()
            self.process.stdout.close()

    def order(self, **order: object) -> dict[str, Any]:
        """`OrderManager.submit_order` in that process; its result."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self._hear()

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the strategy ended with {self.process.wait()}"
        found: dict[str, Any] = json.loads(line)
        return found


class Workplace:
    """A directory as a user has it, with an account of its own."""

    def __init__(self, exchange: RunningExchange, folder: Path) -> None:
        self.exchange = exchange
        self.folder = folder
        self.key = f"PLACE{next(_numbers)}"
        self.env = folder / ".env"
        self.write_env()

    def write_env(self, **more: str) -> None:
        """A ``.env`` as the quick start tells to write it."""
        values = {
            "APCA_API_KEY_ID": self.key,
            "APCA_API_SECRET_KEY": SECRET,
            "APCA_API_BASE_URL": self.exchange.url,
            "SMART_EXECUTOR_FILL_TIMEOUT": "1",
        }
        lines = [f"{name}={text}\n" for name, text in (values | more).items()]
        self.env.write_text("# the strategy's settings\n" + "".join(lines), encoding="utf-8")
        self.env.chmod(0o600)

    def strategy(self) -> Strategy:
        """Start the strategy; use it as ``with``."""
        return Strategy(self.folder)

    def surefill(
        self, *words: str, environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """``surefill ...`` in this directory."""
        return subprocess.run(
            [sys.executable, "-m", "surefill", *words],
            cwd=self.folder,
            env=clean_environ() | (environ or {}),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    def json(self, *words: str) -> dict[str, Any]:
        """One JSON object from ``surefill ... --json``."""
        done = self.surefill(*words, "--json")
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def entries(self, symbol: str) -> list[dict[str, Any]]:
        """Accepted entry orders of this symbol at the venue."""
        return [
            line
            for line in self.exchange.log()
            if line["kind"] == "accept"
            and line["symbol"] == symbol
            and "-E" in str(line["cl_ord_id"])
        ]
