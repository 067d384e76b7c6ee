"""Numbers and times as Alpaca writes them.

What: decimals without padding (``"2"``, ``"3648.1242857142857143"``), RFC 3339 stamps with
microseconds (stored rows) or nanoseconds (fresh objects), New York stamps for the clock, and the
prefix of an activity id (alpaca.md 1.1, 1.6).
Invariants: every decimal is exact or rounded half up at the sixteenth place (averages, ratios).
Must never: read a clock. ``float`` exists in one function, `wire_number`: market-data prices are
JSON numbers, made from the decimal text so that the client reads back the same text.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from surefill.core.units import NANO, to_text

NS_PER_S = 1_000_000_000
AVERAGE_PLACES = 16
"""Decimals of an average in recorded answers: ``3648.1242857142857143``."""

NEW_YORK = ZoneInfo("America/New_York")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ratio_text(numerator: int, denominator: int, places: int = AVERAGE_PLACES) -> str:
    """Decimal text of a fraction, half up at ``places``, trimmed; ``denominator`` not 0."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    scale = 10**places
    scaled = (2 * abs(numerator) * scale + denominator) // (2 * denominator)
    whole, rest = divmod(scaled, scale)
    sign = "-" if numerator < 0 and scaled else ""
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:0{places}d}".rstrip("0")


def money_text(cost: int) -> str:
    """Decimal text of a cost in 1e-18 USD, exact."""
    return ratio_text(cost, NANO * NANO, 18)


def average_text(cost: int, qty: int) -> str:
    """Average price of ``qty`` (1e-9 share) that cost ``cost`` (1e-18 USD)."""
    return ratio_text(cost, qty * NANO)


def optional_text(nano: int | None) -> str | None:
    """Decimal text of a nano integer, or null."""
    return None if nano is None else to_text(nano)


def wire_number(nano: int) -> int | float:
    """A nano integer as a JSON number: whole numbers as ``int``, others by their decimal text."""
    if nano % NANO == 0:
        return nano // NANO
    return float(to_text(nano))


def whole_text(value: object) -> object:
    """The same without lone surrogates: they have no UTF-8 and would break every answer that shows
    them. A Go server reads them as U+FFFD."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [whole_text(item) for item in value]
    if isinstance(value, dict):
        return {whole_text(name): whole_text(item) for name, item in value.items()}
    return value


def _moment(ns: int) -> tuple[datetime, int]:
    """(UTC second, nanoseconds within it)."""
    seconds, rest = divmod(ns, NS_PER_S)
    return _EPOCH + timedelta(seconds=seconds), rest


@lru_cache(maxsize=4_096)
def _second_text(seconds: int) -> str:
    """A second in UTC; thousands of quotes of one second share it."""
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}"


def _fraction(ns_rest: int, digits: int) -> str:
    text = f"{ns_rest:09d}"[:digits].rstrip("0")
    return f".{text}" if text else ""


def stamp_us(ns: int | None) -> str | None:
    """Stored rows: UTC, microseconds, trailing zeros trimmed (``.20624Z``)."""
    if ns is None:
        return None
    seconds, rest = divmod(ns, NS_PER_S)
    return f"{_second_text(seconds)}{_fraction(rest, 6)}Z"


def stamp_ns(ns: int) -> str:
    """Fresh objects and market data: UTC, nanoseconds, trailing zeros trimmed."""
    seconds, rest = divmod(ns, NS_PER_S)
    return f"{_second_text(seconds)}{_fraction(rest, 9)}Z"


def stamp_new_york(ns: int) -> str:
    """The clock's stamps: New York with offset; nanoseconds only when there are any."""
    second, rest = _moment(ns)
    local = second.astimezone(NEW_YORK)
    offset = f"{local:%z}"
    return f"{local:%Y-%m-%dT%H:%M:%S}{_fraction(rest, 9)}{offset[:3]}:{offset[3:]}"


def activity_prefix(ns: int) -> str:
    """New York ``YYYYMMDDHHMMSSmmm``: the first part of an activity's id."""
    second, rest = _moment(ns)
    return f"{second.astimezone(NEW_YORK):%Y%m%d%H%M%S}{rest // 1_000_000:03d}"


def new_york_date(ns: int) -> str:
    """The New York day (``2026-03-02``) of an instant."""
    return f"{_moment(ns)[0].astimezone(NEW_YORK):%Y-%m-%d}"


def parse_stamp(text: str) -> int | None:
    """UTC ns of an RFC 3339 stamp or a plain date (midnight New York); ``None`` if neither.

    Any precision and any offset; a ``+`` of an offset may have become a space in a query string.
    """
    text = text.strip().replace(" ", "+") if "T" in text else text.strip()
    body, fraction = text, ""
    if "." in text:
        body, _, tail = text.partition(".")
        digits = len(tail) - len(tail.lstrip("0123456789"))
        fraction, body = tail[:digits], body + tail[digits:]
    try:
        moment = datetime.fromisoformat(body)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=NEW_YORK if "T" not in text else UTC)
    delta = moment - _EPOCH
    whole_s = delta.days * 86_400 + delta.seconds
    return whole_s * NS_PER_S + int((fraction + "0" * 9)[:9])


def uuid_of(*parts: str) -> str:
    """A UUID-shaped id that is a function of its parts."""
    digest = bytearray(hashlib.sha256("\x1f".join(parts).encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_uuid(text: str) -> bool:
    """Whether a path id has the shape of a UUID (alpaca.md 1.3: else ``order_id is missing``)."""
    parts = text.split("-")
    shape = [len(part) for part in parts] == [8, 4, 4, 4, 12]
    return shape and all(char in "0123456789abcdefABCDEF" for part in parts for char in part)
