"""The script reader, line by line, and the CRWD morning to the cent."""

from __future__ import annotations

from pathlib import Path

import pytest

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import CENT, NANO
from surefill.sim.market import PrintEvent, QuoteEvent, StatusEvent, TapeError, TapeErrorCode
from surefill.sim.scripts import (
    CRWD,
    CRWD_SESSION,
    CRWD_SIGNAL_NS,
    LINES_MAX,
    CrwdEnding,
    crwd_morning,
    load_script,
    read_script,
)

SCRIPT = """
# the same three facts, twice
+0      CRWD quote 535.90 x200 536.00 x100
+0.25   CRWD print 536 x25      # at the ask
2026-11-20T14:40:00.5Z CRWD status HALTED

{"at": "+0.5", "symbol": "CRWD", "quote": ["535.90", 200, "536.00", "0.5"]}
{"at": "2026-11-20T14:40:01Z", "symbol": "CRWD", "print": ["536.01", 1]}
{"at": "+1", "symbol": "CRWD", "status": "TRADING"}
"""


def test_lines_and_objects_say_the_same() -> None:
    start = CRWD_SIGNAL_NS
    half, one = start + NANO // 2, start + NANO
    assert read_script(SCRIPT, start_ns=start).events == (
        QuoteEvent(CRWD, Nbbo(53590 * CENT, 200 * NANO, 536 * NANO, 100 * NANO, start, start)),
        PrintEvent(CRWD, Print(536 * NANO, 25 * NANO, start + NANO // 4, start + NANO // 4)),
        StatusEvent(CRWD, TradingStatus.HALTED, half),
        QuoteEvent(CRWD, Nbbo(53590 * CENT, 200 * NANO, 536 * NANO, NANO // 2, half, half)),
        PrintEvent(CRWD, Print(53601 * CENT, NANO, one, one)),
        StatusEvent(CRWD, TradingStatus.TRADING, one),
    )


@pytest.mark.parametrize(
    "line",
    [
        "+0 CRWD quote",
        "+0 CRWD quote 1 1 2",
        "+0 CRWD trade 1 1",
        "+0 CRWD print 0 x1",
        "+0 CRWD print 1 x0",
        "+0 CRWD print 1.0000000001 x1",
        "+0 CRWD print abc x1",
        "+0 CRWD quote -1 x1 2 x1",
        "+0 CRWD status SLEEPING",
        "+x CRWD print 1 x1",
        "2026-11-20T14:40:00 CRWD print 1 x1",
        "2026-11-20T14:40:00.1234567891Z CRWD print 1 x1",
        "2026-11-20T14:40:00+05:00Z CRWD print 1 x1",
        "yesterdayZ CRWD print 1 x1",
        "{not json",
        '{"at": "+0", "symbol": "CRWD"}',
        '{"at": "+0", "print": ["1", 1]}',
        '{"at": "+0", "symbol": "CRWD", "print": [535.90, 1]}',
        '{"at": "+0", "symbol": "CRWD", "print": 7}',
        '{"at": "+0", "symbol": "CRWD", "print": ["1", 1], "quote": []}',
    ],
)
def test_a_bad_line_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(TapeError) as error:
        read_script(f"# first\n{line}", name="bad.txt")
    assert error.value.code is TapeErrorCode.SCRIPT_SYNTAX
    assert error.value.value == line
    assert error.value.sentence.startswith("bad.txt, line 2: ")


def test_a_script_that_runs_backwards_is_refused_with_its_line() -> None:
    with pytest.raises(TapeError) as error:
        read_script("+1 A print 1 x1\n+0.5 A print 1 x1")
    assert error.value.code is TapeErrorCode.TAPE_BACKWARDS_TIME
    assert "line 2" in error.value.sentence


def test_a_script_is_bounded() -> None:
    with pytest.raises(TapeError) as error:
        read_script("\n" * (LINES_MAX + 1))
    assert error.value.code is TapeErrorCode.SCRIPT_SYNTAX


def test_scripts_are_loaded_from_files(tmp_path: Path) -> None:
    path = tmp_path / "morning.txt"
    path.write_text(SCRIPT, encoding="utf-8")
    assert load_script(path, start_ns=CRWD_SIGNAL_NS).next_ns() == CRWD_SIGNAL_NS


def test_a_missing_or_unreadable_file_is_coded(tmp_path: Path) -> None:
    with pytest.raises(TapeError) as missing:
        load_script(tmp_path / "nowhere.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(TapeError) as unreadable:
        load_script(tmp_path / "bytes.txt")
    codes = [missing.value.code, unreadable.value.code]
    assert codes == [TapeErrorCode.TAPE_NOT_FOUND, TapeErrorCode.TAPE_UNREADABLE]


# ------------------------------------------------------------------------- the CRWD morning


def quotes(ending: CrwdEnding) -> dict[int, Nbbo]:
    """second after the signal -> quote"""
    return {
        (event.venue_ns - CRWD_SIGNAL_NS) // NANO: event.nbbo
        for event in crwd_morning(ending).events
        if isinstance(event, QuoteEvent)
    }


def prints(ending: CrwdEnding) -> list[Print]:
    return [event.print_ for event in crwd_morning(ending).events if isinstance(event, PrintEvent)]


@pytest.mark.parametrize("ending", list(CrwdEnding))
def test_the_signal_comes_late(ending: CrwdEnding) -> None:
    shown = quotes(ending)
    assert shown[-1].mid_px == 53482 * CENT
    for second in range(26):
        assert (shown[second].bid_px, shown[second].ask_px) == (53590 * CENT, 536 * NANO)
        assert shown[second].ask_qty >= 25 * NANO


@pytest.mark.parametrize("ending", list(CrwdEnding))
def test_a_limit_at_535_08_does_not_fill_for_two_minutes(ending: CrwdEnding) -> None:
    first = [nbbo for second, nbbo in quotes(ending).items() if 0 <= second <= 120]
    assert min(nbbo.ask_px for nbbo in first) > 53508 * CENT
    after = [
        p.px for p in prints(ending) if CRWD_SIGNAL_NS <= p.venue_ns < CRWD_SIGNAL_NS + 120 * NANO
    ]
    assert min(after) > 53508 * CENT


def test_the_stop_is_reached_and_the_target_is_not() -> None:
    shown = quotes(CrwdEnding.STOP)
    assert max(nbbo.ask_px for nbbo in shown.values()) == 53640 * CENT
    for second in range(241, 262):
        assert shown[second].bid_px == 52947 * CENT
        assert shown[second].bid_qty >= 25 * NANO
    electing = [p for p in prints(CrwdEnding.STOP) if p.px <= 52947 * CENT]
    assert electing[0].px == 52947 * CENT
    assert CRWD_SIGNAL_NS + 241 * NANO < electing[0].venue_ns < CRWD_SIGNAL_NS + 244 * NANO
    assert min(nbbo.bid_px for nbbo in shown.values()) < 52947 * CENT


def test_the_target_is_reached_and_the_stop_is_not() -> None:
    shown = quotes(CrwdEnding.TARGET)
    assert min(second for second, nbbo in shown.items() if nbbo.bid_px >= 53687 * CENT) == 150
    assert min(nbbo.bid_px for second, nbbo in shown.items() if second >= 0) == 53590 * CENT


def test_both_endings_begin_alike() -> None:
    stop, target = (crwd_morning(ending).events for ending in CrwdEnding)
    same = sum(event.venue_ns < CRWD_SIGNAL_NS + 86 * NANO for event in stop)
    assert stop[:same] == target[:same]
    assert stop[same] != target[same]


@pytest.mark.parametrize("ending", list(CrwdEnding))
def test_prints_are_inside_the_quote_and_all_in_regular_hours(ending: CrwdEnding) -> None:
    nbbo: Nbbo | None = None
    for event in crwd_morning(ending).events:
        assert CRWD_SESSION.open_ns <= event.venue_ns < CRWD_SESSION.close_ns
        if isinstance(event, QuoteEvent):
            nbbo = event.nbbo
        elif isinstance(event, PrintEvent):
            assert nbbo is not None
            assert event.print_.px in (nbbo.bid_px, nbbo.ask_px)
    assert crwd_morning(ending).events == crwd_morning(ending).events
