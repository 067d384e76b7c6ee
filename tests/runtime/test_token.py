"""A secret for one run."""

from __future__ import annotations

from surefill.runtime.token import TOKEN_BYTES, fresh_token


def test_tokens_are_long_and_differ() -> None:
    assert len({fresh_token() for _ in range(50)}) == 50
    assert len(fresh_token()) == 2 * TOKEN_BYTES
