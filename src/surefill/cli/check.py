"""``surefill check``: what a plan would become, without asking anybody.

What: prints the terms (cap, worst price, first limit, exits, reward/risk, money at risk), the
orders that would be created and why, or every reason against the plan.
Why: the numbers that decide a trade should be seen before it exists; no key and no network needed.
Invariants: policy and limits are those of the environment and ``.env``, as in ``trade``; exit 0
when nothing of the plan stands against it, 1 when it would be denied, 2 when it cannot be read.
Must never: be taken for the gate, which asks for session, quote, account and positions as well.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from surefill.cli.exits import Exit
from surefill.cli.output import Block, Table, emit, say, show
from surefill.cli.plans import add_plan_arguments, exit_of, pair_problem, plan_of, reason_row
from surefill.config import ConfigError, Settings
from surefill.core.plan import PlanError
from surefill.core.preview import AtPrice, PlannedOrder, Preview, Rules, order_text, preview
from surefill.core.reasons import Reason
from surefill.core.units import to_text, to_usd_text
from surefill.runtime.account import limits_of
from surefill.tactics.registry import TACTICS

PLAN_ID = "check"
NOT_CHECKED = (
    "Not checked here, but by `surefill trade` before it sends: session, quote, buying power, "
    "positions, borrow, open trades, halts."
)
CENT_OF_RATIO = 10_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill check``."""
    add_plan_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Check the plan; return an `Exit` code."""
    problem = pair_problem(args)
    if problem is not None:
        say(f"surefill check: {problem}")
        return Exit.USAGE
    try:
        settings = Settings.load(os.environ, Path(".env"))
        plan = plan_of(args, PLAN_ID)
    except ConfigError as error:
        say(f"surefill check: {error}")
        return Exit.USAGE
    except PlanError as error:
        return _unreadable(error.problems, as_json=args.json)
    rules = Rules(TACTICS, settings.policy_for(plan.symbol), limits_of(settings))
    found = preview(plan, rules, is_legacy=not settings.use_smart_executor)
    percent = settings.rollout_percent
    if args.json:
        emit(as_json(found) | {"rollout_percent": percent})
    else:
        show([*as_blocks(found), *([] if found.is_legacy else _rollout(percent))])
    return exit_of(found.reasons)


def _rollout(percent: int) -> list[Block]:
    """What a part of the plans does instead; nothing where all take the same path."""
    if percent == 100:
        return []
    return [
        f"Shown is the smart path. SUREFILL_ROLLOUT_PCT={percent}: {percent} of a hundred plans "
        "take it, by a hash of their id, the others the legacy path."
    ]


def _unreadable(reasons: tuple[Reason, ...], *, as_json: bool) -> Exit:
    if as_json:
        emit({"is_accepted": False, "reasons": [reason_row(reason) for reason in reasons]})
    else:
        show(["The plan cannot be read", _reasons_table(reasons)])
    return Exit.USAGE


# ------------------------------------------------------------------------------------ for people


def as_blocks(found: Preview) -> list[Block]:
    """The preview for people."""
    plan = found.plan
    qty = found.terms.order_qty if found.terms is not None else plan.order_qty
    shares = f" {to_text(qty)}" if qty is not None else ""
    verdict = "would be sent" if found.is_accepted else "DENIED, nothing would be sent"
    path = " (legacy path)" if found.is_legacy else ""
    when = f", triggered at {to_usd_text(plan.trigger_px)}" if plan.trigger_px is not None else ""
    head = f"{plan.symbol} {plan.side.value}{shares} at signal {to_usd_text(plan.signal_px)}"
    blocks: list[Block] = [f"{head}{when}{path}: {verdict}"]
    if found.reasons:
        blocks.append(_reasons_table(found.reasons))
    if found.cases:
        blocks.append(_cases_table(found.cases))
    if str(plan.manage):
        blocks.append(Table("After the entry", [("stop", f"{plan.manage}; it only tightens")]))
    if found.prices:
        rows = [(rule.name, to_usd_text(rule.px), rule.why) for rule in found.prices]
        blocks.append(Table("Limits of the entry", rows, right=frozenset({1})))
    if found.orders and found.is_accepted:
        blocks.append(_orders_table(found))
    if found.notes:
        blocks.append(Table("Notes", [(note.code.name, note.sentence) for note in found.notes]))
    if found.is_accepted:
        blocks += ["", NOT_CHECKED]
    return blocks


def _reasons_table(reasons: tuple[Reason, ...]) -> Table:
    return Table("Against it", [(reason.code.name, reason.sentence) for reason in reasons])


def _cases_table(cases: tuple[AtPrice, ...]) -> Table:
    rows = [
        ("entry", *(to_usd_text(case.entry_px) for case in cases)),
        ("stop", *(to_usd_text(case.stop_px) for case in cases)),
        ("target", *(to_usd_text(case.target_px) for case in cases)),
        ("reward/risk", *(ratio_text(case.rr_ppb) for case in cases)),
        ("USD at risk", *(_money(case.risk_usd) for case in cases)),
        ("USD to win", *(_money(case.reward_usd) for case in cases)),
        ("notional USD", *(_money(case.notional_usd) for case in cases)),
    ]
    head = ("", *(f"at the {case.name}" for case in cases))
    return Table("If it fills", rows, head=head, right=frozenset(range(1, len(cases) + 1)))


def _orders_table(found: Preview) -> Table:
    rows: list[tuple[str, str]] = []
    for n, order in enumerate(found.orders, start=1):
        rows.append((str(n), order_text(order.spec)))
        rows.append(("", order.why))
    return Table("Orders, in this sequence", rows)


def ratio_text(ratio_ppb: int | None) -> str:
    """A ratio with two decimals, cut; ``?`` when there is none."""
    return "?" if ratio_ppb is None else to_usd_text(ratio_ppb // CENT_OF_RATIO * CENT_OF_RATIO)


def _money(nano: int | None) -> str:
    return "?" if nano is None else to_usd_text(nano // CENT_OF_RATIO * CENT_OF_RATIO)


# ----------------------------------------------------------------------------------- for scripts


def as_json(found: Preview) -> dict[str, object]:
    """The preview as one object; prices, quantities and ratios as text."""
    plan, terms = found.plan, found.terms
    qty = terms.order_qty if terms is not None else plan.order_qty
    return {
        "is_accepted": found.is_accepted,
        "symbol": plan.symbol,
        "side": plan.side.value,
        "order_qty": _text(qty),
        "signal_px": to_text(plan.signal_px),
        "trigger_px": _text(plan.trigger_px),
        "tactic": plan.tactic,
        "manage": str(plan.manage),
        "is_legacy": found.is_legacy,
        "reasons": [reason_row(reason) for reason in found.reasons],
        "notes": [reason_row(note) for note in found.notes],
        "prices": {
            rule.name.replace(" ", "_"): {"px": to_text(rule.px), "why": rule.why}
            for rule in found.prices
        },
        "rr_planned": _text(terms.rr_planned_ppb) if terms is not None else None,
        "worst_notional_usd": _text(found.worst_notional_usd),
        "cases": [_case_row(case) for case in found.cases],
        "orders": [_order_row(order) for order in found.orders],
    }


def _case_row(case: AtPrice) -> dict[str, str | None]:
    return {
        "at": case.name,
        "entry_px": to_text(case.entry_px),
        "stop_px": to_text(case.stop_px),
        "target_px": to_text(case.target_px),
        "rr": _text(case.rr_ppb),
        "risk_usd": _text(case.risk_usd),
        "reward_usd": _text(case.reward_usd),
        "notional_usd": _text(case.notional_usd),
    }


def _order_row(order: PlannedOrder) -> dict[str, str | None]:
    spec = order.spec
    return {
        "leg": spec.leg.value,
        "side": spec.side.value,
        "order_qty": to_text(spec.order_qty),
        "ord_type": spec.ord_type.value,
        "tif": spec.tif.value,
        "contingency": spec.contingency.value,
        "limit_px": _text(spec.limit_px),
        "stop_px": _text(spec.stop_px),
        "take_profit_px": _text(spec.take_profit_px),
        "stop_loss_px": _text(spec.stop_loss_px),
        "text": order_text(spec),
        "why": order.why,
    }


def _text(nano: int | None) -> str | None:
    return None if nano is None else to_text(nano)
