"""The journal proven: every record decided again, from the first to the last.

    found = restep(journal, config, settings_digest=digest, build=rules_build())
    found.difference      # None: the same commands and the same images, byte for byte (I7)

What: each record's event is given to a fresh engine at the record's time with the record's views;
the commands and the digests of the images must be those of the record, and the last images must be
those that the journal keeps. Every `EngineStarted` begins as a process does: from the images.
Why: a hash chain proves that nobody changed the file; this proves that it says what was decided.
Invariants: limits come from the settings, of which a record knows only the digest, and rules come
from the program: in a run of other settings or of another build a difference proves nothing, so it
is reported as such and not as damage.
Must never: write, or send what it decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from surefill.core.engine import Engine, EngineConfig, Step
from surefill.core.events import EngineStarted, NoteWritten
from surefill.core.trade import Trade
from surefill.journal.digest import image_digest
from surefill.journal.images import (
    ENGINE_IMAGE,
    closing_keys,
    decode_state,
    decode_trade,
    plan_ids,
)
from surefill.journal.record import Record
from surefill.ports import Journal
from surefill.runtime.stepper import images_of
from surefill.tactics.registry import TACTICS

_OUR_TAG = re.compile(rb'"sf-([0-9a-f]{6})-')


@dataclass(frozen=True, slots=True)
class Difference:
    """The first record that would be decided otherwise. ``unlike``: what the run had that this
    verification has not; "" for a run of these settings and this build, where the difference means
    damage or a bug."""

    seq: int
    sentence: str
    unlike: str = ""

    @property
    def is_comparable(self) -> bool:
        """Whether the difference proves anything."""
        return not self.unlike


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the proof came: records decided again and runs (processes) met."""

    records: int
    runs: int
    head: tuple[int, str]
    difference: Difference | None

    @property
    def is_proven(self) -> bool:
        """Whether every record was decided the same."""
        return self.difference is None


@dataclass(slots=True)
class _Fold:
    """The engine between two records. ``images``: trade id -> (image, whether open); ``changed``:
    trade id -> the record that changed it last."""

    config: EngineConfig
    tag: str
    engine: Engine
    images: dict[str, tuple[bytes, bool]] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)

    def restart(self) -> None:
        """As a process starts: nothing but the images, in the order in which a journal gives them
        (oldest change first; those of one record by their id)."""
        self.engine = _fresh(self.config, self.tag)
        order = sorted(self.images, key=lambda name: (self.changed[name], name))
        self.images = {name: self.images[name] for name in order}
        open_images = {name: image for name, (image, is_open) in self.images.items() if is_open}
        state = open_images.pop(ENGINE_IMAGE, None)
        trades = [decode_trade(image) for image in open_images.values()]
        closed = [name for name, (_, is_open) in self.images.items() if not is_open]
        self.engine.load(
            decode_state(state) if state is not None else None,
            [trade for trade in trades if isinstance(trade, Trade)],
            plan_ids(closed),
            closing_keys=closing_keys(closed),
        )

    def keep(self, step: Step, seq: int) -> tuple[tuple[str, str], ...]:
        """Remember the images of a step; their digests, as a record names them."""
        images, is_open = images_of(step)
        for name, image in images.items():
            self.images[name] = (image, is_open[name])
            self.changed[name] = seq
        return tuple((name, image_digest(image)) for name, image in images.items())


def restep(journal: Journal, config: EngineConfig, *, settings_digest: str, build: str) -> Verdict:
    """Decide every record again. Raises `JournalError` where the journal is damaged."""
    tag = _tag_of(journal)
    fold = _Fold(config, tag, _fresh(config, tag))
    runs, seq, difference, unlike = 0, 0, None, ""
    for entry in journal.records():
        record = Record.from_bytes(entry.record)
        seq = record.seq
        if isinstance(record.event, EngineStarted):
            runs += 1
            started = record.event
            unlike = _unlike(started, settings_digest, build)
            fold.restart()
        problem = _problem(fold, record)
        if problem is not None:
            difference = Difference(seq, problem, unlike)
            break
    if difference is None:
        difference = _image_difference(fold, journal, seq)
    return Verdict(seq, runs, journal.head(), difference)


def _unlike(started: EngineStarted, settings_digest: str, build: str) -> str:
    """What a run had that this verification has not, in words."""
    settings = "other settings" if started.settings_digest != settings_digest else ""
    program = f"another build ({started.build}, not {build})" if started.build != build else ""
    return " and ".join(part for part in (settings, program) if part)


def _problem(fold: _Fold, record: Record) -> str | None:
    """How this record differs from what is decided now; ``None`` when it does not."""
    if isinstance(record.event, NoteWritten) and not (record.commands or record.images):
        return None
    for view in record.views:
        fold.engine.views[view.symbol] = view
    fold.engine.watches.recall(dict(record.seen))
    step = fold.engine.step(record.event, record.now_ns)
    digests = fold.keep(step, record.seq)
    name = type(record.event).__name__
    if step.commands != record.commands:
        have = ", ".join(type(command).__name__ for command in record.commands) or "nothing"
        now = ", ".join(type(command).__name__ for command in step.commands) or "nothing"
        if have == now:
            have, now = "other values", f"{now} with the present ones"
        return f"{name}: the journal sent {have}, decided again it is {now}"
    if digests != record.images:
        wrong = sorted({name for name, _ in set(digests) ^ set(record.images)})
        return f"{name}: decided again, the image of {', '.join(wrong)} is another one"
    return None


def _image_difference(fold: _Fold, journal: Journal, seq: int) -> Difference | None:
    """The journal's last images against those of the fold."""
    for name, (image, _) in fold.images.items():
        if journal.image(name) != image:
            return Difference(seq, f"the stored image of {name} is not what was decided")
    return None


def _fresh(config: EngineConfig, tag: str) -> Engine:
    engine = Engine(config, TACTICS)
    engine.tag = tag or engine.tag
    return engine


def _tag_of(journal: Journal) -> str:
    """The account's tag as its orders carry it: a journal is verified without its keys too."""
    for entry in journal.records():
        found = _OUR_TAG.search(entry.record)
        if found is not None:
            return found[1].decode()
    return ""
