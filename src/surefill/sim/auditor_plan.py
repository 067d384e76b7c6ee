"""Judges one plan: every invariant that the venue's log can show, instant by instant.

What: `PlanJudge` follows one plan through the log (`reach`, `follow`), settles its books whenever
venue time moves on, and closes them at the end (`finish`).
Why: an instant is judged after *all* lines that carry its time, so that a fill and the venue's own
answer to it (a leg shrinks, a sibling dies) are one event and no false alarm.
Invariants: between two lines nothing changes, so a span that ends is measured exactly; what our
orders do wrong is told at once, what the venue does (a bust, a double fill, somebody else's
trade) only when it is not repaired in time.
Must never: import anything of ours, or take the executor's word for anything that happened.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.sim.auditor_book import ENTRY, FLATTEN, Order, PlanBook
from surefill.sim.auditor_exits import DAY_NS, Anchor, Repairs
from surefill.sim.auditor_findings import (
    NS_PER_MS,
    AuditLimits,
    CoverMeter,
    Fault,
    Findings,
    Span,
)
from surefill.sim.auditor_log import ARMED, CANCEL_KINDS, HELD, Line
from surefill.sim.auditor_orders import fill_faults, order_faults, path_faults, size_faults
from surefill.sim.auditor_terms import Claim, PlanTerms, qty_text

_TARGET_MAY_MOVE = frozenset({"CLOSED_TIME", "CLOSED_FLATTEN", "CLOSED_EXTERNAL", "CLOSED_MIXED"})


@dataclass(slots=True)
class _Instant:
    """What happened at the instant not yet settled."""

    is_open: bool = False
    has_new_exit: bool = False
    has_fill: bool = False
    has_cancelled_exit: bool = False
    by_venue: bool = False
    """A bust, an expiry, somebody else's trade: not the executor's doing."""


class PlanJudge:
    """One plan under audit."""

    def __init__(
        self, terms: PlanTerms, claim: Claim | None, *, limits: AuditLimits, findings: Findings
    ) -> None:
        self.terms = terms
        self.claim = claim
        self.book = PlanBook(terms)
        self.cover = CoverMeter()
        self.has_orders = False
        self.was_partial = False
        self.races = 0
        self.died_ns: int | None = None
        """since when no order may execute; ``None`` before the first and while one may"""
        self._entry_fills = 0
        self._limits = limits
        self._findings = findings
        self._now_ns = 0
        self._instant = _Instant()
        may_move = claim is not None and claim.outcome in _TARGET_MAY_MOVE
        self._anchor = Anchor(self.book, may_move)
        self._repairs = Repairs(limits, targets=1 + len(terms.scale_outs))
        self._over = Span()
        self._owed = Span()  # the position is reversed, whether or not it is being traded back
        self._is_over_by_venue = False
        """The venue began the present stretch in which exits are larger than the position."""
        self._idle = Span()
        """since when uncovered shares have neither a stop nor a closing order"""
        self._idle_late_ns: int | None = None
        self._outside_qty = 0
        self._is_exposed = False
        """During the present window the venue refused a stop because price was through it, or all
        that was uncovered was being closed."""
        self._cover_qty = 0

    @property
    def is_quiet(self) -> bool:
        """Flat, without orders, nothing being timed: other plans' trades cannot concern it."""
        spans = (self._over, self._owed, self._anchor.off, self.cover.window)
        return (
            not self.book.live
            and not self._instant.is_open
            and self.book.position == 0
            and all(span.since_ns is None for span in spans)
        )

    # --- the flow of time -----------------------------------------------------------------

    def reach(self, now_ns: int) -> None:
        """Venue time is ``now_ns``: settle the instant before it and look at the deadlines."""
        if now_ns <= self._now_ns:
            return
        self.settle()
        self._now_ns = now_ns
        self._check_budget()

    def disturb(self, account_position: int | None, *, by_venue: bool) -> None:
        """The account's position changed; ``by_venue`` when no order of this plan did it."""
        self.book.account_position = account_position
        self._instant.is_open = True
        self._instant.by_venue |= by_venue

    def follow(self, order: Order, line: Line, *, is_first: bool) -> None:
        """A line about an order of this plan. The caller has called `reach` with its time."""
        self._instant.is_open = True
        is_repriced = is_first or (order.limit_px, order.stop_px) != (line.limit_px, line.stop_px)
        if is_first:
            self._start(order, line)
        self.book.update(order, line)
        if is_repriced:
            order.market_px = line.bid_px if order.sign < 0 else line.ask_px
            if line.bid_px and line.ask_px:
                order.base_px = (line.bid_px + line.ask_px) // 2
            self.tell(*order_faults(self.book, order))
        if line.kind == "pending_cancel":
            order.is_cancel_asked = True
        if line.kind in CANCEL_KINDS and order.role != ENTRY:
            by_others = {line.order_id, line.cl_ord_id} & self._limits.others
            self._instant.has_cancelled_exit |= not by_others
            if by_others:
                self._repairs.taken_away(order.group)
        if line.kind in ("expired", "rejected"):
            self._instant.by_venue = True
        if line.is_fill:
            self._fill(order, line)

    def replaced(self, order: Order, old: Order, *, by_us: bool) -> None:
        """``order`` takes the place of the exit ``old``. By the venue (a resize): not counted."""
        if self.terms.is_smart:
            self.tell(*self._anchor.loosened(order, old))
        if by_us and self._anchor.is_tightened(order, old):
            self.tell(*self._repairs.tightened(order.chain, self._now_ns))
        elif by_us and not self._anchor.is_turned(order, old):
            self.tell(*self._repairs.replaced(order.chain, self._entry_fills, self._now_ns))

    def close_outside(self, account_position: int) -> None:
        """Somebody else traded on the symbol: shares that the account lacks now were closed by
        them, and stay closed whatever is bought later (R19)."""
        held = max(0, self.book.position)
        self.book.external_qty += held - min(held, max(0, self.terms.sign * account_position))

    def outside(self, qty: int) -> None:
        """Somebody else's working orders will close ``qty`` shares: the venue holds these shares
        for them, and takes no stop of ours for the same."""
        self._instant.is_open |= qty != self._outside_qty
        self._outside_qty = qty

    def refused_cover(self, at_ns: int) -> None:
        """The venue refused a stop because price was through it: from here on the ladder counts,
        not the stop (I3 e), and a stop that cannot be moved has not been left where it is."""
        self.reach(at_ns)
        self._is_exposed = True
        self._anchor.refused_ns, self._anchor.off.since_ns = at_ns, None

    def undo(self, order: Order, *, px: int, qty: int) -> None:
        """An execution of ``qty`` at ``px`` is taken back (bust, or half of a correction: V6)."""
        self.redo(order, px=px, qty=-qty)

    def redo(self, order: Order, *, px: int, qty: int) -> None:
        """The other half of a correction: the execution counts at this price."""
        self.book.execute(order, px=px, qty=qty, at_ns=self._now_ns)
        self._instant.is_open = self._instant.by_venue = True
        if order.role == ENTRY:
            self._entry_fills += 1  # the anchoring at another price is free as well (I20)
            self._anchor.entry_changed()

    def settle(self) -> None:
        """Judge the state at the end of the present instant."""
        if not self._instant.is_open:
            return
        instant, self._instant = self._instant, _Instant()
        book = self.book
        if self.has_orders:
            may_execute = book.reducing() > 0 or book.entry_leaves() > 0
            self.died_ns = None if may_execute else self.died_ns or self._now_ns
        for fault, at_ns in self._repairs.verdict(self._now_ns):
            self.tell(fault, at_ns=at_ns)
        self._repairs.entered(book.entry_qty)
        need, cover = book.need(), book.cover()
        self.tell(*size_faults(book))
        self._check_reversal(instant, need)
        self._note_cancelled_cover(instant, need, cover=cover)
        self._cover_qty = cover
        self._note_idle(need - cover)
        closed = self.cover.update(max(0, need - cover), self._now_ns, self._is_exposed)
        if closed is not None:
            self._check_window(*closed)
        if self.cover.window.since_ns is None:
            self._is_exposed, self._idle_late_ns = False, None
        if self.terms.is_smart:
            self._check_anchor(self._anchor.check(need, self._now_ns))

    def finish(self, end_ns: int) -> None:
        """The log ends at ``end_ns``: settle and close whatever is still being timed."""
        self.reach(end_ns)
        self.settle()
        open_ns = self.cover.window.since_ns
        if open_ns is not None:
            self._note_idle(0)
            self.cover.update(0, self._now_ns, self._is_exposed)
            self._check_window(open_ns, self._now_ns)
        self._check_over(self._over.since_ns, self._owed.since_ns)
        self._check_anchor(self._anchor.off.since_ns)
        for fault, at_ns in self._repairs.verdict(self._now_ns + DAY_NS):
            self.tell(fault, at_ns=at_ns)

    def tell(self, *faults: Fault, at_ns: int | None = None) -> None:
        """Report faults of this plan, now unless said otherwise."""
        for fault in faults:
            self._findings.add(fault, self.terms.plan_id, self._now_ns if at_ns is None else at_ns)

    # --- what a line does -----------------------------------------------------------------

    def _start(self, order: Order, line: Line) -> None:
        """A new order of this plan."""
        self.has_orders = True
        self.book.add(order)
        if self.claim is not None and self.claim.outcome == "DENIED":
            self.tell(Fault("I15", "was denied and yet an order went out"))
        if order.role == ENTRY:
            self.tell(*path_faults(self.terms, order))
            return
        # A replacement stands for the shares of the order it replaces: no exit more (C.0).
        self._instant.has_new_exit |= order.status not in (HELD, ARMED) and line.replaces is None
        if line.replaces is not None or line.parent_id is not None:
            return
        if order.role == FLATTEN:
            self._repairs.closing()
            return
        faults = self._repairs.new_group(
            self.book.need(),
            self._entry_fills,
            self._now_ns,
            qty=order.order_qty,
            entry_qty=self.book.entry_qty,
        )
        self.tell(*faults)

    def _fill(self, order: Order, line: Line) -> None:
        self._instant.has_fill = True
        if order.is_cancel_asked:
            self.races += 1
        self.book.execute(order, px=line.last_px, qty=line.last_qty, at_ns=self._now_ns)
        if order.role != ENTRY:
            return
        self._entry_fills += 1
        self.was_partial |= order.order_qty > order.carried_qty + order.filled_qty
        self._anchor.entry_changed()
        self.tell(*fill_faults(self.terms, line.last_px))

    # --- checks of an instant -------------------------------------------------------------

    def _check_reversal(self, instant: _Instant, need: int) -> None:
        """I4: exits never larger than the position, none when flat, never the other side."""
        book = self.book
        reducing = book.reducing()
        is_over = reducing > need or book.position < 0
        at_fault = not instant.by_venue and not book.is_overfilled()
        self._is_over_by_venue = is_over and (instant.by_venue or self._is_over_by_venue)
        # Exits that a bust made too large may fill before they can be cut (I4b): how long that may
        # last is checked below.
        if book.position < 0 and at_fault and not self._is_over_by_venue:
            sentence = f"position reversed by {qty_text(-book.position)} shares"
            self.tell(Fault("I4", sentence, "reversed"))
        if reducing > need and instant.has_new_exit and at_fault:
            sentence = f"exits for {qty_text(reducing)} shares, the position is {qty_text(need)}"
            self.tell(Fault("I4", sentence, "over"))
        owed_qty = max(0, -book.position)
        is_left = reducing > need or owed_qty > book.restoring()
        left_ns = self._over.update(is_left, self._now_ns)
        self._check_over(left_ns, self._owed.update(owed_qty > 0, self._now_ns))

    def _check_over(self, left_ns: int | None, owed_ns: int | None) -> None:
        """I4: what the venue left too large is cut, or an order trades it back, within 2 s; that
        order has the time of any that closes to find its counterpart."""
        limits, slow_ms = self._limits, self._limits.closing_ms
        if self._is_late(left_ns, limits.flat_ms):
            sentence = f"exits larger than the position lived for {self._ms_since(left_ns)} ms"
            self.tell(Fault("I4", sentence, "orphan"))
        if self._is_late(owed_ns, slow_ms, again_ms=slow_ms):
            sentence = f"the position stayed reversed for {self._ms_since(owed_ns)} ms"
            self.tell(Fault("I4", sentence, "owed"))

    def _note_cancelled_cover(self, instant: _Instant, need: int, *, cover: int) -> None:
        """I20: cover that was needed and was cancelled; the next exit order says what for."""
        dropped = cover < self._cover_qty <= need and cover < need
        by_cancel = instant.has_cancelled_exit and not instant.has_fill and not instant.by_venue
        from_ns = self._limits.renewal_from_ns
        is_renewal = from_ns is not None and self._now_ns >= from_ns
        if dropped and by_cancel and not is_renewal:
            self._repairs.cancelled_ns = self._now_ns

    def _check_window(self, started_ns: int, ended_ns: int) -> None:
        """I3: each stretch with uncovered shares is short. Shares whose stop the venue refused, and
        shares that are being closed (C.1.1, 5 and 6: no share can stand in two orders), may wait
        longer for their buyer, but not without an order that closes them, and not for ever."""
        limit_ms, again_ms = self._limits.cover_ms, 0
        if self._idle_late_ns is not None:
            started_ns = self._idle_late_ns
        elif self._is_exposed:
            # A buyer has all of his time once the broker works and somebody is there to sell.
            limit_ms = again_ms = self._limits.closing_ms
        if self._is_late(started_ns, limit_ms, again_ms=again_ms):
            lasted_ms = (ended_ns - started_ns) // NS_PER_MS
            self.tell(Fault("I3", f"shares were uncovered for {lasted_ms} ms", "window"))

    def _note_idle(self, uncovered_qty: int) -> None:
        """Remember a stretch in which shares had neither stop nor closing order for too long."""
        flattening = self.book.flattening() + self._outside_qty
        is_idle = uncovered_qty > flattening
        self._is_exposed |= 0 < uncovered_qty <= flattening
        started_ns = self._idle.update(is_idle, self._now_ns)
        if self._is_late(started_ns, self._limits.cover_ms):
            self._idle_late_ns = started_ns

    def _check_anchor(self, started_ns: int | None) -> None:
        """I14: once the entry is over, stop and target hang on what really filled."""
        if started_ns is not None and self._is_late(started_ns, self._limits.anchor_ms):
            self.tell(self._anchor.wrong_for(self._now_ns - started_ns))

    def _check_budget(self) -> None:
        """I18: an entry does not work longer than its time budget."""
        terms = self.terms
        if not terms.is_smart or terms.accepted_ns is None or not self.book.live:
            return
        deadline_ns = terms.accepted_ns + terms.budget_ns
        if self._is_late(deadline_ns, self._limits.entry_slack_ms) and self.book.entry_leaves():
            self.tell(Fault("I18", "the entry worked longer than its time budget"))

    def _is_late(self, started_ns: int | None, limit_ms: int, *, again_ms: int = 0) -> bool:
        if started_ns is None:
            return False
        symbol = self.terms.symbol
        return self._now_ns > self._limits.latest_end_ns(
            started_ns, limit_ms, symbol, again_ms=again_ms
        )

    def _ms_since(self, started_ns: int | None) -> int:
        return 0 if started_ns is None else (self._now_ns - started_ns) // NS_PER_MS
