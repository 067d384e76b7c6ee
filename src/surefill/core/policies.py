"""Another policy for one symbol: the list that a setting holds, over the settings for all.

What: `PolicyOverride` (another value for one symbol), `POLICY_ROWS` (what may be overridden, with
its word, unit and meaning), `read_policies`, `show_policies` and `policy_of`.
Why: one cap does not fit a quiet share and a wild one, and the person who runs the engine decides
that once instead of each strategy in each plan.
Invariants: what a plan says itself wins over both (`TradePlan.with_policy`); a value is inside the
bounds of the setting for all.
Must never: change a trade that is open: a plan's policy is fixed when it is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from surefill.core.plan import POLICY_BOUNDS, SECOND_NS, SYMBOL_PATTERN, Policy
from surefill.core.units import NANO, UnitError, to_nano, to_text
from surefill.core.values import replace


@dataclass(frozen=True, slots=True)
class PolicyOverride:
    """``field`` of `Policy` is ``value`` for this symbol."""

    symbol: str
    field: str
    value: int


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One part of the policy: ``value`` is in ``scale``-ths of ``unit``. ``name`` is the word of
    its setting for all symbols, after the prefix and in small letters."""

    name: str
    field: str
    unit: str
    scale: int
    meaning: str

    def show(self, value: int) -> str:
        """The value in its unit, without it."""
        return to_text(value * (NANO // self.scale))


POLICY_ROWS = (
    PolicyRow(
        "max_slippage_pct", "max_slippage_ppb", "fraction", NANO, "worst entry against the signal"
    ),
    PolicyRow(
        "limit_buffer_regular",
        "limit_buffer_regular_ppb",
        "fraction",
        NANO,
        "first limit beyond the signal",
    ),
    PolicyRow(
        "limit_buffer_extended",
        "limit_buffer_extended_ppb",
        "fraction",
        NANO,
        "the same in extended hours",
    ),
    PolicyRow(
        "fill_timeout", "fill_timeout_ns", "seconds", SECOND_NS, "how long an entry may work"
    ),
    PolicyRow("min_rr_ratio", "min_rr_ppb", "ratio", NANO, "minimum reward/risk of a plan"),
)

ROW_OF = {row.field: row for row in POLICY_ROWS}


class PolicyError(ValueError):
    """A text that is no list of policies; the sentence goes on after the setting's name."""


def read_policies(text: str) -> tuple[PolicyOverride, ...]:
    """``SYMBOL:NAME=VALUE``, with spaces or commas between; by symbol, in the order of
    `POLICY_ROWS`. Raises `PolicyError`; a value that is given twice is one too: nobody can know
    which one was meant."""
    found: dict[tuple[str, str], int] = {}
    for word in re.split(r"[,\s]+", text.strip()):
        if not word:
            continue
        symbol, row, value = _policy_of(word)
        if (symbol, row.field) in found:
            raise PolicyError(f"holds {word!r}, a second value of {word.partition('=')[0]}")
        found[symbol, row.field] = value
    order = list(ROW_OF)
    keys = sorted(found, key=lambda key: (key[0], order.index(key[1])))
    return tuple(PolicyOverride(symbol, field, found[symbol, field]) for symbol, field in keys)


def show_policies(policies: Sequence[PolicyOverride]) -> str:
    """The text that `read_policies` gives back."""
    return " ".join(
        f"{one.symbol}:{ROW_OF[one.field].name}={ROW_OF[one.field].show(one.value)}"
        for one in policies
    )


def policy_of(policy: Policy, policies: Sequence[PolicyOverride], symbol: str) -> Policy:
    """``policy`` as it holds for this symbol."""
    ours = {one.field: one.value for one in policies if one.symbol == symbol}
    return replace(policy, **ours) if ours else policy  # type: ignore[arg-type]


def _policy_of(word: str) -> tuple[str, PolicyRow, int]:
    matched = re.fullmatch(r"(?P<symbol>[^:=]+):(?P<name>[a-z_]+)=(?P<text>.+)", word)
    row = next((r for r in POLICY_ROWS if matched is not None and r.name == matched["name"]), None)
    if matched is None or row is None:
        names = ", ".join(row.name for row in POLICY_ROWS)
        raise PolicyError(f"holds {word!r}; a policy is SYMBOL:NAME=VALUE with one of {names}")
    symbol = matched["symbol"]
    if not SYMBOL_PATTERN.fullmatch(symbol):
        raise PolicyError(f"holds {word!r}: {symbol} is no symbol")
    step, (low, high) = NANO // row.scale, POLICY_BOUNDS[row.field]
    try:
        nano = to_nano(matched["text"])
    except UnitError:
        raise PolicyError(f"holds {word!r}: not a number ({row.unit})") from None
    if nano % step or not low <= nano // step <= high:
        limit = f"{row.show(low)} to {row.show(high)} ({row.unit})"
        raise PolicyError(f"holds {word!r}, which is outside {limit}")
    return symbol, row, nano // step
