"""The board as lines of a terminal: the essentials within 80 columns.

What: `frame_of`: what is wrong, the engine, every open trade, what was recorded last; each line
with its tone. Why lines and not widgets: the same frame goes to a terminal, a file and a test.
Invariants: no line is longer than `WIDTH`; text from outside cannot move the cursor; what is bare
or in doubt stands above everything, and what does not fit is counted.
Must never: read anything.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from surefill.dashboard.board import Board, Notice, TradeRow
from surefill.dashboard.watcher import Happening
from surefill.dashboard.words import Tone

WIDTH = 80
TRADES_MAX, NOTICES_MAX, HAPPENINGS_MAX = 12, 5, 5
MARKS = {Tone.BAD: "!! ", Tone.WARN: " ! ", Tone.GOOD: "   ", Tone.PLAIN: "   "}
HEAD = ("symbol", "side", "phase", "held", "bare", "bare for", "fill/cap", "stop", "target", "rr")
WIDTHS = (6, 4, 9, 5, 4, 8, 9, 8, 8, 9)
NUMBERS = frozenset({3, 4, 5, 7, 8})
ToneLine = tuple[str, Tone]


def frame_of(board: Board, happened: Sequence[Happening], *, control: str) -> list[ToneLine]:
    """The lines; ``control``: what the engine's control port said."""
    lines = [*_top(board, control), ("", Tone.PLAIN)]
    lines += [*_notices(board.notices)]
    if board.problem:
        said = "" if board.is_blind else f"{board.problem}. Start: surefill run"
        lines += [(text, Tone.WARN) for text in _wrapped(said)]
        return [(_clean(text), tone) for text, tone in lines]
    lines += [*_trades(board.trades)]
    if board.foreign:
        text = ", ".join(f"{one.qty} {one.symbol}" for one in board.foreign)
        lines += [(line, Tone.PLAIN) for line in _wrapped(f"Not ours, not touched: {text}")]
    lines += [("", Tone.PLAIN), *_happened(happened)]
    return [(_clean(text)[:WIDTH], tone) for text, tone in lines]


def _top(board: Board, control: str) -> Iterator[ToneLine]:
    unknown = "unknown" if board.is_blind else "never started"
    risk = board.risk.value if board.risk is not None else unknown
    yield f"SUREFILL  {risk}  {board.headline}", board.worst
    shown = {one.name: one for one in board.vitals if one.name not in ("Account", "Journal")}
    texts = [f"{name} {one.value}" for name, one in shown.items()]
    for text in _wrapped("; ".join([*texts, f"control port {control}"])):
        yield text, Tone.PLAIN


def _notices(notices: Sequence[Notice]) -> Iterator[ToneLine]:
    for notice in notices[:NOTICES_MAX]:
        said = f"{notice.title}: {notice.text}" if notice.text else notice.title
        for n, text in enumerate(_wrapped(f"{said} {notice.todo}", WIDTH - 3)):
            yield (MARKS[notice.tone] if n == 0 else "   ") + text, notice.tone
    left = len(notices) - NOTICES_MAX
    if left > 0:
        yield f"   and {left} more: surefill status", Tone.WARN
    if notices:
        yield "", Tone.PLAIN


def _trades(rows: Sequence[TradeRow]) -> Iterator[ToneLine]:
    if not rows:
        yield (
            "No open trade. surefill trade SYMBOL buy QTY --signal PX --risk USD --rr 2",
            Tone.PLAIN,
        )
        return
    yield _row(HEAD), Tone.PLAIN
    for row in rows[:TRADES_MAX]:
        yield _row(_cells(row)), row.tone
    if len(rows) > TRADES_MAX:
        yield f"and {len(rows) - TRADES_MAX} more: surefill status", Tone.WARN


def _cells(row: TradeRow) -> tuple[str, ...]:
    room = row.entry.room_percent
    entry = f"{row.entry.filled_percent}%" + ("" if room is None else f"/{room}%")
    target, *others = row.target.split(", ")
    reward = row.reward.replace(" → ", ">")
    return (
        row.symbol,
        row.side.split("_")[0],
        row.phase,
        row.held,
        row.bare,
        row.bare_for.replace(" ", ""),
        entry,
        row.stop,
        f"{target}+" if others else target,
        reward,
    )


def _row(cells: Iterable[str]) -> str:
    shown = []
    for n, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True)):
        cut = cell[:width]
        shown.append(cut.rjust(width) if n in NUMBERS else cut.ljust(width))
    return " ".join(shown).rstrip()


def _happened(happened: Sequence[Happening]) -> Iterator[ToneLine]:
    for one in list(happened)[:HAPPENINGS_MAX]:
        yield f"{one.at}  {one.kind}: {one.text}", Tone.PLAIN


def _wrapped(text: str, width: int = WIDTH) -> list[str]:
    return textwrap.wrap(text, width) or [""]


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
