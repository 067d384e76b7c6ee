"""``surefill resume``: entries again, after a halt or a kill.

What: takes back the halt; takes back the kill as well, but only for a person: that needs the word
typed at a terminal, or ``--yes`` (failures.md C.6, 9).
Invariants: journaled with who and why, through the running engine or for the next start.
Must never: un-kill because a script called it without saying so.
"""

from __future__ import annotations

import argparse

from surefill.cli.account import journal_of, load
from surefill.cli.act import act, add_who, complaint, confirmed
from surefill.cli.exits import Exit
from surefill.cli.output import emit, show
from surefill.config import ConfigError
from surefill.core.events import Act
from surefill.ports import JournalError
from surefill.runtime.errors import SurefillError
from surefill.runtime.standing import standing_of

WORD = "RESUME"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill resume``."""
    add_who(parser)
    parser.add_argument("--yes", action="store_true", help="take back a kill without asking")


def run(args: argparse.Namespace) -> int:
    """Do it; return an `Exit` code."""
    try:
        settings = load()
        path = journal_of(settings)
        state = standing_of(path).state if path.exists() else None
        kill = state.kill if state is not None else None
        if kill is not None and not confirmed(WORD, f"{kill}.", is_sure=args.yes):
            return Exit.NOT_TRADED
        acts = (Act.RESUME,) if kill is None else (Act.UNKILL, Act.RESUME)
        where = act(settings, args, *acts)
    except (ConfigError, SurefillError, JournalError) as error:
        return complaint("resume", error)
    if args.json:
        emit({"act": "resume", "unkilled": kill is not None, "where": where})
    else:
        show([f"resume: {where}. New entries are allowed."])
    return Exit.DONE
