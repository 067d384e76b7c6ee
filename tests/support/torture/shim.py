"""The preloaded library that lets a disk's fsync fail and a wall clock jump, in one engine.

    shim = Shim.build(folder)            # None where there is no compiler or no LD_PRELOAD
    control = ShimControl(folder / "control")
    environ |= shim.environ(control)
    control.fail_fsyncs(1); control.set_clock(+3_600)

Real calls of a real process fail: nothing of ours is replaced.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
LAYOUT = struct.Struct("=qii")
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Shim:
    """The compiled library."""

    path: Path

    @classmethod
    def build(cls, folder: Path) -> Shim | None:
        """Compile it; ``None`` where that cannot be done."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None or not sys.platform.startswith("linux"):
            return None
        path = folder / "shim.so"
        words = [compiler, "-O2", "-shared", "-fPIC", "-o", str(path), str(SOURCE), "-ldl"]
        done = subprocess.run(words, capture_output=True, check=False)
        return cls(path) if done.returncode == 0 else None

    def environ(self, control: ShimControl) -> dict[str, str]:
        """What the engine's environment needs."""
        return {"LD_PRELOAD": str(self.path), "TORTURE_CONTROL": str(control.path)}


class ShimControl:
    """What the library of one engine is told, and how often it struck."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(LAYOUT.size))
        fd = os.open(path, os.O_RDWR)
        try:
            self._map = mmap.mmap(fd, LAYOUT.size)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Let the file go."""
        self._map.close()

    @property
    def fsyncs_failed(self) -> int:
        """How many fsyncs have failed so far."""
        return int(LAYOUT.unpack_from(self._map)[2])

    def fail_fsyncs(self, count: int) -> None:
        """The next ``count`` fsyncs of a journal file return EIO."""
        struct.pack_into("=i", self._map, 8, count)

    def set_clock(self, ahead_s: float) -> None:
        """The engine's wall clock is this far ahead of the machine's."""
        struct.pack_into("=q", self._map, 0, int(ahead_s * NS_PER_S))
