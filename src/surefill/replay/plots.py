"""The plots of a report, as plotly figures (extra `report`; import this module lazily).

What: `figures_of` makes (id, title, what to see, figure) of measured paths: slippage, shortfall,
reward/risk, fill rate, markouts, cost against completion.
Conventions: basis points, positive is cost, except markouts, which are positive in our favour; one
colour a path throughout a report. Floats live here and nowhere before: on a screen.
Must never: draw a plan whose number is unknown as if it were 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from surefill.tca.analysis import MEASURE_OF, Analysis, horizon_text, row_of, rows_of
from surefill.tca.blocks import BLOCKS_MIN
from surefill.tca.compare import Comparison
from surefill.tca.facts import Fate
from surefill.tca.parent import HORIZONS_NS
from surefill.tca.text import PPB, PPB_PER_BPS

COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#bab0ac")
PARTS = ("delay", "timing", "spread", "opportunity", "fees")
WATERFALLS_IN_A_ROW = 3
RATIO_SHOWN = 2
"""The axis of reward/risk at the fill ends at this many times the highest planned one."""
Paths = Mapping[str, Sequence[Analysis]]


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure. ``text``: what is drawn, and what to look for."""

    name: str
    title: str
    text: str
    figure: Any


def figures_of(paths: Paths) -> tuple[Plot, ...]:
    """Every plot that these paths have something for."""
    plots = [
        _slippage(paths),
        _shortfall(paths),
        _completion(paths) if len(paths) > 1 else None,
        _ratios(paths),
        _filling(paths),
        _markouts(paths),
    ]
    return tuple(plot for plot in plots if plot is not None)


def colour_of(paths: Paths) -> dict[str, str]:
    """Path -> its colour."""
    return {path: COLOURS[n % len(COLOURS)] for n, path in enumerate(paths)}


def _values(found: Sequence[Analysis], name: str, unit: int = PPB_PER_BPS) -> list[float]:
    read = (MEASURE_OF[name].read(one) for one in found)
    return [value / unit for value in read if value is not None]


def _slippage(paths: Paths) -> Plot | None:
    colours, figure = colour_of(paths), make_subplots(1, 2, column_widths=[0.5, 0.5])
    any_known = False
    for path, found in reversed(list(paths.items())):
        known = sorted(_values(found, "slippage_vs_signal"))
        if not known:
            continue
        any_known = True
        look = {"name": path, "legendgroup": path, "marker_color": colours[path]}
        figure.add_box(x=known, boxmean=True, boxpoints="outliers", **look, row=1, col=1)
        shares = [100 * (n + 1) / len(known) for n in range(len(known))]
        figure.add_scatter(
            **{"x": known, "y": shares, "name": path, "legendgroup": path, "showlegend": False},
            mode="lines",
            line={"shape": "hv", "color": colours[path], "width": 2},
            row=1,
            col=2,
        )
    _bps_axis(figure, "slippage against the signal, bps", row=1, col=1)
    _bps_axis(figure, "slippage against the signal, bps", row=1, col=2)
    figure.update_yaxes(title_text="entered plans up to here, %", row=1, col=2)
    figure.update_layout(showlegend=False, height=140 + 70 * max(3, len(paths)))
    text = "What was entered, against the signal price; positive is cost. Left: the middle half in "
    text += "the box, the mean dashed. Right: how many plans paid at most so much. A path that "
    text += "misses its bad trades looks good here: read it with the shortfall."
    return Plot("slippage", "Slippage by path", text, _styled(figure)) if any_known else None


