"""Brackets, OCO and OTO, scenario by scenario (spec section 3, surprises B-01, B-02, B-06)."""

from __future__ import annotations

import pytest

from surefill.core.units import NANO, to_nano
from surefill.sim.models import Delay, DelayRange, LatencyModel
from surefill.sim.types import RefusalKind
from tests.sim.venue import CLOSE_NS, ME, OPEN_NS, SYM, Floor, refusal_of


def armed_bracket(floor: Floor) -> tuple[str, str, str]:
    """A long bracket of 100, entry filled at 100.01, target 102, stop 99 in force."""
    return floor.bracket("buy", 100, "100.05", tp="102", sl="99")


def protected(*switches: str) -> tuple[Floor, str, str]:
    """A long position of 100 with an OCO: target 102, stop 99."""
    floor = Floor(*switches)
    floor.long()
    target, stop = floor.oco("sell", 100, tp="102", sl="99")
    floor.events()
    return floor, target, stop


class TestActivation:
    def test_submission_answers_with_held_legs(self) -> None:
        floor = Floor()
        sent = floor.send("buy", 100, limit="99.50", tp="102", sl="98", group="bracket", id="e")
        target, stop = sent.legs
        assert (target.held, stop.held) == (True, True)
        assert (target.limit_px, stop.stop_px) == (to_nano("102"), to_nano("98"))
        assert (target.side, stop.side) == ("SELL", "SELL")
        assert target.parent_id == stop.parent_id == sent.order_id
        assert target.submitted_ns == sent.submitted_ns
        assert (target.leg, stop.leg, sent.leg) == ("TARGET", "STOP", "ENTRY")
        assert floor.events() == ["PENDING_NEW", "HELD", "HELD"]

    def test_legs_arm_after_the_complete_fill(self) -> None:
        floor = Floor()
        entry, target, stop = armed_bracket(floor)
        assert floor.status(entry) == "FILLED"
        assert floor.status(target) == "NEW"
        assert floor.status(stop) == "HELD"
        assert floor.at(stop).armed
        arming_ns = floor.at(target).submitted_ns - (floor.at(entry).filled_ns or 0)
        assert 10_000_000 <= arming_ns <= 45_000_000

    def test_partial_entry_arms_nothing(self) -> None:
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=50)
        entry, target, stop = armed_bracket(floor)
        assert floor.filled(entry) == 50
        assert (floor.status(target), floor.at(stop).armed) == ("HELD", False)

    def test_canceled_partial_entry_leaves_its_shares_naked(self) -> None:
        """B-01: bracket 100, 50 filled, cancel: 50 shares, no exit."""
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=50)
        entry, target, stop = armed_bracket(floor)
        floor.cancel(entry)
        assert [floor.status(item) for item in (entry, target, stop)] == ["CANCELED"] * 3
        assert floor.position() == 50
        assert floor.exchange.position(ME, SYM).available_qty == 50 * NANO

    def test_kinder_switch_arms_the_filled_part(self) -> None:
        floor = Floor("partial_arms_legs=on", quote=False)
        floor.quote("99.99", "100.01", ask_size=50)
        entry, target, stop = armed_bracket(floor)
        floor.cancel(entry)
        assert floor.at(target).leaves_qty == 50 * NANO
        assert floor.at(stop).armed

    def test_completed_during_the_cancel_arms(self) -> None:
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=50)
        entry, target, stop = armed_bracket(floor)
        floor.cancel(entry, wait_ms=0)
        floor.quote("99.98", "100.00", ask_size=50)
        floor.wait()
        assert floor.status(entry) == "FILLED"
        assert (floor.status(target), floor.at(stop).armed) == ("NEW", True)

    def test_rejected_or_expired_entry_takes_its_legs_along(self) -> None:
        floor = Floor()
        first = floor.bracket("buy", 100, "99.50", tp="102", sl="98")
        second = floor.bracket("buy", 100, "99.50", tp="102", sl="98")
        floor.exchange.reject(first[0])
        floor.exchange.advance(CLOSE_NS)
        assert [floor.status(item) for item in first] == ["REJECTED", "CANCELED", "CANCELED"]
        assert [floor.status(item) for item in second] == ["EXPIRED", "CANCELED", "CANCELED"]

    def test_legs_are_rejected_when_their_shares_are_taken(self) -> None:
        """50 of 100 filled and covered by an OCO; then the entry completes: 50 shares for 100."""
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=50)
        _entry, target, stop = armed_bracket(floor)
        floor.oco("sell", 50, tp="103", sl="98")
        floor.quote("99.98", "100.00", ask_size=50)
        floor.wait()
        assert (floor.position(), floor.status(target), floor.status(stop)) == (
            100,
            "REJECTED",
            "REJECTED",
        )

    def test_kinder_switch_rejects_them_too(self) -> None:
        floor = Floor("partial_arms_legs=on", quote=False)
        floor.quote("99.99", "100.01", ask_size=50)
        entry, target, _stop = armed_bracket(floor)
        floor.oco("sell", 50, tp="103", sl="98")
        floor.cancel(entry)
        assert floor.status(target) == "REJECTED"

    def test_market_bracket_is_the_legacy_path(self) -> None:
        floor = Floor()
        entry, target, stop = floor.bracket("buy", 25, None, tp="102", sl="99")
        assert floor.status(entry) == "FILLED"
        assert (floor.status(target), floor.at(stop).armed) == ("NEW", True)

    def test_short_bracket_mirrors(self) -> None:
        floor = Floor()
        _entry, target, stop = floor.bracket("sell", 100, "99.95", tp="98", sl="101")
        assert floor.position() == -100
        assert floor.at(target).side == "BUY"
        floor.quote("101.00", "101.05")
        floor.print("101.02")
        floor.wait()
        assert (floor.status(stop), floor.position()) == ("FILLED", 0)
        assert floor.status(target) == "CANCELED"

    def test_oto_stop_goes_to_the_market_itself(self) -> None:
        floor = Floor()
        sent = floor.send("buy", 100, limit="100.05", sl="99", group="oto")
        floor.wait()
        (stop,) = sent.legs
        assert floor.status(stop.order_id) == "NEW"
        assert floor.at(stop.order_id).working
        floor.quote("98.90", "99.00")
        floor.print("98.95")
        assert floor.position() == 0

    def test_oto_target(self) -> None:
        floor = Floor()
        sent = floor.send("buy", 100, limit="100.05", tp="101", group="oto")
        floor.wait()
        assert floor.status(sent.legs[0].order_id) == "NEW"
        floor.quote("101.00", "101.02")
        assert floor.position() == 0

    def test_oco_arms_with_its_parent(self) -> None:
        floor = Floor()
        floor.long()
        sent = floor.send("sell", 100, tp="102", sl="99", group="oco")
        stop = sent.legs[0]
        assert sent.leg == "TARGET"
        assert sent.limit_px == to_nano("102")
        assert not floor.at(stop.order_id).armed
        floor.wait(50)
        assert floor.at(stop.order_id).armed

    def test_oco_sent_at_night_arms_at_the_open(self) -> None:
        floor = Floor()
        floor.long()
        floor.exchange.advance(CLOSE_NS + NANO)
        sent = floor.send("sell", 100, tp="102", sl="99", group="oco", tif="gtc")
        floor.wait(60_000)
        assert not floor.at(sent.legs[0].order_id).armed
        floor.exchange.advance(OPEN_NS + 24 * 3600 * NANO)
        assert floor.at(sent.legs[0].order_id).armed


