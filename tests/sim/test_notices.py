"""Notices are values."""

from __future__ import annotations

from surefill.sim.notices import BandNotice


def test_bands_say_what_they_are() -> None:
    assert BandNotice("A", 2, 1, 0).indicator == "B"
