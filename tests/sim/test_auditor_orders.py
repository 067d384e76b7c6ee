"""One order judged by its terms alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.sim.auditor_book import ENTRY, STOP, TARGET, PlanBook
from surefill.sim.auditor_orders import fill_faults, order_faults, path_faults
from surefill.sim.auditor_terms import PlanTerms
from tests.sim.test_auditor_book import UNIT, book, order

CENT = UNIT // 100


def terms(**changes: object) -> PlanTerms:
    return replace(book().terms, **changes)  # type: ignore[arg-type]


def kinds(made: PlanBook, *args: str, **fields: object) -> list[str]:
    (role,) = args
    return [one.kind for one in order_faults(made, order("o", role, **fields))]  # type: ignore[arg-type]


def test_an_ordinary_entry_is_fine() -> None:
    entry = order("e", ENTRY, sign=1, px=150)
    assert path_faults(terms(), entry) == []
    assert order_faults(book(), entry) == []


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"limit_px": 150 * UNIT + 16 * CENT}, "limit"),
        ({"limit_px": 150 * UNIT + CENT // 2}, "tick"),
        ({"limit_px": None}, "tick"),
        ({"order_qty": UNIT // 2}, "qty"),
        ({"order_qty": 0}, "qty"),
        ({"sign": -1}, "side"),
    ],
)
def test_entries_that_are_wrong(fields: dict[str, object], kind: str) -> None:
    assert kinds(book(), ENTRY, **{"sign": 1, "px": 150, **fields}) == [kind]


def test_a_short_entry_is_bounded_from_below() -> None:
    assert kinds(book("SELL"), ENTRY, sign=-1, limit_px=150 * UNIT - 15 * CENT) == []
    assert kinds(book("SELL"), ENTRY, sign=-1, limit_px=150 * UNIT - 16 * CENT) == ["limit"]


def test_an_exit_that_adds_is_on_the_wrong_side() -> None:
    assert kinds(book(), STOP, sign=1) == ["side"]
    assert kinds(book(), STOP, stop_px=None) == ["tick"]


@pytest.mark.parametrize(("target_px", "is_fine"), [(152, True), (149, False), (148, False)])
def test_a_stop_lies_below_the_target_of_a_long(target_px: int, is_fine: bool) -> None:
    made = book()
    made.add(order("t", TARGET, group="g", px=target_px))
    faults = order_faults(made, order("s", STOP, group="g"))
    assert (faults == []) is is_fine


def test_paths() -> None:
    bracket = order("e", ENTRY, sign=1, ord_type="MARKET", contingency="BRACKET", limit_px=None)
    limit = order("e", ENTRY, sign=1, px=150)
    assert [one.code for one in path_faults(terms(), bracket)] == ["I23", "I1"]
    assert path_faults(terms(is_smart=False), bracket) == []
    assert [one.code for one in path_faults(terms(is_smart=False), limit)] == ["I23"]
    assert [one.code for one in path_faults(terms(rr_ppb=UNIT), limit)] == ["I15"]
    assert [one.code for one in path_faults(terms(claimed_worst_px=UNIT), limit)] == ["I1"]


def test_fills_of_the_legacy_path_are_uncapped() -> None:
    assert [one.code for one in fill_faults(terms(), 151 * UNIT)] == ["I1"]
    assert fill_faults(terms(), 150 * UNIT) == []
    assert fill_faults(terms(is_smart=False), 151 * UNIT) == []
