"""A little torture: one engine, killed while it starts and while it trades, with its connections
reset and its disk full (or its fsync failing). The long run is ``scripts/torture.py``."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.exchange_process import ExchangeProcess
from tests.support.torture.draw import End, Hit, LifePlan, Trouble, Ways
from tests.support.torture.figures import kills
from tests.support.torture.lane import Lane
from tests.support.torture.place import doubtful_in, journal_in
from tests.support.torture.shim import Shim
from tests.support.torture.venue import VenueSide
from tests.support.torture.verdict import judge, rows_in
from tests.support.torture.waits import Waits

pytestmark = pytest.mark.slow

S = 1_000_000_000
RESET = Hit(0.1, Trouble.RESET, 0)


def life(end: End, at_s: float, *hits: Hit, is_early: bool = False) -> LifePlan:
    """A life that ends so."""
    return LifePlan(end, at_s, is_early, 0.0, hits)


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    """One account with two symbols, before an exchange in a process of its own."""
    shim = Shim.build(tmp_path)
    plans = [
        life(End.KILL, 0.6, RESET),
        life(End.KILL, 0.3, is_early=True),
        life(End.KILL, 0.9, is_early=True),
    ]
    with ExchangeProcess("--start", "2026-03-02T15:00:00Z") as exchange:
        made = Lane(
            VenueSide(exchange),
            tmp_path / "lane",
            symbols=("TORA", "TORB"),
            ways=Ways(troubles=(Trouble.RESET,)),
            seed="ci",
            shim=shim,
            plans=plans,
            patience_s=8,
        )
        full = End.FILE_LIMIT if shim is None else End.FSYNC  # where nobody may mount
        plans.append(life(End.DISK_FULL if made.disk.is_small else full, 0.2))
        yield made
        made.close()


def test_time_without_a_processor_is_counted_apart() -> None:
    waits = Waits()
    for at_s, queued_s in ((10, 0), (11, 0), (12, 1), (13, 2), (20, 2)):
        waits.note(7, queued_s * S, at_s * S)
    waits.note(8, 3 * S, 24 * S)  # the next process counts from its own start
    assert waits.between(11 * S, 12 * S) == 1 * S
    assert waits.between(10 * S, 30 * S) == 5 * S
    assert waits.reached(10 * S, 1 * S) == 11 * S
    assert waits.reached(10 * S, 2 * S) == 14 * S, "two seconds of four were waiting"
    assert waits.reached(30 * S, 2 * S) == 32 * S


def test_a_tortured_engine_loses_and_doubles_nothing(lane: Lane) -> None:
    asyncio.run(lane.run(lambda: lane.is_done))
    log = lane.venue.log()
    judged = judge(lane, rows_in(lane, log), log)
    # An entry that was lost on its way needs two minutes of evidence: longer than this test.
    doubtful = doubtful_in(journal_in(lane.place.folder))
    assert not [one for one in judged.violations if one.plan_id not in doubtful]
    assert kills([lane]) == 3
    assert lane.kept.struck[Trouble.RESET.value] == 1
    broken = [one for one in lane.kept.lives if one.broke_ns]
    assert broken
    for one in broken:
        assert one.code == 4, one.said
        assert "JOURNAL_UNWRITABLE" in one.said
        assert not [line for line in one.said.splitlines() if line.startswith("Traceback")]
    assert not [one for one in lane.kept.lives if one.is_surprise]
    assert lane.kept.lives[-1].code == (4 if doubtful else 0)
    assert {plan_id for trader in lane.traders for plan_id in trader.stuck} <= doubtful
    assert judged.report.counts.plans >= len(lane.symbols)
    assert lane.kept.lives[0].code == -signal.SIGKILL
    assert not lane.venue.breaks(lane.place.key)
