"""The market that jumps: the last quote and print before a jump stay, outcomes stay the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surefill.core.plan import SECOND_NS
from surefill.core.units import CENT
from surefill.replay.comparison import Scope, Stream, play_path, stream_of_day
from surefill.replay.plan_sampled import SampledPlans
from surefill.replay.skipping import SkippingMarket
from surefill.sim.auditor_log import FILL_KINDS
from surefill.sim.columns import TapeColumns, columns_of_rows
from surefill.sim.market import MarketEvent, PrintEvent, QuoteEvent
from surefill.sim.synthetic import PRINT, QUOTE
from surefill.sim.tape import TapeDay
from surefill.sim.workload import Draw
from tests.sim.tapes import day, twin

START_NS = 1_000_000_000_000


def quote(at_s: int, bid: int) -> tuple[int, int, int, int, int, int]:
    """A quote ``at_s`` seconds after the start, a cent wide; prices in 1/10000 dollar."""
    return (START_NS + at_s * SECOND_NS, QUOTE, bid, 100, bid + 100, 100)


def printed(at_s: int, px: int) -> tuple[int, int, int, int, int, int]:
    """A print of 100 shares."""
    return (START_NS + at_s * SECOND_NS, PRINT, px, 100, 1, 0)


def tape(symbol: str = "ACME") -> TapeColumns:
    """Ten quotes, and prints after the second, the fifth and the last one."""
    rows = [quote(n, 10_000 + 100 * n) for n in range(10)]
    for n, place in enumerate((2, 6, 12)):
        rows.insert(place, printed(place - 1 - n, 10_100 + 100 * place))
    return columns_of_rows(symbol, rows)


def rest(market: SkippingMarket) -> list[tuple[str, str, int]]:
    """Symbol, kind and second of everything that is left."""
    found = []
    while market.next_ns() is not None:
        found.append(told(market.pop()))
    return found


def told(event: MarketEvent) -> tuple[str, str, int]:
    assert isinstance(event, QuoteEvent | PrintEvent)
    kind = "q" if isinstance(event, QuoteEvent) else "p"
    return event.symbol, kind, (event.venue_ns - START_NS) // SECOND_NS


def test_without_jumps_everything_is_played() -> None:
    assert len(rest(SkippingMarket([tape()]))) == 13


def test_the_last_quote_and_the_last_print_before_the_jump_are_played() -> None:
    market = SkippingMarket([tape()])
    assert told(market.pop()) == ("ACME", "q", 0)
    market.skip(START_NS + 8 * SECOND_NS)
    assert rest(market)[:4] == [
        ("ACME", "p", 4),
        ("ACME", "q", 7),
        ("ACME", "q", 8),
        ("ACME", "q", 9),
    ]
    assert market.skipped == 7


def test_what_was_played_is_not_played_again() -> None:
    market = SkippingMarket([tape()])
    played = [told(market.pop()) for _ in range(7)]
    assert played[-1] == ("ACME", "p", 4)
    market.skip(START_NS + 5 * SECOND_NS)
    market.skip(START_NS + 2 * SECOND_NS)
    assert rest(market)[0] == ("ACME", "q", 5)
    assert market.skipped == 0


def test_every_symbol_jumps_and_the_end_is_the_end() -> None:
    market = SkippingMarket([tape("ACME"), tape("EMCA")])
    market.skip(START_NS + 100 * SECOND_NS)
    assert rest(market) == [
        ("ACME", "q", 9),
        ("ACME", "p", 9),
        ("EMCA", "q", 9),
        ("EMCA", "p", 9),
    ]
    market.skip(START_NS + 200 * SECOND_NS)
    assert market.next_ns() is None


@pytest.mark.parametrize("sign", [1, -1])
def test_a_side_that_went_and_came_back_is_seen_to_have_done_so(sign: int) -> None:
    """What was taken from it before is there again, as in a run that passes over nothing."""
    rows = [quote(n, 10_000) for n in range(9)]
    for n in (3, 5):
        ns, kind, bid, bid_size, ask, ask_size = rows[n]
        sizes = (70, ask_size) if sign > 0 else (bid_size, 70)
        rows[n] = (ns, kind, bid, sizes[0], ask, sizes[1])
    market = SkippingMarket([columns_of_rows("ACME", rows)])
    assert told(market.pop()) == ("ACME", "q", 0)
    market.skip(START_NS + 8 * SECOND_NS)
    assert [second for *_, second in rest(market)] == [5, 6, 7, 8]
    assert market.skipped == 4


def test_a_side_that_stayed_or_is_another_needs_nothing_but_the_last_quote() -> None:
    rows = [quote(n, 10_000) for n in range(6)]
    ns, kind, bid, size, ask, _ = rows[4]
    rows[4] = rows[5] = (ns, kind, bid, size, ask, 70)
    market = SkippingMarket([columns_of_rows("ACME", rows)])
    market.pop()
    market.skip(START_NS + 60 * SECOND_NS)
    assert len(rest(market)) == 1


def study(found: TapeDay) -> Stream:
    """Plans of half an hour, five minutes apart."""
    plans = SampledPlans(every_s=300, stale_s=0, budget_s=20, hold_s=40, minutes_max=25)
    scope = Scope(plans_max=10, window_ns_max=1, events_max=1)
    return stream_of_day(found, 3, scope, source=plans)


def check_identity(stream: Stream, tactic: str | None) -> None:
    """The naive run and the one that jumps agree, line by line of the venue's own log."""
    naive, fast = (
        play_path(stream, seed=3, is_legacy=tactic is None, tactic=tactic, skips=skips)
        for skips in (False, True)
    )
    assert naive.lines == fast.lines
    assert naive.ended == fast.ended
    assert len(naive.ended) == len(stream.draws) > 2
    assert any(line["kind"] in FILL_KINDS for line in naive.lines)


@pytest.mark.parametrize("tactic", [None, "adaptive"])
def test_a_run_that_jumps_has_the_same_outcomes(tactic: str | None, tmp_path: Path) -> None:
    check_identity(study(twin(tmp_path)), tactic)


def waiting(draw: Draw, cents: int) -> Draw:
    """The plan as a breakout that waits for 200 s at most."""
    plan = draw.plan
    trigger_px = plan.signal_px + plan.sign * cents * CENT
    breakout = replace(
        plan,
        signal_px=trigger_px,
        trigger_px=trigger_px,
        trigger_for_ns=200 * SECOND_NS,
        exit_at_ns=draw.at_ns + 290 * SECOND_NS,
    )
    return replace(draw, plan=breakout)


def test_breakouts_that_wait_are_woken_by_their_market(tmp_path: Path) -> None:
    """While one waits nothing is passed over: any quote may be the one."""
    stream = study(twin(tmp_path))
    stream = replace(
        stream, draws=tuple(waiting(draw, -n % 3) for n, draw in enumerate(stream.draws))
    )
    check_identity(stream, "marketable")


def test_a_recorded_half_hour_has_the_same_outcomes() -> None:
    """All tapes: `python -m benchmarks.identity`."""
    check_identity(study(day("IBM", 20131007)), "adaptive")
