from __future__ import annotations

from surefill.alerts.letter import BODY_MAX, Writer
from surefill.alerts.mailbox import Mailbox, Pace
from surefill.alerts.notice import Notice
from surefill.alerts.silences import Silence
from surefill.runtime.telling import CODES
from surefill.secret import Secret
from surefill.tca.rules import Severity
from tests.support.notices import START_NS, notice

WRITER = Writer(where="engine on desk-1", secrets=(Secret("hush-hush"), Secret("")))


def body_of(*notices: Notice, writer: Writer = WRITER) -> str:
    box = Mailbox(Pace())
    for one in notices:
        box.put(one)
    return writer.write(box.letter(START_NS, {}), {}).body


def test_an_alert_says_what_when_what_to_do_and_where_its_runbook_is() -> None:
    assert body_of(notice()).splitlines() == [
        "CRITICAL UNCOVERED_LONG (03-02 15:00:00 UTC)",
        "  longest time without a working stop is 2.4 s, above 1.5 s",
        "  First: see that every position has a stop at the broker now",
        "  Runbook: docs/alerts.md#uncovered_long",
        "from engine on desk-1",
    ]


def test_more_of_a_kind_is_counted() -> None:
    text = body_of(notice(sentence="a"), notice(at_s=61, sentence="b"))
    assert "CRITICAL UNCOVERED_LONG (2 times, 03-02 15:00:00 to 03-02 15:01:01 UTC)" in text
    assert "  a\n  b\n" in text


def test_the_title_names_the_worst_and_how_many_more() -> None:
    box = Mailbox(Pace())
    box.put(notice("SLIPPAGE_HIGH", severity=Severity.WARNING))
    letter = WRITER.write(box.letter(START_NS, {}), {})
    assert (letter.title, letter.kind) == ("Surefill: WARNING SLIPPAGE_HIGH", "warning")
    box.put(notice("DOUBT_LONG"))
    letter = WRITER.write(box.letter(START_NS, {}), {})
    assert (letter.title, letter.kind) == ("Surefill: CRITICAL DOUBT_LONG and 1 more", "failure")


def test_what_is_over_is_good_news_without_advice() -> None:
    box = Mailbox(Pace())
    box.put(notice("SHARES_UNCOVERED", what="ACME", is_over=True))
    letter = WRITER.write(box.letter(START_NS, {}), {})
    assert (letter.title, letter.kind) == ("Surefill: over SHARES_UNCOVERED", "success")
    assert letter.body.startswith("over SHARES_UNCOVERED ACME (")
    assert "First:" not in letter.body


def test_a_long_message_names_every_kind_all_the_same() -> None:
    text = body_of(*(notice(code, sentence="x" * 1_000) for code in CODES))
    assert len(text) <= BODY_MAX
    assert "x" * 300 + "\n" in text
    assert all(f"#{code.lower()}" in text for code in CODES)


def test_no_secret_and_no_line_break_gets_in() -> None:
    bad = notice(sentence="key hush-hush\nCRITICAL forged", what="hush-hush")
    text = body_of(bad)
    assert "hush-hush" not in text
    assert "key *** CRITICAL forged" in text


def test_the_runbook_may_be_a_page() -> None:
    writer = Writer(where="x", runbook="https://desk.example/alerts.html")
    assert "https://desk.example/alerts.html#uncovered_long" in body_of(notice(), writer=writer)


def test_what_is_silenced_is_not_forgotten() -> None:
    box = Mailbox(Pace())
    box.put(notice())
    held = {"DOUBT_LONG": Silence(START_NS, "ann", "known"), "A": Silence(START_NS + 1, "b", "")}
    body = WRITER.write(box.letter(START_NS, {}), held).body
    assert "Silenced until 03-02 15:00:00 UTC or later: A, DOUBT_LONG" in body


def test_a_test_says_what_the_channel_is_for() -> None:
    letter = WRITER.test("desk", "every alert of this account")
    assert letter.kind == "info"
    assert "Channel desk works. It is told every alert of this account." in letter.body
    assert "docs/alerts.md" in letter.body
