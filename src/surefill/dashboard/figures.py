"""The plots of the dashboard, as plotly's own JSON: drawn by the library that the pages ship.

What: `slippage_figure`, `reward_figure`, `tape_figure`: plain values in, dictionaries out, so that
no plotting library is needed in this process.
Conventions: those of `replay.plots`: positive is cost, one colour a path. Colours are legible on
light and dark ground; the ground is transparent.
Must never: draw what is unknown as 0.
"""

from __future__ import annotations

from typing import Any

from surefill.dashboard.costs import LEGACY, SMART, TARGET_BPS, Costs
from surefill.dashboard.sheet import Tape

COLOURS = {SMART: "#4c8bd0", LEGACY: "#f58518"}
LEGS = {"ENTRY": "#4c8bd0", "TARGET": "#3fa35a", "STOP": "#e45756", "FLATTEN": "#b279a2"}
LEVELS = {
    "signal": ("#8a939e", "dot"),
    "worst price": ("#c9960c", "dash"),
    "stop of the signal": ("#e45756", "dot"),
    "target of the signal": ("#3fa35a", "dot"),
    "stop from the fill": ("#e45756", "solid"),
    "target from the fill": ("#3fa35a", "solid"),
}
INK, GRID = "#8a939e", "rgba(128,136,146,0.25)"
Figure = dict[str, Any]


def slippage_figure(costs: Costs) -> Figure:
    """How many entries paid how much, by path, and the target."""
    data = [
        {
            "type": "histogram",
            "x": [point.slippage_vs_signal_bps for point in path.points],
            "name": path.path,
            "opacity": 0.75,
            "nbinsx": 24,
            "marker": {"color": COLOURS[path.path]},
            "hovertemplate": "%{x} bps: %{y} entries<extra></extra>",
        }
        for path in costs.paths
        if path.points
    ]
    layout = _layout("slippage against the signal, bps (positive is cost)", "entries")
    layout["barmode"] = "overlay"
    layout["yaxis"]["dtick"] = 1 if sum(len(path.points) for path in costs.paths) < 10 else None
    layout["shapes"] = [
        {
            "type": "line",
            "yref": "paper",
            "x0": TARGET_BPS,
            "x1": TARGET_BPS,
            "y0": 0,
            "y1": 1,
            "line": {"color": "#e45756", "dash": "dash", "width": 2},
        }
    ]
    layout["annotations"] = [
        {
            "x": TARGET_BPS,
            "y": 1,
            "yref": "paper",
            "yanchor": "top",
            "xanchor": "right",
            "text": "target 0.10 % ",
            "showarrow": False,
            "font": {"color": "#e45756"},
        }
    ]
    return _figure(data, layout)


def reward_figure(costs: Costs) -> Figure:
    """Reward/risk planned against at the fill; below the line execution took reward away."""
    data: list[dict[str, Any]] = []
    top = 1.0
    for path in costs.paths:
        known = [
            (point.rr_planned, point.rr_at_fill, point.plan_id)
            for point in path.points
            if point.rr_planned is not None and point.rr_at_fill is not None
        ]
        if not known:
            continue
        top = max(top, *(max(planned, filled) for planned, filled, _ in known))
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [row[0] for row in known],
                "y": [row[1] for row in known],
                "text": [row[2] for row in known],
                "name": path.path,
                "marker": {"size": 9, "opacity": 0.75, "color": COLOURS[path.path]},
                "hovertemplate": "%{text}: planned %{x}, at fill %{y}<extra></extra>",
            }
        )
    data.append(
        {
            "type": "scatter",
            "mode": "lines",
            "x": [0, top * 1.1],
            "y": [0, top * 1.1],
            "name": "as planned",
            "line": {"color": INK, "dash": "dot", "width": 1},
            "hoverinfo": "skip",
        }
    )
    return _figure(data, _layout("reward/risk planned", "reward/risk at fill"))


def tape_figure(tape: Tape) -> Figure:
    """One trade on its quotes."""
    data: list[dict[str, Any]] = []
    seconds = [row[0] for row in tape.quotes]
    for n, name, colour in ((2, "ask", "#d0605e"), (1, "bid", "#4c8bd0")):
        if not tape.quotes:
            break
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": seconds,
                "y": [row[n] for row in tape.quotes],
                "name": name,
                "line": {"shape": "hv", "width": 1.5, "color": colour},
            }
        )
    data += [_level(tape, name, px) for name, px in tape.levels]
    named: set[str] = set()
    for leg, start_s, end_s, px in tape.orders:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [start_s, end_s],
                "y": [px, px],
                "name": f"order: {leg.lower()}",
                "legendgroup": leg,
                "showlegend": leg not in named,
                "opacity": 0.55,
                "line": {"width": 5, "color": LEGS.get(leg, INK)},
            }
        )
        named.add(leg)
    up, down = ("triangle-up", "triangle-down")[:: tape.sign]
    data += _marks(tape.entered, "entered", symbol=up, colour="#2f6fd0")
    data += _marks(tape.closed, "closed", symbol=down, colour="#b0413e")
    layout = _layout("seconds since the plan arrived", "USD")
    layout["xaxis"]["range"] = [tape.from_s, tape.to_s]
    layout["height"] = 460
    return _figure(data, layout)


def _level(tape: Tape, name: str, px: float) -> dict[str, Any]:
    colour, dash = LEVELS[name]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [tape.from_s, tape.to_s],
        "y": [px, px],
        "name": name,
        "line": {"color": colour, "dash": dash, "width": 1.5},
    }


def _marks(
    rows: tuple[tuple[float, float, str], ...], name: str, *, symbol: str, colour: str
) -> list[dict[str, Any]]:
    if not rows:
        return []
    line = {"color": "#ffffff", "width": 1}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [row[0] for row in rows],
            "y": [row[1] for row in rows],
            "text": [row[2] for row in rows],
            "name": name,
            "marker": {"symbol": symbol, "size": 13, "color": colour, "line": line},
            "hovertemplate": "%{text}<extra></extra>",
        }
    ]


def _layout(x_title: str, y_title: str) -> dict[str, Any]:
    axis = {"gridcolor": GRID, "zerolinecolor": INK, "automargin": True}
    return {
        "height": 340,
        "margin": {"l": 55, "r": 15, "t": 60, "b": 45},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": INK},
        "hovermode": "closest",
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": {"title": {"text": x_title, "font": {"size": 13}}, **axis},
        "yaxis": {"title": {"text": y_title, "font": {"size": 13}}, **axis},
    }


def _figure(data: list[dict[str, Any]], layout: dict[str, Any]) -> Figure:
    config = {"responsive": True, "displaylogo": False, "displayModeBar": False}
    return {"data": data, "layout": layout, "config": config}
