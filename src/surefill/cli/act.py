"""What ``halt``, ``resume``, ``kill``, ``flatten`` and ``adopt`` share: who asks, of which engine.

What: `add_who`, `act` (through the running engine, or into the journal when none runs), `confirmed`
(a typed word before something that only a person may decide) and `complaint`.
Invariants: a switch works whether the engine runs or not; what needs a broker says so.
Must never: take the journal from a running engine.
"""

from __future__ import annotations

import argparse
import getpass
import re
import sys

from surefill.cli.exits import Exit
from surefill.cli.output import say
from surefill.cli.trade import EXIT_OF_ERROR
from surefill.client import Client
from surefill.config import ConfigError, Settings
from surefill.control.place import ControlPlace
from surefill.core.events import Act
from surefill.ports import JournalError
from surefill.runtime.errors import SurefillError
from surefill.runtime.offline import record_act
from surefill.runtime.wiring import journal_path, machine_clock

RECONNECT_S = 2.0
"""An engine that starts at this moment; a person waits no longer."""


def add_who(parser: argparse.ArgumentParser) -> None:
    """``--by``, ``--why``, ``--json``."""
    parser.add_argument("--by", metavar="NAME", help="who does it (default: the system's user)")
    parser.add_argument("--why", metavar="TEXT", default="", help="why, for the journal")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def who(args: argparse.Namespace) -> str:
    """A name that the journal takes."""
    name = args.by or getpass.getuser()
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[:32]


def engine_runs(settings: Settings) -> bool:
    """Whether a process holds the account's journal now."""
    return ControlPlace(journal_path(settings)).holder() is not None


def client_for(settings: Settings, args: argparse.Namespace) -> Client:
    """A client in the name of who asks."""
    return Client(settings, strategy=who(args), reconnect_s=RECONNECT_S)


def act(settings: Settings, args: argparse.Namespace, *acts: Act) -> str:
    """Do these switches, now or for the next start; where they were put.

    Raises `SurefillError`, `JournalError`.
    """
    if engine_runs(settings):
        with client_for(settings, args) as client:
            for one in acts:
                client.operate(one, "", args.why)
        return "the running engine"
    seq = 0
    for one in acts:
        seq = record_act(settings, one, by=who(args), why=args.why, clock=machine_clock())
    return f"record {seq}; no engine runs, the next start finds it"


def confirmed(word: str, question: str, *, is_sure: bool) -> bool:
    """Whether a person typed ``word`` (or said ``--yes``)."""
    if is_sure:
        return True
    if not sys.stdin.isatty():
        say(f"{question} Not confirmed: give --yes, or type {word} at a terminal")
        return False
    say(f"{question} Type {word} to go on:")
    return sys.stdin.readline().strip() == word


def complaint(verb: str, error: ConfigError | SurefillError | JournalError) -> Exit:
    """Say it; the exit code it stands for."""
    say(f"surefill {verb}: {error}")
    if isinstance(error, ConfigError):
        return Exit.USAGE
    if isinstance(error, SurefillError):
        return EXIT_OF_ERROR.get(error.code, Exit.EXPOSED)
    return Exit.UNAVAILABLE
