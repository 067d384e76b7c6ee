"""Limits, violations told once, spans, and uncovered shares over time."""

from __future__ import annotations

from surefill.sim.auditor_findings import (
    AuditLimits,
    CoverMeter,
    Excuse,
    Fault,
    Findings,
    Span,
    percentile,
)

MS = 1_000_000


def test_a_fault_is_told_once_a_plan_and_in_order_of_time() -> None:
    findings = Findings()
    findings.add(Fault("I2", "first", "size"), "a", 5)
    findings.add(Fault("I2", "again", "size"), "a", 6)
    findings.add(Fault("I2", "other plan", "size"), "b", 4)
    findings.add(Fault("I1", "no kind"), "a", 4)
    findings.add(Fault("I1", "no kind"), "a", 5)
    told = [(one.at_ns, one.code, one.plan_id) for one in findings.in_order()]
    assert told == [(4, "I1", "a"), (4, "I2", "b"), (5, "I2", "a")]


def test_a_span_is_measured_from_its_first_moment() -> None:
    span = Span()
    assert span.update(False, 1) is None
    assert span.update(True, 2) is None
    assert span.update(True, 3) is None
    assert span.update(False, 4) == 2
    assert span.since_ns is None


def test_an_excuse_gives_time_until_its_end_and_a_grace() -> None:
    limits = AuditLimits(
        excuses=(
            Excuse(5_000 * MS, 9_000 * MS, grace_ms=2_000),
            Excuse(1_000 * MS, 2_000 * MS, grace_ms=3_500, symbol="IBM"),
            Excuse(0, 50_000 * MS, symbol="BAC"),
        )
    )
    assert limits.latest_end_ns(0, 1_500, "AIG") == 1_500 * MS
    assert limits.latest_end_ns(0, 1_500, "IBM") == 11_000 * MS  # one excuse leads to the next
    assert limits.latest_end_ns(4_000 * MS, 1_500, "AIG") == 11_000 * MS
    assert limits.latest_end_ns(10_000 * MS, 1_500, "AIG") == 11_500 * MS


def test_share_seconds_windows_and_the_longest_wait() -> None:
    meter = CoverMeter()
    assert meter.update(0, 0) is None
    assert meter.update(37, 100) is None
    assert meter.update(50, 200) is None
    assert meter.update(13, 300) is None  # the first 37 are covered, the window stays open
    assert meter.update(0, 450) == (100, 450)
    assert meter.share_ns == 37 * 100 + 50 * 100 + 13 * 150
    assert meter.windows_ns == [350]
    assert meter.wait_ns == 250


def test_part_of_a_lot_may_be_covered() -> None:
    meter = CoverMeter()
    meter.update(10, 0)
    meter.update(4, 5)
    meter.update(0, 9)
    assert (meter.wait_ns, meter.share_ns) == (9, 10 * 5 + 4 * 4)


def test_a_window_without_length_is_none() -> None:
    meter = CoverMeter()
    meter.update(10, 7)
    assert meter.update(0, 7) is None
    assert meter.windows_ns == []


def test_percentiles() -> None:
    assert percentile([], 50) == 0
    assert percentile([5], 99) == 5
    assert percentile(range(1, 101), 50) == 50
    assert percentile(range(1, 101), 99) == 99
    assert percentile([1, 2, 3], 0) == 1
