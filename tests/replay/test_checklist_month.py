"""Month 1: comparisons with their intervals, reasons, and the suggestion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from surefill.core.reasons import ReasonCode
from surefill.core.units import NANO
from surefill.replay.checklist_items import Finding, Verdict
from surefill.replay.checklist_month import ITEMS
from surefill.tca.facts import Fact, Fate
from tests.support.evidence import evidence, history, settings
from tests.tca.support import BPS, fact


def judged(code: str, *facts: Fact, **more: object) -> Finding:
    item = next(item for item in ITEMS if item.code == code)
    return item.judge(evidence(history=history(*facts), **more))


def many(name: str, count: int, **more: Any) -> list[Fact]:
    """Facts whose numbers spread a little: slippage and shortfall by 0..4 bps, R by 0..0.4."""
    found = []
    for n in range(count):
        values = {
            key: value
            + (n % 5) * (BPS if key.endswith("fall_ppb") or "slip" in key else NANO // 10)
            for key, value in more.items()
            if isinstance(value, int)
            and key in ("slippage_vs_signal_ppb", "shortfall_ppb", "r_ppb")
        }
        found.append(fact(f"{name}{n}", **{**more, **values}))
    return found


def missed(count: int, start_bps: int | None, end_bps: int | None) -> list[Fact]:
    return [
        fact(
            f"m{n}",
            Fate.NOT_ENTERED,
            start_far_ppb=None if start_bps is None else start_bps * BPS,
            end_far_ppb=None if end_bps is None else end_bps * BPS,
            shortfall_ppb=None if end_bps is None else end_bps * BPS,
        )
        for n in range(count)
    ]


COST = {"slippage_vs_signal_ppb": 2 * BPS, "shortfall_ppb": 2 * BPS, "r_ppb": NANO}
DEAR = {
    "slippage_vs_signal_ppb": 20 * BPS,
    "shortfall_ppb": 20 * BPS,
    "r_ppb": -NANO,
    "is_legacy": True,
}
GOOD = [*many("s", 20, **COST), *many("l", 20, **DEAR)]
BAD = [
    *many("s", 20, **{**DEAR, "is_legacy": False}),
    *many("l", 20, **{**COST, "is_legacy": True}),
]
CLOSE = [*many("s", 20, **COST), *many("l", 20, **{**COST, "is_legacy": True})]
FAILS: dict[str, list[Fact]] = {
    "MONTH_SLIPPAGE": BAD,
    "MONTH_SHORTFALL": BAD,
    "MONTH_QUALITY": BAD,
    "MONTH_REASONS": [*GOOD, *(fact(f"d{n}", Fate.DENIED) for n in range(5))],
    "MONTH_SETTINGS": [*GOOD, *missed(5, 12, 40)],
}


@pytest.mark.parametrize("code", [item.code for item in ITEMS])
def test_pass_fail_and_not_yet(code: str) -> None:
    good, bad = judged(code, *GOOD), judged(code, *FAILS[code])
    assert good.verdict is Verdict.PASS, good
    assert bad.verdict is Verdict.FAIL, bad
    assert bad.seqs
    few = judged(code, *GOOD[:29])
    assert (few.verdict, few.sentence) == (
        Verdict.NOT_YET,
        "29 plans to measure, 30 are needed",
    )
    empty = next(item for item in ITEMS if item.code == code).judge(evidence())
    assert empty.sentence == "no plan yet"


@pytest.mark.parametrize("code", ["MONTH_SLIPPAGE", "MONTH_SHORTFALL", "MONTH_QUALITY"])
def test_without_both_paths_there_is_no_comparison(code: str) -> None:
    finding = judged(code, *many("s", 40, **COST))
    assert finding.verdict is Verdict.NOT_YET
    assert "40 smart and 0 legacy trades, 10 of each needed" in finding.sentence


@pytest.mark.parametrize("code", ["MONTH_SHORTFALL", "MONTH_QUALITY"])
def test_an_interval_that_holds_both_answers_is_not_yet(code: str) -> None:
    finding = judged(code, *CLOSE)
    assert finding.verdict is Verdict.NOT_YET
    assert "not decided yet" in finding.sentence


def test_half_is_a_target_that_less_does_not_meet() -> None:
    third_less = [*many("s", 20, slippage_vs_signal_ppb=14 * BPS), *GOOD[20:]]
    assert judged("MONTH_SLIPPAGE", *third_less).verdict is Verdict.FAIL
    sentence = judged("MONTH_SLIPPAGE", *GOOD).sentence
    assert "smart +4.00, legacy +22.00 bps; smart minus legacy -18.00 bps (" in sentence


def test_missed_plans_count_at_their_cost_and_unknown_ones_are_counted() -> None:
    finding = judged("MONTH_SHORTFALL", *GOOD, *missed(40, None, 90), *missed(3, None, None))
    assert finding.verdict is Verdict.FAIL, "cheap entries do not pay for forty missed ones"
    assert "3 of unknown cost left out" in finding.sentence


def test_one_journal_has_one_answer() -> None:
    assert judged("MONTH_SLIPPAGE", *GOOD) == judged("MONTH_SLIPPAGE", *GOOD)


def test_quality_tells_excursions_by_path_and_what_is_not_known() -> None:
    sentence = judged("MONTH_QUALITY", *GOOD).sentence
    smart, _, legacy = sentence.partition("; legacy ")
    for path in (smart, legacy):
        assert " %, MAE 0.50 R (2.00 USD a share), MFE 2.00 R (8.00 USD" in path
    gone: dict[str, Any] = {"mae_px": None, "mfe_px": None, "mae_ppb": None, "mfe_ppb": None}
    some = judged("MONTH_QUALITY", *GOOD, fact("x", **gone)).sentence
    assert "MAE and MFE of 1 unknown)" in some
    none = judged("MONTH_QUALITY", *(replace(one, **gone) for one in GOOD)).sentence
    assert "MAE 0" not in none
    assert "unknown" in none
    nothing = judged("MONTH_QUALITY", *(fact(f"d{n}", Fate.DENIED) for n in range(30)))
    assert "no trade is closed" in nothing.sentence


def test_reasons_are_ranked() -> None:
    two = [fact(f"d{n}", Fate.DENIED) for n in range(2)]
    one = [fact("q", Fate.REJECTED), fact("k", Fate.DENIED, codes=(ReasonCode.KILL_ACTIVE,))]
    finding = judged("MONTH_REASONS", *GOOD, *one, *two)
    assert finding.verdict is Verdict.PASS
    assert finding.sentence == "ranked: RR_BELOW_MIN 2, ENTRY_REJECTED 1, KILL_ACTIVE 1"


def test_the_suggestion_names_setting_plans_and_gain() -> None:
    finding = judged("MONTH_SETTINGS", *GOOD, *missed(5, 12, 40), *missed(2, 90, 95))
    assert finding.verdict is Verdict.FAIL
    assert "SMART_EXECUTOR_MAX_SLIPPAGE_PCT=0.0015 would have let 5 of 7" in finding.sentence
    assert "saved +28.00 bps on each" in finding.sentence


def test_no_suggestion_without_evidence() -> None:
    assert judged("MONTH_SETTINGS", *GOOD, *missed(5, 12, 5)).verdict is Verdict.PASS
    unknown = judged("MONTH_SETTINGS", *GOOD, *missed(5, None, None))
    assert unknown.verdict is Verdict.NOT_YET
    unsettled: dict[str, object] = {"settings": None}
    assert judged("MONTH_SETTINGS", *GOOD, **unsettled).verdict is Verdict.NOT_YET


def test_caps_beyond_what_the_settings_allow_are_not_suggested() -> None:
    wide = settings(SMART_EXECUTOR_MAX_SLIPPAGE_PCT="0.02")
    finding = judged("MONTH_SETTINGS", *GOOD, *missed(5, 250, 400), settings=wide)
    assert finding.verdict is Verdict.PASS
