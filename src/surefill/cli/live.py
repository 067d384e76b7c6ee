"""``surefill live``: allow real orders for one account, by typing its number; ``--end``: no more.

What: asks the broker which account the keys belong to, shows it without its number, and wants the
number typed: from the broker's own page, so that a person has looked there. The answer stands in
the journal, with who and why; every start reads it (`runtime.live`).
Invariants: paper and the local exchange need nothing; nothing is sent; what is open is protected
until its end, so the permission cannot be taken from under it.
Must never: show the whole number, or accept a yes instead of it.
"""

from __future__ import annotations

import argparse
import sys

from surefill.cli.account import journal_of, load, look
from surefill.cli.act import complaint, who
from surefill.cli.exits import Exit
from surefill.cli.output import emit, say, show
from surefill.config import ConfigError, Settings
from surefill.core.events import ReadFailed
from surefill.core.units import to_usd_text
from surefill.ports import AccountPicture, JournalError, JournalHeld
from surefill.runtime.account import JournalSource, host_of, is_real_money, machine_clock
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.live import ACCOUNT, CONFIRMED, ENDED, HOST, masked
from surefill.runtime.notes import write_note
from surefill.runtime.standing import standing_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill live``."""
    parser.add_argument("--account", metavar="NUMBER", help="the number, instead of typing it")
    parser.add_argument("--end", action="store_true", help="no real orders any more")
    parser.add_argument("--by", metavar="NAME", help="who does it (default: the system's user)")
    parser.add_argument("--why", metavar="TEXT", default="", help="why, for the journal")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Do it; return an `Exit` code."""
    try:
        settings = load()
        if not is_real_money(settings.base_url):
            say(f"surefill live: {host_of(settings.base_url)} is no real money; nothing to confirm")
            return Exit.USAGE
        source = journal_of(settings)
        holder = source.holder()
        if holder is not None:
            raise JournalHeld(f"an engine runs ({holder}); stop it first")
        return _end(args, settings, source) if args.end else _confirm(args, settings, source)
    except (ConfigError, SurefillError, JournalError) as error:
        return complaint("live", error)


def _end(args: argparse.Namespace, settings: Settings, source: JournalSource) -> Exit:
    standing = standing_of(source) if source.exists() else None
    if standing is not None and standing.trades:
        say(
            f"surefill live: {len(standing.trades)} trades are open, and no engine could start "
            "for them; `surefill flatten` first. Nothing was changed"
        )
        return Exit.USAGE
    return _write(args, settings, source, topic=ENDED, number="")


def _confirm(args: argparse.Namespace, settings: Settings, source: JournalSource) -> Exit:
    picture = look(settings, None).picture
    if isinstance(picture.account, ReadFailed):
        raise SurefillError(ErrorCode.BROKER_UNAVAILABLE, f"the account: {picture.account.text}")
    number = picture.account.account.account_id
    if not _is_typed(args, settings, picture):
        say("surefill live: that is not the number of this account. Nothing was changed")
        return Exit.USAGE
    return _write(args, settings, source, topic=CONFIRMED, number=number)


def _is_typed(args: argparse.Namespace, settings: Settings, picture: AccountPicture) -> bool:
    assert not isinstance(picture.account, ReadFailed), "checked by the caller"
    number = picture.account.account.account_id
    if args.account is not None:
        return bool(number) and args.account.strip() == number
    equity_usd = picture.account.account.equity_usd
    equity = "?" if equity_usd is None else to_usd_text(equity_usd)
    say(f"REAL MONEY at {host_of(settings.base_url)}")
    say(f"account {masked(number)}, {picture.kind or 'kind unknown'}, equity {equity} USD")
    if not sys.stdin.isatty():
        say("give --account NUMBER, or type the number at a terminal")
        return False
    say("Type the account's whole number, as the broker shows it:")
    return bool(number) and sys.stdin.readline().strip() == number


def _write(
    args: argparse.Namespace, settings: Settings, source: JournalSource, *, topic: str, number: str
) -> Exit:
    facts = {HOST: host_of(settings.base_url), ACCOUNT: number}
    now = machine_clock().now_ns()
    seq = write_note(source, topic, by=who(args), why=args.why, facts=facts, now=now)
    if args.json:
        emit({"topic": topic, "host": facts[HOST], "account": masked(number), "record": seq})
    elif topic == CONFIRMED:
        show(
            [
                f"record {seq}: real orders for account {masked(number)} at {facts[HOST]}.",
                "Back with `surefill live --end`.",
            ]
        )
    else:
        show([f"record {seq}: no start will send real orders until `surefill live`."])
    return Exit.DONE
