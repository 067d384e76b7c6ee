"""``surefill adopt``: positions at the broker that are not ours, and cover for them on request.

What: without a symbol, a list: shares, price, what somebody else's orders cover, what is free; with
one and a pair of exits, those free shares become a trade of ours, covered as any other.
Why the typed confirmation: they are somebody's, and from then on our stop may sell them.
Invariants: nothing is bought or sold to get there; shares that other orders claim are left to them;
the trade and its cover's ids are in the journal before the order leaves, so a restart finds them.
Must never: adopt without the word or ``--yes``.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from surefill.cli.account import journal_of, load, look
from surefill.cli.act import add_who, client_for, complaint, confirmed, engine_runs, who
from surefill.cli.exits import Exit
from surefill.cli.output import Block, Table, emit, say, show
from surefill.cli.plans import add_management, management_terms
from surefill.cli.trade import as_blocks, exit_of_result
from surefill.config import ConfigError, Settings
from surefill.control.desk import adopt_and_wait
from surefill.core.events import (
    ExecutionReport,
    OrdersRead,
    Position,
    PositionsRead,
    ReadFailed,
)
from surefill.core.fix import OrdType
from surefill.core.management import Management
from surefill.core.plan import PlanError, TradePlan
from surefill.core.units import NANO, UnitError, to_nano, to_text, to_usd_text
from surefill.ports import JournalError
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.result import TradeResult, result_of
from surefill.runtime.standing import review, standing_of
from surefill.smart_order_executor import SmartOrderExecutor

HEAD = ("symbol", "held", "at", "covered", "claimed", "free")
STRATEGY = "adopted"
TIMEOUT_S = 10
STOPS = frozenset({OrdType.STOP, OrdType.STOP_LIMIT})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill adopt``."""
    parser.add_argument("symbol", metavar="SYMBOL", nargs="?", help="default: list them")
    parser.add_argument("--stop", metavar="PX", help="stop price (with --target)")
    parser.add_argument("--target", metavar="PX", help="target price (with --stop)")
    parser.add_argument(
        "--qty",
        metavar="N",
        help="whole shares (default: all that are free; a rest waits for their end)",
    )
    add_management(parser)
    parser.add_argument("--yes", action="store_true", help="without asking")
    add_who(parser)


