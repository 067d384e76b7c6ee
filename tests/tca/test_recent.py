"""What an engine tells of its rules: what is new, once, at bounded cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from surefill.core.commands import Announce, Command, Milestone, RaiseAlarm
from surefill.core.events import BudgetChanged, PositionAdopted, TimePassed
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import Trade, Uncovered
from surefill.core.units import NANO
from surefill.journal.digest import image_digest
from surefill.journal.images import encode_image
from surefill.journal.memory import MemoryJournal
from surefill.journal.record import Record
from surefill.ports import JournalEntry
from surefill.tca import recent as module
from surefill.tca.recent import News, Recent
from tests.support.core import START_NS, covered_bench
from tests.support.told import ToldBench
from tests.tca.support import closed_bench

GOOD = closed_bench().trade


class Journal(MemoryJournal):
    """A journal that grows by ended plans, and counts what is read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.acquire("test")
        self.count = self.read = 0

    def records(self, after_seq: int = 0) -> Iterator[JournalEntry]:
        for entry in super().records(after_seq):
            self.read += 1
            yield entry

    def step(self, *commands: Command, image: Trade | Denial | None = None, name: str = "") -> None:
        """One record."""
        seq, digest = self.head()
        images = {} if image is None else {name: encode_image(image)}
        named = tuple((key, image_digest(data)) for key, data in images.items())
        event = BudgetChanged(seq, 1, START_NS) if not commands else TimePassed()
        record = Record(seq + 1, START_NS + seq, 1, event, (), commands, named)
        self.append([record.entry(digest, images, is_open=dict.fromkeys(images, False))])

    def ends(self, **changes: object) -> str:
        """One more trade has ended; ``changes`` make it worse than `GOOD`."""
        self.count += 1
        name = f"t{self.count}"
        trade = replace(GOOD, plan=replace(GOOD.plan, plan_id=name), **changes)  # type: ignore[arg-type]
        self.step(Announce(name, Milestone.CLOSED), image=trade, name=name)
        return name

    def refuses(self) -> None:
        """One more plan was denied."""
        self.count += 1
        name = f"d{self.count}"
        reasons = (Reason.of(ReasonCode.RR_BELOW_MIN, ratio="1", minimum="2"),)
        plan = replace(GOOD.plan, plan_id=name)
        denial = Denial(plan=plan, is_legacy=False, reasons=reasons, at_ns=START_NS)
        self.step(Announce(name, Milestone.DENIED), image=denial, name=name)

    def alarms(self, name: str = "t1") -> None:
        """An invariant was found broken."""
        reason = Reason.of(ReasonCode.INVARIANT_BROKEN, name="I4", text=str(self.head()[0]))
        self.step(RaiseAlarm(name, reason))


BARE = {"uncovered": replace(GOOD.uncovered, longest_ns=2 * NANO)}
"""Two seconds without a stop."""


def look(recent: Recent) -> News:
    for _ in recent.read():
        pass
    return recent.judge()


def codes(news: News) -> list[str]:
    return [alert.rule.code for alert in news.fired]


def test_good_trades_are_no_news() -> None:
    journal = Journal()
    recent = Recent(journal)
    for _ in range(5):
        journal.ends()
        assert look(recent) == News((), ())


def test_a_rate_is_told_when_it_breaks_and_when_it_is_over_and_when_it_breaks_anew() -> None:
    journal = Journal()
    recent = Recent(journal)
    journal.refuses()
    assert codes(look(recent)) == ["REJECTION_HIGH"]
    for _ in range(3):
        journal.ends()
        assert look(recent) == News((), ()), "still broken, and said already"
    journal.ends()  # one of five is the limit itself, which is good
    news = look(recent)
    assert news.fired == ()
    assert [rule.code for rule in news.over] == ["REJECTION_HIGH"]
    journal.refuses()
    news = look(recent)
    assert codes(news) == ["REJECTION_HIGH"]
    assert "33.3 %" in str(news.fired[0])


def test_a_critical_case_is_told_for_every_trade_and_once_for_each() -> None:
    journal = Journal()
    recent = Recent(journal)
    look(recent)
    for _ in range(2):
        name = journal.ends(**BARE)
        news = look(recent)
        assert codes(news) == ["UNCOVERED_LONG"]
        assert f"[plan={name}]" in str(news.fired[0])
        assert news.fired[0].to_dict()["plan_id"] == name
        journal.step(Announce(name, Milestone.SETTLED))  # heard of again
        assert codes(look(recent)) == []
    journal.alarms()
    journal.alarms()
    assert codes(look(recent)) == ["SYSTEM_ERROR", "SYSTEM_ERROR"]
    assert codes(look(recent)) == []


