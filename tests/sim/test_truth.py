"""The ground truth: complete lines, a chain that breaks visibly, the text form of time."""

from __future__ import annotations

import json

import pytest

from surefill.sim.truth import FIELDS, TruthLog, first_broken_seq, rfc3339
from tests.sim.venue import ME, START_NS, Floor


def test_time_text() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000000000Z"
    assert rfc3339(START_NS + 1) == "2026-03-02T15:00:00.000000001Z"


def test_every_line_has_every_field() -> None:
    texts: list[str] = []
    log = TruthLog(texts.append)
    line = log.append(5, {"account": ME, "kind": "new"})
    assert set(line) == {"seq", "venue_ns", "at", "hash", *FIELDS}
    assert line["side"] is None
    assert json.loads(texts[0]) == line


def test_unknown_field_is_an_error() -> None:
    with pytest.raises(KeyError):
        TruthLog().append(5, {"colour": "red"})


def test_after_pages_by_number() -> None:
    log = TruthLog()
    for _ in range(3):
        log.append(5, {"kind": "new"})
    assert [line["seq"] for line in log.after(1)] == [2, 3]
    assert [line["seq"] for line in log.after(-1)] == [1, 2, 3]


def test_a_changed_line_breaks_the_chain() -> None:
    log = TruthLog()
    for _ in range(3):
        log.append(5, {"kind": "new"})
    assert first_broken_seq(log.lines) is None
    log.lines[1]["kind"] = "fill"
    assert first_broken_seq(log.lines) == 2


def test_a_missing_line_breaks_the_chain() -> None:
    log = TruthLog()
    for _ in range(3):
        log.append(5, {"kind": "new"})
    del log.lines[1]
    assert first_broken_seq(log.lines) == 2


def test_a_bracket_reads_as_a_story() -> None:
    floor = Floor()
    floor.bracket("buy", 100, "100.05", tp="102", sl="99")
    floor.quote("102.00", "102.02", bid_size=40)
    floor.quote("98.90", "99.00")
    floor.print("98.95")
    floor.wait()
    told = [(line["leg"], line["kind"]) for line in floor.log.lines[1:]]
    assert told == [
        ("ENTRY", "accept"),
        ("TARGET", "accept"),
        ("STOP", "accept"),
        ("ENTRY", "pending_new"),
        ("TARGET", "held"),
        ("STOP", "held"),
        ("ENTRY", "new"),
        ("ENTRY", "fill"),
        ("STOP", "armed"),
        ("TARGET", "new"),
        ("TARGET", "partial_fill"),
        ("STOP", "resized"),
        ("STOP", "triggered"),
        ("TARGET", "pending_cancel"),
        ("TARGET", "canceled"),
        ("STOP", "new"),
        ("STOP", "fill"),
    ]
    fill = floor.log.lines[-1]
    assert (fill["qty"], fill["px"], fill["position"]) == (60 * 10**9, 98_900_000_000, 0)
    assert (fill["bid"], fill["ask"]) == (98_900_000_000, 99_000_000_000)
