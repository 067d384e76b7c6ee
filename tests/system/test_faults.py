"""Everything that the way to the broker and the broker itself can do wrong, on the real edge in
virtual time: one order, the right position, covered or flattened by the ladder, and the auditor
finds nothing. Every scenario runs long and short (failures.md, part 3; codes N, W, V)."""

from __future__ import annotations

import pytest

from surefill.core.fix import Leg
from surefill.core.reasons import ReasonCode
from surefill.core.trade import Outcome, Trade
from surefill.core.units import NANO, to_nano
from surefill.replay.harness import VirtualRun
from surefill.sim.auditor import AuditLimits
from surefill.sim.models import Delay, DelayRange
from tests.support.stage import PLAN_ID, SYMBOL, Stage, Step, once_filled

ORDERS = "POST /v2/orders"
AT_ONCE: list[Step] = [(0, "100.00")]
AFTER_3_S: list[Step] = [(0, "100.10"), (3, "100.00")]
STREAM_LOST = AuditLimits(cover_ms=5_000, cover_p99_ms=5_000, flat_ms=5_000, anchor_ms=5_000)
"""I3 (b): the stream is down or lost a message, requests work."""

both = pytest.mark.parametrize("side", ["buy", "sell"])


def closed_on_time(trade: Trade, shares: int = 100) -> None:
    """The trade entered, rested covered, and was closed by its time exit."""
    assert trade.outcome is Outcome.CLOSED_TIME, (trade.outcome, trade.reason)
    assert trade.entry_qty == trade.exit_qty
    assert trade.entry_qty >= shares * NANO


# -- requests: the answer is lost, wrong, late or misleading ---------------------------------------


@both
@pytest.mark.parametrize("tactic", ["limit", "marketable"])
@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("N2", {}),
        ("N2", {"accept_delay_ms": 3_000}),
        ("N3", {"status": 504, "effect": True}),
        ("N5", {"mode": "truncated"}),
        ("N6", {"never": True}),
    ],
)
def test_the_answer_to_the_entry_is_lost(
    side: str, tactic: str, code: str, params: dict[str, int | str | bool]
) -> None:
    stage = Stage(side, AT_ONCE, tactic=tactic)
    stage.arm(code, ORDERS, params=params)
    trade = stage.play()
    assert stage.faults.counters[code] == 1
    closed_on_time(trade)
    stage.assert_clean()
    assert stage.position() == 0


@both
@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("N1", {}),
        ("N2", {}),
        ("N3", {"status": 504, "effect": True}),
        ("N3", {"status": 503, "effect": False}),
        ("N5", {"mode": "html"}),
        ("N6", {"delay_ms": 4_000}),
    ],
)
def test_the_answer_to_the_cover_is_lost(
    side: str, code: str, params: dict[str, int | str | bool]
) -> None:
    stage = Stage(side, AFTER_3_S)
    stage.arm(code, ORDERS, at_s=1, params=params)
    trade = stage.play()
    assert stage.faults.counters[code] == 1
    closed_on_time(trade)
    # N1 is a broker that did not answer for its read timeout: I3 (c).
    excuses = (stage.excuse(3, 8.3),) if code == "N1" else ()
    stage.assert_clean(AuditLimits(excuses=excuses))
    assert stage.position() == 0


@both
@pytest.mark.parametrize(("code", "params"), [("N1", {}), ("N3", {"status": 500})])
def test_an_entry_that_never_arrived_is_absent_only_after_evidence(
    side: str, code: str, params: dict[str, int | str | bool]
) -> None:
    stage = Stage(side, AT_ONCE, length_s=200, exit_s=None)
    stage.arm(code, ORDERS, params=params)
    trade = stage.play()
    assert trade.outcome is Outcome.NOT_ENTERED
    assert trade.reason is not None
    assert trade.reason.code is ReasonCode.ENTRY_ABSENT
    assert trade.closed_ns is not None
    assert trade.closed_ns - trade.accepted_ns >= 120 * NANO
    assert stage.entries() == 0
    assert stage.verdict().is_clean
    assert "IN_DOUBT" in stage.alarms()


