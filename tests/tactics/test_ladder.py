"""The `ladder` tactic."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.plan import SECOND_NS
from surefill.core.tactic import ProtectionStyle
from surefill.tactics.ladder import LadderTactic
from surefill.tactics.quoting import cross_ns
from tests.tactics.support import VIEW, limit, quote, seen, short

MARKET = quote("100.00", "100.10")


@pytest.mark.parametrize(
    ("second", "price"),
    [(0, "100.00"), (10, "100.00"), (11, "100.02"), (22, "100.04"), (33, "100.06"), (54, "100.08")],
)
def test_it_walks_to_the_far_side(second: int, price: str) -> None:
    now = VIEW.started_ns + second * SECOND_NS
    wanted = LadderTactic().wanted(seen(replace(MARKET, alive_ns=now)), now)
    assert wanted == limit(price)
    assert wanted is not None
    step_ns = 11 * SECOND_NS
    assert wanted.until_ns == VIEW.started_ns + (second // 11 + 1) * step_ns


def test_it_walks_no_farther_than_the_worst_price() -> None:
    now = VIEW.started_ns + 33 * SECOND_NS
    wide = replace(quote("100.00", "101.00"), alive_ns=now)
    assert LadderTactic().wanted(seen(wide), now) == limit("100.06")


def test_a_sale_walks_down() -> None:
    now = VIEW.started_ns + 22 * SECOND_NS
    market = replace(quote("99.92", "100.02"), alive_ns=now)
    assert LadderTactic().wanted(short(market), now) == limit("99.98")


def test_at_the_end_it_crosses_and_asks_no_more() -> None:
    late = cross_ns(VIEW)
    taken = LadderTactic().wanted(seen(replace(MARKET, alive_ns=late)), late)
    assert taken == limit("100.10")
    assert taken is not None
    assert taken.until_ns is None
    assert LadderTactic().wanted(seen(MARKET), VIEW.deadline_ns) is None


def test_how_it_is_protected_and_woken() -> None:
    tactic = LadderTactic()
    assert tactic.style is ProtectionStyle.OCO
    assert tactic.is_reactive
