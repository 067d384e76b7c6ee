from __future__ import annotations

import json
import logging
import stat
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from surefill.config import Secret
from surefill.core.commands import Announce, Milestone
from surefill.core.events import RejectKind
from surefill.core.plan import SECOND_NS
from surefill.runtime import logs
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.json_log import FILE_NAME as JSON_NAME
from surefill.runtime.logs import LOGGER_NAMES, LineFormatter, LogSinks, report_decided
from surefill.runtime.stepper import Decided
from tests.support.core import START_NS, Bench
from tests.support.runtime import HandClock, plan_of, readiness, stepper_of, submission

logger = logging.getLogger("smart_order_executor")

HUSH = "a-secret-of-this-test"
"""Not the canary: pytest itself keeps what is logged before our handlers see it."""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without handlers that a verb of another test left: they would write to a screen long gone."""
    for name in LOGGER_NAMES:
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def sinks(folder: Path) -> Iterator[LogSinks]:
    opened = LogSinks(folder, secrets=[Secret(HUSH), Secret("")], clock=HandClock())
    opened.open()
    yield opened
    opened.close()


def lines(folder: Path) -> list[str]:
    return (folder / "surefill.log").read_text(encoding="utf-8").splitlines()


def rows(folder: Path) -> list[dict[str, Any]]:
    text = (folder / JSON_NAME).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_has_the_engines_time_level_and_name(sinks: LogSinks, folder: Path) -> None:
    logger.error("something")
    logging.getLogger("surefill.brokers").warning("else")
    assert lines(folder) == [
        "2026-03-02T15:00:00.000Z ERROR smart_order_executor something",
        "2026-03-02T15:00:00.000Z WARNING surefill.brokers else",
    ]


def test_secrets_line_breaks_and_escapes_do_not_get_through(sinks: LogSinks, folder: Path) -> None:
    try:
        raise ValueError(f"key {HUSH}\nfake line")
    except ValueError:
        logger.exception("text \x1b[31m %s\r\n2026 forged", HUSH)
    (line,) = lines(folder)
    assert HUSH not in line
    assert "***" in line
    assert "\x1b" not in line
    assert "ValueError: key *** fake line" in line


def test_programs_get_the_same_lines_as_objects(sinks: LogSinks, folder: Path) -> None:
    logger.error("text %s\nforged", HUSH)
    (row,) = rows(folder)
    assert (row["event"], row["sentence"]) == ("log", "text *** forged")
    assert row["at"] == "2026-03-02T15:00:00.000000Z"


def test_the_file_is_private(sinks: LogSinks, folder: Path) -> None:
    assert stat.S_IMODE((folder / JSON_NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "surefill.log").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_file_is_rotated(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES_MAX", 200)
    monkeypatch.setattr(logs, "FILES_MAX", 3)
    opened = LogSinks(folder, secrets=[], clock=HandClock())
    opened.open()
    for number in range(20):
        logger.info("line %d", number)
    opened.close()
    assert sorted(path.name for path in folder.iterdir()) == [
        "surefill.jsonl",
        "surefill.jsonl.1",
        "surefill.jsonl.2",
        "surefill.log",
        "surefill.log.1",
        "surefill.log.2",
    ]


def test_two_engines_share_one_file_and_write_each_line_once(sinks: LogSinks, folder: Path) -> None:
    second = LogSinks(folder, secrets=[Secret("hush-hush")], clock=HandClock())
    second.open()
    second.open()  # again changes nothing
    logger.info("once, hush-hush")
    second.close()
    second.close()
    logger.info("still")
    assert [line.rpartition("executor ")[2] for line in lines(folder)] == ["once, ***", "still"]


def test_nothing_stays_attached(folder: Path) -> None:
    before = [list(logging.getLogger(name).handlers) for name in LOGGER_NAMES]
    opened = LogSinks(folder, secrets=[], clock=HandClock())
    opened.open()
    opened.close()
    assert [logging.getLogger(name).handlers for name in LOGGER_NAMES] == before


def test_stderr_shows_lines_unless_the_program_logs_by_itself(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    stderr, root = StringIO(), logging.getLogger()
    monkeypatch.setattr(sys, "stderr", stderr)
    own = root.handlers
    for has_own, shown in ((True, 0), (False, 1)):
        root.handlers = [logging.NullHandler()] if has_own else []
        try:
            opened = LogSinks(folder, secrets=[], clock=HandClock())
            opened.open()
            logger.info("hello")
            opened.close()
        finally:
            root.handlers = own
        assert stderr.getvalue().count("hello") == shown


def test_a_terminal_gets_folded_lines_and_nothing_else_does(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    root = logging.getLogger()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(root, "handlers", [])
    for stderr in (Terminal(), StringIO()):
        monkeypatch.setattr(sys, "stderr", stderr)
        opened = LogSinks(folder, secrets=[], clock=HandClock())
        opened.open()
        logger.info("word " * 40)
        opened.close()
        longest = max(map(len, stderr.getvalue().splitlines()))
        assert (longest <= 80) is stderr.isatty()
    assert len(lines(folder)) == 2


def test_a_level_that_the_program_chose_is_kept(folder: Path) -> None:
    logger.setLevel(logging.ERROR)
    opened = LogSinks(folder, secrets=[], clock=HandClock())
    try:
        opened.open()
        logger.info("quiet")
        assert lines(folder) == []
    finally:
        opened.close()
        logger.setLevel(logging.NOTSET)


def test_a_folder_that_cannot_be_made_is_a_coded_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    opened = LogSinks(tmp_path / "file" / "logs", secrets=[], clock=HandClock())
    with pytest.raises(SurefillError) as caught:
        opened.open()
    assert caught.value.code is ErrorCode.LOG_UNWRITABLE
    opened.close()


def test_a_full_disk_is_said_once_and_stops_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    (folder / "surefill.log").symlink_to("/dev/full")
    sinks = LogSinks(folder, secrets=[Secret(HUSH)], clock=HandClock())
    sinks.open()
    logger.error("broken %s", HUSH)
    logger.error("broken again %s", HUSH)
    sinks.close()
    said = capsys.readouterr().err
    assert said.splitlines()[0] == "surefill: surefill.log cannot be written (OSError)"
    assert said.count("cannot be written") == 1
    assert "surefill.log lost its last lines (No space left on device)" in said
    assert HUSH not in said
    assert "Traceback" not in said


def test_a_disk_that_has_space_again_is_written_and_its_next_failure_said(
    sinks: LogSinks,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (handler,) = (
        one
        for one in logger.handlers
        if isinstance(one, logging.FileHandler) and one.baseFilename.endswith(".log")
    )
    for text in ("first", "second"):
        full = open("/dev/full", "a", encoding="utf-8")  # noqa: SIM115 - its close fails
        with monkeypatch.context() as broken:
            broken.setattr(handler, "stream", full)
            logger.error("lost %s", text)
        with pytest.raises(OSError, match="No space"):
            full.close()
        logger.error("kept %s", text)
    assert capsys.readouterr().err.count("cannot be written") == 2
    assert [line.rpartition(" ")[2] for line in lines(folder)] == ["first", "second"]


def test_a_screen_that_is_gone_stops_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    folder.mkdir()
    (folder / "surefill.log").symlink_to("/dev/full")
    gone = open("/dev/full", "w", encoding="utf-8", buffering=1)  # noqa: SIM115 - as above
    monkeypatch.setattr(sys, "stderr", gone)
    sinks = LogSinks(folder, secrets=[], clock=HandClock())
    sinks.open()
    logger.error("nobody reads this")
    sinks.close()
    with pytest.raises(OSError, match="No space"):
        gone.close()


def test_the_formatter_cuts_fractions_to_milliseconds() -> None:
    formatter = LineFormatter(HandClock(START_NS + SECOND_NS // 8))
    record = logging.LogRecord("n", logging.INFO, "", 0, "m", None, None)
    assert formatter.format(record) == "2026-03-02T15:00:00.125Z INFO n m"


# ------------------------------------------------------------------------- the fixed lines


def decided_of(bench: Bench) -> Decided:
    """What a driver would have seen of all that was said about this bench's trade."""
    words = [line for line in bench.lines if line in ("SETTLED", "CLOSED")]
    commands = [Announce("p1", Milestone(word)) for word in words]
    return Decided(commands=[*commands], trades={"p1": bench.trade})


