"""Refusals that depend on the venue's state, each with the numbers a face has to show."""

from __future__ import annotations

from typing import Any

import pytest

from surefill.core.units import NANO, to_nano
from surefill.sim.assets import Asset
from surefill.sim.types import Refusal, RefusalKind
from tests.sim.venue import ME, OPEN_NS, SYM, Floor, refusal_of, shares

K = RefusalKind


class TestShares:
    def test_second_exit_is_refused(self) -> None:
        """A-21: one exit holds the shares, the next one gets 'insufficient'."""
        floor = Floor()
        floor.long()
        first = floor.order("sell", 100, "stop", stop="99")
        refusal = floor.refused("sell", 100, limit="102")
        assert refusal.kind is K.INSUFFICIENT_QTY
        assert refusal.context == {
            "symbol": SYM,
            "requested_qty": shares(100),
            "available_qty": 0,
            "existing_qty": shares(100),
            "held_qty": shares(100),
            "related_order_ids": [first],
        }

    def test_oco_holds_its_shares_once(self) -> None:
        floor = Floor()
        floor.long()
        floor.oco("sell", 60, tp="102", sl="99")
        assert floor.exchange.position(ME, SYM).available_qty == shares(40)
        floor.oco("sell", 40, tp="103", sl="98")
        assert floor.refused("sell", 1, "market").kind is K.INSUFFICIENT_QTY

    def test_armed_bracket_holds_the_shares(self) -> None:
        floor = Floor()
        _entry, target, _stop = floor.bracket("buy", 100, "100.05", tp="102", sl="99")
        refusal = floor.refused("sell", 100, "market")
        assert refusal.kind is K.INSUFFICIENT_QTY
        assert refusal.context["related_order_ids"] == [target]

    def test_replacement_of_an_exit_may_use_its_own_shares(self) -> None:
        floor = Floor()
        floor.long()
        exit_ = floor.order("sell", 60, limit="102")
        assert refusal_of(floor.replace, exit_, qty=101) is K.INSUFFICIENT_QTY
        floor.replace(exit_, qty=100, wait_ms=100)
        assert floor.exchange.position(ME, SYM).available_qty == 0

    def test_exit_rests_beside_the_working_entry(self) -> None:
        """37 of 100 filled: an OCO for 37 is accepted while 63 still work."""
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=37)
        entry = floor.order("buy", 100, limit="100.05")
        target, stop = floor.oco("sell", 37, tp="102", sl="99")
        assert (floor.status(entry), floor.status(target)) == ("PARTIALLY_FILLED", "NEW")
        assert floor.at(stop).armed


class TestIntent:
    def test_oco_must_be_an_exit(self) -> None:
        floor = Floor()
        assert floor.refused("sell", 100, tp="102", sl="99", group="oco").kind is K.NOT_EXIT
        floor.long()
        assert floor.refused("buy", 100, tp="98", sl="101", group="oco").kind is K.NOT_EXIT

    @pytest.mark.parametrize("group", ["bracket", "oto"])
    def test_bracket_and_oto_must_be_entries(self, group: str) -> None:
        floor = Floor()
        floor.short()
        legs: dict[str, Any] = {"tp": "102", "sl": "99"} if group == "bracket" else {"sl": "99"}
        assert floor.refused("buy", 10, "market", group=group, **legs).kind is K.NOT_ENTRY

    def test_no_short_sale_while_a_long_buy_is_open(self) -> None:
        floor = Floor()
        existing = floor.order("buy", 10, limit="99")
        refusal = floor.refused("sell", 10, limit="101")
        assert refusal.kind is K.OPPOSITE_INTENT
        assert refusal.context == {"existing_order_id": existing, "opening": "SELL"}

    def test_no_long_buy_while_a_short_sale_is_open(self) -> None:
        floor = Floor()
        floor.order("sell", 10, limit="101")
        assert floor.refused("buy", 10, limit="99").context["opening"] == "BUY"


