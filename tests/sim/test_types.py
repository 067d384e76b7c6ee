"""Refusals say what and why; snapshots name the side of an execution."""

from __future__ import annotations

from surefill.core.fix import Side
from surefill.sim.types import Refusal, RefusalKind
from tests.sim.venue import Floor


def test_refusal_reads_as_a_line() -> None:
    assert str(Refusal(RefusalKind.BAD_QTY)) == "BAD_QTY"
    refusal = Refusal(RefusalKind.SUB_PENNY, {"field": "limit_px", "px": 5})
    assert str(refusal) == "SUB_PENNY field=limit_px px=5"


def test_kinds_are_their_own_names() -> None:
    assert all(kind.value == kind.name for kind in RefusalKind)


def test_side_of_an_execution() -> None:
    floor = Floor()
    assert floor.send("buy", 1, limit="99").fill_side is Side.BUY
    floor = Floor()
    assert floor.send("sell", 1, limit="101").fill_side is Side.SELL_SHORT
    floor.wait()
