"""What the second pair of eyes makes of what it sees."""

from __future__ import annotations

from itertools import count

import pytest

from surefill.core.events import ExecutionReport, Position
from surefill.core.fix import ExecType, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.plan import SECOND_NS as S
from surefill.core.units import NANO
from surefill.runtime.heartbeat import Beat
from surefill.runtime.watchdog import Alarm, AlarmCode, Watch, uncovered

_ids = count(1)


def order(
    kind: OrdType,
    qty: int = 100,
    *legs: ExecutionReport,
    side: Side = Side.SELL,
    symbol: str = "A",
    done: int = 0,
    status: OrdStatus = OrdStatus.NEW,
) -> ExecutionReport:
    """A working order of somebody."""
    return ExecutionReport(
        exec_type=ExecType.NEW,
        ord_status=status,
        order_id=f"o{next(_ids)}",
        cl_ord_id="x",
        symbol=symbol,
        side=side,
        ord_type=kind,
        tif=TimeInForce.GTC,
        order_qty=qty * NANO,
        cum_qty=done * NANO,
        venue_ns=1,
        recv_ns=1,
        legs=legs,
    )


STOP, LIMIT = OrdType.STOP, OrdType.LIMIT
OCO = order(LIMIT, 100, order(STOP))


@pytest.mark.parametrize(
    ("held", "orders", "bare"),
    [
        (100, [OCO], 0),
        (100, [order(OrdType.STOP_LIMIT)], 0),
        (100, [], 100),
        (100, [order(LIMIT)], 100),
        (100, [order(STOP, 60)], 40),
        (100, [order(STOP, 100, done=30)], 30),
        (100, [order(STOP, 60), order(LIMIT, 40, order(STOP, 40))], 0),
        (100, [order(STOP, side=Side.BUY)], 100),
        (100, [order(STOP, symbol="B")], 100),
        (-100, [order(STOP, side=Side.BUY)], 0),
        (-100, [OCO], 100),
        (0, [], 0),
        # The legs of a bracket arm when its entry is filled, not before.
        (40, [order(LIMIT, 100, order(STOP), side=Side.BUY)], 40),
        (100, [order(LIMIT, 100, order(STOP), side=Side.BUY, status=OrdStatus.FILLED)], 0),
    ],
)
def test_cover_is_what_working_stops_close(
    held: int, orders: list[ExecutionReport], bare: int
) -> None:
    found = uncovered([Position("A", held * NANO)], orders, ours=["A"], foreign={})
    assert found == ({"A": bare * NANO} if bare else {})


def test_only_our_shares_of_our_symbols_count() -> None:
    positions = [Position("A", 100 * NANO), Position("B", 50 * NANO)]
    found = uncovered(positions, [order(STOP, 70)], ours=["A", "C"], foreign={"A": 30 * NANO})
    assert found == {}


def codes(alarms: list[Alarm]) -> list[tuple[str, bool]]:
    return [(alarm.code.value, alarm.is_over) for alarm in alarms]


def test_a_heartbeat_that_stands_still_is_alarmed_once_a_minute() -> None:
    watch = Watch(0)
    assert watch.hear(Beat(1, 7, False), 4 * S) == []
    assert watch.hear(Beat(1, 7, False), 9 * S) == []
    (alarm,) = watch.hear(Beat(1, 7, False), 10 * S)
    assert str(alarm) == (
        "ALARM HEARTBEAT_LOST: no sign of life from the engine for 6 s (process 7)"
    )
    assert watch.is_alarmed
    assert watch.is_suspicious
    assert watch.hear(None, 69 * S) == []
    assert codes(watch.hear(None, 70 * S)) == [("HEARTBEAT_LOST", False)]
    (over,) = watch.hear(Beat(1, 8, False), 71 * S)
    assert str(over).startswith("over HEARTBEAT_LOST")
    assert not watch.is_alarmed


def test_an_engine_that_never_came_is_alarmed_and_one_that_was_stopped_is_not() -> None:
    watch = Watch(0)
    (alarm,) = watch.hear(None, 6 * S)
    assert "no engine was seen" in alarm.sentence
    assert codes(watch.hear(Beat(9, 7, True), 7 * S)) == [("HEARTBEAT_LOST", True)]
    assert watch.hear(Beat(9, 7, True), 700 * S) == []


def test_bare_shares_are_alarmed_after_three_seconds_and_their_cover_is_told() -> None:
    watch = Watch(0)
    bare = {"A": 100 * NANO}
    assert watch.look(bare, S) == []
    assert watch.is_suspicious
    assert not watch.is_alarmed
    assert watch.look({}, 2 * S) == []  # covered in time: no alarm, no end of one
    assert not watch.is_suspicious
    assert watch.look(bare, 3 * S) == []
    assert watch.look(bare, 6 * S) == []
    (alarm,) = watch.look(bare, 7 * S)
    assert (alarm.code, alarm.what) == (AlarmCode.SHARES_UNCOVERED, "A")
    assert alarm.sentence == "100 A without a stop for 4 s"
    assert watch.look(None, 8 * S) == []  # a failed read clears nothing
    assert watch.is_alarmed
    assert codes(watch.look({}, 9 * S)) == [("SHARES_UNCOVERED", True)]


def test_a_broker_that_does_not_answer_is_alarmed() -> None:
    watch = Watch(0)
    assert watch.look(None, 15 * S) == []
    assert codes(watch.look(None, 16 * S)) == [("BROKER_UNREADABLE", False)]
    assert codes(watch.look({}, 17 * S)) == [("BROKER_UNREADABLE", True)]


def test_a_journal_that_cannot_be_read_is_alarmed_and_its_end_is_told() -> None:
    watch = Watch(0)
    assert watch.read("JOURNAL_CORRUPT", 1 * S) == []
    assert watch.is_suspicious
    assert watch.read("JOURNAL_CORRUPT", 6 * S) == []
    (alarm,) = watch.read("JOURNAL_CORRUPT", 7 * S)
    assert (alarm.code, alarm.what) == (AlarmCode.JOURNAL_UNREADABLE, "")
    assert alarm.sentence.startswith("the journal could not be read for 6 s (JOURNAL_CORRUPT); ")
    assert codes(watch.read(None, 8 * S)) == [("JOURNAL_UNREADABLE", True)]
    assert watch.read(None, 9 * S) == []


def test_a_disk_that_runs_full_is_alarmed_and_asks_nobody_more_often() -> None:
    watch = Watch(0)
    assert watch.room(500_000_000, 1 * S) == []
    (alarm,) = watch.room(499_000_000, 2 * S)
    assert (alarm.code, alarm.sentence) == (
        AlarmCode.DISK_LOW,
        "499 MB are free where the journal lies",
    )
    assert watch.is_alarmed
    assert not watch.is_suspicious, "the broker knows nothing of our disk"
    assert watch.room(400_000_000, 30 * S) == []
    assert codes(watch.room(600_000_000, 31 * S)) == [("DISK_LOW", True)]
