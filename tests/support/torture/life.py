"""One life of an engine: a real ``surefill run``, from its start to its end.

    life = await Life.begin(folder, environ)
    await life.until_ready(40)
    life.kill(); await life.is_over()

What it says on stdout tells when it is ready, what it says on stderr is kept for whoever asks why
it ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

END_S = 20.0


class Life:
    """A process. Use `begin`."""

    def __init__(self, process: asyncio.subprocess.Process, errors: Path, said_from: int) -> None:
        self.process = process
        self.is_ready = asyncio.Event()
        self._errors = errors
        self._said_from = said_from
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def begin(cls, folder: Path, errors: Path, environ: dict[str, str]) -> Life:
        """Start it in this directory; ``errors`` takes its stderr."""
        with await asyncio.to_thread(open, errors, "ab") as sink:
            said_from = sink.tell()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "surefill",
                "run",
                "--json",
                cwd=folder,
                env=environ,
                stdout=asyncio.subprocess.PIPE,
                stderr=sink,
            )
        return cls(process, errors, said_from)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            said: dict[str, Any] = json.loads(line)
            if said["event"] == "ready":
                self.is_ready.set()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.process.pid

    @property
    def code(self) -> int | None:
        """Its exit code, once it is over."""
        return self.process.returncode

    async def until_ready(self, within_s: float) -> bool:
        """Whether it became ready before its end and in time."""
        ready = asyncio.create_task(self.is_ready.wait())
        over = asyncio.create_task(self.process.wait())
        await asyncio.wait({ready, over}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        over.cancel()
        return self.is_ready.is_set() and self.code is None

    async def lasts(self, seconds: float) -> bool:
        """Whether it is still there after so long."""
        if seconds <= 0:
            return self.code is None
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            return True
        return False

    def signal(self, number: int) -> None:
        """Send a signal, if there is still somebody to receive it."""
        if self.code is None:
            try:
                self.process.send_signal(number)
            except ProcessLookupError:
                pass

    def kill(self) -> bool:
        """``kill -9``; whether it was alive until then."""
        was_alive = self.code is None
        self.signal(signal.SIGKILL)
        return was_alive

    async def is_over(self) -> int:
        """Wait for its end; the exit code (negative: a signal)."""
        code = await self.process.wait()
        await self._reader
        return code

    async def stop(self) -> int:
        """End it in order; its exit code."""
        self.signal(signal.SIGTERM)
        async with asyncio.timeout(END_S):
            return await self.is_over()

    def limit_files(self, size: int) -> None:
        """From now on no file of this process grows beyond ``size`` bytes (EFBIG)."""
        hard = resource.RLIM_INFINITY
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, hard))

    def said(self) -> str:
        """Its stderr so far."""
        with open(self._errors, "rb") as file:
            file.seek(self._said_from)
            return file.read().decode(errors="replace")


def resident_bytes(pid: int) -> int:
    """RSS of a process."""
    fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files(pid: int) -> int:
    """How many file descriptors a process has."""
    return len(os.listdir(f"/proc/{pid}/fd"))
