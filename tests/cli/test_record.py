"""The verb against our own exchange: a whole day, a kill in the middle, words without sense."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surefill.cli import record
from surefill.cli.exits import Exit
from surefill.cli.main import main
from surefill.cli.record import LOCK
from surefill.journal.files import ProcessLock
from surefill.runtime.recording import Job, Recorded
from surefill.sim.tape import TapeDay, list_tapes
from tests.support.exchange_server import RunningExchange, wait_until
from tests.support.taped_exchange import DAY, environment, same_market, taped_exchange

Capture = pytest.CaptureFixture[str]
Taped = tuple[RunningExchange, TapeDay]


@pytest.fixture(scope="module")
def taped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taped]:
    with taped_exchange(tmp_path_factory.mktemp("tape")) as found:
        yield found


@pytest.fixture(autouse=True)
def somewhere_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No ``.env`` of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "APCA_API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def recorded(out: Path) -> TapeDay:
    (found,) = list_tapes(out)
    return found


def test_killed_in_the_middle_it_goes_on_without_a_row_twice_or_missing(
    taped: Taped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    exchange, day = taped
    out = tmp_path / "out"
    names = environment(exchange, key="killed")
    words = ["record", "TWIN", "--from", DAY, "--out", str(out), "--page", "300", "--feed", "sip"]
    with subprocess.Popen(
        [sys.executable, "-m", "surefill", *words], env=names, stderr=subprocess.DEVNULL
    ) as process:
        wait_until(lambda: len(list(out.rglob("*.part"))) >= 3)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    parts = len(list(out.rglob("*.part")))
    assert list_tapes(out) == (), "half a day is no day"
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert main(words) == Exit.DONE
    assert "TWIN 20261120: recorded, 4,341 quotes, 1,030 prints, 0 gaps" in capsys.readouterr().out
    assert same_market(recorded(out), day)
    assert 3 <= parts < 4_341 // 300, "the kill came in the middle"
    assert [path.name for path in out.rglob(".*")] == [".recording.lock"]
    assert main([*words, "--json"]) == Exit.DONE
    row = json.loads(capsys.readouterr().out)
    assert (row["new"], row["quotes"], row["prints"]) == (False, 4_341, 1_030)


def test_a_day_that_is_not_over_is_left_out_by_name(
    taped: Taped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    exchange, _ = taped
    for name, value in environment(exchange, key="early").items():
        monkeypatch.setenv(name, value)
    words = ["record", "TWIN", "--from", "2026-11-23", "--out", str(tmp_path / "out")]
    assert main(words) == Exit.UNAVAILABLE
    assert "TWIN 20261123 is not over yet" in capsys.readouterr().err
    assert main(["record", "TWIN", "--from", "2026-11-21"]) == Exit.USAGE
    assert main(["record", "TWIN", "--live"]) == Exit.USAGE
    assert "no trading" in capsys.readouterr().err


def test_live_until_the_close_or_so_many_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    asked: list[tuple[list[Job], int]] = []

    async def heard(_: object, jobs: list[Job], root: Path, **more: Any) -> list[Recorded]:
        asked.append((jobs, more["until_ns"] - more["clock"].now_ns()))
        more["on_progress"](500, "5 rows")
        return [Recorded(job, root, 5, 1, {"late_quotes": 2}, 1, True) for job in jobs]

    monkeypatch.setattr(record, "record_live", heard)
    with RunningExchange() as exchange:
        for name, value in environment(exchange, key="live").items():
            monkeypatch.setenv(name, value)
        words = ["record", "ACME", "CRWD", "--live", "--out", str(tmp_path)]
        assert main(words) == Exit.DONE
        assert main([*words, "--minutes", "3"]) == Exit.DONE
    assert [job.symbol for job in asked[0][0]] == ["ACME", "CRWD"]
    assert asked[0][1] > 5 * 3_600 * 10**9
    assert 170 * 10**9 < asked[1][1] <= 180 * 10**9
    assert "ACME 20260302: recorded, 5 quotes, 1 prints, 1 gaps, late quotes 2" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    "words",
    [[], ["--live", "--from", DAY], ["--from", "yesterday"], ["--from", DAY, "--page", "0"]],
)
def test_words_that_make_no_sense(words: list[str], capsys: Capture) -> None:
    assert main(["record", "CRWD", *words]) == Exit.USAGE
    assert capsys.readouterr().err


def test_two_recorders_do_not_share_a_folder(tmp_path: Path, capsys: Capture) -> None:
    lock = ProcessLock(tmp_path / LOCK)
    lock.take("another one")
    try:
        assert main(["record", "CRWD", "--from", DAY, "--out", str(tmp_path)]) == Exit.USAGE
    finally:
        lock.release()
    assert "another one" in capsys.readouterr().err


def test_a_symbol_is_a_ticker_because_it_becomes_a_folder(capsys: Capture) -> None:
    assert main(["record", "../../etc", "--from", DAY]) == Exit.USAGE
    assert "../../etc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--from", "2026-13-01"], "2026-13-01 is not a day, as in 2026-03-02"),
        (["--from", "2026-03-02", "--page", "0"], "0 is not a whole number above 0"),
        (["--live", "--minutes", "x"], "x is not a whole number above 0"),
    ],
)
def test_what_is_no_day_or_number_is_told_as_written(
    words: list[str], sentence: str, capsys: Capture
) -> None:
    assert main(["record", "CRWD", *words]) == Exit.USAGE
    assert sentence in capsys.readouterr().err


def test_help_has_examples(capsys: Capture) -> None:
    assert main(["record", "--help"]) == Exit.DONE
    assert "surefill record CRWD AAPL --live --minutes 30" in capsys.readouterr().out


def test_without_keys_or_a_server_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert main(["record", "CRWD", "--from", DAY]) == Exit.UNAVAILABLE
    assert "APCA_API_KEY_ID" in capsys.readouterr().err
    monkeypatch.setenv("APCA_API_BASE_URL", "ftp://nobody")
    assert main(["record", "CRWD", "--from", DAY]) in (Exit.USAGE, Exit.UNAVAILABLE)
