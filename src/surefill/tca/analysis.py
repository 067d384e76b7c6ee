"""Plans measured one by one and together: the table behind every view of cost.

    found = [analysis_of(parent) for parent in parents]
    for row in rows_of(found): print(row.name, row.plans, row.stats["shortfall"].mean)

What: `Analysis` (a `Parent` with its costs and shortfall), `MEASURES` (every number of a plan: its
name, its unit, how it is read), `rows_of` (entered, missed, worked, denied, ALL plans).
Conventions: a mean weighs plans equally and is rounded up; quantiles are nearest rank; each says of
how many plans it is. A denied plan is charged like a missed one, in a row of its own and in ALL, so
that refusing is not free either; it is in no other row.
Invariants: integers; what is not known is left out and counted, never 0.
Must never: mix signs: cost is positive, only markouts are in our favour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from surefill.core.units import NANO
from surefill.tca.costs import Costs, costs_of
from surefill.tca.facts import Fate
from surefill.tca.parent import HORIZONS_NS, SECOND_NS, Parent
from surefill.tca.shortfall import ImplementationShortfall, shortfall_of

TAIL_PERCENT = 95


@dataclass(frozen=True, slots=True)
class Analysis:
    """One plan in numbers. ``later`` and ``at_close``: the shortfall with what was missed charged
    five minutes after the budget's end, and at the close."""

    parent: Parent
    costs: Costs
    shortfall: ImplementationShortfall | None
    later: ImplementationShortfall | None
    at_close: ImplementationShortfall | None


