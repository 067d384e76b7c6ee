"""What the following tactics share: trust, patience, requests, and the crossing at the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.market import MarketView, Nbbo
from surefill.core.plan import SECOND_NS
from surefill.core.units import to_nano
from surefill.tactics.quoting import (
    AGE_NS_MAX,
    QUOTES_MAX,
    asked_again,
    cross_ns,
    followed,
    touch,
)
from tests.tactics.support import NOW, VIEW, limit, quote, seen, short

NEAR = quote("100.00", "100.02")


def near(nbbo: Nbbo) -> int:
    """Join the bid."""
    return nbbo.bid_px


def test_a_current_two_sided_quote_is_trusted() -> None:
    assert touch(seen(NEAR), NOW) == NEAR.nbbo


@pytest.mark.parametrize(
    ("bid", "ask", "shown"),
    [
        ("100.001", "100.019", ("100", "100.02")),
        ("100.00", "100.0101", ("100", "100.02")),
        ("0.99995", "1.00", ("0.9999", "1")),
    ],
)
def test_a_price_between_ticks_counts_as_the_tick_outside_it(
    bid: str, ask: str, shown: tuple[str, str]
) -> None:
    found = touch(seen(quote(bid, ask)), NOW)
    assert found is not None
    assert (found.bid_px, found.ask_px) == (to_nano(shown[0]), to_nano(shown[1]))


def test_below_the_first_tick_nothing_can_stand() -> None:
    assert touch(seen(quote("0.00001", "0.01")), NOW) is None


@pytest.mark.parametrize(
    "market",
    [
        None,
        replace(NEAR, nbbo=None),
        quote("0", "100.02"),
        quote("100.03", "100.02"),
        quote("100.00", "100.02", age_ns=AGE_NS_MAX + 1),
    ],
    ids=["no market", "no quote", "one side", "crossed", "old"],
)
def test_what_is_not_known_changes_nothing(market: MarketView | None) -> None:
    assert touch(seen(market), NOW) is None
    assert followed(seen(market, working="99.99"), NOW, near) == limit("99.99")
    assert followed(seen(market), NOW, near) is None
    late = cross_ns(VIEW)
    assert followed(seen(market, working="99.99"), late, near) == limit("99.99")


def test_it_follows_and_asks_again_when_time_runs_out() -> None:
    wanted = followed(seen(NEAR, working="99.99"), NOW, near)
    assert wanted == limit("100.00")
    assert wanted is not None
    assert wanted.until_ns == cross_ns(VIEW) == VIEW.deadline_ns - 5 * SECOND_NS


def test_an_order_rests_two_seconds() -> None:
    view = seen(NEAR, working="99.99", working_ns=NOW - SECOND_NS)
    kept = followed(view, NOW, near)
    assert kept == limit("99.99")
    assert kept is not None
    assert kept.until_ns == NOW + SECOND_NS
    assert followed(view, NOW + SECOND_NS, near) == limit("100.00")


def test_the_right_price_is_kept_without_asking_early() -> None:
    kept = followed(seen(NEAR, working="100.00", working_ns=NOW), NOW, near)
    assert kept == limit("100.00")
    assert kept is not None
    assert kept.until_ns == cross_ns(VIEW)


def test_requests_are_not_spent_without_end() -> None:
    view = seen(NEAR, working="99.99", quotes=QUOTES_MAX)
    assert followed(view, NOW, near) == limit("99.99")
    assert followed(replace(view, quotes=QUOTES_MAX - 1), NOW, near) == limit("100.00")


def test_never_beyond_the_worst_price() -> None:
    away = quote("100.20", "100.22")
    assert followed(seen(away), NOW, near) == limit("100.10")
    assert followed(short(quote("99.70", "99.72")), NOW, lambda nbbo: nbbo.ask_px) == limit("99.90")


def test_what_is_missing_is_taken_at_the_end() -> None:
    late = cross_ns(VIEW)
    market = replace(NEAR, alive_ns=late)
    taken = followed(seen(market, working="100.00", working_ns=late, quotes=99), late, near)
    assert taken == limit("100.10")
    assert taken is not None
    assert taken.until_ns is None


def test_a_far_side_beyond_the_worst_price_is_waited_for() -> None:
    late = cross_ns(VIEW)
    market = replace(quote("100.04", "100.11"), alive_ns=late)
    assert followed(seen(market), late, near) == limit("100.04")
    assert followed(seen(market), NOW, lambda _: None) == limit("100.04")


def test_a_rule_may_cross_before_the_end() -> None:
    assert followed(seen(NEAR), NOW, lambda _: None) == limit("100.10")


def test_nothing_after_the_budget() -> None:
    assert followed(seen(NEAR), VIEW.deadline_ns, near) is None


def test_a_short_budget_keeps_its_last_quarter() -> None:
    brief = replace(VIEW, deadline_ns=VIEW.started_ns + 8 * SECOND_NS)
    assert cross_ns(brief) == VIEW.started_ns + 6 * SECOND_NS


def test_the_earlier_question_counts() -> None:
    first = asked_again(limit("1"), 7)
    assert (first.until_ns, asked_again(first, 5).until_ns) == (7, 5)
    assert asked_again(first, 9).until_ns == 7
    assert first.limit_px == to_nano("1")
