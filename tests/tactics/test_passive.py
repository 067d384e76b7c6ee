"""The `passive` tactic."""

from __future__ import annotations

from surefill.core.tactic import ProtectionStyle
from surefill.tactics.passive import PassiveTactic
from surefill.tactics.quoting import cross_ns
from tests.tactics.support import NOW, VIEW, limit, quote, seen, short


def test_it_joins_the_near_side() -> None:
    market = quote("100.01", "100.04")
    assert PassiveTactic().wanted(seen(market), NOW) == limit("100.01")
    assert PassiveTactic().wanted(short(quote("99.97", "99.99")), NOW) == limit("99.99")


def test_it_takes_the_far_side_at_the_end() -> None:
    late = cross_ns(VIEW)
    market = quote("100.01", "100.04", age_ns=NOW - late)
    assert PassiveTactic().wanted(seen(market, working="100.01"), late) == limit("100.10")


def test_how_it_is_protected_and_woken() -> None:
    tactic = PassiveTactic()
    assert tactic.style is ProtectionStyle.OCO
    assert tactic.is_reactive
