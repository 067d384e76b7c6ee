"""What must hold of a trade after every step, in production too (house rule 20).

What: `broken_invariants`, a list of sentences; () is the only good answer. The engine answers a
broken invariant by halting new risk and keeping protection.
Source: failures.md part 2. Facts that only the venue can break (a fill beyond its limit, an
over-fill) are alarmed where they are taken in; here stands what our own decisions must never do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surefill.core.commands import Command, SubmitOrder
from surefill.core.cover import GROUP_TRANSITIONS, cover_of, group_claimed, group_state
from surefill.core.fix import Leg, OrdType
from surefill.core.trade import PHASES, GroupKind, Outcome, Phase, Trade, phase_of
from surefill.core.units import to_text


def broken_invariants(before: Trade, after: Trade, commands: Sequence[Command]) -> tuple[str, ...]:
    """Every invariant that this step broke."""
    return (
        *_size(before, after),
        *_price(after),
        *_cover(after, commands),
        *_identity(before, after),
        *_machines(before, after),
        *_ratchet(before, after),
        *_outcome(after),
    )


def _size(before: Trade, after: Trade) -> Iterator[str]:
    worst_case = after.entry_qty + after.entry_leaves_qty
    limit = max(after.terms.order_qty, before.entry_qty + before.entry_leaves_qty)
    if worst_case > limit:
        yield f"I2: {to_text(worst_case)} entered or entering of {to_text(limit)}"


def _price(after: Trade) -> Iterator[str]:
    if after.is_legacy:
        return
    for order in after.entries:
        limit_px = order.spec.limit_px
        is_capped = limit_px is not None and after.sign * (limit_px - after.terms.worst_px) <= 0
        if order.spec.ord_type is not OrdType.LIMIT or not is_capped:
            yield f"I1: entry {order.key} is not a limit within {to_text(after.terms.worst_px)}"


def _cover(after: Trade, commands: Sequence[Command]) -> Iterator[str]:
    """Over-cover may be found (a bust, an external close), never sent."""
    sent = {
        command.spec.cl_ord_id
        for command in commands
        if isinstance(command, SubmitOrder) and command.spec.leg is not Leg.ENTRY
    }
    if not sent:
        return
    groups = {order.group for order in after.orders if order.key in sent}
    restoring = {g.n for g in after.groups if g.kind is GroupKind.RESTORE}
    claimed = sum(group_claimed(after, group) for group in after.groups)
    if groups - restoring and claimed > max(0, after.position_qty):
        yield f"I4: exits claim {to_text(claimed)} of {to_text(after.position_qty)}"


def _identity(before: Trade, after: Trade) -> Iterator[str]:
    keys = [order.key for order in after.orders]
    if len(set(keys)) != len(keys):
        yield "I9: a client order id stands twice"
    if before.terms != after.terms or before.plan != after.plan:
        yield "I1: the terms of a trade changed"
    if before.is_legacy != after.is_legacy:
        yield "I23: a trade changed its path"


def _ratchet(before: Trade, after: Trade) -> Iterator[str]:
    """Exits are never loosened after the anchoring (design 4.5)."""
    old_px, new_px = before.ratchet_px, after.ratchet_px
    if old_px is not None and (new_px is None or after.sign * (new_px - old_px) < 0):
        yield f"I14: the stop gave way from {to_text(old_px)}"


def _machines(before: Trade, after: Trade) -> Iterator[str]:
    first, second = _phase(before), _phase(after)
    if first is not second and second not in PHASES[first]:
        yield f"phase {first} may not become {second}"
    for group in after.groups:
        old = before.group(group.n)
        if old is None:
            continue
        was, now = group_state(before, old), group_state(after, group)
        if was is not now and now not in GROUP_TRANSITIONS[was]:
            yield f"group {group.n}: {was} may not become {now}"


def _phase(trade: Trade) -> Phase:
    cover = cover_of(trade)
    return phase_of(trade, covered_qty=cover.covered_qty, claimed_qty=cover.claimed_qty)


def _outcome(after: Trade) -> Iterator[str]:
    if after.outcome is None or after.outcome is Outcome.HANDED_OVER:
        return
    if any(not order.is_terminal for order in after.orders):
        yield "I5: closed with an order that may still execute"
    if after.position_qty or after.unpriced_qty:
        yield f"I5: closed with {to_text(after.position_qty)} shares"
