"""Numbers of this package for people: ppb as percent, basis points or ratio, ns as seconds.

Integers in, text out; what is cut is cut toward zero. ``None`` is shown as ``-``, never as 0.
Must never: round a number in its own favour before it is compared with a limit.
"""

from __future__ import annotations

UNKNOWN = "-"
PPB_PER_PERCENT = 10_000_000
PPB_PER_BPS = 100_000
PPB = 1_000_000_000
NS_PER_S = 1_000_000_000


def decimal_text(value: int | None, unit: int, digits: int) -> str:
    """``value`` divided by ``unit`` with ``digits`` decimals, cut toward zero."""
    if value is None:
        return UNKNOWN
    scaled = abs(value) * 10**digits // unit
    whole, rest = divmod(scaled, 10**digits)
    sign = "-" if value < 0 and scaled else ""
    return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"


def percent(value_ppb: int | None, digits: int = 1) -> str:
    """``12.5 %``."""
    text = decimal_text(value_ppb, PPB_PER_PERCENT, digits)
    return text if value_ppb is None else f"{text} %"


def bps(value_ppb: int | None) -> str:
    """Signed basis points, positive is cost: ``+3.41``."""
    text = decimal_text(value_ppb, PPB_PER_BPS, 2)
    return f"+{text}" if value_ppb is not None and value_ppb > 0 else text


def ratio(value_ppb: int | None) -> str:
    """``2.00``."""
    return decimal_text(value_ppb, PPB, 2)


def excursion(value_ppb: int | None, value_px: int | None) -> str:
    """R, and USD a share: ``0.45 R (2.41 USD a share)``."""
    if value_ppb is None or value_px is None:
        return UNKNOWN
    return f"{ratio(value_ppb)} R ({decimal_text(value_px, PPB, 2)} USD a share)"


def seconds(value_ns: int | None) -> str:
    """``0.213 s``."""
    text = decimal_text(value_ns, NS_PER_S, 3)
    return text if value_ns is None else f"{text} s"
