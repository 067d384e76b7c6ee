"""The tactic protocol: a pure rule from view and market to the working entry order we want.

What: `EntryView` (all that a tactic may know), `WantedEntry` (what should work now), `Tactic`.
Why: how to enter is a matter of taste and evidence; staying inside the worst price, protecting and
recovering are not, so the engine does those and asks the tactic only for the order it would like.
Must never: know the broker, keep state, or want a price beyond ``terms.worst_px`` (checked).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from surefill.core.fix import OrdType
from surefill.core.market import MarketView
from surefill.core.pricing import EntryTerms
from surefill.core.session import SessionKind
from surefill.core.units import TickSchedule


class ProtectionStyle(StrEnum):
    """How the first cover gets to the broker (design 4.5)."""

    BRACKET = "BRACKET"
    """Legs travel with the entry: they cover a *full* fill even when this process is dead."""
    OCO = "OCO"
    """A plain entry, then one OCO group for each filled quantity."""


@dataclass(frozen=True, slots=True)
class WantedEntry:
    """The entry order that should be working; ``limit_px`` is ``None`` for a market order.

    ``until_ns``: when the tactic wants to be asked again although no quote came; ``None`` = not.
    ``order_qty``: of a new order, 1e-9 share; ``None`` = all that is missing. It is no reason to
    give up an order that works at the right price.
    """

    ord_type: OrdType
    limit_px: int | None
    until_ns: int | None = field(default=None, compare=False)
    order_qty: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """What a tactic may know. ``sign`` +1 long; times UTC ns; ``leaves_qty`` 1e-9 share.

    ``working`` is the entry order of this moment, sent at ``working_ns``; ``quotes`` counts the
    entry orders so far, this one included. ``may_slice``: whether another order may follow one
    that filled; False where the cover of the first one stands in the way (U19)."""

    sign: int
    terms: EntryTerms
    ticks: TickSchedule
    leaves_qty: int
    started_ns: int
    deadline_ns: int
    session: SessionKind
    market: MarketView | None
    working: WantedEntry | None = None
    working_ns: int = 0
    quotes: int = 0
    may_slice: bool = False


class Tactic(Protocol):
    """One way to enter."""

    @property
    def name(self) -> str:
        """The name by which plans ask for it."""

    @property
    def style(self) -> ProtectionStyle:
        """How its entries are protected first."""

    @property
    def is_reactive(self) -> bool:
        """Whether a new quote can change what it wants."""

    def wanted(self, view: EntryView, now: int) -> WantedEntry | None:
        """What should be working at ``now``; ``None`` = nothing any more."""
