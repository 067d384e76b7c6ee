"""The answer to a flatten: FLAT, or NOT_FLAT with what still covers the rest.

What: `FlatReport` and `flat_report`. Why: "I sent a closing order" is no answer (diary A-33); a
caller has to know whether shares are left and what stands behind them.
Invariants: FLAT only when every trade that was meant is over and, where a symbol was named, nobody
else holds shares of it on the account; shares are counted by the same fold that covers them.
Must never: take an order that was sent for a position that is closed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from surefill.core.cover import cover_of
from surefill.core.events import Position
from surefill.core.trade import Outcome, Trade


class Flatness(StrEnum):
    """Whether everything that was meant is closed."""

    FLAT = "FLAT"
    NOT_FLAT = "NOT_FLAT"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatRow:
    """One trade of the report: shares held and covered (1e-9), the stop's price (1e-9 USD)."""

    plan_id: str
    symbol: str
    outcome: Outcome | None
    position_qty: int
    covered_qty: int
    stop_px: int


@dataclass(frozen=True, slots=True)
class FlatReport:
    """What became of the trades that were to be closed; no trade is flat as well. ``foreign``: what
    the account holds in the named symbol (any, when none was named) that is not ours and was not
    touched."""

    state: Flatness
    rows: tuple[FlatRow, ...]
    foreign: tuple[Position, ...] = ()

    @property
    def is_flat(self) -> bool:
        """Whether every trade is over."""
        return self.state is Flatness.FLAT

    @property
    def uncovered_qty(self) -> int:
        """Shares that are left without a working stop, 1e-9."""
        return sum(max(0, row.position_qty - row.covered_qty) for row in self.rows)


def flat_report(
    trades: Iterable[Trade], *, target: str = "", foreign: Iterable[Position] = ()
) -> FlatReport:
    """How these trades, which ``target`` meant, stand now beside the account's ``foreign``
    positions."""
    rows = tuple(
        FlatRow(
            plan_id=trade.trade_id,
            symbol=trade.symbol,
            outcome=trade.outcome,
            position_qty=trade.position_qty,
            covered_qty=min(cover_of(trade).covered_qty, max(0, trade.position_qty)),
            stop_px=trade.wanted_exits().stop_px,
        )
        for trade in trades
    )
    others = tuple(position for position in foreign if target in ("", position.symbol))
    is_flat = all(row.outcome is not None for row in rows) and not (target and others)
    return FlatReport(Flatness.FLAT if is_flat else Flatness.NOT_FLAT, rows, others)