def reported(decided: Decided, caplog: pytest.LogCaptureFixture) -> list[str]:
    with caplog.at_level(logging.INFO):
        report_decided(decided)
    return [record.getMessage() for record in caplog.records]


def test_a_denial_is_a_rejected_trade(caplog: pytest.LogCaptureFixture) -> None:
    stepper = stepper_of()
    decided = stepper.handle([*readiness(), submission(plan_of(rr="1"))], START_NS)
    reason = "RR_BELOW_MIN: reward/risk 1 is below the minimum 2"
    assert reported(decided, caplog) == [f"Smart executor rejected trade: {reason} [plan=p1]"]
    assert caplog.records[0].levelno == logging.ERROR
    assert caplog.records[0].name == "smart_order_executor"


def test_the_brokers_refusal_is_a_rejected_trade(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench("buy")
    bench.refuses("E1", RejectKind.BUYING_POWER)
    bench.run(1)
    (line,) = reported(decided_of(bench), caplog)
    assert line.startswith("Smart executor rejected trade: ENTRY_REJECTED: ")


def test_a_missed_entry_is_not_entered(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench("buy")
    bench.accepts("E1")
    bench.run(61)
    bench.cancelled("E1")
    bench.run(1)
    assert reported(decided_of(bench), caplog) == [
        "Smart executor not entered: ENTRY_TIMEOUT: not filled within 60 s inside 100.1 [plan=p1]"
    ]


@pytest.mark.parametrize("legacy", [False, True])
def test_an_entered_trade_is_successful_on_its_path(
    legacy: bool, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench("buy", legacy=legacy)
    bench.accepts("E1")
    bench.fills("E1", 100, 5)
    bench.run(0.3)
    if not legacy:
        bench.accepts("X1")
    bench.run(1)
    settled, *closed = reported(decided_of(bench), caplog)
    head = "Legacy trade successful: " if legacy else "Smart executor trade successful: "
    assert settled.startswith(head + "ACME BUY plan=p1 100 @ 100.05")
    assert not closed
    if legacy:
        return
    caplog.clear()
    bench.fills("X1", 100)
    bench.run(2)
    assert reported(decided_of(bench), caplog)[-1].startswith("trade closed: ACME BUY plan=p1")


def test_an_announcement_of_nothing_at_hand_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    decided = decided_of(Bench("buy"))
    decided.commands.append(Announce("somebody else's", Milestone.CLOSED))
    assert reported(decided, caplog) == []


def test_programs_learn_the_facts_of_a_trade(sinks: LogSinks, folder: Path) -> None:
    stepper = stepper_of()
    stepper.handle(readiness(), START_NS)
    report_decided(stepper.handle([submission(plan_of("p9", rr="1"))], START_NS))
    (row,) = rows(folder)
    assert row["event"] == "plan_denied"
    assert (row["plan_id"], row["outcome"], row["entry_qty"]) == ("p9", "DENIED", "0")
    assert row["reason_codes"] == ["RR_BELOW_MIN"]
    assert row["sentence"].startswith("Smart executor rejected trade: RR_BELOW_MIN")


def test_the_second_file_may_be_the_one_that_cannot_be_made(folder: Path) -> None:
    (folder / JSON_NAME).mkdir(parents=True)
    opened = LogSinks(folder, secrets=[], clock=HandClock())
    with pytest.raises(SurefillError) as caught:
        opened.open()
    assert caught.value.code is ErrorCode.LOG_UNWRITABLE
