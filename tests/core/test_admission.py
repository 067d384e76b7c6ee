"""A plan becomes a trade or a denial with every reason."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.admission import admit, counted, gate_view, style_of
from surefill.core.events import PlanSubmitted
from surefill.core.fix import Feed, Side
from surefill.core.limits import Entered, Limits
from surefill.core.management import Management, ScaleOut
from surefill.core.plan import ExitsByDistance, Policy, TradePlan
from surefill.core.pricing import EntryTerms, legacy_terms
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.risk import GateView
from surefill.core.state import Denial
from surefill.core.tactic import ProtectionStyle
from surefill.core.trade import Arrival, Trade
from surefill.core.units import CENT, NANO, US_EQUITY_TICKS, TickBand, TickSchedule, to_nano
from surefill.tactics.registry import PLAN_TACTICS, TACTICS
from tests.core.test_risk import NOW, VIEW, plan, quote
from tests.support.core import OPEN_NS, Bench, S

HALT = Reason.of(ReasonCode.HALT_ACTIVE, why="test")


def decide(
    asked: TradePlan,
    view: GateView = VIEW,
    *,
    tactic: str = "limit",
    legacy: bool = False,
    stopped: tuple[Reason, ...] = (),
    policy: Policy | None = None,
) -> Trade | Denial:
    """What becomes of a plan."""
    return admit(
        PlanSubmitted(asked, policy or Policy(), legacy, view.now),
        view,
        tag="0a1b2c",
        tactic=TACTICS.get(tactic),
        known_tactics=PLAN_TACTICS,
        stopped=stopped,
    )


def codes(made: Trade | Denial) -> list[str]:
    """Reasons of a denial."""
    assert isinstance(made, Denial)
    assert made.at_ns == NOW
    return [reason.code.name for reason in made.reasons]


def test_a_trade_and_its_terms() -> None:
    made = decide(plan())
    assert isinstance(made, Trade)
    assert made.terms == EntryTerms(
        order_qty=100 * NANO,
        cap_px=100_100_000_000,
        worst_px=100_100_000_000,
        first_limit_px=100_050_000_000,
        stop_px=98_100_000_000,
        target_px=104_100_000_000,
        rr_planned_ppb=2 * NANO,
        notes=made.terms.notes,
    )
    assert (made.accepted_ns, made.deadline_ns) == (NOW, NOW + 60 * S)
    assert made.arrival == Arrival(100 * NANO, Feed.TEST)


def test_overrides_of_the_plan_win() -> None:
    made = decide(plan(overrides=(("fill_timeout_ns", 5 * S),)))
    assert isinstance(made, Trade)
    assert made.deadline_ns == NOW + 5 * S


def test_unreadable_plans_are_denied_before_pricing() -> None:
    assert codes(decide(plan(exits=None, symbol="lower"), stopped=(HALT,))) == [
        "PLAN_SYMBOL_INVALID",
        "EXITS_MISSING",
    ]
    assert codes(decide(plan(tactic="nobody"), tactic="nobody")) == ["PLAN_TACTIC_UNKNOWN"]


def test_priced_out_and_stopped() -> None:
    worse = TradePlan.of(
        "ACME", "buy", 1, plan_id="p1", signal_price="100", risk="2", rr="1.9", signal_ns=NOW
    )
    assert codes(decide(worse, stopped=(HALT,))) == ["HALT_ACTIVE", "RR_BELOW_MIN"]
    assert codes(decide(plan(), stopped=(HALT,))) == ["HALT_ACTIVE"]
    denial = decide(plan(), replace(VIEW, market=None))
    assert codes(denial) == ["QUOTE_MISSING"]
    assert isinstance(denial, Denial)
    assert (denial.plan, denial.is_legacy, denial.at_ns) == (plan(), False, NOW)


def test_without_an_instrument_the_usual_grid_judges_the_price() -> None:
    assert codes(decide(plan(), replace(VIEW, instrument=None))) == ["SYMBOL_UNKNOWN"]


def test_the_grid_is_the_instruments_own() -> None:
    assert VIEW.instrument is not None
    coarse = TickSchedule((TickBand(0, 5 * CENT),))
    made = decide(plan(), replace(VIEW, instrument=replace(VIEW.instrument, ticks=coarse)))
    assert isinstance(made, Trade)
    assert made.ticks == coarse


def test_several_targets_need_exits_that_are_sent_after_the_fill() -> None:
    bracket = TACTICS["legacy"]
    assert bracket.style is not ProtectionStyle.OCO
    assert style_of(plan(), bracket) is bracket.style
    parts = Management(scale_outs=(ScaleOut(NANO // 2, NANO),))
    assert style_of(plan(manage=parts), bracket) is ProtectionStyle.OCO


def test_the_legacy_path_has_its_own_terms() -> None:
    made = decide(plan(), tactic="legacy", legacy=True)
    assert isinstance(made, Trade)
    assert made.is_legacy
    assert (made.terms.stop_px, made.terms.target_px) == (98 * NANO, 104 * NANO)
    assert [note.code for note in made.terms.notes] == [ReasonCode.UNCAPPED]


def test_extended_hours_have_the_narrower_buffer() -> None:
    now = OPEN_NS - 3600 * S
    view = replace(VIEW, now=now, market=quote(alive_ns=now))
    asked = plan(extended_hours=True, signal_ns=None)
    made = decide(asked, view, policy=Policy(extended_hours=True))
    assert isinstance(made, Trade)
    assert made.terms.first_limit_px == 100_020_000_000


def test_entries_are_counted_where_a_limit_looks_back() -> None:
    made = decide(plan())
    assert isinstance(made, Trade)
    old = Entered(NOW - 61 * S, "OLD", 1, NANO, NANO)
    assert counted((old,), made, Limits()) == (old,)
    one = Entered(NOW, made.symbol, 1, 100 * NANO, 100 * NANO)
    assert counted((old,), made, Limits(entries_per_minute_max=5)) == (one,)


def test_the_legacy_path_refuses_exits_that_are_no_prices_too() -> None:
    """Found by simulation, seed 20750: the last gate held it back, and all entries with it."""
    plan = TradePlan(
        plan_id="p1",
        symbol="ACME",
        side=Side.SELL_SHORT,
        signal_px=to_nano("0.3182"),
        exits=ExitsByDistance(150_000_000, 2_500_000_000),
        order_qty=NANO,
    )
    reasons = legacy_terms(plan, Policy(), US_EQUITY_TICKS)
    assert isinstance(reasons, tuple)
    assert [reason.code.name for reason in reasons] == ["EXITS_TARGET_NOT_POSITIVE"]


def test_a_breakout_waits_for_its_trigger_whatever_the_market_of_the_moment() -> None:
    asked = replace(plan(), trigger_px=plan().signal_px, trigger_for_ns=90 * S)
    made = decide(asked, replace(VIEW, market=None))
    assert isinstance(made, Trade)
    assert made.is_waiting
    assert made.deadline_ns == NOW + 90 * S
    assert codes(decide(asked, legacy=True)) == ["PLAN_TRIGGER_LEGACY"]


def test_the_gate_sees_what_waits_apart_from_what_is_open() -> None:
    b = Bench()
    state, book, entering = b.engine.state, b.engine.book, b.trade
    waits = replace(entering.plan, plan_id="p2", trigger_px=NANO)
    book.put(replace(entering, plan=waits, orders=()))
    new = replace(waits, plan_id="p3")

    def seen(asked: PlanSubmitted | Trade) -> GateView:
        return gate_view(state, book, asked, now=b.now, limits=Limits(), market=None)

    def coming(asked: TradePlan) -> PlanSubmitted:
        return PlanSubmitted(asked, Policy(), True, b.now)

    fresh, plain = seen(coming(new)), seen(coming(replace(new, trigger_px=None)))
    assert (fresh.open_trades, fresh.other_trade, fresh.is_legacy) == (1, "p1", True)
    assert (plain.open_trades, plain.committed_usd) == (1, book.committed_usd())
    book.put(replace(entering, plan=replace(waits, plan_id="p4"), orders=()))
    assert seen(coming(new)).open_trades == 2
    assert seen(replace(entering, plan=waits, orders=())).open_trades == 1
    own = seen(entering)
    assert (own.other_trade, own.foreign_qty) == (None, 0)
    state = replace(state, positions_read_ns=0)
    assert seen(coming(new)).foreign_qty is None
