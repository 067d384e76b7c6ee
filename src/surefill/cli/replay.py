"""``surefill replay``: the same plans down several paths on recorded markets, in virtual time.

What: takes plans (drawn from each recorded day or a synthetic one, sampled, from a file, from a
broker's history), plays them with the production engine on each path asked for, and shows what each
path entered, missed and paid. One symbol-day is in memory at a time, unless ``--together``.
Invariants: exit code 0, or 4 when the auditor found a violation; a tape that cannot be used is
refused before anything is played. With ``--json`` stdout holds one object a path and day.
Must never: show a result without the model of fills that it rests on.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from surefill.cli.demo_bar import DemoBar
from surefill.cli.exits import Exit
from surefill.cli.output import Block, Table, emit, say, show
from surefill.cli.plan_choice import (
    ChoiceError,
    account_text,
    add_account,
    add_plan_choice,
    chosen,
    count,
    count_of,
    fee_of,
    tell_left_out,
)
from surefill.cli.replay_sums import Sums, bps_text
from surefill.core.plan import SECOND_NS
from surefill.core.units import to_text
from surefill.replay.comparison import (
    FILL_MODEL,
    MODELS,
    Scope,
    Stream,
    days_at,
    recorded_streams,
    synthetic_stream,
)
from surefill.replay.execution import market_of
from surefill.replay.keep import keep_run
from surefill.replay.paths import LEGACY, PATHS, SMART, Played, play_paths
from surefill.replay.plan_rows import LeftOut
from surefill.replay.plan_source import (
    LEFT_OUT,
    left_out_file,
    left_out_tape,
    without_tape,
    write_left_out,
)
from surefill.replay.tracks import Track, tracks_of
from surefill.sim.market import TapeError
from surefill.sim.selection import TapeDay
from surefill.tca.analysis import Analysis, analysis_of
from surefill.tca.market import Market

EXAMPLES = """examples:
  surefill replay --path legacy --path adaptive
  surefill replay tapes --plans plans.csv --path legacy --path limit --out run
  surefill replay tapes --history orders.json activities.json --signals signals.csv
  surefill replay tapes --every 300 --stale 5 --qty 200 --path legacy --path passive"""
SEED, PLANS, MINUTES = 7, 120, 60
EVENTS_MAX = 20_000_000
HEAD = ("path", "entered", "in part", "missed", "denied", "paid", "missed at", "ALL", "worst")
LEGEND = (
    "paid, missed at, ALL, worst: bps of the signal price, positive is cost. Shares that were "
    "not entered are charged at the far side of the market when their time was up; ALL counts "
    "every plan, the denied ones too."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill replay``."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
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
    add_plan_choice(parser, plans=PLANS)
    add_account(parser)
    parser.add_argument(
        "--minutes",
        metavar="M",
        type=count,
        help=f"of each day (default: {MINUTES} when drawn, the whole day when sampled)",
    )
    parser.add_argument(
        "--together",
        action="store_true",
        help="all symbols of a day in one account, sharing its request budget",
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="keep costs, data and a report of every plan there"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")


def run(args: argparse.Namespace) -> int:
    """Play and show; return an `Exit` code."""
    minutes = args.minutes or MINUTES
    scope = Scope(
        plans_max=count_of(args, PLANS),
        window_ns_max=minutes * 60 * SECOND_NS,
        events_max=EVENTS_MAX,
    )
    paths = tuple(dict.fromkeys(args.path or (LEGACY, SMART)))
    session = _Session(args, paths)
    try:
        fee_of(args)  # before minutes of playing
        if args.out:
            args.out.mkdir(parents=True, exist_ok=True)
        for stream in session.streams(scope):
            session.play(stream)
            del stream  # the next one is opened before this name would be given to it
        session.end()
    except (TapeError, ChoiceError, OSError) as error:
        say(f"surefill replay: {error}")
        return Exit.USAGE
    return session.code


class _Session:
    """One run: what is asked for, what was found, what is kept."""

    def __init__(self, args: argparse.Namespace, paths: tuple[str, ...]) -> None:
        self._args = args
        self._paths = paths
        self._book = _Book()
        self._sums = Sums("days" if args.together else "symbol-days")
        self._left_out: list[LeftOut] = []
        self.code = Exit.DONE

    def streams(self, scope: Scope) -> Iterator[Stream]:
        """The days to play. Raises `TapeError`, `ChoiceError`."""
        args = self._args
        source, bad = chosen(args)
        self._leave_out(bad)
        if not args.tapes:
            yield synthetic_stream(args.seed, scope)
            return
        if source is not None:
            on_file = self._bad_file if args.allow_bad else None
            every = days_at(args.tapes, on_bad=on_file)
            days = [day for found in every.values() for day in found]
            self._leave_out(without_tape(source, ((day.date, day.symbol) for day in days)))
        yield from recorded_streams(
            args.tapes,
            args.seed,
            scope,
            source=source,
            together=args.together,
            on_bad=self._bad_tape if args.allow_bad else None,
            on_bad_file=self._bad_file if args.allow_bad else None,
        )

    def _bad_tape(self, day: TapeDay, error: TapeError) -> None:
        self._leave_out([left_out_tape(day.symbol, day.date, error)])

    def _bad_file(self, path: Path, error: TapeError) -> None:
        """Once, however often the folder is listed."""
        one = left_out_file(path, error)
        if one not in self._left_out:
            self._leave_out([one])

    def play(self, stream: Stream) -> None:
        """One day on every path."""
        self._leave_out(stream.left_out)
        self._book.notes += [one.sentence() for one in stream.quality]
        if not stream.draws:
            say(f"surefill replay: no plan can be played on the {stream.title}")
            return
        markets = self._book.open(stream) if self._args.out else None
        played = _play(stream, self._paths, self._args, markets=markets)
        self._book.take(stream, played, markets)
        self._sums.add(played)
        _tell(stream, played, self._args)
        if any(one.violations for one in played):
            self.code = Exit.EXPOSED

    def end(self) -> None:
        """The sum, and what is kept. Raises `ChoiceError` when nothing was played."""
        args = self._args
        if self._left_out:
            counts = Counter(one.code for one in self._left_out)
            text = ", ".join(f"{code} {count}" for code, count in counts.items())
            self._book.notes.append(f"Left out: {text} ({LEFT_OUT})")
        if not self._sums.days:
            raise ChoiceError("no plan was played")
        if self._sums.days > 1 and not args.json:
            show(self._sums.blocks())
        if args.out:
            self._book.keep(args.out, args)
            if self._left_out:
                say(f"wrote {write_left_out(args.out, self._left_out)}")

    def _leave_out(self, found: Iterable[LeftOut]) -> None:
        some = tuple(found)
        self._left_out += some
        tell_left_out("replay", some)


class _Book:
    """What is kept of a run. ``_paths``: path -> its plans of every day."""

    def __init__(self) -> None:
        self._titles: list[str] = []
        self._paths: dict[str, list[Analysis]] = {}
        self._tracks: list[Track] = []
        self.notes: list[str] = []

    def open(self, stream: Stream) -> dict[str, Market]:
        """The markets of a day: symbol -> what costs are measured against."""
        return {tape.symbol: market_of(tape, stream.session.close_ns) for tape in stream.tapes}

    def take(self, stream: Stream, played: list[Played], markets: dict[str, Market] | None) -> None:
        """One day on every path; nothing where nothing is kept."""
        if markets is None:
            return
        self._titles.append(stream.title)
        self.notes += stream.notes
        for one in played:
            found = self._paths.setdefault(one.path, [])
            found += [analysis_of(parent) for parent in one.parents]
        every = [parent for one in played for parent in one.parents]
        self._tracks += tracks_of(every, markets)

    def keep(self, folder: Path, args: argparse.Namespace) -> None:
        """Write it. Raises ``OSError``."""
        unit = "days" if args.together else "symbol-days"
        days = self._titles[0] if len(self._titles) == 1 else f"{len(self._titles)} {unit}"
        title = f"surefill replay: {days}; fill model '{args.model}', seed {args.seed}"
        title += account_text(args)
        notes = list(dict.fromkeys(self.notes))
        for path in keep_run(folder, title, self._paths, tracks=self._tracks, notes=notes):
            say(f"wrote {path}")


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
            beside=args.beside,
            fee_usd=fee_of(args),
            markets=markets,
            on_progress=lambda path, done: bar.at(paths.index(path) * plans + done),
        )
        return list(played)


def _tell(stream: Stream, played: list[Played], args: argparse.Namespace) -> None:
    minutes = (stream.window[1] - stream.window[0]) // (60 * SECOND_NS)
    if args.json:
        head = {
            "market": stream.title,
            "seed": args.seed,
            "beside": args.beside,
            "fee_usd": to_text(fee_of(args)),
            "minutes": minutes,
            "tapes": [one.counts() | {"suspect": one.suspicions} for one in stream.quality],
            "assumed": list(stream.notes),
            "left_out": [one.to_dict() for one in stream.left_out],
        }
        for one in played:
            emit(head | one.to_dict() | {"found": [str(found) for found in one.violations]})
        return
    title = f"{stream.title[:1].upper()}{stream.title[1:]}"
    blocks: list[Block] = [
        f"{title}. {len(stream.draws)} plans in {minutes} minutes, fill model "
        f"'{args.model}', seed {args.seed}{account_text(args)}.",
        *(f"{one.sentence()}." for one in stream.quality),
        *(f"Plans: {note}." for note in stream.notes),
        Table("", [_row(one) for one in played], HEAD, frozenset(range(1, 9))),
        LEGEND,
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
    return (one.path, *map(str, counts), *(bps_text(cost) for cost in costs))


def _verdict(played: list[Played]) -> str:
    found = [str(one) for path in played for one in path.violations]
    lines = sum(one.lines for one in played)
    return "; ".join(
        [f"Auditor: {len(found)} violations in {lines} lines of the exchange's own log.", *found]
    )
