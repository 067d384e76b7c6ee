"""Engine and journal together: events in, durable decisions out.

    decided = stepper.handle(events, now)      # step each, make all durable at once
    for command in decided.commands: ...       # only now may anything leave (I8)

What: the part of the loop that is the same in production, in simulation and in replay; only who
feeds it differs. `restore` is how every start begins (design: startup is recovery).
Invariants: no command is returned before its record is durable; one append for all events at hand
(group commit); a step that is empty leaves no record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from surefill.core.commands import Command
from surefill.core.engine import Engine, Step
from surefill.core.events import EngineStarted, Event, NoteWritten
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.journal.digest import image_digest, link
from surefill.journal.images import (
    ENGINE_IMAGE,
    closing_keys,
    closing_name,
    decode_state,
    decode_trade,
    encode_image,
    plan_ids,
)
from surefill.journal.record import Record
from surefill.ports import Journal, JournalEntry
from surefill.tca.runs import OURSELVES


@dataclass(slots=True)
class Decided:
    """What came of a batch of events, in order."""

    commands: list[Command] = field(default_factory=list)
    trades: dict[str, Trade] = field(default_factory=dict)
    denials: list[Denial] = field(default_factory=list)


class Stepper:
    """Steps the engine and writes what it decided before anybody acts on it."""

    def __init__(self, engine: Engine, journal: Journal, *, holder: str) -> None:
        self.engine = engine
        self.journal = journal
        self.token = journal.acquire(holder)
        self.seq, self._digest = journal.head()

    def restore(self) -> None:
        """Take over what the journal remembers. Raises `JournalError` when it cannot be trusted."""
        images = dict(self.journal.open_images())
        state = images.pop(ENGINE_IMAGE, None)
        trades = [decode_trade(data) for data in images.values()]
        closed = list(self.journal.closed_ids())
        self.engine.load(
            decode_state(state) if state is not None else None,
            [trade for trade in trades if isinstance(trade, Trade)],
            plan_ids(closed),
            closing_keys=closing_keys(closed),
        )

    def start(self, build: str, settings_digest: str, *, now: int) -> Decided:
        """Record that this process took over, and what it wants to know first (I25)."""
        return self.handle([EngineStarted(self.token, build, settings_digest, now)], now)

    def handle(self, events: Sequence[Event], now: int) -> Decided:
        """Step every event at ``now`` (UTC ns), append all records at once, return the decisions.

        Raises `JournalError`: then nothing may be sent.
        """
        decided = Decided()
        entries: list[JournalEntry] = []
        for event in events:
            step = self.engine.step(event, now)
            if step.is_empty:
                continue
            entries.append(self._entry(step, event, now))
            decided.commands += step.commands
            decided.denials += step.denials
            decided.trades.update((trade.trade_id, trade) for trade in step.trades)
        if entries:
            self.journal.append(entries)
        return decided

    def note(self, topic: str, why: str, *, now: int) -> None:
        """Put something of our own on record that changes nothing. Works after a failed `handle`
        as well: it goes on from what is durable. Raises `JournalError`."""
        seq, digest = self.journal.head()
        event = NoteWritten(topic, OURSELVES, why, (), now)
        record = Record(seq + 1, now, self.token, event, (), (), ())
        entry = record.entry(digest, {}, is_open={})
        self.journal.append([entry])
        self.seq, self._digest = entry.seq, entry.digest

    def _entry(self, step: Step, event: Event, now: int) -> JournalEntry:
        images, is_open = images_of(step)
        self.seq += 1
        digests = tuple((name, image_digest(image)) for name, image in images.items())
        record = Record(
            self.seq, now, self.token, event, step.views, step.commands, digests, step.seen
        ).to_bytes()
        self._digest = link(self._digest, record)
        return JournalEntry(self.seq, record, self._digest, images, is_open)


def images_of(step: Step) -> tuple[dict[str, bytes], dict[str, bool]]:
    """What a step leaves to remember: id -> image, id -> whether it is read at a restart."""
    images: dict[str, bytes] = {}
    is_open: dict[str, bool] = {}
    for trade in step.trades:
        images[trade.trade_id] = encode_image(trade)
        is_open[trade.trade_id] = not trade.is_closed or trade.is_absent_entry
    for denial in step.denials:
        images[denial.plan.plan_id] = encode_image(denial)
        is_open[denial.plan.plan_id] = False
    for closing in step.closings:
        name = closing_name(closing.key)
        images[name] = encode_image(closing)
        is_open[name] = False
    if step.state is not None:
        images[ENGINE_IMAGE] = encode_image(step.state)
        is_open[ENGINE_IMAGE] = True
    return images, is_open
