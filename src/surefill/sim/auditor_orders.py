"""Judges one order by its terms alone: price, type, side, tick, size (I1, I2, I13, I15, I23).

What: pure functions from a plan and an order to a list of `Fault`.
Must never: import anything of ours.
"""

from __future__ import annotations

from surefill.sim.auditor_book import ENTRY, STOP, TARGET, Order, PlanBook
from surefill.sim.auditor_findings import Fault
from surefill.sim.auditor_terms import PENNY, UNIT, PlanTerms, px_text, qty_text


def path_faults(terms: PlanTerms, order: Order) -> list[Fault]:
    """I1, I15, I23: what an entry order may look like on the plan's path."""
    is_market_bracket = order.ord_type == "MARKET" and order.contingency == "BRACKET"
    faults = []
    if not terms.is_smart:
        if not is_market_bracket:
            faults.append(Fault("I23", "a legacy plan sent an entry that is no market bracket"))
        return faults
    if is_market_bracket:
        faults.append(Fault("I23", "a smart plan sent the legacy path's market bracket"))
    if order.ord_type != "LIMIT":
        faults.append(Fault("I1", f"entry by a {order.ord_type.lower()} order"))
    reason = terms.why_unworthy()
    if reason is not None:
        faults.append(Fault("I15", f"entered although {reason}"))
    if terms.claimed_worst_px not in (None, terms.worst_px):
        faults.append(Fault("I1", f"its worst price should be {px_text(terms.worst_px)}"))
    return faults


def order_faults(book: PlanBook, order: Order) -> list[Fault]:
    """I1 and I13: limit within the worst price, on the tick, whole shares, right side."""
    terms = book.terms
    name = order.role.lower()
    faults = []
    for px, is_carried in (
        (order.limit_px, order.ord_type in ("LIMIT", "STOP_LIMIT")),
        (order.stop_px, order.ord_type in ("STOP", "STOP_LIMIT")),
    ):
        if is_carried and (px is None or not terms.on_tick(px)):
            said = "nothing" if px is None else px_text(px)
            faults.append(Fault("I13", f"{name} price {said} is not on the tick", "tick"))
    if order.order_qty <= 0 or order.order_qty % UNIT:
        shares = qty_text(order.order_qty)
        faults.append(Fault("I13", f"{shares} shares is not a whole number of shares", "qty"))
    is_restoring = book.restores(order) and book.position < 0
    if (order.sign == terms.sign) != (order.role == ENTRY) and not is_restoring:
        faults.append(Fault("I13", f"{name} order is on the wrong side", "side"))
    if order.role == ENTRY and terms.is_smart and order.limit_px is not None:
        faults += _limit_faults(terms, order.limit_px)
    if order.role == STOP:
        faults += _leg_faults(book, order)
    return faults


def size_faults(book: PlanBook) -> list[Fault]:
    """I2: executed plus possible entry shares never exceed the plan."""
    order_qty, faults = book.terms.order_qty, []
    total = book.entry_qty + book.entry_leaves()
    if total > order_qty:
        sentence = f"entries for {qty_text(total)} shares, the plan is {qty_text(order_qty)}"
        faults.append(Fault("I2", sentence, "size"))
    if abs(book.position) > order_qty:
        sentence = f"holds {qty_text(book.position)} shares, the plan is {qty_text(order_qty)}"
        faults.append(Fault("I2", sentence, "position"))
    return faults


def fill_faults(terms: PlanTerms, px: int) -> list[Fault]:
    """I1: an entry execution at ``px``. The legacy path is uncapped."""
    if not terms.is_smart or terms.sign * (px - terms.worst_px) <= 0:
        return []
    worst = px_text(terms.worst_px)
    return [Fault("I1", f"entry filled at {px_text(px)}, beyond the worst price {worst}", "fill")]


def _limit_faults(terms: PlanTerms, limit_px: int) -> list[Fault]:
    if terms.sign * (limit_px - terms.worst_px) <= 0:
        return []
    worst = px_text(terms.worst_px)
    sentence = f"entry limit {px_text(limit_px)} is beyond the worst price {worst}"
    return [Fault("I1", sentence, "limit")]


def _leg_faults(book: PlanBook, stop: Order) -> list[Fault]:
    """The stop of a group lies at least one cent beyond its target, on the losing side."""
    if stop.stop_px is None:
        return []
    targets = [
        other.limit_px
        for other in book.live.values()
        if other.group == stop.group and other.role == TARGET and other.limit_px is not None
    ]
    if all(book.terms.sign * (target_px - stop.stop_px) >= PENNY for target_px in targets):
        return []
    return [Fault("I13", "stop and target are the wrong way round", "legs")]
