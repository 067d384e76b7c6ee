"""``surefill tighten TRADE --stop PX``: move a trade's stop nearer to the market.

What: the act, through the running engine; when none runs, with an engine of its own for as long as
it takes. Exit 4 when shares are bare.
Invariants: a stop only tightens; the old one works until the broker has the new one in its place.
Must never: loosen a stop, or close anything.
"""

from __future__ import annotations

import argparse
import asyncio

from surefill.cli.account import load
from surefill.cli.act import add_who, client_for, complaint, engine_runs, who
from surefill.cli.exits import Exit
from surefill.cli.output import emit, say, show
from surefill.config import ConfigError, Settings
from surefill.core.plan import PlanError
from surefill.core.units import to_usd_text
from surefill.ports import JournalError
from surefill.runtime.errors import SurefillError
from surefill.runtime.result import TradeResult
from surefill.smart_order_executor import SmartOrderExecutor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill tighten``."""
    parser.add_argument("trade", metavar="TRADE", help="the trade's id, as `surefill status` shows")
    parser.add_argument("--stop", metavar="PX", required=True, help="where the stop shall be")
    add_who(parser)


def run(args: argparse.Namespace) -> int:
    """Do it; return an `Exit` code."""
    try:
        found = _tighten(load(), args)
    except PlanError as error:
        say(f"surefill tighten: {error}")
        return Exit.USAGE
    except (ConfigError, SurefillError, JournalError) as error:
        return complaint("tighten", error)
    if args.json:
        emit(found.to_dict())
    else:
        stop = to_usd_text(found.stop_px or 0)
        bare = f"; {found.uncovered_qty} BARE" if found.uncovered_qty else ""
        show([f"{found.symbol}: the stop belongs at {stop} now, and only tightens{bare}."])
    return Exit.EXPOSED if found.uncovered_qty else Exit.DONE


def _tighten(settings: Settings, args: argparse.Namespace) -> TradeResult:
    if engine_runs(settings):
        with client_for(settings, args) as client:
            return client.tighten(args.trade, args.stop, args.why)
    return asyncio.run(_alone(settings, args))


async def _alone(settings: Settings, args: argparse.Namespace) -> TradeResult:
    async with SmartOrderExecutor(settings) as executor:
        return await executor.tighten(args.trade, args.stop, args.why, by=who(args))
