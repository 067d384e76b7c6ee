"""Alpaca's timestamps and dates, to and from UTC nanoseconds.

RFC 3339 with any number of decimals and any offset: stored rows carry microseconds with trailing
zeros cut, fresh objects nanoseconds, the clock a New York offset (alpaca.md 1.1). Calendar days
are New York local and are converted with the time zone database, never with a fixed offset
(diary A-37).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from surefill.brokers.alpaca.wire import WireError, printable
from surefill.core.units import NANO

NEW_YORK = ZoneInfo("America/New_York")

_PATTERN = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d))",
    re.ASCII,
)
_TIME_PATTERN = re.compile(r"(\d\d):?(\d\d)", re.ASCII)
_EPOCH = date(1970, 1, 1).toordinal()


def to_ns(text: str | None, name: str) -> int:
    """UTC ns of an RFC 3339 timestamp. Raises ``ValueError``."""
    if text is None:
        raise WireError(f"{name} is missing")
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise WireError(f"{name} is no timestamp: {printable(text)}")
    day, hour, minute, second, fraction, _, sign, off_hour, off_minute = match.groups()
    days = date.fromisoformat(day).toordinal() - _EPOCH
    seconds = ((days * 24 + int(hour)) * 60 + int(minute)) * 60 + int(second)
    if sign:
        offset = (int(off_hour) * 60 + int(off_minute)) * 60
        seconds -= offset if sign == "+" else -offset
    return seconds * NANO + int((fraction or "0").ljust(9, "0"))


def first_ns(*candidates: tuple[str | None, str]) -> int:
    """UTC ns of the first timestamp that is present. Raises ``ValueError``, also when none is."""
    for text, name in candidates:
        if text is not None:
            return to_ns(text, name)
    raise WireError(f"{candidates[0][1]} is missing")


def to_rfc3339(ns: int) -> str:
    """``2021-07-08T14:50:45.332349001Z`` of UTC ns."""
    seconds, fraction = divmod(ns, NANO)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def to_new_york_date(ns: int) -> date:
    """The New York date at this UTC instant."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // NANO)
    return moment.astimezone(NEW_YORK).date()


def new_york_ns(day: date, text: str, name: str) -> int:
    """UTC ns of a New York wall time (``09:30`` or ``0930``) on this day. Raises ``ValueError``."""
    match = _TIME_PATTERN.fullmatch(text)
    if match is None:
        raise WireError(f"{name} is no time of day: {printable(text)}")
    hour, minute = int(match[1]), int(match[2])
    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)
    return int(moment.timestamp()) * NANO
