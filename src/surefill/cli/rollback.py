"""``surefill rollback [--undo]``: new entries on the legacy path, or back on the smart one.

What: looks first (journal readable and free, open trades with their cover), writes into the journal
who does it and why, changes the one line of ``.env``, and says what a start will now do.
Why only while no engine runs: the setting is read at a start, so an engine that goes on would go on
entering the old way behind a finished-looking rollback; and a journal that an engine holds cannot
take the record. Stopping the process is what stops its entries at once; cover rests at the broker.
Invariants: the record is durable before the file changes; the file is replaced as a whole, with its
mode and every other line; open trades keep their path, whatever the setting says (design 4).
Must never: touch an order, or call a rollback done that a restart would not see.
"""

from __future__ import annotations

import argparse
import getpass
import os
from dataclasses import dataclass
from pathlib import Path

from surefill.cli.account import (
    DOTENV,
    TRADE_HEAD,
    TRADE_RIGHT,
    Sight,
    journal_of,
    load,
    look,
    trade_object,
    trade_row,
)
from surefill.cli.exits import Exit
from surefill.cli.output import Block, Table, emit, say, show
from surefill.config import ConfigError, Settings
from surefill.core.trade import Trade
from surefill.ports import JournalError
from surefill.runtime.account import JournalSource, machine_clock
from surefill.runtime.env_file import set_line
from surefill.runtime.errors import SurefillError
from surefill.runtime.notes import write_note
from surefill.runtime.standing import Routing, Standing, cover_rows, review, routing_of, standing_of

NAME = "USE_SMART_EXECUTOR"
TOPIC = "rollback"
TOPIC_UNDO = "rollback undone"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill rollback``."""
    parser.add_argument("--undo", action="store_true", help="back to the smart path")
    parser.add_argument("--env", metavar="FILE", default=DOTENV, help="default: .env")
    parser.add_argument("--by", metavar="NAME", help="who does it (default: the system's user)")
    parser.add_argument("--why", metavar="TEXT", default="", help="why, for the journal")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found before anything changed. ``look_text``: how cover was seen."""

    settings: Settings
    source: JournalSource
    standing: Standing | None
    trades: tuple[Trade, ...]
    look_text: str
    now: int


def run(args: argparse.Namespace) -> int:
    """Do it; return an `Exit` code."""
    wanted = Routing.SMART if args.undo else Routing.LEGACY
    if NAME in os.environ:
        say(
            f"surefill rollback: {NAME} is set in this environment and wins over {args.env}; unset "
            "it here and where the strategy is started. Nothing was changed"
        )
        return Exit.USAGE
    try:
        found = _look_first(load(args.env))
        return _roll(args, found, wanted)
    except ConfigError as error:
        say(f"surefill rollback: {error}")
        return Exit.USAGE
    except JournalError as error:
        say(f"surefill rollback: {error}. Nothing was changed")
        return Exit.UNAVAILABLE
    except (OSError, UnicodeDecodeError) as error:
        say(f"surefill rollback: {args.env} cannot be changed: {error}. It is as it was")
        return Exit.UNAVAILABLE


def _look_first(settings: Settings) -> _Found:
    """Raises `JournalError` when there is a journal that cannot be read."""
    source = journal_of(settings)
    standing = standing_of(source) if source.exists() else None
    trades = standing.trades if standing is not None else ()
    sight: Sight | None = None
    text = "cover as the journal knows it (the broker was not asked: no keys)"
    if settings.key_id:
        try:
            sight = look(settings, standing)
            text = "cover as the broker shows it now"
        except SurefillError as error:
            text = f"cover as the journal knows it; the broker does not answer ({error.sentence})"
    if sight is not None and standing is not None:
        seen = review(standing, settings, sight.picture, now=sight.now)
        trades = seen.trades
        if seen.failed:
            missing = ", ".join(part.what for part in seen.failed)
            text = f"cover as far as the broker could be read (missing: {missing})"
    now = sight.now if sight is not None else _later(standing)
    return _Found(settings, source, standing, trades, text, now)


def _later(standing: Standing | None) -> int:
    """Now, but never before the journal's last record: that may be of a venue's other day."""
    last_ns = standing.last_ns if standing is not None else None
    return max(machine_clock().now_ns(), last_ns or 0)


def _roll(args: argparse.Namespace, found: _Found, wanted: Routing) -> Exit:
    before = routing_of(found.settings)
    by = args.by or getpass.getuser()
    topic = TOPIC_UNDO if args.undo else TOPIC
    seq = None
    if before is not wanted:
        if found.standing is None and not found.settings.key_id:
            say(
                f"surefill rollback: no keys and no journal at {found.source}: whose account is "
                "it? Run it where the strategy is started. Nothing was changed"
            )
            return Exit.USAGE
        holder = found.standing.holder if found.standing is not None else None
        if holder is not None:
            say(
                f"surefill rollback: the engine is running: {holder}. Stop that process first: its "
                "entries end with it, cover stays at the broker. Nothing was changed"
            )
            return Exit.UNAVAILABLE
        bare = sum(cover.uncovered_qty > 0 for _, cover in cover_rows(found.trades))
        facts = {
            "file": str(Path(args.env).absolute()),
            "from": before.value,
            "to": wanted.value,
            "open trades": str(len(found.trades)),
            "without full cover": str(bare),
        }
        seq = write_note(found.source, topic, by=by, why=args.why, facts=facts, now=found.now)
        set_line(Path(args.env), NAME, str(wanted is Routing.SMART))
    after = routing_of(load(args.env))
    if after is not wanted:
        say(f"surefill rollback: {args.env} still asks for {after.value}; look at it by hand")
        return Exit.USAGE
    _tell(args, found, _Done(before, after, seq, by))
    bare_trades = [trade for trade, cover in cover_rows(found.trades) if cover.uncovered_qty]
    return Exit.EXPOSED if bare_trades else Exit.DONE


@dataclass(frozen=True, slots=True)
class _Done:
    before: Routing
    after: Routing
    seq: int | None
    by: str


def _tell(args: argparse.Namespace, found: _Found, done: _Done) -> None:
    if args.json:
        emit(
            {
                "before": done.before.value,
                "after": done.after.value,
                "changed": done.seq is not None,
                "record": done.seq,
                "by": done.by,
                "why": args.why,
                "cover": found.look_text,
                "trades": [trade_object(trade) for trade in found.trades],
            }
        )
        return
    blocks: list[Block] = []
    if found.trades:
        title = f"Open trades: they keep their path ({found.look_text})"
        rows = [trade_row(trade) for trade, _ in cover_rows(found.trades)]
        blocks.append(Table(title, rows, head=TRADE_HEAD, right=TRADE_RIGHT))
    else:
        blocks.append("No open trade.")
    if done.seq is None:
        blocks.append(f"{args.env} already says {NAME}={done.after is Routing.SMART}.")
    else:
        blocks.append(
            f"{args.env} now says {NAME}={done.after is Routing.SMART}; record {done.seq}."
        )
    blocks.append(
        f"New entries go the {done.after.value} way from the next start of your strategy: start it "
        "now. Then confirm with `surefill status` (routing in force)."
    )
    show(blocks)
