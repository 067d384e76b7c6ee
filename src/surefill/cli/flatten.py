"""``surefill flatten [SYMBOL]``: close what is ours and say FLAT, or NOT_FLAT with its cover.

What: one symbol, one trade or everything, through the running engine; when none runs, with an
engine of its own for as long as it takes.
Invariants: FLAT (exit 0) only when every trade that was meant is over and nothing of a named symbol
is held; otherwise exit 4 and what still covers the rest. Foreign positions are named, not touched;
a word that is neither a symbol nor a trade is exit 2.
Must never: call an order that was sent a position that is closed.
"""

from __future__ import annotations

import argparse
import asyncio

from surefill.cli.account import load
from surefill.cli.act import add_who, client_for, complaint, confirmed, engine_runs, who
from surefill.cli.exits import Exit
from surefill.cli.output import Block, Table, emit, show
from surefill.config import ConfigError, Settings
from surefill.control.desk import flatten_and_wait
from surefill.core.units import to_text, to_usd_text
from surefill.ports import JournalError
from surefill.runtime.errors import SurefillError
from surefill.runtime.flat import FlatReport
from surefill.smart_order_executor import SmartOrderExecutor

HEAD = ("symbol", "held", "covered", "stop", "outcome", "trade")
TIMEOUT_S = 30
"""A closing order crosses the spread and needs a second; a halted symbol needs longer than this."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill flatten``."""
    parser.add_argument(
        "target", metavar="SYMBOL", nargs="?", default="", help="or a trade's id; default: all"
    )
    parser.add_argument(
        "--timeout", metavar="S", type=int, default=TIMEOUT_S, help=f"default: {TIMEOUT_S}"
    )
    parser.add_argument("--yes", action="store_true", help="close everything without asking")
    add_who(parser)


def run(args: argparse.Namespace) -> int:
    """Do it; return an `Exit` code."""
    if not args.target and not confirmed("FLATTEN", "This closes every trade.", is_sure=args.yes):
        return Exit.USAGE
    try:
        report = _flatten(load(), args)
    except (ConfigError, SurefillError, JournalError) as error:
        return complaint("flatten", error)
    if args.json:
        emit(_as_object(report))
    else:
        show(_as_blocks(report, args.target))
    return Exit.DONE if report.is_flat else Exit.EXPOSED


def _flatten(settings: Settings, args: argparse.Namespace) -> FlatReport:
    if engine_runs(settings):
        with client_for(settings, args) as client:
            return client.flatten(args.target, args.why, timeout_s=args.timeout)
    return asyncio.run(_alone(settings, args))


async def _alone(settings: Settings, args: argparse.Namespace) -> FlatReport:
    async with SmartOrderExecutor(settings) as executor:
        return await flatten_and_wait(
            executor, args.target, by=who(args), why=args.why, timeout_s=args.timeout
        )


def _as_object(report: FlatReport) -> dict[str, object]:
    rows = [dict(zip(HEAD, _row(report, n), strict=True)) for n in range(len(report.rows))]
    foreign = {one.symbol: to_text(one.qty) for one in report.foreign}
    return {"state": report.state.value, "trades": rows, "foreign": foreign}


def _row(report: FlatReport, n: int) -> tuple[str, ...]:
    row = report.rows[n]
    return (
        row.symbol,
        to_text(row.position_qty),
        to_text(row.covered_qty),
        to_usd_text(row.stop_px),
        row.outcome.value if row.outcome is not None else "open",
        row.plan_id,
    )


def _as_blocks(report: FlatReport, target: str) -> list[Block]:
    blocks: list[Block] = [report.state.value]
    if report.rows:
        rows = [_row(report, n) for n in range(len(report.rows))]
        blocks.append(Table("", rows, head=HEAD, right=frozenset({1, 2, 3})))
    else:
        where = f" in {target}" if target else ""
        held = "" if report.foreign else ", and nothing is held" if target else ""
        blocks.append(f"No trade of ours was open{where}{held}.")
    blocks += [
        f"{to_text(one.qty)} shares of {one.symbol} are not ours and were not touched."
        for one in report.foreign
    ]
    return blocks
