"""Two paths: pairs and arms, missed plans, price improvement, groups."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.fix import Leg
from surefill.core.units import NANO
from surefill.tca import compare as module
from surefill.tca.compare import GROUPS, Comparison, block_of, improved, unlike
from surefill.tca.parent import Closing, Marks, Parent
from tests.tca.parents import START_NS, USD, fill, parent, px, quote

BPS = 100_000
DAY_NS = 86_400 * NANO
MARKS = Marks(
    arrival=quote("99.99", "100.01"), arrival_px=px("100"), end_cost=100 * 10010 * USD // 100
)


def compare(
    first: list[Parent], second: list[Parent], levels_percent: tuple[int, ...] = (0, 25, 50)
) -> Comparison | None:
    return module.compare(first, second, levels_percent=levels_percent, rounds=100)


def entered(plan_id: str, at: str, day: int = 0, **more: object) -> Parent:
    """Entered in full against a mid of 100.00 on one of the days."""
    ns = START_NS + day * DAY_NS
    return parent(plan_id, fills=(fill(100, at, "100"),), marks=MARKS, arrival_ns=ns, **more)


def missed(plan_id: str, day: int = 0) -> Parent:
    return parent(plan_id, marks=MARKS, arrival_ns=START_NS + day * DAY_NS)


def test_pairs_charge_what_was_missed() -> None:
    smart = [missed("a"), *(entered(f"p{n}", "100.01", n) for n in range(7))]
    legacy = [entered("a", "100.02"), *(entered(f"p{n}", "100.04", n) for n in range(7))]
    found = compare(smart, [*legacy, entered("other", "101")])
    assert found is not None
    assert (found.is_paired, found.plans, found.left_out) == (True, 8, 0)
    assert (found.first_only, found.second_only) == (0, 1)
    plain, quarter, half = found.levels
    assert plain.all.first == (10 + 7) * BPS // 8
    assert plain.all.second == (2 + 28) * BPS // 8
    assert (quarter.improvement_percent, half.improvement_percent) == (25, 50)
    assert half.all.second == plain.all.second // 2
    assert half.all.first == plain.all.first, "the first path never gets any"
    assert (found.first_fill_ppb, found.second_fill_ppb) == (700 * NANO // 800, NANO)


def test_without_shared_plans_the_arms_are_compared() -> None:
    found = compare([entered("a", "100.01")], [entered("b", "100.03"), missed("c")])
    assert found is not None
    assert (found.is_paired, found.plans) == (False, 3)
    assert found.levels[0].all.difference == 1 * BPS - (3 + 10) * BPS // 2
    assert found.missed_r is None


def test_plans_that_only_share_a_name_are_no_pairs() -> None:
    ours = [entered("p", "100.01"), entered("q", "100.01"), entered("alone", "100.01")]
    assert unlike(ours, [entered("p", "100.04"), missed("q")]) == ()
    assert unlike(ours, [replace(ours[0], signal_px=px("101")), ours[1]]) == ("p",)
    assert unlike(ours, [ours[0], replace(ours[1], sign=-1)]) == ("q",)
    assert unlike(ours, [replace(ours[0], signal_px=None)]) == (), "a history may not know it"
    assert unlike(ours, [entered("p", "100.01", 1, sign=-1)]) == (), "of another day"


def test_plans_without_a_known_cost_are_left_out_of_both() -> None:
    blind = replace(missed("b"), marks=Marks())
    found = compare([entered("a", "100.01"), blind], [entered("a", "100"), entered("b", "100")])
    assert found is not None
    assert (found.plans, found.left_out) == (1, 1)
    assert compare([blind], [entered("b", "100")]) is None
    assert compare([], [entered("b", "100")]) is None
    pending = replace(blind, order_qty=0)
    only = compare([pending, entered("a", "100")], [replace(pending), entered("a", "100")])
    assert only is not None
    assert only.plans == 1


def test_outcomes_of_what_was_missed_stand_in_r() -> None:
    out = Closing(Leg.TARGET, 100 * NANO, px("104"), START_NS)
    won = entered("a", "100.02", closings=(out,), rest_stop_px=px("98.02"))
    same = entered("b", "100.02", closings=(out,), rest_stop_px=px("98.02"))
    better = entered("b", "100.00", closings=(out,), rest_stop_px=px("98.00"))
    found = compare([missed("a"), better], [won, same])
    assert found is not None
    assert found.missed_r is not None
    assert (found.missed_r.count, found.missed_r.mean) == (1, px("3.98") // 2)
    assert found.same_r is not None
    assert found.same_r.mean == px("4") // 2 - px("3.98") // 2


def test_improvement_gives_back_a_part_of_what_was_paid_beyond_the_mid() -> None:
    paid = improved(entered("a", "100.05"), 25)
    assert paid.fills[0].px == px("100.0375")
    sold = improved(entered("a", "99.95", sign=-1), 50)
    assert sold.fills[0].px == px("99.975")
    earned = entered("a", "99.99")
    assert improved(earned, 50) == earned
    unknown = parent(fills=(fill(1, "100.05"),))
    assert improved(unknown, 50) == unknown


def test_every_cut_has_a_place_for_every_plan() -> None:
    cuts = dict(GROUPS)
    one = entered("a", "100")
    assert {by: name_of(one) for by, name_of in GROUPS} == {
        "symbol": "ACME",
        "side": "buy",
        "spread": "2-3 ticks",
        "price": "100 and over",
        "time": "to 15:00",
    }
    assert cuts["side"](replace(one, sign=-1)) == "sell"
    wide, tight = quote("99", "100.01"), quote("100.00", "100.01")
    assert cuts["spread"](replace(one, marks=Marks(arrival=wide))) == "over 3 ticks"
    assert cuts["spread"](replace(one, marks=Marks(arrival=tight))) == "1 tick"
    assert cuts["spread"](replace(one, marks=Marks(arrival=quote("9", "8")))) == "unknown"
    assert cuts["spread"](replace(one, marks=Marks())) == "unknown"
    assert cuts["price"](replace(one, signal_px=px("19.99"))) == "under 20"
    assert cuts["price"](replace(one, signal_px=px("20"))) == "20 to 100"
    nothing = replace(one, signal_px=None, marks=Marks())
    assert cuts["price"](nothing) == "under 20"
    hour = 3600 * NANO
    assert cuts["time"](replace(one, arrival_ns=START_NS - 1)) == "to 10:00"
    assert cuts["time"](replace(one, arrival_ns=START_NS + 5 * hour)) == "late"
    assert block_of(one) == "ACME 2026-03-02"


def test_groups_carry_their_own_estimates() -> None:
    smart = [entered("a", "100.01"), entered("b", "100.02", symbol="BETA")]
    legacy = [entered("a", "100.03"), entered("b", "100.03", symbol="BETA")]
    found = compare(smart, legacy, levels_percent=(0,))
    assert found is not None
    by_symbol = {one.name: one for one in found.levels[0].groups if one.by == "symbol"}
    assert by_symbol["ACME"].estimate.difference == -2 * BPS
    assert by_symbol["BETA"].estimate.difference == -1 * BPS
    assert by_symbol["BETA"].plans == 1


def test_a_group_that_only_one_arm_has_is_left_out() -> None:
    found = compare([entered("a", "100")], [entered("b", "100", symbol="BETA")])
    assert found is not None
    assert not [one for one in found.levels[0].groups if one.by == "symbol"]
