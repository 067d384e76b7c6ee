"""``surefill checklist``: the deployment checklist, computed from settings, broker and journal.

What: gathers the evidence (settings, one look at the broker, journal, log files, the last result of
the test suite), judges the items of one stage or of all, prints them as text, JSON or HTML.
``--rehearse SYMBOL`` first trades one share of it both ways on a paper account or a local exchange.
``--sign-off NAME`` puts who answers for it into the journal; the engine must not be running then.
Exit codes: 0 every item PASS; 1 at least one FAIL; 3 no FAIL, but something is NOT YET proven.
Invariants: without ``--rehearse`` the broker gets reads only; with a FAIL nobody can sign.
Must never: take a person's word for an item.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from xml.etree import ElementTree

from surefill import __version__
from surefill.cli.account import journal_of, load, look
from surefill.cli.exits import Exit
from surefill.cli.output import Block, Table, emit, say, show
from surefill.config import ConfigError, Settings
from surefill.core.units import NANO
from surefill.ports import AccountPicture, JournalError
from surefill.replay.checklist import STAGE_TITLES, Checklist, judge, sign_off_facts
from surefill.replay.checklist_items import SIGN_OFF, Evidence, Stage, SuiteReport, Verdict
from surefill.replay.checklist_page import page
from surefill.replay.rehearsal import RehearsalError, rehearse
from surefill.runtime.account import (
    BUILD,
    JournalSource,
    has_own_time,
    machine_clock,
    read_journal,
)
from surefill.runtime.errors import SurefillError
from surefill.runtime.logs import FILE_NAME
from surefill.runtime.notes import write_note
from surefill.tca.history import History, read_history

ALL = "all"
TESTS_FILE = "build/tests.xml"
"""Where `make test` leaves its result."""
DEPENDENCIES = ("aiohttp", "msgspec", "python-dotenv")
REVIEW_DAYS = {
    Stage.PRE: 1,
    Stage.INTEGRATION: 7,
    Stage.FIRST: 7,
    Stage.WEEK: 30,
    Stage.MONTH: 90,
}
"""Until the next review, when no date is given."""
LOG_BYTES_MAX = 200_000_000
_EXITS = {
    Verdict.PASS: Exit.DONE,
    Verdict.FAIL: Exit.NOT_TRADED,
    Verdict.NOT_YET: Exit.UNAVAILABLE,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill checklist``."""
    parser.add_argument(
        "--stage",
        choices=[*(stage.value for stage in Stage), ALL],
        default=ALL,
        help="which items (default: all)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object on stdout")
    form.add_argument("--html", metavar="FILE", help="write one self-contained HTML file")
    parser.add_argument(
        "--rehearse",
        metavar="SYMBOL",
        help="first trade one share both ways (never with real money)",
    )
    parser.add_argument("--sign-off", metavar="NAME", help="answer for it, in the journal")
    parser.add_argument(
        "--next-review", metavar="DATE", type=date.fromisoformat, help="as in 2026-12-20"
    )
    parser.add_argument("--why", metavar="TEXT", default="", help="a word on the sign-off")
    parser.add_argument(
        "--journal", metavar="PATH", help="a journal file (default: that of the account)"
    )
    parser.add_argument("--tests", metavar="FILE", default=TESTS_FILE, help="JUnit result file")
    parser.add_argument("--offline", action="store_true", help="do not ask the broker")


def run(args: argparse.Namespace) -> int:
    """Rehearse, judge, show, sign; return an `Exit` code."""
    if args.sign_off is not None and not args.sign_off.strip():
        say("surefill checklist: --sign-off needs the name of whoever answers for it")
        return Exit.USAGE
    if args.rehearse is not None:
        problem = _rehearse(args)
        if problem:
            say(f"surefill checklist: {problem}")
            return Exit.UNAVAILABLE
    evidence, source = gather(args)
    stages = tuple(Stage) if args.stage == ALL else (Stage(args.stage),)
    found = judge(evidence, stages)
    if args.sign_off is not None:
        if found.verdict is Verdict.FAIL:
            say("surefill checklist: an item FAILs; nobody can sign that off")
            show(_blocks(found), sys.stderr)
            return Exit.NOT_TRADED
        problem = _sign(args, found, source)
        if problem:
            say(f"surefill checklist: {problem}")
            return Exit.UNAVAILABLE
        found = judge(gather(args)[0], stages)
    if args.json:
        emit(found.to_dict())
    elif args.html is not None:
        try:
            Path(args.html).write_text(page(found), encoding="utf-8")
        except OSError as error:
            say(f"surefill checklist: {error}")
            return Exit.USAGE
        say(f"{args.html}: {found.verdict.value}")
    else:
        show(_blocks(found))
    return _EXITS[found.verdict]


def judged_offline() -> Checklist:
    """Every item, from settings, journal and log of this process; the broker is not asked."""
    args = argparse.Namespace(journal=None, offline=True, tests=TESTS_FILE)
    return judge(gather(args)[0])


def _rehearse(args: argparse.Namespace) -> str:
    """One share in and out on each path; why not, if it was not done."""
    by = args.sign_off or "checklist"
    try:
        results = asyncio.run(rehearse(load(), args.rehearse.upper(), by=by))
    except (ConfigError, RehearsalError, SurefillError, JournalError) as error:
        return f"no rehearsal: {error}"
    for result in results:
        say(f"rehearsal, {'legacy' if result.is_legacy else 'smart'} path: {result.line}")
    return ""


