"""The lanes of the proof, which markets, venue rules, delays and people the plans meet, and what
must hold of them.

Eight lanes a market, 85 slots of three symbols each. Where exits may rest beside the entry, cancels
take up to nine tenths of a second, so that many fills fall into them; where they may not, a slow
cancel would eat the time in which cover has to stand, and stays below half a second.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from surefill.replay.drills import DrillMix
from surefill.replay.proof import Lane, Proof, RecordedDay, SyntheticDay
from surefill.sim.models import Delay, DelayRange
from surefill.sim.workload import Mix

PLANS = 2_000
COVER_NS = 1_500_000_000
SLOTS = 85
SPACING_S = 24
RECORDED_SYMBOLS = ("AIG", "BAC", "IBM")
SYNTHETIC_SYMBOLS = (("TIGHT", "tight"), ("MID", "mid"), ("WIDE", "wide"))
SLOW_CANCEL = ((Delay.CANCEL, DelayRange(250, 500, 900)),)
BRISK_CANCEL = ((Delay.CANCEL, DelayRange(150, 280, 380)),)

_MIX = Mix(
    spacing_s=SPACING_S,
    displayed_percent=(60, 150, 300, 600, 1_200),
    risk_ppm=(250, 1_000),
    risk_ticks=(3, 8),
    budget_s=(2, 6),
    hold_s=(12, 19),
    legacy_percent=10,
    marketable_percent=30,
)
_BESIDE = replace(
    _MIX,
    displayed_percent=(150, 300, 600, 1_000),
    budget_s=(1, 3),
    marketable_percent=0,
    legacy_percent=0,
)

_NEAR = replace(_MIX, risk_ticks=(3, 4), risk_ppm=(100, 150))
"""Exits so near that targets are reached within seconds, on quiet tapes too."""

Row = tuple[bool, str, tuple[str, ...], int]
"""(exits beside the entry, who is exempt from the wash-trade rule, other switches, halts)"""

ROWS: tuple[Row, ...] = (
    (False, "none", (), 0),
    (True, "all_complex", (), 0),
    (False, "new_only", ("post_status=accepted", "stream_held=off"), 0),
    (False, "all_complex", ("sibling_cancel_event=off",), 3),
    (True, "new_only", ("replace_event_order=new_first",), 0),
    (True, "none", ("tp_partial_resize=replaced",), 0),
    (False, "none", ("stream_pending_new=off", "stream_pending_cancel=off"), 0),
    (True, "all_complex", ("cancel_of_canceled=422", "cancel_of_pending_cancel=422"), 2),
)


def lane(name: str, market: RecordedDay | SyntheticDay, row: Row, *, start_s: int = 60) -> Lane:
    """One lane; its name makes its seed."""
    is_beside, wash, switches, halts = row
    is_near = bool(switches) and not halts
    mix = _BESIDE if is_beside else _NEAR if is_near else _MIX
    return Lane(
        name=name,
        seed=sum(ord(letter) * (n + 1) for n, letter in enumerate(name)),
        market=market,
        start_s=start_s,
        length_s=SLOTS * SPACING_S,
        mix=replace(mix, prefix=f"{name}-"),
        drills=DrillMix(),
        switches=(f"wash_exempts={wash}", *switches),
        exits_beside_entry=is_beside,
        delays=SLOW_CANCEL if is_beside and wash != "none" else BRISK_CANCEL,
        halts=halts,
    )


def recorded_lanes(root: str) -> tuple[Lane, ...]:
    """The three recorded days, dense hours first."""
    times = (
        (20131007, 60),
        (20131007, 2_500),
        (20131008, 60),
        (20131008, 2_500),
        (20131008, 5_000),
        (20131009, 60),
        (20131009, 2_500),
        (20131009, 20_000),
    )
    return tuple(
        lane(f"r{n}", RecordedDay(root, date, RECORDED_SYMBOLS), row, start_s=start_s)
        for n, ((date, start_s), row) in enumerate(zip(times, ROWS, strict=True))
    )


def synthetic_lanes() -> tuple[Lane, ...]:
    """Eight synthetic mornings."""
    days = (20260302, 20260303, 20260304, 20260305, 20260306, 20260309, 20260310, 20260311)
    return tuple(
        lane(f"s{n}", SyntheticDay(date, SYNTHETIC_SYMBOLS, seed=n), row)
        for n, (date, row) in enumerate(zip(days, ROWS, strict=True))
    )


def check(proof: Proof, name: str, folder: Path) -> None:
    """Everything that the proof promises, with its table shown and kept."""
    table = f"{name}\n{proof.render()}"
    sys.stdout.write(table)
    (folder / f"proof_{name}.txt").write_text(table, encoding="utf-8")
    plans = proof.count("plans")
    assert plans >= PLANS
    assert not proof.violations, table
    assert 100 * proof.count("partial_entries") >= 30 * plans, table
    assert 100 * proof.count("plans_raced") >= 10 * plans, table
    assert 100 * proof.count("shorts") >= 20 * plans, table
    assert all(proof.outcomes.values()), table
    assert proof.window_max_ns <= COVER_NS, table
