"""All days of a replay together, path by path: the last table of ``surefill replay``.

What: `Sums`. Means are weighted by what they are means of: *paid* by entered plans, *missed at* by
missed ones, *ALL* by plans.
Must never: hold a day's market or plans; a year of days is summed up one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from surefill.cli.output import Block, Table
from surefill.replay.paths import Played

TENTH = Decimal("0.1")
HEAD = ("path", "plans", "entered", "missed", "denied", "paid", "missed at", "ALL", "worst")


@dataclass(slots=True)
class _Mean:
    total: Decimal = Decimal(0)
    weight: int = 0

    def add(self, value: Decimal | None, weight: int) -> None:
        if value is not None:
            self.total += value * weight
            self.weight += weight

    @property
    def value(self) -> Decimal | None:
        return (self.total / self.weight).quantize(TENTH) if self.weight else None


@dataclass(slots=True)
class _Path:
    plans: int = 0
    entered: int = 0
    missed: int = 0
    denied: int = 0
    violations: int = 0
    paid: _Mean = field(default_factory=_Mean)
    missed_at: _Mean = field(default_factory=_Mean)
    every: _Mean = field(default_factory=_Mean)
    worst: Decimal | None = None


class Sums:
    """``days``: how many were added; ``unit``: of what, days or symbol-days."""

    def __init__(self, unit: str = "symbol-days") -> None:
        self.days = 0
        self._unit = unit
        self._paths: dict[str, _Path] = {}

    def add(self, played: Iterable[Played]) -> None:
        """One day on all its paths."""
        self.days += 1
        for one in played:
            found, own = one.measures, self._paths.setdefault(one.path, _Path())
            own.plans += found.plans
            own.entered += found.entered
            own.missed += found.missed
            own.denied += found.denied
            own.violations += len(one.violations)
            own.paid.add(found.slippage_mean_bps, found.entered)
            own.missed_at.add(found.missed_mean_bps, found.missed)
            own.every.add(found.all_in_bps, found.plans)
            if found.slippage_worst_bps is not None:
                known = own.worst if own.worst is not None else found.slippage_worst_bps
                own.worst = max(known, found.slippage_worst_bps)

    def blocks(self) -> list[Block]:
        """The table."""
        rows = [_row(path, own) for path, own in self._paths.items()]
        broken = sum(own.violations for own in self._paths.values())
        return [
            f"All {self.days} {self._unit} together.",
            Table("", rows, HEAD, frozenset(range(1, 9))),
            f"Auditor: {broken} violations in all.",
            "",
        ]


def _row(path: str, own: _Path) -> tuple[str, ...]:
    counts = (own.plans, own.entered, own.missed, own.denied)
    costs = (own.paid.value, own.missed_at.value, own.every.value, own.worst)
    return (path, *map(str, counts), *(bps_text(cost) for cost in costs))


def bps_text(value: Decimal | None) -> str:
    """A cost for a table; ``-`` where nothing is known."""
    return "-" if value is None else f"{value:+.1f}"
