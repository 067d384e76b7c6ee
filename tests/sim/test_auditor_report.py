"""Counts, cover statistics and the table."""

from __future__ import annotations

from surefill.sim.auditor import audit, render
from surefill.sim.auditor_findings import Violation
from surefill.sim.auditor_report import AuditReport, Tally, cover_stats, summarize
from tests.sim.mutants.history import UNIT, Desk, named_case


def test_share_seconds_of_a_partial_entry() -> None:
    desk = Desk()
    plan = desk.plan("p", 0)
    entry = desk.enter(0, plan, 7)
    desk.fill(500, entry, 37, 0)
    desk.cover(988, plan, 37, stop=-50, target=100)
    desk.cancel(2_000, entry)
    desk.outcome(plan, "HANDED_OVER")
    case = desk.case.seal()
    report = audit(case.plans, case.lines, case.outcomes)
    assert report.is_clean
    stats = report.cover["smart"]
    assert stats.max_share_s == 37 * UNIT // 2  # 37 shares for half a second
    assert (stats.windows, stats.window_max_ns, stats.wait_max_ns) == (1, UNIT // 2, UNIT // 2)
    (gap,) = report.gaps
    assert (gap.plan_id, gap.symbol, gap.end_ns - gap.start_ns) == ("p", plan["symbol"], UNIT // 2)
    assert (gap.share_ns, gap.is_exposed) == (37 * UNIT * UNIT // 2, False)
    assert report.cover["legacy"].entered == 0


def test_the_table_speaks_of_both_paths_and_of_nothing_broken() -> None:
    case = named_case()
    text = render(audit(case.plans, case.lines, case.outcomes))
    assert "smart: share-seconds p50/p99/max    16.83 / 44.70 / 44.70 a trade" in text
    assert "legacy: uncovered p50/p99/max       22 / 22 / 22 ms in 2 windows" in text
    assert "shorts                              7 (50 %)" in text
    assert text.endswith("no violation\n")


def test_the_table_shows_the_first_violations() -> None:
    counts = summarize([], Tally())
    many = tuple(Violation("I2", f"p{index}", index, "too much") for index in range(50))
    report = AuditReport((*many, Violation("I3", "", 60, "late")), counts, {})
    text = render(report)
    assert "51 violation(s): I2 x50, I3 x1" in text
    assert "I2   p0 at 0: too much" in text
    assert "... and 11 more" in text
    assert report.codes == {"I2", "I3"}


def test_nothing_entered_has_no_statistics() -> None:
    stats = cover_stats([])
    assert (stats.entered, stats.max_share_s, stats.window_p99_ns) == (0, 0, 0)
    assert "smart" not in render(AuditReport((), summarize([], Tally()), {"smart": stats}))
