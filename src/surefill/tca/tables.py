"""What a path cost, as tables for people: the same ones on a terminal, in Markdown and in HTML.

What: `grids_of` (one path) and `paths_grid` (several paths side by side), `comparison_grids`; a
`Grid` is a title, a head, rows of text and a note that says units and signs.
Conventions: basis points with a sign, positive is cost (markouts: positive is in our favour); R,
R/R as ratios; seconds; what is not known is ``-``.
Must never: show a mean without the number of plans behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surefill.tca.analysis import Analysis, Row, Stat, horizon_text, rows_of
from surefill.tca.blocks import BLOCKS_MIN, Estimate
from surefill.tca.compare import Comparison, Group, Level
from surefill.tca.parent import HORIZONS_NS, Paper
from surefill.tca.statistics import Interval
from surefill.tca.text import PPB, UNKNOWN, bps, decimal_text, percent, ratio, seconds

PARTS = ("delay", "timing", "spread", "opportunity", "fees")
_FEW = (
    f"An interval in brackets rests on fewer than {BLOCKS_MIN} symbol-days: it shows how far these "
    "days lie apart and claims nothing."
)
BENCHMARKS = ("signal", "decision", "arrival", "near", "far", "vwap")


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. The first column is a name, the others are numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def grids_of(found: Sequence[Analysis]) -> tuple[Grid, ...]:
    """Everything that is shown of one path."""
    rows = {row.name: row for row in rows_of(found)}
    papers = sorted({one.parent.paper for one in found} - {Paper.UNKNOWN})
    against = " or ".join(papers) or "nothing: no paper price is known"
    return (
        _shortfall(rows, against),
        _sensitivity(rows),
        _slippage(rows["entered"]),
        _spreads(rows["entered"]),
        _quality(rows["entered"]),
    )


def _shortfall(rows: Mapping[str, Row], against: str) -> Grid:
    return Grid(
        "Implementation shortfall",
        ("plans", "n", "filled", "total", *(name[:8] for name in PARTS), "unknown"),
        tuple(
            (
                row.name,
                str(row.plans),
                _filled(row),
                _mean(row, "shortfall"),
                *(_mean(row, name) for name in PARTS),
                str(row.unknown),
            )
            for row in rows.values()
        ),
        f"Means in bps of the paper value, positive is cost; paper price: {against}. What was not "
        "entered is charged at the far side when its time was up; denied plans likewise, in a row "
        "of their own and in ALL.",
    )


def _sensitivity(rows: Mapping[str, Row]) -> Grid:
    names = ("shortfall", "shortfall_later", "shortfall_at_close")
    return Grid(
        "The same with the missed shares charged",
        ("plans", "at the end", "5 min later", "at the close"),
        tuple(
            (row.name, *(_with_count(row, name) for name in names))
            for row in (rows["missed"], rows["worked"], rows["ALL"])
        ),
        "In brackets: of how many plans it is known.",
    )


def _slippage(entered: Row) -> Grid:
    names = [f"slippage_vs_{name}" for name in BENCHMARKS]
    found = [
        (label, entered.stats.get(name)) for name, label in zip(names, BENCHMARKS, strict=True)
    ]
    return Grid(
        "Slippage of what was entered, against",
        ("", "n", "mean", "median", "95 %", "best", "worst"),
        tuple((label, *_stat(stat)) for label, stat in found if stat is not None),
        "bps, positive is cost.",
    )


def _stat(stat: Stat) -> tuple[str, ...]:
    values = (stat.mean, stat.p50, stat.tail, stat.low, stat.high)
    return (str(stat.count), *(bps(value) for value in values))


def _spreads(entered: Row) -> Grid:
    effective = _with_count(entered, "effective_spread")
    quoted = _with_count(entered, "quoted_spread")
    rows = []
    for horizon_ns in HORIZONS_NS:
        label = horizon_text(horizon_ns)
        realized, markout = f"realized_spread_{label}", f"markout_{label}"
        rows.append((label, _mean(entered, realized), _with_count(entered, markout)))
    return Grid(
        "After the fill",
        ("horizon", "realized spread", "markout"),
        tuple(rows),
        f"Means in bps; quoted spread {quoted}, effective spread {effective}. Spreads: positive is "
        "cost. Markouts: positive is in our favour.",
    )


def _quality(entered: Row) -> Grid:
    def line(name: str, label: str) -> tuple[str, ...] | None:
        stat = entered.stats.get(name)
        if stat is None:
            return None
        show = _SHOWN[name]
        values = (stat.mean, stat.p50, stat.low, stat.high)
        return (label, str(stat.count), *(show(value) for value in values))

    found = [line(name, label) for name, label in _QUALITY]
    return Grid(
        "Time, reward/risk, what became of it",
        ("", "n", "mean", "median", "lowest", "highest"),
        tuple(row for row in found if row is not None),
        "Reward/risk in all three rows is against the signal's own levels.",
    )


def _share_seconds(value: int) -> str:
    return decimal_text(value, 1_000, 1)


_QUALITY = (
    ("first_fill", "first fill, s"),
    ("last_fill", "last fill, s"),
    ("rr_planned", "reward/risk planned"),
    ("rr_worst", "reward/risk at worst price"),
    ("rr_fill", "reward/risk at fill"),
    ("r", "result, R"),
    ("mae", "against it (MAE), R"),
    ("mfe", "in favour (MFE), R"),
    ("exit_slippage_vs_stop", "exit beyond the stop, bps"),
    ("uncovered", "without a stop, share-s"),
)
_SHOWN = {name: ratio for name, _ in _QUALITY} | {
    "first_fill": lambda value: seconds(value).removesuffix(" s"),
    "last_fill": lambda value: seconds(value).removesuffix(" s"),
    "exit_slippage_vs_stop": bps,
    "uncovered": _share_seconds,
}


def paths_grid(paths: Mapping[str, Sequence[Analysis]]) -> Grid:
    """Several paths on one line each: ALL plans, and what was entered of them."""
    rows = []
    for path, found in paths.items():
        by_name = {row.name: row for row in rows_of(found)}
        entered, every = by_name["entered"], by_name["ALL"]
        rows.append(
            (
                path,
                str(every.plans),
                _filled(every),
                _mean(entered, "slippage_vs_signal"),
                _mean(entered, "effective_spread"),
                _mean(entered, "markout_1min"),
                ratio(entered.mean("rr_fill")),
                _mean(by_name["worked"], "shortfall"),
                _mean(every, "shortfall"),
            )
        )
    return Grid(
        "Paths",
        ("path", "plans", "filled", "paid", "eff.", "1min", "R/R", "worked", "ALL"),
        tuple(rows),
        "paid: slippage of what was entered against the signal; eff.: effective spread; 1min: "
        "markout after a minute (positive is in our favour); R/R: at the fill; worked: shortfall "
        "without denied plans; ALL: of every plan. bps, positive is cost.",
    )


def comparison_grids(found: Comparison) -> tuple[Grid, ...]:
    """The comparison at each level of price improvement, and its groups without any."""
    levels = Grid(
        "First path minus second, shortfall of every plan",
        ("improved", "first", "second", "difference", "95 %", "ratio"),
        tuple((f"{one.improvement_percent} %", *_estimate(one.all)) for one in found.levels),
        "bps, positive is cost; a difference below zero says that the first path is cheaper. "
        "Improved: price improvement of the second path's fills. "
        f"Ratio: first by second, only where the second path surely costs something. {_FEW}",
    )
    groups = [_group_grid(one) for one in found.levels]
    return (levels, *groups)


def _group_grid(level: Level) -> Grid:
    return Grid(
        f"By group, second path improved by {level.improvement_percent} %",
        ("group", "plans", "days", "first", "second", "difference", "95 %"),
        tuple(_group(one) for one in level.groups),
        f"days: symbol-days, which are resampled whole. {_FEW}",
    )


def _group(one: Group) -> tuple[str, ...]:
    found = one.estimate
    return (
        f"{one.by} {one.name}",
        str(one.plans),
        str(found.blocks),
        bps(found.first),
        bps(found.second),
        bps(found.difference),
        _claimed(found),
    )


def _estimate(found: Estimate) -> tuple[str, ...]:
    ratio_text = UNKNOWN
    if found.ratio is not None:
        low, high = ratio(found.ratio.low), ratio(found.ratio.high)
        ratio_text = f"{ratio(found.ratio.middle)} ({low} to {high})"
    return (
        bps(found.first),
        bps(found.second),
        bps(found.difference),
        _claimed(found),
        ratio_text,
    )


def _claimed(found: Estimate) -> str:
    """The interval of the difference; of too few symbol-days it is marked as none."""
    span = _span(found.difference_interval)
    return span if found.can_claim or span == UNKNOWN else f"({span})"


def _span(found: Interval | None) -> str:
    return UNKNOWN if found is None else f"{bps(found.low)} to {bps(found.high)}"


def sample_line(found: Estimate, percent_improved: int, *, plans: int) -> str:
    """When the difference is real: how many symbol-days there are, how many it takes, and how many
    trades that is at the ``plans`` a symbol-day that were compared.

    needed = ((1.96 + 0.84) sd / difference)^2 symbol-days (95 % confidence, 80 % power; Cohen,
    *Statistical Power Analysis*, 1988): right for somebody who looks once, at that size. Who looks
    more often reads the always-valid interval (Waudby-Smith et al. 2024; `tca.blocks`).
    """
    head = f"With {percent_improved} % price improvement of the second path: "
    if found.blocks < BLOCKS_MIN:
        return (
            f"{head}{found.blocks} symbol-days are too few to claim anything; it takes at least "
            f"{BLOCKS_MIN}."
        )
    verdict = "the difference is real" if found.is_real else "the difference may be chance"
    needed = "its size is zero"
    if found.needed:
        trades = -(-found.needed * plans // found.blocks)
        needed = f"at this size it takes {found.needed}, about {trades:,} trades, looked at once"
    always = f"always valid, however often one looks: {_span(found.always)} bps"
    return f"{head}{verdict} ({found.blocks} symbol-days; {needed}); {always}."


def _mean(row: Row, name: str) -> str:
    return bps(row.mean(name))


def _with_count(row: Row, name: str) -> str:
    stat = row.stats.get(name)
    return UNKNOWN if stat is None else f"{bps(stat.mean)} ({stat.count})"


def _filled(row: Row) -> str:
    return percent(row.entered_qty * PPB // row.wanted_qty) if row.wanted_qty else UNKNOWN
