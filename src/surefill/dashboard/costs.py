"""What entries cost so far, by path, and why plans were kept out: read models of two pages.

What: `costs_of` (slippage against the signal, reward/risk planned and at the fill, ended trades),
`refusals_of` (reasons by frequency, each with its sentence).
Conventions: basis points, positive is cost. Floats live here and in the figures, for screens.
Invariants: pure; a plan whose number is not known is in no distribution.
Must never: average over paths: legacy entries have no cap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from surefill.core.reasons import ReasonCode
from surefill.core.trade import Trade
from surefill.dashboard.words import NOTHING, change_text, date_text, px_text, signed_text, usd_text
from surefill.runtime.result import TradeResult, result_of
from surefill.service.reader import Picture
from surefill.service.views import refusal_rows

TARGET_BPS = 10.0
"""0.10 % of the signal price: what an entry may cost on average (checklist, week 1)."""
ENDED_SHOWN = 200
SMART, LEGACY = "smart", "legacy"


@dataclass(frozen=True, slots=True)
class Point:
    """One entry: slippage in bps of the signal, reward/risk planned and at the fill."""

    plan_id: str
    slippage_vs_signal_bps: float
    rr_planned: float | None
    rr_at_fill: float | None


@dataclass(frozen=True, slots=True)
class PathCost:
    """The entries of one path, oldest first."""

    path: str
    points: tuple[Point, ...]

    @property
    def mean_bps(self) -> float | None:
        """Plans weigh equally."""
        found = [point.slippage_vs_signal_bps for point in self.points]
        return sum(found) / len(found) if found else None

    @property
    def within(self) -> int:
        """Entries that cost at most the target."""
        return sum(1 for point in self.points if point.slippage_vs_signal_bps <= TARGET_BPS)

    @property
    def sentence(self) -> str:
        """For people."""
        mean = self.mean_bps
        if mean is None:
            return f"{self.path}: no entry yet"
        count = len(self.points)
        entries = "1 entry" if count == 1 else f"{count} entries"
        return (
            f"{self.path}: {entries}, mean {mean:+.2f} bps, "
            f"{self.within} of {count} within {TARGET_BPS / 100:.2f} %"
        )


@dataclass(frozen=True, slots=True)
class EndedRow:
    """One trade that is over."""

    plan_id: str
    symbol: str
    path: str
    ended: str
    outcome: str
    paid: str
    exited: str
    slippage: str
    reward: str
    result: str
    money: str


@dataclass(frozen=True, slots=True)
class Costs:
    """Of everything that is remembered."""

    paths: tuple[PathCost, ...]
    ended: tuple[EndedRow, ...]

    @property
    def has_entries(self) -> bool:
        """Whether there is anything to draw."""
        return any(path.points for path in self.paths)


@dataclass(frozen=True, slots=True)
class RefusalLine:
    """One reason. ``share_percent`` of the most frequent one."""

    code: str
    sentence: str
    denied: int
    not_entered: int
    share_percent: int

    @property
    def count(self) -> int:
        """Plans it kept out."""
        return self.denied + self.not_entered


def costs_of(picture: Picture) -> Costs:
    """What entries cost."""
    trades = [one for one in picture.found.values() if isinstance(one, Trade)]
    results = [result_of(trade) for trade in trades]
    ended = [_ended(found) for found in reversed(results) if found.outcome and found.entry_qty]
    return Costs(
        (_path(SMART, results, is_legacy=False), _path(LEGACY, results, is_legacy=True)),
        tuple(ended[:ENDED_SHOWN]),
    )


def refusals_of(picture: Picture) -> tuple[RefusalLine, ...]:
    """Reasons that kept plans out, most frequent first."""
    rows = refusal_rows(picture)
    most = max((row.denied + row.not_entered for row in rows), default=1)
    return tuple(
        RefusalLine(
            row.code,
            plain_sentence(row.code),
            row.denied,
            row.not_entered,
            100 * (row.denied + row.not_entered) // most,
        )
        for row in rows
    )


def plain_sentence(code: str) -> str:
    """A reason's sentence with dots where a plan's own values stand."""
    parts = ReasonCode[code].value.split("{")
    return parts[0] + "".join("…" + part.partition("}")[2] for part in parts[1:])


def _path(path: str, results: Sequence[TradeResult], *, is_legacy: bool) -> PathCost:
    mine = (found for found in results if found.is_legacy is is_legacy)
    return PathCost(path, tuple(_points(mine)))


def _points(results: Iterable[TradeResult]) -> Iterable[Point]:
    for found in results:
        if found.slippage_vs_signal_bps is not None:
            yield Point(
                found.plan_id,
                float(found.slippage_vs_signal_bps),
                _float(found.rr_planned),
                _float(found.rr_at_fill),
            )


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _ended(found: TradeResult) -> EndedRow:
    return EndedRow(
        plan_id=found.plan_id,
        symbol=found.symbol,
        path=LEGACY if found.is_legacy else SMART,
        ended=date_text(found.closed_ns) if found.closed_ns is not None else NOTHING,
        outcome=found.outcome.value.replace("_", " ") if found.outcome is not None else NOTHING,
        paid=px_text(found.avg_px),
        exited=px_text(found.exit_avg_px),
        slippage=signed_text(found.slippage_vs_signal_bps),
        reward=change_text(found.rr_planned, found.rr_at_fill),
        result=f"{signed_text(found.r_realized)} R" if found.r_realized is not None else NOTHING,
        money=usd_text(found.pnl_usd),
    )
