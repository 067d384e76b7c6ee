"""Anchoring at the fill (I14) and bounded repairs (I20)."""

from __future__ import annotations

from dataclasses import replace

from surefill.sim.auditor_book import ENTRY, STOP, TARGET
from surefill.sim.auditor_exits import COMPANION_NS, DAY_NS, MINUTE_NS, Anchor, Repairs
from surefill.sim.auditor_findings import AuditLimits
from tests.sim.test_auditor_book import UNIT, book, order

SECOND_NS = UNIT


def test_exits_that_hang_on_the_fill_are_right_at_once() -> None:
    made = book()
    made.add(order("t", TARGET, px=152, group="g"))
    made.add(order("s", STOP, group="g", status="ARMED"))
    anchor = Anchor(made)
    assert anchor.check(100 * UNIT, 5) is None
    assert anchor.off.since_ns is None


def test_exits_from_the_signal_are_wrong_until_moved() -> None:
    made = book()
    stop = order("s", STOP, px=148)
    made.add(stop)
    anchor = Anchor(made)
    assert anchor.check(100 * UNIT, 5) is None
    assert anchor.off.since_ns == 5
    stop.stop_px = 149 * UNIT
    assert anchor.check(100 * UNIT, 9) == 5
    assert "149.00, target at 152.00" in anchor.wrong_for(4_000_000).sentence


def test_once_anchored_a_stop_may_tighten_and_never_loosen() -> None:
    made = book()
    stop = order("s", STOP)
    made.add(stop)
    anchor = Anchor(made)
    assert not anchor.loosened(order("x", STOP, px=148), stop)
    anchor.check(100 * UNIT, 5)
    stop.stop_px = 150 * UNIT
    assert anchor.check(100 * UNIT, 6) is None
    assert anchor.off.since_ns is None
    assert not anchor.loosened(order("x", STOP, px=151), stop)
    assert not anchor.loosened(order("x", TARGET, px=151), stop)
    assert not anchor.loosened(order("x", STOP, px=149), stop)  # back to its anchor, no further
    assert anchor.loosened(order("x", STOP, px=148), stop)[0].code == "I14"
    stop.stop_px = 148 * UNIT
    anchor.check(100 * UNIT, 7)
    assert anchor.off.since_ns == 7
    anchor.entry_changed()
    assert anchor.off.since_ns is None
    assert not anchor.loosened(order("x", STOP, px=140), stop)


def test_nothing_is_judged_while_the_entry_works_or_nothing_is_held() -> None:
    working = book(held=40)
    working.add(order("s", STOP, px=148))
    anchor = Anchor(working)
    anchor.check(40 * UNIT, 5)
    assert anchor.off.since_ns is None
    done = book()
    done.add(order("s", STOP, px=148))
    flat = Anchor(done)
    flat.check(0, 5)
    assert flat.off.since_ns is None


def test_the_target_may_come_nearer_only_to_flatten() -> None:
    made = book()
    made.add(order("s", STOP))
    target = order("t", TARGET, px=151)
    made.add(target)
    strict = Anchor(made)
    strict.check(100 * UNIT, 5)
    assert strict.off.since_ns == 5
    flattening = Anchor(made, target_may_move=True)
    flattening.check(100 * UNIT, 5)
    assert flattening.off.since_ns is None
    target.limit_px = 153 * UNIT
    away = Anchor(made, target_may_move=True)
    away.check(100 * UNIT, 5)
    assert away.off.since_ns == 5


def test_a_flatten_turns_each_target_to_the_market_once() -> None:
    made = book()
    old = order("t", TARGET, px=152)
    turned = order("x", TARGET, px=150, chain="t")
    assert not Anchor(made).is_turned(turned, old)
    closing = Anchor(made, target_may_move=True)
    assert not closing.is_turned(order("x", STOP, chain="s"), order("s", STOP))
    assert not closing.is_turned(order("x", TARGET, px=151, chain="t"), old)  # not marketable
    assert not closing.is_turned(order("x", TARGET, chain="t", limit_px=None), old)
    assert closing.is_turned(turned, old)
    assert not closing.is_turned(order("y", TARGET, px=149, chain="t"), turned)


def test_a_leg_is_repriced_freely_once_after_each_fill() -> None:
    repairs = Repairs(AuditLimits(replaces_per_minute=1))
    for fills in (1, 2, 3):
        assert not repairs.replaced("s", fills, fills)
        assert not repairs.replaced("t", fills, fills)
    assert not repairs.replaced("s", 3, 4)
    assert [one.kind for one in repairs.replaced("s", 3, 5)] == ["minute"]
    assert not repairs.replaced("s", 3, 5 + MINUTE_NS)


def test_replacements_of_a_day_are_counted() -> None:
    repairs = Repairs(AuditLimits(replaces_per_day=2))
    repairs.new_group(UNIT, 1, 0)
    for minute in (1, 2):
        assert not repairs.new_group(UNIT, 1, minute * MINUTE_NS)
    assert [one.kind for one in repairs.new_group(UNIT, 1, 3 * MINUTE_NS)] == ["day"]
    assert not repairs.new_group(UNIT, 1, 3 * MINUTE_NS + DAY_NS)


