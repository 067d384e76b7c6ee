"""The hash chain that makes the journal's past checkable: digest = H(previous digest, record).

What: `link`, `image_digest`, and the check of a batch against the head it is appended to.
Why: a lost, repeated, reordered or altered record breaks every later digest (I19); equal digests
prove that a replay is equal (I7).
Invariants: ``seq`` rises by exactly one from 1; the digest before the first record is ``""``.
Must never: read a clock, or depend on how a record is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from surefill.ports import JournalEntry, JournalError

EMPTY_HEAD = (0, "")
RECORD_BYTES_MAX = 16 * 1024 * 1024
"""About 20,000 orders in one listing: beyond any account that one engine serves."""


def link(previous: str, record: bytes) -> str:
    """The digest of ``record`` in the chain after ``previous`` (64 hex digits; "" at the start)."""
    # The previous digest has a fixed length but for the first, so no two inputs run together.
    return blake2b(
        previous.encode("ascii").rjust(64, b"0") + record, digest_size=32, person=b"surefill.record"
    ).hexdigest()


def image_digest(image: bytes) -> str:
    """The digest of a trade's image (32 hex digits), as its record carries it."""
    return blake2b(image, digest_size=16, person=b"surefill.image").hexdigest()


def checked_head(head: tuple[int, str], entries: Sequence[JournalEntry]) -> tuple[int, str]:
    """The head after ``entries``, if they continue the chain at ``head`` without a flaw.

    Raises `JournalError` (JOURNAL_CORRUPT) at the first gap, repeat, broken link, image without
    an open flag, or oversized record; then nothing may be written.
    """
    seq, digest = head
    for entry in entries:
        if entry.seq != seq + 1:
            raise _refused(f"record {entry.seq} cannot follow record {seq}")
        if entry.digest != link(digest, entry.record):
            raise _refused(f"record {entry.seq} does not link to record {seq}")
        if entry.images.keys() != entry.is_open.keys():
            raise _refused(f"record {entry.seq} does not say which of its trades are open")
        if len(entry.record) > RECORD_BYTES_MAX:
            raise _refused(f"record {entry.seq} has more than {RECORD_BYTES_MAX} bytes")
        seq, digest = entry.seq, entry.digest
    return seq, digest


def _refused(problem: str) -> JournalError:
    return JournalError("JOURNAL_CORRUPT", f"{problem}; the batch was refused, nothing was written")
