"""The state diagrams of the documents, drawn from the tables in the code.

What: for each machine where its states stand on the picture; the arrows come from the table. A
table in which nearly everything may follow nearly everything is drawn by its usual way alone, which
has to be legal by the table, and is written out whole beneath (`scripts/gen_docs.py`).

Must never: draw an arrow that the table does not have, or leave a state out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from scripts.draw import Drawing, Point
from surefill.core.cover import GROUP_TRANSITIONS, GroupState
from surefill.core.order import TERMINAL, TRANSITIONS, OrderState
from surefill.core.trade import PHASES, Phase

Size = tuple[float, float]
S = TypeVar("S", GroupState, Phase)

BOX: Size = (124, 34)
_O, _G, _P = OrderState, GroupState, Phase

ORDER_AT: dict[OrderState, Point] = {
    _O.UNSENT: (90, 165),
    _O.IN_FLIGHT: (330, 95),
    _O.IN_DOUBT: (330, 240),
    _O.WORKING: (570, 125),
    _O.ABSENT: (570, 330),
    _O.FILLED: (800, 60),
    _O.CANCELED: (800, 150),
    _O.EXPIRED: (800, 210),
    _O.REJECTED: (800, 270),
    _O.REPLACED: (800, 330),
}
BROKERS_ENDS = TERMINAL - {_O.ABSENT}
ENDS_CORNER, ENDS_SIZE = (722.0, 28.0), (156.0, 334.0)

GROUP_AT: dict[GroupState, Point] = {
    _G.WAITING: (90, 60),
    _G.DUE: (90, 150),
    _G.ASKED: (300, 150),
    _G.DOUBTED: (300, 260),
    _G.BARE: (510, 60),
    _G.ARMED: (510, 150),
    _G.ENDING: (700, 260),
    _G.DONE: (800, 150),
}
GROUP_WAY: tuple[tuple[GroupState, GroupState, str], ...] = (
    (_G.WAITING, _G.BARE, "entry filled"),
    (_G.BARE, _G.ARMED, "stop works"),
    (_G.ARMED, _G.BARE, ""),
    (_G.DUE, _G.ASKED, "sent"),
    (_G.ASKED, _G.ARMED, "stop works"),
    (_G.ASKED, _G.DOUBTED, "no answer"),
    (_G.DOUBTED, _G.ARMED, "found"),
    (_G.DOUBTED, _G.DUE, "not found"),
    (_G.ARMED, _G.DONE, "stop or target filled"),
    (_G.ARMED, _G.ENDING, "we ask for its end"),
    (_G.ENDING, _G.DONE, "over"),
)

PHASE_AT: dict[Phase, Point] = {
    _P.AWAITING_TRIGGER: (100, 82),
    _P.PRE_SEND: (100, 138),
    _P.IN_FLIGHT: (100, 194),
    _P.WORKING: (100, 306),
    _P.IN_DOUBT: (100, 250),
    _P.CANCELLING: (100, 430),
    _P.PARTIAL: (340, 90),
    _P.FILLED_UNCOVERED: (340, 160),
    _P.COVER_IN_FLIGHT: (580, 160),
    _P.COVERED: (580, 240),
    _P.AMENDING: (340, 240),
    _P.EXITING: (640, 310),
    _P.FLATTENING: (460, 375),
    _P.SETTLING: (840, 345),
    _P.CLOSED: (840, 430),
}
PHASE_WAY: tuple[tuple[Phase, Phase, str], ...] = (
    (_P.AWAITING_TRIGGER, _P.PRE_SEND, "triggered"),
    (_P.PRE_SEND, _P.IN_FLIGHT, ""),
    (_P.IN_FLIGHT, _P.IN_DOUBT, ""),
    (_P.IN_DOUBT, _P.WORKING, ""),
    (_P.WORKING, _P.CANCELLING, ""),
    (_P.WORKING, _P.PARTIAL, ""),
    (_P.WORKING, _P.FILLED_UNCOVERED, ""),
    (_P.PARTIAL, _P.COVER_IN_FLIGHT, ""),
    (_P.FILLED_UNCOVERED, _P.COVER_IN_FLIGHT, ""),
    (_P.COVER_IN_FLIGHT, _P.COVERED, ""),
    (_P.COVERED, _P.AMENDING, ""),
    (_P.AMENDING, _P.COVERED, ""),
    (_P.COVERED, _P.EXITING, ""),
    (_P.EXITING, _P.SETTLING, ""),
    (_P.FLATTENING, _P.SETTLING, ""),
    (_P.COVERED, _P.FLATTENING, ""),
    (_P.CANCELLING, _P.CLOSED, "not entered"),
    (_P.SETTLING, _P.CLOSED, ""),
)


def order() -> str:
    """Every arrow of the table; five ends of the broker's that may follow alike share one arrow."""
    drawing = Drawing(930, 390)
    drawing.area(ENDS_CORNER, ENDS_SIZE, look="group", radius=8)
    drawing.text((800, 378), "over, by the broker", look="quiet", size=13)
    labels: dict[tuple[OrderState, OrderState], list[str]] = {}
    for (before, what), after in TRANSITIONS.items():
        labels.setdefault((before, after), []).append(what.name)
    for before in OrderState:
        if all((before, end) in labels for end in BROKERS_ENDS):
            for end in BROKERS_ENDS:
                del labels[before, end]
            _to_ends(drawing, before)
    late = [pair for pair in labels if pair[0] in BROKERS_ENDS and pair[1] is _O.FILLED]
    if late:
        drawing.line([(845, 133), (845, 80)], tip=True)
        drawing.text((838, 107), "late FILL", anchor="end", look="quiet", size=12)
    for (before, after), names in labels.items():
        if (before, after) in late:
            continue
        words = "|".join(names)
        if (before, after) == (_O.UNSENT, _O.ABSENT):
            drawing.line([(70, 182), (70, 330), (570 - BOX[0] / 2, 330)], tip=True)
            drawing.text((240, 320), words, look="quiet", size=12)
        elif before is after:
            _again(drawing, ORDER_AT[before], words)
        else:
            both = (after, before) in labels
            places = (ORDER_AT[before], ORDER_AT[after])
            _arrow(drawing, places, words, aside=9 if both else 0, wide=(BOX[0], BOX[0]))
    for state, at in ORDER_AT.items():
        drawing.box(at, BOX, state.name)
    return drawing.svg()


