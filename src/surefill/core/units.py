"""Exact integer money and shares, and the tick rules.

What: prices, money and share counts are ``int`` in 1e-9 USD and 1e-9 share ("nano").
Why: Alpaca speaks at most nine decimals, so every wire number is exact here, comparisons need no
tolerance and one value has one spelling in the journal. Ratios (slippage caps, reward/risk) are
``int`` in parts per billion (``_ppb``). A cost is price times quantity, in 1e-18 USD.

Invariants: no ``float`` enters; a wire double is converted once, by its shortest repr, at the edge
(`to_nano` takes text, ``int`` or ``Decimal`` only). Rounding is always directed and named.
Must never: round to nearest, or guess a tick.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

NANO = 1_000_000_000
"""Integer units in one USD, one share, or one as a ratio (ppb)."""

CENT = NANO // 100
DIGITS = 9
EXPONENT_MAX = 64
"""Decimals that a number on the wire may carry at most."""
MAX_NANO = 10**18
"""1e9 USD or shares: larger values on the wire are refused as nonsense (fault N7: 1e400)."""


class UnitError(ValueError):
    """A number that is not exact in nano units, not finite, or out of range."""


def to_nano(value: str | int | Decimal) -> int:
    """Exact nano integer of a decimal number, as text, whole ``int`` or ``Decimal``.

    Raises `UnitError` when the value is not finite, has more than nine decimals or is beyond
    `MAX_NANO`. ``float`` is refused by type: convert with ``repr`` at the edge.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise UnitError(f"expected text, int or Decimal, got {type(value).__name__}: {value!r}")
    number = _bounded(value)
    sign, digits, exponent = number.as_tuple()
    shift = int(exponent) + DIGITS
    whole = int("".join(map(str, digits)))
    if shift >= 0:
        nano = whole * int(10**shift)
    else:
        nano, rest = divmod(whole, int(10**-shift))
        if rest:
            raise UnitError(f"more than {DIGITS} decimals: {value!r}")
    return -nano if sign else nano


def to_nano_floor(value: str | int | Decimal) -> int:
    """Like `to_nano`, but cuts digits beyond the ninth toward minus infinity.

    Only for broker *averages* (``filled_avg_price`` has up to 16 decimals); never for an order.
    """
    numerator, denominator = _bounded(value).as_integer_ratio()
    return numerator * NANO // denominator


def _bounded(value: str | int | Decimal) -> Decimal:
    """A finite number of reasonable size and precision. The bounds come first: ``1e-999999999`` is
    eleven characters, and its integer ratio a gigabyte (fault N7)."""
    if isinstance(value, str) and (len(value) > 64 or "_" in value):
        raise UnitError(f"not a number: {value[:64]!r}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise UnitError(f"not a number: {value!r}") from None
    if not number.is_finite():
        raise UnitError(f"not finite: {value!r}")
    exponent = int(number.as_tuple().exponent)
    if number and (number.adjusted() > DIGITS or exponent < -EXPONENT_MAX):
        raise UnitError(f"out of range: {value!r}")
    if abs(number) > MAX_NANO // NANO:
        raise UnitError(f"out of range: {value!r}")
    return number if number else Decimal(0)


def to_text(nano: int) -> str:
    """Shortest decimal text of a nano integer: no padding, no exponent (``"150.07"``)."""
    sign = "-" if nano < 0 else ""
    whole, rest = divmod(abs(nano), NANO)
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:09d}".rstrip("0")


def to_usd_text(nano: int) -> str:
    """Text for people: at least two decimals, more only where they exist (``"150.10"``)."""
    text = to_text(nano)
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.ljust(2, '0')}"


def floor_div(numerator: int, denominator: int) -> int:
    """Integer division toward minus infinity; ``denominator`` > 0."""
    return numerator // denominator


def ceil_div(numerator: int, denominator: int) -> int:
    """Integer division toward plus infinity; ``denominator`` > 0."""
    return -(-numerator // denominator)


@dataclass(frozen=True, slots=True)
class TickBand:
    """From ``from_px`` (1e-9 USD, inclusive) upward the price grid is ``tick_px`` (1e-9 USD)."""

    from_px: int
    tick_px: int


@dataclass(frozen=True, slots=True)
class TickSchedule:
    """The price grid of one symbol: bands in ascending order, the first from zero.

    The tick is data per symbol and band, not a constant: SEC Rule 612 gives $0.01 at and above
    $1.00 and $0.0001 below; the 2024 amendment adds $0.005 for some symbols (diary A-16).
    """

    bands: tuple[TickBand, ...]

    def __post_init__(self) -> None:
        if not self.bands or self.bands[0].from_px != 0:
            raise UnitError("a tick schedule starts with a band from 0")
        for lower, upper in zip(self.bands, self.bands[1:], strict=False):
            if upper.from_px <= lower.from_px or upper.from_px % lower.tick_px:
                raise UnitError(f"band at {to_text(upper.from_px)} is not on the grid below it")
        for band in self.bands:
            if band.tick_px <= 0 or band.from_px % band.tick_px:
                raise UnitError(f"band at {to_text(band.from_px)} is not on its own grid")

    def tick_at(self, px: int) -> int:
        """Tick (1e-9 USD) of the band that holds ``px`` (1e-9 USD); below zero: the first band."""
        tick_px = self.bands[0].tick_px
        for band in self.bands:
            if px < band.from_px:
                break
            tick_px = band.tick_px
        return tick_px

    def floor(self, px: int) -> int:
        """Largest grid price <= ``px``."""
        tick_px = self.tick_at(px)
        return px // tick_px * tick_px

    def ceil(self, px: int) -> int:
        """Smallest grid price >= ``px``. A band starts on the grid of the band below it."""
        return self.ceil_ratio(px, 1)

    def floor_ratio(self, numerator: int, denominator: int) -> int:
        """Largest grid price <= ``numerator / denominator`` (1e-9 USD; ``denominator`` > 0)."""
        return self.floor(numerator // denominator)

    def ceil_ratio(self, numerator: int, denominator: int) -> int:
        """Smallest grid price >= ``numerator / denominator`` (1e-9 USD; ``denominator`` > 0)."""
        tick_px = self.tick_at(numerator // denominator)
        return ceil_div(numerator, denominator * tick_px) * tick_px

    def holds(self, px: int) -> bool:
        """Whether ``px`` is a price an order may carry: positive and on the grid."""
        return px > 0 and px % self.tick_at(px) == 0


US_EQUITY_TICKS = TickSchedule((TickBand(0, NANO // 10_000), TickBand(NANO, CENT)))
"""SEC Rule 612: four decimals below $1.00, two at and above."""
