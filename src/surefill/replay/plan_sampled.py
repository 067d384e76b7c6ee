"""Plans sampled from the tape itself: every so many seconds, both sides, exits from volatility.

What: `SampledPlans`: one plan a symbol and slot of time, long and short in turn; the signal is the
mid of a chosen age; the stop is as far away as the price is expected to move while the trade is
open, the target a multiple of that.
Why beside `sim.workload`: that one draws a wild mix to try the engine; this one asks one question
("how does this tactic do on a five-second-old signal?") and varies nothing else.
Invariants: what a plan knows was on the tape at its signal's instant; the same settings and tape
give the same plans; a slot without a plan is named.
Must never: draw anything: the seed is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surefill.core.fix import Side
from surefill.core.plan import SECOND_NS, ExitsByDistance, TradePlan
from surefill.core.session import Session
from surefill.core.units import NANO, US_EQUITY_TICKS, to_text
from surefill.replay.plan_rows import LeftOut, PlanCode
from surefill.replay.plan_source import Given, Place, PlanSource
from surefill.replay.volatility import WINDOW_S, move_px
from surefill.sim.columns import TapeColumns
from surefill.sim.workload import Draw

WARM_UP_S = WINDOW_S
"""From a symbol's first quote to its first plan: the volatility needs a past."""
CUTOFF_S = 900
"""No plan in the last quarter of an hour: the gate would refuse it on every path."""
TICKS_MIN = 3
"""A stop is at least that far away, and never closer than twice the spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledPlans:
    """``every_s``, ``stale_s``, ``budget_s`` and ``hold_s`` in seconds (of the slot, of the signal,
    to get in, until the time exit); ``order_qty``: 1e-9 share; ``rr_ppb``: target in stops."""

    every_s: int = 120
    stale_s: int = 0
    order_qty: int = 100 * NANO
    rr_ppb: int = 5 * NANO // 2
    budget_s: int = 30
    hold_s: int = 90
    minutes_max: int | None = None

    @property
    def places(self) -> frozenset[Place] | None:
        """Any day."""
        return None

    def by_place(self) -> Mapping[Place, PlanSource]:
        """It knows no days."""
        return {}

    def given(self, tapes: Sequence[TapeColumns], session: Session) -> Given:
        """A plan a slot, or why there is none."""
        draws: list[Draw] = []
        left_out: list[LeftOut] = []
        for tape in tapes:
            for n, at_ns in enumerate(self._slots(tape, session)):
                found = self._plan(tape, at_ns, n)
                (left_out if isinstance(found, LeftOut) else draws).append(found)  # type: ignore[arg-type]
        draws.sort(key=lambda draw: (draw.at_ns, draw.plan.plan_id))
        note = (
            f"sampled every {self.every_s} s, long and short in turn: {to_text(self.order_qty)} "
            f"shares, signal the mid {self.stale_s} s before; stop as far as the price is expected "
            f"to move in {self.hold_s} s by the {WINDOW_S} s before, target "
            f"{to_text(self.rr_ppb)} times that; time exit after {self.hold_s} s"
        )
        return Given(tuple(draws), tuple(left_out), (note,))

    def _slots(self, tape: TapeColumns, session: Session) -> range:
        """Instants (UTC ns) of a symbol's plans."""
        if not len(tape.quote_ns):
            return range(0)
        first_ns = max(session.open_ns, int(tape.quote_ns[0])) + WARM_UP_S * SECOND_NS
        last_ns = min(session.close_ns - CUTOFF_S * SECOND_NS, int(tape.quote_ns[-1]))
        if self.minutes_max is not None:
            last_ns = min(last_ns, first_ns + self.minutes_max * 60 * SECOND_NS)
        return range(first_ns, last_ns, self.every_s * SECOND_NS)

    def _plan(self, tape: TapeColumns, at_ns: int, n: int) -> Draw | LeftOut:
        plan_id = f"s{tape.symbol}-{n:04d}"
        signal_ns = at_ns - self.stale_s * SECOND_NS
        row = int(tape.quote_ns.searchsorted(signal_ns, side="right")) - 1
        bid_px, ask_px = (int(tape.bid_px[row]), int(tape.ask_px[row])) if row >= 0 else (0, 0)
        move = move_px(tape, signal_ns, self.hold_s)
        if not 0 < bid_px < ask_px or move is None:
            sentence = "no two-sided market at its signal, or too little of one before"
            where, code = f"plan {plan_id}", PlanCode.PLAN_NO_QUOTE
            return LeftOut(where, code, "signal_at", str(signal_ns), sentence)
        sign = -1 if n % 2 else 1
        # Not on the tick: half a tick of rounding would be called delay, on every path, and where
        # the spread is one tick that is as much as the legacy order pays.
        signal_px = (bid_px + ask_px) // 2
        tick_px = US_EQUITY_TICKS.tick_at(signal_px)
        risk_px = max(move, TICKS_MIN * tick_px, 2 * (ask_px - bid_px))
        plan = TradePlan(
            plan_id=plan_id,
            symbol=tape.symbol,
            side=Side.BUY if sign > 0 else Side.SELL_SHORT,
            signal_px=signal_px,
            exits=ExitsByDistance(-(-risk_px // tick_px) * tick_px, self.rr_ppb),
            order_qty=self.order_qty,
            signal_ns=signal_ns,
            overrides=(("fill_timeout_ns", self.budget_s * SECOND_NS),),
            exit_at_ns=at_ns + self.hold_s * SECOND_NS,
            flat_by_close=True,
        )
        return Draw(at_ns, plan, False)
