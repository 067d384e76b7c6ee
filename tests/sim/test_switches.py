"""Switches: defaults, parsing, and errors that name what is wrong."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from surefill.sim.switches import CHOICES, SwitchError, Switches


def test_defaults_are_the_first_choice() -> None:
    assert asdict(Switches()) == {name: words[0] for name, words in CHOICES.items()}


def test_every_switch_is_explained() -> None:
    assert Switches.__doc__ is not None
    missing = [name for name in CHOICES if f"``{name}``" not in Switches.__doc__]
    assert missing == []


def test_pairs() -> None:
    switches = Switches.from_pairs(["wash_exempts=none", "day_terminal=canceled"])
    assert (switches.wash_exempts, switches.day_terminal) == ("none", "canceled")
    assert Switches.from_pairs([]) == Switches()


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        (["wash_exempts"], "expected name=value"),
        (["colour=red"], "unknown switch 'colour'"),
        (["wash_exempts=some"], "expected all_complex|new_only|none"),
        (["day_terminal=expired", "day_terminal=canceled"], "given twice"),
    ],
)
def test_errors(pairs: list[str], sentence: str) -> None:
    with pytest.raises(SwitchError) as caught:
        Switches.from_pairs(pairs)
    assert sentence in str(caught.value)