@dataclass(frozen=True, slots=True)
class Loose:
    """A position that is not ours. ``covered_qty`` and ``claimed_qty``: by somebody else's stops,
    by any of their closing orders (1e-9 share)."""

    position: Position
    covered_qty: int
    claimed_qty: int

    @property
    def free_qty(self) -> int:
        """Whole shares that no order claims."""
        return max(0, abs(self.position.qty) - self.claimed_qty) // NANO * NANO

    @property
    def row(self) -> tuple[str, ...]:
        """For people, by `HEAD`."""
        avg_px = self.position.avg_px
        return (
            self.position.symbol,
            to_text(self.position.qty),
            "?" if avg_px is None else to_usd_text(avg_px // 100_000 * 100_000),
            to_text(self.covered_qty),
            to_text(self.claimed_qty),
            to_text(self.free_qty),
        )


def run(args: argparse.Namespace) -> int:
    """List, or adopt; return an `Exit` code."""
    if args.symbol is not None and (args.stop is None or args.target is None):
        say("surefill adopt: give both exits: --stop PX --target PX")
        return Exit.USAGE
    try:
        settings = load()
        found, now = _loose(settings)
        if args.symbol is None:
            return _tell(found, as_json=args.json)
        return _adopt(settings, args, found, now=now)
    except PlanError as error:
        say(f"surefill adopt: {error}")
        return Exit.USAGE
    except (ConfigError, SurefillError, JournalError) as error:
        return complaint("adopt", error)


def _loose(settings: Settings) -> tuple[tuple[Loose, ...], int]:
    """What the broker shows now that is not ours, and the broker's time. Raises `SurefillError`
    when a part of it could not be read: that is not "nothing" (I11)."""
    path = journal_of(settings)
    standing = standing_of(path) if path.exists() else None
    sight = look(settings, standing)
    positions, orders = sight.picture.positions, sight.picture.open_orders
    for part in (positions, orders):
        if isinstance(part, ReadFailed):
            sentence = f"{part.what} could not be read ({part.text}); nothing was changed"
            raise SurefillError(ErrorCode.BROKER_UNAVAILABLE, sentence)
    assert isinstance(positions, PositionsRead)
    assert isinstance(orders, OrdersRead)
    if standing is None:
        return loose_of(positions.positions, orders.orders), sight.now
    seen = review(standing, settings, sight.picture, now=sight.now)
    return loose_of(seen.state.foreign, seen.foreign_orders), sight.now


def loose_of(
    foreign: tuple[Position, ...], orders: tuple[ExecutionReport, ...]
) -> tuple[Loose, ...]:
    """Positions that are not ours with what ``orders``, not ours either, claim and cover."""
    return tuple(_one(position, orders) for position in foreign)


def _one(position: Position, orders: tuple[ExecutionReport, ...]) -> Loose:
    covered = claimed = 0
    for order in orders:
        legs = [
            leg
            for leg in (order, *order.legs)
            if leg.symbol == position.symbol and leg.side.sign * position.qty < 0
        ]
        # The legs of one order close the same shares: the largest counts, not their sum.
        claimed += max((leg.order_qty - leg.cum_qty for leg in legs), default=0)
        stops = [leg for leg in legs if leg.ord_type in STOPS]
        covered += max((leg.order_qty - leg.cum_qty for leg in stops), default=0)
    return Loose(position, covered, claimed)


def _tell(found: tuple[Loose, ...], *, as_json: bool) -> Exit:
    """The list; exit 4 when shares of it have no stop of anybody's."""
    if as_json:
        rows = [dict(zip(HEAD, one.row, strict=True)) for one in found]
        emit({"positions": rows})
    elif found:
        title = "Positions that are not ours (claimed: by somebody else's closing orders)"
        table = Table(title, [one.row for one in found], head=HEAD, right=frozenset(range(1, 6)))
        blocks: list[Block] = [table, "", "Cover one: surefill adopt SYMBOL --stop PX --target PX"]
        show(blocks)
    else:
        show(["Every position of the account is ours."])
    bare = [one for one in found if one.covered_qty < abs(one.position.qty)]
    return Exit.EXPOSED if bare else Exit.DONE


def _adopt(
    settings: Settings, args: argparse.Namespace, found: tuple[Loose, ...], *, now: int
) -> Exit:
    """Raises `PlanError`, `SurefillError`, `JournalError`."""
    one = next((one for one in found if one.position.symbol == args.symbol), None)
    qty = None if one is None else _qty(args, one)
    if one is None or qty is None:
        held = "none" if one is None else f"{to_text(one.free_qty)} free"
        say(f"surefill adopt: {args.symbol}: {held} that are not ours. Nothing was changed")
        return Exit.USAGE
    plan = plan_for(args, one, qty, now=now)
    how = f", {plan.manage}" if plan.manage != Management() else ""
    question = (
        f"{to_text(qty)} shares of {args.symbol} will be ours: stop {args.stop}, target "
        f"{args.target}{how}."
    )
    if not confirmed(args.symbol, question, is_sure=args.yes):
        return Exit.USAGE
    result = _ask(settings, args, plan)
    if args.json:
        emit(result.to_dict())
    else:
        show(as_blocks(result))
    return exit_of_result(result)


def _qty(args: argparse.Namespace, one: Loose) -> int | None:
    """Shares to adopt (1e-9); ``None`` when they are not free."""
    try:
        qty = one.free_qty if args.qty is None else to_nano(args.qty)
    except UnitError:
        return None
    return qty if 0 < qty <= one.free_qty else None


def plan_for(args: argparse.Namespace, one: Loose, qty: int, *, now: int) -> TradePlan:
    """The plan that stands for these shares. Raises `PlanError`."""
    position = one.position
    at = datetime.fromtimestamp(now // NANO, tz=UTC)
    return TradePlan.of(
        position.symbol,
        "buy" if position.qty > 0 else "sell",
        to_text(qty),
        plan_id=f"adopt-{position.symbol}-{at:%Y%m%dT%H%M%S}.{now // 1_000_000 % 1000:03d}",
        signal_price=args.stop if position.avg_px is None else to_text(position.avg_px),
        stop=args.stop,
        target=args.target,
        strategy=STRATEGY,
        **management_terms(args),
    )


def _ask(settings: Settings, args: argparse.Namespace, plan: TradePlan) -> TradeResult:
    if engine_runs(settings):
        with client_for(settings, args) as client:
            return client.adopt(plan, timeout_s=TIMEOUT_S)
    return asyncio.run(_alone(settings, args, plan))


async def _alone(settings: Settings, args: argparse.Namespace, plan: TradePlan) -> TradeResult:
    async with SmartOrderExecutor(settings) as executor:
        found = await adopt_and_wait(executor, plan, by=who(args), timeout_s=TIMEOUT_S)
        return result_of(found)
