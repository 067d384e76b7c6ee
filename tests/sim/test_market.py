"""Market sources: order, merging, halts, and the refusal of time that runs backwards."""

from __future__ import annotations

import pickle

import pytest

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO
from surefill.sim.market import (
    EventStream,
    Halt,
    HaltedMarket,
    MarketEvent,
    MergedMarket,
    PrintEvent,
    QuoteEvent,
    ScriptedMarket,
    StatusEvent,
    TapeError,
    TapeErrorCode,
    events_of,
)


def quote(symbol: str, ns: int, bid_px: int = 10 * NANO) -> QuoteEvent:
    return QuoteEvent(symbol, Nbbo(bid_px, NANO, bid_px + NANO, NANO, ns, ns))


def print_(symbol: str, ns: int) -> PrintEvent:
    return PrintEvent(symbol, Print(10 * NANO, NANO, ns, ns))


def test_a_script_plays_in_order_and_ends() -> None:
    events: list[MarketEvent] = [
        quote("A", 1),
        print_("A", 1),
        StatusEvent("A", TradingStatus.HALTED, 5),
    ]
    market = ScriptedMarket(events)
    assert market.next_ns() == 1
    assert list(events_of(market)) == events
    assert market.next_ns() is None
    with pytest.raises(TapeError) as error:
        market.pop()
    assert error.value.code is TapeErrorCode.TAPE_EXHAUSTED


def test_an_empty_script_is_a_market_without_events() -> None:
    assert ScriptedMarket([]).next_ns() is None


def test_a_script_that_runs_backwards_is_refused_whole() -> None:
    bad = quote("A", 4)
    with pytest.raises(TapeError) as error:
        ScriptedMarket([quote("A", 5), bad], name="morning")
    assert error.value.code is TapeErrorCode.TAPE_BACKWARDS_TIME
    assert error.value.value == bad
    assert "morning, row 1: 4 ns after 5 ns" in error.value.sentence
    assert str(error.value).startswith("TAPE_BACKWARDS_TIME: ")


def test_a_stream_that_runs_backwards_is_refused_before_the_bad_row() -> None:
    stream = EventStream([quote("A", 5), quote("A", 6), quote("A", 4)], name="feed")
    assert stream.pop().venue_ns == 5
    with pytest.raises(TapeError) as error:
        stream.pop()
    assert error.value.code is TapeErrorCode.TAPE_BACKWARDS_TIME
    assert stream.next_ns() is None


def test_merging_orders_by_time_then_source_then_row() -> None:
    first = ScriptedMarket([quote("A", 1), quote("A", 3), print_("A", 3)])
    second = ScriptedMarket([quote("B", 1), quote("B", 2), quote("B", 3)])
    merged = MergedMarket([first, ScriptedMarket([]), second])
    shown = [(event.venue_ns, event.symbol) for event in events_of(merged)]
    assert shown == [(1, "A"), (1, "B"), (2, "B"), (3, "A"), (3, "A"), (3, "B")]
    assert merged.next_ns() is None
    with pytest.raises(TapeError) as error:
        merged.pop()
    assert error.value.code is TapeErrorCode.TAPE_EXHAUSTED


class Backwards:
    """A source without checks of its own."""

    def __init__(self) -> None:
        self.times = [5, 4]

    def next_ns(self) -> int | None:
        return self.times[0] if self.times else None

    def pop(self) -> MarketEvent:
        return quote("A", self.times.pop(0))


def test_merging_refuses_a_source_that_runs_backwards() -> None:
    merged = MergedMarket([ScriptedMarket([quote("B", 5)]), Backwards()])
    assert [merged.pop().symbol, merged.pop().symbol] == ["B", "A"]
    with pytest.raises(TapeError) as error:
        merged.pop()
    assert error.value.code is TapeErrorCode.TAPE_BACKWARDS_TIME
    assert "source 1" in error.value.sentence


def test_nothing_of_a_halted_symbol_passes() -> None:
    source = ScriptedMarket(
        [quote("A", 1), print_("A", 10), quote("B", 12), quote("A", 15), quote("A", 20)]
    )
    market = HaltedMarket(source, [Halt("A", 10, 20)])
    assert list(events_of(market)) == [
        quote("A", 1),
        StatusEvent("A", TradingStatus.HALTED, 10),
        quote("B", 12),
        StatusEvent("A", TradingStatus.TRADING, 20),
        quote("A", 20),
    ]


def test_a_halt_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(TapeError) as error:
        HaltedMarket(ScriptedMarket([]), [Halt("A", 10, 10)])
    assert error.value.code is TapeErrorCode.TAPE_BAD_VALUE


def test_an_error_is_the_same_in_another_process() -> None:
    """A process of a sweep that finds a bad tape sends its error to the one that asked."""
    error = TapeError(TapeErrorCode.TAPE_SUSPECT, "too many crossed quotes", "12 %")
    error.tape = "ACME"
    sent = pickle.loads(pickle.dumps(error))
    assert (str(sent), sent.code, sent.value, sent.tape) == (
        "TAPE_SUSPECT: too many crossed quotes ('12 %')",
        error.code,
        error.value,
        "ACME",
    )
