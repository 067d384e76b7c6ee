"""The board: last values, bars, and their wire form."""

from __future__ import annotations

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import to_nano
from surefill.sim.alpaca.bars import NS_PER_MINUTE
from surefill.sim.alpaca.board import (
    STATUS_WORDS,
    Board,
    bar_fields,
    quote_fields,
    status_fields,
    trade_fields,
)
from surefill.sim.market import PrintEvent, QuoteEvent, StatusEvent
from tests.support.bench import START_NS


def prints(*rows: tuple[int, str, str]) -> Board:
    board = Board()
    for offset_ns, price, size in rows:
        ns = START_NS + offset_ns
        board.apply(PrintEvent("A", Print(to_nano(price), to_nano(size), ns, ns)))
    return board


def test_a_silent_symbol_is_unknown() -> None:
    assert Board().get("A") is None


def test_quotes_and_statuses_are_kept() -> None:
    board = Board()
    nbbo = Nbbo(to_nano("99.5"), to_nano(100), 0, 0, START_NS, START_NS)
    board.apply(QuoteEvent("A", nbbo))
    board.apply(StatusEvent("A", TradingStatus.HALTED, START_NS))
    state = board.get("A")
    assert state is not None
    assert state.nbbo == nbbo
    assert state.status is TradingStatus.HALTED
    assert quote_fields(nbbo) == {
        "bx": "V",
        "bp": 99.5,
        "bs": 100,
        "ax": "V",
        "ap": 0,
        "as": 0,
        "c": ["R"],
        "z": "C",
    }


def test_a_minute_bar_runs_and_a_new_one_starts() -> None:
    board = prints((0, "10", "100"), (1, "12", "50"), (2, "9", "50"))
    state = board.get("A")
    assert state is not None
    assert state.minute is not None
    assert bar_fields(state.minute) == {
        "o": 10,
        "h": 12,
        "l": 9,
        "c": 9,
        "v": 200,
        "n": 3,
        "vw": 10.25,
    }
    later = prints((0, "10", "100"), (NS_PER_MINUTE, "11", "1")).get("A")
    assert later is not None
    assert later.minute is not None
    assert later.day is not None
    assert bar_fields(later.minute)["v"] == 1
    assert bar_fields(later.day)["v"] == 101
    assert later.print_count == 2


def test_a_new_day_starts_a_new_daily_bar() -> None:
    state = prints((0, "10", "100"), (86_400 * 10**9, "20", "1")).get("A")
    assert state is not None
    assert state.day is not None
    assert bar_fields(state.day)["o"] == 20


def test_prints_and_statuses_on_the_wire() -> None:
    print_ = Print(to_nano("100.01"), to_nano(42), START_NS, START_NS)
    assert trade_fields(print_, 7)["i"] == 7
    assert trade_fields(print_, 7)["p"] == 100.01
    assert set(STATUS_WORDS) == set(TradingStatus)
    assert set(status_fields(TradingStatus.HALTED)) == {"sc", "sm", "rc", "rm", "z"}


def test_a_changed_print_changes_its_bars() -> None:
    rows = [(0, "10", "100"), (1, "12", "50"), (NS_PER_MINUTE, "11", "1")]
    board = prints(*rows)
    state = board.get("A")
    assert state is not None
    assert board.symbols() == ["A"]
    changed = board.change_print("A", 2, None)
    assert changed.old.px == to_nano(12)
    assert changed.bar is not None
    assert bar_fields(changed.bar)["h"] == 10
    assert state.day is not None
    assert bar_fields(state.day)["v"] == 101
    assert board.change_print("A", 3, Print(to_nano(20), to_nano(2), 0, 0)).bar is None
    assert state.minute is not None
    assert bar_fields(state.minute)["h"] == 20
    assert [bar.start_ns for bar in state.closed_minutes(START_NS + NS_PER_MINUTE)] == [
        START_NS // NS_PER_MINUTE * NS_PER_MINUTE
    ]


def test_a_minute_or_a_day_may_lose_its_last_print() -> None:
    board = prints((0, "10", "100"), (NS_PER_MINUTE, "11", "1"))
    state = board.get("A")
    assert state is not None
    assert board.change_print("A", 2, None).bar is None
    assert (state.minute, len(state.minutes)) == (None, 1)
    assert state.last_minute(START_NS + NS_PER_MINUTE) is state.minutes[0]
    board.change_print("A", 1, None)
    assert (state.minutes, state.day, state.last_minute(START_NS)) == ([], None, None)
    ns = START_NS + 2 * NS_PER_MINUTE
    board.apply(PrintEvent("A", Print(to_nano(5), to_nano(1), ns, ns)))
    assert state.day is not None
    assert bar_fields(state.day)["o"] == 5
