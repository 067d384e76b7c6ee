from __future__ import annotations

import asyncio

import pytest

from surefill.core.commands import Milestone
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.waiters import Waiters

ERROR = SurefillError(ErrorCode.ENGINE_STOPPED, "over")


@pytest.mark.parametrize(
    ("announced", "woken"),
    [
        (Milestone.DENIED, set(Milestone)),
        (Milestone.SETTLED, {Milestone.SETTLED}),
        (Milestone.CLOSED, {Milestone.SETTLED, Milestone.CLOSED}),
    ],
)
async def test_a_milestone_wakes_what_it_settles(
    announced: Milestone, woken: set[Milestone]
) -> None:
    waiters = Waiters()
    futures = {milestone: waiters.expect("t1", milestone) for milestone in Milestone}
    waiters.announce("t1", announced)
    assert {milestone for milestone, future in futures.items() if future.done()} == woken


async def test_other_trades_wait_on_and_a_gone_caller_is_no_fault() -> None:
    waiters = Waiters()
    other, gone = waiters.expect("t2", Milestone.CLOSED), waiters.expect("t1", Milestone.CLOSED)
    gone.cancel()
    waiters.announce("t1", Milestone.CLOSED)
    assert not other.done()


async def test_failure_reaches_those_who_wait_and_those_who_come() -> None:
    waiters = Waiters()
    before, gone = waiters.expect("t1", Milestone.CLOSED), waiters.expect("t1", Milestone.SETTLED)
    gone.cancel()
    waiters.fail(ERROR)
    for future in (before, waiters.expect("t2", Milestone.SETTLED)):
        with pytest.raises(SurefillError):
            await asyncio.wait_for(future, 1)
