from __future__ import annotations

import pytest

from surefill.core.fix import ExecType, Feed, Leg, OrdStatus, Side, TradingStatus


@pytest.mark.parametrize(
    ("side", "sign", "exit_side"),
    [
        (Side.BUY, 1, Side.SELL),
        (Side.SELL, -1, Side.BUY),
        (Side.SELL_SHORT, -1, Side.BUY),
    ],
)
def test_a_side_has_a_sign_and_an_opposite(side: Side, sign: int, exit_side: Side) -> None:
    assert side.sign == sign
    assert side.exit_side is exit_side
    assert exit_side.sign == -sign


def test_only_dead_orders_are_terminal() -> None:
    # done_for_day, stopped, suspended and calculated may still execute or be corrected.
    assert {status for status in OrdStatus if status.is_terminal} == {
        OrdStatus.FILLED,
        OrdStatus.CANCELED,
        OrdStatus.EXPIRED,
        OrdStatus.REPLACED,
        OrdStatus.REJECTED,
    }


def test_a_fill_is_a_trade() -> None:
    # FIX 4.4 dropped FILL and PARTIAL_FILL; the glossary says the same.
    assert "TRADE" in ExecType.__members__
    assert not {"FILL", "PARTIAL_FILL"} & ExecType.__members__.keys()


def test_words_are_their_own_values() -> None:
    for vocabulary in (Side, OrdStatus, ExecType, Leg, TradingStatus, Feed):
        assert all(word.name == word.value for word in vocabulary)
