"""A strategy's client, asynchronous and blocking, against an engine in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill import client as module
from surefill.client import AsyncClient, Client
from surefill.config import ConfigError, Settings
from surefill.control.link import Link, LinkLost
from surefill.control.protocol import Answer, Done, Failed, Reduce, Request
from surefill.core.plan import PlanError
from surefill.core.reasons import ReasonCode
from surefill.core.risk import RiskState
from surefill.core.trade import Outcome
from surefill.ports import JournalError
from surefill.runtime.errors import ErrorCode, SurefillError
from tests.support.desk import Desk, plan_of, shares
from tests.support.exchange_server import RunningExchange
from tests.support.port import engine_beside, open_port


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        for symbol in ("ONE", "TWO", "SYNC"):
            running.quote(symbol, "99.99", "100.01")
        yield running


@pytest.fixture
def desk(exchange: RunningExchange, tmp_path: Path) -> Desk:
    return Desk(exchange, tmp_path)


async def test_a_strategy_in_few_lines(desk: Desk) -> None:
    async with (
        open_port(desk) as port,
        AsyncClient(port.executor.settings, strategy="orb") as engine,
    ):
        result = await engine.trade("ONE", "buy", 10, signal_price=100, risk=1, rr=2)
        assert (result.entry_qty, result.uncovered_qty) == (shares(10), 0)
        assert result.strategy == "orb"
        assert result.plan_id.startswith("orb-ONE-")
        assert await engine.result(result.plan_id) == result
        assert await engine.open_trades() == (result,)
        assert await engine.open_trades(strategy="other") == ()
        assert (await engine.closed(result, timeout_s=0.05)).outcome is None
        report = await engine.flatten("ONE", "enough")
        assert report.is_flat
        assert (await engine.closed(result)).outcome is Outcome.CLOSED_FLATTEN


async def test_switches_reach_the_engine_under_the_clients_name(desk: Desk) -> None:
    async with (
        open_port(desk) as port,
        AsyncClient(port.executor.settings, strategy="ann") as engine,
    ):
        await engine.halt("news")
        halt = (await engine.status()).halt
        assert halt is not None
        assert "ann: news" in halt.sentence
        assert (await engine.status()).risk_state is RiskState.REDUCING
        await engine.resume()
        await engine.kill("drill")
        killed = await engine.trade("TWO", "buy", 1, signal_price=100, risk=1, rr=2)
        assert killed.code is ReasonCode.KILL_ACTIVE
        await engine.unkill("drill over")
        status = await engine.status()
        assert (status.halt, status.kill) == (None, None)
        await engine.cancel_entry("TWO")


async def test_errors_are_those_of_the_executor(desk: Desk) -> None:
    async with open_port(desk) as port, AsyncClient(port.executor.settings) as engine:
        with pytest.raises(SurefillError) as unknown:
            await engine.result("nobody")
        assert unknown.value.code is ErrorCode.TRADE_UNKNOWN
        plan = plan_of("ONE", "typed")
        object.__setattr__(plan, "symbol", "X" * 70_000)
        with pytest.raises(SurefillError) as long:
            await engine.execute(plan)
        assert long.value.code is ErrorCode.CONTROL_REFUSED


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Failed("PLAN_INVALID", "", ()), PlanError),
        (Failed("JOURNAL_CORRUPT", "an image", ()), JournalError),
        (Failed("TRADE_UNKNOWN", "no", ()), SurefillError),
        (Done(), SurefillError),
    ],
)
async def test_every_failure_has_its_exception(
    desk: Desk, answer: object, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_port(desk) as port, AsyncClient(port.executor.settings) as engine:

        async def told(self: Link, request: object) -> object:
            return answer

        with monkeypatch.context() as patch:
            patch.setattr(Link, "ask", told)
            with pytest.raises(error):
                await engine.open_trades()


async def test_the_same_plan_goes_on_after_a_lost_connection(desk: Desk) -> None:
    async with open_port(desk) as port:
        engine = AsyncClient(port.executor.settings, reconnect_s=10)
        await engine.connect()
        desk.exchange.quote("TWO", "100.90", "101.00")
        waiting = asyncio.create_task(engine.execute(plan_of("TWO", "again"), timeout_s=15))
        driver = port.executor.runtime.driver
        assert await driver.until(lambda: port.executor.knows("again"), timeout_s=10)
        await port.server.close()
        await asyncio.sleep(0.1)
        await port.server.start()
        desk.exchange.quote("TWO", "99.99", "100.01")
        result = await waiting
        assert (result.entry_qty, result.outcome) == (shares(100), None)
        assert len(desk.accepted("again", "E")) == 1
        await engine.close()
        await engine.close()


async def test_an_act_that_could_do_more_is_not_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        open_port(desk) as port,
        AsyncClient(port.executor.settings, reconnect_s=1) as engine,
    ):
        asked = asyncio.Event()

        async def never(*_: object, **__: object) -> None:
            asked.set()
            await asyncio.Event().wait()

        monkeypatch.setattr("surefill.control.desk.Desk.answer", never)
        flat = asyncio.create_task(engine.flatten())
        await asked.wait()
        await port.server.close()
        with pytest.raises(SurefillError) as lost:
            await flat
        assert lost.value.code is ErrorCode.CONTROL_LOST
        with pytest.raises(SurefillError) as gone:
            await engine.status()
        assert gone.value.code is ErrorCode.CONTROL_UNREACHABLE
        assert "which takes no requests" in gone.value.sentence


async def test_a_part_is_closed_once_though_the_connection_is_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_port(desk) as port, AsyncClient(port.executor.settings) as engine:
        await engine.execute(plan_of("ONE", "part", qty=10))
        real, lost = Link.ask, 0

        async def first_answer_is_lost(self: Link, request: Request) -> Answer:
            nonlocal lost
            answer = await real(self, request)
            if isinstance(request, Reduce) and not lost:
                lost += 1
                raise LinkLost(was_sent=True)
            return answer

        monkeypatch.setattr(Link, "ask", first_answer_is_lost)
        reduced = await engine.reduce("part", 4, "enough")
        assert (lost, reduced.position_qty) == (1, shares(6))
        assert (await engine.reduce(reduced, 1, key="mine")).position_qty == shares(5)
        assert (await engine.reduce(reduced, 1, key="mine")).position_qty == shares(5)
        lost = 0
        with pytest.raises(SurefillError) as unknown:
            await engine.reduce("part", 1, key="")  # without an id nobody may repeat it
        assert unknown.value.code is ErrorCode.CONTROL_LOST


async def test_a_plan_is_checked_by_the_engine(desk: Desk) -> None:
    async with open_port(desk) as port, AsyncClient(port.executor.settings) as engine:
        checked = await engine.check(plan_of("ONE", "seen"))
        assert checked.is_accepted
        assert checked.terms is not None
        refused = await engine.check(plan_of("ONE", "seen", rr="1"))
        assert [reason.code for reason in refused.reasons] == [ReasonCode.RR_BELOW_MIN]
        assert await engine.open_trades() == ()


def test_the_blocking_twin(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its engine lives in a loop of another thread, as another process would."""
    with engine_beside(desk), Client(desk.settings(), strategy="s") as engine:
        result = engine.trade("SYNC", "buy", 5, signal_price=100, risk=1, rr=2)
        assert engine.execute(plan_of("SYNC", "busy")).code is ReasonCode.SYMBOL_BUSY
        assert engine.result(result.plan_id) == result
        assert engine.open_trades(strategy="s") == (result,)
        engine.halt("a")
        engine.resume("b")
        engine.kill("c")
        engine.unkill("d")
        engine.cancel_entry(result.plan_id)
        assert engine.status().open_trades == 1
        busy = engine.plan_of("SYNC", "buy", 5, signal_price=100, risk=1, rr=2)
        assert busy.strategy == "s"
        assert not engine.check(busy).is_accepted
        assert engine.reduce(result, 2).position_qty == shares(3)
        assert str(engine.tighten(result.plan_id, "99.40").stop) == "99.4"
        assert engine.flatten(result.plan_id).is_flat
        assert engine.closed(result).outcome is Outcome.CLOSED_FLATTEN
    with pytest.raises(SurefillError) as error:
        engine.status()
    assert error.value.code is ErrorCode.NOT_STARTED
    with pytest.raises(SurefillError), Client(desk.settings(), reconnect_s=0):
        pass


def test_settings_come_from_where_they_always_do(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = desk.environ()
    assert AsyncClient.from_env(environ, strategy="x").strategy == "x"
    assert Client.from_env(environ, strategy="y").client.strategy == "y"
    with pytest.raises(ConfigError):
        AsyncClient.from_env({"SUREFILL_JOURNAL": "typo"})
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APCA_API_KEY_ID", raising=False)
    assert AsyncClient.from_env(dotenv_path=tmp_path / "none").strategy == ""
    assert Client.from_env().client.strategy == ""
    assert AsyncClient().strategy == ""
    assert module.RECONNECT_S >= 10
    assert isinstance(desk.settings(), Settings)