# ------------------------------------------------------------------------------------ evidence


@dataclass(slots=True)
class _Seen:
    """What was read, or why it could not be."""

    settings: Settings | None = None
    problems: tuple[str, ...] = ()
    picture: AccountPicture | None = None
    picture_problem: str = ""
    history: History | None = None
    journal_problem: str = ""
    now_ns: int = field(default_factory=lambda: machine_clock().now_ns())


def gather(args: argparse.Namespace) -> tuple[Evidence, JournalSource | None]:
    """The evidence, and where the journal is (``None`` without settings and ``--journal``)."""
    seen = _Seen()
    try:
        seen.settings = load()
    except ConfigError as error:
        seen.problems = tuple(str(problem) for problem in error.problems)
    source = JournalSource(Path(args.journal)) if args.journal is not None else None
    if source is None and seen.settings is not None:
        source = journal_of(seen.settings)
    if source is not None:
        _read_journal(source, seen)
    if seen.settings is not None and seen.settings.key_id and not args.offline:
        _look(seen.settings, seen)
    return _evidence(seen, args), source


def _read_journal(source: JournalSource, seen: _Seen) -> None:
    try:
        if not source.exists():
            return
        journal = read_journal(source)
        try:
            seen.history = read_history(journal)
        finally:
            journal.close()
    except JournalError as error:
        seen.journal_problem = str(error)


def _look(settings: Settings, seen: _Seen) -> None:
    try:
        sight = look(settings, None)
    except SurefillError as error:
        seen.picture_problem = str(error)
    else:
        seen.picture, seen.now_ns = sight.picture, sight.now


def _evidence(seen: _Seen, args: argparse.Namespace) -> Evidence:
    settings = seen.settings
    return Evidence(
        now_ns=seen.now_ns,
        build=BUILD,
        settings=settings,
        problems=seen.problems,
        picture=seen.picture,
        picture_problem=seen.picture_problem,
        has_own_time=settings is not None and has_own_time(settings),
        history=seen.history,
        journal_problem=seen.journal_problem,
        log_lines=log_lines(settings.log_dir) if settings is not None else None,
        tests=suite_report(Path(args.tests)),
        versions=versions(),
        python=sys.version_info[:2],
    )


def log_lines(directory: Path) -> tuple[str, ...] | None:
    """Lines of the log and of what it was rotated to, oldest file first; ``None`` without one."""
    files = sorted(directory.glob(f"{FILE_NAME}*"), key=lambda path: path.stat().st_mtime_ns)
    if not files:
        return None
    texts = []
    room = LOG_BYTES_MAX
    for path in reversed(files):
        room -= path.stat().st_size
        if room >= 0:
            texts.append(path.read_text(encoding="utf-8", errors="replace"))
    return tuple(line for text in reversed(texts) for line in text.splitlines())


def suite_report(path: Path) -> SuiteReport | None:
    """The counts of a JUnit file; ``None`` when there is none or it cannot be read."""
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 - our own test run wrote it
        suites = list(root.iter("testsuite"))
        counts = {
            name: sum(int(suite.get(name, "0")) for suite in suites)
            for name in ("tests", "failures", "errors", "skipped")
        }
    except (OSError, ElementTree.ParseError, ValueError):
        return None
    at = suites[0].get("timestamp", "an unknown time") if suites else "an unknown time"
    wrong = counts["failures"] + counts["errors"]
    return SuiteReport(counts["tests"], wrong, counts["skipped"], at)


def versions() -> dict[str, str]:
    """name -> version of what runs here; ``missing`` for what is not installed."""
    found = {"surefill": __version__, "Python": platform.python_version()}
    for name in DEPENDENCIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


# ------------------------------------------------------------------------------------ sign-off


def _sign(args: argparse.Namespace, found: Checklist, source: JournalSource | None) -> str:
    """Put it on record; the reason why not, if there is one."""
    assert source is not None  # without settings an item FAILs
    now = machine_clock().now_ns()
    review = args.next_review or _next_review(found.stages, now)
    facts = sign_off_facts(found, review.isoformat())
    try:
        write_note(source, SIGN_OFF, by=args.sign_off, why=args.why, facts=facts, now=now)
    except JournalError as error:
        return str(error)
    return ""


def _next_review(stages: Sequence[Stage], now: int) -> date:
    days = min(REVIEW_DAYS[stage] for stage in stages)
    return (datetime.fromtimestamp(now // NANO, tz=UTC) + timedelta(days=days)).date()


def _blocks(found: Checklist) -> list[Block]:
    blocks: list[Block] = []
    for stage in found.stages:
        rows = []
        for line in found.of_stage(stage):
            basis = f" [{line.finding.basis}]" if line.finding.basis else ""
            says = f"{line.finding.sentence}{basis}"
            rows.append((line.finding.verdict.value, line.item.title, says))
        blocks.append(Table(STAGE_TITLES[stage], rows))
    signed = [(one.sentence,) for one in found.signatures] or [("none in this journal",)]
    blocks.append(Table("Sign-offs", signed))
    counted = ", ".join(f"{count} {verdict.value}" for verdict, count in found.counts.items())
    blocks.append("")
    blocks.append(f"{found.build}, settings {found.settings}: {counted}")
    return blocks
