"""The `mid` tactic."""

from __future__ import annotations

import pytest

from surefill.core.tactic import ProtectionStyle
from surefill.tactics.mid import MidTactic
from tests.tactics.support import NOW, limit, quote, seen, short


@pytest.mark.parametrize(
    ("bid", "ask", "wanted"),
    [
        ("100.00", "100.04", "100.02"),
        ("100.00", "100.03", "100.01"),
        ("100.00", "100.01", "100.00"),
    ],
)
def test_a_purchase_rests_at_the_midpoint_rounded_down(bid: str, ask: str, wanted: str) -> None:
    assert MidTactic().wanted(seen(quote(bid, ask)), NOW) == limit(wanted)


def test_a_sale_rests_at_the_midpoint_rounded_up() -> None:
    assert MidTactic().wanted(short(quote("99.97", "100.00")), NOW) == limit("99.99")


def test_how_it_is_protected_and_woken() -> None:
    tactic = MidTactic()
    assert tactic.style is ProtectionStyle.OCO
    assert tactic.is_reactive