@both
def test_an_order_that_exists_is_answered_with_404(side: str) -> None:
    """The answer is lost, and the lookup shows the venue as it stood before (N2 with N8)."""
    stage = Stage(side, AT_ONCE)
    stage.arm("N2", ORDERS)
    stage.arm("N8", "GET", params={"lag_ms": 20_000, "list_lag_ms": 20_000, "for_ms": 9_000})
    trade = stage.play()
    assert stage.faults.counters["N8"] > 0
    closed_on_time(trade)
    stage.assert_clean()


@both
def test_stale_reads_make_nothing_bolder(side: str) -> None:
    stage = Stage(side, [(0, "100.00", 37), (1, "100.00", 37)])
    stage.arm("N8", "GET", params={"lag_ms": 5_000, "list_lag_ms": 30_000, "for_ms": 40_000})
    trade = stage.play()
    closed_on_time(trade, shares=37)
    stage.assert_clean()
    assert stage.position() == 0


@both
@pytest.mark.parametrize("at_s", [0, 2.9])
def test_a_storm_of_429(side: str, at_s: float) -> None:
    stage = Stage(side, AFTER_3_S)
    stage.arm("N4", "*", at_s=at_s - 0.1, params={"for_ms": 4_000, "retry_after_s": 1})
    trade = stage.play()
    assert stage.faults.counters["N4"] > 0
    closed_on_time(trade)
    stage.assert_clean(AuditLimits(excuses=(stage.excuse(at_s - 0.1, at_s + 3.9),)))


@both
def test_everything_is_down_while_the_entry_fills(side: str) -> None:
    stage = Stage(side, AFTER_3_S)
    stage.arm("N10", "*", at_s=2.5, params={"for_ms": 6_000})
    trade = stage.play()
    closed_on_time(trade)
    # The request that was lost is given up after its read timeout.
    stage.assert_clean(AuditLimits(excuses=(stage.excuse(2.5, 8.5),)))


# -- the stream --------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("path", [AT_ONCE, [(0, "100.00", 37)]])
@pytest.mark.parametrize("code", ["W1", "W2", "W3", "W4", "W8", "W9"])
def test_a_stream_that_loses_repeats_and_reorders(side: str, code: str, path: list[Step]) -> None:
    params = {"W2": {"copies": 3}, "W3": {"delay_ms": 2_000}, "W4": {"delay_ms": 2_500}}
    stage = Stage(side, path)
    for _ in range(3):
        stage.arm(code, "orders", at_s=0, params=params.get(code))
    trade = stage.play()
    assert stage.faults.counters[code] == 3
    closed_on_time(trade, shares=37)
    is_healthy = code in ("W2", "W8", "W9")
    stage.assert_clean(None if is_healthy else STREAM_LOST)


@both
def test_the_event_of_a_fill_never_comes(side: str) -> None:
    stage = Stage(side, AFTER_3_S)
    stage.arm("W1", "orders fill", at_s=2)
    closed_on_time(stage.play())
    assert stage.faults.counters["W1"] == 1
    stage.assert_clean(STREAM_LOST)


@both
def test_a_stream_that_falls_silent_without_closing(side: str) -> None:
    stage = Stage(side, AFTER_3_S)
    stage.arm("W6", "orders", at_s=1, params={"for_ms": 15_000})
    closed_on_time(stage.play())
    assert stage.faults.counters["W6"] > 0
    stage.assert_clean(STREAM_LOST)


@both
@pytest.mark.parametrize("mode", ["cut", "close"])
def test_a_disconnect_with_a_fill_in_between(side: str, mode: str) -> None:
    stage = Stage(side, AFTER_3_S)
    stage.arm("W5", "orders", at_s=2.5, params={"mode": mode, "refuse_ms": 4_000})
    closed_on_time(stage.play())
    stage.assert_clean(STREAM_LOST)


# -- cover that the broker does not take ----------------------------------------------------------


@both
def test_the_stop_is_refused_because_price_is_through_it(side: str) -> None:
    """Filled at 100.00 and at once the whole market stands at 98.90: no stop can be placed."""
    stage = Stage(side, [(0, "100.10"), (3, "99.98"), (3.02, "98.90")], seed=3)
    trade = stage.play()
    assert "COVER_REFUSED" in stage.alarms()
    assert trade.outcome is Outcome.CLOSED_FLATTEN
    assert trade.entry_qty == trade.exit_qty == 100 * NANO
    stage.assert_clean()
    assert stage.position() == 0


