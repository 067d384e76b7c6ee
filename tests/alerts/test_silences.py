from __future__ import annotations

import stat
from pathlib import Path

import pytest

from surefill.alerts.silences import HOUR_NS, Silence, Silences, silences_path
from tests.support.notices import START_NS

HOUR = Silence(START_NS + HOUR_NS, "ann", "known")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return silences_path(tmp_path / "state" / "journal.db")


def test_a_silence_holds_and_ends_by_itself(path: Path) -> None:
    silences = Silences(path)
    assert silences.now(START_NS) == {}
    silences.put("DOUBT_LONG", HOUR, now=START_NS)
    assert silences.now(START_NS) == {"DOUBT_LONG": HOUR}
    assert silences.now(START_NS + HOUR_NS) == {}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_process_sees_it_and_its_end(path: Path) -> None:
    seen, hand = Silences(path), Silences(path)
    assert seen.now(START_NS) == {}
    hand.put("DOUBT_LONG", HOUR, now=START_NS)
    hand.put("SYSTEM_ERROR", HOUR, now=START_NS)
    assert seen.now(START_NS).keys() == {"DOUBT_LONG", "SYSTEM_ERROR"}
    hand.put("DOUBT_LONG", None, now=START_NS)
    assert seen.now(START_NS).keys() == {"SYSTEM_ERROR"}
    hand.put("SYSTEM_ERROR", None, now=START_NS)
    assert seen.now(START_NS) == {}


def test_none_lasts_longer_than_a_day_whoever_wrote_it(path: Path) -> None:
    Silences(path).put("DOUBT_LONG", Silence(START_NS + 25 * HOUR_NS, "x", ""), now=START_NS)
    assert Silences(path).now(START_NS) == {}


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"A": {}}', '{"A": 3}', '{"A": {"until_ns": "x"}}']
)
def test_a_file_that_says_nothing_silences_nothing(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    assert Silences(path).now(START_NS) == {}


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    other = Silences(tmp_path / "other")
    other.put("DOUBT_LONG", HOUR, now=START_NS)
    path.parent.mkdir()
    path.symlink_to(tmp_path / "other")
    assert Silences(path).now(START_NS) == {}
