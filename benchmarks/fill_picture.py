"""Curves in small panels as an SVG: three a row, both axes from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

SIZE, GAP, TOP = 250, 74, 66
INK, GRID = "#222", "#ddd"
COLORS = ("#0a6", "#c60", "#26c")
STEPS = (0, 25, 50, 75, 100)


@dataclass(frozen=True, slots=True)
class Curve:
    """Points (x, y) between 0 and 1."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing. ``ticks``: what stands at 0, 1/4 .. 1 of the two axes."""

    title: str
    curves: Sequence[Curve]
    x_ticks: tuple[str, ...] = tuple(f"{n}" for n in STEPS)
    y_ticks: tuple[str, ...] = tuple(f"{n}" for n in STEPS)


def picture(panels: Sequence[Panel], axes: tuple[str, str], *, diagonal: bool) -> str:
    """All panels; ``axes``: what x and y are, ``diagonal``: draw x = y."""
    rows = -(-len(panels) // 3)
    width, height = 3 * (SIZE + GAP) + 30, TOP + rows * (SIZE + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="60" y="20" font-size="14">Across: {escape(axes[0])}. Up: {escape(axes[1])}.'
        "</text>",
    ]
    for n, curve in enumerate(panels[0].curves if panels else ()):
        left = 60 + n * 170
        parts.append(
            f'<circle cx="{left}" cy="36" r="4" fill="{COLORS[n]}"/>'
            f'<text x="{left + 10}" y="40">{escape(curve.name)}</text>'
        )
    for n, panel in enumerate(panels):
        left, top = 60 + n % 3 * (SIZE + GAP), TOP + n // 3 * (SIZE + GAP) + 16
        drawn = _panel(panel, diagonal=diagonal)
        parts.append(f'<g transform="translate({left},{top})">{drawn}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, *, diagonal: bool) -> str:
    parts = [f'<text x="0" y="-6" font-weight="bold">{escape(panel.title)}</text>']
    for n in range(5):
        at = n * SIZE / 4
        parts.append(_line((at, 0), (at, SIZE), GRID) + _line((0, at), (SIZE, at), GRID))
        parts.append(
            f'<text x="{at:.0f}" y="{SIZE + 16}" text-anchor="middle">{panel.x_ticks[n]}</text>'
            f'<text x="-6" y="{SIZE - at + 4:.0f}" text-anchor="end">{panel.y_ticks[n]}</text>'
        )
    if diagonal:
        parts.append(_line((0, SIZE), (SIZE, 0), "#999"))
    # The first curve last: it lies on top.
    for n, curve in reversed(list(enumerate(panel.curves))):
        places = [(x * SIZE, SIZE - min(1.0, y) * SIZE) for x, y in curve.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        color = COLORS[n]
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in places]
    return "".join(parts)


def _line(start: tuple[float, float], end: tuple[float, float], color: str) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{color}" stroke-width="1"/>'
    )
