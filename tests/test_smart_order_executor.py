"""What users import, against the real exchange over real sockets with a real journal.

Also runs alone: ``python tests/test_smart_order_executor.py``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path

if __name__ == "__main__":  # run alone: find the helpers as pytest would
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pytest

from surefill.config import ConfigError, Settings
from surefill.core.fix import Leg
from surefill.core.reasons import ReasonCode
from surefill.core.trade import Outcome, Phase
from surefill.ports import JournalError, JournalHeld
from surefill.runtime.clock import SystemClock
from surefill.smart_order_executor import (
    ErrorCode,
    SmartOrderExecutor,
    SurefillError,
    TradeResult,
)
from surefill.tca.history import read_history
from surefill.tca.runs import BEGAN, ENDED
from tests.support.desk import Desk, plan_of, shares
from tests.support.exchange_server import RunningExchange, wait_until

_symbols = (f"SYM{n}" for n in count(1))


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    """One exchange for all; every test has its own account and symbol."""
    with RunningExchange() as running:
        yield running


@pytest.fixture
def desk(exchange: RunningExchange, tmp_path: Path) -> Iterator[Desk]:
    """An account of this test."""
    yield Desk(exchange, tmp_path)
    exchange.disarm()


@pytest.fixture
def symbol(exchange: RunningExchange) -> str:
    """A symbol of this test, 99.99 x 100.01 on 1,000 shares."""
    name = next(_symbols)
    exchange.quote(name, "99.99", "100.01")
    return name


def orders_of(result: TradeResult, leg: Leg) -> list[str]:
    """States of a result's orders of this leg."""
    return [order.state for order in result.orders if order.leg is leg]


# ------------------------------------------------------------------------- the CRWD morning


async def test_crwd_by_level_is_denied_before_any_order_exists(desk: Desk) -> None:
    desk.exchange.quote("CRWD", "535.90", "536.00")
    terms = {"signal_price": "534.82", "risk": None, "rr": None}
    plan = plan_of("CRWD", "crwd-level", qty=25, stop="529.47", target="536.87", **terms)
    async with SmartOrderExecutor(desk.settings()) as executor:
        result = await executor.execute(plan)
    assert result.outcome is Outcome.DENIED
    assert result.is_denied
    assert not result.is_entered
    assert result.code is ReasonCode.RR_BELOW_MIN
    assert result.sentence == "reward/risk 0.38 is below the minimum 2"
    assert not desk.accepted("crwd-level")


async def test_crwd_by_distance_is_not_entered_and_costs_nothing(desk: Desk) -> None:
    desk.exchange.quote("CRWD", "535.90", "536.00")
    plan = plan_of("CRWD", "crwd-distance", qty=25, signal_price="534.82", risk="5.35")
    async with SmartOrderExecutor(desk.settings()) as executor:
        result = await executor.execute(plan)
        assert await executor.closed(plan) == result
    assert result.outcome is Outcome.NOT_ENTERED
    assert result.code is ReasonCode.ENTRY_TIMEOUT
    assert (result.first_limit_px, result.worst_px) == (535_080_000_000, 535_350_000_000)
    assert result.quantity == 0
    assert result.vwap is None
    assert result.rr_at_fill is None
    (order,) = desk.accepted("crwd-distance")
    assert order["limit_px"] == 535_080_000_000


async def test_crwd_on_the_legacy_path_is_the_trade_that_started_it(desk: Desk) -> None:
    desk.exchange.quote("CRWD", "535.90", "536.00")
    terms = {"signal_price": "534.82", "risk": None, "rr": None}
    plan = plan_of("CRWD", "crwd-legacy", qty=25, stop="529.47", target="536.87", **terms)
    async with SmartOrderExecutor(desk.settings(USE_SMART_EXECUTOR="False")) as executor:
        result = await executor.execute(plan)
        await executor.flatten("CRWD", "test")
        final = await executor.closed(result, timeout_s=10)
    assert result.vwap == Decimal("536")
    assert result.quantity == 25
    assert result.rr_at_fill is not None
    assert round(result.rr_at_fill, 2) == Decimal("0.13")
    assert (result.stop, result.target) == (Decimal("529.47"), Decimal("536.87"))
    assert [note.code for note in result.notes] == [ReasonCode.UNCAPPED]
    assert final.outcome is Outcome.CLOSED_FLATTEN
    assert final.exit_vwap == Decimal("535.9")


