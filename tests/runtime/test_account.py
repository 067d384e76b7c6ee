from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from surefill.config import Settings
from surefill.core.units import NANO
from surefill.ports import JournalError, JournalHeld
from surefill.runtime.account import (
    BUILD,
    account_of,
    engine_of,
    has_own_time,
    is_real_money,
    journal_at,
    journal_path,
    limits_of,
    machine_clock,
    migrate_journal,
    open_journal,
    read_journal,
    source_of,
)
from tests.journal.support import chain
from tests.support.postgres_server import PostgresServer


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


def test_an_account_is_its_server_and_key(tmp_path: Path, canary: str) -> None:
    def account(**more: str) -> str:
        return account_of(settings(tmp_path, canary, **more))

    assert account() == account(APCA_API_BASE_URL="http://localhost:9/v2")
    assert account() != account(APCA_API_BASE_URL="http://127.0.0.1:10")
    assert account() != account(APCA_API_KEY_ID="KEY2")
    assert account(APCA_API_BASE_URL="https://api.alpaca.markets") != account()
    assert "KEY1" not in account()


def test_each_account_has_its_own_journal(tmp_path: Path, canary: str) -> None:
    one = journal_path(settings(tmp_path, canary))
    two = journal_path(settings(tmp_path, canary, APCA_API_KEY_ID="KEY2"))
    assert one.parent == two.parent == tmp_path / "state"
    assert one != two
    assert one.name.startswith("journal-")
    assert one.suffix == ".db"


def test_a_journal_opens_to_be_read_beside_its_owner(tmp_path: Path, canary: str) -> None:
    ours = settings(tmp_path, canary)
    owner = open_journal(ours)
    owner.acquire("me")
    reader = open_journal(ours, read_only=True)
    assert reader.head() == (0, "")
    reader.close()
    owner.close()


# ------------------------------------------------------------------------ a journal in a database


@pytest.fixture
def in_database(
    tmp_path: Path, canary: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """The settings of an account whose journal is in a database, with its password in them."""
    monkeypatch.chdir(tmp_path)
    address = postgres.by_password(postgres.database())
    return settings(tmp_path, canary, SUREFILL_JOURNAL_PATH=address)


def test_a_journal_in_a_database_has_its_local_files_where_one_in_a_file_would_be(
    in_database: Settings, tmp_path: Path, canary: str
) -> None:
    source = source_of(in_database)
    assert not source.exists()
    assert source.holder() is None
    assert source.path == journal_path(in_database)
    assert canary not in f"{source} {source!r} {in_database!r}"
    owner = open_journal(in_database)
    owner.acquire("me")
    assert source.exists()
    lock = tmp_path / ".surefill" / f"{source.path.name}.lock"
    assert lock.stat().st_mode & 0o777 == 0o600
    assert lock.parent.stat().st_mode & 0o777 == 0o700
    assert f"me (process {os.getpid()}" in (source.holder() or "")
    elsewhere = replace(source, path=tmp_path / "elsewhere" / "journal.db")
    assert f"me (process {os.getpid()}" in (elsewhere.holder() or "")
    for read in (open_journal(in_database, read_only=True), read_journal(source)):
        assert read.head() == (0, "")
        read.close()
    owner.close()
    assert elsewhere.holder() is None
    again = journal_at(source)
    again.acquire("me again")
    again.close()
    assert migrate_journal(source) == (1, 1)


def test_open_trades_in_a_file_are_not_left_behind(in_database: Settings) -> None:
    old = journal_at(journal_path(in_database))
    old.acquire("the old engine")
    old.append(chain((b"1", {"@engine": (b"{}", True), "open-1": (b"{}", True)})))
    old.close()
    with pytest.raises(JournalError, match=r"1 trades are open in .*\(open-1\)"):
        open_journal(in_database)
    old = journal_at(journal_path(in_database))
    old.acquire("the old engine")
    old.append(chain((b"2", {"open-1": (b"{}", False)}), after=old.head()))
    old.close()
    open_journal(in_database).close()


def test_without_its_driver_a_database_is_an_error_that_says_what_to_install(
    in_database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("surefill.journal.")]:
        if name.rpartition(".")[2] in ("postgres", "session", "tables"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    source = source_of(in_database)
    for use in (source.exists, source.holder, lambda: open_journal(in_database)):
        with pytest.raises(JournalError, match=r"pip install 'surefill\[postgres\]'"):
            use()


def test_limits_and_engine_follow_the_settings(tmp_path: Path, canary: str) -> None:
    ours = settings(
        tmp_path,
        canary,
        SUREFILL_MAX_ORDER_QTY="7",
        SUREFILL_RESTRICTED_SYMBOLS="GME",
        SUREFILL_WASH_EXEMPTS="new_only",
    )
    assert limits_of(ours).order_qty_max == 7 * NANO
    assert limits_of(ours).restricted == ("GME",)
    assert engine_of(ours).config.exits_beside_entry
    assert not engine_of(settings(tmp_path, canary)).config.exits_beside_entry


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="abstract socket names")
async def test_two_journals_are_still_one_account(tmp_path: Path, canary: str) -> None:
    first = open_journal(settings(tmp_path, canary))
    second = open_journal(settings(tmp_path / "elsewhere", canary))
    first.acquire("me")
    with pytest.raises(JournalHeld, match="with another journal"):
        second.acquire("also me")
    first.close()
    assert second.acquire("next") == 1
    second.close()


def test_a_journal_is_made_where_it_is_named(tmp_path: Path) -> None:
    journal_at(tmp_path / "journal.db").close()
    assert (tmp_path / "journal.db").exists()
    read_journal(tmp_path / "journal.db").close()


def test_whether_the_venue_may_play_another_day(tmp_path: Path, canary: str) -> None:
    assert has_own_time(settings(tmp_path, canary))
    assert not has_own_time(settings(tmp_path, canary, APCA_API_BASE_URL="https://example.org"))


def test_the_machines_own_clock_and_build() -> None:
    assert machine_clock().now_ns() > 0
    assert BUILD.startswith("surefill ")


@pytest.mark.parametrize(
    "words",
    [
        ("check", "CRWD", "buy", "25", "--signal", "534.82", "--risk", "5.35", "--rr", "2"),
        ("why", "T-1", "--journal", "journal.db"),
        ("metrics", "--journal", "journal.db"),
        ("journal", "verify", "--journal", "journal.db"),
    ],
)
def test_a_verb_that_only_looks_loads_no_client_of_a_broker(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    """By what is loaded, not by time: a client costs more than any verb that only looks."""
    journal_at(tmp_path / "journal.db").close()
    program = (
        "import sys\n"
        "from surefill.cli.main import main\n"
        "main(sys.argv[1:])\n"
        "heavy = {'aiohttp', 'yarl', 'surefill.runtime.wiring'} & set(sys.modules)\n"
        "print('loaded:', *sorted(heavy))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize(
    "url", ["https://paper-api.alpaca.markets", "http://127.0.0.1:8700", "http://localhost:1"]
)
def test_practice_is_paper_and_this_machine(url: str) -> None:
    assert not is_real_money(url)


@pytest.mark.parametrize(
    "url",
    ["https://api.alpaca.markets", "https://API.alpaca.markets/v2", "https://else.example", ""],
)
def test_everything_else_is_real_money(url: str) -> None:
    assert is_real_money(url)
