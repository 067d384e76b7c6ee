"""``surefill halt``: no new risk: entries end, protection stays.

What: the act, journaled with who and why, through the running engine or, when none runs, into the
journal that the next start reads. Working entries end and no new plan is accepted until `resume`;
what is held stays covered.
Must never: touch cover, or be refused because something else is wrong.
"""

from __future__ import annotations

import argparse

from surefill.cli.account import load
from surefill.cli.act import act, add_who, complaint
from surefill.cli.exits import Exit
from surefill.cli.output import emit, show
from surefill.config import ConfigError
from surefill.core.events import Act
from surefill.ports import JournalError
from surefill.runtime.errors import SurefillError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill halt``."""
    add_who(parser)


def run(args: argparse.Namespace) -> int:
    """Do it; return an `Exit` code."""
    try:
        where = act(load(), args, Act.HALT)
    except (ConfigError, SurefillError, JournalError) as error:
        return complaint("halt", error)
    if args.json:
        emit({"act": "halt", "where": where})
    else:
        show([f"halt: {where}. Cover is not touched. Back with `surefill resume`."])
    return Exit.DONE
