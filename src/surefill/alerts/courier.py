"""Carries notices to the channels, each by a thread of its own.

    courier = Courier(channels, clock=..., where="engine on desk-1", journal=path, role="engine")
    courier.start()
    courier.tell(notice)          # from any thread; puts it down and returns
    courier.close()

What: `Courier`. Each channel has a mailbox and a thread that waits until a letter is due and sends
it. What did not arrive waits on, and the next try comes later each time, up to `RETRY_S_MAX`.
Invariants: `tell` takes a lock that is only ever held for a look at a dictionary; a channel that
fails or hangs is said once in the log and, when it lasts, on the others; it delays no other one.
Must never: raise into an engine, forget a kind of alert, or show an address.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Lock, Thread

from surefill.alerts.channels import Channel, Channels
from surefill.alerts.health import ChannelHealth, HealthFile, State
from surefill.alerts.letter import Letter, Writer
from surefill.alerts.mailbox import Group, Mailbox, Pace
from surefill.alerts.notice import CHANNEL_ADVICE, CHANNEL_FAILING, Notice
from surefill.alerts.post import SENT, Post
from surefill.alerts.silences import Silences, silences_path
from surefill.core.values import replace
from surefill.ports import Clock
from surefill.secret import Secret
from surefill.tca.rules import SECOND_NS, Severity

RETRY_NS = 5 * SECOND_NS
RETRY_NS_MAX = 300 * SECOND_NS
"""Between two tries of a channel that fails: doubled from the one to the other."""
FAILURES_TOLD = 5
"""After about two minutes of trying, the other channels are told."""
TEST_AGAIN_NS = 3_600 * SECOND_NS
"""A channel that worked this recently needs no test: a process that starts again and again."""
WAIT_S_MAX = 5.0
"""How often a silence that was ended early is noticed."""
CLOSE_S = 3.0
"""For what waits when the process ends; what does not leave by then stands in the log."""

Report = Callable[[int, str], None]
"""Takes a level of `logging` and a sentence; from any thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all channels of a courier share."""

    clock: Clock
    writer: Writer
    silences: Silences
    report: Report
    pace: Pace
    retry_ns: int


class Courier:
    """Tells notices on every channel that takes them. Without channels it does nothing."""

    def __init__(
        self,
        channels: Channels,
        *,
        clock: Clock,
        where: str,
        journal: Path,
        role: str,
        report: Report,
        secrets: Iterable[Secret] = (),
        pace: Pace,
        post: Callable[[Secret], Post],
        retry_ns: int = RETRY_NS,
    ) -> None:
        hidden = (*channels.secrets, *(secret for secret in secrets if secret))
        terms = Terms(
            clock=clock,
            writer=Writer(where=where, runbook=channels.runbook, secrets=hidden),
            silences=Silences(silences_path(journal)),
            report=report,
            pace=pace,
            retry_ns=retry_ns,
        )
        self._clock = clock
        self._file = HealthFile(journal, role)
        self._lock = Lock()
        self._is_started = False
        before = self._file.read() if channels.all else {}
        self._routes = [
            _Route(
                channel,
                post(channel.url),
                terms=terms,
                before=before.get(channel.name),
                changed=self._changed,
            )
            for channel in channels.all
        ]
        self.secrets = channels.secrets

    def start(self) -> None:
        """Test every channel and be ready to tell."""
        self._is_started = True
        for route in self._routes:
            route.start()

    def tell(self, notice: Notice) -> None:
        """Put it down for every channel that takes it."""
        for route in self._routes:
            if route.channel.takes(notice.severity):
                route.put(notice)

    @property
    def health(self) -> dict[str, ChannelHealth]:
        """Channel -> how it is."""
        return {route.channel.name: route.health for route in self._routes}

    def close(self, within_s: float | None = None) -> None:
        """One last try for what waits, then end, whatever hangs."""
        if not self._is_started:
            return
        within_s = CLOSE_S if within_s is None else within_s
        end_ns = self._clock.now_ns() + int(within_s * SECOND_NS)
        for route in self._routes:
            route.finish()
        for route in self._routes:
            route.join(max(0, end_ns - self._clock.now_ns()) / SECOND_NS)
        for route in self._routes:
            route.end()
        if self._routes:
            self._file.write(self.health)

    def _changed(self, name: str, failures_before: int) -> None:
        """A message of this channel arrived or did not."""
        with self._lock:
            found = self.health
            self._file.write(found)
        failures, code = found[name].failures, found[name].code
        is_over = failures == 0 and failures_before >= FAILURES_TOLD
        if failures != FAILURES_TOLD and not is_over:
            return
        says = "works again" if is_over else f"has failed {failures} times ({code})"
        notice = Notice(
            code=CHANNEL_FAILING,
            what=name,
            severity=Severity.CRITICAL,
            sentence=f"alert channel {name} {says}",
            advice=CHANNEL_ADVICE,
            at_ns=self._clock.now_ns(),
            is_over=is_over,
        )
        for route in self._routes:
            if route.channel.name != name:
                route.put(notice)


class _Route:
    """One channel: its mailbox, its thread, and how it is."""

    def __init__(
        self,
        channel: Channel,
        post: Post,
        *,
        terms: Terms,
        before: ChannelHealth | None,
        changed: Callable[[str, int], None],
    ) -> None:
        self.channel = channel
        self.health = before or ChannelHealth()
        self._post = post
        self._terms = terms
        self._changed = changed
        self._mailbox = Mailbox(terms.pace)
        self._mailbox.remember(self.health.told, terms.clock.now_ns())
        self._wake = Condition()
        self._is_finishing = False
        self._retry_ns = 0
        self._thread = Thread(target=self._run, name=f"alerts-{channel.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, notice: Notice) -> None:
        with self._wake:
            self._mailbox.put(notice)
            self._wake.notify()

    def finish(self) -> None:
        with self._wake:
            self._is_finishing = True
            self._wake.notify()

    def join(self, within_s: float) -> None:
        if self._thread.is_alive():
            self._thread.join(within_s)

    def end(self) -> None:
        self._post.end()
        self.join(CLOSE_S)
        if self._mailbox.waiting:
            sentence = f"alert channel {self.channel.name}: {self._mailbox.waiting} not told"
            self._terms.report(logging.WARNING, sentence)

    def _run(self) -> None:
        self._test()
        while not self._is_finishing:
            self._tell(self._next())
        with self._wake:
            groups = self._mailbox.letter(self._terms.clock.now_ns(), self._held())
        self._tell(groups)

    def _tell(self, groups: tuple[Group, ...]) -> None:
        if groups:
            held = self._terms.silences.now(self._terms.clock.now_ns())
            self._send(self._terms.writer.write(groups, held), groups)

    def _test(self) -> None:
        """Say hello, unless it worked not long ago."""
        before, now = self.health, self._terms.clock.now_ns()
        is_fresh = before.sent_ns is not None and 0 <= now - before.sent_ns < TEST_AGAIN_NS
        if before.state is State.WORKS and is_fresh:
            sentence = f"alert channel {self.channel.name} worked within the hour"
            self._terms.report(logging.INFO, sentence)
            return
        self.health = replace(before, state=State.UNTESTED, failures=0)
        self._send(self._terms.writer.test(self.channel.name, self.channel.told), ())

    def _next(self) -> tuple[Group, ...]:
        """The next letter when it is due; nothing after a wait."""
        with self._wake:
            now, held = self._terms.clock.now_ns(), self._held()
            due_ns = self._mailbox.due_ns(held)
            if due_ns is None:
                self._wait(None)
                return ()
            left_ns = max(due_ns, self._retry_ns) - now
            if left_ns > 0:
                self._wait(min(left_ns / SECOND_NS, WAIT_S_MAX))
                return ()
            return self._mailbox.letter(now, held)

    def _wait(self, seconds: float | None) -> None:
        if not self._is_finishing:
            self._wake.wait(seconds)

    def _held(self) -> dict[str, int]:
        """Code -> until when somebody holds it back."""
        found = self._terms.silences.now(self._terms.clock.now_ns())
        return {code: silence.until_ns for code, silence in found.items()}

    def _send(self, letter: Letter, groups: tuple[Group, ...]) -> None:
        code = self._post.send(letter)
        now, before = self._terms.clock.now_ns(), self.health
        after = before.after(None if code == SENT else code, now)
        pause_ns = self._terms.retry_ns << min(before.failures, 20)
        with self._wake:
            if code == SENT and groups:
                self._mailbox.told(groups, now)
            self._retry_ns = 0 if code == SENT else now + min(pause_ns, RETRY_NS_MAX)
            waiting, told = self._mailbox.waiting, self._mailbox.memory()
            self.health = replace(after, waiting=waiting, told=told)
        self._changed(self.channel.name, before.failures)
        if after.state is not before.state:
            self._say(after)

    def _say(self, health: ChannelHealth) -> None:
        name = self.channel.name
        if health.state is State.WORKS:
            self._terms.report(logging.INFO, f"alert channel {name} works")
        else:
            sentence = f"alert channel {name} fails: {health.code}; it is tried again"
            self._terms.report(logging.ERROR, sentence)
