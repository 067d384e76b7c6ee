"""The board in a terminal of 80 columns."""

from __future__ import annotations

from dataclasses import replace

from surefill.dashboard.board import Board, ForeignRow, Notice, TradeRow, board_of
from surefill.dashboard.frame import NOTICES_MAX, TRADES_MAX, WIDTH, frame_of
from surefill.dashboard.watcher import Happening
from surefill.dashboard.words import Tone
from tests.dashboard.days import look_at
from tests.support.core import Bench, covered_bench


def lines_of(board: Board, *happened: Happening) -> list[str]:
    return [text for text, _ in frame_of(board, happened, control="answers (pid 7)")]


def test_a_covered_trade_is_one_line() -> None:
    board = board_of(look_at(covered_bench()))
    lines = lines_of(board, Happening(4, "10:00:01", "TRADE", "ACME 100 at 100.01"))
    assert lines[0] == "SUREFILL  ACTIVE  1 open trade, 1 with shares, all covered"
    (row,) = [line for line in lines if line.startswith("ACME")]
    assert row.split()[:5] == ["ACME", "BUY", "COVERED", "100", "0"]
    assert "10:00:01  TRADE: ACME 100 at 100.01" in lines
    assert "control port answers (pid 7)" in " ".join(lines)


def test_what_is_bare_comes_first_and_loud() -> None:
    b = Bench()
    b.accepts("E1")
    b.fills("E1", 40)
    found = frame_of(board_of(look_at(b)), (), control="-")
    marked = [(text, tone) for text, tone in found if text.startswith("!! ")]
    assert marked[0][0].startswith("!! EXPOSED: 40 shares of ACME without a stop")
    assert marked[0][1] is Tone.BAD
    assert found[0][1] is Tone.BAD


def test_nothing_is_wider_than_the_terminal_or_moves_its_cursor() -> None:
    board = board_of(look_at(covered_bench()))
    row = board.trades[0]
    notice = Notice(Tone.BAD, "LONG", "word " * 60, "do " * 30)
    many = replace(
        board,
        trades=tuple(replace(row, phase="X" * 40, held="9" * 20) for _ in range(TRADES_MAX + 2)),
        notices=(notice,) * (NOTICES_MAX + 3),
        foreign=(ForeignRow("OTHR", "7"),) * 30,
    )
    lines = lines_of(many, Happening(1, "10:00:00", "NOTE", "\x1b[2J" + "x" * 200))
    assert max(map(len, lines)) <= WIDTH
    assert not any("\x1b" in line for line in lines)
    text = "\n".join(lines)
    assert "and 3 more" in text
    assert "and 2 more" in text
    assert "Not ours, not touched: 7 OTHR" in text


def test_of_several_targets_the_nearest_is_shown() -> None:
    board = board_of(look_at(covered_bench()))
    several = replace(board, trades=(replace(board.trades[0], target="101.20, 103.01"),))
    assert any(" 101.20+ " in line for line in lines_of(several))


def test_a_legacy_entry_has_no_cap() -> None:
    board = board_of(look_at(Bench(legacy=True)))
    assert isinstance(board.trades[0], TradeRow)
    assert not any("%/" in line for line in lines_of(board) if line.startswith("ACME"))


def test_empty_states_say_what_to_do() -> None:
    board = replace(board_of(look_at(covered_bench())), trades=(), notices=())
    assert any(line.startswith("No open trade. surefill trade") for line in lines_of(board))
    gone = replace(board, problem="no journal there", risk=None)
    lines = lines_of(gone)
    assert lines[-1] == "no journal there. Start: surefill run"
    assert "never started" in lines[0]


def test_a_journal_that_cannot_be_read_is_loud() -> None:
    calm = board_of(look_at(covered_bench()))
    notice = Notice(Tone.BAD, "BLIND: THE JOURNAL CANNOT BE READ", "no database", "Look yourself.")
    blind = replace(calm, problem="no database", is_blind=True, notices=(notice,), risk=None)
    text = "\n".join(lines_of(blind))
    assert text.startswith("SUREFILL  unknown  BLIND")
    assert "!! BLIND: THE JOURNAL CANNOT BE READ: no database Look yourself." in text
    assert "surefill run" not in text
    assert "No open trade" not in text
