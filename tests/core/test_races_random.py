"""Random histories through the real engine: nothing breaks an invariant, and once the broker has
healed the book is right and every share is covered (I2, I4, I20, I21, I24). A seed is a case."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surefill.core.commands import CancelOrder, Command, ReplaceOrder, SubmitOrder
from surefill.core.events import Accepted, Act, ExecutionReport, RateLimited, Unavailable, Verb
from surefill.core.fix import Contingency, ExecType, Leg, OrdStatus
from surefill.core.units import NANO
from tests.support.core import Bench, Kind, Row, S

STEPS = 40
HEAL_S = 200


class Chaos:
    """A broker that answers late, twice, in disorder or not at all, but keeps its own books."""

    def __init__(self, b: Bench, seed: int) -> None:
        self.b = b
        self.random = Random(seed)
        self.answered = 0
        self.unsaid: list[ExecutionReport] = []
        self.said: list[ExecutionReport] = []
        self.calls: list[Command] = []

    def collect(self) -> None:
        """Requests that were sent since the last look."""
        fresh = [command for _, command in self.b.sent[self.answered :]]
        self.answered = len(self.b.sent)
        self.calls += [c for c in fresh if isinstance(c, SubmitOrder | CancelOrder | ReplaceOrder)]

    def step(self) -> None:
        """One thing happens."""
        acts = [self.wait, self.wait, self.answer, self.answer, self.answer, self.execute]
        acts += [self.execute, self.say, self.say, self.say, self.repeat, self.move_quote]
        acts += [self.operate, self.cancel_by_hand, self.restart]
        weights = [1.0] * len(acts)
        weights[-3:] = [0.15, 0.15, 0.1]
        self.random.choices(acts, weights)[0]()
        self.collect()

    def wait(self) -> None:
        self.b.run(self.random.choice((0.01, 0.1, 0.3, 0.5, 2.0, 7.0)))

    def answer(self, *, honest: bool = False) -> None:
        if not self.calls:
            return
        command = self.calls.pop(self.random.randrange(len(self.calls)))
        luck = 1.0 if honest else self.random.random()
        match command:
            case SubmitOrder(_, spec):
                self.answer_submit(self.b.name_of(spec.cl_ord_id), luck)
            case CancelOrder(_, key):
                self.answer_cancel(self.b.name_of(key), luck)
            case ReplaceOrder(_, key):
                self.answer_replace(command, self.b.name_of(key), luck)
            case _:
                raise AssertionError(command)

    def answer_submit(self, name: str, luck: float) -> None:
        b = self.b
        if luck < 0.05:
            b.answers(name, Unavailable("reset"))
        elif luck < 0.08:
            b.answers(name, RateLimited(b.now + S))
        elif luck < 0.13:
            b.loses(name)
        elif name in b.rows:
            b.refuses(name, Kind.DUPLICATE_ID)
        elif self.refusal(name) is not None:
            b.refuses(name, self.refusal(name) or Kind.OTHER)
        elif luck < 0.17 and not name.startswith("E"):
            b.refuses(name, self.random.choice((Kind.OTHER, Kind.WASH_TRADE, Kind.PRICE_THROUGH)))
        else:
            row = b.takes(name)
            self.unsaid.append(b.report(row, ExecType.NEW))
            if luck < 0.3:
                b.loses(name)
            else:
                b.answers(name, Accepted(b.report(row)))

    def refusal(self, name: str) -> Kind | None:
        """Why the broker's own books do not allow it."""
        command = self.b._request(name, Verb.SUBMIT)[1]
        assert isinstance(command, SubmitOrder)
        if command.spec.leg is Leg.ENTRY:
            return None
        reserved = sum(self.leaves(row) for row in self.exits() if "." not in row.name)
        room = self.held() - reserved
        return Kind.QTY_UNAVAILABLE if command.spec.order_qty // NANO > room else None

    def held(self) -> int:
        return self.b.position() * self.b.sign

    def exits(self) -> list[Row]:
        rows = self.b.rows.values()
        return [r for r in rows if r.spec.leg is not Leg.ENTRY and not r.status.is_terminal]

    def leaves(self, row: Row) -> int:
        """Shares that an exit may still execute: its group's, because siblings shrink together."""
        family = [r for r in self.b.group_of(row.name) if r.spec.leg is not Leg.ENTRY]
        return max(0, row.spec.order_qty - sum(r.cum_qty for r in family)) // NANO

    def answer_cancel(self, name: str, luck: float) -> None:
        b, row = self.b, self.b.rows[name]
        if row.status.is_terminal:
            b.refuses(name, Kind.ALREADY_TERMINAL, Verb.CANCEL)
            return
        if luck < 0.1:
            b.loses(name, Verb.CANCEL)
            return
        self.end(row, OrdStatus.CANCELED)
        b.answers(name, Accepted(None), verb=Verb.CANCEL)

    def end(self, row: Row, status: OrdStatus) -> None:
        """An order and its siblings end; the news is on its way."""
        before = [r for r in self.b.group_of(row.name) if not r.status.is_terminal]
        self.b.ends(row.name, status)
        for other in before:
            if other.status.is_terminal:
                exec_type = ExecType(other.status.value)
                self.unsaid.append(self.b.report(other, exec_type))

    def answer_replace(self, command: ReplaceOrder, name: str, luck: float) -> None:
        b, row = self.b, self.b.rows[name]
        if row.status.is_terminal:
            b.refuses(name, Kind.NOT_REPLACEABLE, Verb.REPLACE)
        elif luck < 0.1:
            b.loses(name, Verb.REPLACE)
        elif luck < 0.15:
            b.answers(name, Unavailable("reset"), verb=Verb.REPLACE)
        else:
            new = b.replaces(name, command.new_cl_ord_id.rpartition("-")[2], told=False)
            self.unsaid.append(b.report(row, ExecType.REPLACED))
            self.unsaid.append(b.report(new, ExecType.NEW))
            if luck < 0.3:
                b.loses(name, Verb.REPLACE)
            else:
                b.answers(name, Accepted(b.report(new)), verb=Verb.REPLACE)

    def execute(self) -> None:
        """The venue executes some of a working order."""
        rows = [r for r in self.b.rows.values() if not r.status.is_terminal]
        rows = [r for r in rows if r.spec.leg is Leg.ENTRY or self.is_armed(r)]
        if not rows:
            return
        row = self.random.choice(rows)
        if row.spec.leg is Leg.ENTRY:
            room = (row.spec.order_qty - row.cum_qty) // NANO
        else:
            if self.random.random() < 0.7:
                return  # exits fill less often
            room = min(self.leaves(row), self.held())
        if room <= 0:
            return
        qty = self.random.choice((1, room, self.random.randint(1, room)))
        cents = None if row.spec.limit_px is not None else -195
        self.unsaid.append(self.b.executes(row.name, qty, cents))
        if row.spec.leg is not Leg.ENTRY and self.leaves(row) == 0:
            row.status = OrdStatus.FILLED
            self.end(row, OrdStatus.FILLED)

    def is_armed(self, row: Row) -> bool:
        """Whether an exit may execute: bracket legs only after the whole entry."""
        parent = self.b.rows.get(row.name.partition(".")[0])
        is_leg = parent is not None and parent.spec.contingency is Contingency.BRACKET
        return (
            not is_leg or parent is row or (parent and parent.status is OrdStatus.FILLED) or False
        )

    def say(self) -> None:
        """Some report arrives: any of them, out of order; now and then none ever."""
        if not self.unsaid:
            return
        report = self.unsaid.pop(self.random.randrange(len(self.unsaid)))
        if self.random.random() < 0.15:
            return
        self.said.append(report)
        self.b.streams(replace(report, recv_ns=self.b.now))

    def repeat(self) -> None:
        if self.said:
            self.b.streams(replace(self.random.choice(self.said), recv_ns=self.b.now))

    def move_quote(self) -> None:
        mid = self.random.choice((-250, -100, 0, 50, 300))
        self.b.quote(mid - 1, mid + 1, halted=self.random.random() < 0.1)

    def operate(self) -> None:
        self.b.operator(self.random.choice((Act.KILL, Act.CANCEL_ENTRY, Act.FLATTEN, Act.HALT)))

    def cancel_by_hand(self) -> None:
        rows = [r for r in self.b.rows.values() if not r.status.is_terminal]
        if rows:
            self.end(self.random.choice(rows), OrdStatus.CANCELED)

    def restart(self) -> None:
        self.collect()
        self.calls = [c for c in self.calls if self.random.random() < 0.5]
        self.b.restart()

    def close_out(self, row: Row) -> None:
        """A closing order that may execute does."""
        if row.spec.leg is not Leg.FLATTEN or row.status.is_terminal:
            return
        qty = min(self.leaves(row), self.held())
        if qty > 0:
            self.b.executes(row.name, qty)
            row.status = OrdStatus.FILLED
            self.end(row, OrdStatus.FILLED)

    def heal(self) -> None:
        """No more faults: everything is answered and said, reads work, closing orders fill."""
        b = self.b
        self.unsaid.clear()  # what the stream lost stays lost: reads have to find it
        b.quote(-1, 1)
        for _ in range(HEAL_S * 2):
            self.collect()
            while self.calls:
                self.answer(honest=True)
                self.collect()
            for row in list(b.rows.values()):
                self.close_out(row)
            for report in self.unsaid:
                b.streams(report)
            self.unsaid.clear()
            b.run(0.5)


