"""One fact, one sentence: what answers, fills, cover, refusals and operators sound like."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.events import Act, RateLimited, Unavailable, Verb
from surefill.core.fix import ExecType, OrdStatus
from surefill.core.plan import TradePlan
from surefill.core.units import NANO, to_nano
from surefill.replay.narrate import narrate
from tests.support.core import Kind
from tests.support.told import ToldBench


def covered(side: str = "buy", **more: object) -> ToldBench:
    b = ToldBench(side, **more)
    b.accepts("E1")
    b.fills("E1", 100)
    b.accepts("X1")
    return b


def test_the_life_of_a_long_that_reaches_its_target() -> None:
    b = covered()
    b.fills("X1", 100)
    b.run(2)
    assert b.told[2:] == [
        "Accepted for 100 shares: first limit 100.05, cap 100.10, worst price 100.10; "
        "planned reward/risk 2.00.",
        "Sent E1: BUY 100 LIMIT 100.05 DAY, to work for 60 s at most.",
        "The broker has entry E1, known in 40 ms.",
        "Entry E1 filled 100 at 100.05: 100 of 100, average 100.05, slippage +5.00 bps.",
        "Sent X1: SELL 100 OCO stop 98.05 | limit 104.05 GTC, cover for the fill at 100.05 on "
        "average.",
        "The broker has target X1, known in 40 ms.",
        "The broker made stop leg: SELL 100 STOP 98.05 GTC, known in 40 ms.",
        "All 100 shares covered: stop 98.05, target 104.05; bare for 40 ms.",
        "Entry over: it filled completely; 100 shares at 100.05, bare for 0.04 s in all "
        "(4.0000 share-seconds).",
        "Target X1 filled 100 at 104.05; 0 shares left.",
        "Stop leg is cancelled, 0 of 100 filled.",
        "Outcome CLOSED_TARGET at 104.05, 400.00 USD.",
        "Reward/risk: planned 2.00, at the fill against the signal's levels 1.93, realized 2.00 R.",
    ]


def test_a_short_says_what_it_sells() -> None:
    b = covered("sell")
    assert "Sent E1: SELL_SHORT 100 LIMIT 99.95 DAY, to work for 60 s at most." in b.told
    assert any("BUY 100 OCO stop 101.95 | limit 95.95 GTC" in text for text in b.told)


def test_partial_fills_beside_a_working_entry() -> None:
    b = ToldBench(beside=True)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.3)
    b.accepts("X1")
    b.fills("E1", 20)
    b.fills("E1", 43, 4)
    b.run(0.3)
    b.accepts("X2")
    told = b.told
    assert "All 37 shares covered: stop 98.05, target 104.05; bare for 340 ms." in told
    assert "Entry E1 filled 43 at 100.04: 100 of 100, average 100.0457, slippage +4.57 bps." in told
    assert any(text.startswith("All 100 shares covered") for text in told)


def test_requests_that_had_no_effect() -> None:
    b = ToldBench()
    b.answers("E1", Unavailable("connection refused"))
    b.run(0.2)
    b.answers("E1", RateLimited(b.now + NANO))
    b.run(2)
    told = b.told
    assert "The submit of entry E1 did not leave: connection refused (40 ms)." in told
    assert "Too many requests; submit of entry E1 waits (140 ms)." in told
    again = [text for text in told if text.endswith("DAY, again, under the same id.")]
    assert len(again) == 2


def test_a_doubt_and_what_settles_it() -> None:
    b = ToldBench()
    b.loses("E1")
    b.run(0.1)
    b.takes("E1")
    b.run(2)
    told = b.told
    assert "No proof whether the submit of entry E1 took effect: no answer (40 ms)." in told
    assert "The broker does not know entry E1." in told
    assert "The broker has entry E1, known in 30 ms." in told


def test_an_entry_that_never_arrived() -> None:
    b = ToldBench()
    b.loses("E1")
    b.run(400)
    assert b.told[-1].startswith("Outcome NOT_ENTERED: the entry never reached the broker")


def test_refused_cover_falls_to_a_lone_stop() -> None:
    b = ToldBench()
    b.accepts("E1")
    b.fills("E1", 100)
    b.refuses("X1", Kind.OTHER)
    b.accepts("S1")
    told = b.told
    assert "The broker refused to submit target X1: OTHER, other (40 ms)." in told
    assert "Target X1 is rejected, 0 of 100 filled." in told
    assert any(text.startswith("ALARM COVER_REFUSED") for text in told)
    assert "All 100 shares covered: stop 98.05, no target; bare for 80 ms." in told


def test_lost_cover_and_a_restart() -> None:
    b = covered()
    b.cancelled("X1")
    b.restart()
    told = b.told
    assert "100 shares are bare." in told
    assert "ALARM COVER_LOST: cover for 100 shares is gone: CANCELED." in told
    assert "A new process took over (test); what was in flight is in doubt until read." in told


def test_an_order_found_in_a_listing_after_a_restart() -> None:
    b = ToldBench()
    b.takes("E1")
    b.restart()
    b.run(0.1)
    assert "The broker has entry E1, known from a listing." in b.told


def test_an_order_that_the_stream_knew_first() -> None:
    b = ToldBench()
    row = b.takes("E1")
    b.streams(b.report(row, ExecType.NEW))
    assert "The broker has entry E1, known from the stream." in b.told


def test_an_operator_flattens() -> None:
    b = covered()
    b.operator(Act.FLATTEN, "p1")
    b.replaces("X1", "T1")
    b.fills("T1", 100)
    b.run(2)
    told = b.told
    assert "desk asked for FLATTEN: asked." in told
    assert "Moves target X1 to 99.49 (T1), to close: flatten: desk: asked." in told
    assert "Target X1 is replaced, 0 of 100 filled." in told
    assert "Closing order T1 filled 100 at 99.49; 0 shares left." in told
    assert "Outcome CLOSED_FLATTEN at 99.49, -56.00 USD: flatten: desk: asked." in told


def test_an_operator_without_a_reason_and_a_closing_order() -> None:
    b = ToldBench(tactic="limit")
    b.accepts("E1")
    b.fills("E1", 100)
    b.refuses("X1", Kind.OTHER)
    b.refuses("S1", Kind.OTHER)
    b.operator(Act.FLATTEN, "p1", why="")
    told = b.told
    assert "desk asked for FLATTEN." in told
    sent = next(text for text in told if text.startswith("Sent F1"))
    assert "to close: the broker refused cover (STOP): other" in sent


def test_exits_that_move_to_the_fill() -> None:
    b = ToldBench(tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 100, 5)
    b.replaces("E1.stop", "S1")
    told = b.told
    assert "Moves stop leg to 98.05 (S1), where the average fill 100.05 puts it." in told
    assert "The broker has stop S1, known in 40 ms." in told


def test_an_entry_cancelled_on_time_with_a_part() -> None:
    b = ToldBench(beside=True)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.3)
    b.accepts("X1")
    b.run(61)
    b.cancelled("E1")
    told = b.told
    assert "Cancels entry E1: not filled within 60 s inside 100.1." in told
    assert "Entry E1 is cancelled, 37 of 100 filled." in told
    assert any(text.startswith("Entry over: not filled within 60 s") for text in told)


def test_a_refused_cancel_is_told_without_belief() -> None:
    b = ToldBench()
    b.accepts("E1")
    b.run(60)
    b.refuses("E1", Kind.PENDING, Verb.CANCEL)
    assert "The broker refused to cancel entry E1: PENDING, pending (80 ms)." in b.told


def test_busts_and_corrections() -> None:
    b = covered()
    row = b.rows["E1"]
    told = replace(b.history[0], exec_type=ExecType.TRADE_CORRECT, last_px=to_nano("100.04"))
    b.streams(told)
    row.cum_qty, row.status = 60 * NANO, OrdStatus.PARTIALLY_FILLED
    bust = b.report(row, ExecType.TRADE_CANCEL, exec_id="x1", last_qty=None, last_px=None)
    b.streams(bust)
    b.streams(bust)
    sentences = b.told
    assert "Entry E1: the venue corrected 100 at 100.05 to 100 at 100.04." in sentences
    assert sentences.count("Entry E1: the venue took back 100 at 100.04.") == 1


def test_a_bust_of_an_execution_never_seen() -> None:
    b = covered()
    row = b.rows["E1"]
    b.streams(
        b.report(row, ExecType.TRADE_CANCEL, exec_id="x9", last_qty=5 * NANO, last_px=100 * NANO)
    )
    assert "Entry E1: the venue took back 5 at 100.00." in b.told


def test_shares_that_are_counted_but_not_priced() -> None:
    b = ToldBench()
    b.accepts("E1")
    b.executes("E1", 100)
    b.run(8)
    said = "Entry E1: the broker counts 100 shares more than its executions show; they are read."
    assert said in b.told


def test_a_trade_handed_over_keeps_why_its_entry_ended() -> None:
    b = covered()
    b.run(1)
    b.operator(Act.HAND_OVER, "p1")
    told = b.told
    assert any(text.startswith("Entry over: it filled completely") for text in told)
    assert told[-2] == "Outcome HANDED_OVER: handed over, covered, to desk."
    assert told[-1].endswith("realized ? R.")
    part = ToldBench(beside=True)
    part.accepts("E1")
    part.fills("E1", 37)
    part.run(0.3)
    part.accepts("X1")
    part.run(61)
    part.cancelled("E1")
    part.run(1)
    part.operator(Act.HAND_OVER, "p1")
    assert any(text.startswith("Entry over: no more is wanted") for text in part.told)


def test_news_that_open_a_closed_trade_again() -> None:
    b = ToldBench()
    b.loses("E1")
    b.run(400)
    row = b.takes("E1")
    b.streams(b.report(row, ExecType.NEW))
    b.run(1)
    told = b.told
    assert "Closed, as it seemed then; later news opened it again." in told
    assert any(text.startswith("ALARM LATE_FILL") for text in told)


def test_plans_in_words() -> None:
    b = ToldBench(submit=False)
    plain = {"signal_price": "100", "plan_id": "p1"}
    none = TradePlan.of("ACME", "buy", 100, **plain)  # type: ignore[arg-type]
    b.submit_plan(none)
    b.submit_plan(replace(none, plan_id="p2", symbol="ZZZ"))
    money = TradePlan.of(
        "ACME", "buy", plan_id="p3", signal_price="100", risk="2", rr="1", risk_usd="500"
    )
    b.submit_plan(money)
    stories = [narrate(b.journal, name) for name in ("p1", "p2", "p3")]
    first = [story.lines[0].sentence for story in stories if story is not None]
    assert first == [
        "Plan p1: BUY 100 ACME, signal 100.00, without exits, tactic limit.",
        "Plan p2: BUY 100 ZZZ, signal 100.00, without exits, tactic limit.",
        "Plan p3: BUY ACME, 500.00 USD at risk, signal 100.00, stop 2.00 from the fill, target 1 "
        "times that, tactic limit.",
    ]
    assert stories[1] is not None
    assert stories[1].lines[1].sentence == "No quote was known."


def test_a_breakout_waits_and_says_when_its_market_came() -> None:
    b = ToldBench(submit=False)
    b.submit_plan(replace(b.plan, trigger_px=b.at(0)))
    b.run(300)
    b.quote(0, 2)
    b.accepts("E1")
    assert b.told[1] == (
        "It waits with us until the bid comes to 100.00; nothing is at the broker before."
    )
    assert b.told[4:6] == [
        "Triggered: the bid has come to 100.00. Quote 100.00 x 100.02 (500 x 500 shares, TEST, "
        "0 ms old).",
        "Sent E1: BUY 100 LIMIT 100.05 DAY, to work for 60 s at most.",
    ]


def test_a_short_breakout_that_never_comes() -> None:
    b = ToldBench("sell", submit=False)
    b.submit_plan(replace(b.plan, trigger_px=b.at(0), trigger_for_ns=90 * NANO))
    b.run(90)
    assert "It waits with us until the ask comes to 100.00" in b.told[1]
    assert b.told[-2:] == [
        "Entry over without a share: the market did not come to the trigger 100 within 90 s.",
        "Outcome NOT_ENTERED: the market did not come to the trigger 100 within 90 s.",
    ]
