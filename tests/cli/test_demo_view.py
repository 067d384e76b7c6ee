"""The demo's words: 80 columns, no number invented, every code either explained or shown."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

from surefill.cli.demo_view import comparison_blocks, morning_blocks, verdict_sentence
from surefill.cli.output import Block, show
from surefill.core.reasons import ReasonCode
from surefill.core.trade import Outcome
from surefill.core.units import CENT
from surefill.replay.demo import Comparison
from surefill.replay.measure import Measures
from surefill.replay.morning import Bought, Morning, Refused, Waited
from surefill.sim.scripts import CrwdEnding

LEGACY = Measures(
    path="legacy",
    plans=87,
    entered=87,
    partly=2,
    missed=0,
    denied=0,
    slippage_mean_bps=Decimal("1.6"),
    slippage_worst_bps=Decimal("19.5"),
    missed_mean_bps=None,
    denied_mean_bps=None,
    all_in_bps=Decimal("1.6"),
    rr_mean=Decimal("2.20"),
    rr_worst=Decimal("0.35"),
    rr_below_1_percent=3,
    rr_below_2_percent=34,
    rr_rested_mean=Decimal("2.20"),
    rr_rested_worst=Decimal("0.35"),
    uncovered_p50_share_s=Decimal("6.07"),
    uncovered_max_share_s=Decimal("123456789.80"),
    uncovered_longest_ms=523,
    outcomes=(("CLOSED_STOP", 30), ("CLOSED_TIME", 57)),
    reasons=(),
    violations=0,
)
SMART = replace(
    LEGACY,
    path="smart",
    outcomes=(("CLOSED_TARGET", 80), ("DENIED", 6), ("NOT_ENTERED", 1)),
    reasons=(("RR_BELOW_MIN", 6), ("SHORT_NO_BORROW", 1)),
)
COMPARED = Comparison(
    title="synthetic market, seed 7: TIGHT, MID, WIDE",
    seed=7,
    plans=87,
    minutes=59,
    legacy=LEGACY,
    smart=SMART,
    violations=(),
    lines=3_000,
)


def morning(ending: CrwdEnding, *, exit_cents: int, pnl_cents: int) -> Morning:
    """The morning as it goes."""
    legacy = Bought(
        shares=25,
        entry_px=53_600 * CENT,
        exit_px=exit_cents * CENT,
        risk_px=653 * CENT,
        reward_px=87 * CENT,
        slippage_vs_signal_bps=Decimal("22.1"),
        pnl_usd=pnl_cents * CENT,
        outcome=Outcome.CLOSED_STOP,
    )
    level = Refused(
        code=ReasonCode.RR_BELOW_MIN,
        sentence="reward/risk 0.38 is below the minimum 2",
        outcome=Outcome.DENIED,
        orders=0,
    )
    distance = Waited(
        limit_px=53_508 * CENT,
        worst_px=53_535 * CENT,
        shares=0,
        ask_px=53_640 * CENT,
        worked_ms=59_986,
        sentence="not filled within 60 s inside 535.35",
        outcome=Outcome.NOT_ENTERED,
        orders=1,
    )
    return Morning(ending, legacy, level, distance, (), 30)


MORNINGS = (
    morning(CrwdEnding.STOP, exit_cents=52_947, pnl_cents=-16_325),
    morning(CrwdEnding.TARGET, exit_cents=53_687, pnl_cents=2_175),
)


def shown(blocks: list[Block]) -> str:
    """The blocks as they are printed into a file."""
    out = io.StringIO()
    show(blocks, out)
    return out.getvalue()


def test_the_morning_in_words() -> None:
    text = shown(morning_blocks(MORNINGS))
    for wanted in ("1:0.13", "-163.25 USD", "+21.75 USD", "RR_BELOW_MIN", "(6.53 a share)"):
        assert wanted in text
    assert "none in 60 s" in text
    assert "163.25 USD of loss avoided" in text


def test_everything_fits_80_columns() -> None:
    text = shown([*morning_blocks(MORNINGS), *comparison_blocks(COMPARED)])
    assert max(map(len, text.splitlines())) <= 80


def test_a_code_without_words_is_shown_as_it_is() -> None:
    text = shown(comparison_blocks(COMPARED))
    assert "reward too small for the risk" in text
    assert "SHORT_NO_BORROW" in text
    assert "closed when its time was up" in text
    assert "closed by somebody else" not in text, "nothing happened that way"


def test_a_number_that_does_not_exist_is_a_dash() -> None:
    (line,) = [
        one for one in shown(comparison_blocks(COMPARED)).splitlines() if "missed plans" in one
    ]
    assert line.split()[-2:] == ["-", "-"]


def test_without_reasons_there_is_no_heading_for_them() -> None:
    text = shown(comparison_blocks(replace(COMPARED, smart=LEGACY)))
    assert "WHY PLANS" not in text


def test_more_than_one_order_would_be_said() -> None:
    first, second = MORNINGS
    other = replace(first, level=replace(first.level, orders=2, code=None))
    assert "2 orders" in shown(morning_blocks((other, second)))


def test_the_verdict_names_what_it_found() -> None:
    clean = {"violations": 0, "lines": 3_060, "found": []}
    assert verdict_sentence(clean).startswith("AUDITOR: 0 violations in 3060 lines")
    broken = {"violations": 1, "lines": 3, "found": ["I3 p1: shares were uncovered for 9 ms"]}
    assert "I3 p1" in verdict_sentence(broken)
    assert "AUDITOR" in verdict_sentence({"violations": 0, "lines": 3, "found": None})
