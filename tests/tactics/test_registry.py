"""The tactics by name; what any of them may want."""

from __future__ import annotations

import pytest

from surefill.core.fix import OrdType
from surefill.core.plan import SECOND_NS
from surefill.tactics.registry import PLAN_TACTICS, TACTICS
from tests.tactics.support import NOW, TERMS, VIEW, quote, seen

FOLLOWING = {"passive", "mid", "ladder", "adaptive", "slice"}


def test_names() -> None:
    assert set(TACTICS) == {"limit", "marketable", "legacy"} | FOLLOWING
    assert all(name == tactic.name for name, tactic in TACTICS.items())
    assert {"limit", "marketable"} | FOLLOWING == PLAN_TACTICS
    assert {name for name, tactic in TACTICS.items() if tactic.is_reactive} == FOLLOWING


@pytest.mark.parametrize("name", sorted(PLAN_TACTICS))
def test_no_tactic_that_a_plan_can_name_wants_more_than_the_worst_price(name: str) -> None:
    for bid, ask in (("99.90", "99.91"), ("100.09", "100.10"), ("100.20", "100.30")):
        view = seen(quote(bid, ask))
        for now in (NOW, NOW + SECOND_NS):
            wanted = TACTICS[name].wanted(view, now)
            assert wanted is not None
            assert wanted.ord_type is OrdType.LIMIT
            assert wanted.limit_px is not None
            assert wanted.limit_px <= TERMS.worst_px


@pytest.mark.parametrize("name", sorted(PLAN_TACTICS))
def test_no_tactic_wants_anything_when_the_time_is_over(name: str) -> None:
    assert TACTICS[name].wanted(VIEW, VIEW.deadline_ns) is None
