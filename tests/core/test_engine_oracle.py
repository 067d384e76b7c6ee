"""A Hypothesis state machine: the real engine, several plans, a broker with bad habits, and an
oracle that predicts (tests/support/oracle.py). Nothing here knows how the engine decides.

Rules are what can happen: plans, answers (late, lost, false), executions (partial, after a cancel,
told twice, out of order or never), quotes, halts, operators, a stream that fails, hands that cancel
and close, kills and restarts from the journal's images. Every request is judged when it is sent; at
the end all heals, and what the oracle predicted has to be there.

ORACLE_EXAMPLES in the environment plays more histories than CI does. Of the bugs of tests/zoo/bugs,
as many histories as CI plays found, while this was being written, a03, a11, a14, a16, a23, a28
(shorts), a33, a44, b01, i2, i15, i1_cap and r18 against the oracle, and a04, a13, a28 (side) and i9
by the engine's own checks; a06, a40 and i6_kill they missed.
"""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from surefill.core.commands import CancelOrder, SubmitOrder
from surefill.core.events import Act, OperatorActed, StreamChanged
from surefill.core.fix import Contingency, Leg, OrdStatus, OrdType
from surefill.core.plan import ExitsByDistance, TradePlan
from surefill.core.units import NANO
from tests.support.core import Row, S
from tests.support.core_world import SYMBOL
from tests.support.oracle import USD, Terms
from tests.support.oracle_floor import HOW, QTY_MAX, SIGNALS, Floor

EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "25"))
SWITCHES = {"KILL_ACTIVE", "HALT_ACTIVE"}
UNSETTLED = {"POSITION_FOREIGN", "POSITION_UNKNOWN", "ENGINE_NOT_READY"}
"""Also right while hands have just closed something, or a start has not read everything."""
BARE_S = 2
"""I3: 1.5 s, and the grain of our steps; I6: entries end within 2 s."""