def test_what_somebody_else_cancelled_is_made_good_freely() -> None:
    repairs = Repairs(AuditLimits(replaces_per_minute=0))
    assert not repairs.new_group(UNIT, 1, 0)
    repairs.taken_away("g")
    repairs.taken_away("g")
    assert not repairs.new_group(UNIT, 1, 1)
    assert [one.kind for one in repairs.new_group(UNIT, 1, 2)] == ["minute"]


def test_each_target_may_have_a_group_of_its_own_after_each_entry_execution() -> None:
    """Found by simulation, seed 200373: a bust and a fill of a plan with three targets within a
    second, six groups, and not a repair among them."""
    repairs = Repairs(AuditLimits(replaces_per_minute=0), targets=3)
    for n in range(3):
        assert not repairs.new_group(UNIT, 1, n)
    assert [one.kind for one in repairs.new_group(UNIT, 1, 3)] == ["minute"]
    for n in range(3):
        assert not repairs.new_group(UNIT, 2, 4 + n)
    assert repairs.new_group(UNIT, 2, 7)


def test_shares_that_never_were_need_no_second_first_cover() -> None:
    repairs = Repairs(AuditLimits(replaces_per_minute=0))
    assert not repairs.new_group(UNIT, 1, 0, qty=50, entry_qty=50)
    repairs.entered(50)
    assert repairs.new_group(UNIT, 1, 1, qty=30, entry_qty=50), "they had their cover"
    repairs.entered(20)
    assert not repairs.new_group(UNIT, 2, 2, qty=30, entry_qty=50)
    assert repairs.new_group(UNIT, 2, 3, qty=1, entry_qty=50)


def test_a_group_after_a_cancelled_one_is_a_repair_that_began_wrong() -> None:
    repairs = Repairs(AuditLimits())
    repairs.cancelled_ns = 5
    assert not repairs.new_group(UNIT, 1, 9)
    assert repairs.cancelled_ns is None
    assert not list(repairs.verdict(9 + COMPANION_NS)), "a closing order may be on its way"
    assert [(one.code, at) for one, at in repairs.verdict(10 + COMPANION_NS)] == [("I20", 9)]
    assert not list(repairs.verdict(DAY_NS)), "told once"
    repairs.cancelled_ns = 10
    assert not repairs.new_group(0, 2, 11)
    assert not list(repairs.verdict(DAY_NS))


def test_a_pair_that_is_cut_to_close_a_part_is_no_repair() -> None:
    repairs = Repairs(AuditLimits())
    repairs.cancelled_ns = 5
    assert not repairs.new_group(UNIT, 1, 9)
    repairs.closing()
    assert not list(repairs.verdict(DAY_NS))


def test_an_entry_is_not_an_exit() -> None:
    made = book()
    assert made.working_exits(STOP) == []
    assert made.live["e"].role == ENTRY


def test_a_plan_with_rules_may_tighten_and_only_that() -> None:
    made = book()
    made.terms = replace(made.terms, may_tighten=True)
    stop = order("s", STOP, px=150)
    made.add(stop)
    anchor = Anchor(made)
    anchor.check(100 * UNIT, 5)
    assert anchor.off.since_ns is None, "nearer than the anchor from the first look on"
    assert anchor.is_tightened(order("x", STOP, px=151), stop)
    assert not anchor.is_tightened(order("x", STOP, px=150), stop)
    assert not anchor.is_tightened(order("x", TARGET, px=151), stop)
    assert not anchor.is_tightened(replace(stop, stop_px=None), stop)
    stop.stop_px = 148 * UNIT
    anchor.check(100 * UNIT, 7)
    assert anchor.off.since_ns == 7
    plain = Anchor(book())
    assert not plain.is_tightened(order("x", STOP, px=151), order("s", STOP, px=150))


def test_a_stop_follows_the_market_so_often_and_no_more() -> None:
    repairs = Repairs(AuditLimits())
    for n in range(5):
        assert not repairs.tightened("s", n * SECOND_NS)
    assert repairs.tightened("other", 5 * SECOND_NS) == []
    assert repairs.tightened("s", 6 * SECOND_NS)[0].code == "I20"
    assert not repairs.tightened("s", 6 * SECOND_NS + MINUTE_NS)


def test_a_target_may_stand_at_any_of_its_places() -> None:
    made = book()
    made.terms = replace(made.terms, scale_outs=((UNIT // 2, UNIT),))
    made.add(order("s", STOP))
    nearer = order("t", TARGET, px=151)
    made.add(nearer)
    anchor = Anchor(made)
    anchor.check(100 * UNIT, 5)
    assert anchor.off.since_ns is None
    nearer.limit_px = 150 * UNIT
    again = Anchor(made)
    again.check(100 * UNIT, 5)
    assert again.off.since_ns == 5
