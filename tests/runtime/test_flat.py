"""FLAT, or NOT_FLAT with what covers the rest."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.events import Position
from surefill.core.trade import Outcome
from surefill.core.units import NANO
from surefill.runtime.flat import Flatness, flat_report
from tests.core.test_book import COVERED, ENTERING


def test_nothing_to_close_is_flat() -> None:
    report = flat_report(())
    assert (report.is_flat, report.rows, report.uncovered_qty) == (True, (), 0)


def test_an_open_trade_is_not_flat_and_shows_its_cover() -> None:
    report = flat_report((COVERED, replace(ENTERING, outcome=Outcome.NOT_ENTERED)))
    assert report.state is Flatness.NOT_FLAT
    covered, over = report.rows
    assert (covered.position_qty, covered.covered_qty) == (100 * NANO, 100 * NANO)
    assert covered.stop_px == COVERED.wanted_exits().stop_px
    assert (over.outcome, over.position_qty, report.uncovered_qty) == (Outcome.NOT_ENTERED, 0, 0)


def test_a_named_symbol_is_flat_only_when_nobody_holds_it() -> None:
    others = (Position("NOPE", 7 * NANO), Position("ZED", -NANO))
    named = flat_report((), target="NOPE", foreign=others)
    assert (named.state, named.foreign) == (Flatness.NOT_FLAT, others[:1])
    everything = flat_report((), foreign=others)
    assert (everything.state, everything.foreign) == (Flatness.FLAT, others)
    assert flat_report((), target="FREE", foreign=others).is_flat


def test_bare_shares_are_counted() -> None:
    bare = replace(COVERED, groups=(), orders=COVERED.entries)
    assert flat_report((bare,)).uncovered_qty == 100 * NANO
