"""The real exchange in a process of its own, started by its command line: for runs whose timing
counts, which must not share an interpreter with the trader."""

from __future__ import annotations

import re
import subprocess
import sys
from types import TracebackType

from tests.support.exchange_server import RunningExchange

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


class ExchangeProcess(RunningExchange):
    """``surefill exchange`` with these arguments; otherwise like its parent."""

    def __init__(self, *arguments: str) -> None:
        super().__init__()
        self._arguments = arguments

    def __enter__(self) -> ExchangeProcess:
        command = [sys.executable, "-m", "surefill", "exchange", "--port", "0", "--control"]
        self._process = subprocess.Popen(
            [*command, *self._arguments], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        found = ADDRESS.search(self._process.stdout.readline())
        assert found is not None
        self.port = int(found[1])
        return self

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        assert self._process.stdout is not None
        self._process.stdout.close()
