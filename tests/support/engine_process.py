"""``surefill run`` in a process of its own, in a user's directory before a real exchange.

with EngineProcess(place.folder) as engine:
    engine.ready["socket"]
    engine.kill()
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.workplace import PATIENCE_S, clean_environ


class EngineProcess:
    """One run; ends in order at the end of the ``with`` unless it was killed or the test failed
    before."""

    def __init__(self, folder: Path, *words: str, program: str = "surefill") -> None:
        self._errors = open(folder / "run.err", "a", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", program, "run", "--json", *words],
            cwd=folder,
            env=clean_environ(),
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.folder = folder
        self.standing_by: dict[str, Any] = {}
        self.ready: dict[str, Any] = {}
        self.stopped: dict[str, Any] = {}

    def __enter__(self) -> EngineProcess:
        found = self._hear()
        if found["event"] == "standby":
            self.standing_by = found
        else:
            self.ready = found
        return self

    def becomes_ready(self) -> None:
        """Wait for the end of the standby; ``ready`` is what it says then."""
        while not self.ready:
            found = self._hear()
            self.ready = found if found["event"] == "ready" else {}

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self.process.poll() is None and kind is None:
                self.stop()
        finally:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self._errors.close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it in order; its exit code. ``stopped`` is its last line."""
        os.kill(self.process.pid, number)
        self.stopped = self._hear()
        return self.process.wait(timeout=PATIENCE_S)

    def kill(self) -> None:
        """As a machine would that loses its power."""
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """What it wrote to stderr so far."""
        return (self.folder / "run.err").read_text(encoding="utf-8")

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"ended with {self.process.wait()}: {self.said()}"
        found: dict[str, Any] = json.loads(line)
        return found
