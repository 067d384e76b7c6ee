"""Grouping and pace, in time that the test makes: no storm, and no kind lost."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from surefill.alerts.mailbox import KINDS_MAX, THE_REST, Group, Mailbox, Pace
from surefill.runtime.telling import CODES
from surefill.tca.rules import RULES, SECOND_NS, Severity
from tests.support.notices import START_NS, notice

MINUTE_S = 60
HOUR_S = 3_600


class Channel:
    """A mailbox, and messages that arrive as soon as they are due."""

    def __init__(self) -> None:
        self.mailbox = Mailbox(Pace())
        self.held: dict[str, int] = {}
        self.messages: list[tuple[float, tuple[Group, ...]]] = []

    def run(self, until_s: float) -> None:
        """Send what becomes due until then."""
        until_ns = START_NS + int(until_s * SECOND_NS)
        while (due_ns := self.mailbox.due_ns(self.held)) is not None and due_ns <= until_ns:
            letter = self.mailbox.letter(due_ns, self.held)
            self.messages.append(((due_ns - START_NS) / SECOND_NS, letter))
            self.mailbox.told(letter, due_ns)

    @property
    def counts(self) -> Counter[str]:
        """Code -> notices that arrived."""
        found: Counter[str] = Counter()
        for _, letter in self.messages:
            for group in letter:
                found[group.latest.code] += group.count
        return found

    @property
    def times(self) -> list[float]:
        """When messages left, in seconds."""
        return [at_s for at_s, _ in self.messages]


@pytest.fixture
def channel() -> Channel:
    return Channel()


def test_a_thousand_alerts_in_a_minute_are_few_messages_and_no_kind_is_lost(
    channel: Channel,
) -> None:
    chance, put = Random(7), Counter[str]()
    for n in range(1_000):
        rule = chance.choice(RULES)
        put[rule.code] += 1
        at_s = n * 60 / 1_000
        channel.run(at_s)
        channel.mailbox.put(notice(rule.code, at_s, severity=rule.severity, sentence=f"number {n}"))
    channel.run(MINUTE_S)
    assert len(put) == len(RULES)
    assert 1 <= len(channel.messages) <= 7
    assert channel.counts.keys() == put.keys()
    channel.run(24 * HOUR_S)
    assert channel.counts == put
    assert len(channel.messages) <= 9
    assert channel.mailbox.waiting == 0


def test_the_first_of_a_kind_leaves_after_a_second_with_what_came_meanwhile(
    channel: Channel,
) -> None:
    channel.mailbox.put(notice("SYSTEM_ERROR", 0))
    channel.mailbox.put(notice("SLIPPAGE_HIGH", 0.5, severity=Severity.WARNING))
    channel.mailbox.put(notice("UNCOVERED_LONG", 0.7))
    channel.run(10)
    ((at_s, letter),) = channel.messages
    assert at_s == 1
    assert [group.latest.code for group in letter] == [
        "SYSTEM_ERROR",
        "UNCOVERED_LONG",
        "SLIPPAGE_HIGH",
    ]


def test_another_kind_waits_for_the_gap_and_no_longer(channel: Channel) -> None:
    channel.mailbox.put(notice("SYSTEM_ERROR", 0))
    channel.run(2)
    channel.mailbox.put(notice("DOUBT_LONG", 2))
    channel.run(60)
    assert channel.times == [1, 11]


def test_the_pause_doubles_while_a_kind_keeps_coming_and_has_an_end(channel: Channel) -> None:
    for minute in range(12 * 60):
        channel.run(minute * MINUTE_S)
        channel.mailbox.put(notice("SHARES_UNCOVERED", minute * MINUTE_S, what="ACME"))
    gaps = [round(b - a) for a, b in zip(channel.times, channel.times[1:], strict=False)]
    assert gaps[:5] == [60, 120, 240, 480, 900]
    assert set(gaps[5:]) == {900}
    assert sum(group.count for _, (group,) in channel.messages) >= 12 * 60 - 16


def test_after_quiet_the_same_kind_is_news_again(channel: Channel) -> None:
    channel.mailbox.put(notice("DOUBT_LONG", 0))
    channel.run(5)
    channel.mailbox.put(notice("DOUBT_LONG", 30))
    channel.run(100)
    assert channel.times == [1, 61]
    channel.mailbox.put(notice("DOUBT_LONG", HOUR_S))
    channel.run(2 * HOUR_S)
    assert channel.times == [1, 61, HOUR_S + 1]


def test_what_did_not_arrive_still_waits_with_what_came_meanwhile(channel: Channel) -> None:
    box = channel.mailbox
    box.put(notice("DOUBT_LONG", 0, sentence="first"))
    letter = box.letter(START_NS, {})
    box.put(notice("DOUBT_LONG", 1, sentence="second"))
    (group,) = box.letter(START_NS, {})  # the first letter failed
    assert (group.count, group.sentences) == (2, ("first", "second"))
    box.told(letter, START_NS)  # had it arrived, one is left
    assert box.waiting == 1


def test_the_same_sentence_is_told_once_and_of_many_the_newest(channel: Channel) -> None:
    for text in ("a", "b", "a", "c", "d"):
        channel.mailbox.put(notice(sentence=text))
    channel.run(1)
    ((_, (group,)),) = channel.messages
    assert (group.count, group.sentences) == (5, ("a", "c", "d"))


def test_of_one_thing_only_how_it_is_now(channel: Channel) -> None:
    channel.mailbox.put(notice("SHARES_UNCOVERED", 0, what="ACME", sentence="for 4 s"))
    channel.mailbox.put(notice("SHARES_UNCOVERED", 1, what="BETA", sentence="for 5 s"))
    channel.mailbox.put(notice("SHARES_UNCOVERED", 1, what="ACME", sentence="for 64 s"))
    channel.run(2)
    ((_, letter),) = channel.messages
    assert [(group.latest.what, group.sentences) for group in letter] == [
        ("ACME", ("for 64 s",)),
        ("BETA", ("for 5 s",)),
    ]


def test_what_is_silenced_waits_and_is_told_when_it_is_over(channel: Channel) -> None:
    channel.held = {"DOUBT_LONG": START_NS + HOUR_S * SECOND_NS}
    for at_s in (0, 10, 20):
        channel.mailbox.put(notice("DOUBT_LONG", at_s))
    channel.mailbox.put(notice("SYSTEM_ERROR", 20))
    channel.run(HOUR_S - 1)
    ((_, letter),) = channel.messages
    assert [group.latest.code for group in letter] == ["SYSTEM_ERROR"]
    channel.run(2 * HOUR_S)
    assert channel.times[1:] == [HOUR_S]
    assert channel.counts["DOUBT_LONG"] == 3


def test_memory_is_bounded_whatever_comes(channel: Channel) -> None:
    for n in range(KINDS_MAX * 4):
        channel.mailbox.put(notice("SHARES_UNCOVERED", 0, what=f"S{n}"))
    channel.run(1)
    ((_, letter),) = channel.messages
    assert len(letter) == KINDS_MAX + 1
    assert letter[-1].latest.code == "SHARES_UNCOVERED"
    assert letter[-1].count == KINDS_MAX * 3
    assert channel.counts["SHARES_UNCOVERED"] == KINDS_MAX * 4
    assert f"SHARES_UNCOVERED {THE_REST}" in channel.mailbox.memory()
    channel.run(10 * HOUR_S)
    channel.mailbox.put(notice("DOUBT_LONG", 10 * HOUR_S))  # the old ones make room
    assert len(channel.mailbox.memory()) == 0


def test_a_process_that_starts_again_does_not_tell_all_again(channel: Channel) -> None:
    channel.mailbox.put(notice("SYSTEM_ERROR", 0))
    channel.mailbox.put(notice("SHARES_UNCOVERED", 0, what="ACME"))
    channel.run(1)
    again = Channel()
    again.mailbox.remember(channel.mailbox.memory(), START_NS + 2 * SECOND_NS)
    again.mailbox.put(notice("SYSTEM_ERROR", 2))
    again.mailbox.put(notice("SHARES_UNCOVERED", 2, what="ACME"))
    again.mailbox.put(notice("SHARES_UNCOVERED", 2, what="BETA"))
    again.run(HOUR_S)
    assert again.times == [3]  # what is news takes the rest along
    late = Channel()
    late.mailbox.remember(channel.mailbox.memory(), START_NS + 24 * HOUR_S * SECOND_NS)
    assert late.mailbox.memory() == {}


def test_every_code_fits_into_a_mailbox() -> None:
    assert len(CODES) == len(set(CODES)) <= KINDS_MAX
