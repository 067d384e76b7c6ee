"""The arguments of a plan, shared by ``check`` and ``trade``, and the plan they make.

What: `add_plan_arguments`, `pair_problem`, `plan_terms`, `plan_of`, `exit_of`, `reason_row`; of
them, how a trade is managed: `add_management`, `management_terms` (``adopt`` takes those too).
Invariants: a half pair of exits is bad usage, never a guess; numbers are read exactly.
Must never: know a broker.
"""

from __future__ import annotations

import argparse
from typing import Any

from surefill.cli.exits import Exit
from surefill.core.plan import TradePlan
from surefill.core.reasons import Reason, ReasonCode
from surefill.tactics.registry import PLAN_TACTICS

PAIRS = "give one pair of exits: --stop PX --target PX, or --risk USD --rr K"
_UNREADABLE = ("PLAN_", "FRACTIONAL_")


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """SYMBOL SIDE QTY and the terms."""
    parser.add_argument("symbol", metavar="SYMBOL", help="ticker, as in CRWD")
    parser.add_argument("side", choices=("buy", "sell"), help="buy opens a long, sell a short")
    parser.add_argument(
        "qty", metavar="QTY", nargs="?", help="whole shares; leave it out with --risk-usd"
    )
    parser.add_argument("--signal", metavar="PX", help="the strategy's price, which caps the entry")
    parser.add_argument(
        "--trigger",
        metavar="PX",
        help="breakout: wait until the bid (short: the ask) is there; the signal price by default",
    )
    parser.add_argument(
        "--trigger-for",
        metavar="S",
        help="wait so many s at most (with --trigger; default: to the session's last entry)",
    )
    parser.add_argument("--stop", metavar="PX", help="stop price; it stays there (with --target)")
    parser.add_argument("--target", metavar="PX", help="target price (with --stop)")
    parser.add_argument(
        "--risk", metavar="USD", help="stop distance per share, from the fill (with --rr)"
    )
    parser.add_argument("--rr", metavar="K", help="target distance in multiples of --risk")
    parser.add_argument(
        "--risk-usd",
        metavar="USD",
        help="USD at risk in all; the quantity follows from it, at the worst price",
    )
    parser.add_argument(
        "--tactic",
        default="limit",
        metavar="NAME",
        help=f"how to enter: {' | '.join(sorted(PLAN_TACTICS))} (default: limit)",
    )
    add_management(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def add_management(parser: argparse.ArgumentParser) -> None:
    """How the trade is managed once it has shares."""
    parser.add_argument(
        "--break-even",
        metavar="D",
        help="once so far in profit, the stop goes to the entry: USD a share, or 1R",
    )
    parser.add_argument(
        "--trail",
        metavar="D",
        help="the stop follows the best price at this distance, and tightens",
    )
    parser.add_argument("--trail-from", metavar="D", help="from that profit on (with --trail)")
    parser.add_argument(
        "--scale-out",
        metavar="SHARE%:TARGET",
        action="append",
        default=[],
        help="a part leaves at a nearer target, in the terms of the plan's own: 50%%:1",
    )
    parser.add_argument("--exit-after", metavar="S", help="close it so many s after the first fill")


def pair_problem(args: argparse.Namespace) -> str | None:
    """What is wrong with the combination of arguments, or ``None``. No exits at all is not wrong
    usage: such a plan is denied, as everywhere (EXITS_MISSING)."""
    if args.signal is None and args.trigger is None:
        return "give the strategy's price: --signal PX, or --trigger PX for a breakout"
    levels = [args.stop is not None, args.target is not None]
    distance = [args.risk is not None, args.rr is not None]
    if any(levels) != all(levels) or any(distance) != all(distance):
        return f"half a pair: {PAIRS}"
    if all(levels) and all(distance):
        return f"two pairs: {PAIRS}"
    return None


def plan_terms(args: argparse.Namespace) -> dict[str, Any]:
    """These arguments as those of `TradePlan.of`, without the plan's id.

    A quantity of 0 beside ``--risk-usd`` means that none was given. Only ASCII is raised to capital
    letters: "straße" must not become the ticker STRASSE.
    """
    has_no_qty = args.risk_usd is not None and args.qty is not None and args.qty.strip("0.") == ""
    return {
        "symbol": args.symbol.upper() if args.symbol.isascii() else args.symbol,
        "side": args.side,
        "quantity": None if has_no_qty else args.qty,
        "signal_price": args.signal,
        "trigger": args.trigger,
        "trigger_for_s": args.trigger_for,
        "stop": args.stop,
        "target": args.target,
        "risk": args.risk,
        "rr": args.rr,
        "risk_usd": args.risk_usd,
        "tactic": args.tactic,
        **management_terms(args),
    }


def management_terms(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `add_management` as those of `TradePlan.of`."""
    return {
        "break_even": args.break_even,
        "trail": args.trail,
        "trail_from": args.trail_from,
        "exit_after_s": args.exit_after,
        "scale_out": tuple(args.scale_out),
    }


def plan_of(args: argparse.Namespace, plan_id: str) -> TradePlan:
    """The plan of these arguments. Raises `PlanError` with every unreadable value."""
    return TradePlan.of(**plan_terms(args), plan_id=plan_id)


def exit_of(reasons: tuple[Reason, ...]) -> Exit:
    """0 without reasons; 2 when the plan itself is malformed; 1 when it is a plan that we deny."""
    if not reasons:
        return Exit.DONE
    return Exit.USAGE if any(_is_malformed(reason.code) for reason in reasons) else Exit.NOT_TRADED


def _is_malformed(code: ReasonCode) -> bool:
    is_sized = code is ReasonCode.PLAN_RISK_TOO_SMALL  # well formed, but it buys no share
    return code.name.startswith(_UNREADABLE) and not is_sized


def reason_row(reason: Reason) -> dict[str, object]:
    """A reason as JSON."""
    return {
        "code": reason.code.name,
        "sentence": reason.sentence,
        "context": dict(reason.context),
    }
