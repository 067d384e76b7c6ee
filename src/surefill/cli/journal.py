"""``surefill journal backup DEST | verify | migrate``: the journal as a file that must outlive us.

What: ``backup`` copies it, consistent beside a running engine, and checks the copy; ``verify``
proves it (hash chain, then every record decided again); ``migrate`` brings an old file forward.
Invariants: a backup overwrites nothing; verify and backup only read; a newer file is refused.
Must never: repair a journal, or call one proven that was not decided again to its end.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from surefill.cli.account import journal_of, load
from surefill.cli.exits import Exit
from surefill.cli.output import emit, say
from surefill.config import ConfigError, Settings
from surefill.journal.migrate import migrate
from surefill.ports import JournalError
from surefill.replay.restep import Verdict, restep
from surefill.runtime.account import BUILD, engine_of, read_journal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill journal``."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="backup|verify|migrate")
    backup = acts.add_parser("backup", help="copy it to DEST (a new file) and check the copy")
    backup.add_argument("dest", metavar="DEST", help="the new file, or a directory")
    verify = acts.add_parser("verify", help="hash chain, then decide every record again")
    forward = acts.add_parser("migrate", help="bring an older file to this version's schema")
    for act in (backup, verify, forward):
        act.add_argument(
            "--journal", metavar="PATH", help="a journal file (default: that of the account)"
        )
        act.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Do it; return an `Exit` code."""
    try:
        settings = load()
    except ConfigError as error:
        say(f"surefill journal: {error}")
        return Exit.USAGE
    path = Path(args.journal) if args.journal is not None else journal_of(settings)
    if not path.exists():
        say(f"surefill journal: no journal at {path}; name one with --journal")
        return Exit.UNAVAILABLE
    try:
        match args.act:
            case "backup":
                return _backup(path, Path(args.dest), as_json=args.json)
            case "verify":
                return _verify(path, settings, as_json=args.json)
            case _:
                return _migrate(path, as_json=args.json)
    except JournalError as error:
        say(f"surefill journal: {error}")
        return Exit.UNAVAILABLE


def _backup(path: Path, dest: Path, *, as_json: bool) -> Exit:
    journal = read_journal(path)
    try:
        seq, _ = journal.head()
        target = dest / f"{path.stem}-{seq:09d}{path.suffix}" if dest.is_dir() else dest
        journal.copy_to(target.absolute())
    finally:
        journal.close()
    copy = read_journal(target)  # opening it walks the whole chain
    try:
        seq, digest = copy.head()
    finally:
        copy.close()
    facts = {"backup": str(target), "records": seq, "head": digest}
    return _told(facts, f"{target}: {seq} records, chain unbroken, head {digest[:12]}", as_json)


def _verify(path: Path, settings: Settings, *, as_json: bool) -> Exit:
    journal = read_journal(path)
    try:
        found = restep(
            journal, engine_of(settings).config, settings_digest=settings.digest(), build=BUILD
        )
    finally:
        journal.close()
    facts: dict[str, object] = {
        "journal": str(path),
        "records": found.records,
        "runs": found.runs,
        "head": found.head[1],
        "proven": found.is_proven,
    }
    if found.difference is not None:
        facts |= {
            "seq": found.difference.seq,
            "difference": found.difference.sentence,
            "comparable": found.difference.is_comparable,
        }
    _told(facts, _verdict_text(path, found), as_json)
    is_bad = found.difference is not None and found.difference.is_comparable
    return Exit.UNAVAILABLE if is_bad else Exit.DONE


def _verdict_text(path: Path, found: Verdict) -> str:
    head = f"{path}: chain unbroken to record {found.head[0]}"
    if found.difference is None:
        return (
            f"{head}; all {found.records} records of {found.runs} starts decided again: the same "
            "commands, the same images"
        )
    where = f"record {found.difference.seq}: {found.difference.sentence}"
    if found.difference.is_comparable:
        return f"{head}; NOT PROVEN from {where}"
    return (
        f"{head}; decided again up to record {found.difference.seq - 1}. {where}. That start had "
        "other settings or another build than this verification, so this proves nothing: verify "
        "with the settings and the version that wrote it"
    )


def _migrate(path: Path, *, as_json: bool) -> Exit:
    found, now = migrate(path, holder=f"{BUILD}, to migrate")
    facts = {"journal": str(path), "schema_before": found, "schema": now}
    done = "is current, nothing to do" if found == now else f"brought forward to schema {now}"
    return _told(facts, f"{path}: schema {found} {done}", as_json)


def _told(facts: dict[str, object], sentence: str, as_json: bool) -> Exit:
    if as_json:
        emit(facts)
    else:
        print(sentence)
    return Exit.DONE
