"""What a caller hands over fits the journal, or ends at the caller."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from surefill.core.events import Act, OperatorActed, PlanSubmitted
from surefill.core.plan import PlanError, Policy, TradePlan
from surefill.core.reasons import ReasonCode
from surefill.runtime.guard import must_fit
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange

PLAN = TradePlan.of("ACME", "buy", 1, plan_id="p", signal_price=10, risk=1, rr=2)


def submitted(**wrong: Any) -> PlanSubmitted:
    return PlanSubmitted(replace(PLAN, **wrong), Policy(), False, 1)


def test_what_fits_passes_unchanged() -> None:
    event = submitted()
    assert must_fit(event) is event
    act = OperatorActed(Act.HALT, "", "ann", "lunch", 1)
    assert must_fit(act) is act


@pytest.mark.parametrize("field", ["symbol", "plan_id", "tactic"])
def test_a_field_of_a_plan_is_named(field: str) -> None:
    with pytest.raises(PlanError):
        must_fit(submitted(**{field: None}))


def test_other_types_are_type_errors() -> None:
    with pytest.raises(TypeError):
        must_fit(submitted(extended_hours="no"))
    why: Any = None
    with pytest.raises(TypeError):
        must_fit(OperatorActed(Act.KILL, "", "ann", why, 1))


async def test_the_engine_goes_on_after_what_does_not_fit(tmp_path: Path) -> None:
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        desk = Desk(exchange, tmp_path)
        async with SmartOrderExecutor(desk.settings()) as executor:
            good = plan_of("ACME", "good")
            wrong: Any = {"symbol": None}
            with pytest.raises(PlanError, match="PLAN_SYMBOL_INVALID"):
                await executor.execute(replace(good, **wrong))
            with pytest.raises(TypeError):
                await executor.check(replace(good, **wrong))
            nobody: Any = None
            with pytest.raises(TypeError):
                await executor.kill(nobody)
            odd = await executor.execute(replace(good, symbol="a b", plan_id="odd"))
            assert odd.code is ReasonCode.PLAN_SYMBOL_INVALID
            assert (await executor.execute(good)).is_entered
