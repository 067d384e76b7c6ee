"""``surefill checklist``: evidence, output, exit codes and sign-offs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from surefill.cli import checklist
from surefill.cli.account import Sight
from surefill.cli.checklist import log_lines, suite_report, versions
from surefill.cli.exits import Exit
from surefill.cli.main import main
from surefill.config import Settings
from surefill.journal.sqlite import SqliteJournal
from surefill.replay.checklist_items import Stage, SuiteReport
from surefill.replay.rehearsal import RehearsalError
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.notes import notes_in
from surefill.runtime.result import TradeResult, result_of
from surefill.runtime.wiring import journal_path
from tests.support.core import Bench
from tests.support.evidence import NOW, PICTURE
from tests.support.told import arrival, crwd_plan, crwd_run

JUNIT = (
    '<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2" timestamp="2026-03-02">'
    "</testsuite></testsuites>"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def journal(home: Path) -> Path:
    """The CRWD morning on the legacy path, in the account's own journal."""
    path = journal_path(Settings()).absolute()
    path.parent.mkdir(mode=0o700)
    crwd_run(arrival(crwd_plan("blunt", by_level=True), is_legacy=True), path=path)
    return path


def test_first_trade_that_went_the_legacy_way(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["checklist", "--stage", "first"]) == Exit.NOT_TRADED
    shown = " ".join(capsys.readouterr().out.split())
    assert "FAIL path used blunt: entered on the legacy path [records" in shown
    assert "PASS cover" in shown
    assert "Sign-offs none in this journal" in shown
    assert "1 PASS, 3 FAIL, 0 NOT YET" in shown


def test_not_yet_is_3_and_all_stages_are_the_default(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["checklist", "--stage", "week"]) == Exit.UNAVAILABLE
    assert main(["checklist", "--json"]) == Exit.NOT_TRADED, "no keys are set"
    lines = capsys.readouterr().out.splitlines()
    shown = json.loads(lines[-1])
    assert len(shown["items"]) == 28
    assert {item["stage"] for item in shown["items"]} == {
        "pre",
        "integration",
        "first",
        "week",
        "month",
    }


