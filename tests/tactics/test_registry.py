"""The tactics by name; what any of them may want."""

from __future__ import annotations

import pytest

from surefill.core.fix import OrdType
from surefill.tactics.registry import PLAN_TACTICS, TACTICS
from tests.tactics.support import TERMS, VIEW


def test_names() -> None:
    assert set(TACTICS) == {"limit", "marketable", "legacy"}
    assert all(name == tactic.name for name, tactic in TACTICS.items())
    assert {"limit", "marketable"} == PLAN_TACTICS


@pytest.mark.parametrize("name", sorted(PLAN_TACTICS))
def test_no_tactic_that_a_plan_can_name_wants_more_than_the_worst_price(name: str) -> None:
    wanted = TACTICS[name].wanted(VIEW, VIEW.started_ns)
    assert wanted is not None
    assert wanted.ord_type is OrdType.LIMIT
    assert wanted.limit_px is not None
    assert wanted.limit_px <= TERMS.worst_px
