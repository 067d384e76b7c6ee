"""Every switch has a note, every open question a switch, and the document the same table."""

from __future__ import annotations

from pathlib import Path

from surefill.sim.alpaca.switch_notes import NOTES, lines, table
from surefill.sim.alpaca.switches import FACE_CHOICES, FACE_NUMBERS
from surefill.sim.switches import CHOICES

DOCUMENT = Path(__file__).parents[3] / "docs" / "exchange.md"


def test_every_switch_has_its_note() -> None:
    assert set(NOTES) == {*CHOICES, *FACE_CHOICES, *FACE_NUMBERS}


def test_every_open_question_is_a_switch() -> None:
    asked = {source for source, _ in NOTES.values()}
    assert {f"U{number}" for number in range(1, 20)} <= asked


def test_the_document_has_the_same_table() -> None:
    assert table() in DOCUMENT.read_text(encoding="utf-8"), f"put this into it:\n{table()}"


def test_each_is_listed_with_its_values_and_fits_a_terminal() -> None:
    heads = [line.partition(" ")[0] for line in lines() if not line.startswith(" ")]
    assert heads == list(NOTES)
    assert lines()[0] == "post_status = pending_new, accepted (U1)"
    assert max(len(line) for line in lines()) <= 79
