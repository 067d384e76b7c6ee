"""Several targets: which part of a position belongs to which, and where each of them lies.

What: `split` (bare shares as parts, one exit group each) and `target_px` (where a target lies now).
Why by what was entered: a partial fill, a late one and a bust scale every target by themselves.
Rank 0 is the plan's own, farthest target; ranks 1, 2, ... are its scale-outs, nearest first.
Invariants: the parts sum to the bare shares, whatever happened before; whole shares, rounded down,
and the remainder to the farthest target, so that the reward is never less than planned; no part for
a target that the stop has passed.
Must never: take cover from shares to move them to another target (I22).
"""

from __future__ import annotations

from surefill.core.cover import group_claimed
from surefill.core.pricing import scaled_targets
from surefill.core.trade import Trade
from surefill.core.units import CENT, NANO


def split(trade: Trade, bare_qty: int) -> tuple[tuple[int, int], ...]:
    """(rank, shares) of the exit groups that bare shares (1e-9) get, scale-outs first."""
    parts, left = [], bare_qty
    for rank, scale_out in enumerate(trade.plan.manage.scale_outs, 1):
        if not _is_beyond_stop(trade, rank):
            continue
        quota = trade.entry_qty // NANO * scale_out.share_ppb // NANO * NANO
        part = min(left, max(0, quota - _assigned(trade, rank)))
        if part:
            parts.append((rank, part))
            left -= part
    return (*parts, (0, left)) if left else tuple(parts)


def _assigned(trade: Trade, rank: int) -> int:
    """Shares that groups of this rank hold or have closed."""
    groups = [group for group in trade.groups if group.rank == rank]
    held = sum(group_claimed(trade, group) for group in groups)
    return held + sum(o.cum_qty for group in groups for o in trade.group_orders(group.n))


def _is_beyond_stop(trade: Trade, rank: int) -> bool:
    """Whether a pair for this target can rest: a stop that followed the market past it leaves it
    behind, and shares that come late (a late fill, an exit that was taken back) go farther."""
    stop_px = trade.wanted_exits().stop_px
    least = max(CENT, trade.ticks.tick_at(stop_px))
    return trade.sign * (target_px(trade, rank) - stop_px) >= least


def target_px(trade: Trade, rank: int) -> int:
    """Where the target of this rank belongs now, 1e-9 USD."""
    if not rank:
        return trade.wanted_exits().target_px
    cost, qty = trade.entry_cost, trade.entry_qty
    return scaled_targets(trade.plan, trade.ticks, cost=cost, qty=qty)[rank - 1]