class TestResolution:
    def test_target_fills_and_the_stop_is_canceled(self) -> None:
        floor, target, stop = protected()
        floor.quote("102.00", "102.02")
        assert (floor.status(target), floor.position()) == ("FILLED", 0)
        assert not floor.at(stop).armed, "it protects nothing from that moment"
        floor.quote("98.00", "98.05")
        floor.print("98.02")
        assert floor.position() == 0
        floor.wait()
        assert floor.status(stop) == "CANCELED"
        assert floor.events() == ["FILL", "CANCELED"]

    def test_stop_cancel_may_stay_silent(self) -> None:
        """U5, B-06: reports before 2026 saw no event for the stop."""
        floor, _target, stop = protected("sibling_cancel_event=off")
        floor.quote("102.00", "102.02")
        floor.wait()
        assert floor.status(stop) == "CANCELED"
        assert floor.events() == ["FILL"]

    def test_stop_pulls_the_target_and_then_sells(self) -> None:
        floor, target, stop = protected()
        floor.quote("98.90", "99.00")
        floor.print("98.95")
        assert floor.status(target) == "PENDING_CANCEL"
        assert floor.at(stop).triggered
        assert floor.position() == 100
        floor.wait()
        assert (floor.status(target), floor.status(stop)) == ("CANCELED", "FILLED")
        assert floor.position() == 0
        assert floor.events() == ["PENDING_CANCEL", "CANCELED", "NEW", "FILL"]

    def test_target_that_fills_while_it_is_pulled_wins(self) -> None:
        floor, target, stop = protected()
        floor.quote("98.90", "99.00")
        floor.print("98.95")
        floor.quote("102.00", "102.02")
        floor.wait()
        assert (floor.status(target), floor.status(stop)) == ("FILLED", "CANCELED")
        assert floor.position() == 0

    def test_short_oco_mirrors(self) -> None:
        floor = Floor()
        floor.short()
        target, stop = floor.oco("buy", 100, tp="98", sl="101")
        assert floor.refused("buy", 1, "market").kind is RefusalKind.INSUFFICIENT_QTY
        floor.quote("100.98", "101.00")
        floor.print("101.00")
        floor.wait()
        assert (floor.status(target), floor.status(stop)) == ("CANCELED", "FILLED")
        assert floor.position() == 0

    def test_overlapping_exits_may_both_fill(self) -> None:
        """B-02: the venue itself reverses the position."""
        floor, target, stop = protected("exit_race=overlapping")
        floor.quote("98.90", "99.00")
        floor.print("98.95")
        assert floor.status(stop) == "FILLED"
        floor.quote("102.00", "102.02")
        assert floor.status(target) == "FILLED"
        assert floor.position() == -100

    def test_overlapping_partials(self) -> None:
        """Stop at the market with 30 done, then 20 of the pulled target: each counts."""
        floor, target, stop = protected("exit_race=overlapping")
        floor.quote("98.90", "99.00", bid_size=30)
        floor.print("98.95")
        assert floor.filled(stop) == 30
        floor.quote("102.00", "102.02", bid_size=20)
        assert (floor.filled(stop), floor.filled(target)) == (50, 0), "the stop stands first"
        floor.print("102.01", 20)
        assert floor.filled(target) == 20
        floor.cancel(stop)
        assert (floor.status(stop), floor.status(target)) == ("CANCELED", "CANCELED")
        assert floor.position() == 30

    def test_rejected_stop_takes_the_target_along(self) -> None:
        floor, target, stop = protected()
        floor.exchange.reject(stop)
        floor.wait()
        assert floor.status(target) == "CANCELED"

    def test_partly_filled_target_shrinks_the_stop(self) -> None:
        """R10: target 40 of 100, then the stop sells 60; never 100 + 40."""
        floor, target, stop = protected()
        floor.quote("102.00", "102.02", bid_size=40)
        assert floor.filled(target) == 40
        assert floor.at(stop).leaves_qty == 60 * NANO
        floor.quote("98.90", "99.00")
        floor.print("98.95")
        floor.wait()
        assert (floor.filled(stop), floor.position()) == (60, 0)

    def test_stop_may_be_resized_by_replacement(self) -> None:
        floor, target, stop = protected("tp_partial_resize=replaced")
        floor.quote("102.00", "102.02", bid_size=40)
        assert floor.status(stop) == "REPLACED"
        successor = floor.at(stop).replaced_by
        assert successor is not None
        assert floor.at(successor).armed
        assert floor.at(successor).leaves_qty == 60 * NANO
        assert floor.events() == ["PARTIAL_FILL", "REPLACED", "HELD"]
        nested = floor.exchange.order(ME, target, nested=True)
        assert [leg.order_id for leg in nested.legs] == [successor]
        floor.quote("98.90", "99.00")
        floor.print("98.95")
        floor.wait()
        assert floor.position() == 0

    def test_stop_limit_leg_that_does_not_fill_stays_without_target(self) -> None:
        floor = Floor()
        floor.long()
        target, stop = floor.oco("sell", 100, tp="102", sl="99", sl_limit="98.90")
        floor.quote("97.00", "97.05")
        floor.print("97.02")
        floor.wait()
        assert (floor.status(target), floor.status(stop)) == ("CANCELED", "NEW")
        assert floor.position() == 100

    def test_day_exits_expire_together(self) -> None:
        floor, target, stop = protected()
        floor.exchange.advance(CLOSE_NS)
        assert (floor.status(target), floor.status(stop)) == ("EXPIRED", "EXPIRED")
        assert floor.position() == 100

    def test_day_exits_may_end_canceled(self) -> None:
        floor, target, stop = protected("day_terminal=canceled")
        floor.exchange.advance(CLOSE_NS + NANO)
        assert (floor.status(target), floor.status(stop)) == ("CANCELED", "CANCELED")


