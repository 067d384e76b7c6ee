"""``surefill demo``: what Surefill does, on this machine, in half a minute, without key or network.

What: plays the CRWD morning over real sockets (loopback) and one stream of plans down both paths in
virtual time, shows how far it is on stderr and the result on stdout.
Invariants: exit code 0, or 4 when the auditor found a violation; a tape that cannot be used is
refused before anything is played. With ``--json`` stdout holds one object a line.
Must never: reach beyond this machine, or leave a file behind.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from surefill.cli.demo_bar import DemoBar
from surefill.cli.demo_view import comparison_blocks, morning_blocks, verdict_sentence
from surefill.cli.exits import Exit
from surefill.cli.output import emit, say, show
from surefill.replay.demo import SEED, choose_stream, compare, verdict
from surefill.replay.morning import MorningError, play_mornings
from surefill.runtime.clock import SystemClock
from surefill.sim.market import TapeError
from surefill.smart_order_executor import SurefillError

T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of design, section 9."""
    parser.add_argument(
        "--tape", type=Path, help="recorded market for the second part: a file or a folder"
    )
    parser.add_argument(
        "--allow-bad",
        action="store_true",
        help="go on with a suspect tape and without one that cannot be used; each is named",
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"another seed than {SEED}")
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")


def run(args: argparse.Namespace) -> int:
    """Play and show both parts."""
    # Our log lines go to the journal's folder alone: the demo tells its story itself.
    quiet = logging.NullHandler()
    logging.getLogger().addHandler(quiet)
    try:
        return _play(args)
    except TapeError as error:
        say(f"surefill demo: {error}")
        return Exit.USAGE
    except (MorningError, SurefillError) as error:
        say(f"surefill demo: {error}")
        return Exit.UNAVAILABLE
    finally:
        logging.getLogger().removeHandler(quiet)


def _play(args: argparse.Namespace) -> Exit:
    with DemoBar() as bar:
        bar.say("preparing the market")
        stream = choose_stream(args.tape, args.seed, _told if args.allow_bad else None)
        mornings = _in_folder(
            lambda folder: play_mornings(
                folder, reading_ns=SystemClock().now_ns, on_progress=bar.say
            )
        )
    if args.json:
        for morning in mornings:
            for row in morning.rows():
                emit(row)
    else:
        show(morning_blocks(mornings))
    with DemoBar() as bar:
        bar.count(f"{len(stream.draws)} plans, both paths", 2 * len(stream.draws))
        comparison = compare(stream, seed=args.seed, on_progress=bar.at)
    last = verdict(mornings, comparison)
    if args.json:
        for row in (*comparison.rows(), last):
            emit(row)
    else:
        show([*comparison_blocks(comparison), verdict_sentence(last)])
    return Exit.EXPOSED if last["violations"] else Exit.DONE


def _told(line: str) -> None:
    say(f"surefill demo: {line}")


def _in_folder(work: Callable[[Path], T]) -> T:
    """Do it with a folder for journals and logs that is gone afterwards."""
    with TemporaryDirectory(prefix="surefill-demo-") as folder:
        return work(Path(folder))