def _shortfall(paths: Paths) -> Plot | None:
    split = {
        path: [one for one in found if one.shortfall and one.shortfall.spread is not None]
        for path, found in paths.items()
    }
    split = {path: found for path, found in split.items() if found}
    if not split:
        return None
    columns = min(WATERFALLS_IN_A_ROW, len(split))
    rows = -(-len(split) // columns)
    titles = [f"{path} ({len(found)} plans)" for path, found in split.items()]
    figure = make_subplots(
        rows, columns, shared_yaxes="all", subplot_titles=titles, vertical_spacing=0.42 / rows
    )
    for n, found in enumerate(split.values()):
        row = row_of("", found)
        means = [(row.mean(part) or 0) / PPB_PER_BPS for part in PARTS]
        total = (row.mean("shortfall") or 0) / PPB_PER_BPS
        values = [*means, total]
        figure.add_waterfall(
            x=[*PARTS, "total"],
            y=values,
            measure=["relative"] * len(PARTS) + ["total"],
            text=[f"{value:+.1f}" for value in values],
            textposition="outside",
            cliponaxis=False,
            increasing_marker_color="#e45756",
            decreasing_marker_color="#54a24b",
            totals_marker_color="#4c78a8",
            connector_line_color="#999",
            row=n // columns + 1,
            col=n % columns + 1,
        )
    figure.update_yaxes(title_text="bps", col=1)
    figure.update_layout(showlegend=False, height=110 + 300 * rows)
    text = "Mean of all plans whose parts are known, denied ones included; positive is cost. "
    text += "Opportunity is what was not entered, at the far side when its time was up."
    return Plot("shortfall", "Where the shortfall comes from", text, _styled(figure))


def _completion(paths: Paths) -> Plot:
    colours, figure = colour_of(paths), go.Figure()
    for path, found in paths.items():
        every = rows_of(found)[-1]
        cost = every.mean("shortfall")
        if cost is None or not every.wanted_qty:
            continue
        figure.add_scatter(
            x=[100 * every.entered_qty / every.wanted_qty],
            y=[cost / PPB_PER_BPS],
            name=path,
            text=[path],
            mode="markers+text",
            textposition="top center",
            marker={"size": 12, "color": colours[path]},
        )
    figure.update_xaxes(title_text="shares entered of shares wanted, %")
    _bps_axis(figure, "shortfall of every plan, bps", is_x=False)
    figure.update_layout(showlegend=False, height=400)
    text = "Lower is cheaper, further right is more complete. The shortfall already charges what "
    text += "was missed: a path is better where it is lower, not where it is right."
    return Plot("completion", "Cost against completion", text, _styled(figure))


def differences_of(found: Mapping[str, Comparison], reference: str) -> Plot | None:
    """Each path against ``reference``, at every price improvement of it, with intervals."""
    figure = go.Figure()
    shades = ("#4c78a8", "#9ecae9", "#d6e6f4")
    paths = list(reversed(list(found)))
    count = min((len(one.levels) for one in found.values()), default=0)
    for n, colour in enumerate(shades[:count]):
        levels = [found[path].levels[n] for path in paths]
        middles = [level.all.difference / PPB_PER_BPS for level in levels]
        spans = [level.all.difference_interval for level in levels]
        figure.add_bar(
            x=middles,
            y=paths,
            orientation="h",
            name=f"{reference} improved by {levels[0].improvement_percent} %",
            marker_color=colour,
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [
                    (span.high / PPB_PER_BPS - middle) if span else 0.0
                    for span, middle in zip(spans, middles, strict=True)
                ],
                "arrayminus": [
                    (middle - span.low / PPB_PER_BPS) if span else 0.0
                    for span, middle in zip(spans, middles, strict=True)
                ],
                "color": "#444",
                "thickness": 1.2,
            },
        )
    if not figure.data:
        return None
    _bps_axis(figure, f"shortfall of every plan minus {reference}'s, bps")
    figure.update_layout(height=190 + 90 * len(paths), barmode="group")
    text = f"Left of zero a path is cheaper than {reference}, missed plans included; the lines are "
    text += "95 % intervals over whole symbol-days. An interval across zero proves nothing, and "
    text += f"neither do fewer than {BLOCKS_MIN} symbol-days."
    return Plot("difference", f"Against {reference}", text, _styled(figure))


def _ratios(paths: Paths) -> Plot | None:
    colours, figure = colour_of(paths), go.Figure()
    pairs = {path: _ratio_pairs(found) for path, found in paths.items()}
    every = [pair for known in pairs.values() for pair in known]
    if not every:
        return None
    right = max(planned for planned, _, _ in every) * 1.15
    top = RATIO_SHOWN * right
    for path, known in pairs.items():
        shown = [pair for pair in known if pair[1] <= top]
        beyond = len(known) - len(shown)
        planned, filled, names = zip(*shown, strict=True) if shown else ((), (), ())
        figure.add_scatter(
            x=planned,
            y=filled,
            text=names,
            name=f"{path} ({len(known)}{f', {beyond} above' if beyond else ''})",
            mode="markers",
            marker={"size": 8, "color": colours[path], "opacity": 0.6},
        )
    figure.add_scatter(
        x=[0, right],
        y=[0, right],
        mode="lines",
        name="as planned",
        line={"color": "#999", "dash": "dot"},
    )
    low = min(0.0, *(filled for _, filled, _ in every))
    figure.update_xaxes(title_text="reward/risk planned", range=[0, right])
    figure.update_yaxes(
        title_text="reward/risk at fill",
        range=[low * 1.1, top],
        zeroline=True,
        zerolinecolor="#888",
    )
    figure.update_layout(height=440)
    text = "Both against the signal's own stop and target. Below the dotted line execution took "
    text += "reward away; at 0 nothing was left of the trade. Above: more than is drawn, where a "
    text += "fill came close to the stop."
    return Plot("reward", "Reward/risk, planned and at the fill", text, _styled(figure))


