"""A parent and its marks: paper prices, missed shares, results, and what a market adds."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.fix import Leg
from surefill.core.units import NANO
from surefill.tca.facts import Fate
from surefill.tca.parent import HORIZONS_NS, Closing, Marks, Paper, Parent, marked
from tests.tca.parents import SECOND_NS, START_NS, USD, fill, market, parent, px

CLOSE_NS = START_NS + 3600 * SECOND_NS


def closed(out: str, sign: int = 1) -> Parent:
    exit_ = Closing(Leg.TARGET, 100 * NANO, px(out), START_NS + 50 * SECOND_NS)
    return parent(fills=(fill(100, "100.02"),), closings=(exit_,), sign=sign)


def test_paper_is_decision_then_signal_then_arrival() -> None:
    marks = Marks(arrival_px=px("99"))
    assert (parent(decision_px=px("98")).paper, parent().paper) == (Paper.DECISION, Paper.SIGNAL)
    assert parent(decision_px=px("98")).paper_px == px("98")
    assert parent(signal_px=None, marks=marks).paper is Paper.ARRIVAL
    assert parent(signal_px=None, marks=marks).paper_px == px("99")
    assert parent(signal_px=None).paper is Paper.UNKNOWN
    assert parent(signal_px=None).paper_px is None


def test_the_decision_price_is_what_the_source_says_else_the_mid_then() -> None:
    tape = market((0, "99.98", "100.02"), (5, "100.10", "100.12"))
    later_ns = START_NS + 5 * SECOND_NS
    assert marked(parent(decision_ns=later_ns), tape).decision_px == px("100.11")
    assert marked(parent(decision_ns=later_ns, decision_px=px("98")), tape).decision_px == px("98")
    assert marked(parent(), tape).decision_px is None
    assert marked(parent(decision_ns=START_NS - SECOND_NS), tape).decision_px is None


def test_missed_shares_of_an_entry_that_works_are_none_yet() -> None:
    assert parent(fills=(fill(40, "100"),)).missed_qty == 60 * NANO
    assert parent(fills=(fill(130, "100"),)).missed_qty == 0
    assert parent(fate=Fate.PENDING).missed_qty == 0
    assert parent(fate=Fate.NOT_TRIGGERED).missed_qty == 0


def test_money_made_only_when_flat() -> None:
    assert closed("100.52").made == 50 * USD
    assert closed("100.52", sign=-1).made == -50 * USD
    assert parent(fills=(fill(100, "100"),)).made is None
    assert parent().made is None


def test_marks_of_a_missed_plan() -> None:
    tape = market(
        (0, "99.98", "100.02"), (60, "100.10", "100.12"), (360, "101", "101.02"), size=1000
    )
    found = marked(parent(), replace(tape, close_ns=CLOSE_NS)).marks
    assert found.arrival_px == px("100.00")
    assert found.arrival is not None
    assert found.arrival.ask_px == px("100.02")
    assert found.end_cost == 100 * 10012 * USD // 100
    assert found.later_cost == 100 * 10102 * USD // 100
    assert found.close_cost == found.later_cost
    assert marked(parent(), tape).marks.close_cost is None, "the tape does not reach the close"


def test_marks_of_a_fill_are_before_it_and_at_each_horizon() -> None:
    tape = market((0, "99.98", "100.02"), (1, "100.00", "100.04"), (31, "100.10", "100.14"))
    (done,) = marked(parent(fills=(fill(100, "100.02"),)), tape).fills
    assert done.mid_px == px("100.00"), "the quote of its own instant does not count"
    at_horizon = dict(zip(HORIZONS_NS, done.later_px, strict=True))
    assert at_horizon[SECOND_NS] == px("100.02")
    assert at_horizon[30 * SECOND_NS] == px("100.12")
    assert at_horizon[60 * SECOND_NS] is None, "the tape ends"


def test_what_a_market_lacks_stays_as_it_was_known() -> None:
    known = Marks(arrival_px=px("99"), end_cost=7, adverse_px=px("98"), favorable_px=px("101"))
    before = parent(fills=(fill(40, "100.02", "100.01"),), marks=known)
    after = marked(before, market())
    assert after.marks == known
    assert after.fills[0].mid_px == px("100.01")


def test_extremes_span_first_fill_to_last_exit() -> None:
    tape = market((0, "99.50", "99.52"), (20, "101", "101.02"), (51, "90", "90.02"))
    found = marked(closed("101.50"), tape).marks
    assert (found.adverse_px, found.favorable_px) == (px("99.50"), px("101.50"))
    short = marked(closed("99.40", sign=-1), tape).marks
    assert (short.adverse_px, short.favorable_px) == (px("101.02"), px("99.40"))
    blind = marked(closed("101.50"), replace(tape, age_max_ns=1)).marks
    assert blind.adverse_px is None