class TestCancel:
    @pytest.mark.parametrize("member", [0, 1], ids=["target", "stop"])
    def test_any_exit_cancels_the_group(self, member: int) -> None:
        """R18: a manual cancel of one leg takes the whole cover away."""
        floor, target, stop = protected()
        floor.cancel((target, stop)[member], wait_ms=50)
        assert floor.status(target) == "CANCELED"
        assert (floor.status(stop), floor.at(stop).armed) == ("HELD", False)
        floor.wait(200)
        assert floor.status(stop) == "CANCELED"

    def test_shares_are_free_only_after_the_last_member(self) -> None:
        floor, target, stop = protected()
        floor.exchange.cancel(ME, target)
        while floor.status(stop) != "CANCELED":
            assert floor.exchange.position(ME, SYM).available_qty == 0
            floor.wait(1)
        floor.wait(77)
        assert floor.exchange.position(ME, SYM).available_qty == 0
        floor.wait(2)
        assert floor.exchange.position(ME, SYM).available_qty == 100 * NANO

    def test_unarmed_leg_cancels_the_entry(self) -> None:
        floor = Floor()
        entry, target, stop = floor.bracket("buy", 100, "99.50", tp="102", sl="98")
        floor.cancel(target)
        assert [floor.status(item) for item in (entry, target, stop)] == ["CANCELED"] * 3

    def test_between_fill_and_arming(self) -> None:
        delays = {Delay.ARM: DelayRange(45, 45, 45)}
        floor = Floor(latency=LatencyModel(seed=1, delays=delays))
        sent = floor.send("buy", 100, limit="100.05", tp="102", sl="99", group="bracket")
        floor.wait(10)
        assert floor.position() == 100
        floor.cancel(sent.legs[0].order_id)
        assert [floor.status(leg.order_id) for leg in sent.legs] == ["CANCELED", "CANCELED"]

    def test_filled_parent_is_not_cancelable(self) -> None:
        floor = Floor()
        entry, _target, _stop = armed_bracket(floor)
        assert refusal_of(floor.cancel, entry) is RefusalKind.NOT_CANCELABLE

    def test_repeated_cancel_is_harmless(self) -> None:
        floor, target, stop = protected()
        floor.cancel(target, wait_ms=0)
        floor.cancel(stop, wait_ms=0)
        floor.cancel(stop)
        assert floor.events() == ["PENDING_CANCEL", "CANCELED", "CANCELED"]

    def test_triggered_stop_cannot_be_saved_but_canceled(self) -> None:
        floor = Floor()
        floor.long()
        _target, stop = floor.oco("sell", 100, tp="102", sl="99", sl_limit="98.90")
        floor.quote("97.00", "97.05")
        floor.print("97.02")
        floor.wait()
        floor.cancel(stop)
        assert floor.status(stop) == "CANCELED"


