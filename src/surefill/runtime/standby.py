"""Waiting for an account: the process that takes over when the holder is gone.

What: `stand_by` returns when nobody holds the journal any more. Who wants the account then takes it
as every start does, and may find that somebody else was faster: then it waits again.
Why a process that waits and does nothing: it needs no orders to be told of a death, and what it
does afterwards is the ordinary start, which is recovery.
Invariants: nothing is written, sent or asked of the broker while it waits; a database that does not
answer is waited for too.
Must never: judge by anything but lock and lease that a holder is dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from surefill.ports import JournalError, JournalHeld
from surefill.runtime.account import JournalSource, read_journal

POLL_S = 0.5
"""Of the ten seconds that a takeover may take after the lease."""

TURNS_PER_LOOK = 120
"""Once a minute it checks what is new in the journal, so that little is left for the takeover."""


def refuse_neighbour(source: JournalSource) -> None:
    """A standby for a lease needs a directory of its own: if the holder beside it hangs instead of
    dying, its lock stays. Raises `JournalHeld`."""
    here = source.holder_here() if source.address is not None else None
    if here is not None:
        sentence = (
            f"the account is held from this directory by {here}; give the standby a directory "
        )
        sentence += "of its own, best on another machine"
        raise JournalHeld(sentence)


async def stand_by(source: JournalSource, *, tell: Callable[[str], None]) -> None:
    """Wait until nobody holds the account. ``tell`` hears each new reason to go on waiting."""
    told, turn = "", 0
    while True:
        try:
            holder = await asyncio.to_thread(source.holder)
            if holder is not None and turn % TURNS_PER_LOOK == 0:
                await asyncio.to_thread(_look, source)
            turn += 1
        except JournalError as problem:
            why = f"waiting for the journal: {problem}"
        else:
            if holder is None:
                return
            why = f"standing by; the account is held by {holder}"
        if why != told:
            tell(why)
        told = why
        await asyncio.sleep(POLL_S)


def _look(source: JournalSource) -> None:
    """Walk the journal's chain as far as it goes now. A file is walked by its owner only."""
    if source.address is not None and source.exists():
        read_journal(source).close()
