"""Exit codes are scripted against: the numbers may never move."""

from __future__ import annotations

from surefill.cli.exits import MEANING, Exit


def test_the_numbers_are_those_of_the_design() -> None:
    assert [(code.name, code.value) for code in Exit] == [
        ("DONE", 0),
        ("NOT_TRADED", 1),
        ("USAGE", 2),
        ("UNAVAILABLE", 3),
        ("EXPOSED", 4),
    ]


def test_every_code_has_words() -> None:
    assert set(MEANING) == set(Exit)