class TestReplace:
    def test_stop_price_of_a_held_leg(self) -> None:
        floor, target, stop = protected()
        new = floor.replace(stop, stop="99.50", wait_ms=100)
        assert floor.status(stop) == "REPLACED"
        assert floor.status(new.order_id) == "HELD"
        assert floor.at(new.order_id).armed
        assert floor.events() == ["PENDING_REPLACE", "REPLACED", "HELD"]
        floor.quote("99.40", "99.45")
        floor.print("99.44")
        floor.wait()
        assert (floor.status(new.order_id), floor.status(target)) == ("FILLED", "CANCELED")

    def test_old_stop_protects_until_the_new_one_does(self) -> None:
        floor, _target, stop = protected()
        new = floor.replace(stop, stop="98.50")
        floor.quote("98.90", "99.00")
        floor.print("98.95")
        floor.wait()
        assert floor.status(new.order_id) == "REJECTED"
        assert (floor.status(stop), floor.position()) == ("FILLED", 0)

    def test_target_moved_to_the_market_flattens(self) -> None:
        """Flatten = replace the target to marketable, when the group works (C.1.1.6)."""
        floor, target, stop = protected()
        new = floor.replace(target, limit="99.90", wait_ms=200)
        assert floor.status(new.order_id) == "FILLED"
        assert floor.position() == 0
        assert floor.status(stop) == "CANCELED"
        assert floor.at(stop).parent_id == new.order_id

    def test_entry_price_keeps_the_legs(self) -> None:
        floor = Floor()
        entry, target, stop = floor.bracket("buy", 100, "99.50", tp="102", sl="98")
        new = floor.replace(entry, limit="100.05", wait_ms=200)
        assert floor.status(new.order_id) == "FILLED"
        assert floor.status(target) == "NEW"
        assert floor.at(stop).parent_id == new.order_id

    def test_pending_member_blocks_the_group(self) -> None:
        floor, target, stop = protected()
        floor.replace(stop, stop="99.50")
        assert refusal_of(floor.cancel, target) is RefusalKind.PENDING_REPLACE
        assert refusal_of(floor.replace, target, limit="103") is RefusalKind.PENDING_REPLACE

    def test_quantity_is_fixed(self) -> None:
        floor, target, _stop = protected()
        assert refusal_of(floor.replace, target, qty=50) is RefusalKind.QTY_FIXED

    def test_levels_are_checked(self) -> None:
        floor, target, stop = protected()
        below = refusal_of(floor.replace, target, limit="98.50")
        assert below is RefusalKind.LEG_ORDER
        through = refusal_of(floor.replace, stop, stop="100.50")
        assert through is RefusalKind.STOP_NOT_BEYOND_BASE

    def test_leg_of_a_closing_group_is_not_replaceable(self) -> None:
        floor, target, stop = protected()
        floor.cancel(target, wait_ms=50)
        assert refusal_of(floor.replace, stop, stop="98") is RefusalKind.NOT_REPLACEABLE


def test_pulled_target_with_a_replacement_under_way() -> None:
    floor, target, stop = protected()
    new = floor.replace(target, limit="103")
    floor.quote("98.90", "99.00")
    floor.print("98.95")
    floor.wait()
    assert floor.status(new.order_id) == "REJECTED"
    assert (floor.status(target), floor.status(stop)) == ("CANCELED", "FILLED")
    assert floor.position() == 0
