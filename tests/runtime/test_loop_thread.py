from __future__ import annotations

import asyncio
import threading

import pytest

from surefill.runtime.loop_thread import LoopThread


async def place() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_work_runs_in_the_thread_and_its_answer_comes_back() -> None:
    thread = LoopThread()
    assert thread.run(place()) == "surefill"
    thread.close()
    assert "surefill" not in {other.name for other in threading.enumerate()}


def test_an_error_comes_back_too() -> None:
    async def fails() -> None:
        raise LookupError("gone")

    thread = LoopThread()
    with pytest.raises(LookupError, match="gone"):
        thread.run(fails())
    thread.close()
