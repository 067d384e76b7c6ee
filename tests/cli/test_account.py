from __future__ import annotations

import pytest

from surefill.cli import account
from surefill.cli.account import TRADE_HEAD, journal_of, load, look, trade_object, trade_row
from surefill.core.events import AccountRead
from surefill.runtime.account import JournalSource
from surefill.runtime.errors import SurefillError
from surefill.runtime.wiring import journal_at, journal_path
from tests.support.core import Bench, covered_bench
from tests.support.counter import Counter


def test_settings_are_those_of_the_shell_over_the_file(counter: Counter) -> None:
    (counter.folder / ".env").write_text(
        "USE_SMART_EXECUTOR=False\nSMART_EXECUTOR_FILL_TIMEOUT=9\n"
    )
    found = load()
    assert not found.use_smart_executor
    assert found.fill_timeout_ns == 2_000_000_000


def test_the_journal_is_the_accounts_or_the_only_one(counter: Counter) -> None:
    ours = journal_path(load())
    assert journal_of(load()) == JournalSource(ours)
    counter.forget_keys()
    assert journal_of(load()).path != ours
    journal_at(ours).close()
    assert journal_of(load()).path == ours
    journal_at(ours.with_name("journal-ffffff.db")).close()
    assert journal_of(load()).path not in (ours, ours.with_name("journal-ffffff.db"))


def test_a_look_is_one_picture_in_the_venues_time(counter: Counter) -> None:
    sight = look(load(), None)
    assert isinstance(sight.picture.account, AccountRead)
    counter.use(APCA_API_BASE_URL="http://127.0.0.1:9")
    with pytest.raises(SurefillError, match=r"127\.0\.0\.1:9"):
        look(load(), None)


def test_a_trade_is_a_row() -> None:
    row = trade_row(covered_bench().trade)
    assert len(row) == len(TRADE_HEAD)
    assert row[:5] == ("ACME", "smart", "COVERED", "100", "0")
    assert row[-1] == covered_bench().trade.trade_id
    assert trade_object(Bench(legacy=True).trade)["path"] == "legacy"


def test_a_process_with_keys_leaves_no_core_file(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    monkeypatch.setattr(account, "no_core_files", lambda: called.append(1))
    account.load("nowhere.env")
    assert called