@both
@pytest.mark.parametrize("leg", [Leg.STOP, Leg.TARGET])
def test_cover_is_taken_away_and_its_shares_are_not_released_yet(side: str, leg: Leg) -> None:
    """R18 with R12: new cover is refused until the broker lets the old shares go."""
    slow = {Delay.RELEASE: DelayRange(500, 500, 500)}
    stage = Stage(side, AT_ONCE, delays=slow)
    others = stage.cancel_outside(leg)
    closed_on_time(stage.play())
    texts = [str(line["text"]) for line in stage.run.log.lines if line["kind"] == "refused"]
    assert any("INSUFFICIENT_QTY" in text for text in texts)
    assert "COVER_LOST" in stage.alarms()
    stage.assert_clean(AuditLimits(others=frozenset(others)))


@both
@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("wash", ["all_complex", "new_only", "none"])
@pytest.mark.parametrize("is_stuck", [False, True])
def test_partial_fills_under_every_wash_trade_rule(
    side: str, beside: bool, wash: str, is_stuck: bool
) -> None:
    """37 at a time; or 37 and then nothing (A-22)."""
    path: list[Step] = [(0, "100.00", 37)]
    if is_stuck:
        path.append((0.25, "100.10", 37))
    stage = Stage(side, path, beside=beside, switches=(f"wash_exempts={wash}",))
    trade = stage.play()
    assert trade.outcome is Outcome.CLOSED_TIME
    is_complete = beside and wash != "none" and not is_stuck
    assert trade.entry_qty >= 37 * NANO
    assert (trade.entry_qty == 100 * NANO) is is_complete
    assert not is_stuck or trade.entry_qty == 37 * NANO
    stage.assert_clean()
    assert stage.position() == 0


@both
@pytest.mark.parametrize("tactic", ["limit", "marketable"])
def test_the_rest_fills_while_the_cancel_is_under_way(side: str, tactic: str) -> None:
    slow = {Delay.CANCEL: DelayRange(500, 500, 500)}
    stage = Stage(side, [(0, "100.00", 37), (0.25, "100.10"), (0.75, "100.00", 20)], delays=slow)
    trade = stage.play()
    assert trade.entry_qty > 37 * NANO
    assert trade.outcome is Outcome.CLOSED_TIME
    stage.assert_clean()
    assert stage.verdict().counts.races > 0


# -- the venue ---------------------------------------------------------------------------------


def _first_exec(run: VirtualRun, shares: int | None = None) -> str:
    """Id of the first execution of the entry (of this size)."""
    return next(
        str(line["exec_id"])
        for line in run.log.lines
        if line["kind"] in ("fill", "partial_fill")
        and (shares is None or line["qty"] == shares * NANO)
    )


@both
def test_a_bust_of_part_of_the_entry_cuts_the_cover(side: str) -> None:
    stage = Stage(side, [(0, "100.00", 37)])

    def bust(run: VirtualRun) -> None:
        run.exchange.bust(_first_exec(run, 37))
        run.edge.settle()

    stage.when(lambda trade: trade.is_settled, bust, after_ms=1_000)
    trade = stage.play()
    assert "VENUE_BUST" in stage.alarms()
    assert trade.outcome is Outcome.CLOSED_TIME
    assert trade.entry_qty == 38 * NANO
    stage.assert_clean()
    assert stage.position() == 0


@both
def test_a_bust_of_everything_leaves_nothing(side: str) -> None:
    stage = Stage(side, AT_ONCE)

    def bust(run: VirtualRun) -> None:
        run.exchange.bust(_first_exec(run))
        run.edge.settle()

    stage.when(lambda trade: trade.is_settled, bust, after_ms=1_000)
    trade = stage.play()
    assert trade.is_closed
    assert trade.entry_qty == 0
    stage.assert_clean()
    assert stage.position() == 0


