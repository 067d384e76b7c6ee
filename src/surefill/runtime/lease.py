"""Keeping the account: the lease is renewed while the engine's loop turns.

What: `keep_lease`. Why from the loop and not from a thread of its own: an engine that hangs must
lose its account, so that another one can cover its shares. The request itself runs on a thread,
because a database that is slow must not hold up cover.
Invariants: a database that cannot be asked is asked again; meanwhile nothing is sent
(`Lease.may_send`) and nothing ends; only the word that the account is another's ends it.
Must never: say that the lease is held when nobody confirmed it.
"""

from __future__ import annotations

import asyncio
import logging

from surefill.ports import JournalError, JournalFenced, Lease
from surefill.runtime.logs import LOGGER_NAME

logger = logging.getLogger(LOGGER_NAME)

RENEW_S = 1.0
"""A third of the time after which nothing more is sent (`postgres.LEASE_MS` - `REQUEST_MS`)."""


async def keep_lease(lease: Lease) -> None:
    """Renew until cancelled. Raises `JournalFenced` when the account is lost."""
    is_held = True
    while True:
        await asyncio.sleep(RENEW_S)
        try:
            await asyncio.to_thread(lease.renew)
        except JournalFenced:
            raise
        except JournalError as problem:
            if is_held:
                logger.error("the lease is not renewed, soon nothing is sent: %s", problem)
            is_held = False
        else:
            if not is_held:
                logger.info("the lease is renewed again")
            is_held = True
