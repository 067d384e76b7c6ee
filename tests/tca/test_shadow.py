"""A plan as the market order that was not sent."""

from __future__ import annotations

import pytest

from surefill.core.fix import Leg
from surefill.core.units import NANO
from surefill.tca.compare import improved
from surefill.tca.facts import Fate
from surefill.tca.parent import Closing, Marks, Parent
from surefill.tca.shadow import shadow_of
from surefill.tca.shortfall import shortfall_of
from tests.tca.parents import START_NS, USD, fill, parent, px, quote


def arrived(**more: object) -> Parent:
    """100 wanted at a signal of 100.00; offered 60 at 100.02, bid 100.00."""
    marks = Marks(
        arrival=quote("100.00", "100.02", size=60), arrival_px=px("100.01"), end_cost=10_100 * USD
    )
    return parent(**({"marks": marks} | more))  # type: ignore[arg-type]


def test_it_takes_what_is_offered_and_a_tick_worse_for_the_rest() -> None:
    shadow = shadow_of(arrived())
    assert (shadow.path, shadow.fate, shadow.missed_qty) == ("shadow", Fate.ENTERED, 0)
    (taken,) = shadow.fills
    assert (taken.qty, taken.px, taken.mid_px) == (100 * NANO, px("100.024"), px("100.01"))
    assert taken.at_ns == shadow.end_ns == START_NS
    found = shortfall_of(shadow)
    assert found is not None
    assert (found.total, found.delay, found.opportunity) == (24 * USD // 10, USD, 0)


def test_a_sale_takes_the_bid_and_is_rounded_toward_cost() -> None:
    shadow = shadow_of(arrived(sign=-1, order_qty=70 * NANO))
    assert shadow.fills[0].px == px("99.998571428"), "60 at 100.00 and 10 at 99.99: down"
    bought = shadow_of(arrived(order_qty=70 * NANO))
    assert bought.fills[0].px == px("100.021428572"), "up"


@pytest.mark.parametrize(
    "lacks",
    [
        {"marks": Marks()},
        {"marks": Marks(arrival=quote("100", "0"))},
        {"marks": Marks(arrival=quote("100", "100.02", size=0))},
        {"order_qty": 0},
        {"fate": Fate.NOT_TRIGGERED},
    ],
)
def test_without_a_quote_or_a_quantity_nothing_is_known(lacks: dict[str, object]) -> None:
    shadow = shadow_of(arrived(**lacks))
    assert (shadow.fate, shadow.fills) == (Fate.PENDING, ())
    assert shortfall_of(shadow) is None


def test_nothing_of_the_path_that_was_taken_is_left() -> None:
    taken = arrived(
        fills=(fill(100, "100.00", "100.01"),),
        closings=(Closing(Leg.TARGET, 100 * NANO, px("101"), START_NS),),
        fees=USD,
        worst_px=px("100.10"),
        uncovered_ns=5,
    )
    assert shadow_of(taken) == shadow_of(arrived())
    denied = arrived(fate=Fate.DENIED, code="MIN_RR")
    assert shadow_of(denied) == shadow_of(arrived())


def test_it_may_be_improved_like_any_market_order() -> None:
    half = improved(shadow_of(arrived()), 50)
    assert half.fills[0].px == px("100.017")
