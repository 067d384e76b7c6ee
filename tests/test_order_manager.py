"""`OrderManager` on the real exchange: routing, closing, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from surefill.core.ids import account_tag
from surefill.core.plan import PlanError
from surefill.core.reasons import ReasonCode
from surefill.core.rollout import takes_smart
from surefill.core.trade import Outcome, Phase
from surefill.core.units import NANO
from surefill.order_manager import OrderManager
from surefill.runtime.account import account_of
from surefill.runtime.errors import ErrorCode, SurefillError
from tests.support.desk import Desk
from tests.support.exchange_server import RunningExchange

_symbols = (f"OM{n}" for n in count(1))


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        yield running


@pytest.fixture
def desk(exchange: RunningExchange, tmp_path: Path) -> Desk:
    return Desk(exchange, tmp_path)


@pytest.fixture
def symbol(exchange: RunningExchange) -> str:
    name = next(_symbols)
    exchange.quote(name, "99.99", "100.01")
    return name


@pytest.fixture
def orders(desk: Desk) -> Iterator[OrderManager]:
    with OrderManager(desk.settings()) as manager:
        yield manager


def test_an_entry_is_smart_and_the_opposite_order_closes_it(
    orders: OrderManager, desk: Desk, symbol: str
) -> None:
    entered = orders.submit_order(symbol, "buy", 25, 100.00, 99.00, 102.50)
    assert not entered.is_legacy
    assert entered.vwap == Decimal("100.01")
    assert (entered.stop, entered.target) == (Decimal("99"), Decimal("102.5"))
    closed = orders.submit_order(symbol, "sell", 25)
    assert closed.plan_id == entered.plan_id
    assert closed.outcome is Outcome.CLOSED_FLATTEN
    assert [line["limit_px"] for line in desk.accepted(entered.plan_id, "E")] == [100_050_000_000]


def test_a_rollout_gives_each_plan_its_path_by_its_id(desk: Desk, symbol: str) -> None:
    """What `surefill compare smart@journal legacy@journal` compares: who was given which path."""
    with OrderManager(desk.settings(SUREFILL_ROLLOUT_PCT="50")) as orders:
        tag = account_tag(account_of(orders.executor.settings))
        ids = [f"{symbol.lower()}-{n}" for n in range(20)]
        wanted = [not takes_smart(plan_id, salt=tag, percent=50) for plan_id in ids]
        named = {path: ids[wanted.index(path)] for path in (True, False)}
        for path, plan_id in named.items():
            denied = orders.submit_order(symbol, "buy", 25, 100.00, 99.00, 99.5, plan_id=plan_id)
            assert denied.is_legacy is path


def test_without_the_smart_executor_the_same_call_takes_the_legacy_path(
    desk: Desk, symbol: str
) -> None:
    with OrderManager(desk.settings(USE_SMART_EXECUTOR="False")) as orders:
        entered = orders.submit_order(symbol, "buy", 25, 100.00, 99.00, 102.50)
        assert entered.is_legacy
        (entry,) = desk.accepted(entered.plan_id, "E")
        assert entry["ord_type"] == "MARKET"
    with OrderManager(desk.settings()) as orders:  # switched back: the open trade keeps its path
        assert orders.executor.open_trades()[0].is_legacy
        (closed,) = orders.flatten(symbol)
    assert closed.is_legacy
    assert closed.outcome is Outcome.CLOSED_FLATTEN


def test_a_closing_order_passes_halt_and_kill(orders: OrderManager, symbol: str) -> None:
    orders.submit_order(symbol, "sell", 10, 100.00, 101.00, 97.50, plan_id="short")
    orders.kill("enough")
    assert orders.submit_order(symbol, "buy", 10).outcome is Outcome.CLOSED_FLATTEN
    denied = orders.submit_order(symbol, "buy", 10, 100.00, 99.00, 102.50)
    assert ReasonCode.KILL_ACTIVE in {reason.code for reason in denied.reasons}


def test_a_closing_order_never_becomes_a_position(orders: OrderManager, symbol: str) -> None:
    orders.submit_order(symbol, "buy", 10, 100.00, 99.00, 102.50)
    orders.submit_order(symbol, "sell", 99)  # more than there is: all of it, no more
    with pytest.raises(SurefillError) as caught:
        orders.submit_order(symbol, "sell", 10)
    assert caught.value.code is ErrorCode.NOTHING_TO_CLOSE
    denied = orders.submit_order(symbol, "sell", 10, 100.00)
    assert denied.code is ReasonCode.EXITS_MISSING
    assert orders.executor.open_trades() == ()


def test_a_closing_order_ends_an_entry_that_still_works(
    orders: OrderManager, desk: Desk, symbol: str
) -> None:
    desk.exchange.quote(symbol, "99.99", "100.20")
    waiting = orders.submit_order(symbol, "buy", 10, 100.00, 99.00, 102.50, timeout_s=0.3)
    assert waiting.outcome is None
    closed = orders.submit_order(symbol, "sell", 10)
    assert closed.plan_id == waiting.plan_id
    assert closed.outcome is Outcome.NOT_ENTERED


def test_a_plan_id_makes_an_entry_idempotent(orders: OrderManager, symbol: str) -> None:
    first = orders.submit_order(symbol, "buy", 10, 100.00, 99.00, 102.50, plan_id="once")
    assert orders.submit_order(symbol, "buy", 10, 100.00, 99.00, 102.50, plan_id="once") == first
    closed = orders.submit_order(symbol, "sell", 10, plan_id="exit-1")
    assert closed.plan_id == "once"


def test_a_closing_order_sent_twice_under_one_id_closes_once(desk: Desk, symbol: str) -> None:
    """Also when everything is closed meanwhile: it never becomes an entry the other way."""
    with OrderManager(desk.settings()) as orders:
        orders.submit_order(symbol, "buy", 10, 100.00, 99.00, 102.50, plan_id="entry")
        for _ in range(2):
            part = orders.submit_order(symbol, "sell", 4, plan_id="exit-1")
            assert part.position_qty == 6 * NANO
        with pytest.raises(SurefillError) as other:
            orders.submit_order(symbol, "sell", 6, plan_id="exit-1")
        assert other.value.code is ErrorCode.PLAN_ID_REUSED
        with pytest.raises(SurefillError, match="Nothing was sent"):
            orders.submit_order(symbol, "buy", 6, 100.00, 99.00, 102.50, plan_id="exit-1")
        orders.submit_order(symbol, "sell", 6, plan_id="exit-2")
    with OrderManager(desk.settings()) as orders:
        again = orders.submit_order(symbol, "sell", 6, 100.00, 101.00, 97.50, plan_id="exit-2")
        assert (again.plan_id, again.outcome) == ("entry", Outcome.CLOSED_FLATTEN)
        assert orders.executor.open_trades() == ()
    (sold,) = {line["position"] for line in desk.truth(kind="fill", symbol=symbol)[-1:]}
    assert sold == 0


def test_a_closing_order_whose_time_is_over_says_so(orders: OrderManager, symbol: str) -> None:
    orders.submit_order(symbol, "buy", 10, 100.00, 99.00, 102.50)
    pending = orders.submit_order(symbol, "sell", 10, timeout_s=0)
    assert (pending.outcome, pending.code) == (None, ReasonCode.CLOSE_PENDING)
    assert pending.closing_qty == 10 * NANO


def test_numbers_and_sides_that_are_none_are_refused(orders: OrderManager, symbol: str) -> None:
    with pytest.raises(PlanError, match="PLAN_SIDE_INVALID"):
        orders.submit_order(symbol, "hold", 10, 100, 99, 103)
    with pytest.raises(PlanError, match="PLAN_NUMBER_INVALID"):
        orders.submit_order(symbol, "buy", "many", 100, 99, 103)
    orders.submit_order(symbol, "buy", 10, 100.00, 99.00, 102.50)
    with pytest.raises(PlanError, match="PLAN_NUMBER_INVALID"):
        orders.submit_order(symbol, "sell", "all")


def test_a_part_is_closed_and_the_rest_stays_covered(
    orders: OrderManager, desk: Desk, symbol: str
) -> None:
    desk.exchange.quote(symbol, "99.99", "100.01")
    entered = orders.submit_order(symbol, "buy", 10, 100.00, 99.00, 102.50)
    reduced = orders.submit_order(symbol, "sell", 4)
    assert reduced.plan_id == entered.plan_id
    assert (reduced.position_qty, reduced.uncovered_qty) == (6 * NANO, 0)
    assert reduced.outcome is None
    with pytest.raises(PlanError, match="FRACTIONAL_UNPROTECTABLE"):
        orders.submit_order(symbol, "sell", "1.5")
    with pytest.raises(PlanError, match="PLAN_QTY_INVALID"):
        orders.submit_order(symbol, "sell", 0)
    assert orders.submit_order(symbol, "sell", 6).outcome is Outcome.CLOSED_FLATTEN


def test_no_more_is_sold_than_is_held(orders: OrderManager, symbol: str) -> None:
    orders.submit_order(symbol, "buy", 10, 100.00, 99.00, 102.50)
    assert orders.submit_order(symbol, "sell", 100).outcome is Outcome.CLOSED_FLATTEN
    assert orders.executor.open_trades() == ()


def test_settings_come_from_the_environment(desk: Desk) -> None:
    with OrderManager.from_env(desk.environ()) as orders:
        assert orders.executor.settings == desk.settings()


def test_a_breakout_that_waits_is_nothing_to_close(orders: OrderManager, symbol: str) -> None:
    plan = orders.executor.plan_of(symbol, "buy", 10, trigger="101", risk="1", rr="2")
    waits = orders._blocking.execute(plan, timeout_s=0.3)
    assert waits.phase is Phase.AWAITING_TRIGGER
    with pytest.raises(SurefillError) as error:
        orders.submit_order(symbol, "sell", 10)
    assert error.value.code is ErrorCode.NOTHING_TO_CLOSE
    (ended,) = orders.flatten(symbol)
    assert ended.outcome is Outcome.NOT_ENTERED