def _ratio_pairs(found: Sequence[Analysis]) -> list[tuple[float, float, str]]:
    """(planned, at the fill, plan) where both are known."""
    return [
        (one.costs.rr_planned_ppb / PPB, one.costs.rr_fill_ppb / PPB, one.parent.plan_id)
        for one in found
        if one.costs.rr_planned_ppb is not None and one.costs.rr_fill_ppb is not None
    ]


def _filling(paths: Paths) -> Plot | None:
    colours, figure = colour_of(paths), go.Figure()
    for path, found in paths.items():
        untried = (Fate.DENIED, Fate.NOT_TRIGGERED)
        tried = [one.parent for one in found if one.parent.fate not in untried]
        wanted_qty = sum(one.order_qty for one in tried)
        fills = sorted(
            (max(fill.at_ns - one.arrival_ns, 1_000_000) / PPB, fill.qty)
            for one in tried
            for fill in one.fills
        )
        if not fills or not wanted_qty:
            continue
        done, times, shares = 0, [fills[0][0]], [0.0]
        for at_s, qty in fills:
            done += qty
            times.append(at_s)
            shares.append(100 * done / wanted_qty)
        end_s = max((one.budget_ns - one.arrival_ns) / PPB for one in tried)
        figure.add_scatter(
            x=[*times, max(end_s, times[-1])],
            y=[*shares, shares[-1]],
            name=path,
            mode="lines",
            line={"shape": "hv", "color": colours[path], "width": 2},
        )
    if not figure.data:
        return None
    figure.update_xaxes(title_text="seconds since the plan arrived", type="log", dtick=1)
    figure.update_yaxes(title_text="shares entered of shares wanted, %", range=[0, 103])
    figure.update_layout(height=400)
    text = "Of all plans that were not denied, weighed by shares."
    return Plot("filling", "Fill rate against time", text, _styled(figure))


def _markouts(paths: Paths) -> Plot | None:
    colours, figure = colour_of(paths), go.Figure()
    labels = [horizon_text(horizon_ns) for horizon_ns in HORIZONS_NS]
    for path, found in paths.items():
        stats = row_of("", found).stats
        known = [(label, stats.get(f"markout_{label}")) for label in labels]
        points = [(label, stat.mean / PPB_PER_BPS, stat.count) for label, stat in known if stat]
        if not points:
            continue
        x, y, counts = zip(*points, strict=True)
        figure.add_scatter(
            x=x,
            y=y,
            text=[f"{count} plans" for count in counts],
            name=path,
            mode="lines+markers",
            line={"color": colours[path], "width": 2},
        )
    if not figure.data:
        return None
    figure.update_xaxes(
        title_text="time after the fill", categoryorder="array", categoryarray=labels
    )
    _bps_axis(figure, "mean markout, bps", is_x=False)
    figure.update_layout(height=400)
    text = "Where the mid went after the fill, from the price that was paid: positive is in our "
    text += "favour. A passive fill that was run over starts near half a spread and falls."
    return Plot("markouts", "Markouts", text, _styled(figure))


def _bps_axis(figure: Any, title: str, *, is_x: bool = True, **where: int) -> None:
    update = figure.update_xaxes if is_x else figure.update_yaxes
    update(title_text=title, zeroline=True, zerolinecolor="#888", zerolinewidth=1, **where)


def _styled(figure: Any) -> Any:
    figure.update_layout(
        template="plotly_white",
        margin={"l": 70, "r": 30, "t": 50, "b": 55},
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": 1.12, "x": 0},
    )
    return figure
