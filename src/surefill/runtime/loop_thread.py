"""An event loop in a thread of its own, for callers that block.

What: `LoopThread`: start, run coroutines on it from any thread, end. `Blocking`: what a blocking
twin of something asynchronous is made of.
Why: a script's own code may block for minutes; cover must not wait for it (A-08).
Must never: know what it runs.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import ExitStack
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

from surefill.runtime.errors import ErrorCode, SurefillError

T = TypeVar("T")


class LoopThread:
    """One loop, one thread; ends with `close`, or with the process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="surefill", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine; its exception is raised here."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """End the loop; what still runs on it is dropped."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Blocking(ABC):
    """A twin that blocks, as a context manager. `_open` and `_shut` start and end what is behind it
    and run, like everything, on the loop's thread. Safe to call from several threads."""

    not_started: ClassVar[str]
    """What to say to a caller who did not start it."""

    def __init__(self) -> None:
        self._thread: LoopThread | None = None

    @abstractmethod
    async def _open(self) -> None:
        """Start what is behind it."""

    @abstractmethod
    async def _shut(self) -> None:
        """End it."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start it; a second call changes nothing. After a failure nothing stays open."""
        if self._thread is not None:
            return
        self._thread = LoopThread()
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            self.run(self._open())
            on_failure.pop_all()

    def close(self) -> None:
        """End it; a second call changes nothing."""
        thread, self._thread = self._thread, None
        if thread is not None:
            try:
                thread.run(self._shut())
            finally:
                thread.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine on the loop's thread. Raises `SurefillError` (NOT_STARTED)."""
        if self._thread is None:
            work.close()
            raise SurefillError(ErrorCode.NOT_STARTED, self.not_started)
        return self._thread.run(work)
