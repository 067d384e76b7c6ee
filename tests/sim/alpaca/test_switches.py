"""Protocol switches: closed values, one list with the venue's."""

from __future__ import annotations

import pytest

from surefill.sim.alpaca.switches import (
    FACE_CHOICES,
    FACE_NUMBERS,
    FaceSwitches,
    split_pairs,
)
from surefill.sim.switches import SwitchError


def test_defaults_are_the_first_words() -> None:
    face = FaceSwitches()
    for name, words in FACE_CHOICES.items():
        assert getattr(face, name) == words[0]
    for name, (default, _, _) in FACE_NUMBERS.items():
        assert getattr(face, name) == default


def test_pairs_go_where_they_belong() -> None:
    venue, face = split_pairs(
        ["wash_exempts=none", "stream_frames=text", "rate_limit_per_min=1000"]
    )
    assert venue.wash_exempts == "none"
    assert (face.stream_frames, face.rate_limit_per_min) == ("text", 1000)


@pytest.mark.parametrize(
    "pairs",
    [
        ["stream_frames"],
        ["colour=red"],
        ["stream_frames=purple"],
        ["rate_limit_per_min=many"],
        ["rate_limit_per_min=9999999"],
        ["stream_frames=text", "stream_frames=binary"],
        ["symbols_max=1", "symbols_max=2"],
        ["wash_exempts=some"],
    ],
)
def test_wrong_switches_are_errors(pairs: list[str]) -> None:
    with pytest.raises(SwitchError):
        split_pairs(pairs)


def test_numbers_are_checked_however_they_come() -> None:
    with pytest.raises(SwitchError, match="expected 0 to"):
        FaceSwitches(symbols_max=-1)
