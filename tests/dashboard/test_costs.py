"""What entries cost by path, and why plans were kept out."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.dashboard.costs import TARGET_BPS, costs_of, plain_sentence, refusals_of
from surefill.service.reader import NOTHING
from tests.dashboard.days import picture_of
from tests.support.core import START_NS, covered_bench
from tests.tca.support import closed_bench, missed_bench


def named(trade: Trade, plan_id: str) -> Trade:
    return replace(trade, plan=replace(trade.plan, plan_id=plan_id))


def test_paths_are_never_mixed() -> None:
    bench = closed_bench()
    legacy = replace(named(covered_bench().trade, "l1"), is_legacy=True)
    costs = costs_of(picture_of(bench, bench.trade, legacy))
    smart, old = costs.paths
    assert ([p.plan_id for p in smart.points], [p.plan_id for p in old.points]) == (["p1"], ["l1"])
    assert smart.mean_bps == smart.points[0].slippage_vs_signal_bps
    assert smart.within == (1 if smart.points[0].slippage_vs_signal_bps <= TARGET_BPS else 0)
    assert smart.sentence.startswith("smart: 1 entry, mean ")
    assert costs.has_entries
    (row,) = costs.ended
    assert (row.plan_id, row.outcome, row.path) == ("p1", "CLOSED TARGET", "smart")
    assert row.money.startswith("+")
    assert row.result.endswith(" R")


def test_nothing_yet() -> None:
    costs = costs_of(NOTHING)
    assert not costs.has_entries
    assert costs.paths[0].sentence == "smart: no entry yet"
    assert refusals_of(NOTHING) == ()


def test_a_missed_plan_is_no_entry_but_a_refusal() -> None:
    bench = missed_bench()
    reasons = (Reason.of(ReasonCode.RR_BELOW_MIN, ratio="1", minimum="2"),)
    denials = [
        Denial(plan=replace(bench.trade.plan, plan_id=name), is_legacy=False, reasons=reasons,
               at_ns=START_NS)
        for name in ("d1", "d2")
    ]  # fmt: skip
    picture = picture_of(bench, bench.trade, *denials)
    assert not costs_of(picture).has_entries
    assert costs_of(picture).ended == ()
    first, second = refusals_of(picture)
    assert (first.code, first.denied, first.not_entered, first.count) == ("RR_BELOW_MIN", 2, 0, 2)
    assert (second.code, second.not_entered, second.share_percent) == ("ENTRY_TIMEOUT", 1, 50)


def test_sentences_without_a_plan() -> None:
    assert plain_sentence("RR_BELOW_MIN") == "reward/risk … is below the minimum …"
    assert plain_sentence("SESSION_CLOSED") == "the market is closed"
