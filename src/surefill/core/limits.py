"""The hard limits as data: every one with its unit, its scope and its meaning, once.

What: `Limits` (what the gate compares with), `Override` (another value for one symbol) and
`LIMIT_ROWS`, from which settings are read and `status` is shown.
Invariants: 0 switches off the limits that say so, no other value does; an override replaces a
value for its symbol and nothing else.
Must never: be changed by a plan or by a caller (failures.md C.6, 12).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from surefill.core.plan import SECOND_NS, SYMBOL_PATTERN
from surefill.core.units import NANO, UnitError, to_nano, to_text
from surefill.core.values import replace

HOUR_NS = 3_600 * SECOND_NS
OVER_TIME = frozenset({"symbol_entries_per_minute_max", "duplicate_ns"})


@dataclass(frozen=True, slots=True)
class Override:
    """``field`` of `Limits` is ``value`` for this symbol."""

    symbol: str
    field: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Hard limits, independent of the strategy. USD and shares in 1e-9, times in ns, ratios in ppb.

    Per order: quantity, notional, price collar beyond the market, share of the size displayed at
    the touch that the entry crosses to, share of the volume seen lately. Per symbol: entries a
    minute, the same plan twice. Account: notional and number of open trades, entries a minute,
    loss of the day. 0 switches the last six of these fields off.
    """

    order_qty_max: int = 100_000 * NANO
    order_notional_max_usd: int = 100_000 * NANO
    total_notional_max_usd: int = 1_000_000 * NANO
    open_trades_max: int = 50
    daily_loss_max_usd: int = 10_000 * NANO
    signal_age_max_ns: int = 300 * SECOND_NS
    quote_age_max_ns: int = 1_500_000_000
    entry_cutoff_ns: int = 300 * SECOND_NS
    restricted: tuple[str, ...] = ()
    collar_ppb: int = 0
    displayed_share_max_ppb: int = 0
    volume_share_max_ppb: int = 0
    entries_per_minute_max: int = 0
    symbol_entries_per_minute_max: int = 0
    duplicate_ns: int = 0
    overrides: tuple[Override, ...] = ()

    @property
    def counts_entries(self) -> bool:
        """Whether any limit looks back over time."""
        fields = {o.field for o in self.overrides}
        is_set = self.entries_per_minute_max or self.symbol_entries_per_minute_max
        return bool(is_set or self.duplicate_ns or fields & OVER_TIME)

    def of_symbol(self, symbol: str) -> Limits:
        """The limits that hold for this symbol."""
        ours = {o.field: o.value for o in self.overrides if o.symbol == symbol}
        return replace(self, **ours) if ours else self  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit of the list that a setting holds: ``value`` is in ``scale``-ths of ``unit``."""

    name: str
    field: str
    unit: str
    scale: int
    high: int
    meaning: str
    has_default: bool = True
    """False: a setting of its own gives it; here it is for one symbol only."""
    per_symbol: bool = True

    def show(self, value: int) -> str:
        """The value in its unit, without it."""
        return to_text(value * (NANO // self.scale))


LIMIT_ROWS = (
    LimitRow("collar", "collar_ppb", "fraction", NANO, NANO, "worst price beyond the touch"),
    LimitRow(
        "displayed_share",
        "displayed_share_max_ppb",
        "fraction",
        NANO,
        1000 * NANO,
        "entry against the size displayed at the touch it crosses to",
    ),
    LimitRow(
        "volume_share",
        "volume_share_max_ppb",
        "fraction",
        NANO,
        1000 * NANO,
        "entry against the volume of the last five minutes",
    ),
    LimitRow(
        "entries_per_minute",
        "entries_per_minute_max",
        "entries",
        1,
        100_000,
        "entries of the account in any minute",
        per_symbol=False,
    ),
    LimitRow(
        "symbol_entries_per_minute",
        "symbol_entries_per_minute_max",
        "entries",
        1,
        100_000,
        "entries of one symbol in any minute",
    ),
    LimitRow(
        "duplicate_s",
        "duplicate_ns",
        "seconds",
        SECOND_NS,
        HOUR_NS,
        "the same order under another plan id",
    ),
    LimitRow(
        "order_qty",
        "order_qty_max",
        "shares",
        NANO,
        10**7 * NANO,
        "largest entry, in shares",
        has_default=False,
    ),
    LimitRow(
        "order_notional_usd",
        "order_notional_max_usd",
        "USD",
        NANO,
        10**9 * NANO,
        "largest entry, in money",
        has_default=False,
    ),
)


ROW_OF = {row.field: row for row in LIMIT_ROWS}

DEFAULTS = {
    "collar_ppb": NANO // 10,
    "entries_per_minute_max": 60,
    "symbol_entries_per_minute_max": 10,
    "duplicate_ns": SECOND_NS // 5,
}
"""The others are off: what a feed displays and prints is a part of the market (IEX: 2 to 3 %)."""


class LimitError(ValueError):
    """A text that is no list of limits; the sentence goes on after the setting's name."""


