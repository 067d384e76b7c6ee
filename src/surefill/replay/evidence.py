"""What a run hands to the judge: plans and claimed outcomes as plain rows.

What: `plan_row` and `claim_row`, JSON-ready mappings in the auditor's vocabulary.
Why: the auditor imports nothing of ours, so what it is told has to be data; the venue's log is the
other half and needs no translation.
"""

from __future__ import annotations

from collections.abc import Mapping

from surefill.core.plan import ExitsByDistance, ExitsByLevel, Policy, TradePlan
from surefill.core.state import Denial
from surefill.core.trade import Outcome, Trade

Row = Mapping[str, object]


def plan_row(
    plan: TradePlan, policy: Policy, *, order_qty: int, is_legacy: bool, accepted_ns: int
) -> Row:
    """One plan. ``order_qty`` is the quantity that follows from it (1e-9 share)."""
    effective = plan.with_policy(policy)
    row: dict[str, object] = {
        "plan_id": plan.plan_id,
        "symbol": plan.symbol,
        "side": plan.side.value,
        "qty": order_qty,
        "signal_px": plan.signal_px,
        "path": "legacy" if is_legacy else "smart",
        "accepted_ns": accepted_ns,
        "max_slippage_ppb": effective.max_slippage_ppb,
        "min_rr_ppb": effective.min_rr_ppb,
        "entry_budget_ns": effective.fill_timeout_ns,
    }
    if plan.manage.moves_stop:
        row["may_tighten"] = True
    if plan.manage.scale_outs:
        row["scale_outs"] = [[one.share_ppb, one.target_nano] for one in plan.manage.scale_outs]
    match plan.exits:
        case ExitsByDistance(risk_px, rr_ppb):
            row |= {"risk_px": risk_px, "rr_ppb": rr_ppb}
        case ExitsByLevel(stop_px, target_px):
            row |= {"stop_px": stop_px, "target_px": target_px}
        case None:
            pass
    return row


def claim_row(ended: Trade | Denial) -> Row:
    """What the executor says became of a plan. Costs in 1e-18 USD, exits positive, shares that were
    traded back because the venue had executed too many (I4b) negative."""
    if isinstance(ended, Denial):
        return {
            "plan_id": ended.plan.plan_id,
            "outcome": "DENIED",
            "entry_qty": 0,
            "entry_cost": 0,
            "exit_qty": 0,
            "exit_cost": 0,
        }
    exits = [
        (-1 if order.spec.side.sign == ended.sign else 1, order)
        for order in ended.orders
        if order not in ended.entries
    ]
    return {
        "plan_id": ended.trade_id,
        "outcome": ended.outcome.value if ended.outcome is not None else "OPEN",
        "entry_qty": ended.entry_qty,
        "entry_cost": ended.entry_cost,
        "exit_qty": sum(sign * order.cum_qty for sign, order in exits),
        "exit_cost": sum(sign * order.cost for sign, order in exits),
        # Orders stay at work after a hand-over: the count is of that instant.
        "ended_ns": ended.closed_ns if ended.outcome is Outcome.HANDED_OVER else None,
    }


def rows_of(ended: Trade | Denial, policy: Policy, *, accepted_ns: int) -> tuple[Row, Row]:
    """(plan row, claim row) of one ended plan."""
    order_qty = ended.plan.order_qty or 0
    if isinstance(ended, Trade):
        order_qty = ended.terms.order_qty
    if isinstance(ended, Trade):
        accepted_ns = ended.triggered_ns or accepted_ns  # its time to get in begins there
    plan = plan_row(
        ended.plan,
        policy,
        order_qty=order_qty,
        is_legacy=ended.is_legacy,
        accepted_ns=accepted_ns,
    )
    if isinstance(ended, Trade) and ended.ratchet_px is not None:
        plan = {**plan, "may_tighten": True}  # by hand: whether that was asked is judged elsewhere
    return plan, claim_row(ended)
