"""``surefill replay``: the same plans down several paths on recorded markets, in virtual time.

What: samples plans from each recorded day (or from a synthetic one), plays them with the production
engine on each path asked for, and shows what each path entered, missed and paid.
Invariants: exit code 0, or 4 when the auditor found a violation; a tape that cannot be used is
refused before anything is played. With ``--json`` stdout holds one object a path and day.
Must never: show a result without the model of fills that it rests on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from surefill.cli.demo_bar import DemoBar
from surefill.cli.exits import Exit
from surefill.cli.output import Block, Table, emit, say, show
from surefill.core.plan import SECOND_NS
from surefill.replay.comparison import (
    FILL_MODEL,
    MODELS,
    Scope,
    Stream,
    recorded_streams,
    synthetic_stream,
)
from surefill.replay.execution import market_of
from surefill.replay.keep import keep_run
from surefill.replay.paths import LEGACY, PATHS, SMART, Played, play_paths
from surefill.replay.tracks import Track, tracks_of
from surefill.sim.market import TapeError
from surefill.tca.analysis import Analysis, analysis_of
from surefill.tca.market import Market

SEED, PLANS, MINUTES = 7, 120, 60
EVENTS_MAX = 20_000_000
NOTHING = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill replay``."""
    parser.add_argument("tapes", metavar="TAPE", nargs="*", type=Path, help="files or folders")
    parser.add_argument(
        "--path",
        metavar="NAME",
        action="append",
        choices=PATHS,
        help=f"one of {', '.join(PATHS)}; repeat it (default: {LEGACY} and {SMART})",
    )
    parser.add_argument(
        "--model", choices=tuple(MODELS), default=FILL_MODEL, help="how resting orders fill"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="of the plans")
    parser.add_argument("--plans", metavar="N", type=_count, default=PLANS, help="a day, at most")
    parser.add_argument("--minutes", metavar="M", type=_count, default=MINUTES, help="of each day")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="keep costs, data and a report of every plan there"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")


def run(args: argparse.Namespace) -> int:
    """Play and show; return an `Exit` code."""
    scope = Scope(
        plans_max=args.plans, window_ns_max=args.minutes * 60 * SECOND_NS, events_max=EVENTS_MAX
    )
    paths = tuple(dict.fromkeys(args.path or (LEGACY, SMART)))
    code, book = Exit.DONE, _Book()
    try:
        if args.out:
            args.out.mkdir(parents=True, exist_ok=True)  # before minutes of playing
        if args.tapes:
            streams: Iterable[Stream] = recorded_streams(args.tapes, args.seed, scope)
        else:
            streams = [synthetic_stream(args.seed, scope)]
        for stream in streams:
            markets = book.open(stream) if args.out else None
            played = _play(stream, paths, args, markets=markets)
            book.take(stream, played, markets)
            _tell(stream, played, args)
            if any(one.violations for one in played):
                code = Exit.EXPOSED
        if args.out:
            book.keep(args.out, model=args.model, seed=args.seed)
    except (TapeError, OSError) as error:
        say(f"surefill replay: {error}")
        return Exit.USAGE
    return code


class _Book:
    """What is kept of a run. ``_paths``: path -> its plans of every day."""

    def __init__(self) -> None:
        self._titles: list[str] = []
        self._paths: dict[str, list[Analysis]] = {}
        self._tracks: list[Track] = []

    def open(self, stream: Stream) -> dict[str, Market]:
        """The markets of a day: symbol -> what costs are measured against."""
        return {tape.symbol: market_of(tape, stream.session.close_ns) for tape in stream.tapes}

    def take(self, stream: Stream, played: list[Played], markets: dict[str, Market] | None) -> None:
        """One day on every path; nothing where nothing is kept."""
        if markets is None:
            return
        self._titles.append(stream.title)
        for one in played:
            found = self._paths.setdefault(one.path, [])
            found += [analysis_of(parent) for parent in one.parents]
        every = [parent for one in played for parent in one.parents]
        self._tracks += tracks_of(every, markets)

    def keep(self, folder: Path, *, model: str, seed: int) -> None:
        """Write it. Raises ``OSError``."""
        days = self._titles[0] if len(self._titles) == 1 else f"{len(self._titles)} days"
        title = f"surefill replay: {days}; fill model '{model}', seed {seed}"
        for path in keep_run(folder, title, self._paths, tracks=self._tracks):
            say(f"wrote {path}")


def _count(text: str) -> int:
    """A number above 0. Raises ``ValueError``, which argparse reports."""
    if int(text) <= 0:
        raise ValueError(text)
    return int(text)


def _play(
    stream: Stream,
    paths: tuple[str, ...],
    args: argparse.Namespace,
    *,
    markets: dict[str, Market] | None,
) -> list[Played]:
    plans = len(stream.draws)
    with DemoBar() as bar:
        bar.count(f"{plans} plans, {len(paths)} paths", plans * len(paths))
        played = play_paths(
            stream,
            paths,
            seed=args.seed,
            model=args.model,
            markets=markets,
            on_progress=lambda path, done: bar.at(paths.index(path) * plans + done),
        )
        return list(played)


def _tell(stream: Stream, played: list[Played], args: argparse.Namespace) -> None:
    minutes = (stream.window[1] - stream.window[0]) // (60 * SECOND_NS)
    if args.json:
        head = {"market": stream.title, "seed": args.seed, "minutes": minutes}
        for one in played:
            emit(head | one.to_dict() | {"found": [str(found) for found in one.violations]})
        return
    title = f"{stream.title[:1].upper()}{stream.title[1:]}"
    blocks: list[Block] = [
        f"{title}. {len(stream.draws)} plans in {minutes} minutes, fill model "
        f"'{args.model}', seed {args.seed}.",
        Table(
            "",
            [_row(one) for one in played],
            ("path", "entered", "in part", "missed", "denied", "paid", "missed at", "ALL", "worst"),
            frozenset(range(1, 9)),
        ),
        "paid, missed at, ALL, worst: bps of the signal price, positive is cost. Shares that were "
        "not entered are charged at the far side of the market when their time was up; ALL counts "
        "every plan, the denied ones too.",
        _verdict(played),
        "",
    ]
    show(blocks)


def _row(one: Played) -> tuple[str, ...]:
    found = one.measures
    counts = (found.entered, found.partly, found.missed, found.denied)
    costs = (
        found.slippage_mean_bps,
        found.missed_mean_bps,
        found.all_in_bps,
        found.slippage_worst_bps,
    )
    return (one.path, *map(str, counts), *(_bps(cost) for cost in costs))


def _bps(value: Decimal | None) -> str:
    return NOTHING if value is None else f"{value:+.1f}"


def _verdict(played: list[Played]) -> str:
    found = [str(one) for path in played for one in path.violations]
    lines = sum(one.lines for one in played)
    return "; ".join(
        [f"Auditor: {len(found)} violations in {lines} lines of the exchange's own log.", *found]
    )