class TestWashTrade:
    """Spec 1.8 and U19. A long of 100; a resting plain buy 99; then exits, and the reverse."""

    def test_plain_stop_beside_a_resting_buy(self) -> None:
        floor = Floor()
        floor.long()
        buy = floor.order("buy", 10, limit="99")
        refusal = floor.refused("sell", 100, "stop", stop="98")
        assert refusal.kind is K.WASH_TRADE
        assert refusal.context == {"existing_order_id": buy, "existing": "limit"}

    def test_resting_stop_blocks_every_plain_buy(self) -> None:
        """A-22: that is how positions become naked or entries get stuck."""
        floor = Floor()
        floor.long()
        floor.order("sell", 100, "stop", stop="98")
        assert floor.refused("buy", 10, limit="97").context["existing"] == "market/stop"
        assert floor.refused("buy", 10, "market").kind is K.WASH_TRADE

    def test_limits_that_do_not_cross_are_allowed(self) -> None:
        floor = Floor()
        floor.long()
        floor.order("sell", 100, limit="101")
        floor.order("buy", 10, limit="99")
        assert floor.refused("buy", 10, limit="101").kind is K.WASH_TRADE

    def test_limit_against_a_new_market_order(self) -> None:
        floor = Floor()
        floor.long()
        floor.order("sell", 50, limit="101")
        assert floor.refused("buy", 10, "market").kind is K.WASH_TRADE

    def test_same_side_is_no_wash_trade(self) -> None:
        floor = Floor()
        floor.order("buy", 10, limit="99")
        floor.order("buy", 10, limit="99")
        assert len(floor.orders("OPEN")) == 2

    @pytest.mark.parametrize(
        ("switch", "new_oco", "new_buy"),
        [("all_complex", True, True), ("new_only", True, False), ("none", False, False)],
    )
    def test_three_readings_of_the_exemption(
        self, switch: str, new_oco: bool, new_buy: bool
    ) -> None:
        """``new_oco``: an OCO beside a resting plain buy; ``new_buy``: the other way round."""
        floor = Floor(f"wash_exempts={switch}")
        floor.long()
        floor.order("buy", 10, limit="98.50")
        assert _accepts(floor, "sell", 100, tp="102", sl="99", group="oco") is new_oco
        floor = Floor(f"wash_exempts={switch}")
        floor.long()
        floor.oco("sell", 50, tp="102", sl="99") if switch != "none" else floor.order(
            "sell", 50, "stop", stop="99"
        )
        assert _accepts(floor, "buy", 10, limit="98.50") is new_buy

    def test_held_legs_of_a_waiting_bracket_do_not_count(self) -> None:
        floor = Floor("wash_exempts=none")
        floor.bracket("buy", 10, "99", tp="102", sl="98")
        floor.order("buy", 10, limit="99")
        assert len(floor.orders("OPEN")) == 2

    def test_replacement_meets_the_same_check(self) -> None:
        floor = Floor()
        floor.long()
        floor.order("sell", 100, limit="101")
        buy = floor.order("buy", 10, limit="99")
        assert refusal_of(floor.replace, buy, limit="101") is K.WASH_TRADE

    def test_replacement_of_a_group_member_ignores_its_own_group(self) -> None:
        floor = Floor("wash_exempts=none")
        entry, _target, _stop = floor.bracket("buy", 10, "99", tp="102", sl="98")
        floor.replace(entry, limit="99.50", wait_ms=100)
        assert floor.status(entry) == "REPLACED"


def _accepts(floor: Floor, side: str, qty: int, **terms: Any) -> bool:
    try:
        floor.send(side, qty, **terms)
    except Refusal as refusal:
        return refusal.kind is not K.WASH_TRADE
    return True


