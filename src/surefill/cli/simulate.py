"""``surefill simulate``: seeded storms over the production engine, judged by the venue's own log.

What: ``--seeds A:B`` plays many seeds on all cores and sums them up; ``--seed N`` plays one, prints
what was drawn and retells what happened; ``--shrink`` makes a failing seed small; ``--kill-points``
kills the process at every journal boundary of written scenarios (docs/simulation.md).
Invariants: what a failing seed drew is printed before anything else about it, with the command that
plays it again; exit code 1 when anything is violated.
Must never: touch a broker, a network or a journal file.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence

from surefill.cli.exits import Exit
from surefill.cli.output import Block, Progress, Table, emit, say, show
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.kill_points import KillTotal, play_kill_points
from surefill.replay.simulate.seeds import SeedResult, Total, findings_of, play_seeds, trace_of
from surefill.replay.simulate.shrink import shrink
from surefill.replay.simulate.tell import parameters, retell
from surefill.sim.auditor import Violation

SEEDS = range(0, 100)
BROKEN_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill simulate``."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--seeds", metavar="A:B", type=seeds, default=SEEDS, help="A to B-1")
    what.add_argument("--seed", metavar="N", type=int, help="one seed, retold")
    what.add_argument(
        "--kill-points", action="store_true", help="kill at every journal boundary instead"
    )
    parser.add_argument("--shrink", action="store_true", help="with --seed: make it small")
    parser.add_argument(
        "--workers", metavar="N", type=int, default=os.cpu_count() or 1, help="processes"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a seed, then the sum")


def seeds(text: str) -> range:
    """``10:20`` or ``20``. Raises ``ValueError``, which argparse reports."""
    first, _, last = text.rpartition(":")
    found = range(int(first or 0), int(last))
    if not found or found.start < 0:
        raise ValueError(text)
    return found


def run(args: argparse.Namespace) -> int:
    """Simulate; return an `Exit` code."""
    if args.kill_points:
        return _kill_points(args)
    if args.seed is not None:
        return _one(args)
    return _many(args)


def _many(args: argparse.Namespace) -> int:
    total = Total()
    with Progress() as progress:
        for result in _counted(play_seeds(args.seeds, workers=args.workers), args.seeds, progress):
            total.add(result)
            if args.json:
                emit(_row(result))
    if args.json:
        emit({"sum": {name.strip(): value for name, value in total.rows()}})
    else:
        _show_failing(total)
        show([Table("Simulation", total.rows())])
    return _exit(total.failing)


def _counted(
    results: Iterable[SeedResult], wanted: Sequence[int], progress: Progress
) -> Iterator[SeedResult]:
    """The results, while a bar tells how far it is."""
    failed, step = 0, max(1, len(wanted) // 100)
    for n, result in enumerate(results, start=1):
        failed += bool(result.violations)
        if not n % step or n == len(wanted):
            filled = 30 * n // len(wanted)
            bar = "#" * filled + "." * (30 - filled)
            progress.at(f"[{bar}] {n} of {len(wanted)} seeds, {failed} failing")
        yield result


def _show_failing(total: Total) -> None:
    """The first failing seed: what it drew, what it broke, how to see it."""
    if not total.failing:
        return
    first = total.failing[0]
    show(parameters(draw_scenario(first)))
    broken = [one for seed, one in total.violations if seed == first]
    show([*_sentences(broken), f"again: surefill simulate --seed {first} --shrink", ""])
    rest = [str(seed) for seed in total.failing[1:BROKEN_SHOWN]]
    if rest:
        show([f"failing as well: {', '.join(rest)}"])


def _one(args: argparse.Namespace) -> int:
    scenario = draw_scenario(args.seed)
    show(parameters(scenario))
    played, violations = findings_of(scenario)
    if violations and args.shrink:
        say(f"making it small: {len(scenario.happenings)} happenings")
        scenario = shrink(scenario, violations[0].code)
        show(["", f"enough for {violations[0].code}:", *parameters(scenario)])
        played, violations = findings_of(scenario)
    story: list[Block] = (
        [] if played is None else ["", *retell(played), f"trace {trace_of(played)}"]
    )
    if args.json:
        emit({"seed": args.seed, "violations": [_violation(one) for one in violations]})
    else:
        show(["what happened, in seconds:", *story])
    show(_sentences(violations) or ["nothing is wrong"])
    return _exit(violations)


def _kill_points(args: argparse.Namespace) -> int:
    total = KillTotal()
    with Progress() as progress:
        for n, result in enumerate(play_kill_points(workers=args.workers), start=1):
            total.add(result)
            if not n % 50:
                progress.at(f"{n} deaths, {len(total.violations)} violations")
    show([Table("Deaths by phase and moment", total.cells_table(), head=total.head())])
    show([Table("Kill points", total.rows())])
    return _exit(total.violations)


def _sentences(violations: Iterable[Violation]) -> list[str]:
    return [f"{one.code} {one.plan_id or '(run)'}: {one.sentence}" for one in violations]


def _row(result: SeedResult) -> dict[str, object]:
    return {
        "seed": result.seed,
        "trace": result.trace,
        "violations": [_violation(one) for one in result.violations],
        "outcomes": dict(result.outcomes),
        "faults": dict(result.struck),
        "deaths": result.deaths,
    }


def _violation(one: Violation) -> dict[str, object]:
    return {"code": one.code, "plan": one.plan_id, "at_ns": one.at_ns, "sentence": one.sentence}


def _exit(broken: Sequence[object]) -> Exit:
    """1 when anything was violated, as in ``surefill metrics --alerts``."""
    return Exit.NOT_TRADED if broken else Exit.DONE
