"""One turn of the engine as it is remembered: what came in, when, and what was decided.

What: `Record`, and how it becomes a journal entry.
Why: replay re-steps ``event`` at ``now_ns`` with ``views`` and must reach the same commands and the
same images (I7); a person reads the same lines as sentences.
Invariants: ``seq`` is the only order; ``token`` is the fencing token of the process that decided
(I16); ``images`` holds the digest of every trade that the step changed, so that an image is
provably the one which this record left.
Must never: hold a secret, or anything that the decision did not see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from surefill.core.commands import Command
from surefill.core.events import Event
from surefill.core.excursion import Excursion
from surefill.core.market import MarketView
from surefill.journal.codec import decode, encode, register
from surefill.journal.digest import image_digest, link
from surefill.ports import JournalEntry


@dataclass(frozen=True, slots=True)
class Record:
    """One step. ``now_ns`` UTC; ``images``: (trade id, `image_digest`) of each changed trade;
    ``seen``: what those that hold shares saw of their market up to here."""

    seq: int
    now_ns: int
    token: int
    event: Event
    views: tuple[MarketView, ...]
    commands: tuple[Command, ...]
    images: tuple[tuple[str, str], ...]
    seen: tuple[tuple[str, Excursion], ...] = ()

    def to_bytes(self) -> bytes:
        """Canonical text of this record."""
        return encode(self)

    @staticmethod
    def from_bytes(data: bytes) -> Record:
        """The record in ``data``. Raises `JournalError` (JOURNAL_CORRUPT) when it is none."""
        return decode(data, Record)

    def entry(
        self, previous: str, images: Mapping[str, bytes], *, is_open: Mapping[str, bool]
    ) -> JournalEntry:
        """This record as the journal entry after digest ``previous``.

        Raises ``ValueError`` when ``images`` are not those that the record names.
        """
        named = tuple((trade_id, image_digest(image)) for trade_id, image in images.items())
        if sorted(named) != sorted(self.images):
            raise ValueError(f"record {self.seq} names other images than it is stored with")
        data = self.to_bytes()
        return JournalEntry(
            seq=self.seq,
            record=data,
            digest=link(previous, data),
            images=dict(images),
            is_open=dict(is_open),
        )


register(Record)