def play(seed: int) -> Bench:
    """One history."""
    luck = Random(seed)
    b = Bench(
        luck.choice(("buy", "sell")),
        beside=luck.random() < 0.5,
        tactic=luck.choice(("limit", "marketable")),
    )
    chaos = Chaos(b, seed)
    chaos.collect()
    for _ in range(STEPS):
        chaos.step()
    chaos.heal()
    return b


def check(b: Bench) -> None:
    """What must be true once everything has healed."""
    trade, held = b.trade, b.position() * b.sign
    entered = sum(r.cum_qty for r in b.rows.values() if r.spec.leg is Leg.ENTRY) // NANO
    assert entered <= 100
    assert held >= 0
    assert b.held == held, "our book is the broker's"
    assert trade.unpriced_qty == 0
    if held:
        assert b.covered == held, b.phase
        assert trade.is_settled
    else:
        assert trade.is_closed, b.phase
    live = [r for r in b.rows.values() if not r.status.is_terminal and r.spec.leg is not Leg.ENTRY]
    groups = {min(r.name for r in b.group_of(row.name)): row for row in live}
    reserved = sum(
        row.spec.order_qty - sum(r.cum_qty for r in b.group_of(n) if r.spec.leg is not Leg.ENTRY)
        for n, row in groups.items()
    )
    assert reserved // NANO == held, "exits for exactly what is held"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**9))
def test_no_history_breaks_an_invariant(seed: int) -> None:
    check(play(seed))


@settings(max_examples=60, deadline=None)
@given(
    order=st.permutations(range(5)),
    again=st.lists(st.integers(0, 4), max_size=5),
    side=st.sampled_from(["buy", "sell"]),
)
def test_the_order_and_number_of_reports_do_not_matter(
    order: list[int], again: list[int], side: str
) -> None:
    b = Bench(side, beside=True)
    b.accepts("E1")
    reports = [b.executes("E1", qty, 5 - qty // 10) for qty in (10, 20, 30, 40)]
    reports.append(b.report(b.rows["E1"], ExecType.ORDER_STATUS))
    for index in [*order, *again]:
        b.streams(reports[index])
    entry = b.trade.orders[0]
    cents = sum(qty * (5 - qty // 10) for qty in (10, 20, 30, 40))
    assert entry.cum_qty == 100 * NANO
    assert entry.cost == NANO * (100 * b.at(0) + b.sign * cents * NANO // 100)
    assert [fill.exec_id for fill in entry.fills] == ["x1", "x2", "x3", "x4"]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_history_is_the_same_history(seed: int) -> None:
    assert play(seed).lines == play(seed).lines
