"""One plan as cost analysis sees it: what was wanted, what was executed, what the market was.

What: `Parent` (glossary 4: the intent of an entry, worked by one or more orders) with its fills
(`Execution`, `Closing`) and `Marks`; `marked` looks the marks up in a `Market`.
Why one value for every source: a replay, a journal and a broker's history differ in what they know,
not in how costs are counted.
Conventions: ``signal_px`` is the caller's price, ``decision_px`` the mid when the plan was made: as
its source says, else the market's at ``decision_ns`` (the instant of the signal), else unknown.
The paper price of the shortfall is the decision price, else the signal's, else the arrival mid of
an order whose plan nobody wrote down; `Parent.paper` says which.
Invariants: integers only: 1e-9 USD, 1e-9 share, UTC ns, costs in 1e-18 USD. Unknown is ``None``.
Must never: invent a benchmark that the source does not have.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surefill.core.fix import Leg
from surefill.core.market import Nbbo
from surefill.core.values import replace
from surefill.tca.facts import COSTLESS, Fate
from surefill.tca.market import Market

SECOND_NS = 1_000_000_000
HORIZONS_NS = tuple(n * SECOND_NS for n in (1, 5, 10, 30, 60, 300, 600))
"""Horizons of markouts and of the realized spread: 1 s to 10 min."""
LATER_NS = 300 * SECOND_NS
"""The sensitivity of what was missed: five minutes after the budget's end."""


class Paper(StrEnum):
    """Which price the paper portfolio is filled at."""

    DECISION = "decision"
    SIGNAL = "signal"
    ARRIVAL = "arrival"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill of an entry. ``mid_px``: just before it; ``later_px``: at each of `HORIZONS_NS`."""

    qty: int
    px: int
    at_ns: int
    mid_px: int | None = None
    later_px: tuple[int | None, ...] = (None,) * len(HORIZONS_NS)


@dataclass(frozen=True, slots=True)
class Closing:
    """One fill of an exit; ``stop_px`` is the stop of its order, for the stop's own fills."""

    leg: Leg
    qty: int
    px: int
    at_ns: int
    stop_px: int | None = None


