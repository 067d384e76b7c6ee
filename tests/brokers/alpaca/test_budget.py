"""The request budget: 90 % in any minute, a fifth of it for protection, headers believed."""

from __future__ import annotations

from random import Random

import pytest

from surefill.brokers.alpaca.budget import TOGETHER_NS, WINDOW_NS, RequestBudget
from surefill.core.commands import Priority
from surefill.core.units import NANO

NOW = 1_800_000_000 * NANO
OK: dict[str, str] = {}


def spend(budget: RequestBudget, priority: Priority, now: int) -> int:
    """Take until refused; how many went."""
    count = 0
    while budget.take(priority, now) is None:
        budget.answered(OK, status=200, now=now)
        count += 1
    return count


def test_a_fifth_is_kept_for_protection_and_a_tenth_is_never_used() -> None:
    budget = RequestBudget()
    assert (budget.limit, budget.usable, budget.reserved) == (200, 180, 36)
    assert spend(budget, Priority.ENTRY, NOW) == 144
    assert budget.take(Priority.ROUTINE, NOW) == NOW + WINDOW_NS
    assert budget.take(Priority.EVIDENCE, NOW) == NOW + WINDOW_NS
    assert spend(budget, Priority.PROTECT, NOW) == 36
    assert budget.take(Priority.REDUCE, NOW) == NOW + WINDOW_NS
    assert budget.left(NOW) == 0


def test_what_left_the_window_is_free_again() -> None:
    budget = RequestBudget(limit=10)
    for second in range(7):
        assert budget.take(Priority.ENTRY, NOW + second * NANO) is None
    until_ns = budget.take(Priority.ENTRY, NOW + 7 * NANO)
    assert until_ns == NOW + WINDOW_NS
    assert budget.take(Priority.ENTRY, until_ns) is None


def test_no_sixty_seconds_ever_hold_more_than_nine_tenths() -> None:
    random, budget, sent = Random(7), RequestBudget(limit=50), []
    now = NOW
    for _ in range(3_000):
        now += random.randrange(NANO)
        if budget.take(Priority(random.randrange(5)), now) is None:
            sent.append(now)
            budget.answered(OK, status=200, now=now)
    for index, first in enumerate(sent):
        within = [at for at in sent[index : index + 60] if at < first + 60 * NANO]
        assert len(within) <= 45


def test_the_headers_correct_limit_and_use() -> None:
    budget = RequestBudget()
    assert budget.take(Priority.ENTRY, NOW) is None
    reset = NOW // NANO + 30
    headers = {
        "x-ratelimit-limit": "1000",
        "x-ratelimit-remaining": "300",
        "x-ratelimit-reset": str(reset),
    }
    budget.answered(headers, status=200, now=NOW)
    assert budget.limit == 1000
    assert budget.left(NOW) == 200  # 900 usable, 700 used, some by somebody else
    assert spend(budget, Priority.ENTRY, NOW) == 20
    assert budget.take(Priority.ENTRY, NOW) == reset * NANO
    assert budget.left(reset * NANO) == 900 - 21


def test_requests_under_way_are_not_in_the_servers_count_yet() -> None:
    budget = RequestBudget(limit=100)
    for _ in range(10):
        budget.take(Priority.ENTRY, NOW)
    budget.answered({"x-ratelimit-remaining": "99"}, status=200, now=NOW)
    assert budget.left(NOW) == 80
    assert budget.left(NOW + WINDOW_NS) == 90


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-limit": "0", "x-ratelimit-remaining": "-1"},
        {"x-ratelimit-limit": "1e9", "x-ratelimit-remaining": "many"},
        {"x-ratelimit-limit": "9" * 13, "x-ratelimit-remaining": "9999"},
        {"x-ratelimit-remaining": "\u0663"},
    ],
)
def test_broken_headers_change_nothing(headers: dict[str, str]) -> None:
    budget = RequestBudget()
    budget.take(Priority.ENTRY, NOW)
    budget.answered(headers, status=200, now=NOW)
    assert (budget.limit, budget.left(NOW)) == (200, 179)


def test_after_a_429_only_protection_goes_until_the_reset() -> None:
    budget = RequestBudget()
    budget.take(Priority.ENTRY, NOW)
    reset = NOW // NANO + 20
    budget.answered({"x-ratelimit-reset": str(reset)}, status=429, now=NOW)
    assert budget.take(Priority.ENTRY, NOW + NANO) == reset * NANO
    assert budget.take(Priority.ROUTINE, NOW + NANO) == reset * NANO
    assert budget.take(Priority.PROTECT, NOW + NANO) is None
    assert budget.take(Priority.REDUCE, NOW + NANO) is None
    assert budget.take(Priority.ENTRY, reset * NANO) is None


def test_a_later_429_never_shortens_the_pause() -> None:
    budget = RequestBudget()
    budget.answered({}, status=429, now=NOW)
    budget.answered({"retry-after": "1"}, status=429, now=NOW)
    assert budget.take(Priority.ENTRY, NOW + 59 * NANO) == NOW + 60 * NANO


def test_changes_are_told_when_a_step_the_reserve_or_zero_is_crossed() -> None:
    budget = RequestBudget(limit=100)  # 90 usable, 18 reserved
    assert budget.change(NOW) == (90, 18)
    assert budget.change(NOW) is None
    told = []
    for _ in range(90):
        budget.take(Priority.PROTECT, NOW)
        change = budget.change(NOW)
        if change is not None:
            told.append(change[0])
    assert told == [89, 80, 71, 62, 53, 44, 35, 26, 18, 17, 8, 0]
    assert budget.change(NOW + WINDOW_NS) == (90, 18)


def test_a_pause_is_told_as_nothing_left_but_the_reserve() -> None:
    budget = RequestBudget(limit=100)
    budget.answered({}, status=429, now=NOW)
    assert budget.change(NOW) == (18, 18)


def test_a_server_that_grants_nothing_is_asked_again_after_its_reset_and_for_cover_at_once() -> (
    None
):
    budget = RequestBudget(limit=10)
    budget.answered({"x-ratelimit-remaining": "0"}, status=200, now=NOW)
    assert budget.left(NOW) == 0
    assert budget.take(Priority.ENTRY, NOW) == NOW + WINDOW_NS
    assert spend(budget, Priority.PROTECT, NOW) == 9
    assert budget.take(Priority.PROTECT, NOW) == NOW + WINDOW_NS
    assert budget.take(Priority.ENTRY, NOW + WINDOW_NS) is None


@pytest.mark.parametrize("limit", [0, -1, 100_001])
def test_an_absurd_limit_is_refused(limit: int) -> None:
    with pytest.raises(ValueError):
        RequestBudget(limit=limit)


def test_a_limit_too_small_to_use_lets_nothing_through() -> None:
    budget = RequestBudget(limit=1)
    assert budget.take(Priority.PROTECT, NOW) == NOW + 1
    assert budget.change(NOW) == (0, 0)


def test_what_is_free_again_at_nearly_the_same_time_is_free_together() -> None:
    budget = RequestBudget(limit=10)
    for ms in range(1, budget.usable + 1):
        assert budget.take(Priority.PROTECT, NOW + ms * NANO // 1_000) is None
    until_ns = budget.take(Priority.PROTECT, NOW + NANO)
    assert until_ns == NOW + WINDOW_NS + TOGETHER_NS
    assert budget.left(NOW + WINDOW_NS + TOGETHER_NS) == budget.usable
