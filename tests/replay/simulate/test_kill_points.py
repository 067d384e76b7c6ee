"""Deaths, enumerated; all of them are played in tests/system/test_simulate.py."""

from __future__ import annotations

from surefill.replay.simulate.kill_points import (
    DEEPEST,
    KillPoint,
    KillResult,
    KillTotal,
    Moment,
    kill_points,
    play_kill_point,
    play_kill_points,
)
from surefill.replay.simulate.scenario import Crashed, Tail
from surefill.replay.simulate.scripts import SCRIPTS
from surefill.sim.auditor import Violation


def test_every_append_of_a_script_is_a_kill_point() -> None:
    points = list(kill_points(SCRIPTS[:2]))
    for script in SCRIPTS[:2]:
        mine = [point for point in points if point.script == script]
        skips = {point.skip for point in mine}
        assert skips == set(range(min(skips), max(skips) + 1))
        for moment in (Moment.BEFORE_APPEND, Moment.BEFORE_SEND):
            assert {point.skip for point in mine if point.moment is moment} == skips
    assert min(point.skip for point in points) == 0
    assert {point.moment for point in points} == set(Moment)
    recoveries = [point for point in points if point.moment is Moment.IN_RECOVERY]
    assert {point.again for point in recoveries} == set(range(DEEPEST))
    assert len(set(points)) == len(points)


def test_a_kill_point_is_a_script_with_a_death_in_it() -> None:
    crash, given = KillPoint(SCRIPTS[0], Moment.LYING_DISK, 7).scenario().happenings
    assert isinstance(crash, Crashed)
    assert (crash.skip, crash.tail, crash.again) == (7, Tail.LOST, ())
    assert crash.sent > 10
    assert given.at_ms == 0
    again = KillPoint(SCRIPTS[0], Moment.IN_RECOVERY, 7, 2).scenario().happenings[0]
    assert isinstance(again, Crashed)
    assert (again.sent, again.again) == (0, (2,))


def test_deaths_are_played_here_and_in_other_processes() -> None:
    points = [KillPoint(SCRIPTS[0], Moment.BEFORE_SEND, skip) for skip in (1, 16)]
    here = list(play_kill_points(points))
    assert here == list(play_kill_points(points, workers=2))
    assert [result.phases for result in here] == [("RECOVERING",), ("COVERED",)]
    assert all(result.violations == () for result in here)
    assert play_kill_point(points[0]) == here[0]


def test_the_sum_tells_a_lying_disk_apart() -> None:
    total = KillTotal()
    bad = (Violation("I2", "p1", 1, "too many"),)
    lying = KillPoint("s", Moment.LYING_DISK, 3)
    total.add(KillResult(lying, ("WORKING",), bad))
    assert not total.violations
    assert ("after a disk that lied", "I2 x1") in total.rows()
    total.add(KillResult(KillPoint("s", Moment.IN_RECOVERY, 3, 1), ("WORKING", "COVERED"), bad))
    assert ("I2", "s, append 3, in recovery, again after 1: p1 too many") in total.rows()
    assert ("kill points", "2") in total.rows()
    table = total.cells_table()
    assert [row[0] for row in table] == ["COVERED", "WORKING"]
    assert all(len(row) == len(total.head()) == len(Moment) + 1 for row in table)
    assert table[1][1 + list(Moment).index(Moment.LYING_DISK)] == "1"
