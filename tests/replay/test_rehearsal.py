"""A rehearsal before a real exchange, over real sockets: both ways in, covered and out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from surefill.core.reasons import ReasonCode
from surefill.core.trade import Outcome
from surefill.replay.rehearsal import RehearsalError, rehearse
from surefill.runtime.wiring import open_journal
from surefill.tca.history import read_history
from tests.support.desk import Desk
from tests.support.exchange_server import RunningExchange


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An account before an exchange that quotes ACME."""
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        yield Desk(exchange, tmp_path)


async def test_both_ways(desk: Desk) -> None:
    smart, legacy = await rehearse(desk.settings(), "ACME", by="ann")
    assert (smart.is_legacy, legacy.is_legacy) == (False, True)
    assert {smart.outcome, legacy.outcome} == {Outcome.CLOSED_FLATTEN}
    assert smart.entry_qty == legacy.entry_qty == 10**9
    journal = open_journal(desk.settings(), read_only=True)
    history = read_history(journal)
    journal.close()
    assert [fact.path for fact in history.facts] == ["smart", "legacy"]
    assert all(fact.has_stop_at_broker for fact in history.facts)
    digests = [start.settings_digest for start in history.starts]
    assert len(set(digests)) == 2


async def test_a_plan_that_is_denied_is_told(desk: Desk) -> None:
    restricted = replace(desk.settings(), restricted_symbols=("ACME",))
    results = await rehearse(restricted, "ACME", by="ann")
    assert [result.code for result in results] == [ReasonCode.SYMBOL_RESTRICTED] * 2


async def test_without_a_quote_there_is_none(desk: Desk) -> None:
    with pytest.raises(RehearsalError, match="no quote for NONE"):
        await rehearse(desk.settings(), "NONE", by="ann")


async def test_never_with_real_money(desk: Desk) -> None:
    real = replace(desk.settings(), base_url="https://api.alpaca.markets")
    with pytest.raises(RehearsalError, match="real money"):
        await rehearse(real, "ACME", by="ann")


async def test_what_stays_open_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surefill.replay.rehearsal.CLOSE_S", 0.0)
    with pytest.raises(RehearsalError, match="is still open"):
        await rehearse(desk.settings(), "ACME", by="ann")