def _to_ends(drawing: Drawing, state: OrderState) -> None:
    """An arrow to the group of ends, over the top where something stands between."""
    x, y = ORDER_AT[state]
    over = {_O.UNSENT: 36, _O.IN_FLIGHT: 56}.get(state)
    if over is None:
        drawing.line([(x + BOX[0] / 2, y), (ENDS_CORNER[0], y)], tip=True)
    else:
        drawing.line([(x, y - BOX[1] / 2), (x, over), (ENDS_CORNER[0], over)], tip=True)


def _again(drawing: Drawing, at: Point, words: str) -> None:
    """A loop under a box."""
    x, y = at[0] - 30, at[1] + BOX[1] / 2
    drawing.line([(x, y), (x, y + 16), (x + 30, y + 16), (x + 30, y + 1)], tip=True)
    drawing.text(
        (x + 36, y + 8 + 17 * words.count("|") / 2 + 4),
        words,
        anchor="start",
        look="quiet",
        size=12,
    )


def _wide(name: str) -> float:
    return 152 if len(name) > 13 else BOX[0]


def _leave(at: Point, way: Point, *, off: Point, wide: float) -> Point:
    """Where a line along ``way``, ``off`` the middle of a box, leaves the box."""
    reach = [
        (half - side * moved) / abs(step)
        for half, step, moved in ((wide / 2, way[0], off[0]), (BOX[1] / 2, way[1], off[1]))
        if (side := 1 if step > 0 else -1) and step
    ]
    return at[0] + off[0] + way[0] * min(reach), at[1] + off[1] + way[1] * min(reach)


def _arrow(
    drawing: Drawing, ends: tuple[Point, Point], words: str, *, aside: float, wide: Size
) -> None:
    """A straight arrow from box to box, moved to its right when there is one back."""
    (x1, y1), (x2, y2) = ends
    long = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    way = ((x2 - x1) / long, (y2 - y1) / long)
    off = (-way[1] * aside, way[0] * aside)
    start = _leave(ends[0], way, off=off, wide=wide[0])
    end = _leave(ends[1], (-way[0], -way[1]), off=off, wide=wide[1])
    drawing.line([start, end], tip=True)
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    if abs(y2 - y1) < 1:
        drawing.text((middle[0], middle[1] - 10), words, look="quiet", size=12)
        return
    # Beside the line, on the side that looks away from its twin.
    left = off[0] < 0 or (not aside and way[0] * way[1] > 0)
    at = (middle[0] + (-6 if left else 6), middle[1] + (0 if abs(way[0]) < 0.1 else 7))
    drawing.text(at, words, anchor="end" if left else "start", look="quiet", size=12)


def group() -> str:
    """The usual way of an exit group."""
    drawing = Drawing(900, 300)
    _usual(drawing, GROUP_AT, GROUP_WAY, table=GROUP_TRANSITIONS)
    return drawing.svg()


def trade() -> str:
    """The usual way of a trade."""
    drawing = Drawing(930, 475)
    for x, y, wide, high, name in (
        (20, 40, 160, 416, "getting in"),
        (250, 40, 470, 360, "holding"),
        (760, 295, 160, 161, "over"),
    ):
        drawing.area((x, y), (wide, high), look="group", radius=8)
        drawing.text((x + wide / 2, y + 16), name, look="quiet", size=13)
    drawing.line([(34, 194), (27, 194), (27, 306), (34, 306)], tip=True)
    _usual(drawing, PHASE_AT, PHASE_WAY, table=PHASES)
    return drawing.svg()


def _usual(
    drawing: Drawing,
    places: Mapping[S, Point],
    way: tuple[tuple[S, S, str], ...],
    *,
    table: Mapping[S, frozenset[S]],
) -> None:
    pairs = {(before, after) for before, after, _ in way}
    for before, after, words in way:
        if after not in table[before]:
            raise ValueError(f"{before} does not go to {after} any more: mend the drawing")
        both = (after, before) in pairs
        wide = (_wide(before.name), _wide(after.name))
        ends = (places[before], places[after])
        _arrow(drawing, ends, words, aside=9 if both else 0, wide=wide)
    for state in table:
        drawing.box(places[state], (_wide(state.name), BOX[1]), state.name)


DRAWN = {
    "docs/images/machine_order.svg": order,
    "docs/images/machine_group.svg": group,
    "docs/images/machine_trade.svg": trade,
}
"""Where a drawing stands -> what draws it."""