class TestLevels:
    def test_sell_stop_must_be_below_the_market(self) -> None:
        floor = Floor()
        floor.long()
        refusal = floor.refused("sell", 100, "stop", stop="100")
        assert refusal.kind is K.STOP_THROUGH_MARKET
        assert refusal.context == {
            "side": "SELL",
            "stop_px": to_nano("100"),
            "base_px": to_nano("100"),
        }

    def test_buy_stop_must_be_above_the_market(self) -> None:
        floor = Floor()
        floor.short()
        assert floor.refused("buy", 100, "stop", stop="99.50").kind is K.STOP_THROUGH_MARKET

    def test_oco_stop_through_the_market(self) -> None:
        """B-04, R13: price already through the stop when the OCO is sent."""
        floor = Floor()
        floor.long()
        floor.quote("98.50", "98.51")
        refusal = floor.refused("sell", 100, tp="102", sl="99", group="oco")
        assert refusal.kind is K.STOP_NOT_BEYOND_BASE
        assert refusal.context == {"side": "BUY", "base_px": to_nano("98.505")}

    def test_stop_exactly_one_cent_beyond_the_base_is_legal(self) -> None:
        floor = Floor(quote=False)
        floor.quote("100.00", "100.02")
        floor.long()
        floor.oco("sell", 50, tp="102", sl="100.00")
        assert (
            floor.refused("sell", 50, tp="102", sl="100.01", group="oco").kind
            is K.STOP_NOT_BEYOND_BASE
        )

    def test_bracket_bases(self) -> None:
        """Long at 99.50, market 100: stop at most 99.49, target at least 99.51."""
        floor = Floor()
        terms: dict[str, Any] = {"limit": "99.50", "group": "bracket"}
        assert (
            floor.refused("buy", 10, tp="102", sl="99.50", **terms).kind is K.STOP_NOT_BEYOND_BASE
        )
        refusal = floor.refused("buy", 10, tp="99.50", sl="99", **terms)
        assert refusal.kind is K.TARGET_NOT_BEYOND_BASE
        assert refusal.context == {"side": "BUY", "base_px": to_nano("99.50")}
        assert floor.refused("buy", 10, tp="98", sl="99", **terms).kind is K.LEG_ORDER
        floor.send("buy", 10, tp="99.51", sl="99.49", **terms)

    def test_short_bracket_bases_mirror(self) -> None:
        floor = Floor()
        terms: dict[str, Any] = {"limit": "100.50", "group": "bracket"}
        assert floor.refused("sell", 10, tp="98", sl="100.50", **terms).context == {
            "side": "SELL",
            "base_px": to_nano("100.50"),
        }
        assert floor.refused("sell", 10, tp="100.50", sl="102", **terms).kind is (
            K.TARGET_NOT_BEYOND_BASE
        )

    def test_market_bracket_is_based_on_the_market(self) -> None:
        floor = Floor()
        refusal = floor.refused("buy", 10, "market", tp="100", sl="99", group="bracket")
        assert refusal.context["base_px"] == to_nano("100")

    def test_without_a_market_only_the_legs_are_compared(self) -> None:
        floor = Floor(quote=False, assets=(Asset(symbol=SYM),))
        floor.send("buy", 1, "market", tp="102", sl="99", group="bracket")
        floor.send("buy", 1, "stop", stop="50")
        assert floor.refused("buy", 1, "market", tp="98", sl="99", group="bracket").kind is (
            K.LEG_ORDER
        )