# ----------------------------------------------------------------------- entry, cover, outcome


async def test_a_full_fill_is_covered_when_execute_returns(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        result = await executor.execute(plan_of(symbol, "full"))
        assert result.outcome is None
        assert result.is_settled
        assert result.phase is Phase.COVERED
        assert result.vwap == Decimal("100.01")
        assert result.quantity == 100
        assert (result.stop, result.target) == (Decimal("99.01"), Decimal("102.01"))
        assert result.uncovered_qty == 0
        assert result.slippage_vs_signal_bps == Decimal("1.00")
        assert result.slippage_vs_arrival_bps == Decimal("1.00")
        assert orders_of(result, Leg.TARGET) == ["WORKING"]
        assert orders_of(result, Leg.STOP) == ["WORKING"]
        assert 0 < result.uncovered_ns < 1_500_000_000
        desk.exchange.quote(symbol, "99.50", "99.52")
        await asyncio.sleep(0.5)
        desk.exchange.quote(symbol, "102.01", "102.03")
        final = await executor.closed("full", timeout_s=10)
        assert await executor.closed(final) == final
        (seen,) = (one.excursion for one in executor.runtime.engine.book.watched.newest_first())
    assert seen is not None
    assert seen.is_whole
    assert seen.adverse_px == 99_500_000_000
    assert final.outcome is Outcome.CLOSED_TARGET
    assert final.r_realized == Decimal("2.0000")
    assert final.pnl_usd == shares(200)
    assert executor_lines(desk) == [
        "Smart Order Executor initialized",
        f"Smart executor trade successful: {symbol} BUY plan=full 100 @ 100.01, "
        "stop 99.01 target 102.01, slippage +1.00 bps, reward/risk 1.9703",
    ]


def executor_lines(desk: Desk) -> list[str]:
    """The fixed lines in the log, without time and level."""
    return [
        line.split(" smart_order_executor ")[1]
        for line in desk.log_text().splitlines()
        if "Smart " in line
    ]


async def test_a_short_is_covered_above(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        result = await executor.execute(plan_of(symbol, "short", side="sell"))
        assert result.vwap == Decimal("99.99")
        assert (result.stop, result.target) == (Decimal("100.99"), Decimal("97.99"))
        desk.exchange.quote(symbol, "100.99", "101.01")
        desk.exchange.print_(symbol, "101.00")
        final = await executor.closed("short", timeout_s=10)
    assert final.outcome is Outcome.CLOSED_STOP
    assert final.r_realized is not None
    assert final.r_realized < -1


async def test_37_of_100_and_then_nothing_gives_an_oco_for_37(desk: Desk, symbol: str) -> None:
    desk.exchange.quote(symbol, "99.99", "100.01", size="37")
    desk.exchange.quote(symbol, "99.99", "100.20", size="37")
    plan = plan_of(symbol, "part")
    async with SmartOrderExecutor(desk.settings()) as executor:
        work = asyncio.create_task(executor.execute(plan))
        await asyncio.to_thread(wait_until, lambda: desk.accepted("part", "E"))
        desk.exchange.quote(symbol, "99.99", "100.01", size="37")
        await asyncio.to_thread(wait_until, lambda: desk.truth(kind="partial_fill", symbol=symbol))
        desk.exchange.quote(symbol, "99.99", "100.20", size="37")
        result = await work
    assert result.quantity == 37
    assert result.phase is Phase.COVERED
    exits = desk.accepted("part", "X")
    assert [line["order_qty"] for line in exits] == [shares(37)]
    assert orders_of(result, Leg.ENTRY) == ["CANCELED"]


async def test_a_marketable_plan_travels_with_its_bracket(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        result = await executor.execute(plan_of(symbol, "market", tactic="marketable"))
    assert result.quantity == 100
    assert result.uncovered_qty == 0
    (entry,) = desk.accepted("market", "E")
    assert entry["contingency"] == "BRACKET"


# --------------------------------------------------------------------------- idempotency


async def test_the_same_plan_again_gives_its_first_result(desk: Desk, symbol: str) -> None:
    plan = plan_of(symbol, "twice")
    async with SmartOrderExecutor(desk.settings()) as executor:
        first, second = await asyncio.gather(executor.execute(plan), executor.execute(plan))
        assert first == second
        assert await executor.execute(plan) == first
    async with SmartOrderExecutor(desk.settings()) as executor:
        again = await executor.execute(plan)
        denied = await executor.execute(plan_of(symbol, "no-stop", risk=None))
    async with SmartOrderExecutor(desk.settings()) as executor:
        assert await executor.execute(plan_of(symbol, "no-stop", risk=None)) == denied
        assert await executor.closed("no-stop") == denied
        assert executor.result("no-stop").code is ReasonCode.EXITS_MISSING
    assert again.orders == first.orders
    assert len(desk.accepted("twice", "E")) == 1


async def test_another_body_under_a_used_id_is_an_error(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of(symbol, "used"))
        with pytest.raises(SurefillError) as caught:
            await executor.execute(plan_of(symbol, "used", qty=200))
        assert caught.value.code is ErrorCode.PLAN_ID_REUSED
        with pytest.raises(SurefillError) as unknown:
            await executor.closed("never-used")
        assert unknown.value.code is ErrorCode.TRADE_UNKNOWN
    assert len(desk.accepted("used", "E")) == 1


async def test_of_two_bodies_at_once_one_trades_and_one_is_told(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        found = await asyncio.gather(
            executor.execute(plan_of(symbol, "race")),
            executor.execute(plan_of(symbol, "race", qty=50)),
            return_exceptions=True,
        )
    assert isinstance(found[0], TradeResult)
    assert isinstance(found[1], SurefillError)
    assert found[1].code is ErrorCode.PLAN_ID_REUSED
    assert len(desk.accepted("race", "E")) == 1


async def test_ids_made_from_symbol_and_time_are_different(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        terms = {"signal_price": "100", "risk": "1", "rr": "2"}
        ids = {executor.plan_of(symbol, "buy", 1, **terms).plan_id for _ in range(100)}
    assert len(ids) == 100
    assert all(name.startswith(f"{symbol}-20260302T") for name in ids)


# -------------------------------------------------------------------------- check and acts


async def test_check_says_what_would_be_sent_and_sends_nothing(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        good = await executor.check(plan_of(symbol, "checked"))
        bad = await executor.check(plan_of(symbol, "checked", rr="1"))
        assert executor.open_trades() == ()
    assert good.is_accepted
    assert good.terms is not None
    assert [order.spec.leg for order in good.preview.orders] == [Leg.ENTRY, Leg.TARGET]
    assert [reason.code for reason in bad.reasons] == [ReasonCode.RR_BELOW_MIN]
    assert not desk.accepted("checked")


async def test_a_symbol_without_a_quote_is_denied_by_the_gate(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surefill.smart_order_executor.QUOTE_S", 0.5)
    async with SmartOrderExecutor(desk.settings()) as executor:
        result = await executor.execute(plan_of("NOQUOTE", "blind"))
    assert ReasonCode.QUOTE_MISSING in {reason.code for reason in result.reasons}


async def test_halt_denies_entries_and_resume_lets_them_in(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.halt("lunch", by="ann")
        denied = await executor.execute(plan_of(symbol, "halted"))
        await executor.resume()
        entered = await executor.execute(plan_of(symbol, "resumed"))
    assert denied.code is ReasonCode.HALT_ACTIVE
    assert entered.is_entered


async def test_kill_survives_a_restart_and_leaves_cover(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        entered = await executor.execute(plan_of(symbol, "before"))
        await executor.kill("enough", by="ann")
    async with SmartOrderExecutor(desk.settings()) as executor:
        denied = await executor.execute(plan_of(symbol, "after"))
        assert ReasonCode.KILL_ACTIVE in {reason.code for reason in denied.reasons}
        assert executor.result("before").phase is Phase.COVERED
        await executor.flatten("before", "reducing always passes")
        final = await executor.closed(entered, timeout_s=10)
        await executor.unkill("all clear")
        assert (await executor.check(plan_of(symbol, "anew", qty=90))).is_accepted
    assert final.outcome is Outcome.CLOSED_FLATTEN


async def test_cancel_entry_ends_a_working_entry(desk: Desk, symbol: str) -> None:
    desk.exchange.quote(symbol, "99.99", "100.20")
    async with SmartOrderExecutor(desk.settings(SMART_EXECUTOR_FILL_TIMEOUT="60")) as executor:
        open_ = await executor.execute(plan_of(symbol, "patient"), timeout_s=0.5)
        assert open_.outcome is None
        assert open_.phase is Phase.WORKING
        await executor.cancel_entry(symbol, by="ann")
        final = await executor.closed("patient", timeout_s=10)
    assert final.code is ReasonCode.ENTRY_CANCELED


async def test_a_covered_trade_can_be_handed_over(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of(symbol, "given"))
        assert await executor.hand_over("given", to="the desk")
        final = await executor.closed("given")
    assert final.outcome is Outcome.HANDED_OVER


# ------------------------------------------------------------------- start, stop, bad input


async def test_closing_leaves_cover_at_the_broker(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of(symbol, "left"))
    await asyncio.sleep(0.3)
    assert not desk.truth(kind="canceled", symbol=symbol)
    desk.exchange.quote(symbol, "102.01", "102.03")
    wait_until(lambda: desk.truth(kind="fill", symbol=symbol, side="SELL"))
    async with SmartOrderExecutor(desk.settings()) as executor:
        final = await executor.closed("left", timeout_s=10)
    assert final.outcome is Outcome.CLOSED_TARGET


async def test_closing_ends_an_entry_that_nobody_would_cover(desk: Desk, symbol: str) -> None:
    desk.exchange.quote(symbol, "99.99", "100.20")
    async with SmartOrderExecutor(desk.settings(SMART_EXECUTOR_FILL_TIMEOUT="60")) as executor:
        waiting = await executor.execute(plan_of(symbol, "early"), timeout_s=0.3)
        assert waiting.phase is Phase.WORKING
    assert desk.truth(kind="canceled", symbol=symbol)
    async with SmartOrderExecutor(desk.settings()) as executor:
        assert executor.result("early").code is ReasonCode.ENTRY_CANCELED


async def test_closing_does_not_wait_for_ever_and_says_what_is_left(
    desk: Desk, symbol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surefill.smart_order_executor.LEAVE_S", 0.5)
    desk.exchange.arm("N1", "POST /v2/orders", count=5)
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of(symbol, "lost"), timeout_s=0.3)
    assert "closing with trades in doubt or not covered: ['lost']" in desk.log_text()


async def test_a_second_process_on_the_account_is_refused(desk: Desk) -> None:
    async with SmartOrderExecutor(desk.settings()):
        with pytest.raises(JournalHeld, match="is held by surefill"):
            await SmartOrderExecutor(desk.settings()).start()
    async with SmartOrderExecutor(desk.settings()):
        pass  # free again


async def test_an_unreachable_broker_is_a_coded_error(desk: Desk) -> None:
    settings = desk.settings(APCA_API_BASE_URL="http://127.0.0.1:9")
    with pytest.raises(SurefillError) as caught:
        await SmartOrderExecutor(settings).start()
    assert caught.value.code is ErrorCode.BROKER_UNAVAILABLE
    assert "Nothing was sent" in caught.value.sentence


async def test_a_broker_that_goes_away_before_the_start_is_a_coded_error(desk: Desk) -> None:
    settings = desk.settings(APCA_API_BASE_URL="http://127.0.0.1:9")
    with pytest.raises(SurefillError) as caught:
        await SmartOrderExecutor(settings, clock=SystemClock()).start()
    assert caught.value.code is ErrorCode.BROKER_UNAVAILABLE


async def test_a_start_waits_out_a_request_limit(desk: Desk) -> None:
    desk.exchange.arm("N4", "GET /v2/account", params={"retry_after_s": 1})
    async with SmartOrderExecutor(desk.settings()) as executor:
        assert executor.open_trades() == ()
    assert "rate limited until" in desk.log_text()


async def test_alerts_reach_the_log_and_an_orderly_run_is_no_crash(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        assert (await executor.execute(plan_of(symbol, "poor", rr="1"))).is_denied
    assert desk.log_text().count("alert WARNING REJECTION_HIGH: rejection rate") == 1
    async with SmartOrderExecutor(desk.settings()) as executor:
        found = read_history(executor.runtime.stepper.journal)
    assert (len(found.starts), found.incidents) == (2, ())
    assert [one.note.topic for one in found.notes] == [BEGAN, ENDED, BEGAN]


async def test_an_engine_that_stopped_says_so_to_everybody(
    desk: Desk, symbol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        entered = await executor.execute(plan_of(symbol, "held"))

        def full(entries: object) -> None:
            raise JournalError("JOURNAL_UNWRITABLE", "no space left")

        monkeypatch.setattr(executor.runtime.stepper.journal, "append", full)
        with pytest.raises(SurefillError) as caught:
            await executor.execute(plan_of(symbol, "unlucky"))
        assert caught.value.code is ErrorCode.ENGINE_STOPPED
        with pytest.raises(SurefillError):
            executor.result("held")
    assert entered.phase is Phase.COVERED
    assert not desk.accepted("unlucky")
    assert not desk.truth(kind="canceled", symbol=symbol)


async def test_a_wrong_key_is_a_coded_error_and_sends_nothing(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"RIGHT": {"secret": "right"}}')
    from surefill.sim.alpaca.app import ExchangeConfig
    from tests.support.exchange_server import OPEN_NS

    with RunningExchange(ExchangeConfig(start_ns=OPEN_NS, keys_path=keys)) as exchange:
        desk = Desk(exchange, tmp_path, key="WRONG")
        with pytest.raises(SurefillError) as caught:
            await SmartOrderExecutor(desk.settings()).start()
        assert caught.value.code is ErrorCode.KEYS_REFUSED
        assert "AUTHORIZATION" in caught.value.sentence
        with pytest.raises(SurefillError) as later:  # the venue's clock needs keys as well
            await SmartOrderExecutor(desk.settings(), clock=SystemClock()).start()
        assert later.value.code is ErrorCode.KEYS_REFUSED
        assert exchange.log() == []


async def test_missing_keys_and_hosts_that_get_no_keys_are_coded(desk: Desk) -> None:
    with pytest.raises(SurefillError) as caught:
        await SmartOrderExecutor(Settings.load({})).start()
    assert caught.value.code is ErrorCode.KEYS_MISSING
    with pytest.raises(SurefillError) as stranger:
        await SmartOrderExecutor(desk.settings(APCA_API_BASE_URL="https://example.org")).start()
    assert stranger.value.code is ErrorCode.BROKER_UNAVAILABLE


@pytest.mark.parametrize("missing", ["positions", "account", "clock"])
async def test_an_incomplete_start_says_what_is_missing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """First reads and reconciliation have one time together: none has a bound of its own."""
    monkeypatch.setattr("surefill.smart_order_executor.READY_S", 0.5)
    desk.exchange.arm("N6", f"GET /v2/{missing}", count=50, params={"never": True})
    with pytest.raises(SurefillError) as caught:
        await SmartOrderExecutor(desk.settings()).start()
    desk.exchange.disarm()
    assert caught.value.code is ErrorCode.START_INCOMPLETE
    assert missing in caught.value.sentence


async def test_an_unknown_setting_refuses_to_start() -> None:
    with pytest.raises(ConfigError, match="did you mean"):
        SmartOrderExecutor.from_env({"SMART_EXECUTOR_MAX_SLIPAGE_PCT": "0.001"})


async def test_methods_need_a_started_executor(desk: Desk) -> None:
    executor = SmartOrderExecutor(desk.settings())
    with pytest.raises(SurefillError) as caught:
        executor.result("x")
    assert caught.value.code is ErrorCode.NOT_STARTED
    await executor.close()  # closing what never started is no fault
    async with executor:
        await executor.start()  # again changes nothing


async def test_a_failed_background_task_halts_new_risk(desk: Desk, symbol: str) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        loop = asyncio.get_running_loop()
        context = {"message": "broker task failed", "exception": ZeroDivisionError("bug")}
        loop.call_exception_handler(context)
        await executor.runtime.driver.drained()
        result = await executor.execute(plan_of(symbol, "after-bug"))
    assert result.code is ReasonCode.HALT_ACTIVE
    assert "ZeroDivisionError" in desk.log_text()


async def test_other_errors_of_the_loop_go_where_they_went_before(desk: Desk) -> None:
    loop, seen = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: seen.append(context["message"]))
    async with SmartOrderExecutor(desk.settings()) as executor:
        loop.call_exception_handler({"message": "somebody else's"})
        assert (await executor.check(plan_of("NONE", "x", rr="1"))).reasons
    assert seen == ["somebody else's"]
    loop.set_exception_handler(None)


if __name__ == "__main__":
    from tests.support.listing import run_alone

    raise SystemExit(run_alone(__file__))