def test_html(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checklist", "--stage", "month", "--html", "out.html"]) == Exit.UNAVAILABLE
    assert (home / "out.html").read_text().startswith("<!doctype html>")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "out.html: NOT YET" in shown.err
    assert main(["checklist", "--stage", "month", "--html", "no/such/out.html"]) == Exit.USAGE
    assert "no/such/out.html" in capsys.readouterr().err


def test_a_sign_off_is_a_note_in_the_journal(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["checklist", "--stage", "week", "--sign-off", "ann", "--why", "so far so good"]
    assert main([*command, "--next-review", "2026-12-24"]) == Exit.UNAVAILABLE, "NOT YET stays 3"
    shown = " ".join(capsys.readouterr().out.split())
    assert "week signed off by ann on" in shown
    assert "next review 2026-12-24" in shown
    opened = SqliteJournal(journal, read_only=True)
    ((_, note),) = notes_in(opened, "sign-off")
    opened.close()
    facts = dict(note.facts)
    assert (note.by, note.why) == ("ann", "so far so good")
    assert facts["settings"] == Settings().digest()
    assert main([*command]) == Exit.UNAVAILABLE
    assert "next review 20" in capsys.readouterr().out


def test_a_sign_off_needs_a_name(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = journal.stat().st_mtime_ns
    assert main(["checklist", "--stage", "week", "--sign-off", " "]) == Exit.USAGE
    assert "--sign-off needs the name" in capsys.readouterr().err
    assert journal.stat().st_mtime_ns == before


def test_nobody_signs_a_fail(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = journal.stat().st_mtime_ns
    assert main(["checklist", "--stage", "first", "--sign-off", "ann"]) == Exit.NOT_TRADED
    shown = capsys.readouterr()
    assert "nobody can sign that off" in shown.err
    assert "legacy path" in shown.err
    assert shown.out == ""
    assert journal.stat().st_mtime_ns == before


def test_no_sign_off_while_an_engine_holds_the_journal(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder = SqliteJournal(journal)
    holder.acquire("an engine")
    assert main(["checklist", "--stage", "week", "--sign-off", "ann"]) == Exit.UNAVAILABLE
    holder.close()
    assert "JOURNAL_HELD" in capsys.readouterr().err


def test_a_damaged_journal_and_bad_settings_are_said(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = home / "broken.db"
    broken.write_bytes(b"not a journal")
    broken.chmod(0o600)
    command = ["checklist", "--stage", "integration", "--journal", str(broken)]
    assert main(command) == Exit.NOT_TRADED
    assert "JOURNAL_CORRUPT" in capsys.readouterr().out
    monkeypatch.setenv("SUREFILL_NO_SUCH", "1")
    assert main(["checklist", "--stage", "pre", "--json"]) == Exit.NOT_TRADED
    shown = json.loads(capsys.readouterr().out)
    assert shown["settings"] == "unknown"
    assert "not a setting" in shown["items"][0]["sentence"]


def test_the_broker_is_asked_once_there_are_keys(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(settings: Settings, standing: None) -> None:
        raise SurefillError(ErrorCode.BROKER_UNAVAILABLE, "no route")

    monkeypatch.setenv("APCA_API_KEY_ID", "K")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "S")
    monkeypatch.setattr(checklist, "look", refuse)
    main(["checklist", "--stage", "pre", "--json"])
    items = {one["code"]: one for one in json.loads(capsys.readouterr().out)["items"]}
    assert items["PRE_MODE"]["verdict"] == "FAIL"
    assert "no route" in items["PRE_MODE"]["sentence"]
    monkeypatch.setattr(checklist, "look", lambda settings, standing: Sight(PICTURE, NOW))
    main(["checklist", "--stage", "pre", "--json"])
    items = {one["code"]: one for one in json.loads(capsys.readouterr().out)["items"]}
    assert items["PRE_ACCOUNT"]["verdict"] == items["PRE_CALENDAR"]["verdict"] == "PASS"
    main(["checklist", "--stage", "pre", "--json", "--offline"])
    items = {one["code"]: one for one in json.loads(capsys.readouterr().out)["items"]}
    assert items["PRE_MODE"]["verdict"] == "PASS"
    assert items["PRE_ACCOUNT"]["verdict"] == "NOT YET"


def test_result_file_of_the_suite(tmp_path: Path) -> None:
    path = tmp_path / "tests.xml"
    assert suite_report(path) is None
    path.write_text("<testsuites", encoding="utf-8")
    assert suite_report(path) is None
    path.write_text(JUNIT.replace('"7"', '"many"'), encoding="utf-8")
    assert suite_report(path) is None
    path.write_text(JUNIT, encoding="utf-8")
    assert suite_report(path) == SuiteReport(7, 2, 2, "2026-03-02")
    path.write_text("<testsuites/>", encoding="utf-8")
    assert suite_report(path) == SuiteReport(0, 0, 0, "an unknown time")


def test_log_files_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert log_lines(tmp_path) is None
    for n, name in enumerate(("surefill.log.2", "surefill.log.1", "surefill.log")):
        (tmp_path / name).write_text(f"{name}\n", encoding="utf-8")
        os.utime(tmp_path / name, (n, n))
    assert log_lines(tmp_path) == ("surefill.log.2", "surefill.log.1", "surefill.log")
    monkeypatch.setattr(checklist, "LOG_BYTES_MAX", 30)
    assert log_lines(tmp_path) == ("surefill.log.1", "surefill.log"), "the newest fit"


def test_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert versions()["msgspec"][0].isdigit()
    monkeypatch.setattr(checklist, "DEPENDENCIES", ("no-such-package",))
    found = versions()
    assert found["no-such-package"] == "missing"
    assert found["Python"].startswith(".".join(map(str, sys.version_info[:2])))


def test_a_rehearsal_comes_first(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, str]] = []

    async def rehearse(settings: Settings, symbol: str, *, by: str) -> tuple[TradeResult, ...]:
        asked.append((symbol, by))
        if symbol == "NONE":
            raise RehearsalError("no quote for NONE")
        return (result_of(Bench().trade),)

    monkeypatch.setattr(checklist, "rehearse", rehearse)
    command = ["checklist", "--stage", "integration", "--rehearse"]
    assert main([*command, "acme", "--json"]) == Exit.UNAVAILABLE
    shown = capsys.readouterr()
    assert "INT_SMART" in shown.out
    assert "rehearsal, smart path: ACME BUY plan=p1" in shown.err
    assert main([*command, "NONE", "--sign-off", "ann"]) == Exit.UNAVAILABLE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "no rehearsal: no quote for NONE" in shown.err
    assert asked == [("ACME", "checklist"), ("NONE", "ann")]


def test_for_a_page_it_is_judged_without_asking_the_broker(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", "K")
    monkeypatch.delattr(checklist, "look")
    found = checklist.judged_offline()
    assert found.stages == tuple(Stage)
    assert "the broker has not been asked" in {line.finding.sentence for line in found.lines}
