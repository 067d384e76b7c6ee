from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from surefill.core.commands import (
    Announce,
    CancelOrder,
    Command,
    Milestone,
    Priority,
    QueryAccount,
    QueryPositions,
    RaiseAlarm,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.events import (
    Answer,
    InDoubt,
    RateLimited,
    Rejected,
    RejectKind,
    RequestAnswered,
    StreamChanged,
    Unavailable,
    Verb,
)
from surefill.core.fix import Leg
from surefill.core.reasons import Reason, ReasonCode
from surefill.runtime.outbox import Outbox, OutboxError
from surefill.runtime.waiters import Waiters
from tests.support.runtime import NotingBroker, plan_of, readiness, stepper_of, submission


class Shipping:
    """An outbox behind a journal that holds the decision to submit one entry."""

    def __init__(self) -> None:
        self.stepper = stepper_of()
        self.broker = NotingBroker()
        self.waiters = Waiters()
        self.outbox = Outbox(self.broker, self.stepper.journal, self.waiters)
        decided = self.stepper.handle([*readiness(), submission(plan_of())], readiness_ns())
        (self.entry,) = [c for c in decided.commands if isinstance(c, SubmitOrder)]

    @property
    def seq(self) -> int:
        return self.stepper.seq

    def answered(self, answer: Answer, *, verb: Verb = Verb.SUBMIT) -> None:
        key = self.entry.spec.cl_ord_id
        self.outbox.note(RequestAnswered("p1", verb, key, answer, 0, 0))


def readiness_ns() -> int:
    return max(event.recv_ns for event in readiness() if isinstance(event, StreamChanged))


def test_broker_commands_go_to_the_broker_in_order() -> None:
    ship = Shipping()
    commands: list[Command] = [
        ship.entry,
        CancelOrder("p1", "k", "o"),
        ReplaceOrder("p1", "k", "o", "k2", stop_px=1),
        QueryPositions(),
        QueryAccount(),
    ]
    ship.outbox.send(commands, seq=ship.seq)
    assert ship.broker.sent == commands


async def test_milestones_go_to_those_who_wait() -> None:
    ship = Shipping()
    future = ship.waiters.expect("p1", Milestone.SETTLED)
    ship.outbox.send([Announce("p1", Milestone.SETTLED)], seq=ship.seq)
    assert future.done()
    assert not ship.broker.sent


def test_alarms_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    ship = Shipping()
    reason = Reason.of(ReasonCode.EXPOSED, qty=100, symbol="ACME")
    ship.outbox.send([RaiseAlarm("p1", reason), RaiseAlarm(None, reason)], seq=ship.seq)
    assert [(r.name, r.levelno, r.getMessage()) for r in caplog.records] == [
        ("smart_order_executor", logging.ERROR, f"alarm trade={name} {reason}")
        for name in ("p1", "-")
    ]


def test_a_command_without_its_record_does_not_leave() -> None:
    ship = Shipping()
    with pytest.raises(OutboxError, match="is not in the journal"):
        ship.outbox.send([ship.entry], seq=ship.seq + 1)
    assert not ship.broker.sent


@pytest.mark.parametrize(
    "answer", [None, InDoubt("lost"), Rejected(RejectKind.DUPLICATE_ID, "again")]
)
def test_an_entry_whose_outcome_is_unknown_never_leaves_again(answer: Answer | None) -> None:
    ship = Shipping()
    ship.outbox.send([ship.entry], seq=ship.seq)
    if answer is not None:
        ship.answered(answer)
    with pytest.raises(OutboxError, match="may have worked"):
        ship.outbox.send([ship.entry], seq=ship.seq)
    assert ship.broker.sent == [ship.entry]


@pytest.mark.parametrize("answer", [RateLimited(1), Unavailable("never left")])
def test_an_entry_proven_without_effect_may_go_again(answer: Answer) -> None:
    ship = Shipping()
    ship.outbox.send([ship.entry], seq=ship.seq)
    ship.answered(answer, verb=Verb.CANCEL)  # somebody else's answer proves nothing
    with pytest.raises(OutboxError):
        ship.outbox.send([ship.entry], seq=ship.seq)
    ship.answered(answer)
    ship.outbox.send([ship.entry], seq=ship.seq)
    assert ship.broker.sent == [ship.entry, ship.entry]


def test_cover_may_go_again_under_its_own_id() -> None:
    ship = Shipping()
    spec = replace(ship.entry.spec, leg=Leg.STOP)
    cover = SubmitOrder("p1", spec, Priority.PROTECT)
    ship.outbox.send([cover, cover], seq=ship.seq)
    assert ship.broker.sent == [cover, cover]
