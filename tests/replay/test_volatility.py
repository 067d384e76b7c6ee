"""The expected move, by hand."""

from __future__ import annotations

from surefill.core.units import NANO
from surefill.replay.volatility import KNOWN_MIN, WINDOW_S, move_px
from surefill.sim.columns import TapeColumns, columns_of_rows
from surefill.sim.synthetic import QUOTE, Row

START = 1_795_185_000 * NANO


def tape(*, step: int = 100, seconds: int = WINDOW_S, bid: int = 1_000_000) -> TapeColumns:
    """A quote a second; the mid goes ``step`` (1/10000 USD) up and down again."""
    rows: list[Row] = [
        (START + n * NANO, QUOTE, bid + step * (n % 2), 100, bid + step * (n % 2) + 200, 100)
        for n in range(seconds + 1)
    ]
    return columns_of_rows("X", rows)


def test_a_cent_a_second_is_ten_cents_in_a_hundred() -> None:
    end_ns = START + WINDOW_S * NANO
    assert move_px(tape(), end_ns, 1) == NANO // 100
    assert move_px(tape(), end_ns, 100) == NANO // 10
    assert move_px(tape(step=0), end_ns, 100) == 0


def test_nothing_after_the_instant_counts() -> None:
    whole = tape(seconds=2 * WINDOW_S)
    later = whole.ask_px.copy()
    later[WINDOW_S + 1 :] *= 2
    jumped = columns_of_rows("X", [])
    assert jumped.symbol == "X"
    end_ns = START + WINDOW_S * NANO
    assert move_px(whole, end_ns, 60) == move_px(tape(), end_ns, 60)


def test_too_little_is_unknown() -> None:
    assert move_px(tape(), START + (KNOWN_MIN - 1) * NANO, 60) is None
    assert move_px(tape(), START + KNOWN_MIN * NANO, 60) is not None
    assert move_px(tape(bid=0), START + WINDOW_S * NANO, 60) is None
    assert move_px(columns_of_rows("X", []), START, 60) is None
