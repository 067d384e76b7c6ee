"""The rule over columns against one that goes quote by quote and knows no columns."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefill.replay.kernel import Brackets, brackets, compiled_scan

Trip = tuple[int, int, int, int]


def naive(
    quotes: list[tuple[int, int]], starts: set[int], *, sign: int, stop: int, target: int
) -> list[Trip]:
    """Quote by quote, one position, as a trader would tell it."""
    found: list[Trip] = []
    held: tuple[int, int] | None = None
    for row, (bid, ask) in enumerate(quotes):
        if held is not None:
            entry, paid = held
            could_get = bid if sign > 0 else ask
            gain = sign * (could_get - paid)
            if gain >= target:
                found.append((entry, row, paid, paid + sign * target))
                held = None
            elif gain <= -stop:
                found.append((entry, row, paid, could_get))
                held = None
        if held is None and row in starts:
            held = row, ask if sign > 0 else bid
    return found


def trips(found: Brackets) -> list[Trip]:
    columns = (found.entry, found.exit, found.entry_px, found.exit_px)
    return list(zip(*(column.tolist() for column in columns), strict=True))


QUOTES = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 3)).map(lambda q: (q[0], q[0] + q[1])), max_size=60
)


@given(
    quotes=QUOTES,
    every=st.sets(st.integers(0, 59)),
    sign=st.sampled_from((1, -1)),
    stop=st.integers(1, 12),
    target=st.integers(1, 12),
)
def test_columns_find_what_a_trader_finds(
    quotes: list[tuple[int, int]], every: set[int], sign: int, stop: int, target: int
) -> None:
    starts = {row for row in every if row < len(quotes)}
    expected = naive(quotes, starts, sign=sign, stop=stop, target=target)
    bid, ask = (np.array([q[n] for q in quotes], dtype=np.int32) for n in (0, 1))
    rows = np.array(sorted(starts), dtype=np.int64)
    for compiled in (False, True):
        found = brackets(bid, ask, rows, sign=sign, stop=stop, target=target, compiled=compiled)
        assert trips(found) == expected
        assert len(found) == len(expected)
        assert found.made.tolist() == [sign * (out - paid) for _, _, paid, out in expected]


def test_numba_is_there_where_tests_run() -> None:
    assert compiled_scan() is not None


def test_without_numba_the_same_source_runs_as_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    compiled_scan.cache_clear()
    try:
        assert compiled_scan() is None
        column = np.array([10, 9, 8], dtype=np.int64)
        found = brackets(column, column + 1, np.array([0]), sign=1, stop=2, target=5)
        assert trips(found) == [(0, 1, 11, 9)]
    finally:
        compiled_scan.cache_clear()


@pytest.mark.parametrize(
    ("starts", "terms"),
    [
        ([0], {"sign": 0, "stop": 1, "target": 1}),
        ([0], {"sign": 1, "stop": 0, "target": 1}),
        ([0], {"sign": 1, "stop": 1, "target": 0}),
        ([1, 1], {"sign": 1, "stop": 1, "target": 1}),
        ([-1], {"sign": 1, "stop": 1, "target": 1}),
        ([3], {"sign": 1, "stop": 1, "target": 1}),
    ],
)
def test_what_makes_no_bracket_is_refused(starts: list[int], terms: dict[str, int]) -> None:
    column = np.array([10, 9, 8], dtype=np.int64)
    with pytest.raises(ValueError, match=r"bracket|rows"):
        brackets(column, column + 1, np.array(starts), compiled=False, **terms)


def test_columns_of_different_lengths_are_refused() -> None:
    column = np.array([10, 9, 8], dtype=np.int64)
    with pytest.raises(ValueError, match="no quotes"):
        brackets(column, column[:2], np.array([0]), sign=1, stop=1, target=1)