class TestMoney:
    def test_four_times_the_cash(self) -> None:
        floor = Floor()
        refusal = floor.refused("buy", 4001, limit="100")
        assert refusal.kind is K.INSUFFICIENT_BUYING_POWER
        assert refusal.context == {
            "buying_power_usd": to_nano("400000"),
            "cost_usd": to_nano("400100"),
        }
        floor.send("buy", 4000, limit="100")

    def test_open_orders_hold_buying_power(self) -> None:
        floor = Floor()
        floor.order("buy", 3000, limit="99")
        view = floor.exchange.account_view(ME)
        assert view.buying_power_usd == to_nano("400000") - 3000 * to_nano("99")
        assert floor.refused("buy", 2000, limit="99").kind is K.INSUFFICIENT_BUYING_POWER

    def test_canceled_order_gives_it_back(self) -> None:
        floor = Floor()
        floor.cancel(floor.order("buy", 3000, limit="99"))
        assert floor.exchange.account_view(ME).buying_power_usd == to_nano("400000")

    def test_market_buy_reserves_with_a_collar(self) -> None:
        """At $50 and above 2.5 %: 3,902 shares at 100.01 * 1.025 are too many."""
        floor = Floor()
        assert floor.refused("buy", 3903, "market").context["cost_usd"] == 3903 * to_nano(
            "102.51025"
        )

    def test_short_sale_reserves_ask_plus_three_percent(self) -> None:
        floor = Floor()
        floor.order("sell", 100, limit="101")
        view = floor.exchange.account_view(ME)
        assert view.buying_power_usd == to_nano("400000") - 100 * to_nano("103.0103")

    def test_stop_entry_reserves_its_cap(self) -> None:
        floor = Floor()
        floor.order("buy", 100, "stop", stop="104")
        view = floor.exchange.account_view(ME)
        assert view.buying_power_usd == to_nano("400000") - 100 * to_nano("106.6")

    def test_cash_account_pays_in_full(self) -> None:
        floor = Floor(multiplier=1)
        assert floor.refused("buy", 1000, limit="100.01").kind is K.INSUFFICIENT_BUYING_POWER
        floor.send("buy", 999, limit="100")

    def test_replacement_pays_the_difference(self) -> None:
        floor = Floor(multiplier=1)
        order = floor.order("buy", 1000, limit="99")
        assert refusal_of(floor.replace, order, qty=1020) is K.INSUFFICIENT_BUYING_POWER
        floor.replace(order, qty=1010, wait_ms=100)
        assert floor.status(order) == "REPLACED"

    def test_outside_regular_hours_the_mid_counts(self) -> None:
        floor = Floor(start_ns=OPEN_NS - 3600 * NANO)
        refusal = floor.refused("buy", 3903, "market")
        assert refusal.context["cost_usd"] == 3903 * to_nano("102.5")


class TestAssets:
    def test_unknown_symbol(self) -> None:
        assert Floor().refused("buy", 1, "market", symbol="NOPE").kind is K.UNKNOWN_SYMBOL

    @pytest.mark.parametrize("flags", [{"tradable": False}, {"active": False}])
    def test_not_tradable(self, flags: dict[str, Any]) -> None:
        floor = Floor(assets=(Asset(symbol=SYM, **flags),))
        assert floor.refused("buy", 1, "market").kind is K.NOT_TRADABLE

    @pytest.mark.parametrize("flags", [{"shortable": False}, {"easy_to_borrow": False}])
    def test_not_shortable(self, flags: dict[str, Any]) -> None:
        floor = Floor(assets=(Asset(symbol=SYM, **flags),))
        assert floor.refused("sell", 1, "market").kind is K.NOT_SHORTABLE
        floor.long(10)
        floor.order("sell", 10, "market")
        assert floor.position() == 0, "a sale of what is held is no short sale"

    def test_account_without_margin_may_not_short(self) -> None:
        assert Floor(multiplier=1).refused("sell", 1, "market").kind is K.ACCOUNT_NOT_SHORTABLE
        assert Floor(cash="1999").refused("sell", 1, "market").kind is K.ACCOUNT_NOT_SHORTABLE

    def test_fractions_cannot_be_sold_short(self) -> None:
        assert Floor().refused("sell", "0.5", "market").kind is K.FRACTIONAL_SHORT


class TestNotional:
    def test_amount_becomes_shares_at_the_ask(self) -> None:
        floor = Floor()
        entry = floor.send("buy", 0, "market", notional="50.005")
        floor.wait()
        assert floor.at(entry.order_id).cum_qty == to_nano("0.5")
        assert entry.notional_usd == to_nano("50.005")

    def test_without_any_price_it_is_refused(self) -> None:
        floor = Floor(quote=False, assets=(Asset(symbol=SYM),))
        assert floor.refused("buy", 0, "market", notional="50").kind is K.NOT_TRADABLE

    def test_cannot_change_quantity(self) -> None:
        floor = Floor()
        order = floor.order("buy", "0.5", limit="99")
        assert refusal_of(floor.replace, order, qty=2) is K.QTY_FIXED


