"""Numbers for people."""

from __future__ import annotations

from surefill.tca.text import bps, decimal_text, excursion, percent, ratio, seconds


def test_cut_toward_zero_and_unknown() -> None:
    assert decimal_text(199, 100, 1) == "1.9"
    assert decimal_text(-199, 100, 1) == "-1.9"
    assert decimal_text(-4, 100, 1) == "0.0"
    assert decimal_text(250, 100, 0) == "2"
    assert [show(None) for show in (percent, bps, ratio, seconds)] == ["-"] * 4


def test_units() -> None:
    assert percent(125_000_000) == "12.5 %"
    assert percent(1_500_000, 3) == "0.150 %"
    assert (bps(341_000), bps(-50_000), bps(0)) == ("+3.41", "-0.50", "0.00")
    assert ratio(1_999_999_999) == "1.99"
    assert seconds(213_456_789) == "0.213 s"


def test_an_excursion_is_both_or_nothing() -> None:
    assert excursion(450_000_000, 2_412_000_000) == "0.45 R (2.41 USD a share)"
    assert excursion(450_000_000, None) == excursion(None, 1) == "-"
