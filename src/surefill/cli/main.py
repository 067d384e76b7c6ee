"""The command line's front door: find the verb, load it, run it, return its exit code.

What: a table of verbs with static summaries. Why: ``surefill --help`` must answer at once, so the
front door never imports a verb (some bring a web server or a data library); only the verb asked for
is loaded. A verb is a module ``surefill.cli.<verb>`` with ``add_arguments(parser)`` and
``run(args) -> int``.

Invariants: every path ends in an `Exit` code; stdout carries results only, everything else goes to
stderr. Must never: decide anything about trading, or catch an error it has no answer for.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple, Protocol, cast

from surefill import __version__
from surefill.cli.exits import MEANING, Exit


class VerbModule(Protocol):
    """The shape of ``surefill.cli.<verb>``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's arguments on its parser."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Do it; return an `Exit` code."""
        ...


class Verb(NamedTuple):
    """One line of ``surefill --help``. Not a dataclass: that import alone doubles the start."""

    name: str
    summary: str
    example: str


VERBS = (
    Verb("demo", "the main job on this machine, no key, no network", "surefill demo --seed 7"),
    Verb(
        "exchange",
        "serve an exchange that speaks Alpaca's protocols",
        "surefill exchange --seed 7 --control",
    ),
    Verb(
        "check",
        "validate a plan; show the orders it would create, and why",
        "surefill check CRWD buy 25 --signal 534.82 --stop 529.47 --target 536.87",
    ),
    Verb(
        "trade",
        "do it: wait for entry and cover, print the result",
        "surefill trade CRWD buy 25 --signal 534.82 --risk 5.35 --rr 2",
    ),
    Verb("run", "the engine as a process that strategies and scripts ask", "surefill run"),
    Verb(
        "serve",
        "dashboard and HTTP API beside it: what is open, acts, plans, events",
        "surefill serve --port 8710",
    ),
    Verb(
        "live",
        "real money: allow it for one account, by typing its number",
        'surefill live --why "first week, 10 shares"',
    ),
    Verb("halt", "no new risk: entries end, protection stays", 'surefill halt --why "news"'),
    Verb("kill", "the same until a person takes it back", "surefill kill"),
    Verb("resume", "entries again, after a halt or a kill", "surefill resume"),
    Verb(
        "flatten", "close what is ours: FLAT, or NOT_FLAT with its cover", "surefill flatten CRWD"
    ),
    Verb(
        "tighten",
        "move a trade's stop nearer to the market; it only tightens",
        "surefill tighten T-20261102-0001 --stop 533.10",
    ),
    Verb(
        "adopt",
        "positions that nobody covers; cover one of them",
        "surefill adopt CRWD --stop 529.47 --target 545",
    ),
    Verb(
        "watchdog",
        "a second process that alarms: engine dead, shares without a stop",
        "surefill watchdog",
    ),
    Verb(
        "alerts",
        "channels that alerts take to people: how they are, test, silence",
        "surefill alerts test",
    ),
    Verb("why", "one trade, told in dated sentences", "surefill why T-20261102-0001"),
    Verb("watch", "the essentials live in this terminal: cover, doubt, limits", "surefill watch"),
    Verb("status", "trades with their cover, routing, switches, settings", "surefill status"),
    Verb("doctor", "what is wrong and what to do, before it costs money", "surefill doctor"),
    Verb(
        "rollback",
        "new entries on the legacy path (--undo: smart again)",
        'surefill rollback --by ann --why "slippage"',
    ),
    Verb("journal", "backup, verify, migrate the journal", "surefill journal backup DEST"),
    Verb(
        "metrics",
        "slippage, misses, refusals, cover, reward/risk; alerts",
        "surefill metrics --by path --alerts",
    ),
    Verb(
        "checklist",
        "the deployment checklist, proven: PASS, FAIL or NOT YET",
        "surefill checklist --stage pre",
    ),
    Verb(
        "replay",
        "the same plans down several paths on recorded markets",
        "surefill replay --path legacy --path adaptive",
    ),
    Verb(
        "record",
        "past days or the live market, in files that replay plays",
        "surefill record CRWD --from 2026-03-02 --to 2026-03-06",
    ),
    Verb(
        "tca",
        "what execution cost: by the journal, a kept run, a broker's history",
        "surefill tca --history orders.json activities.json --tape TAPE",
    ),
    Verb(
        "compare",
        "is A cheaper than B, how sure is that, and for whom",
        "surefill compare run/adaptive run/legacy",
    ),
    Verb(
        "sweep",
        "many settings, judged on days they were not chosen on",
        "surefill sweep --path limit --path adaptive --budget 20,60",
    ),
    Verb(
        "simulate",
        "storms of faults and crashes, judged by the venue's log",
        "surefill simulate --seeds 0:200",
    ),
)

