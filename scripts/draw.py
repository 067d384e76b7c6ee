"""Small drawings for the documents: boxes, arrows and text as an SVG that reads in light and dark.

What: `Drawing` collects shapes and writes one SVG; `sequence` is who says what to whom, downward
in time, with a bar at the right that shows when shares were without a stop. Why not a library:
nothing has to be installed to read the documents in the repository, nothing comes from elsewhere.
Colours are classes: in the repository the drawing's own style decides by the reader's system, in
the site the page does (`scripts/site_pictures.py` takes the style out, the site has its own).

Must never: use an id or a colour in a shape; two drawings may stand in one page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

Point = tuple[float, float]

STYLE = """<style>
svg.surefill { font-family: system-ui, sans-serif; }
svg.surefill text { fill: #1f2328; }
svg.surefill .quiet { fill: #59636e; }
svg.surefill .box { fill: #f6f8fa; stroke: #818b98; }
svg.surefill .group { fill: none; stroke: #818b98; stroke-dasharray: 5 4; }
svg.surefill .line { fill: none; stroke: #59636e; }
svg.surefill .tip { fill: #59636e; }
svg.surefill .good, svg.surefill .good-tip { fill: none; stroke: #2e9e5b; }
svg.surefill .bad, svg.surefill .bad-tip { fill: none; stroke: #d64550; }
svg.surefill .good-tip { fill: #2e9e5b; }
svg.surefill .bad-tip { fill: #d64550; }
svg.surefill text.good { fill: #1f7a44; stroke: none; }
svg.surefill text.bad { fill: #c02f3b; stroke: none; }
svg.surefill .band { fill: #2e9e5b; fill-opacity: .18; }
svg.surefill .gap { fill: #d64550; fill-opacity: .25; }
@media (prefers-color-scheme: dark) {
svg.surefill text { fill: #f0f6fc; }
svg.surefill .quiet { fill: #9198a1; }
svg.surefill .box { fill: #151b23; stroke: #656c76; }
svg.surefill .line { stroke: #9198a1; }
svg.surefill .tip { fill: #9198a1; }
svg.surefill text.good { fill: #4cc47f; }
svg.surefill text.bad { fill: #ff7b85; }
}
</style>
"""
LINE_PX = 17
TIP_PX = 7


@dataclass(slots=True)
class Drawing:
    """Shapes on ``width`` x ``height`` px; text is 14 px unless it says otherwise."""

    width: int
    height: int
    _shapes: list[str] = field(default_factory=list)

    def text(
        self,
        at: Point,
        words: str,
        *,
        anchor: str = "middle",
        look: str = "",
        size: int = 14,
    ) -> None:
        """Words around a point; ``|`` begins a new line; ``at`` is the middle of all lines."""
        lines = words.split("|")
        top = at[1] - (len(lines) - 1) * LINE_PX / 2 + size * 0.35
        look_part = f' class="{look}"' if look else ""
        for n, line in enumerate(lines):
            self._shapes.append(
                f'<text x="{at[0]:g}" y="{top + n * LINE_PX:.4g}" text-anchor="{anchor}"'
                f' font-size="{size}"{look_part}>{escape(line)}</text>'
            )

    def box(self, at: Point, size: Point, words: str = "", *, look: str = "box") -> None:
        """A rounded box around a point."""
        x, y = at[0] - size[0] / 2, at[1] - size[1] / 2
        self.area((x, y), size, look=look, radius=6)
        if words:
            self.text(at, words)

    def area(self, corner: Point, size: Point, *, look: str, radius: int = 0) -> None:
        """A rectangle from its upper left corner."""
        round_part = f' rx="{radius}"' if radius else ""
        self._shapes.append(
            f'<rect x="{corner[0]:g}" y="{corner[1]:g}" width="{size[0]:g}" height="{size[1]:g}"'
            f'{round_part} class="{look}"/>'
        )

    def line(
        self, points: list[Point], *, look: str = "line", tip: bool = False, dash: bool = False
    ) -> None:
        """Straight pieces through the points; ``tip``: an arrow's head at the last."""
        way = " ".join(f"{x:g},{y:g}" for x, y in points)
        dash_part = ' stroke-dasharray="5 4"' if dash else ""
        self._shapes.append(
            f'<polyline points="{way}" class="{look}" stroke-width="1.5"{dash_part}/>'
        )
        if tip:
            self._tip(points[-2], points[-1], "tip" if look == "line" else f"{look}-tip")

    def cross(self, at: Point) -> None:
        """A small X: lost, or dead."""
        for sign in (1, -1):
            self.line([(at[0] - 6, at[1] - 6 * sign), (at[0] + 6, at[1] + 6 * sign)], look="bad")

    def _tip(self, before: Point, at: Point, look: str) -> None:
        dx, dy = at[0] - before[0], at[1] - before[1]
        long = (dx * dx + dy * dy) ** 0.5 or 1.0
        ux, uy = dx / long * TIP_PX, dy / long * TIP_PX
        corners = (
            at,
            (at[0] - ux - uy * 0.5, at[1] - uy + ux * 0.5),
            (at[0] - ux + uy * 0.5, at[1] - uy - ux * 0.5),
        )
        way = " ".join(f"{x:.4g},{y:.4g}" for x, y in corners)
        self._shapes.append(f'<polygon points="{way}" class="{look}"/>')

    def svg(self) -> str:
        """The file."""
        head = (
            f'<svg class="surefill" xmlns="http://www.w3.org/2000/svg" width="{self.width}"'
            f' viewBox="0 0 {self.width} {self.height}">\n'
        )
        return head + STYLE + "\n".join(self._shapes) + "\n</svg>\n"


@dataclass(frozen=True, slots=True)
class Say:
    """One line of a sequence. ``to`` is a lane, or ``""``: a remark at ``who``.

    ``is_lost``: it does not arrive. ``bare`` and ``held`` are shares from here on."""

    who: str
    to: str
    words: str
    is_lost: bool = False
    dies: bool = False
    starts: bool = False
    held: int | None = None
    bare: int | None = None


LANE_PX = 230
ROW_PX = 44
TOP_PX = 64
BAR_PX = 26


def sequence(lanes: list[str], says: list[Say]) -> str:
    """Who says what to whom, downward, and the shares that were held and bare meanwhile."""
    height = TOP_PX + ROW_PX * len(says) + 24
    drawing = Drawing(LANE_PX * len(lanes) + 150, height)
    across = {lane: LANE_PX * n + LANE_PX / 2 for n, lane in enumerate(lanes)}
    for lane, x in across.items():
        drawing.box((x, 26), (LANE_PX - 60, 32), lane)
        _life(drawing, x, says=says, lane=lane, height=height)
    _bar(drawing, LANE_PX * len(lanes) + 50, says=says, height=height)
    for n, say in enumerate(says):
        _say(drawing, across, say=say, y=TOP_PX + ROW_PX * n + ROW_PX / 2)
    return drawing.svg()


def _life(drawing: Drawing, x: float, *, says: list[Say], lane: str, height: int) -> None:
    """A lane's line, with a gap while its process is dead."""
    since: float | None = 42
    for n, say in enumerate(says):
        y = TOP_PX + ROW_PX * n + ROW_PX / 2
        if say.who == lane and say.dies and since is not None:
            drawing.line([(x, since), (x, y)])
            drawing.cross((x, y))
            since = None
        elif say.who == lane and say.starts:
            since = y
    if since is not None:
        drawing.line([(x, since), (x, height - 12)])


def _bar(drawing: Drawing, x: float, *, says: list[Say], height: int) -> None:
    """The bar of cover: green for covered shares, red for bare ones."""
    drawing.text((x + BAR_PX / 2, 26), "shares|held", size=13)
    held = bare = 0
    top = 0.0
    changes = [
        (TOP_PX + ROW_PX * n + ROW_PX / 2, say.held, say.bare)
        for n, say in enumerate(says)
        if say.held is not None or say.bare is not None
    ]
    for y, now_held, now_bare in [*changes, (height - 12.0, None, None)]:
        if held:
            _piece(drawing, (x, top), y, held=held, bare=bare)
        held = held if now_held is None else now_held
        bare = bare if now_bare is None else now_bare
        top = y


def _piece(drawing: Drawing, corner: Point, end: float, *, held: int, bare: int) -> None:
    drawing.area(corner, (BAR_PX, end - corner[1]), look="gap" if bare else "band")
    words, look = (f"{bare} bare", "bad") if bare else (f"{held}|covered", "good")
    middle = (corner[1] + end) / 2
    drawing.text((corner[0] + BAR_PX + 6, middle), words, anchor="start", look=look, size=12)


def _say(drawing: Drawing, across: dict[str, float], *, say: Say, y: float) -> None:
    start = across[say.who]
    if not say.to:
        drawing.text((start + 12, y), say.words, anchor="start", look="quiet", size=13)
        return
    end = across[say.to]
    way = 1 if end > start else -1
    # The words stand over the first stretch, so that they do not cross another lane's line.
    middle = start + way * LANE_PX / 2
    if say.is_lost:
        stop = start + (end - start) * 0.62
        middle = (start + stop) / 2
        drawing.line([(start, y), (stop, y)], look="bad", dash=True)
        drawing.cross((stop, y))
    else:
        drawing.line([(start, y), (end - way, y)], tip=True)
    drawing.text((middle, y - 11), say.words, size=13)
