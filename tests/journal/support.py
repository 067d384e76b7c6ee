"""Journal entries for tests: real chains over arbitrary bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from surefill.core.units import CENT, NANO, US_EQUITY_TICKS, TickBand, TickSchedule
from surefill.journal.digest import EMPTY_HEAD, link
from surefill.ports import JournalEntry

HALF_CENT_TICKS = TickSchedule((TickBand(0, NANO // 10_000), TickBand(NANO, CENT // 2)))
# Drawn field by field, hardly any schedule would be one that its constructor accepts.
st.register_type_strategy(TickSchedule, st.sampled_from([US_EQUITY_TICKS, HALF_CENT_TICKS]))

Images = Mapping[str, tuple[bytes, bool]]
"""trade id -> (image, whether the trade is open)."""


def chain(
    *steps: tuple[bytes, Images], after: tuple[int, str] = EMPTY_HEAD
) -> Sequence[JournalEntry]:
    """One entry per (record, images), linked to ``after``."""
    seq, digest = after
    entries = []
    for record, images in steps:
        seq, digest = seq + 1, link(digest, record)
        entries.append(
            JournalEntry(
                seq=seq,
                record=record,
                digest=digest,
                images={trade_id: image for trade_id, (image, _) in images.items()},
                is_open={trade_id: is_open for trade_id, (_, is_open) in images.items()},
            )
        )
    return entries


def facts(entries: Sequence[JournalEntry]) -> list[tuple[int, bytes, str]]:
    """What of entries is read back."""
    return [(entry.seq, entry.record, entry.digest) for entry in entries]
