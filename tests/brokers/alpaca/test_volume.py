"""The window of recent volume."""

from __future__ import annotations

from surefill.brokers.alpaca.volume import BUCKET_NS, BUCKETS, RecentVolume
from surefill.core.units import NANO

WINDOW_NS = BUCKETS * BUCKET_NS


def test_nothing_is_known_before_a_whole_window() -> None:
    volume = RecentVolume(since_ns=NANO)
    volume.add(7, 2 * NANO)
    assert volume.qty(WINDOW_NS) is None
    assert volume.qty(WINDOW_NS + NANO) == 0  # the print of second 2 is out of the window again


def test_prints_add_up_and_fall_out() -> None:
    volume = RecentVolume(since_ns=0)
    for second, qty in ((301, 5), (302, 6), (355, 7)):
        volume.add(qty, second * NANO)
    assert volume.qty(400 * NANO) == 18
    assert volume.qty(601 * NANO) == 7
    assert volume.qty(700 * NANO) == 0
