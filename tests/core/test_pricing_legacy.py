"""Terms of the legacy path that are refused although nothing of it is capped."""

from __future__ import annotations

from surefill.core.fix import Side
from surefill.core.plan import ExitsByDistance, Policy, TradePlan
from surefill.core.pricing import legacy_terms
from surefill.core.units import NANO, US_EQUITY_TICKS, to_nano


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
