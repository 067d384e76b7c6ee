"""Judges how a plan's exits move: anchored at the fill (I14), repaired within bounds (I20).

What: `Anchor` (do stop and target hang on what really filled) and `Repairs` (how often exits are
replaced, and whether a repair began by cancelling cover).
Why: the first anchoring at a fill is not an amendment; everything after it is, and a stop may then
only tighten.
Must never: import anything of ours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from surefill.sim.auditor_book import STOP, TARGET, Order, PlanBook
from surefill.sim.auditor_findings import AuditLimits, Fault, Span
from surefill.sim.auditor_terms import UNIT, px_text

MINUTE_NS = 60 * UNIT
DAY_NS = 86_400 * UNIT
COMPANION_NS = UNIT // 2
"""Two requests of one instant reach the venue within this time of each other."""


@dataclass(slots=True)
class Anchor:
    """Whether the exits of one plan hang on its fills."""

    book: PlanBook
    target_may_move: bool = False
    """A flatten may have moved the target to the market (C.1.1, 6)."""
    off: Span = field(default_factory=Span)
    refused_ns: int | None = None
    """when the venue last refused to move a stop because price was through it"""
    _is_anchored: bool = False
    _turned: set[str] = field(default_factory=set)
    """chains of targets that a flatten has moved to the market"""

    def entry_changed(self) -> None:
        """An entry execution (or its bust) moved the price the exits hang on: start again."""
        self._is_anchored = False
        self.off.since_ns = None
        self.refused_ns = None

    def check(self, need: int, now_ns: int) -> int | None:
        """Look at the exits now; returns since when they were wrong if that ends now.

        Judged from the end of the entry on (I14 says "final"): before, every fill moves the VWAP.
        """
        book = self.book
        if self.refused_ns is not None and now_ns < self.refused_ns + MINUTE_NS:
            return self.off.update(False, now_ns)  # I20 forbids to ask again and again
        if need <= 0 or book.entry_qty <= 0 or book.entry_leaves() > 0:
            return self.off.update(False, now_ns)
        stop_px, _ = book.terms.exits(book.entry_cost, book.entry_qty)
        targets = book.terms.targets(book.entry_cost, book.entry_qty)
        stops = book.working_exits(STOP)
        is_wrong = self._wrong_stop(stops, stop_px) or self._wrong_target(targets)
        if stops and not is_wrong:
            self._is_anchored = True
        return self.off.update(is_wrong, now_ns)

    def wrong_for(self, lasted_ns: int) -> Fault:
        """The fault of exits that stayed off their place."""
        stop_px, target_px = self.book.terms.exits(self.book.entry_cost, self.book.entry_qty)
        return Fault(
            "I14",
            f"for {lasted_ns // 1_000_000} ms the exits did not hang on the fill: "
            f"stop belongs at {px_text(stop_px)}, target at {px_text(target_px)}",
            "anchor",
        )

    def loosened(self, order: Order, old: Order) -> list[Fault]:
        """A stop that gives way after it was anchored."""
        if not self._is_anchored or old.stop_px is None or order.stop_px is None:
            return []
        if self.book.terms.sign * (order.stop_px - old.stop_px) >= 0:
            return []
        if self.book.entry_qty > 0:
            anchor_px, _ = self.book.terms.exits(self.book.entry_cost, self.book.entry_qty)
            if self.book.terms.sign * (order.stop_px - anchor_px) >= 0:
                return []  # a later group that takes its place at the anchor, no amendment
        old_text, new_text = px_text(old.stop_px), px_text(order.stop_px)
        return [Fault("I14", f"stop loosened from {old_text} to {new_text}", "loosened")]

    def is_tightened(self, order: Order, old: Order) -> bool:
        """Whether a rule of the plan, or a person, moves this stop nearer: no repair."""
        terms = self.book.terms
        if not terms.may_tighten or order.role != STOP or self.book.entry_leaves() > 0:
            return False
        if order.stop_px is None or old.stop_px is None:
            return False
        return terms.sign * (order.stop_px - old.stop_px) > 0

    def is_turned(self, order: Order, old: Order) -> bool:
        """Whether a flatten moves this target to the market (C.1.1, 6): each target once, and no
        repair. A trade covered by many groups is closed by as many of these."""
        if not self.target_may_move or order.role != TARGET or order.chain in self._turned:
            return False
        if order.limit_px is None or old.limit_px is None:
            return False
        is_nearer = self.book.terms.sign * (old.limit_px - order.limit_px) > 0
        is_marketable = (
            order.market_px is not None and order.sign * (order.limit_px - order.market_px) >= 0
        )
        if is_nearer and is_marketable:
            self._turned.add(order.chain)
        return is_nearer and is_marketable

    def _wrong_stop(self, stops: list[Order], stop_px: int) -> bool:
        """Before the anchoring any other price is wrong; afterwards only a looser one."""
        sign = self.book.terms.sign
        if self._is_anchored or self.book.terms.may_tighten:
            return any(one.stop_px is None or sign * (one.stop_px - stop_px) < 0 for one in stops)
        return any(one.stop_px != stop_px for one in stops)

    def _wrong_target(self, targets: Sequence[int]) -> bool:
        if self._is_anchored:
            return False
        return any(
            not (self.target_may_move and self._is_nearer(one, targets[0]))
            for one in self.book.working_exits(TARGET)
            if one.limit_px not in targets
        )

    def _is_nearer(self, target: Order, target_px: int) -> bool:
        sign = self.book.terms.sign
        return target.limit_px is not None and sign * (target_px - target.limit_px) > 0


@dataclass(slots=True)
class Repairs:
    """Counts exit replacements of one plan and remembers cover that was cancelled.

    Free: the first exit group of each target, after each entry execution, or the end of one, as
    many more and one re-pricing of each leg (its anchoring), and one group for each that somebody
    else cancelled. Everything else counts against the limits of I20.
    """

    limits: AuditLimits
    targets: int = 1
    """how many the plan has: each gets a group of its own"""
    cancelled_ns: int | None = None
    """when cover that was needed was cancelled, until the next exit order says why"""
    _suspect_ns: int | None = None
    """when cover took the place of cancelled cover, until a closing order beside it says why"""
    _counted_ns: deque[int] = field(default_factory=deque)
    _leg_free_at: dict[str, int] = field(default_factory=dict)
    """leg chain -> entry executions known at its last re-pricing"""
    _group_free_at: int = -1
    _groups_free: int = 0
    _first_qty: int = 0
    """shares that have been given their first cover"""
    _taken_away: set[str] = field(default_factory=set)
    _free_groups: int = 0
    _tightened_ns: dict[str, list[int]] = field(default_factory=dict)
    """leg chain -> when its stop followed the market"""

    def taken_away(self, group: str) -> None:
        """Somebody else cancelled this group: what takes its place replaces nothing of ours."""
        if group not in self._taken_away:
            self._taken_away.add(group)
            self._free_groups += 1

    def new_group(
        self, need: int, entry_fills: int, now_ns: int, *, qty: int = 0, entry_qty: int = 0
    ) -> list[Fault]:
        """An exit order that replaces nothing: first cover or a repair. ``qty``: its shares,
        ``entry_qty``: shares entered so far. Shares covered for the first time are no repair."""
        faults: list[Fault] = []
        cancelled_ns, self.cancelled_ns = self.cancelled_ns, None
        if self._group_free_at != entry_fills:
            self._group_free_at, self._groups_free = entry_fills, self.targets
        is_free, self._groups_free = self._groups_free > 0, max(0, self._groups_free - 1)
        if cancelled_ns is not None and need > 0:
            self._suspect_ns = now_ns
        elif qty and self._first_qty + qty <= entry_qty:
            self._first_qty += qty
        elif not is_free and self._free_groups:
            self._free_groups -= 1
        elif not is_free:
            faults += self._count(now_ns)
        return faults

    def entered(self, qty: int) -> None:
        """So many shares are entered: what a bust took back of them never had cover."""
        self._first_qty = min(self._first_qty, qty)

    def closing(self) -> None:
        """An order that closes shares: cover was cancelled to flatten, or cut in two to close a
        part, and not to repair (C.1.1, 6). What is kept of a cut pair has a group free."""
        self._free_groups += self.cancelled_ns is not None
        self.cancelled_ns = self._suspect_ns = None

    def verdict(self, now_ns: int) -> Iterator[tuple[Fault, int]]:
        """The fault of cover that was cancelled only to be sent anew, and when that happened. The
        two orders of a cut pair are sent together and may arrive in any order."""
        if self._suspect_ns is not None and now_ns > self._suspect_ns + COMPANION_NS:
            yield Fault("I20", "a repair began by cancelling cover that worked"), self._suspect_ns
            self._suspect_ns = None

    def replaced(self, chain: str, entry_fills: int, now_ns: int) -> list[Fault]:
        """An exit order was re-priced."""
        is_free = self._leg_free_at.get(chain) != entry_fills
        self._leg_free_at[chain] = entry_fills
        return [] if is_free else self._count(now_ns)

    def tightened(self, chain: str, now_ns: int) -> list[Fault]:
        """A stop was moved nearer by a rule: each as often as repairs may be, and no more."""
        recent = [at for at in self._tightened_ns.get(chain, []) if at > now_ns - MINUTE_NS]
        self._tightened_ns[chain] = [*recent, now_ns]
        if len(recent) < self.limits.tightens_per_minute:
            return []
        sentence = f"a stop followed the market {len(recent) + 1} times within a minute"
        return [Fault("I20", sentence, "tightened")]

    def _count(self, now_ns: int) -> list[Fault]:
        self._counted_ns.append(now_ns)
        while self._counted_ns[0] <= now_ns - DAY_NS:
            self._counted_ns.popleft()
        in_minute = sum(1 for at_ns in self._counted_ns if at_ns > now_ns - MINUTE_NS)
        faults = []
        if in_minute > self.limits.replaces_per_minute:
            sentence = f"exits replaced {in_minute} times within a minute"
            faults.append(Fault("I20", sentence, "minute"))
        if len(self._counted_ns) > self.limits.replaces_per_day:
            sentence = f"exits replaced {len(self._counted_ns)} times in a day"
            faults.append(Fault("I20", sentence, "day"))
        return faults
