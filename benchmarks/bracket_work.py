"""The common work of the replay benchmarks: quotes of one symbol, and one rule that trades them.

Every ``every`` quotes, when flat: buy at the ask, with a stop and a target `REACH` ticks away. The
stop sells at the bid that reached it, the target at its own price. `rule` is that, quote by quote
in plain Python: what every path has to agree with, trade by trade.

Imports numpy alone, because programs of other environments read it too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

REACH = 7
"""Ticks (cents) from the entry to either exit: nine trades in ten end within a hundred quotes."""
MID_CENTS = 20_000
GAP_NS = 20_000_000
"""Between two quotes: a million of them are five hours and a half of one session."""
QTY = 100

Ticks = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Trade:
    """One round trip: the quotes of its entry and exit, and their prices in cents."""

    entry: int
    exit: int
    entry_cents: int
    exit_cents: int

    @property
    def is_win(self) -> bool:
        """Whether the target was reached."""
        return self.exit_cents > self.entry_cents


def bids(count: int, seed: int = 1) -> Ticks:
    """The bid of each quote in cents, a walk of one cent up or down; the ask is a cent higher."""
    steps = np.random.default_rng(seed).integers(0, 2, count, dtype=np.int32) * 2 - 1
    walk: Ticks = (MID_CENTS + np.cumsum(steps)).astype(np.int32)
    # Never below a dollar, where prices have more decimals: mirrored there.
    return np.abs(walk - 200).astype(np.int32) + 200


def rule(bid: Ticks, every: int) -> list[Trade]:
    """The trades, in order. One that is open at the end is none."""
    found: list[Trade] = []
    entry, paid = -1, 0
    for n, cents in enumerate(bid.tolist()):
        if entry >= 0:
            if cents <= paid - REACH:
                found.append(Trade(entry, n, paid, cents))
                entry = -1
            elif cents >= paid + REACH:
                found.append(Trade(entry, n, paid, paid + REACH))
                entry = -1
        if entry < 0 and n % every == 0:
            entry, paid = n, cents + 1
    return found


def summary(trades: list[Trade]) -> dict[str, int]:
    """What two paths are compared by: trades, wins, and cents a share made in all."""
    return {
        "trades": len(trades),
        "wins": sum(trade.is_win for trade in trades),
        "cents": sum(trade.exit_cents - trade.entry_cents for trade in trades),
    }
