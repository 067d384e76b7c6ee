from __future__ import annotations

import re
from string import Formatter

import pytest

from surefill.core.reasons import Reason, ReasonCode


def placeholders(code: ReasonCode) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(code.value) if name is not None]


def test_codes_are_category_and_condition() -> None:
    for code in ReasonCode:
        assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code.name)


def test_every_sentence_is_different_and_can_be_filled() -> None:
    # Two codes with one sentence would be one enum member (an alias), invisible in the table.
    assert (
        len({code.value for code in ReasonCode}) == len(ReasonCode) == len(ReasonCode.__members__)
    )
    for code in ReasonCode:
        names = placeholders(code)
        assert all(name.isidentifier() for name in names)
        sentence = Reason.of(code, **{name: f"<{name}>" for name in names}).sentence
        assert "{" not in sentence
        assert "?" not in sentence
        assert sentence == code.value.replace("{", "<").replace("}", ">")


def test_a_reason_reads_as_code_and_sentence() -> None:
    reason = Reason.of(ReasonCode.RR_BELOW_MIN, ratio="0.38", minimum="2")
    assert str(reason) == "RR_BELOW_MIN: reward/risk 0.38 is below the minimum 2"
    assert reason.context == (("ratio", "0.38"), ("minimum", "2"))


def test_an_instant_is_kept_exactly_and_shown_as_a_time() -> None:
    reason = Reason.of(ReasonCode.KILL_ACTIVE, since=1_772_463_600_123_456_789)
    assert reason.context == (("since", "1772463600123456789"),)
    assert reason.sentence == "the kill switch is on since 2026-03-02 15:00:00 UTC"
    late = Reason.of(ReasonCode.KILL_ACTIVE, since=1_772_463_599_999_999_999)
    assert late.sentence.endswith("2026-03-02 14:59:59 UTC"), "an instant is not rounded up"
    assert "since today" in Reason.of(ReasonCode.KILL_ACTIVE, since="today").sentence


def test_a_missing_value_is_seen() -> None:
    assert Reason(ReasonCode.RR_BELOW_MIN).sentence == "reward/risk ? is below the minimum ?"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nERROR forged line", "a ERROR forged line"),
        ("\x1b[31mred\x00", " [31mred "),
        ("x" * 500, "x" * 200),
        (17, "17"),
        (None, "None"),
        ("{value.__class__}", "{value.__class__}"),
        ("Zürich", "Zürich"),
    ],
)
def test_values_cannot_forge_log_lines(value: object, text: str) -> None:
    reason = Reason.of(ReasonCode.PLAN_ID_INVALID, value=value)
    assert reason.context == (("value", text),)
    assert text in reason.sentence


def test_reasons_are_values() -> None:
    first = Reason.of(ReasonCode.EXITS_MISSING)
    assert first == Reason(ReasonCode.EXITS_MISSING, ())
    assert len({first, Reason.of(ReasonCode.EXITS_MISSING)}) == 1