def read_limits(text: str) -> tuple[Override, ...]:
    """``NAME=VALUE`` or ``SYMBOL:NAME=VALUE``, with spaces or commas between, over the defaults; ""
    is every symbol. In the order of `LIMIT_ROWS`, the account's first. Raises `LimitError`; a limit
    that is given twice is one too: nobody can know which one was meant."""
    given: set[tuple[str, str]] = set()
    found = {("", row.field): DEFAULTS.get(row.field, 0) for row in LIMIT_ROWS if row.has_default}
    for word in re.split(r"[,\s]+", text.strip()):
        if word:
            symbol, row, value = _limit_of(word)
            if (symbol, row.field) in given:
                raise LimitError(f"holds {word!r}, a second value of {word.partition('=')[0]}")
            given.add((symbol, row.field))
            found[symbol, row.field] = value
    order = list(ROW_OF)
    keys = sorted(found, key=lambda key: (key[0], order.index(key[1])))
    return tuple(Override(symbol, field, found[symbol, field]) for symbol, field in keys)


def show_limits(limits: Sequence[Override]) -> str:
    """The text that `read_limits` gives back."""
    return " ".join(
        f"{one.symbol}:{ROW_OF[one.field].name}={ROW_OF[one.field].show(one.value)}".lstrip(":")
        for one in limits
    )


def _limit_of(word: str) -> tuple[str, LimitRow, int]:
    matched = re.fullmatch(r"(?:(?P<symbol>[^:=]+):)?(?P<name>[a-z_]+)=(?P<text>.+)", word)
    row = next((r for r in LIMIT_ROWS if matched is not None and r.name == matched["name"]), None)
    if matched is None or row is None:
        names = ", ".join(row.name for row in LIMIT_ROWS)
        raise LimitError(f"holds {word!r}; a limit is NAME=VALUE with one of {names}")
    symbol = matched["symbol"] or ""
    if symbol and not SYMBOL_PATTERN.fullmatch(symbol):
        raise LimitError(f"holds {word!r}: {symbol} is no symbol")
    if symbol and not row.per_symbol:
        raise LimitError(f"holds {word!r}: {row.name} is for the account only")
    if not symbol and not row.has_default:
        raise LimitError(f"holds {word!r}: say for which symbol, as in TSLA:{word}")
    step = NANO // row.scale
    try:
        nano = to_nano(matched["text"])
    except UnitError:
        raise LimitError(f"holds {word!r}: not a number of {row.unit}") from None
    low = 0 if row.has_default else 1
    if nano % step or not low <= nano // step <= row.high:
        limit = f"{row.show(low)} to {row.show(row.high)} {row.unit}"
        raise LimitError(f"holds {word!r}, which is outside {limit}")
    return symbol, row, nano // step


@dataclass(frozen=True, slots=True)
class Entered:
    """An entry that was accepted: what the limits over time remember of it."""

    at_ns: int
    symbol: str
    sign: int
    order_qty: int
    signal_px: int


def recent(entered: Sequence[Entered], limits: Limits, *, now: int) -> tuple[Entered, ...]:
    """Those that any limit over time still looks at."""
    longest_ns = max(
        (limits.duplicate_ns, *(o.value for o in limits.overrides if o.field == "duplicate_ns"))
    )
    horizon_ns = now - max(60 * SECOND_NS, longest_ns)
    return tuple(one for one in entered if one.at_ns > horizon_ns)
