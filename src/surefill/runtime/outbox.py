"""The outbox: the only way by which a decision leaves the process.

What: broker commands to the broker, alarms to the log, milestones to those who wait.
Why: two never-rules have their last guard here, where every command must pass: nothing is sent
before its record is durable (I8), and an entry whose outcome is unknown is not sent again (I10).
Invariants: a command leaves only while the journal's head has reached the step that decided it; an
entry's id leaves again only after an answer that proves the earlier copy without effect.
Must never: decide; a breach is our bug and stops the engine.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import assert_never

from surefill.core.commands import (
    Announce,
    CancelOrder,
    Command,
    QueryAccount,
    QueryFills,
    QueryOrder,
    QueryOrders,
    QueryPositions,
    RaiseAlarm,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.events import Event, RateLimited, RequestAnswered, Unavailable, Verb
from surefill.core.fix import Leg
from surefill.ports import Broker, Journal
from surefill.runtime.json_log import told
from surefill.runtime.logs import LOGGER_NAME
from surefill.runtime.waiters import Waiters

logger = logging.getLogger(LOGGER_NAME)


class OutboxError(Exception):
    """A command that must not leave: a bug of ours."""


class Outbox:
    """Sends what was decided and recorded."""

    def __init__(self, broker: Broker, journal: Journal, waiters: Waiters) -> None:
        self._broker = broker
        self._journal = journal
        self._waiters = waiters
        self._entries: set[str] = set()  # client order ids of entries that may be at the broker

    def note(self, event: Event) -> None:
        """Learn from an answer that a submitted entry had no effect: it may go again."""
        match event:
            case RequestAnswered(verb=Verb.SUBMIT, answer=RateLimited() | Unavailable()):
                self._entries.discard(event.cl_ord_id)
            case _:
                pass

    def send(self, commands: Iterable[Command], *, seq: int) -> None:
        """Let these commands leave; ``seq`` is the record that holds the last of them.

        Raises `OutboxError` when that record is not durable or an entry would go out twice.
        """
        for command in commands:
            self._check(command, seq)
            match command:
                case RaiseAlarm(trade_id, reason):
                    facts = told("alarm", plan_id=trade_id, code=reason.code.name)
                    logger.error("alarm trade=%s %s", trade_id or "-", reason, extra=facts)
                case Announce(trade_id, milestone):
                    self._waiters.announce(trade_id, milestone)
                case (
                    SubmitOrder()
                    | CancelOrder()
                    | ReplaceOrder()
                    | QueryOrder()
                    | QueryOrders()
                    | QueryFills()
                    | QueryPositions()
                    | QueryAccount()
                ):
                    self._broker.send(command)
                case _:
                    assert_never(command)

    def _check(self, command: Command, seq: int) -> None:
        head, _ = self._journal.head()
        if head < seq:
            raise OutboxError(f"record {seq} of {type(command).__name__} is not in the journal")
        if not isinstance(command, SubmitOrder) or command.spec.leg is not Leg.ENTRY:
            return
        if command.spec.cl_ord_id in self._entries:
            raise OutboxError(f"entry {command.spec.cl_ord_id} was sent and may have worked")
        self._entries.add(command.spec.cl_ord_id)
