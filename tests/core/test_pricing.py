from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from surefill.core.fix import Side
from surefill.core.plan import ExitsByDistance, ExitsByLevel, Policy, TradePlan
from surefill.core.pricing import (
    EntryTerms,
    ExitPrices,
    buffer_px,
    cap_px,
    entry_terms,
    exits_at,
    inward,
    keeps_ratio,
    legacy_terms,
    outward,
    reward_risk_ppb,
    rr_bound_px,
    rr_planned_ppb,
    static_exits,
    tighter,
)
from surefill.core.reasons import Reason
from surefill.core.units import (
    CENT,
    NANO,
    US_EQUITY_TICKS,
    TickSchedule,
    to_nano,
    to_text,
)
from tests.core.pricing_cases import (
    CASES,
    SCHEDULES,
    Exits,
    distance,
    level,
    plan_of,
    reasons_of,
    terms_of,
    under_one_tick,
)

# ------------------------------------------------------------------- the table a trader can check


@pytest.mark.parametrize(
    ("given", "prices", "unlike"),
    [row[1:] for row in CASES],
    ids=[row[0] for row in CASES],
)
def test_prices_of_the_table(given: str, prices: str, unlike: str) -> None:
    side, signal, kind, *numbers = given.split()
    options = dict(option.split("=") for option in unlike.split())
    wanted = options.get("under", "")
    plan = plan_of(side, signal, (distance if kind == "by" else level)(*numbers))
    terms = terms_of(
        plan,
        cap=options.get("cap", "0.001"),
        buffer=options.get("buffer", "0.0005"),
        ticks=options.get("ticks", "us"),
    )
    found = (terms.cap_px, terms.worst_px, terms.first_limit_px, terms.stop_px, terms.target_px)
    assert [to_text(px) for px in found] == prices.split()
    ratios = {"cap": options.get("cap", "0.001"), "buffer": options.get("buffer", "0.0005")}
    names = {"both": ["cap", "buffer"], "": []}.get(wanted, [wanted])
    assert [str(note) for note in terms.notes] == [
        under_one_tick(name, ratios[name], signal) for name in names
    ]
    assert terms.order_qty == 100 * NANO


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 30


# ------------------------------------------------------------------------------------- the CRWD


def test_crwd_as_planned_is_denied() -> None:
    plan = plan_of("long", "534.82", level("529.47", "536.87"))
    assert reasons_of(plan) == ["RR_BELOW_MIN: reward/risk 0.38 is below the minimum 2"]


def test_crwd_by_distance_never_reaches_the_ask() -> None:
    plan = plan_of("long", "534.82", distance("5.35"), order_qty=25 * NANO)
    terms = terms_of(plan, cap="0.001", buffer="0.0005")
    assert to_text(terms.first_limit_px) == "535.08"
    assert to_text(terms.worst_px) == "535.35"
    assert terms.worst_px < to_nano("536.00")
    assert terms.rr_planned_ppb == 2 * NANO
    assert terms.notes == ()


