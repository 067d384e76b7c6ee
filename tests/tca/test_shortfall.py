"""Implementation shortfall: worked examples by hand and from print, and the exact sum."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from surefill.core.units import NANO
from surefill.tca.facts import Fate
from surefill.tca.parent import Execution, Marks
from surefill.tca.shortfall import shortfall_of
from tests.tca.parents import START_NS, USD, fill, parent, px


def test_a_purchase_worked_by_hand() -> None:
    """100 wanted at 100.00; 60 at 100.05 (mid 100.03); 40 missed, then offered at 100.20; $1."""
    found = shortfall_of(
        parent(
            fills=(fill(60, "100.05", "100.03"),),
            fees=USD,
            marks=Marks(arrival_px=px("100.01"), end_cost=40 * 10020 * USD // 100),
        )
    )
    assert found is not None
    assert found.delay == 60 * USD // 100
    assert found.timing == 120 * USD // 100
    assert found.spread == 120 * USD // 100
    assert found.opportunity == 8 * USD
    assert found.total == 12 * USD
    assert found.ppb == 1_200_000, "12 of 10,000 dollars: 12 bps"
    assert found.part_ppb(found.spread) == 120_000
    assert found.part_ppb(None) is None


def test_the_textbook_purchase() -> None:
    """CFA level III exercise: 1,000 at 40.00; 700 at 40.05 after a close at 40.04, cancelled at
    40.08, commission 17. Published: 0.04 + 0.02 + 0.07 + 0.06 = 0.19 %."""
    found = shortfall_of(
        parent(
            order_qty=1000 * NANO,
            signal_px=px("40"),
            fills=(fill(700, "40.05", "40.04"),),
            fees=17 * USD,
            marks=Marks(arrival_px=px("40.04"), end_cost=300 * 4008 * USD // 100),
        )
    )
    assert found is not None
    parts = (found.delay, found.timing, found.spread, found.opportunity, found.fees)
    assert parts == (28 * USD, 0, 7 * USD, 24 * USD, 17 * USD)
    assert found.ppb == 1_900_000


def test_a_textbook_sale() -> None:
    """5,000 XYZ decided at 40.00, worked from 39.50: 4,000 sold at 39.70 for $75, then 39.00.
    Components in print: delay 2,000, trading -800, missed 1,000, explicit 75."""
    found = shortfall_of(
        parent(
            sign=-1,
            order_qty=5000 * NANO,
            signal_px=px("40"),
            fills=(fill(4000, "39.70", "39.50"),),
            fees=75 * USD,
            marks=Marks(arrival_px=px("39.50"), end_cost=1000 * 39 * USD),
        )
    )
    assert found is not None
    parts = (found.delay, found.timing, found.spread, found.opportunity, found.fees)
    assert parts == (2000 * USD, 0, -800 * USD, 1000 * USD, 75 * USD)
    assert found.total == 2275 * USD


def test_a_missed_plan_is_all_opportunity_and_sensitive_to_when() -> None:
    missed = parent(marks=Marks(end_cost=100 * 10020 * USD // 100))
    found, later = shortfall_of(missed), shortfall_of(missed, missed_cost=100 * 101 * USD)
    assert found is not None
    assert later is not None
    assert (found.total, found.opportunity) == (20 * USD, 20 * USD)
    assert (found.delay, found.timing, found.spread) == (0, 0, 0)
    assert later.total == 100 * USD


def test_unknown_is_none_and_never_free() -> None:
    assert shortfall_of(parent()) is None, "nobody knows what the missed shares would have cost"
    done = parent(fills=(fill(100, "100.02", "100.01"),))
    assert shortfall_of(replace(done, fate=Fate.PENDING)) is None
    assert shortfall_of(replace(done, signal_px=None)) is None
    assert shortfall_of(replace(done, order_qty=0)) is None
    without_arrival = shortfall_of(done)
    assert without_arrival is not None
    assert (without_arrival.total, without_arrival.spread) == (2 * USD, None)
    blind = replace(done, fills=(fill(100, "100.02"),), marks=Marks(arrival_px=px("100")))
    found = shortfall_of(blind)
    assert found is not None
    assert found.timing is None


PRICES = st.integers(min_value=1, max_value=10**13)
FILLS = st.lists(st.tuples(st.integers(1, 10**13), PRICES, PRICES), max_size=4)


@given(FILLS, PRICES, PRICES, PRICES, st.integers(-(10**20), 10**20), st.sampled_from([1, -1]))
def test_the_parts_are_the_whole_to_the_last_unit(
    done: list[tuple[int, int, int]], paper: int, arrival: int, end: int, fees: int, sign: int
) -> None:
    fills = tuple(Execution(qty, at, START_NS, mid) for qty, at, mid in done)
    entered_qty = sum(one.qty for one in fills)
    missed_qty = 12_345
    found = shortfall_of(
        parent(
            sign=sign,
            order_qty=entered_qty + missed_qty,
            signal_px=paper,
            fills=fills,
            fees=fees,
            marks=Marks(arrival_px=arrival, end_cost=end * missed_qty),
        )
    )
    assert found is not None
    assert found.delay is not None
    assert found.timing is not None
    assert found.spread is not None
    parts = found.delay + found.timing + found.spread + found.opportunity + found.fees
    direct = sum(one.qty * (one.px - paper) for one in fills) + missed_qty * (end - paper)
    assert parts == found.total == sign * direct + fees
