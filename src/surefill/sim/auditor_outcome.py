"""Compares what the executor says became of a plan with what the venue's log shows (I5).

What: `claim_faults`, a pure function of one judged plan.
Must never: import anything of ours, or accept a number that is not, or in a hand-over was not a
moment ago, exactly the venue's.
"""

from __future__ import annotations

from surefill.sim.auditor_book import STOP, TARGET, PlanBook
from surefill.sim.auditor_findings import Fault
from surefill.sim.auditor_terms import OUTCOMES, Claim, qty_text

NEWS_NS = 250_000_000
"""Longest way of an execution's news to the executor that is taken for usual (80 ms by default)."""
_WITHOUT_SHARES = frozenset({"DENIED", "NOT_ENTERED"})
_ONLY_BY = {"CLOSED_TARGET": TARGET, "CLOSED_STOP": STOP}
"""outcome -> the only leg that may have closed the trade"""
_BY_US = frozenset({"CLOSED_TARGET", "CLOSED_STOP", "CLOSED_TIME", "CLOSED_FLATTEN"})
"""Outcomes that say that our own orders closed every share."""


def claim_faults(book: PlanBook, claim: Claim | None, died_ns: int | None) -> list[Fault]:
    """Everything in which the claimed outcome differs from the log.

    ``died_ns``: since when no order of the plan may execute, ``None`` if none ever did or one may.
    """
    if claim is None:
        return [Fault("I5", "has no outcome")]
    if claim.outcome not in OUTCOMES:
        return [Fault("I5", f"outcome {claim.outcome!r} is not one of the nine")]
    is_handed_over = claim.outcome == "HANDED_OVER"
    numbers = [] if is_handed_over and _was_true(book, claim) else _number_faults(book, claim)
    faults = numbers + _kind_faults(book, claim)
    if is_handed_over:
        if book.cover() < book.need():
            faults.append(Fault("I5", "handed over without full cover"))
        return faults
    if book.live:
        faults.append(Fault("I5", f"{len(book.live)} order(s) still live after the end"))
    is_explained = claim.outcome == "CLOSED_EXTERNAL" and book.need() == 0
    if book.position != 0 and not is_explained:
        faults.append(Fault("I5", f"{qty_text(book.position)} shares still held after the end"))
    if claim.ended_ns is not None and died_ns is not None and died_ns > claim.ended_ns:
        faults.append(Fault("I5", "an order could still execute when the outcome was declared"))
    return faults


def _was_true(book: PlanBook, claim: Claim) -> bool:
    """Whether the claim was the venue's truth when its news of an execution may still have been
    under way. Who hands over leaves orders at work: nothing makes them wait for his last count."""
    if claim.ended_ns is None:
        return False
    claimed = (claim.entry_qty, claim.entry_cost, claim.exit_qty, claim.exit_cost)
    return claimed in book.numbers_since(claim.ended_ns - NEWS_NS)


def _number_faults(book: PlanBook, claim: Claim) -> list[Fault]:
    faults = []
    for name, claimed, true in (
        ("entry quantity", claim.entry_qty, book.entry_qty),
        ("exit quantity", claim.exit_qty, book.exit_qty),
    ):
        if claimed != true:
            sentence = f"{name} {qty_text(claimed)}, the venue says {qty_text(true)}"
            faults.append(Fault("I5", sentence, name))
    for name, claimed, true in (
        ("entry cost", claim.entry_cost, book.entry_cost),
        ("exit proceeds", claim.exit_cost, book.exit_cost),
    ):
        if claimed != true:
            sentence = f"{name} {_usd(claimed)}, the venue says {_usd(true)}"
            faults.append(Fault("I5", sentence, name))
    return faults


def _kind_faults(book: PlanBook, claim: Claim) -> list[Fault]:
    if claim.outcome in _WITHOUT_SHARES:
        if book.entry_qty:
            entered = qty_text(book.entry_qty)
            return [Fault("I5", f"{claim.outcome}, but {entered} shares were entered")]
        return []
    if not book.entry_qty:
        return [Fault("I5", f"{claim.outcome}, but nothing was entered")]
    only = _ONLY_BY.get(claim.outcome)
    others = [role for role, qty in sorted(book.exit_by_role.items()) if qty and role != only]
    if only is not None and others:
        return [Fault("I5", f"{claim.outcome}, but {others[0].lower()} orders filled as well")]
    if book.external_qty and claim.outcome in _BY_US:
        elsewhere = qty_text(book.external_qty)
        return [Fault("I5", f"{claim.outcome}, but {elsewhere} shares were closed by others")]
    return []


def _usd(cost: int) -> str:
    """An exact cost (1e-18 USD) for people."""
    whole, rest = divmod(abs(cost), 10**18)
    decimals = f"{rest:018d}".rstrip("0").ljust(2, "0")
    return f"{'-' if cost < 0 else ''}{whole}.{decimals}"