EXTRA_OF = {
    "apprise": "alerts",
    "databento": "databento",
    "distributed": "cluster",
    "exchange_calendars": "calendar",
    "httptools": "exchange",
    "msgpack": "exchange",
    "nicegui": "dashboard",
    "numpy": "tapes",
    "pandas": "calendar",
    "plotly": "report",
    "prometheus_client": "service",
    "pyarrow": "tapes",
    "rich": "cli",
    "starlette": "exchange",
    "uvicorn": "exchange",
    "uvloop": "exchange",
    "websockets": "exchange",
}
"""Top-level module -> the extra that installs it."""

EXTRA_OF_VERB = {"serve": "service"}
"""Verbs that need a smaller one."""


def help_text() -> str:
    """What ``surefill --help`` prints; built from the tables alone."""
    lines = [f"surefill {__version__}: a trade plan in, a protected position out.", ""]
    lines += ["usage: surefill VERB [arguments]        (surefill VERB --help for one verb)", ""]
    for verb in VERBS:
        lines += [f"  {verb.name:<10}{verb.summary}", f"  {'':<10}  $ {verb.example}"]
    lines += ["", "exit codes:"]
    lines += [f"  {code.value}  {MEANING[code]}" for code in Exit]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: this process's) and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        sys.stderr.write(help_text())
        return Exit.USAGE
    head, *rest = arguments
    if head in ("-h", "--help", "help"):
        sys.stdout.write(help_text())
        return Exit.DONE
    if head in ("-V", "--version"):
        sys.stdout.write(f"surefill {__version__}\n")
        return Exit.DONE
    verb = next((verb for verb in VERBS if verb.name == head), None)
    if verb is None:
        return _complain(_unknown(head))
    return _run(verb, rest)


def _run(verb: Verb, arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"surefill {verb.name}",
        description=verb.summary,
        epilog=f"example: {verb.example}",
    )
    try:
        module = cast(VerbModule, import_module(f"surefill.cli.{verb.name}"))
        module.add_arguments(parser)
        code = module.run(parser.parse_args(arguments))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever reads us has seen enough (`surefill status | head`); nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except ModuleNotFoundError as error:
        # Verbs may load heavy parts late, so a missing extra can show while one runs as well.
        extra = EXTRA_OF.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        extra = EXTRA_OF_VERB.get(verb.name, extra)
        return _complain(f"`surefill {verb.name}` needs an extra: pip install 'surefill[{extra}]'")
    except SystemExit as end:
        # argparse ends the process itself: 0 after --help, 2 after bad usage.
        return Exit.DONE if not end.code else Exit.USAGE
    except KeyboardInterrupt:
        # Nobody knows what a half-finished verb did; verbs that can say better catch it themselves.
        return _complain("interrupted", Exit.EXPOSED if verb.name == "trade" else Exit.USAGE)


def _unknown(name: str) -> str:
    from difflib import get_close_matches  # needed for a misspelling only

    names = [verb.name for verb in VERBS]
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean `surefill {near[0]}`?" if near else f"one of: {', '.join(names)}"
    return f"no verb {name!r}; {hint}"


def _complain(sentence: str, code: Exit = Exit.USAGE) -> Exit:
    sys.stderr.write(f"surefill: {sentence}\n")
    return code