@both
def test_a_corrected_price_moves_the_exits(side: str) -> None:
    stage = Stage(side, AT_ONCE)

    def correct(run: VirtualRun) -> None:
        run.exchange.correct(_first_exec(run), stage.px("99.97"))
        run.edge.settle()

    stage.when(lambda trade: trade.is_settled, correct, after_ms=1_000)
    trade = stage.play()
    closed_on_time(trade)
    assert trade.entry_cost == stage.px("99.97") * 100 * NANO
    assert trade.wanted_exits().stop_px == stage.px("99.47")
    stage.assert_clean()


@both
def test_stop_and_target_fill_both(side: str) -> None:
    """V17: a triggered stop and its target are at the market together for a moment."""
    path: list[Step] = [(0, "100.00"), (5, "99.20", 40), (5.25, "101.30"), (8, "100.00")]
    slow = {Delay.SIBLING: DelayRange(400, 400, 400), Delay.CANCEL: DelayRange(400, 400, 400)}
    stage = Stage(side, path, switches=("exit_race=overlapping",), delays=slow)
    trade = stage.play()
    assert trade.is_closed
    assert "VENUE_OVERFILL" in stage.alarms()
    assert stage.position() == 0
    stage.assert_clean()


@both
def test_the_market_rejects_an_entry_it_had_accepted(side: str) -> None:
    stage = Stage(side, [(0, "100.10")], exit_s=None, length_s=30)

    def reject(run: VirtualRun) -> None:
        trade = run.engine.book.open[PLAN_ID]
        run.exchange.reject(str(trade.entries[0].order_id))
        run.edge.settle()

    stage.at(1, reject)
    trade = stage.play()
    assert trade.outcome is Outcome.NOT_ENTERED
    assert trade.reason is not None
    assert trade.reason.code is ReasonCode.ENTRY_REJECTED
    stage.assert_clean()


@both
def test_the_market_rejects_a_stop_it_had_accepted(side: str) -> None:
    stage = Stage(side, AT_ONCE)

    def reject(run: VirtualRun) -> None:
        trade = run.engine.book.open[PLAN_ID]
        stop = next(o for o in trade.orders if o.leg is Leg.STOP)
        run.exchange.reject(str(stop.order_id))
        run.edge.settle()

    stage.when(lambda trade: trade.is_settled, reject, after_ms=500)
    trade = stage.play()
    assert trade.entry_qty == trade.exit_qty == 100 * NANO
    assert "COVER_LOST" in stage.alarms()
    stage.assert_clean()
    assert stage.position() == 0


@both
@pytest.mark.parametrize("code", ["N2", "N3", "N1"])
def test_the_answer_to_a_cancel_is_lost_and_the_entry_fills(side: str, code: str) -> None:
    """The budget ends at 3 s; the cancel's fate is unknown when the rest fills."""
    path: list[Step] = [(0, "100.10"), (3, "100.10"), (3.25, "100.00")]
    stage = Stage(side, path, budget_s=3, delays={Delay.CANCEL: DelayRange(400, 400, 400)})
    params = {"N3": {"status": 504, "effect": True}}.get(code, {})
    stage.arm(code, "DELETE", at_s=2, params=params)
    trade = stage.play()
    assert trade.is_closed
    assert stage.faults.counters[code] == 1
    # A cancel that never arrived is repeated after its answer is given up: the broker's fault.
    excuses = (stage.excuse(3, 8.5),) if code == "N1" else ()
    stage.assert_clean(AuditLimits(excuses=excuses))
    assert stage.position() == 0


@both
def test_the_answer_to_a_closing_request_is_lost(side: str) -> None:
    stage = Stage(side, AT_ONCE)
    stage.arm("N2", "PATCH", at_s=10)
    trade = stage.play()
    assert stage.faults.counters["N2"] == 1
    closed_on_time(trade)
    stage.assert_clean()
    assert stage.position() == 0


def test_the_stage_mirrors_its_market() -> None:
    long, short = Stage("buy", AT_ONCE), Stage("sell", AT_ONCE)
    assert long.px("99.50") == to_nano("99.50")
    assert short.px("99.50") == to_nano("100.50")
    assert long.plan.symbol == SYMBOL
    fill = once_filled(100)
    assert fill(long.play())
    assert long.run.log.lines
