"""``surefill why``: a journal file and an id in, dated sentences out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surefill.cli.exits import Exit
from surefill.cli.main import main
from tests.support.told import arrival, crwd_plan, crwd_run


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "APCA_API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CRWD morning: one plan denied, one not entered."""
    path = tmp_path_factory.mktemp("why") / "journal-abc123.db"
    crwd_run(arrival(crwd_plan("first", by_level=True)), arrival(crwd_plan("second")), path=path)
    return path


def test_a_trade_is_told(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "second", "--journal", str(journal)]) == Exit.DONE
    out, err = capsys.readouterr()
    assert err == ""
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "CRWD BUY, trade second: NOT_ENTERED (New York time)" in out
    assert "2026-11-20 09:40:01.000  Plan second: BUY 25 CRWD, signal 534.82" in out


def test_json_is_one_object(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "first", "--journal", str(journal), "--json"]) == Exit.DONE
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out)
    assert found["result"]["reasons"][0]["code"] == "RR_BELOW_MIN"
    assert out.count("\n") == 1


def test_an_unknown_trade_gets_near_ids_and_the_last(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["why", "frist", "--journal", str(journal)]) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "no trade frist in this journal; did you mean first?" in err
    assert "the last ones: " in err
    assert "second" in err


def test_nothing_near_and_an_empty_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "empty.db"
    crwd_run(path=path)
    assert main(["why", "x", "--journal", str(path)]) == Exit.USAGE
    assert capsys.readouterr().err == (
        "surefill why: no trade x in this journal\nit has no trade yet\n"
    )


def test_the_only_journal_is_found_without_keys(
    journal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUREFILL_JOURNAL_PATH", str(journal.parent / "journal.db"))
    assert main(["why", "first"]) == Exit.DONE
    monkeypatch.setenv("APCA_API_KEY_ID", "KEY")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "SECRET")
    assert main(["why", "first"]) == Exit.UNAVAILABLE  # another account's journal is not ours
    assert "no journal at" in capsys.readouterr().err


def test_no_journal_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "first"]) == Exit.UNAVAILABLE
    assert "name one with --journal" in capsys.readouterr().err


def test_a_damaged_journal_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.db"
    path.write_bytes(b"not a database at all" * 100)
    path.chmod(0o600)
    assert main(["why", "first", "--journal", str(path)]) == Exit.UNAVAILABLE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("surefill why: JOURNAL_CORRUPT")


def test_wrong_settings_are_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUREFILL_JOURNAL_PATHS", "x")
    assert main(["why", "first"]) == Exit.USAGE
    assert "SUREFILL_JOURNAL_PATHS" in capsys.readouterr().err
