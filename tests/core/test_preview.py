"""What a plan would become: prices, orders of the real machine, every reason against it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.commands import OrderSpec, SubmitOrder
from surefill.core.fix import Contingency, Leg, OrdType, Side, TimeInForce
from surefill.core.plan import Policy, TradePlan
from surefill.core.preview import Preview, Rules, order_text, percent, preview
from surefill.core.reasons import ReasonCode
from surefill.core.risk import Limits
from surefill.core.session import SessionKind
from surefill.core.units import NANO, to_nano, to_text
from surefill.tactics.registry import TACTICS
from tests.support.core import Bench

RULES = Rules(TACTICS)


def crwd(side: str = "buy", **terms: object) -> TradePlan:
    """The morning that started the project, with exits by distance unless told otherwise."""
    given = {"risk": "5.35", "rr": "2"} | terms
    if "stop" in terms:
        given |= {"risk": None, "rr": None}
    return TradePlan.of("CRWD", side, 25, plan_id="p1", signal_price="534.82", **given)  # type: ignore[arg-type]


def prices(found: Preview) -> dict[str, str]:
    return {rule.name: to_text(rule.px) for rule in found.prices}


def test_the_crwd_morning_by_level_is_denied_with_the_ratio_it_had() -> None:
    found = preview(crwd(stop="529.47", target="536.87"), RULES)
    assert not found.is_accepted
    assert [str(reason) for reason in found.reasons] == [
        "RR_BELOW_MIN: reward/risk 0.38 is below the minimum 2"
    ]
    (at_signal,) = found.cases
    assert (found.is_legacy, at_signal.name) == (False, "signal")
    assert found.plan.symbol == "CRWD"
    assert at_signal.rr_ppb == 383_177_570
    assert (found.terms, found.orders, found.prices, found.notes) == (None, (), (), ())
    assert at_signal.risk_usd == to_nano("133.75")


def test_the_crwd_morning_by_distance() -> None:
    found = preview(crwd(), RULES)
    assert found.is_accepted
    assert prices(found) == {"cap": "535.35", "worst price": "535.35", "first limit": "535.08"}
    assert [(case.name, to_text(case.entry_px)) for case in found.cases] == [
        ("signal", "534.82"),
        ("first limit", "535.08"),
        ("worst price", "535.35"),
    ]
    worst = found.cases[2]
    assert (to_text(worst.stop_px), to_text(worst.target_px)) == ("530", "546.05")
    assert worst.rr_ppb == 2 * NANO
    assert (to_text(worst.risk_usd or 0), to_text(worst.reward_usd or 0)) == ("133.75", "267.5")
    assert worst.notional_usd == found.worst_notional_usd == to_nano("13383.75")
    entry, cover = found.orders
    assert order_text(entry.spec) == "BUY 25 LIMIT 535.08 DAY"
    assert entry.spec.cl_ord_id == "sf-000000-p1-E1"
    assert entry.why == "rests at the first limit for 60 s, then the rest is cancelled"
    assert order_text(cover.spec) == "SELL 25 OCO stop 529.73 | limit 545.78 GTC"
    assert "stop 5.35 from the average fill, target 2 times as far" in cover.why


def test_rules_in_words_for_a_long() -> None:
    whys = {rule.name: rule.why for rule in preview(crwd(), RULES).prices}
    assert whys == {
        "cap": "signal + 0.1 %, rounded down to the tick",
        "worst price": "the cap",
        "first limit": "signal + buffer 0.05 %, rounded down to the tick",
    }


def test_rules_in_words_for_a_short() -> None:
    found = preview(crwd("sell"), RULES)
    whys = {rule.name: rule.why for rule in found.prices}
    assert whys == {
        "cap": "signal - 0.1 %, rounded up to the tick",
        "worst price": "the cap",
        "first limit": "signal - buffer 0.05 %, rounded up to the tick",
    }
    assert order_text(found.orders[0].spec) == "SELL_SHORT 25 LIMIT 534.56 DAY"


def test_levels_tighten_the_worst_price_and_say_so() -> None:
    found = preview(crwd(stop="529.47", target="546"), RULES)
    assert prices(found) == {"cap": "535.35", "worst price": "534.98", "first limit": "534.98"}
    whys = {rule.name: rule.why for rule in found.prices}
    assert "keeps reward/risk 2" in whys["worst price"]
    assert whys["first limit"].startswith("the worst price")
    assert found.orders[1].why.endswith("; at the plan's own levels, rounded in the trade's favour")


def test_marketable_carries_its_exits() -> None:
    found = preview(crwd(tactic="marketable"), RULES)
    (entry,) = found.orders
    assert order_text(entry.spec) == ("BUY 25 LIMIT 535.35 DAY BRACKET stop 530.00 | limit 546.05")
    assert entry.spec.contingency is Contingency.BRACKET
    assert entry.why.startswith("crosses up to the worst price, works 60 s; stop and target travel")


def test_the_legacy_path_has_no_cap() -> None:
    found = preview(crwd(), RULES, is_legacy=True)
    assert found.is_accepted
    assert (found.plan, found.is_legacy) == (crwd(), True)
    assert [note.code for note in found.notes] == [ReasonCode.UNCAPPED]
    assert (found.prices, found.worst_notional_usd) == ((), None)
    assert [case.name for case in found.cases] == ["signal"]
    (entry,) = found.orders
    assert order_text(entry.spec) == "BUY 25 MARKET DAY BRACKET stop 529.47 | limit 545.52"
    assert entry.why.startswith("legacy path")


def test_extended_hours_have_their_own_buffer() -> None:
    found = preview(crwd(), replace(RULES, kind=SessionKind.ETH))
    assert prices(found)["first limit"] == "534.92"
    assert found.orders[0].spec.extended_hours


def test_a_plans_own_policy_counts() -> None:
    plan = replace(crwd(), overrides=(("max_slippage_ppb", 0), ("fill_timeout_ns", 5 * NANO)))
    found = preview(plan, RULES)
    assert prices(found) == {"cap": "534.82", "worst price": "534.82", "first limit": "534.82"}
    assert "for 5 s" in found.orders[0].why
    assert ReasonCode.CAP_UNDER_ONE_TICK in [note.code for note in found.notes]


def test_quantity_follows_from_the_money_at_risk() -> None:
    plan = TradePlan.of(
        "ACME", "buy", plan_id="p1", signal_price="10", risk="0.5", rr="2", risk_usd="99"
    )
    found = preview(plan, RULES)
    assert found.terms is not None
    assert found.terms.order_qty == 198 * NANO
    small = preview(replace(plan, risk_usd=NANO // 10), RULES)
    assert [reason.code for reason in small.reasons] == [ReasonCode.PLAN_RISK_TOO_SMALL]
    assert small.cases[0].risk_usd is None


def test_every_problem_of_a_malformed_plan_and_nothing_else() -> None:
    plan = replace(crwd(), symbol="crwd", order_qty=0, exits=None)
    found = preview(plan, RULES)
    assert [reason.code for reason in found.reasons] == [
        ReasonCode.PLAN_SYMBOL_INVALID,
        ReasonCode.PLAN_QTY_INVALID,
        ReasonCode.EXITS_MISSING,
    ]
    assert (found.cases, found.orders) == ((), ())
    assert (found.plan, found.is_legacy) == (plan, False)
    assert preview(plan, RULES, is_legacy=True).is_legacy


def test_legacy_is_no_tactic_that_a_plan_may_ask_for() -> None:
    found = preview(crwd(tactic="legacy"), RULES)
    assert [reason.code for reason in found.reasons] == [ReasonCode.PLAN_TACTIC_UNKNOWN]


def test_limits_that_need_no_broker() -> None:
    limits = Limits(order_qty_max=24 * NANO, order_notional_max_usd=NANO, restricted=("CRWD",))
    found = preview(crwd(), replace(RULES, limits=limits))
    assert [reason.code for reason in found.reasons] == [
        ReasonCode.SYMBOL_RESTRICTED,
        ReasonCode.QTY_ABOVE_LIMIT,
        ReasonCode.NOTIONAL_ABOVE_LIMIT,
    ]
    assert found.orders  # shown all the same: what would have been sent


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("tactic", ["limit", "marketable"])
def test_the_orders_are_those_that_the_engine_sends(side: str, tactic: str) -> None:
    bench = Bench(side, tactic=tactic)
    bench.accepts("E1")
    bench.fills("E1", 100)
    bench.run(0.5)
    sent = [c.spec for _, c in bench.sent if isinstance(c, SubmitOrder)]
    shown = preview(bench.plan, replace(RULES, policy=bench.policy)).orders

    def bodies(specs: list[OrderSpec]) -> list[OrderSpec]:
        return [replace(spec, cl_ord_id="") for spec in specs]

    assert bodies([order.spec for order in shown]) == bodies(sent)


def test_words_for_orders_and_ratios() -> None:
    stop = OrderSpec(
        cl_ord_id="x",
        symbol="ACME",
        side=Side.SELL,
        ord_type=OrdType.STOP,
        tif=TimeInForce.GTC,
        order_qty=5 * NANO,
        leg=Leg.STOP,
        stop_px=to_nano("9.5"),
    )
    assert order_text(stop) == "SELL 5 STOP 9.50 GTC"
    assert percent(500_000) == "0.05 %"
    assert Rules(TACTICS, Policy()).buffer_of(Policy()) == 500_000


def test_a_breakout_is_shown_as_if_its_market_had_come() -> None:
    plan = TradePlan.of("CRWD", "buy", 25, plan_id="p1", trigger="540", risk="5.35", rr="2")
    for tactic, start in (("limit", "rests at"), ("marketable", "crosses up")):
        found = preview(replace(plan, tactic=tactic), RULES)
        assert found.prices[0].name == "trigger"
        assert found.prices[0].why == "nothing is sent before the bid has come there"
        assert found.orders[0].why.startswith(f"once triggered, {start}")
    short = TradePlan.of("CRWD", "sell", 25, plan_id="p1", trigger="540", risk="5.35", rr="2")
    assert "ask" in preview(short, RULES).prices[0].why
    (reason,) = preview(plan, RULES, is_legacy=True).reasons
    assert reason.sentence == "the legacy path enters at once: no trigger"