def test_shares_without_a_stop_are_news_before_they_are_covered() -> None:
    journal = Journal()
    recent = Recent(journal)
    look(recent)
    trade = covered_bench().trade
    bare = replace(trade, uncovered=Uncovered(since_ns=1, at_ns=2, longest_ns=2 * NANO))
    recent.see([trade, bare])
    assert codes(recent.judge()) == ["UNCOVERED_LONG"]
    recent.see([bare])
    assert codes(recent.judge()) == []
    recent.see([trade])
    assert recent.judge() == News((), ())


def test_the_newest_plans_turn_a_warning_of_single_plans() -> None:
    journal = Journal()
    recent = Recent(journal)
    look(recent)
    thin = replace(GOOD.plan, signal_px=GOOD.plan.signal_px - NANO)
    journal.count += 1
    low = replace(GOOD, plan=replace(thin, plan_id="low"))
    journal.step(Announce("low", Milestone.CLOSED), image=low, name="low")
    assert "RR_AT_FILL_LOW" in codes(look(recent))
    journal.refuses()  # says nothing of reward/risk
    assert "RR_AT_FILL_LOW" not in [rule.code for rule in look(recent).over]
    journal.ends()
    assert "RR_AT_FILL_LOW" in [rule.code for rule in look(recent).over]


def test_the_first_look_tells_each_rule_once() -> None:
    journal = Journal()
    for _ in range(5):
        journal.ends(**BARE)
        journal.alarms()
    recent = Recent(journal)
    news = look(recent)
    assert codes(news) == ["SYSTEM_ERROR", "UNCOVERED_LONG"]
    assert "is 5, above 0" in str(news.fired[0])
    journal.ends()
    assert look(recent) == News((), ()), "what the first look told is not news again"


def test_only_what_is_new_is_read() -> None:
    journal = Journal()
    recent = Recent(journal)
    for _ in range(50):
        journal.ends()
        look(recent)
    assert journal.read == journal.head()[0] == 50


def test_a_long_journal_is_read_from_near_its_end() -> None:
    journal = Journal()
    for _ in range(60):
        journal.alarms()
    recent = Recent(journal, records_max=10)
    news = look(recent)
    assert journal.read == 10
    assert "is 10, above 0" in str(news.fired[0])


def test_the_window_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_MAX", 6)
    journal = Journal()
    recent = Recent(journal, plans_max=4)
    journal.refuses()
    assert codes(look(recent)) == ["REJECTION_HIGH"]
    for _ in range(9):
        journal.ends()
        journal.alarms()
        look(recent)
    assert len(recent._facts) == 4
    assert len(recent._reader.seen) == len(recent._reader.incidents) == 6
    assert len(recent._told) == 6


def test_reading_pauses() -> None:
    journal = Journal()
    for _ in range(module.SLICE_RECORDS * 3):
        journal.step()
    assert sum(1 for _ in Recent(journal).read()) == 3
    journal.ends()
    journal.ends()
    assert sum(1 for _ in Recent(journal, records_max=2).read()) == 2


def test_a_plan_without_an_image_is_passed_over() -> None:
    journal = Journal()
    journal.step(Announce("nobody", Milestone.CLOSED))
    recent = Recent(journal)
    assert look(recent) == News((), ())
    assert recent._facts == {}


def test_positions_that_were_there_before_are_no_news() -> None:
    b = ToldBench(submit=False)
    for n in range(20):
        plan = replace(b.plan, plan_id=f"there-{n}")
        b.feed(PositionAdopted(plan, b.policy, "ann", b.now))  # refused: no such shares
    assert look(Recent(b.journal)) == News((), ())


def test_what_stands_is_told_whenever_it_is_asked_for() -> None:
    journal = Journal()
    recent = Recent(journal)
    assert recent.standing() == ()
    journal.refuses()
    look(recent)
    assert [alert.rule.code for alert in recent.standing()] == ["REJECTION_HIGH"]
    assert [alert.rule.code for alert in recent.standing()] == ["REJECTION_HIGH"]
    for _ in range(4):
        journal.ends()
    look(recent)
    assert recent.standing() == ()
