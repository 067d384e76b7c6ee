"""The request limit: a fixed window per account and kind."""

from __future__ import annotations

from surefill.sim.alpaca.limits import NS_PER_S, RateLimit

NOW_NS = 1_000_000_020 * NS_PER_S


def test_the_window_fills_and_starts_again() -> None:
    limit = RateLimit(2)
    granted = [limit.take("A", "trading", NOW_NS) for _ in range(3)]
    assert [item.granted for item in granted if item] == [True, True, False]
    assert [item.remaining for item in granted if item] == [1, 0, 0]
    first = granted[0]
    assert first is not None
    assert first.reset_s % 60 == 0
    assert first.headers["x-ratelimit-limit"] == "2"
    again = limit.take("A", "trading", first.reset_s * NS_PER_S)
    assert again is not None
    assert again.granted


def test_accounts_and_kinds_have_their_own() -> None:
    limit = RateLimit(1)
    for account, kind in (("A", "trading"), ("B", "trading"), ("A", "data")):
        allowance = limit.take(account, kind, NOW_NS)
        assert allowance is not None
        assert allowance.granted


def test_zero_is_no_limit() -> None:
    assert RateLimit(0).take("A", "trading", NOW_NS) is None
