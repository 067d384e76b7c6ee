"""The `legacy` tactic."""

from __future__ import annotations

from surefill.core.fix import OrdType
from surefill.core.tactic import ProtectionStyle, WantedEntry
from surefill.tactics.legacy import LegacyTactic
from tests.tactics.support import VIEW


def test_one_order_until_the_budget_ends() -> None:
    tactic = LegacyTactic()
    wanted = WantedEntry(OrdType.MARKET, None)
    assert tactic.wanted(VIEW, VIEW.started_ns) == wanted
    assert tactic.wanted(VIEW, VIEW.deadline_ns - 1) == wanted
    assert tactic.wanted(VIEW, VIEW.deadline_ns) is None


def test_how_it_is_protected_and_woken() -> None:
    tactic = LegacyTactic()
    assert tactic.style is ProtectionStyle.BRACKET
    assert not tactic.is_reactive
