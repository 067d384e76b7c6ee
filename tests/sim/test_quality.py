"""A bad tape is told by its numbers, and each bound can be seen to bite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from surefill.core.units import NANO
from surefill.sim.calendar import session_on
from surefill.sim.columns import TapeColumns, columns_of_rows
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.quality import Gap, Quality, quality_of
from surefill.sim.selection import Loaded
from surefill.sim.synthetic import PRINT, QUOTE, Row
from tests.sim.tapes import day

SESSION = session_on(20261120)
COUNT = 1_000


def tape(*, scale: int = 1, pause_after: int = COUNT, pause_s: int = 0) -> TapeColumns:
    """A sound market: a quote a second, every fourth with a print at its ask."""
    rows: list[Row] = []
    for n in range(COUNT):
        ns = SESSION.open_ns + (n + (pause_s if n >= pause_after else 0)) * NANO
        bid, ask = 1_000_000 + 100 * (n % 7), 1_000_100 + 100 * (n % 7)
        rows.append((ns, QUOTE, bid * scale, 100, ask * scale, 100))
        if n % 4 == 0:
            rows.append((ns + 1, PRINT, ask * scale, 10, 1, 0))
    return columns_of_rows("ACME", rows)


def judged(columns: TapeColumns, **more: object) -> Quality:
    return quality_of(Loaded(columns, **more), SESSION)  # type: ignore[arg-type]


def told(columns: TapeColumns, **more: object) -> str:
    return "; ".join(judged(columns, **more).suspicions)


def some(columns: TapeColumns, share: float, **changes: int) -> TapeColumns:
    """The first rows with other values in them."""
    count = int(COUNT * share)
    found = {}
    for name, value in changes.items():
        column = getattr(columns, name).copy()
        column[:count] = value
        found[name] = column
    return replace(columns, **found)


def test_a_sound_tape_is_not_suspect() -> None:
    found = judged(tape(), beyond_count=5, dropped=(("off_exchange", 3), ("sold_last", 0)))
    found.check()
    assert found.suspicions == ()
    assert found.counts() == {
        "quotes": COUNT,
        "prints": COUNT // 4,
        "crossed": 0,
        "locked": 0,
        "one_sided": 0,
        "repeated": 0,
        "prints_outside": 0,
        "gaps": 0,
        "beyond_hours": 5,
        "no_evidence_off_exchange": 3,
    }
    assert found.sentence().startswith("Tape ACME 20261120: quotes 1,000, prints 250; crossed 0,")


@pytest.mark.parametrize(
    ("share", "changes", "words"),
    [
        (0.02, {"bid_px": 101 * NANO}, "20 of 1,000 crossed quotes"),
        (0.30, {"bid_px": 100 * NANO, "ask_px": 100 * NANO}, "300 of 1,000 locked quotes"),
        (0.60, {"ask_px": 0}, "600 of 1,000 one-sided quotes"),
        (0.95, {"bid_px": 99 * NANO, "ask_px": 99 * NANO + 1}, "prices between ticks"),
    ],
)
def test_what_no_market_does(share: float, changes: dict[str, int], words: str) -> None:
    bad = judged(some(tape(), share, **changes))
    assert words in "; ".join(bad.suspicions)
    assert "SUSPECT: " in bad.sentence()
    with pytest.raises(TapeError) as error:
        bad.check()
    assert error.value.code is TapeErrorCode.TAPE_SUSPECT
    assert words in str(error.value.value)
    few = some(tape(), share / 10, **changes)
    assert words.partition(" of")[2] not in told(few) or "ticks" in words


def test_quotes_that_stand_there_twice() -> None:
    once = tape()
    rows = np.repeat(np.arange(COUNT), np.where(np.arange(COUNT) < 100, 2, 1))
    names = ("quote_ns", "bid_px", "bid_qty", "ask_px", "ask_qty")
    twice = replace(
        once,
        **{name: getattr(once, name)[rows] for name in names},
        quotes_before=np.searchsorted(rows, once.quotes_before).astype(np.int64),
    )
    assert judged(twice).repeated_count == 100
    assert "100 of 1,100 repeated quotes" in told(twice)


def test_prints_that_the_quotes_know_nothing_of() -> None:
    far = replace(tape(), print_px=tape().print_px * 2)
    assert "250 of 250 prints outside the quote" in told(far)
    assert "where quotes are at" not in told(far)


@pytest.mark.parametrize(("factor", "divisor"), [(100, 1), (1, 100)])
def test_prints_in_another_unit_than_the_quotes(factor: int, divisor: int) -> None:
    cents = replace(tape(), print_px=tape().print_px * factor // divisor)
    assert "where quotes are at 100.03" in told(cents)


def test_a_whole_tape_in_another_unit() -> None:
    sound = tape()
    names = ("bid_px", "ask_px", "print_px")
    cents = replace(sound, **{name: getattr(sound, name) // 100 for name in names})
    assert "between ticks" in told(cents)
    dollars = replace(sound, **{name: getattr(sound, name) // 10_000 for name in names})
    assert "another unit?" in told(dollars)
    wild = replace(
        sound,
        bid_px=(np.arange(COUNT) + 100) * NANO,
        ask_px=(np.arange(COUNT) + 101) * NANO,
    )
    assert "a whole number of dollars" in told(wild)


def test_a_silence_that_a_busy_stock_cannot_have() -> None:
    broken = tape(pause_after=500, pause_s=700)
    (gap,) = judged(broken).gaps
    assert (gap.end_ns - gap.start_ns) // NANO == 701
    assert gap.holds(gap.start_ns + 1)
    assert not gap.holds(gap.end_ns)
    assert "1 gaps, the longest 701 s" in told(broken)
    assert told(tape(pause_after=500, pause_s=100)) == ""
    assert Gap(1, 2).end_ns == 2


def test_gaps_that_were_written_down_count_in_regular_hours() -> None:
    early = (SESSION.open_ns - 500 * NANO, SESSION.open_ns)
    inside = (SESSION.open_ns + 5 * NANO, SESSION.open_ns + 6 * NANO)
    assert judged(tape(), gaps=(early, inside)).gaps == (Gap(*inside),)
    assert "1 gaps, the longest 1 s" in told(tape(), gaps=(inside,))
    assert told(tape(), gaps=(early,)) == ""


def test_few_rows_say_little() -> None:
    rows: list[Row] = [(SESSION.open_ns + n * 900 * NANO, QUOTE, 1, 1, 0, 0) for n in range(20)]
    assert told(columns_of_rows("THIN", rows)) == "no two-sided quote"
    thin: list[Row] = [
        (SESSION.open_ns + n * 900 * NANO, QUOTE, 1_000_000, 1, 1_000_100, 1) for n in range(20)
    ]
    assert told(columns_of_rows("THIN", thin)) == ""


@pytest.mark.parametrize(
    ("noted", "words"),
    [
        (("maybe_bad_book", 50), "50 records whose book"),
        (("halt_messages", 2), "2 halt messages"),
        (("quotes_only_at_trades", 9), "quotes only where"),
        (("hidden_executions", 9), ""),
        (("maybe_bad_book", 1), ""),
    ],
)
def test_what_a_format_says_against_itself(noted: tuple[str, int], words: str) -> None:
    assert words in told(tape(), noted=(noted,))
    assert bool(told(tape(), noted=(noted,))) is bool(words)
    assert judged(tape(), noted=(noted,)).counts()[noted[0]] == noted[1]


@pytest.mark.tape
@pytest.mark.parametrize("symbol", ["AMZN", "ARL"])
def test_real_days_are_not_suspect(symbol: str) -> None:
    from surefill.sim.tape import open_tape

    found = day(symbol, 20120621 if symbol == "AMZN" else 20250717)
    session = session_on(found.date)
    tape = open_tape(found, start_ns=session.open_ns, end_ns=session.close_ns)
    assert tape.quality(session).suspicions == ()
