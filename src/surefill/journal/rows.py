"""A batch of entries as the rows that a database keeps: what both database journals share.

What: `image_rows`. Invariants: one row for each trade, that of the last entry which changed it.
"""

from __future__ import annotations

from collections.abc import Sequence

from surefill.journal.digest import image_digest
from surefill.ports import JournalEntry

ImageRow = tuple[str, int, bool, str, bytes]
"""(trade id, number of the record that left it, whether the trade is open, digest, image)"""


def image_rows(entries: Sequence[JournalEntry]) -> list[ImageRow]:
    """The last image of each trade in the batch."""
    rows: dict[str, ImageRow] = {}
    for entry in entries:
        for trade_id, image in entry.images.items():
            is_open = entry.is_open[trade_id]
            rows[trade_id] = (trade_id, entry.seq, is_open, image_digest(image), image)
    return list(rows.values())
