"""Threads, retries and failures of channels, with real servers; what is sent by a process of its
own is in test_post, grouping in test_mailbox."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from surefill.alerts import courier as module
from surefill.alerts.channels import Channel, Channels
from surefill.alerts.courier import Courier
from surefill.alerts.health import HealthFile, State
from surefill.alerts.letter import Letter
from surefill.alerts.mailbox import Pace
from surefill.alerts.post import Post
from surefill.alerts.silences import Silence, Silences, silences_path
from surefill.runtime.clock import SystemClock
from surefill.secret import Secret
from surefill.tca.rules import RULES, SECOND_NS, Severity
from tests.support.exchange_server import wait_until
from tests.support.hooks import Webhook
from tests.support.notices import notice
from tests.support.runtime import HandClock
from tests.support.wire import Wire

FAST = Pace(gather_ns=SECOND_NS // 50, gap_ns=SECOND_NS // 50)
CLOCK = SystemClock()


class Town:
    """Two webhooks, a courier between them, and what it reported."""

    def __init__(self, folder: Path, desk: Webhook, pager: Webhook) -> None:
        self.desk, self.pager = desk, pager
        self.journal = folder / "journal.db"
        self.reported: list[tuple[int, str]] = []
        self.couriers: list[Courier] = []

    def courier(self, *, pace: Pace = FAST, start: bool = True) -> Courier:
        """One on these two; ``desk`` is told everything, ``pager`` what is critical."""
        channels = (
            Channel("desk", Secret(self.desk.url()), Severity.WARNING),
            Channel("pager", Secret(self.pager.url()), Severity.CRITICAL),
        )
        made = Courier(
            Channels(channels),
            clock=CLOCK,
            where="engine on desk-1",
            journal=self.journal,
            role="engine",
            report=lambda level, text: self.reported.append((level, text)),
            secrets=[Secret("hush-hush")],
            pace=pace,
            post=Wire,
            retry_ns=SECOND_NS // 50,
        )
        self.couriers.append(made)
        if start:
            made.start()
        return made

    def tell(self, courier: Courier, code: str, severity: Severity = Severity.CRITICAL) -> None:
        """A notice of this moment."""
        at_s = (CLOCK.now_ns() - notice().at_ns) / SECOND_NS
        courier.tell(notice(code, at_s, severity=severity, sentence=f"{code} hush-hush"))

    def logged(self, text: str) -> Callable[[], bool]:
        """Whether a report holds this."""
        return lambda: any(text in said for _, said in self.reported)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with Webhook() as desk, Webhook() as pager:
        made = Town(tmp_path, desk, pager)
        yield made
        for hook in (desk, pager):
            hook.gate.set()
        for courier in made.couriers:
            courier.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("alerts-")]


def arrived(hook: Webhook, text: str) -> Callable[[], bool]:
    return lambda: any(text in one for one in hook.texts)


def test_every_channel_is_tested_at_the_start_and_says_whether_it_works(town: Town) -> None:
    town.pager.status = 500
    courier = town.courier()
    wait_until(town.logged("alert channel desk works"))
    wait_until(town.logged("alert channel pager fails: HTTP_500; it is tried again"))
    assert "Channel desk works. It is told every alert" in town.desk.texts[0]
    assert courier.health["desk"].state is State.WORKS
    assert courier.health["pager"].state is State.FAILS


def test_alerts_are_routed_by_severity_and_secrets_stay_here(town: Town) -> None:
    courier = town.courier()
    town.tell(courier, "SLIPPAGE_HIGH", Severity.WARNING)
    town.tell(courier, "DOUBT_LONG")
    wait_until(arrived(town.desk, "DOUBT_LONG ***"))
    wait_until(arrived(town.pager, "DOUBT_LONG ***"))
    wait_until(arrived(town.desk, "SLIPPAGE_HIGH"))
    assert not arrived(town.pager, "SLIPPAGE_HIGH")()
    assert "docs/alerts.md#doubt_long" in town.pager.texts[-1]


def test_a_storm_is_a_few_messages_that_name_every_kind(town: Town) -> None:
    courier = town.courier(pace=Pace(gather_ns=SECOND_NS // 5, gap_ns=SECOND_NS // 5))
    wait_until(town.logged("desk works"))
    for n in range(1_000):
        town.tell(courier, RULES[n % len(RULES)].code, RULES[n % len(RULES)].severity)
    wait_until(lambda: all(arrived(town.desk, rule.code)() for rule in RULES))
    courier.close()
    told = town.desk.texts[1:]
    assert len(told) <= 4  # the storm's, and the last one at the end
    assert courier.health["desk"].waiting == 0


def test_a_hanging_channel_delays_no_other_and_its_alert_arrives_when_it_wakes(
    town: Town,
) -> None:
    town.pager.gate.clear()
    courier = town.courier()
    town.tell(courier, "DOUBT_LONG")  # returns, whatever hangs
    wait_until(arrived(town.desk, "DOUBT_LONG"))
    wait_until(town.logged("alert channel pager fails: HANGS"))
    town.pager.gate.set()
    wait_until(lambda: any("CRITICAL DOUBT_LONG (" in one for one in town.pager.texts))
    wait_until(town.logged("alert channel pager works"))


def test_a_channel_that_keeps_failing_is_told_on_the_others_and_said_once(town: Town) -> None:
    town.pager.status = 503
    courier = town.courier()
    town.tell(courier, "DOUBT_LONG")
    wait_until(arrived(town.desk, "CRITICAL CHANNEL_FAILING pager"))
    assert arrived(town.desk, "alert channel pager has failed 5 times (HTTP_503)")()
    town.pager.status = 200
    wait_until(arrived(town.pager, "DOUBT_LONG"))
    wait_until(town.logged("alert channel pager works"))
    errors = [text for level, text in town.reported if level == logging.ERROR]
    assert errors == ["alert channel pager fails: HTTP_503; it is tried again"]
    courier.close()
    assert "over CHANNEL_FAILING pager" in town.desk.texts[-1]


def test_tries_come_later_each_time_but_go_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_NS_MAX", SECOND_NS // 25)
    town.desk.status = 500
    courier = town.courier()
    town.tell(courier, "DOUBT_LONG")
    wait_until(lambda: courier.health["desk"].failures >= 8)
    assert courier.health["desk"].waiting == 1
    town.desk.status = 200
    wait_until(arrived(town.desk, "DOUBT_LONG"))


def test_the_pause_between_two_tries_doubles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_S_MAX", 0.005)
    clock, tried = HandClock(CLOCK.now_ns()), list[int]()

    class Dead(Post):
        def send(self, letter: Letter) -> str:
            tried.append(clock.now)
            return "UNREACHABLE"

    channel = Channel("desk", Secret("json://127.0.0.1/x"), Severity.WARNING)
    courier = Courier(
        Channels((channel,)),
        clock=clock,
        where="here",
        journal=tmp_path / "j",
        role="engine",
        report=lambda level, text: None,
        pace=Pace(),
        post=Dead,
    )
    courier.start()
    wait_until(lambda: len(tried) == 1)
    courier.tell(notice())
    for second in range(40):
        clock.now = tried[0] + second * SECOND_NS
        time.sleep(0.01)  # several looks at a clock that stands still
    courier.close()
    gaps = [(b - a) // SECOND_NS for a, b in pairwise(tried)]
    assert len(gaps) >= 2
    assert all(gap >= least for gap, least in zip(gaps[:-1], (5, 10, 20), strict=False))


def test_the_end_does_not_wait_for_what_hangs_and_says_what_was_not_told(town: Town) -> None:
    town.pager.gate.clear()
    courier = town.courier()
    town.tell(courier, "DOUBT_LONG")
    wait_until(arrived(town.desk, "DOUBT_LONG"))
    courier.close(0.1)
    assert town.logged("alert channel pager: 1 not told")()
    found = HealthFile(town.journal, "engine").read()
    assert (found["pager"].state, found["desk"].state) == (State.FAILS, State.WORKS)


def test_what_waits_leaves_before_the_end(town: Town) -> None:
    courier = town.courier(pace=Pace())
    wait_until(town.logged("desk works"))
    town.tell(courier, "DOUBT_LONG")
    courier.close()
    assert arrived(town.desk, "DOUBT_LONG")()


def test_a_process_that_starts_again_at_once_tells_and_tests_nothing_twice(town: Town) -> None:
    first = town.courier()
    town.tell(first, "SYSTEM_ERROR")
    wait_until(arrived(town.desk, "SYSTEM_ERROR"))
    wait_until(arrived(town.pager, "SYSTEM_ERROR"))
    first.close()
    count = len(town.desk.texts)
    second = town.courier()
    wait_until(town.logged("alert channel desk worked within the hour"))
    town.tell(second, "SYSTEM_ERROR")
    town.tell(second, "DOUBT_LONG")
    wait_until(arrived(town.desk, "DOUBT_LONG"))
    assert len(town.desk.texts) == count + 1


def test_what_somebody_silences_is_told_when_that_is_taken_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_S_MAX", 0.05)
    silences = Silences(silences_path(town.journal))
    now = CLOCK.now_ns()
    silences.put("DOUBT_LONG", Silence(now + 600 * SECOND_NS, "ann", ""), now=now)
    courier = town.courier()
    town.tell(courier, "DOUBT_LONG")
    town.tell(courier, "SYSTEM_ERROR")
    wait_until(arrived(town.desk, "Silenced until"))
    assert not arrived(town.desk, "CRITICAL DOUBT_LONG")()
    silences.put("DOUBT_LONG", None, now=now)
    wait_until(arrived(town.desk, "CRITICAL DOUBT_LONG"))


def test_without_channels_or_a_start_there_is_nothing_to_do(town: Town, tmp_path: Path) -> None:
    silent = town.courier(start=False)
    silent.close()
    idle = Courier(
        Channels(),
        clock=CLOCK,
        where="x",
        journal=tmp_path / "j",
        role="engine",
        report=print,
        pace=FAST,
        post=Wire,
    )
    idle.start()
    idle.tell(notice())
    idle.close()
    assert idle.health == {}
    assert not list(tmp_path.glob("j.*"))
