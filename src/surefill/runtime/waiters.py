"""Who waits for which point in a trade's life.

What: (trade id, milestone) -> futures. A milestone wakes its own waiters and those of every earlier
point that will now not be announced any more: a denied plan is as settled and closed as it gets.
Must never: hold a trade; a woken caller reads it from where it is kept.
"""

from __future__ import annotations

import asyncio

from surefill.core.commands import Milestone

_WAKES: dict[Milestone, tuple[Milestone, ...]] = {
    Milestone.DENIED: (Milestone.DENIED, Milestone.SETTLED, Milestone.CLOSED),
    Milestone.SETTLED: (Milestone.SETTLED,),
    Milestone.CLOSED: (Milestone.SETTLED, Milestone.CLOSED),
}


class Waiters:
    """Futures of callers, by trade and milestone."""

    def __init__(self) -> None:
        # (trade id, milestone) -> futures of those who wait for it
        self._futures: dict[tuple[str, Milestone], list[asyncio.Future[None]]] = {}
        self._error: Exception | None = None

    def expect(self, trade_id: str, milestone: Milestone) -> asyncio.Future[None]:
        """A future that ends when the trade has come this far, or with the error of `fail`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._error is not None:
            future.set_exception(self._error)
        else:
            self._futures.setdefault((trade_id, milestone), []).append(future)
        return future

    def announce(self, trade_id: str, milestone: Milestone) -> None:
        """The trade has come this far."""
        for reached in _WAKES[milestone]:
            for future in self._futures.pop((trade_id, reached), ()):
                if not future.done():
                    future.set_result(None)

    def fail(self, error: Exception) -> None:
        """Nothing will be announced any more, and why."""
        self._error = error
        waiting, self._futures = self._futures, {}
        for futures in waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(error)