class Trial(Floor):
    """What the oracle predicts, held against what is there."""

    stopped_ns = 0

    def offer(self, plan: TradePlan) -> None:
        """A plan is handed in; the oracle says beforehand why it will be refused."""
        self.plans.setdefault(plan.plan_id, plan)
        terms = Terms.of(plan)
        expected = set(terms.refusals) | self.refusals_of(plan)
        if not expected:
            self.oracle.terms[plan.plan_id] = terms
        step = self.submit_plan(plan)
        found = {reason.code.name for denial in step.denials for reason in denial.reasons}
        if terms.refusals:
            expected = set(terms.refusals) | expected & SWITCHES
        assert found - UNSETTLED == expected, f"{found}, not {expected}: {plan}"
        if found:
            self.denied.add(plan.plan_id)
            self.oracle.terms.pop(plan.plan_id, None)

    def refusals_of(self, plan: TradePlan) -> set[str]:
        """Why the gate has to refuse, beside what is wrong with the plan itself."""
        (bid, ask), is_halted, at_ns = self.quotes[plan.symbol]
        near, far = (bid, ask) if plan.sign > 0 else (ask, bid)
        assert plan.exits is not None
        if isinstance(plan.exits, ExitsByDistance):
            stop = far - plan.sign * plan.exits.risk_px
        else:
            stop = plan.exits.stop_px
        open_ids = {trade.trade_id for trade in self.engine.book.open.values()}
        found = {
            "KILL_ACTIVE": self.oracle.is_killed,
            "HALT_ACTIVE": self.oracle.is_halted,
            "SYMBOL_HALTED": is_halted,
            "QUOTE_STALE": self.now - at_ns > 3 * S // 2,
            "QTY_ABOVE_LIMIT": (plan.order_qty or 0) > QTY_MAX * NANO,
            "STOP_INSIDE_SPREAD": plan.sign * (near - stop) <= 0,
            "SYMBOL_BUSY": any(self.plans[i].symbol == plan.symbol for i in open_ids),
        }
        return {name for name, is_so in found.items() if is_so}

    def free_symbol(self) -> str:
        """A symbol without an open trade, if there is one."""
        taken = {trade.symbol for trade in self.engine.book.open.values()}
        return next((symbol for symbol in SIGNALS if symbol not in taken), "")

    def accepted(self) -> list[str]:
        return [plan_id for plan_id in self.oracle.terms if plan_id not in self.denied]

    def rows_of(self, plan_id: str) -> list[Row]:
        return [row for row in self.rows.values() if row.name.startswith(f"{plan_id}/")]

    def held_by(self, plan_id: str) -> int:
        """Whole shares of a plan at the venue, hands included."""
        signed = sum(row.spec.side.sign * row.cum_qty for row in self.rows_of(plan_id)) // NANO
        return self.plans[plan_id].sign * signed - self.elsewhere_of.get(plan_id, 0)

    def close_by_hand(self, plan_id: str, part: int) -> None:
        """A person closes tenths of what a plan holds; its exits stay where they are."""
        self.oracle.closing.add(plan_id)
        sign, qty = self.plans[plan_id].sign, max(1, self.held_by(plan_id) * part // 10)
        symbol = self.plans[plan_id].symbol
        self.elsewhere_of[plan_id] = self.elsewhere_of.get(plan_id, 0) + qty
        self.elsewhere[symbol] = self.elsewhere.get(symbol, 0) - sign * qty

    def check_cover(self) -> None:
        """I3: shares that nothing stands for, while nothing is under way, are not left so."""
        for plan_id in self.accepted():
            held = self.oracle.held_qty(plan_id) - self.elsewhere_of.get(plan_id, 0) * NANO
            is_bare = held > self.oracle.exits_qty(plan_id)
            waits = any(call.trade_id == plan_id for call in self.calls)  # type: ignore[union-attr]
            waits |= self.quotes[self.plans[plan_id].symbol][1]  # a halt: I3 (e)
            if not is_bare or waits or self.is_entering(plan_id) or not self.reads:
                self.bare_since.pop(plan_id, None)
                continue
            since = self.bare_since.setdefault(plan_id, self.now)
            assert self.now - since <= BARE_S * S, f"I3: {plan_id} bare, nothing under way"

    def check_stopped(self) -> None:
        """I6: while new risk is stopped, no entry that can be named is left alone."""
        if not (self.oracle.is_killed or self.oracle.is_halted):
            self.stopped_ns = self.now
        if self.now - self.stopped_ns <= BARE_S * S:
            return
        for key, family in self.oracle.families.items():
            is_named = any(self.oracle.members(key, exits=False)) and not family.is_exit
            if is_named and self.oracle.open_qty(key) and self.reads:
                assert f"cancel {self.name_of(key)}" in self.lines, f"I6: {key} still works"

    def is_entering(self, plan_id: str) -> bool:
        """Whether an entry may still execute and has been asked to end, or cannot be named yet."""
        for key, family in self.oracle.families.items():
            if family.plan_id == plan_id and not family.is_exit and self.oracle.open_qty(key):
                is_named = bool(self.oracle.members(key, exits=False))
                if not is_named or f"cancel {self.name_of(key)}" in self.lines:
                    return True
        return False

    def check_truth(self) -> None:
        """I1, I2, I4 by the venue's own book."""
        for plan_id in self.accepted():
            terms, rows = self.oracle.terms[plan_id], self.rows_of(plan_id)
            entered = sum(row.cum_qty for row in rows if row.spec.leg is Leg.ENTRY)
            assert entered <= (terms.plan.order_qty or 0), f"I2: {plan_id}"
            assert self.held_by(plan_id) >= 0 or plan_id in self.elsewhere_of, f"I4: {plan_id}"
        for fill in self.history:
            plan = self.plan_of(
                next(r.name for r in self.rows.values() if r.order_id == fill.order_id)
            )
            if fill.side is plan.side:
                worst_px = self.oracle.terms[plan.plan_id].worst_px
                assert plan.sign * ((fill.last_px or 0) - worst_px) <= 0, f"I1: {fill}"

    def heal(self) -> None:
        """No more faults: all is answered and told, reads work, closing orders fill."""
        self.reads = True
        self.feed(StreamChanged(True, self.now))
        self.quote()
        self.unsaid.clear()  # what the stream lost stays lost: reads have to find it
        for seconds in (*[0.5] * 40, *[5] * 30):
            self.obey()
            self.run(seconds)

    def obey(self) -> None:
        """Everything that was asked for is done and told; what closes, fills."""
        while self.calls:
            self.reply(0, "fine")
        for row in [r for r in self.rows.values() if self.is_open(r)]:
            if self.oracle.roots[row.order_id][1] is Leg.FLATTEN and self.is_open(row):
                qty = min(self.leaves(row), self.held_by(row.name.partition("/")[0]))
                if qty > 0:
                    self.execute(row, qty, row.spec.limit_px or 0)
        while self.unsaid:
            self.tell(0)

    def check_end(self) -> None:
        """What the oracle predicts is there: quantity, prices, outcome."""
        for plan_id in self.accepted():
            held, trade = self.held_by(plan_id), self.engine.book.get(plan_id)
            assert trade is not None
            live = [row for row in self.rows_of(plan_id) if self.is_open(row)]
            assert self.oracle.held_qty(plan_id) // NANO - self.elsewhere_of.get(plan_id, 0) == held
            if held <= 0:
                assert not live, f"A-40: {plan_id} is flat, {live}"
                ends = self.oracle.outcomes(plan_id, elsewhere=plan_id in self.elsewhere_of)
                assert trade.outcome is not None, f"I5: {plan_id} {trade.entry_end}"
                assert trade.outcome.value in ends, f"I5: {trade.outcome}, not {ends}"
                continue
            self._check_exits(plan_id, live, held)

    def _check_exits(self, plan_id: str, live: list[Row], held: int) -> None:
        vwap = self.oracle.entered(plan_id)[1]
        assert vwap is not None, f"A-04: {plan_id} still without prices"
        stop, target = self.oracle.terms[plan_id].exits(vwap)
        groups: dict[str, int] = {}
        for row in live:
            assert row.spec.leg is not Leg.ENTRY, f"{row} still works"
            groups[min(r.name for r in self.group_of(row.name))] = self.leaves(row)
            if row.spec.ord_type is OrdType.STOP:
                assert row.spec.stop_px == stop, f"I14: {row.spec.stop_px}, not {stop}"
            elif row.spec.contingency is Contingency.OCO or row.spec.leg is Leg.TARGET:
                px = row.spec.limit_px or row.spec.take_profit_px
                assert px == target, f"I14: {px}, not {target}"
        assert sum(groups.values()) == held, f"I3, I4: {groups} for {held}"
        assert any(row.spec.ord_type is OrdType.STOP for row in live), f"I3: {live}"


SIGNS = {"buy": 1, "sell": -1}
SIDES = st.sampled_from(sorted(SIGNS))
SYMBOL_NAMES = st.sampled_from(sorted(SIGNALS))
TACTIC_NAMES = st.sampled_from(["limit", "marketable"])
SOUND = st.sampled_from(
    [("risk", "0.02", 3), ("risk", "0.05", 2), ("level", "200", 450), ("level", "150", 900)]
)
"""A distance in USD and a ratio; or levels in 1e-4 of the signal against and beyond it."""
ODD = st.one_of(
    st.tuples(st.just("risk"), st.sampled_from(["0.005", "0.5", "2"]), st.sampled_from([1, 2])),
    st.tuples(st.just("level"), st.sampled_from(["-1", "1"]), st.sampled_from([-3, 2, 100])),
    st.tuples(st.just("level"), st.just("200"), st.sampled_from([399, 400])),
)
AT = st.integers(0, 9)
FILLED = st.sampled_from([-1, 0, 0, 5, 5, 100, 500])
"""Shares of an entry that execute at once; -1: it is not even taken."""


class EngineMachine(RuleBasedStateMachine):
    """Anything may follow anything."""

    def __init__(self) -> None:
        super().__init__()
        self.w: Trial
        self.count = 0

    @initialize(beside=st.booleans(), side=SIDES, tactic=TACTIC_NAMES, exits=SOUND, filled=FILLED)
    def start(
        self, beside: bool, side: str, tactic: str, exits: tuple[str, str, int], filled: int
    ) -> None:
        self.w = Trial(beside=beside)
        self.offer(SYMBOL, side, 100, tactic=tactic, exits=exits)
        self.begin(filled)

    @precondition(lambda self: self.w.free_symbol())
    @rule(side=SIDES, qty=st.sampled_from([1, 7, 500]), exits=SOUND, filled=FILLED)
    def plan(self, side: str, qty: int, exits: tuple[str, str, int], filled: int) -> None:
        """A sound plan at a fresh quote, whose entry gets something at once, or nothing."""
        symbol = self.w.free_symbol()
        self.w.look(symbol, SIGNALS[symbol])
        self.offer(symbol, side, qty, tactic="limit" if qty < 100 else "marketable", exits=exits)
        self.begin(filled)

    def begin(self, filled: int) -> None:
        """The last request, if it is an entry, is taken, and so many shares of it execute."""
        w = self.w
        last = w.calls[-1] if w.calls else None
        if filled < 0 or not isinstance(last, SubmitOrder) or last.spec.leg is not Leg.ENTRY:
            return
        w.reply(len(w.calls) - 1, "fine")
        if filled:
            row = w.rows[w.name_of(last.spec.cl_ord_id)]
            w.execute(row, min(filled, w.leaves(row)), row.spec.limit_px or 0)
            w.tell(len(w.unsaid) - 1)

    @rule(
        symbol=SYMBOL_NAMES, side=SIDES, qty=st.sampled_from([1, 501]), exits=st.one_of(ODD, SOUND)
    )
    def odd_plan(self, symbol: str, side: str, qty: int, exits: tuple[str, str, int]) -> None:
        """A plan that is likely refused: the oracle says why."""
        self.offer(symbol, side, qty, tactic="limit", exits=exits)

    def offer(
        self, symbol: str, side: str, qty: int, *, tactic: str, exits: tuple[str, str, int]
    ) -> None:
        kind, first, second = exits
        signal, s = SIGNALS[symbol], SIGNS[side]
        self.count += 1
        given: dict[str, object] = {"risk": first, "rr": second}
        if kind == "level":
            stop, target = (signal * (10_000 + s * n) / 10_000 for n in (-int(first), second))
            given = {"stop": f"{float(stop):.4f}", "target": f"{float(target):.4f}"}
        self.w.offer(
            TradePlan.of(
                symbol,
                side,
                qty,
                plan_id=f"p{self.count}",
                signal_price=f"{float(signal)}",
                tactic=tactic,
                **given,  # type: ignore[arg-type]
            )
        )
        self.w.run(0.001)

    @precondition(lambda self: self.w.plans)
    @rule(at=AT)
    def plan_again(self, at: int) -> None:
        plan = list(self.w.plans.values())[at % len(self.w.plans)]
        if plan.plan_id not in self.w.denied:
            sent = len(self.w.calls)
            self.w.submit_plan(plan)
            assert len(self.w.calls) == sent, "A-02: a plan id is consumed once"

    @precondition(lambda self: self.w.calls)
    @rule(at=AT)
    def reply_well(self, at: int) -> None:
        self.w.reply(at, "fine")

    @precondition(lambda self: self.w.calls)
    @rule(at=AT, how=st.sampled_from(HOW))
    def reply(self, at: int, how: str) -> None:
        self.w.reply(at, how)

    def can_fill(self) -> list[Row]:
        w = self.w
        rows = [r for r in w.rows.values() if w.is_open(r) and w.is_armed(r) and w.leaves(r) > 0]
        return [
            r for r in rows if r.spec.leg is Leg.ENTRY or w.held_by(r.name.partition("/")[0]) > 0
        ]

    def execute(self, row: Row, part: int, better: int = 0) -> None:
        """Tenths of what an order may still execute, at its limit or some ticks better."""
        w, plan, limit_px = self.w, self.w.plan_of(row.name), row.spec.limit_px
        room = w.leaves(row)
        if row.spec.leg is not Leg.ENTRY:
            room = min(room, w.held_by(plan.plan_id))
        step_px = better * (USD // 100 if plan.symbol == SYMBOL else USD // 10_000)
        px = row.spec.stop_px if limit_px is None else limit_px - row.spec.side.sign * step_px
        w.execute(row, max(1, room * part // 10), px or 0)

    @precondition(lambda self: self.can_fill())
    @rule(at=AT, part=st.sampled_from([1, 3, 10, 10]), better=st.integers(0, 3))
    def fill(self, at: int, part: int, better: int) -> None:
        rows = self.can_fill()
        self.execute(rows[at % len(rows)], part, better)

    @precondition(lambda self: any(r.spec.leg is not Leg.ENTRY for r in self.can_fill()))
    @rule(at=AT, part=st.sampled_from([3, 10, 10]))
    def exit_fills(self, at: int, part: int) -> None:
        rows = [row for row in self.can_fill() if row.spec.leg is not Leg.ENTRY]
        self.execute(rows[at % len(rows)], part)

    @precondition(lambda self: self.cancels())
    @rule(part=st.sampled_from([3, 10]), is_told=st.booleans())
    def fill_before_cancel(self, part: int, is_told: bool) -> None:
        """A-06: a cancel is on its way, and the order fills."""
        row = self.cancels()[0]
        self.execute(row, part)
        if is_told:
            self.w.tell(len(self.w.unsaid) - 1)

    def cancels(self) -> list[Row]:
        """Orders that may fill and whose end has been asked for."""
        keys = [call.cl_ord_id for call in self.w.calls if isinstance(call, CancelOrder)]
        return [row for row in self.can_fill() if row.cl_ord_id in keys]

    @precondition(lambda self: self.w.unsaid)
    @rule(at=AT, fate=st.sampled_from(["told", "told", "told", "never"]))
    def tell(self, at: int, fate: str) -> None:
        if fate == "never":
            self.w.unsaid.pop(at % len(self.w.unsaid))
        else:
            self.w.tell(at)

    @precondition(lambda self: self.w.said)
    @rule(at=AT)
    def tell_again(self, at: int) -> None:
        self.w.streams(replace(self.w.said[-1 - at % len(self.w.said)], recv_ns=self.w.now))

    @rule(seconds=st.sampled_from([0.01, 0.1, 0.3, 0.6, 1.1, 7.0, 50.0]))
    def wait(self, seconds: float) -> None:
        self.pass_time(seconds)

    @rule()
    def wait_for_cover(self) -> None:
        self.pass_time(2.5)

    def pass_time(self, seconds: float) -> None:
        steps = max(1, round(seconds * 2))
        for _ in range(steps):
            self.w.run(seconds / steps)
            self.w.check_cover()

    @rule(
        symbol=SYMBOL_NAMES,
        bps=st.sampled_from([-300, -100, -5, 0, 0, 5, 100, 500]),
        halted=st.sampled_from([False, False, False, True]),
    )
    def quote(self, symbol: str, bps: int, halted: bool) -> None:
        self.w.look(symbol, SIGNALS[symbol] * (10_000 + bps) / 10_000, halted=halted)

    @rule(up=st.booleans())
    def stream(self, up: bool) -> None:
        self.w.feed(StreamChanged(up, self.w.now))

    @rule(works=st.sampled_from([True, True, False]))
    def reads(self, works: bool) -> None:
        self.w.reads = works

    @rule(
        act=st.sampled_from([Act.FLATTEN, Act.CANCEL_ENTRY]),
        symbol=st.sampled_from(["", *sorted(SIGNALS)]),
    )
    def operate(self, act: Act, symbol: str) -> None:
        self.w.feed(OperatorActed(act, symbol, "desk", "asked", self.w.now))

    @precondition(lambda self: any(map(self.w.is_open, self.w.rows.values())))
    @rule(at=AT)
    def cancel_by_hand(self, at: int) -> None:
        rows = [row for row in self.w.rows.values() if self.w.is_open(row)]
        self.w.cease(rows[at % len(rows)], OrdStatus.CANCELED)

    @precondition(lambda self: self.held_plans())
    @rule(at=AT, part=st.sampled_from([3, 10]))
    def close_by_hand(self, at: int, part: int) -> None:
        plans = self.held_plans()
        self.w.close_by_hand(plans[at % len(plans)], part)
        self.pass_time(1.1)

    def held_plans(self) -> list[str]:
        return [p for p in self.w.accepted() if self.w.held_by(p) > 0]

    @rule(lose=st.booleans())
    def restart(self, lose: bool) -> None:
        self.w.reads = True
        if lose:
            self.w.calls.clear()  # they never left
        self.w.restart()
        self.w.bare_since.clear()

    @invariant()
    def nothing_is_worse_than_planned(self) -> None:
        self.w.check_truth()
        self.w.check_stopped()

    def teardown(self) -> None:
        if not hasattr(self, "w"):
            return
        self.w.heal()
        self.w.check_end()


EngineMachine.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestEngineAgainstOracle = EngineMachine.TestCase
