"""Images: what the engine remembers of each trade, as the journal keeps it beside the records.

What: the three kinds of image and their names. An image is what a record left; a restart reads the
open ones instead of re-deciding history with newer code (decision 0004), and `verify` re-steps the
records to prove that they are the same.
"""

from __future__ import annotations

from surefill.core.state import Denial, EngineState
from surefill.core.trade import Trade
from surefill.journal.codec import decode, encode

ENGINE_IMAGE = "@engine"
"""The image id of the engine's own state: no plan id can contain ``@``."""

Image = Trade | Denial | EngineState


def encode_image(image: Image) -> bytes:
    """Canonical text of an image."""
    return encode(image)


def decode_trade(data: bytes) -> Trade | Denial:
    """The trade or denial in an image. Raises `JournalError` (JOURNAL_CORRUPT)."""
    if data.startswith(b'{"$":"Denial"'):
        return decode(data, Denial)
    return decode(data, Trade)


def decode_state(data: bytes) -> EngineState:
    """The engine state in an image. Raises `JournalError` (JOURNAL_CORRUPT)."""
    return decode(data, EngineState)
