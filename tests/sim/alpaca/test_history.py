"""Rows by number and by time; corrections; the price at an instant."""

from __future__ import annotations

import pytest

from surefill.core.market import Nbbo, Print
from surefill.sim.alpaca.history import Rows, SymbolHistory


def test_rows_by_number_and_time() -> None:
    rows = Rows(2)
    assert (rows.first, rows.last) == (1, 0)
    for ns in (10, 20, 20, 30):
        rows.add((ns, ns * 2))
    assert rows.get(1) == (10, 20)
    assert [rows.number_from(ns) for ns in (0, 10, 11, 20, 21, 31)] == [1, 1, 2, 2, 4, 5]
    rows.put(2, (20, 7))
    assert rows.get(2) == (20, 7)
    for number in (0, 5):
        with pytest.raises(KeyError):
            rows.get(number)


def test_the_oldest_half_goes_and_numbers_stay() -> None:
    rows = Rows(1, rows_max=4)
    for ns in range(1, 8):
        rows.add((ns,))
    assert (rows.first, rows.last) == (5, 7)
    assert rows.get(6) == (6,)
    assert rows.number_from(6) == 6


def test_corrections_and_marks() -> None:
    history = SymbolHistory()
    assert history.mark_px(100) is None
    history.add_quote(Nbbo(90, 1, 110, 1, 5, 5))
    history.add_quote(Nbbo(0, 0, 110, 1, 6, 6))
    assert (history.mark_px(5), history.mark_px(6)) == (100, None)
    history.add_print(Print(101, 2, 10, 10))
    history.add_print(Print(102, 3, 11, 11))
    assert (history.mark_px(9), history.mark_px(10), history.mark_px(99)) == (None, 101, 102)
    assert history.change_print(2, Print(103, 4, 50, 50)) == Print(102, 3, 11, 11)
    assert history.print_(2) == Print(103, 4, 11, 11)
    history.change_print(1, None)
    assert history.updates == {1: "canceled", 2: "corrected"}
    assert history.prints_between(0, 12) == [Print(103, 4, 11, 11)]
    with pytest.raises(KeyError):
        history.change_print(1, None)
    assert history.quote(1).bid_px == 90
