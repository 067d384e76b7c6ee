"""A sign of life that another process can read."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from pathlib import Path

import pytest

from surefill.runtime import heartbeat
from surefill.runtime.driver import Driver
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.heartbeat import Beat, Heartbeat, heartbeat_path, read_beat
from surefill.runtime.outbox import Outbox
from surefill.runtime.waiters import Waiters
from tests.support.exchange_server import wait_until
from tests.support.runtime import HandClock, NotingBroker, stepper_of


def test_beats_count_and_an_orderly_end_says_so(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    assert read_beat(journal) is None
    heart = Heartbeat(journal)
    heart.beat()
    assert read_beat(journal) == Beat(1, os.getpid(), False)
    heart.beat()
    assert read_beat(journal) == Beat(2, os.getpid(), False)
    assert stat.S_IMODE(os.stat(heartbeat_path(journal)).st_mode) == 0o600
    heart.close()
    assert read_beat(journal) == Beat(3, os.getpid(), True)


def test_a_beat_that_cannot_be_written_is_missing_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heart = Heartbeat(tmp_path / "j")
    heart.beat()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", full)
        heart.beat()
        heart.beat()
    assert read_beat(tmp_path / "j") == Beat(1, os.getpid(), False)
    assert caplog.text.count("the heartbeat cannot be written (No space left on device)") == 1
    heart.close()
    assert read_beat(tmp_path / "j") == Beat(4, os.getpid(), True)
    with pytest.raises(SurefillError) as missing:
        Heartbeat(tmp_path / "none" / "j")
    assert missing.value.code is ErrorCode.CONTROL_UNREACHABLE


@pytest.mark.parametrize("text", ["", "{", "[]", '{"n": 1}', '{"n": "x", "pid": 1, "stopped": 0}'])
def test_a_torn_beat_is_none(tmp_path: Path, text: str) -> None:
    heartbeat_path(tmp_path / "j").write_text(text)
    assert read_beat(tmp_path / "j") is None


def beats(folder: Path) -> int:
    beat = read_beat(folder / "j")
    return 0 if beat is None else beat.n


async def test_it_beats_only_while_the_engine_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.01)
    stepper, waiters, broker = stepper_of(), Waiters(), NotingBroker()
    outbox = Outbox(broker, stepper.journal, waiters)
    driver = Driver(stepper, outbox, waiters, clock=HandClock())
    heart = Heartbeat(tmp_path / "j")
    beating = asyncio.create_task(heart.keep_beating(driver))
    await asyncio.to_thread(wait_until, lambda: beats(tmp_path) >= 3)
    driver.error = SurefillError(ErrorCode.ENGINE_STOPPED, "a bug")
    driver.post(object())  # type: ignore[arg-type]
    with pytest.raises(SurefillError):
        await beating
    heart.close()