@dataclass(frozen=True, slots=True)
class Resting:
    """An order at one price from when to when it worked: what a picture of the trade shows."""

    leg: Leg
    px: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The market around one entry. ``arrival``: the quote when it arrived, ``arrival_px`` its mid;
    ``end_cost``, ``later_cost``, ``close_cost``: what the missed shares would have cost on the far
    side when the budget ended, `LATER_NS` later, at the close. ``traded_*``: all prints between
    arrival and the end of the entry. ``adverse_px``, ``favorable_px``: extremes while held."""

    arrival: Nbbo | None = None
    arrival_px: int | None = None
    end_cost: int | None = None
    later_cost: int | None = None
    close_cost: int | None = None
    traded_cost: int = 0
    traded_qty: int = 0
    adverse_px: int | None = None
    favorable_px: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """One plan. ``path``: how it was executed; ``end_ns``: when its entry was over, ``budget_ns``
    when its time was up; ``decision_ns`` when it was made (UTC ns). ``stop_px`` and ``target_px``
    are the signal's own levels, ``rest_stop_px`` and ``rest_target_px`` those that rested at the
    broker. ``fees``: 1e-18 USD."""

    plan_id: str
    symbol: str
    sign: int
    path: str
    fate: Fate
    code: str
    order_qty: int
    arrival_ns: int
    end_ns: int
    budget_ns: int
    signal_px: int | None = None
    decision_px: int | None = None
    decision_ns: int | None = None
    fills: tuple[Execution, ...] = ()
    closings: tuple[Closing, ...] = ()
    orders: tuple[Resting, ...] = ()
    fees: int = 0
    stop_px: int | None = None
    target_px: int | None = None
    worst_px: int | None = None
    rest_stop_px: int | None = None
    rest_target_px: int | None = None
    uncovered_share_ns: int | None = None
    uncovered_ns: int | None = None
    marks: Marks = Marks()

    @property
    def qty(self) -> int:
        """Shares entered, 1e-9."""
        return sum(fill.qty for fill in self.fills)

    @property
    def cost(self) -> int:
        """What they cost, 1e-18 USD."""
        return sum(fill.qty * fill.px for fill in self.fills)

    @property
    def missed_qty(self) -> int:
        """Shares wanted and not entered; none while the entry works."""
        return 0 if self.fate in COSTLESS else max(0, self.order_qty - self.qty)

    @property
    def paper(self) -> Paper:
        """Where the paper price comes from."""
        if self.decision_px is not None:
            return Paper.DECISION
        if self.signal_px is not None:
            return Paper.SIGNAL
        return Paper.UNKNOWN if self.marks.arrival_px is None else Paper.ARRIVAL

    @property
    def paper_px(self) -> int | None:
        """The price that the paper portfolio pays, 1e-9 USD."""
        known = (self.decision_px, self.signal_px, self.marks.arrival_px)
        return next((px for px in known if px is not None), None)

    @property
    def is_flat(self) -> bool:
        """Whether everything that was entered was closed by fills we know."""
        return bool(self.qty) and sum(fill.qty for fill in self.closings) == self.qty

    @property
    def made(self) -> int | None:
        """Money made, fees apart, 1e-18 USD; ``None`` until it is flat."""
        if not self.is_flat:
            return None
        return self.sign * (sum(fill.qty * fill.px for fill in self.closings) - self.cost)


def marked(parent: Parent, market: Market) -> Parent:
    """The parent with every mark that this market has; what it lacks stays as it was known."""
    sign, known, missed_qty = parent.sign, parent.marks, parent.missed_qty
    arrival = market.at(parent.arrival_ns)
    arrival_px = arrival.mid_px if arrival is not None else None

    def missed_at(at_ns: int | None) -> int | None:
        if not missed_qty or at_ns is None:
            return None
        return market.far_cost(sign, at_ns, qty=missed_qty)

    traded_cost, traded_qty = market.traded(parent.arrival_ns, parent.end_ns)
    extremes = _extremes(parent, market)
    end_cost = missed_at(parent.budget_ns)
    return replace(
        parent,
        decision_px=_decision_px(parent, market),
        fills=tuple(_followed(fill, market) for fill in parent.fills),
        marks=Marks(
            arrival=arrival if arrival is not None else known.arrival,
            arrival_px=arrival_px if arrival_px is not None else known.arrival_px,
            end_cost=end_cost if end_cost is not None else known.end_cost,
            later_cost=missed_at(parent.budget_ns + LATER_NS),
            close_cost=missed_at(market.close_ns) if market.age_max_ns is None else None,
            traded_cost=traded_cost,
            traded_qty=traded_qty,
            adverse_px=extremes[0] if extremes else known.adverse_px,
            favorable_px=extremes[1] if extremes else known.favorable_px,
        ),
    )


def _decision_px(parent: Parent, market: Market) -> int | None:
    """The mid when the plan was made, 1e-9 USD: what its source says is believed first."""
    if parent.decision_px is not None or parent.decision_ns is None:
        return parent.decision_px
    return market.mid_px(parent.decision_ns)


def _followed(fill: Execution, market: Market) -> Execution:
    before = market.before(fill.at_ns)
    return replace(
        fill,
        mid_px=before.mid_px if before is not None else fill.mid_px,
        later_px=tuple(market.mid_px(fill.at_ns + horizon_ns) for horizon_ns in HORIZONS_NS),
    )


def _extremes(parent: Parent, market: Market) -> tuple[int, int] | None:
    """Between the first fill and the last exit, the exits' own prices among them."""
    if not parent.is_flat:
        return None
    start_ns = min(fill.at_ns for fill in parent.fills)
    end_ns = max(fill.at_ns for fill in parent.closings)
    found = market.extremes(parent.sign, start_ns, end_ns)
    if found is None:
        return None
    prices = [*found, *(fill.px for fill in parent.closings)]
    low_px, high_px = min(prices), max(prices)
    return (low_px, high_px) if parent.sign > 0 else (high_px, low_px)
