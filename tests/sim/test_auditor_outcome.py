"""The claimed outcome against the book (I5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.sim.auditor_book import FLATTEN, STOP, TARGET, PlanBook
from surefill.sim.auditor_outcome import NEWS_NS, claim_faults
from surefill.sim.auditor_terms import Claim
from tests.sim.test_auditor_book import UNIT, book, order

COST = 100 * 150 * UNIT * UNIT


def closed(role: str = TARGET, shares: int = 100) -> PlanBook:
    """100 in at 150, ``shares`` out at 152, nothing live."""
    made = book()
    exit_order = order("x", role, px=152)
    made.add(exit_order)
    made.execute(exit_order, px=152 * UNIT, qty=shares * UNIT)
    made.live.clear()
    return made


def claim(outcome: str, shares: int = 100, **changes: object) -> Claim:
    cost = shares * 152 * UNIT * UNIT
    made = Claim("a", outcome, 100 * UNIT, COST, shares * UNIT, cost, None)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_truth_is_accepted() -> None:
    assert claim_faults(closed(), claim("CLOSED_TARGET", ended_ns=9), 9) == []
    assert claim_faults(closed(STOP), claim("CLOSED_STOP"), 9) == []
    assert claim_faults(closed(FLATTEN), claim("CLOSED_TIME"), None) == []
    missed = replace(claim("NOT_ENTERED", 0), entry_qty=0, entry_cost=0)
    assert (
        claim_faults(book(held=0), missed, 9)[0].sentence == "1 order(s) still live after the end"
    )


@pytest.mark.parametrize(
    ("made", "said", "word"),
    [
        (closed(), None, "no outcome"),
        (closed(), claim("GONE"), "nine"),
        (closed(), claim("CLOSED_TARGET", entry_cost=COST + 1), "entry cost"),
        (closed(), claim("CLOSED_TARGET", exit_qty=UNIT), "exit quantity 1,"),
        (closed(), claim("CLOSED_STOP"), "target orders filled"),
        (closed(), claim("NOT_ENTERED"), "100 shares were entered"),
        (closed(TARGET, 60), claim("CLOSED_TARGET", 60), "40 shares still held"),
        (closed(), claim("CLOSED_TARGET", ended_ns=8), "still execute when"),
    ],
)
def test_what_differs_is_said(made: PlanBook, said: Claim | None, word: str) -> None:
    assert any(word in fault.sentence for fault in claim_faults(made, said, 9))


def test_nothing_entered_cannot_be_closed() -> None:
    empty = book(held=0)
    empty.live.clear()
    said = replace(claim("CLOSED_TARGET", 0), entry_qty=0, entry_cost=0)
    assert [one.sentence for one in claim_faults(empty, said, None)] == [
        "CLOSED_TARGET, but nothing was entered"
    ]


def test_an_external_close_explains_what_is_missing() -> None:
    made = closed(TARGET, 60)
    made.account_position = 0
    assert claim_faults(made, claim("CLOSED_EXTERNAL", 60), 9) == []


def test_shares_that_others_closed_were_not_closed_by_us() -> None:
    made = closed(FLATTEN, 60)
    made.account_position, made.external_qty = 0, 40 * UNIT
    assert claim_faults(made, claim("CLOSED_MIXED", 60), 9) == []
    found = [one.sentence for one in claim_faults(made, claim("CLOSED_FLATTEN", 60), 9)]
    assert found == ["CLOSED_FLATTEN, but 40 shares were closed by others"]


def test_handed_over_means_covered() -> None:
    made = book()
    said = claim("HANDED_OVER", 0)
    assert [one.sentence for one in claim_faults(made, said, None)] == [
        "handed over without full cover"
    ]
    made.add(order("s", STOP))
    assert claim_faults(made, said, None) == []


def test_who_hands_over_may_not_have_heard_of_the_last_execution() -> None:
    made = book()
    stop = order("s", STOP)
    made.add(stop)
    made.execute(stop, px=149 * UNIT, qty=40 * UNIT, at_ns=10 * NEWS_NS)
    made.account_position = 0
    before = claim("HANDED_OVER", 0)
    assert claim_faults(made, replace(before, ended_ns=10 * NEWS_NS + 1), None) == []
    assert claim_faults(made, replace(before, ended_ns=11 * NEWS_NS), None) != []
    assert claim_faults(made, before, None) != []
    wrong = replace(before, ended_ns=10 * NEWS_NS + 1, exit_qty=1)
    assert claim_faults(made, wrong, None) != []