class TestClientIds:
    def test_accepted_orders_use_their_id_up_for_ever(self) -> None:
        floor = Floor()
        first = floor.order("buy", 1, limit="99", id="x")
        floor.cancel(first)
        refusal = floor.refused("buy", 1, limit="99", id="x")
        assert refusal.kind is K.DUPLICATE_CL_ORD_ID
        assert refusal.context == {"existing_order_id": first}
        other = floor.order("buy", 1, limit="99", id="y")
        assert refusal_of(floor.replace, other, limit="98", id="x") is K.DUPLICATE_CL_ORD_ID

    def test_refused_orders_do_not(self) -> None:
        floor = Floor()
        floor.refused("buy", 1, limit="99.005", id="x")
        floor.order("buy", 1, limit="99", id="x")


class TestReplaceable:
    def test_states(self) -> None:
        floor = Floor()
        fresh = floor.send("buy", 1, limit="99")
        assert refusal_of(floor.replace, fresh.order_id, limit="98") is K.NOT_REPLACEABLE
        floor.wait(50)
        new = floor.replace(fresh.order_id, limit="98", wait_ms=100)
        assert refusal_of(floor.replace, fresh.order_id, limit="97") is K.ALREADY_REPLACED
        floor.cancel(new.order_id, wait_ms=0)
        assert refusal_of(floor.replace, new.order_id, limit="97") is K.NOT_REPLACEABLE
        floor.wait()
        assert refusal_of(floor.replace, new.order_id, limit="97") is K.NOT_REPLACEABLE
        assert refusal_of(floor.replace, "nobody", limit="97") is K.ORDER_NOT_FOUND

    def test_fields(self) -> None:
        floor = Floor(quote=False)
        floor.quote("99.99", "100.01", ask_size=4)
        limit = floor.order("buy", 10, limit="100.01")
        cases: list[tuple[dict[str, Any], RefusalKind]] = [
            ({"limit": "100.01"}, K.UNCHANGED),
            ({"qty": 10, "tif": "day"}, K.UNCHANGED),
            ({"stop": "98"}, K.STOP_PX_UNWANTED),
            ({"limit": "99.005"}, K.SUB_PENNY),
            ({"limit": "0"}, K.BAD_PRICE),
            ({"qty": "10.5"}, K.BAD_QTY),
            ({"qty": "0"}, K.BAD_QTY),
            ({"qty": 4}, K.QTY_NOT_ABOVE_FILLED),
            ({"limit": "99", "id": "x" * 129}, K.ID_TOO_LONG),
        ]
        for terms, kind in cases:
            assert refusal_of(floor.replace, limit, **terms) is kind, terms
        floor.replace(limit, tif="gtc", wait_ms=100)

    def test_stops(self) -> None:
        floor = Floor()
        floor.long()
        stop = floor.order("sell", 100, "stop", stop="98")
        assert refusal_of(floor.replace, stop, limit="98") is K.LIMIT_PX_UNWANTED
        assert refusal_of(floor.replace, stop, stop="100.5") is K.STOP_THROUGH_MARKET
        new = floor.replace(stop, stop="99", wait_ms=100)
        floor.quote("98.90", "98.95", bid_size=0)
        floor.print("98.92")
        assert refusal_of(floor.replace, new.order_id, stop="98.5") is K.STOP_PX_UNWANTED

    def test_elected_stop_limit_is_a_limit(self) -> None:
        floor = Floor()
        floor.long()
        stop = floor.order("sell", 100, "stop_limit", stop="99", limit="98.95")
        floor.quote("98.50", "98.55")
        floor.print("98.52")
        new = floor.replace(stop, limit="98.50", wait_ms=100)
        assert floor.status(new.order_id) == "FILLED"

    def test_stop_entry_reserves_anew(self) -> None:
        floor = Floor()
        order = floor.order("buy", 100, "stop", stop="104")
        floor.replace(order, stop="102", wait_ms=100)
        view = floor.exchange.account_view(ME)
        assert view.buying_power_usd == to_nano("400000") - 100 * to_nano("104.55")
