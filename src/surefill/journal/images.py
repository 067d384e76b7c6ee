"""Images: what the engine remembers of each trade, as the journal keeps it beside the records.

What: the four kinds of image and their names: a trade or a denied plan under its plan id, the
engine's state and every closing request under names that no plan id can have. An image is what a
record left; a restart reads the open ones instead of re-deciding history with newer code (decision
0004), and `verify` re-steps the records to prove that they are the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from surefill.core.state import Closing, Denial, EngineState
from surefill.core.trade import Trade
from surefill.journal.codec import decode, encode

ENGINE_IMAGE = "@engine"
"""The image id of the engine's own state: no plan id can contain ``@``."""

CLOSING_PREFIX = "@closing:"
"""Before the caller's id of a closing request."""

Image = Trade | Denial | EngineState | Closing


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


def decode_closing(data: bytes) -> Closing:
    """The closing request in an image. Raises `JournalError` (JOURNAL_CORRUPT)."""
    return decode(data, Closing)


def closing_name(key: str) -> str:
    """The image's name of the closing request with this id."""
    return CLOSING_PREFIX + key


def plan_ids(names: Iterable[str]) -> list[str]:
    """Those of the closed images that are plans."""
    return [name for name in names if not name.startswith(CLOSING_PREFIX)]


def closing_keys(names: Iterable[str]) -> list[str]:
    """The ids of the closing requests among the closed images."""
    return [name.removeprefix(CLOSING_PREFIX) for name in names if name.startswith(CLOSING_PREFIX)]