def test_crwd_as_it_happened() -> None:
    ratio = reward_risk_ppb(
        1, entry_px=to_nano("536"), stop_px=to_nano("529.47"), target_px=to_nano("536.87")
    )
    assert ratio is not None
    assert to_text(ratio // 10_000_000 * 10_000_000) == "0.13"
    terms = legacy_terms(
        plan_of("long", "534.82", level("529.47", "536.87")), Policy(), US_EQUITY_TICKS
    )
    assert isinstance(terms, EntryTerms)
    assert (to_text(terms.stop_px), to_text(terms.target_px)) == ("529.47", "536.87")


# -------------------------------------------------------------------------------------- denials


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("long 100 at 98 103.99", "RR_BELOW_MIN: reward/risk 1.99 is below the minimum 2"),
        ("short 100 at 102 97", "RR_BELOW_MIN: reward/risk 1.5 is below the minimum 2"),
        ("long 100 by 1 1.999999999", "RR_BELOW_MIN: reward/risk 1.99 is below the minimum 2"),
        ("long 100 at 100 104", "EXITS_STOP_WRONG_SIDE: stop 100 is not on the losing side of 100"),
        ("long 100 at 101 104", "EXITS_STOP_WRONG_SIDE: stop 101 is not on the losing side of 100"),
        ("short 100 at 99 96", "EXITS_STOP_WRONG_SIDE: stop 99 is not on the losing side of 100"),
        ("long 1 at 0.9 1", "EXITS_TARGET_WRONG_SIDE: target 1 is not on the winning side of 1"),
        ("short 100 at 102 104", "EXITS_TARGET_WRONG_SIDE: target 104 is not on the winning side"),
        ("long 150 by 0.019999999 2", "EXITS_DISTANCE_TOO_SMALL: stop distance 0.019999999 is"),
        ("long 100 at 99.99 101", "EXITS_DISTANCE_TOO_SMALL: stop distance 0.01 is below 0.02"),
        ("short 100 at 100.01 99", "EXITS_DISTANCE_TOO_SMALL: stop distance 0.01 is below 0.02"),
        ("long 0.5 by 0.0099 2", "EXITS_DISTANCE_TOO_SMALL: stop distance 0.0099 is below 0.01"),
        ("short 1 by 0.6 2", "EXITS_TARGET_NOT_POSITIVE: the target would be at -0.201"),
        ("short 1 by 0.4995 2", "EXITS_TARGET_NOT_POSITIVE: the target would be at 0"),
        ("long 5 by 5 2", "EXITS_LEVEL_INVALID: stop_px 0 is not a positive price"),
    ],
)
def test_a_plan_not_worth_entering_is_denied(given: str, says: str) -> None:
    side, signal, kind, *numbers = given.split()
    (reason,) = reasons_of(plan_of(side, signal, (distance if kind == "by" else level)(*numbers)))
    assert reason.startswith(says)


def test_every_reason_is_listed_at_once() -> None:
    both = reasons_of(plan_of("long", "100", level("101", "99")))
    assert [reason.partition(":")[0] for reason in both] == [
        "EXITS_STOP_WRONG_SIDE",
        "EXITS_TARGET_WRONG_SIDE",
    ]
    plan = plan_of("long", "100", distance("0.01", "1"), order_qty=None, risk_usd=1)
    assert [reason.partition(":")[0] for reason in reasons_of(plan)] == [
        "RR_BELOW_MIN",
        "EXITS_DISTANCE_TOO_SMALL",
        "PLAN_RISK_TOO_SMALL",
    ]


@pytest.mark.parametrize(
    ("signal", "exits"),
    [("150", distance("0.02")), ("0.5", distance("0.01")), ("100", level("99.98", "101"))],
)
def test_the_smallest_distance_is_enough(signal: str, exits: Exits) -> None:
    assert terms_of(plan_of("long", signal, exits), cap="0", buffer="0").stop_px > 0


def test_the_minimum_may_be_nothing() -> None:
    plan = plan_of("short", "1.0004", level("1.02", "0.9991"))
    terms = entry_terms(plan, Policy(min_rr_ppb=0), US_EQUITY_TICKS, buffer_ppb=0)
    assert isinstance(terms, EntryTerms)
    assert (to_text(terms.worst_px), to_text(terms.target_px)) == ("0.9994", "0.9991")


# ---------------------------------------------------------------------------------------- sizing


@pytest.mark.parametrize(
    ("exits", "risk_usd", "shares"),
    [
        (distance("1.5"), "150", 100),
        (distance("1.6"), "150", 93),
        (distance("1.5"), "149.99", 99),
        (level("98", "110"), "210", 100),  # at the worst price 100.10 a share risks 2.10
        (level("98", "110"), "209.99", 99),
    ],
)
def test_the_quantity_follows_from_the_risk(exits: Exits, risk_usd: str, shares: int) -> None:
    plan = plan_of("long", "100", exits, order_qty=None, risk_usd=to_nano(risk_usd))
    terms = terms_of(plan, cap="0.001", buffer="0.0005")
    assert terms.order_qty == shares * NANO


