"""Busts and corrections: shorts, reduced positions, unknown executions."""

from __future__ import annotations

import pytest

from surefill.core.units import NANO, to_nano
from tests.sim.venue import ME, SYM, Floor


def test_bust_of_a_short_sale() -> None:
    floor = Floor()
    floor.short()
    floor.exchange.bust(floor.exchange.fills(ME)[0].exec_id)
    assert floor.position() == 0
    assert floor.exchange.account_view(ME).cash_usd == to_nano("100000")


def test_busted_shares_do_not_come_back_to_life() -> None:
    floor = Floor(quote=False)
    floor.quote("99.99", "100.01", ask_size=40)
    entry = floor.order("buy", 100, limit="100.01")
    floor.exchange.bust(floor.exchange.fills(ME)[0].exec_id)
    shown = floor.at(entry)
    assert (shown.cum_qty, shown.leaves_qty) == (0, 60 * NANO)
    floor.quote("99.98", "100.00")
    assert floor.position() == 60
    assert floor.status(entry) == "FILLED"


def test_correction_of_a_closed_position_moves_cash_only() -> None:
    floor = Floor()
    floor.long()
    floor.order("sell", 100, "market")
    cash_usd = floor.exchange.account_view(ME).cash_usd
    floor.exchange.correct(floor.exchange.fills(ME)[0].exec_id, to_nano("100.00"))
    assert floor.exchange.account_view(ME).cash_usd == cash_usd + to_nano("1")
    assert floor.exchange.drain()[-1].kind == "TRADE_CORRECT"


def test_correction_of_a_sale() -> None:
    floor = Floor()
    floor.short()
    floor.exchange.correct(floor.exchange.fills(ME)[0].exec_id, to_nano("99.90"))
    assert floor.exchange.position(ME, SYM).cost == -100 * NANO * to_nano("99.90")


def test_unknown_execution() -> None:
    with pytest.raises(KeyError):
        Floor().exchange.bust("nothing")
