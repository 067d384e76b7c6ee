"""Facts and benches for the tests of metrics and of the checklist."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.fix import Side
from surefill.core.reasons import ReasonCode
from surefill.core.trade import Outcome
from surefill.core.units import NANO
from surefill.tca.facts import Fact, Fate
from tests.support.core import START_NS, Kind
from tests.support.told import ToldBench

BPS = 100_000
"""One basis point in ppb."""


def fact(plan_id: str, fate: Fate = Fate.ENTERED, **more: object) -> Fact:
    """A smart long of ACME; entered ones cost 3 bps of a 10 bps cap and made 2 R
    after half an R against them."""
    n = sum(map(ord, plan_id))
    base = Fact(
        plan_id=plan_id,
        symbol="ACME",
        side=Side.BUY,
        is_legacy=False,
        fate=fate,
        outcome={Fate.DENIED: Outcome.DENIED, Fate.ENTERED: Outcome.CLOSED_TARGET}.get(
            fate, Outcome.NOT_ENTERED
        ),
        at_ns=START_NS,
        codes=(
            {
                Fate.DENIED: ReasonCode.RR_BELOW_MIN,
                Fate.REJECTED: ReasonCode.ENTRY_REJECTED,
                Fate.NOT_ENTERED: ReasonCode.ENTRY_TIMEOUT,
            }.get(fate, ReasonCode.ENTRY_FILLED),
        ),
        seqs=(n,),
        cap_ppb=10 * BPS,
    )
    if fate is Fate.ENTERED:
        base = replace(
            base,
            slippage_vs_signal_ppb=3 * BPS,
            shortfall_ppb=3 * BPS,
            has_stop_at_broker=True,
            rr_signal_ppb=1_950_000_000,
            rr_exits_ppb=2 * NANO,
            uncovered_ns=200_000_000,
            uncovered_share_ms=20_000,
            r_ppb=2 * NANO,
            pnl_usd=400 * NANO,
            mae_px=2 * NANO,
            mfe_px=8 * NANO,
            mae_ppb=NANO // 2,
            mfe_ppb=2 * NANO,
        )
    return replace(base, **more)  # type: ignore[arg-type]


def closed_bench(side: str = "buy", **more: object) -> ToldBench:
    """A trade of 100 entered at its limit, covered, closed at its target."""
    b = ToldBench(side, **more)
    b.accepts("E1")
    b.fills("E1", 100)
    b.accepts("X1")
    b.run(1)
    b.fills("X1", 100)
    b.run(5)
    assert b.trade.is_closed
    return b


def missed_bench(side: str = "buy", ask: int = 20) -> ToldBench:
    """A trade whose market ran ``ask`` cents away: not entered in its 60 s."""
    b = ToldBench(side)
    b.accepts("E1")
    b.run(55)
    b.quote(ask - 2, ask)
    b.run(4)
    b.quote(ask - 2, ask)
    b.run(1.5)
    b.cancelled("E1")
    b.run(5)
    assert b.trade.is_closed
    return b


def rejected_bench() -> ToldBench:
    """A trade whose entry the broker refuses."""
    b = ToldBench()
    b.refuses("E1", Kind.OTHER)
    b.run(5)
    assert b.trade.is_closed
    return b