def test_a_risk_that_buys_no_share_is_denied() -> None:
    plan = plan_of("long", "100", distance("1.5"), order_qty=None, risk_usd=to_nano("1.49"))
    assert reasons_of(plan) == [
        "PLAN_RISK_TOO_SMALL: USD at risk 1.49 buys no whole share at 1.5 risk per share"
    ]


def test_no_risk_per_share_gives_no_quantity() -> None:
    # Rounded inward, the worst price falls onto the stop: there a share risks nothing.
    plan = plan_of("long", "100.004", level("100", "100.05"), order_qty=None, risk_usd=NANO)
    assert [
        reason.partition(":")[0] for reason in reasons_of(plan, Policy(max_slippage_ppb=0))
    ] == [
        "EXITS_DISTANCE_TOO_SMALL",
        "PLAN_RISK_TOO_SMALL",
    ]


# ----------------------------------------------------------------------------- exits from fills


@pytest.mark.parametrize(
    ("side", "fills", "stop", "target"),
    [
        ("long", [(37, "100.05")], "98.05", "104.05"),
        ("long", [(37, "100.05"), (20, "100.03")], "98.05", "104.05"),  # VWAP 100.04298
        ("long", [(100, "99.40")], "97.4", "103.4"),  # an improved price moves both along
        ("short", [(1, "99.95"), (2, "99.96")], "101.95", "95.95"),  # VWAP 99.95666
        ("short", [(288, "47.07")], "49.07", "43.07"),
    ],
)
def test_exits_by_distance_hang_on_the_fill(
    side: str, fills: list[tuple[int, str]], stop: str, target: str
) -> None:
    plan = plan_of(side, "100", distance("2"))
    cost = sum(shares * NANO * to_nano(px) for shares, px in fills)
    qty = sum(shares * NANO for shares, _ in fills)
    exits = exits_at(plan, US_EQUITY_TICKS, cost=cost, qty=qty)
    assert (to_text(exits.stop_px), to_text(exits.target_px)) == (stop, target)


def test_exits_by_level_stay_where_they_were_drawn() -> None:
    plan = plan_of("long", "100", level("98", "104"))
    for px in ("90", "100", "100.10"):
        exits = exits_at(plan, US_EQUITY_TICKS, cost=to_nano(px) * NANO, qty=NANO)
        assert exits == ExitPrices(to_nano("98"), to_nano("104"))


def test_a_plan_without_exits_must_not_get_here() -> None:
    with pytest.raises(ValueError, match="plan p has no exits"):
        exits_at(plan_of("long", "100", None), US_EQUITY_TICKS, cost=1, qty=1)


# ------------------------------------------------------------------------------------ legacy path


def test_the_legacy_path_has_neither_cap_nor_gate() -> None:
    plan = plan_of("short", "100", level("102", "99"))
    terms = legacy_terms(plan, Policy(), US_EQUITY_TICKS)
    assert isinstance(terms, EntryTerms)
    assert terms.rr_planned_ppb == NANO // 2
    assert [note.code.name for note in terms.notes] == ["UNCAPPED"]
    assert (to_text(terms.cap_px), to_text(terms.first_limit_px)) == ("99.9", "99.95")


def test_the_legacy_path_sizes_by_risk_at_the_signal() -> None:
    plan = plan_of("long", "100", level("98", "104"), order_qty=None, risk_usd=to_nano("100"))
    terms = legacy_terms(plan, Policy(), US_EQUITY_TICKS)
    assert isinstance(terms, EntryTerms)
    assert terms.order_qty == 50 * NANO
    reasons = legacy_terms(replace(plan, risk_usd=NANO), Policy(), US_EQUITY_TICKS)
    assert isinstance(reasons, tuple)
    assert str(reasons[0]) == (
        "PLAN_RISK_TOO_SMALL: USD at risk 1 buys no whole share at 2 risk per share"
    )


def test_the_legacy_path_refuses_exits_on_the_wrong_side_too() -> None:
    reasons = legacy_terms(plan_of("long", "100", level("101", "104")), Policy(), US_EQUITY_TICKS)
    assert isinstance(reasons, tuple)
    assert [reason.code.name for reason in reasons] == ["EXITS_STOP_WRONG_SIDE"]


