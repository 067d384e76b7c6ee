from __future__ import annotations

import os
from pathlib import Path

import pytest

from surefill.config import Settings
from surefill.core.events import AccountRead
from surefill.core.units import NANO
from surefill.ports import Broker, JournalHeld
from surefill.runtime import wiring
from surefill.runtime.account import has_own_time, machine_clock, open_journal
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.wiring import assemble, clock_for, look_at_account
from tests.support.exchange_server import OPEN_NS, RunningExchange
from tests.support.runtime import HandClock


def settings(tmp_path: Path, canary: str, **more: str) -> Settings:
    return Settings.load(
        {
            "APCA_API_KEY_ID": f"KEY1-{os.getpid()}",  # one account per test run of this machine
            "APCA_API_SECRET_KEY": canary,
            "APCA_API_BASE_URL": "http://127.0.0.1:9",
            "SUREFILL_JOURNAL_PATH": str(tmp_path / "state" / "journal.db"),
            "SUREFILL_LOG_DIR": str(tmp_path / "logs"),
            **more,
        }
    )


async def test_what_is_assembled_is_one_engine_on_its_journal(tmp_path: Path, canary: str) -> None:
    ours = settings(tmp_path, canary)
    runtime = assemble(ours, clock=HandClock())
    assert isinstance(runtime.broker, Broker)
    assert runtime.stepper.engine is runtime.engine
    assert runtime.stepper.token == 1
    assert canary not in repr(runtime)
    with pytest.raises(JournalHeld):
        assemble(ours, clock=HandClock())
    runtime.stepper.journal.close()
    runtime.logs.close()


async def test_a_log_that_cannot_be_written_frees_the_journal(tmp_path: Path, canary: str) -> None:
    (tmp_path / "logs").write_text("in the way")
    ours = settings(tmp_path, canary)
    with pytest.raises(SurefillError) as caught:
        assemble(ours, clock=HandClock())
    assert caught.value.code is ErrorCode.LOG_UNWRITABLE
    journal = open_journal(ours)
    journal.acquire("next")
    journal.close()


async def test_no_keys_no_engine(tmp_path: Path, canary: str) -> None:
    bare = settings(tmp_path, canary, APCA_API_KEY_ID="", APCA_API_SECRET_KEY="")
    with pytest.raises(SurefillError) as caught:
        assemble(bare, clock=HandClock())
    assert caught.value.code is ErrorCode.KEYS_MISSING
    assert not (tmp_path / "state").exists()


async def test_a_strange_host_gets_no_keys(tmp_path: Path, canary: str) -> None:
    strange = settings(tmp_path, canary, APCA_API_BASE_URL="https://example.org")
    with pytest.raises(SurefillError, match=r"example\.org is not one of"):
        assemble(strange, clock=HandClock())


async def test_our_clock_is_set_by_a_venue_on_this_machine(tmp_path: Path, canary: str) -> None:
    with RunningExchange() as exchange:
        here = settings(tmp_path, canary, APCA_API_BASE_URL=exchange.url)
        assert 0 <= (await clock_for(here)).now_ns() - OPEN_NS < 30 * NANO


async def test_elsewhere_the_machines_own_time_counts(
    tmp_path: Path, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "venue_offset_ns", None)  # must not be asked
    away = settings(tmp_path, canary, APCA_API_BASE_URL="https://paper-api.alpaca.markets")
    assert (await clock_for(away)).now_ns() > OPEN_NS


async def test_a_venue_that_does_not_answer_is_a_coded_error(tmp_path: Path, canary: str) -> None:
    with pytest.raises(SurefillError) as caught:
        await clock_for(settings(tmp_path, canary))
    assert caught.value.code is ErrorCode.BROKER_UNAVAILABLE
    assert "127.0.0.1:9" in caught.value.sentence


async def test_a_look_at_the_account_needs_no_journal(tmp_path: Path, canary: str) -> None:
    with RunningExchange() as exchange:
        here = settings(tmp_path, canary, APCA_API_BASE_URL=exchange.url)
        assert has_own_time(here)
        picture = await look_at_account(here, clock=machine_clock(), after_ns=OPEN_NS)
    assert isinstance(picture.account, AccountRead)
    assert not (tmp_path / "state").exists()
    assert not has_own_time(settings(tmp_path, canary, APCA_API_BASE_URL="https://example.org"))
