"""Cost against completion as an SVG: one panel a symbol, one point a path, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, GAP, TOP = 440, 300, 70, 78
INK, GRID, MINE, OLD = "#222", "#ddd", "#0a6", "#c33"


@dataclass(frozen=True, slots=True)
class Point:
    """A path: completion in per cent, mean cost in bps and its interval."""

    name: str
    complete: float
    cost: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Panel:
    """One symbol."""

    title: str
    points: Sequence[Point]


def picture(panels: Sequence[Panel]) -> str:
    """Two panels a row."""
    rows = -(-len(panels) // 2)
    width, height = 2 * (WIDTH + GAP) + GAP, TOP + rows * (HEIGHT + GAP) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{GAP}" y="22" font-size="15">Mean cost of a plan (bps of the mid at the signal, '
        "with 95 % interval) and share of the plans within reach that were complete</text>",
        f'<text x="{GAP}" y="40">fresh signals, 100 to 2,000 shares, fitted model of fills; lower '
        "and to the right is better</text>",
    ]
    for n, panel in enumerate(panels):
        left, top = GAP + n % 2 * (WIDTH + GAP), TOP + n // 2 * (HEIGHT + GAP)
        parts.append(f'<g transform="translate({left},{top})">{_panel(panel)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel) -> str:
    low = min(0.0, *(p.low for p in panel.points))
    high = max(p.high for p in panel.points) * 1.05
    left = min(94.0, *(p.complete - 2 for p in panel.points))

    def x(value: float) -> float:
        return (value - left) / (101 - left) * WIDTH

    def y(value: float) -> float:
        return HEIGHT - (value - low) / (high - low) * HEIGHT

    parts = [f'<text x="0" y="-6" font-size="14" font-weight="bold">{escape(panel.title)}</text>']
    step = 0.5 if high - low < 4 else 1.0
    ticks = [n * step for n in range(int(low / step) - 1, int(high / step) + 1)]
    for tick in ticks:
        if low <= tick <= high:
            parts.append(_line(0, y(tick), WIDTH, y(tick), GRID))
            parts.append(f'<text x="-8" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.1f}</text>')
    every = 2 if left > 90 else 5 if left > 75 else 20
    for percent in range(every * (int(left) // every + 1), 101, every):
        parts.append(_line(x(percent), 0, x(percent), HEIGHT, GRID))
        parts.append(
            f'<text x="{x(percent):.1f}" y="{HEIGHT + 16}" text-anchor="middle">{percent} %</text>'
        )
    ordered = sorted(panel.points, key=lambda p: -p.cost)
    names_y: dict[str, list[float]] = {"start": [], "end": []}
    for point in ordered:
        color = {"adaptive": MINE, "legacy": OLD}.get(point.name, "#557")
        at_x, at_y = x(point.complete), y(point.cost)
        parts.append(_line(at_x, y(point.low), at_x, y(point.high), color))
        parts.append(f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="4" fill="{color}"/>')
        anchor, name_x = ("start", at_x + 9) if at_x < WIDTH * 0.6 else ("end", at_x - 9)
        name_y = at_y + 4
        while any(abs(name_y - other) < 13 for other in names_y[anchor]):
            name_y += 13
        names_y[anchor].append(name_y)
        parts.append(
            f'<text x="{name_x:.1f}" y="{name_y:.1f}" text-anchor="{anchor}" fill="{color}">'
            f"{escape(point.name)}</text>"
        )
    return "".join(parts)


def _line(x1: float, y1: float, x2: float, y2: float, color: str) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{color}" stroke-width="1.3"/>'
    )