def analysis_of(parent: Parent) -> Analysis:
    """Measure one plan."""
    now = shortfall_of(parent)
    if not parent.missed_qty:
        # Nothing is charged at any time: the three are one.
        return Analysis(parent, costs_of(parent), now, now, now)

    def charged(missed_cost: int | None) -> ImplementationShortfall | None:
        return None if missed_cost is None else shortfall_of(parent, missed_cost=missed_cost)

    marks = parent.marks
    later, at_close = charged(marks.later_cost), charged(marks.close_cost)
    return Analysis(parent, costs_of(parent), now, later, at_close)


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a plan. ``unit``: ``ppb`` (of a price or a value), ``R``, ``ratio`` (both
    1e-9), ``ns`` or ``share_ms`` (shares times ms)."""

    name: str
    unit: str
    read: Callable[[Analysis], int | None]


def _costs(name: str, unit: str = "ppb") -> Measure:
    return Measure(name, unit, lambda one: getattr(one.costs, f"{name}_ppb"))


def _part(name: str) -> Measure:
    def read(one: Analysis) -> int | None:
        found = one.shortfall
        return found.part_ppb(getattr(found, name)) if found is not None else None

    return Measure(name, "ppb", read)


def _ppb(found: ImplementationShortfall | None) -> int | None:
    return found.ppb if found is not None else None


def _share_ms(share_ns: int | None) -> int | None:
    """Shares times ms: what 64 bits of a table hold."""
    return None if share_ns is None else -(-share_ns // (NANO * 1_000_000))


def _at(name: str, n: int) -> Callable[[Analysis], int | None]:
    def read(one: Analysis) -> int | None:
        values: tuple[int | None, ...] = getattr(one.costs, f"{name}_ppb")
        return values[n]

    return read


def horizon_text(horizon_ns: int) -> str:
    """``1s``, ``10min``."""
    whole_s = horizon_ns // SECOND_NS
    return f"{whole_s // 60}min" if whole_s % 60 == 0 else f"{whole_s}s"


MEASURES = (
    Measure("shortfall", "ppb", lambda one: _ppb(one.shortfall)),
    *(_part(name) for name in ("delay", "timing", "spread", "opportunity", "fees")),
    Measure("shortfall_later", "ppb", lambda one: _ppb(one.later)),
    Measure("shortfall_at_close", "ppb", lambda one: _ppb(one.at_close)),
    *(
        _costs(f"slippage_vs_{name}")
        for name in ("signal", "decision", "arrival", "near", "far", "vwap")
    ),
    _costs("quoted_spread"),
    _costs("effective_spread"),
    *(
        Measure(f"realized_spread_{horizon_text(ns)}", "ppb", _at("realized_spread", n))
        for n, ns in enumerate(HORIZONS_NS)
    ),
    *(
        Measure(f"markout_{horizon_text(ns)}", "ppb", _at("markout", n))
        for n, ns in enumerate(HORIZONS_NS)
    ),
    _costs("exit_slippage_vs_stop"),
    _costs("fill", "ratio"),
    Measure("first_fill", "ns", lambda one: one.costs.first_fill_ns),
    Measure("last_fill", "ns", lambda one: one.costs.last_fill_ns),
    _costs("rr_planned", "ratio"),
    _costs("rr_worst", "ratio"),
    _costs("rr_fill", "ratio"),
    _costs("r", "R"),
    _costs("mae", "R"),
    _costs("mfe", "R"),
    Measure("uncovered", "share_ms", lambda one: _share_ms(one.parent.uncovered_share_ns)),
)
"""Every number of a plan. Cost is positive; ``markout_*`` is positive in our favour."""

MEASURE_OF = {measure.name: measure for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Stat:
    """One measure of several plans: of how many, mean (rounded up), median, `TAIL_PERCENT` th
    percentile, ends."""

    count: int
    mean: int
    p50: int
    tail: int
    low: int
    high: int


def stat_of(values: Iterable[int | None]) -> Stat | None:
    """The known values together; ``None`` where there is none."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    ranks = [-(-percent * len(known) // 100) - 1 for percent in (50, TAIL_PERCENT)]
    p50, tail = (known[rank] for rank in ranks)
    mean = -(-sum(known) // len(known))
    return Stat(len(known), mean, p50, tail, known[0], known[-1])


@dataclass(frozen=True, slots=True)
class Row:
    """Several plans. ``wanted_qty``, ``entered_qty``: 1e-9 share; ``cost``: sum of the known
    shortfalls, 1e-18 USD; ``unknown``: plans without one; ``stats``: measure -> `Stat`."""

    name: str
    plans: int
    wanted_qty: int
    entered_qty: int
    cost: int
    unknown: int
    stats: dict[str, Stat]

    def mean(self, name: str) -> int | None:
        """The mean of one measure."""
        found = self.stats.get(name)
        return found.mean if found is not None else None


def row_of(name: str, found: Sequence[Analysis]) -> Row:
    """These plans together."""
    stats = {measure.name: stat_of(map(measure.read, found)) for measure in MEASURES}
    known = [one.shortfall.total for one in found if one.shortfall is not None]
    return Row(
        name=name,
        plans=len(found),
        wanted_qty=sum(one.parent.order_qty for one in found),
        entered_qty=sum(one.parent.qty for one in found),
        cost=sum(known),
        unknown=len(found) - len(known),
        stats={name: stat for name, stat in stats.items() if stat is not None},
    )


def rows_of(found: Sequence[Analysis]) -> tuple[Row, ...]:
    """Entered, missed (rejected ones too), both together as worked, denied, and ALL plans. Plans
    whose entry still works are in ALL alone, as unknown; breakouts that never triggered, if there
    are any, have a row of their own and are in no other."""

    def of(*fates: Fate) -> list[Analysis]:
        return [one for one in found if one.parent.fate in fates]

    missed = (Fate.NOT_ENTERED, Fate.REJECTED)
    waited = of(Fate.NOT_TRIGGERED)
    begun = [one for one in found if one.parent.fate is not Fate.NOT_TRIGGERED]
    return (
        row_of("entered", of(Fate.ENTERED)),
        row_of("missed", of(*missed)),
        row_of("worked", of(Fate.ENTERED, *missed)),
        row_of("denied", of(Fate.DENIED)),
        *([row_of("not triggered", waited)] if waited else []),
        row_of("ALL", begun),
    )


def flat_row(one: Analysis) -> dict[str, int | str | None]:
    """One plan as a row of a table: who, what, the reference prices, and every measure. Names end
    in their unit; money in 1e-9 USD, rounded up."""
    parent, marks = one.parent, one.parent.marks
    row: dict[str, int | str | None] = {
        "plan_id": parent.plan_id,
        "symbol": parent.symbol,
        "side": "buy" if parent.sign > 0 else "sell",
        "path": parent.path,
        "fate": parent.fate.value,
        "code": parent.code,
        "order_qty": parent.order_qty,
        "entry_qty": parent.qty,
        "arrival_ns": parent.arrival_ns,
        "end_ns": parent.end_ns,
        "budget_ns": parent.budget_ns,
        "signal_px": parent.signal_px,
        "decision_px": parent.decision_px,
        "arrival_px": marks.arrival_px,
        "bid_px": marks.arrival.bid_px if marks.arrival is not None else None,
        "ask_px": marks.arrival.ask_px if marks.arrival is not None else None,
        "paper": parent.paper.value,
        "stop_px": parent.stop_px,
        "target_px": parent.target_px,
        "worst_px": parent.worst_px,
        "rest_stop_px": parent.rest_stop_px,
        "rest_target_px": parent.rest_target_px,
        "shortfall_usd": _usd(one.shortfall.total if one.shortfall is not None else None),
        "made_usd": _usd(parent.made),
    }
    return row | {_column(measure): measure.read(one) for measure in MEASURES}


def _column(measure: Measure) -> str:
    suffix = {"R": "r_ppb", "ratio": "ppb"}.get(measure.unit, measure.unit)
    return f"{measure.name}_{suffix}" if measure.name != "r" else "r_ppb"


def _usd(cost: int | None) -> int | None:
    return None if cost is None else -(-cost // 1_000_000_000)
