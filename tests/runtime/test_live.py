"""What counts as real money, and whose word allows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from surefill.core.events import Account
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.live import (
    ACCOUNT,
    CONFIRMED,
    ENDED,
    HOST,
    Permit,
    masked,
    must_be_account,
    permit_of,
)
from surefill.runtime.notes import write_note
from surefill.runtime.wiring import read_journal

LIVE = "https://api.alpaca.markets"
HERE = Permit(seq=1, host="api.alpaca.markets", account_id="123456789", by="ann")


def note(path: Path, topic: str, host: str = "api.alpaca.markets", account: str = "1") -> None:
    facts = {HOST: host, ACCOUNT: account}
    write_note(path, topic, by="ann", why="", facts=facts, now=1)


def found(path: Path, base_url: str = LIVE) -> Permit | ErrorCode | None:
    journal = read_journal(path)
    try:
        return permit_of(journal, base_url)
    except SurefillError as error:
        return error.code
    finally:
        journal.close()


def served(account_id: str) -> Account:
    return Account(
        account_id=account_id,
        equity_usd=None,
        last_equity_usd=None,
        buying_power_usd=None,
        shorting_enabled=False,
        is_blocked=False,
    )


def test_the_newest_word_counts_for_its_host_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    note(path, "rollback")
    assert found(path) is ErrorCode.LIVE_NOT_CONFIRMED
    assert found(path, "https://paper-api.alpaca.markets") is None
    note(path, CONFIRMED, host="elsewhere.example")
    assert found(path) is ErrorCode.LIVE_NOT_CONFIRMED
    note(path, CONFIRMED, account="")
    assert found(path) is ErrorCode.LIVE_NOT_CONFIRMED
    note(path, CONFIRMED)
    assert found(path) == Permit(seq=4, host="api.alpaca.markets", account_id="1", by="ann")
    note(path, ENDED)
    assert found(path) is ErrorCode.LIVE_NOT_CONFIRMED


def test_another_account_is_refused_without_telling_its_number() -> None:
    must_be_account(None, None)
    must_be_account(HERE, served("123456789"))
    for account in (served("987654321"), served(""), None):
        with pytest.raises(SurefillError) as caught:
            must_be_account(HERE, account)
        assert caught.value.code is ErrorCode.LIVE_OTHER_ACCOUNT
        assert "123456789" not in str(caught.value)
        assert "987654321" not in str(caught.value)


def test_a_short_number_is_hidden_whole() -> None:
    assert (masked("12"), masked("12345")) == ("...", "...345")
