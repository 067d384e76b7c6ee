"""How an account stands: what is wrong comes first and is loud."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.events import Account, Position
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.risk import RiskState
from surefill.core.state import EngineState
from surefill.core.units import NANO
from surefill.dashboard.board import Board, Look, Vital, board_of
from surefill.dashboard.words import Tone, px_text
from surefill.runtime.heartbeat import Beat
from surefill.service.reader import NOTHING, Picture, Pulse
from surefill.tca.rules import RULES, Alert, Severity
from tests.core.test_scaling import begun
from tests.dashboard.days import SETTINGS, look_at
from tests.support.core import Bench, covered_bench


def vital(board: Board, name: str) -> Vital:
    (found,) = (one for one in board.vitals if one.name == name)
    return found


def with_state(look: Look, **more: object) -> Look:
    state = look.picture.state
    assert isinstance(state, EngineState)
    picture = Picture(look.picture.seq, look.picture.found, replace(state, **more))  # type: ignore[arg-type]
    return replace(look, picture=picture)


def alert(severity: Severity) -> Alert:
    return Alert(next(rule for rule in RULES if rule.severity is severity), 1, (3,))


def test_a_covered_trade_is_quiet() -> None:
    board = board_of(look_at(covered_bench()))
    (row,) = board.trades
    assert (row.tone, row.bare, row.phase) == (Tone.GOOD, "0", "COVERED")
    assert (board.notices, board.worst) == ((), Tone.GOOD)
    assert board.headline == "1 open trade, 1 with shares, all covered"
    assert (row.held, row.side, row.path) == ("100", "BUY", "smart")


def test_bare_shares_come_first_and_say_how_long() -> None:
    b = Bench()
    b.accepts("E1")
    b.fills("E1", 40)
    quiet = replace(covered_bench().trade, plan=replace(b.trade.plan, plan_id="a0"))
    look = look_at(
        b,
        quiet,
        b.trade,
        bare_more_ns=(("p1", 5 * NANO),),
        alerts=(alert(Severity.WARNING), alert(Severity.CRITICAL)),
    )
    board = board_of(look)
    first = board.notices[0]
    assert first.title == "EXPOSED: 40 shares of ACME without a stop"
    assert (first.tone, first.plan_id) == (Tone.BAD, "p1")
    assert "5.0" in first.text
    assert board.headline == first.title
    assert [row.plan_id for row in board.trades] == ["p1", "a0"]
    assert [one.tone for one in board.notices[1:]] == [Tone.BAD, Tone.WARN]
    assert not any("`" in one.todo for one in board.notices)
    assert board.trades[0].tone is Tone.BAD


def test_an_order_in_doubt_is_named() -> None:
    b = Bench()
    b.loses("E1")
    board = board_of(look_at(b))
    (notice,) = board.notices
    assert (notice.title, notice.plan_id) == ("IN DOUBT: an order of ACME", "p1")
    assert "E1" in notice.text
    assert board.trades[0].tone is Tone.BAD


def test_an_entry_against_its_worst_price() -> None:
    b = Bench()
    b.accepts("E1")
    working = board_of(look_at(b)).trades[0]
    assert (working.entry.filled_percent, working.entry.filled) == (0, "0 of 100")
    assert working.entry.room_percent is not None
    assert "limit" in working.entry.price
    assert working.tone is Tone.PLAIN
    b.fills("E1", 100)
    done = board_of(look_at(b)).trades[0]
    assert (done.entry.filled_percent, "paid" in done.entry.price) == (100, True)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_every_target_that_rests_is_shown_nearest_first(side: str) -> None:
    b = begun(side)
    b.fills("E1", 100)
    for name in ("X1", "X2", "X3"):
        b.accepts(name)
    (row,) = board_of(look_at(b)).trades
    shown = [px_text(b.at(cents)) for cents in (355, 505, 605)]
    assert row.target == ", ".join(shown)


def test_a_legacy_entry_has_no_cap_to_measure_by() -> None:
    b = Bench(legacy=True)
    (row,) = board_of(look_at(b)).trades
    assert (row.path, row.entry.room_percent) == ("legacy", None)
    assert "no cap" in row.entry.price


def test_a_cap_without_room_has_no_way_to_go() -> None:
    trade = covered_bench().trade
    terms = replace(trade.terms, worst_px=trade.plan.signal_px)
    (row,) = board_of(look_at(covered_bench(), replace(trade, terms=terms))).trades
    assert row.entry.room_percent is None


def test_without_an_engine_open_trades_make_it_loud() -> None:
    gone = Pulse(None, None)
    board = board_of(look_at(covered_bench(), pulse=gone))
    assert (board.notices[0].title, board.notices[0].tone) == ("NO ENGINE RUNS", Tone.BAD)
    assert (vital(board, "Engine").value, vital(board, "Heartbeat").value) == ("not running", "-")
    assert not board.is_running
    assert board.trades[0].tone is Tone.WARN, "nobody would have heard of a fill"
    assert "surefill status asks the broker" in board.notices[0].text
    calm = replace(look_at(covered_bench()), pulse=gone)
    calm = replace(calm, picture=Picture(1, {}, calm.picture.state))
    assert board_of(calm).notices[0].tone is Tone.WARN
    assert board_of(calm).headline == "No open trade"


@pytest.mark.parametrize(
    ("age_s", "value", "tone"),
    [(1, "steady", Tone.GOOD), (5, "5.000 s ago", Tone.WARN), (11, "11.0 s ago", Tone.BAD)],
)
def test_a_heart_that_stands_still(age_s: int, value: str, tone: Tone) -> None:
    board = board_of(look_at(covered_bench(), beat_age_ns=age_s * NANO))
    assert (vital(board, "Heartbeat").value, vital(board, "Heartbeat").tone) == (value, tone)
    assert any(one.title == "ENGINE SILENT" for one in board.notices) is (age_s > 10)
    assert (board.trades[0].tone is Tone.GOOD) is (age_s <= 10)


def test_an_end_in_order_is_no_silence() -> None:
    ended = Pulse("somebody", Beat(9, 7, is_stopped=True))
    board = board_of(look_at(covered_bench(), pulse=ended))
    assert vital(board, "Heartbeat").value == "ended in order"


def test_switches_are_said_with_their_way_back() -> None:
    reason = Reason.of(ReasonCode.HALT_ACTIVE, why="news")
    halted = board_of(with_state(look_at(covered_bench()), halt=reason))
    assert (halted.risk, halted.notices[0].title) == (RiskState.REDUCING, "REDUCING: EXITS ONLY")
    assert halted.risk_why == reason.sentence
    killed = board_of(with_state(look_at(covered_bench()), halt=reason, kill=reason))
    assert (killed.risk, killed.notices[0].title) == (
        RiskState.HALTED,
        "HALTED BY THE KILL SWITCH",
    )
    loud = with_state(look_at(covered_bench()), kill=reason)
    both = board_of(replace(loud, alerts=(alert(Severity.CRITICAL),)))
    assert [one.tone for one in both.notices] == [Tone.BAD, Tone.WARN]
    assert killed.headline == "1 open trade, 1 with shares, all covered"


def test_a_lost_stream_is_said() -> None:
    board = board_of(with_state(look_at(covered_bench()), is_stream_up=False))
    assert (board.notices[0].title, board.worst) == ("ORDER STREAM DOWN", Tone.WARN)
    assert vital(board, "Order stream").tone is Tone.BAD


@pytest.mark.parametrize(
    ("lag_ms", "value", "tone"),
    [
        (40, "reports 40 ms late", Tone.GOOD),
        (-600, "reports 600 ms early", Tone.WARN),
        (2_000, "reports 2000 ms late", Tone.BAD),
    ],
)
def test_the_clock_by_the_venues_stamp(lag_ms: int, value: str, tone: Tone) -> None:
    look = look_at(covered_bench(), lag_ns=lag_ms * 1_000_000, last_ns=NANO, has_own_time=True)
    found = vital(board_of(look), "Clock")
    assert (found.value, found.tone) == (value, tone)
    assert found.hint.endswith("its own day")


def test_a_budget_that_runs_out() -> None:
    look = look_at(covered_bench())
    assert vital(board_of(with_state(look, requests_left=None)), "Request budget").value == "-"
    low = vital(board_of(with_state(look, requests_left=40)), "Request budget")
    assert (low.value, low.tone) == ("40 of 200 left", Tone.WARN)
    high = vital(board_of(with_state(look, requests_left=41)), "Request budget")
    assert high.tone is Tone.GOOD


def test_accounts_are_masked_and_what_is_not_ours_is_shown_apart() -> None:
    look = look_at(covered_bench())
    assert look.picture.state is not None
    account = look.picture.state.account
    assert isinstance(account, Account)
    look = with_state(
        look,
        account=replace(account, account_id="PA1234567890"),
        foreign=(Position("OTHR", 7 * NANO, None),),
    )
    board = board_of(look)
    assert vital(board, "Account").value == "****7890"
    assert [(one.symbol, one.qty) for one in board.foreign] == [("OTHR", "7")]
    assert vital(board_of(with_state(look, account=None)), "Account").value == "-"


def test_who_is_dead_is_not_steady() -> None:
    """Killed a moment ago: the last beat is young, and the last word about the stream was good."""
    board = board_of(look_at(covered_bench(), pulse=Pulse(None, Beat(41, 7, is_stopped=False))))
    beat = vital(board, "Heartbeat")
    assert (beat.value, beat.tone) == ("ended without a word", Tone.BAD)
    assert (vital(board, "Order stream").value, board.headline) == ("-", "NO ENGINE RUNS")


def test_a_journal_that_cannot_be_read_is_louder_than_an_empty_account() -> None:
    blind = Look(picture=NOTHING, pulse=Pulse(None, None), settings=SETTINGS)
    board = board_of(replace(blind, problem="file is not a database", is_blind=True))
    (notice,) = board.notices
    assert (notice.tone, notice.text) == (Tone.BAD, "file is not a database")
    assert board.headline == "BLIND: THE JOURNAL CANNOT BE READ"
    assert board.worst is Tone.BAD


def test_nothing_yet() -> None:
    nothing = Look(picture=NOTHING, pulse=Pulse(None, None), settings=SETTINGS)
    assert [one.name for one in board_of(nothing).vitals] == ["Engine", "Heartbeat"]
    board = board_of(replace(nothing, problem="no journal there"))
    assert (board.vitals, board.notices, board.risk) == ((), (), None)
    assert (board.headline, board.problem) == ("Nothing to show yet", "no journal there")
    assert board.worst is Tone.PLAIN


def test_a_breakout_that_waits_shows_its_trigger() -> None:
    b = Bench(submit=False)
    b.submit_plan(replace(b.plan, trigger_px=b.at(0)))
    row = board_of(look_at(b)).trades[0]
    assert (row.phase, row.tone) == ("AWAITING TRIGGER", Tone.PLAIN)
    assert row.entry.price.startswith("trigger 100.00, worst 100.10")
