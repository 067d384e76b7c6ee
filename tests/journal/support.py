"""Journal entries for tests: real chains over arbitrary bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

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


FIRST_SHAPE = json.loads((Path(__file__).parent / "first_shape.json").read_text())
"""``fields``: type -> its fields, ``members``: enum -> its members, in the first journals."""


def in_first_shape(data: bytes) -> bytes:
    """A record or image as the first journals would have held it: without what came later."""

    def older(raw: dict[str, object]) -> dict[str, object]:
        first = FIRST_SHAPE["fields"].get(raw.get("$"))
        return raw if first is None else {k: v for k, v in raw.items() if k == "$" or k in first}

    return json.dumps(json.loads(data, object_hook=older), separators=(",", ":")).encode()
