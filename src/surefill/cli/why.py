"""``surefill why TRADE``: one trade told in dated sentences, from its journal alone.

What: reads the journal (never writes, beside a running engine too) and prints what was known, sent,
answered, filled and covered, in New York time; ``--json`` gives the same as one object.
Why: every order must be explainable long after the process that sent it is gone (I19).
Invariants: no key and no network; an unknown trade gets near ids and the last ones.
Must never: take the journal's lease.
"""

from __future__ import annotations

import argparse

from surefill.cli.account import chosen_journal
from surefill.cli.exits import Exit
from surefill.cli.output import Table, emit, say, show
from surefill.config import ConfigError
from surefill.ports import Journal, JournalError
from surefill.replay.narrate import Story, at_text, narrate, near_ids
from surefill.runtime.account import read_journal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill why``."""
    parser.add_argument(
        "trade", metavar="TRADE", help="the plan's id, as `surefill trade` shows it"
    )
    parser.add_argument(
        "--journal", metavar="PATH", help="a journal file (default: that of the settings' account)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Tell the trade; return an `Exit` code."""
    try:
        source = chosen_journal(args.journal)
        if not source.exists():
            say(f"surefill why: no journal at {source}; name one with --journal")
            return Exit.UNAVAILABLE
        journal = read_journal(source)
        try:
            return _tell(journal, args)
        finally:
            journal.close()
    except ConfigError as error:
        say(f"surefill why: {error}")
        return Exit.USAGE
    except JournalError as error:
        say(f"surefill why: {error}")
        return Exit.UNAVAILABLE


def _tell(journal: Journal, args: argparse.Namespace) -> Exit:
    story = narrate(journal, args.trade)
    if story is None:
        near, last = near_ids(journal, args.trade)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        say(f"surefill why: no trade {args.trade} in this journal{hint}")
        say(f"the last ones: {', '.join(last)}" if last else "it has no trade yet")
        return Exit.USAGE
    if args.json:
        emit(story.to_dict())
    else:
        show([_table(story)])
    return Exit.DONE


def _table(story: Story) -> Table:
    found = story.result
    stands = found.outcome.value if found.outcome is not None else "open"
    title = f"{found.symbol} {found.side.value}, trade {story.trade_id}: {stands} (New York time)"
    return Table(title, [(at_text(line.at_ns), line.sentence) for line in story.lines])
