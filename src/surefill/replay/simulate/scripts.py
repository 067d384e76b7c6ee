"""The written scenarios of the kill points: small, and together through every phase of a trade.

What: `SCRIPTS` (names) and `scripted` (a name -> its `Scenario`).
Invariants: written markets, a healthy venue; what goes wrong is death alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from surefill.core.events import Act
from surefill.core.fix import Side
from surefill.core.plan import SECOND_NS, ExitsByDistance, TradePlan
from surefill.core.units import CENT, NANO, to_nano
from surefill.replay.simulate.scenario import (
    Given,
    Happening,
    Meddled,
    Meddling,
    Operated,
    Scenario,
    Symbol,
)
from surefill.sim.calendar import session_on

DATE = 20260302
SYMBOL = "ACME"
STORM_MS = 16_000
LAST_MS = 24_000
EVERY_MS = 1_000
Step = tuple[int, str, int]
"""(ms, bid of a long plan's market, shares displayed); a short plan's is mirrored at 100.00"""

AT_ONCE: Sequence[Step] = ((-4_000, "100.00", 1_000),)
TARGET: Sequence[Step] = (*AT_ONCE, (8_000, "101.20", 1_000))
STOPPED: Sequence[Step] = ((-4_000, "100.00", 30), (9_000, "99.30", 1_000))
AWAY: Sequence[Step] = ((-4_000, "100.20", 1_000),)
SOME: Sequence[Step] = ((-4_000, "100.00", 37), (1_000, "100.20", 1_000), (9_000, "101.40", 1_000))


def scripted(name: str) -> Scenario:
    """The scenario of this name."""
    return _SCRIPTS[name]()


def _scenario(
    sign: int,
    path: Sequence[Step],
    *,
    tactic: str = "limit",
    beside: bool = False,
    is_legacy: bool = False,
    more: tuple[Happening, ...] = (),
) -> Scenario:
    session = session_on(DATE)
    start_ns = session.open_ns + 600 * SECOND_NS
    plan = TradePlan(
        plan_id="p1",
        symbol=SYMBOL,
        side=Side.BUY if sign > 0 else Side.SELL_SHORT,
        signal_px=to_nano("100.00"),
        exits=ExitsByDistance(to_nano("0.50"), 2 * NANO),
        order_qty=100 * NANO,
        tactic=tactic,
        overrides=(("fill_timeout_ns", 5 * SECOND_NS),),
        exit_at_ns=start_ns + 12 * SECOND_NS,
    )
    return Scenario(
        seed=20 if is_legacy else 1,
        is_calm=False,
        date=DATE,
        start_ns=start_ns,
        close_ns=session.close_ns,
        storm_ms=STORM_MS,
        symbols=(_symbol(sign, path),),
        happenings=(Given(0, plan, is_legacy), *more),
        exits_beside_entry=beside,
    )


def _symbol(sign: int, path: Sequence[Step]) -> Symbol:
    return Symbol(
        name=SYMBOL,
        px=to_nano("100.00"),
        unit_px=CENT,
        spread_ticks=2,
        size=100,
        step_ms=EVERY_MS,
        path=_quotes(sign, path),
    )


def _quotes(sign: int, path: Sequence[Step]) -> tuple[tuple[int, int, int, int], ...]:
    """The steps as quotes, each repeated until the next; two cents wide."""
    quotes = []
    for ms in range(path[0][0], LAST_MS, EVERY_MS):
        _, bid, shares = [step for step in path if step[0] <= ms][-1]
        low_px = to_nano(bid)
        if sign < 0:
            low_px = 200 * NANO - low_px - 2 * CENT
        quotes.append((ms, low_px, low_px + 2 * CENT, shares + ms // EVERY_MS % 2))
    return tuple(quotes)


_SCRIPTS: dict[str, Callable[[], Scenario]] = {
    "limit, target": lambda: _scenario(1, TARGET),
    "short, filled in parts, stopped": lambda: _scenario(-1, STOPPED, beside=True),
    "bracket, time exit": lambda: _scenario(1, AT_ONCE, tactic="marketable"),
    "short bracket, a part, target": lambda: _scenario(-1, SOME, tactic="marketable"),
    "not entered": lambda: _scenario(1, AWAY),
    "flattened": lambda: _scenario(-1, AT_ONCE, more=(Operated(6_000, Act.FLATTEN, SYMBOL),)),
    "a leg cancelled by hand": lambda: _scenario(
        1, TARGET, more=(Meddled(4_000, Meddling.CANCEL_LEG, SYMBOL),)
    ),
    "a bust": lambda: _scenario(1, AT_ONCE, more=(Meddled(4_000, Meddling.BUST, SYMBOL),)),
    "legacy": lambda: _scenario(1, TARGET, is_legacy=True),
}
SCRIPTS = tuple(_SCRIPTS)