# --------------------------------------------------------------------------------- small pieces


def test_reward_risk_needs_a_risk() -> None:
    assert reward_risk_ppb(1, entry_px=100, stop_px=100, target_px=104) is None
    assert reward_risk_ppb(-1, entry_px=100, stop_px=99, target_px=96) is None
    assert reward_risk_ppb(1, entry_px=100, stop_px=97, target_px=101) == NANO // 3
    assert reward_risk_ppb(-1, entry_px=100, stop_px=102, target_px=101) == -NANO // 2


def test_the_planned_ratio() -> None:
    by_level, ticks = plan_of("long", "100", level("98", "104.01")), US_EQUITY_TICKS
    assert rr_planned_ppb(by_level, ticks, static_exits(by_level, ticks)) == 2_005_000_000
    by_distance = plan_of("long", "100", distance("1", "2.5"))
    assert rr_planned_ppb(by_distance, ticks, ExitPrices(0, 0)) == 2_500_000_000
    assert rr_planned_ppb(by_level, ticks, ExitPrices(to_nano("100"), to_nano("104"))) == 0


def test_inward_costs_less_and_outward_risks_less() -> None:
    half = to_nano("150.075")
    assert to_text(inward(US_EQUITY_TICKS, 1, numerator=half)) == "150.07"
    assert to_text(inward(US_EQUITY_TICKS, -1, numerator=half)) == "150.08"
    assert to_text(outward(US_EQUITY_TICKS, 1, numerator=half)) == "150.08"
    assert to_text(outward(US_EQUITY_TICKS, -1, numerator=half)) == "150.07"
    assert (tighter(1, 5, 6), tighter(-1, 5, 6)) == (5, 6)


# ------------------------------------------------------------------------------------ properties

