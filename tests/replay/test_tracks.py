"""The market around a plan, thinned for eyes."""

from __future__ import annotations

from pathlib import Path

import pytest

from surefill.core.fix import Leg
from surefill.core.units import NANO
from surefill.replay.run_files import RunError
from surefill.replay.tracks import (
    FILE,
    MARGIN_NS,
    POINTS_MAX,
    key_of,
    read_tracks,
    track_of,
    tracks_of,
    write_tracks,
)
from surefill.tca.parent import Closing
from tests.tca.parents import SECOND_NS, START_NS, fill, market, parent, px

OUT = Closing(Leg.TARGET, 100 * NANO, px("101"), START_NS + 90 * SECOND_NS)
HELD = parent("a", path="legacy", fills=(fill(100, "100"),), closings=(OUT,))


def test_a_track_spans_all_paths_of_a_plan() -> None:
    quotes = market(
        (-60, "99", "99.02"), (0, "100", "100.02"), (94, "102", "102.02"), (99, "9", "10")
    )
    (track,) = tracks_of([parent("a"), HELD], {"ACME": quotes})
    assert track.at_ns == (START_NS - MARGIN_NS, START_NS, START_NS + 94 * SECOND_NS)
    assert (track.bid_px[0], track.ask_px[-1], track.left_out) == (px("99"), px("102.02"), 0)
    assert track.key == key_of("a", START_NS)


def test_a_long_track_is_thinned_and_says_so() -> None:
    busy = market(*((n, "100", "100.02") for n in range(60)))
    assert track_of([parent()], busy).left_out == 0
    busier = market(*((n // 10, "100", "100.02") for n in range(600)))
    track = track_of([parent()], busier)
    assert len(track.at_ns) <= POINTS_MAX
    assert len(track.at_ns) + track.left_out == 600
    assert track.at_ns[-1] == START_NS + 59 * SECOND_NS


def test_before_the_tape_there_is_nothing() -> None:
    assert track_of([parent()], market((500, "1", "2"))).at_ns == ()


def test_tracks_are_read_as_written(tmp_path: Path) -> None:
    assert read_tracks(tmp_path) == ()
    found = tracks_of([HELD], {"ACME": market((0, "100", "100.02"))})
    write_tracks(tmp_path, found)
    assert read_tracks(tmp_path) == found
    with (tmp_path / FILE).open("a") as file:
        file.write("{}\n")
    with pytest.raises(RunError) as caught:
        read_tracks(tmp_path)
    assert "line 2" in str(caught.value)
