"""A standby takes an account over: real engines, a real database, a real exchange, and no warning.
The venue's truth log and the auditor judge.

The lease is of seconds here (`tests.support.short_lease`); ``scripts/measure_takeover.py`` measures
with that of the product.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from surefill.runtime.account import BUILD
from tests.conftest import leaks_in
from tests.support.exchange_server import RunningExchange
from tests.support.postgres_server import PostgresServer
from tests.support.takeover import TERMS, Account
from tests.support.workplace import SECRET

pytestmark = pytest.mark.slow


@pytest.fixture
def account(postgres: PostgresServer, tmp_path: Path) -> Iterator[Account]:
    with RunningExchange() as exchange:
        database = postgres.by_password(postgres.database(), other=SECRET)
        yield Account(exchange, tmp_path, database)


def test_a_stopped_engine_is_fenced_and_a_killed_one_replaced(account: Account) -> None:
    """One: stopped past its lease with bare shares and an open entry; it goes on and may not.
    Two: took over; killed with bare shares. One again, on standby, takes the account back."""
    with (
        ThreadPoolExecutor(2) as pool,
        account.engine(0) as first,
        account.engine(1, "--standby") as second,
    ):
        with account.client(0) as strategy:
            strategy.trade("ALFA", "buy", 10, plan_id="covered", **TERMS)
            pool.submit(strategy.trade, "BRAV", "buy", 20, plan_id="first", **TERMS)
            seq = account.stops_with_bare_shares(first, "BRAV", "4")
            account.takes_over(second, time.monotonic(), seq)
            assert second.ready["open_trades"] == ["covered", "first"]

            time.sleep(0.5)  # the new engine has nothing left to do
            seq = account.log()[-1]["seq"]
            os.kill(first.process.pid, signal.SIGCONT)
            assert first.process.wait(timeout=20) == 3
            assert "FENCED" in first.said()
            assert f"lost the account to {BUILD} (process {second.process.pid} " in first.said()
            assert account.log(seq) == [], "it sent nothing, and the new one had nothing to do"

        with account.engine(0, "--standby") as third, account.client(1) as strategy:
            assert f"process {second.process.pid}" in third.standing_by["why"]
            pool.submit(strategy.trade, "CHAR", "buy", 20, plan_id="second", **TERMS)
            seq = account.stops_with_bare_shares(second, "CHAR", "3")
            second.kill()
            account.takes_over(third, time.monotonic(), seq)
            assert third.ready["open_trades"] == ["covered", "first", "second"]
            with account.client(0) as successor:
                assert successor.flatten("", "enough").is_flat
                assert [trade.uncovered_qty for trade in successor.open_trades()] == []
            assert third.stop() == 0
    assert [len(account.places[0].entries(symbol)) for symbol in ("BRAV", "CHAR")] == [1, 1]
    account.judge()
    for place in account.places:
        assert not leaks_in((place.folder / "run.err").read_bytes(), SECRET)
        assert not leaks_in((place.folder / "logs" / "surefill.log").read_bytes(), SECRET)
