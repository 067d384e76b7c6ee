"""``surefill journal backup DEST | verify | migrate``: the journal, which must outlive us.

What: ``backup`` copies it, consistent beside a running engine, and checks the copy; ``verify``
proves it (hash chain, then every record decided again); ``migrate`` brings an old one forward. A
journal in a database is backed up by the database's own tools, and so says ``backup``.
Invariants: a backup overwrites nothing; verify and backup only read; a newer file is refused.
Must never: repair a journal, or call one proven that was not decided again to its end.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from surefill.cli.account import chosen_journal, load
from surefill.cli.exits import Exit
from surefill.cli.output import emit, say
from surefill.config import ConfigError, Settings
from surefill.journal.sqlite import SqliteJournal
from surefill.ports import JournalError
from surefill.replay.restep import Verdict, restep
from surefill.runtime.account import JournalSource, engine_of, migrate_journal, read_journal
from surefill.runtime.build import rules_build


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
    try:
        source = chosen_journal(args.journal)
        if not source.exists():
            say(f"surefill journal: no journal at {source}; name one with --journal")
            return Exit.UNAVAILABLE
        match args.act:
            case "backup":
                return _backup(source, Path(args.dest), as_json=args.json)
            case "verify":
                return _verify(source, settings, as_json=args.json)
            case _:
                return _migrate(source, as_json=args.json)
    except JournalError as error:
        say(f"surefill journal: {error}")
        return Exit.UNAVAILABLE


def _backup(source: JournalSource, dest: Path, *, as_json: bool) -> Exit:
    path, journal = source.path, read_journal(source)
    try:
        if not isinstance(journal, SqliteJournal):
            sentence = f"{source} is copied by its own tools: pg_dump, or the server's continuous "
            sentence += "archive; `surefill journal verify` on the restored one proves it"
            raise JournalError("JOURNAL_UNWRITABLE", sentence)
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


def _verify(source: JournalSource, settings: Settings, *, as_json: bool) -> Exit:
    journal = read_journal(source)
    try:
        found = restep(
            journal,
            engine_of(settings).config,
            settings_digest=settings.digest(),
            build=rules_build(),
        )
    finally:
        journal.close()
    facts: dict[str, object] = {
        "journal": str(source),
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
    _told(facts, _verdict_text(source, found), as_json)
    is_bad = found.difference is not None and found.difference.is_comparable
    return Exit.UNAVAILABLE if is_bad else Exit.DONE


def _verdict_text(path: JournalSource, found: Verdict) -> str:
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
        f"{head}; decided again up to record {found.difference.seq - 1}. {where}. That run had "
        f"{found.difference.unlike}, so this proves nothing against it: verify with the settings "
        "and the version that wrote it"
    )


def _migrate(source: JournalSource, *, as_json: bool) -> Exit:
    found, now = migrate_journal(source)
    facts = {"journal": str(source), "schema_before": found, "schema": now}
    done = "is current, nothing to do" if found == now else f"brought forward to schema {now}"
    return _told(facts, f"{source}: schema {found} {done}", as_json)


def _told(facts: dict[str, object], sentence: str, as_json: bool) -> Exit:
    if as_json:
        emit(facts)
    else:
        print(sentence)
    return Exit.DONE