SIDES = st.sampled_from(["long", "short"])
TICKS = st.sampled_from(list(SCHEDULES.values()))
RATIOS = st.integers(0, 20_000_000)
PRICES = st.one_of(st.integers(NANO // 2, 2 * NANO), st.integers(NANO // 100, 5000 * NANO))


@st.composite
def plans(draw: st.DrawFn) -> TradePlan:
    side, signal = draw(SIDES), draw(PRICES)
    sign = 1 if side == "long" else -1
    risk = draw(st.integers(signal // 1000, signal // 4))
    ratio = draw(st.integers(NANO, 6 * NANO))
    exits: Exits = ExitsByDistance(risk, ratio)
    if draw(st.booleans()):
        target = signal + sign * risk * ratio // NANO
        assume(target > 0)
        exits = ExitsByLevel(signal - sign * risk, target)
    return plan_of(side, to_text(signal), exits)


def accepted(plan: TradePlan, policy: Policy, ticks: TickSchedule, buffer_ppb: int) -> EntryTerms:
    terms = entry_terms(plan, policy, ticks, buffer_ppb=buffer_ppb)
    assume(isinstance(terms, EntryTerms))
    assert isinstance(terms, EntryTerms)
    return terms


@settings(deadline=None)
@given(plans(), RATIOS, RATIOS, TICKS)
def test_no_limit_is_beyond_the_cap(
    plan: TradePlan, cap_ppb: int, buffer_ppb: int, ticks: TickSchedule
) -> None:
    terms = accepted(plan, Policy(max_slippage_ppb=cap_ppb), ticks, buffer_ppb)
    sign, exact_cap = plan.sign, plan.signal_px * (NANO + plan.sign * cap_ppb)
    assert sign * (terms.cap_px * NANO - exact_cap) <= 0
    assert sign * (terms.worst_px - terms.cap_px) <= 0
    assert sign * (terms.first_limit_px - terms.worst_px) <= 0
    for px in (terms.cap_px, terms.worst_px, terms.first_limit_px, terms.stop_px, terms.target_px):
        assert ticks.holds(px)
    assert cap_px(plan, Policy(max_slippage_ppb=cap_ppb), ticks) == terms.cap_px
    exact_buffer = plan.signal_px * (NANO + sign * buffer_ppb)
    assert sign * (buffer_px(plan, buffer_ppb, ticks) * NANO - exact_buffer) <= 0


@settings(deadline=None)
@given(plans(), RATIOS, TICKS, st.integers(0, 2 * NANO), st.fractions(0, 1))
def test_every_possible_fill_keeps_the_ratio(
    plan: TradePlan, cap_ppb: int, ticks: TickSchedule, min_rr_ppb: int, share: Fraction
) -> None:
    """From the worst price to the stop's side of the signal and beyond: reward/risk >= minimum."""
    policy = Policy(max_slippage_ppb=cap_ppb, min_rr_ppb=min_rr_ppb)
    terms = accepted(plan, policy, ticks, 0)
    sign = plan.sign
    better_px = plan.signal_px - sign * plan.signal_px // 10
    fill_px = terms.worst_px + int((better_px - terms.worst_px) * share)
    if sign * (terms.worst_px - fill_px) < 0:
        fill_px = terms.worst_px
    exits = exits_at(plan, ticks, cost=fill_px * NANO, qty=NANO)
    risk = sign * (fill_px - exits.stop_px)
    reward = sign * (exits.target_px - fill_px)
    assume(isinstance(plan.exits, ExitsByDistance) or risk > 0)  # a fill beyond the level's stop
    assert risk > 0
    assert reward * NANO >= min_rr_ppb * risk
    assert keeps_ratio(sign, fill_px, exits=exits, min_rr_ppb=min_rr_ppb)


@given(SIDES, PRICES, PRICES, st.integers(0, 10 * NANO), TICKS)
def test_the_bound_is_the_last_price_that_keeps_the_ratio(
    side: str, first: int, second: int, min_rr_ppb: int, ticks: TickSchedule
) -> None:
    sign = 1 if side == "long" else -1
    low, high = sorted((first, second))
    levels = ExitsByLevel(low, high) if sign > 0 else ExitsByLevel(high, low)
    exits = ExitPrices(levels.stop_px, levels.target_px)
    bound = rr_bound_px(levels, sign, min_rr_ppb=min_rr_ppb, ticks=ticks)
    assert keeps_ratio(sign, bound, exits=exits, min_rr_ppb=min_rr_ppb)
    beyond = bound + sign * max(ticks.tick_at(bound), ticks.tick_at(bound - sign))
    if sign > 0 or ticks.tick_at(bound - 1) == ticks.tick_at(bound):
        assert not keeps_ratio(sign, beyond, exits=exits, min_rr_ppb=min_rr_ppb)


@given(plans(), st.integers(1, 1000), PRICES, PRICES, TICKS)
def test_exits_of_any_fill_risk_no_more_and_reward_no_less(
    plan: TradePlan, shares: int, first_px: int, second_px: int, ticks: TickSchedule
) -> None:
    assume(isinstance(plan.exits, ExitsByDistance))
    assert isinstance(plan.exits, ExitsByDistance)
    qty = (shares + 7) * NANO
    cost = shares * NANO * first_px + 7 * NANO * second_px
    exits = exits_at(plan, ticks, cost=cost, qty=qty)
    vwap = Fraction(cost, qty)
    assert plan.sign * (vwap - exits.stop_px) <= plan.exits.risk_px
    promised = Fraction(plan.exits.rr_ppb * plan.exits.risk_px, NANO)
    assert plan.sign * (exits.target_px - vwap) >= promised
    for px in (exits.stop_px, exits.target_px):
        assert px <= 0 or ticks.holds(px)


# ---------------------------------------------------------------------------- a million, exactly

MILLION = 1_000_000


@pytest.fixture
def untraced() -> Iterator[None]:
    """Coverage off: it makes a million cases four times as slow, and others cover these lines."""
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)


@pytest.mark.slow
@pytest.mark.usefixtures("untraced")
def test_a_ratio_of_exactly_the_minimum_is_accepted_a_million_times() -> None:
    """The gate's own comparison, on tick-valid levels: no tolerance, no noise, either way."""
    rng = Random(14)
    draw = rng.random
    for n in range(MILLION):
        sign = 1 if n & 1 else -1
        tick = CENT if n & 2 else CENT // 100
        unit = 1 + int(draw() * 40)
        # k = hundredths / 100 exactly; the risk is a multiple of 100 ticks, so k * risk is on tick.
        hundredths = 1 + int(draw() * 1000)
        risk = 100 * unit * tick
        reward = hundredths * unit * tick
        signal = reward + risk + int(draw() * 100_000) * tick
        exits = ExitPrices(signal - sign * risk, signal + sign * reward)
        minimum = hundredths * (NANO // 100)
        if not keeps_ratio(sign, signal, exits=exits, min_rr_ppb=minimum):
            pytest.fail(f"case {n}: exactly {minimum} refused for {exits} at {signal}")
        if keeps_ratio(sign, signal, exits=exits, min_rr_ppb=minimum + 1):
            pytest.fail(f"case {n}: {minimum} accepted as {minimum + 1} for {exits} at {signal}")
        if keeps_ratio(sign, signal + sign, exits=exits, min_rr_ppb=minimum):
            pytest.fail(f"case {n}: a worse price accepted for {exits} at {signal}")


@pytest.mark.usefixtures("untraced")
def test_plans_of_exactly_the_minimum_are_accepted_whole() -> None:
    """The same through the whole gate: accepted, and the worst price is the signal itself."""
    rng = Random(15)
    for n in range(5_000):
        side = "long" if n & 1 else "short"
        sign = 1 if n & 1 else -1
        unit, hundredths = rng.randint(1, 40), rng.randint(1, 1000)
        risk, reward = 100 * unit * CENT, hundredths * unit * CENT
        signal = reward + risk + rng.randint(100, 100_000) * CENT
        plan = TradePlan(
            plan_id="p",
            symbol="X",
            side=Side.BUY if side == "long" else Side.SELL_SHORT,
            signal_px=signal,
            exits=ExitsByLevel(signal - sign * risk, signal + sign * reward),
            order_qty=NANO,
        )
        policy = Policy(min_rr_ppb=hundredths * (NANO // 100))
        terms = entry_terms(plan, policy, US_EQUITY_TICKS, buffer_ppb=NANO // 2000)
        assert isinstance(terms, EntryTerms), (n, terms)
        assert terms.worst_px == signal
        stricter = replace(policy, min_rr_ppb=policy.min_rr_ppb + 1)
        denied = entry_terms(plan, stricter, US_EQUITY_TICKS, buffer_ppb=NANO // 2000)
        assert isinstance(denied, tuple)
        assert all(isinstance(reason, Reason) for reason in denied)


@pytest.mark.slow
@pytest.mark.usefixtures("untraced")
def test_exits_of_a_million_fills_are_on_the_grid_and_keep_the_promise() -> None:
    """(price, d, k) at random (diary A-14): risk <= d and reward >= k * d, exactly."""
    rng = Random(16)
    draw = rng.random
    schedules = list(SCHEDULES.values())
    for n in range(MILLION // 50):
        sign = 1 if n & 1 else -1
        ticks = schedules[n >> 1 & 1]
        low_px = NANO // 2 if n & 4 else 20 * NANO  # a quarter of a dollar around $1, or anywhere
        width = NANO if n & 4 else 980 * NANO
        risk = 2 * CENT + int(draw() * low_px) // 8
        ratio = NANO + int(draw() * 3 * NANO)
        plan = plan_of("long" if sign > 0 else "short", "1", ExitsByDistance(risk, ratio))
        for _ in range(50):
            shares = 1 + int(draw() * 500)
            cost = shares * (low_px + int(draw() * width)) + int(draw() * shares)
            exits = exits_at(plan, ticks, cost=cost, qty=shares)
            stop_px, target_px = exits.stop_px, exits.target_px
            if not (
                stop_px % ticks.tick_at(stop_px) == 0
                and target_px % ticks.tick_at(target_px) == 0
                and 0 < sign * (cost - stop_px * shares) <= risk * shares
                and sign * (target_px * shares - cost) * NANO >= ratio * risk * shares
            ):
                pytest.fail(f"plan {plan.exits}, cost {cost} of {shares}: {exits}")
