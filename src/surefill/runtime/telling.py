"""From alerts and alarms to notices, and the courier that takes them to people.

What: `courier_of` the settings, `telling` (the channel of `runtime.alerting`), `notice_of_alarm`
(the watchdog's), `CODES`: everything that can be told, and silenced.
Why the machine's own clock: messages are read by people, whatever day a local venue plays.
Must never: decide what is an alert.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable

from surefill.alerts.channels import read_channels
from surefill.alerts.courier import Courier, Report
from surefill.alerts.mailbox import Pace
from surefill.alerts.notice import CHANNEL_FAILING, Notice
from surefill.alerts.post import Post
from surefill.config import ConfigError, Settings
from surefill.ports import Clock
from surefill.runtime.account import host_of, journal_path, machine_clock
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.json_log import told
from surefill.runtime.logs import LOGGER_NAME
from surefill.runtime.watchdog import ADVICE, Alarm, AlarmCode
from surefill.tca.recent import News
from surefill.tca.rules import RULES, Rule, Severity

CODES = (*(rule.code for rule in RULES), *(code.value for code in AlarmCode), CHANNEL_FAILING)

PACE = Pace()

logger = logging.getLogger(LOGGER_NAME)


def log_report(level: int, sentence: str) -> None:
    """How the channels are, into the engine's log."""
    logger.log(level, "%s", sentence, extra=told("alert_channel"))


def place_of(settings: Settings, role: str) -> str:
    """Which process on which machine speaks, for people who have several."""
    return f"{role} on {platform.node()}, for {host_of(settings.base_url)}"


def courier_of(settings: Settings, *, role: str, report: Report = log_report) -> Courier:
    """The courier of this process; it has nothing to do without channels.

    Raises `SurefillError` when the channels cannot be read.
    """
    try:
        channels = read_channels(settings.alerts)
    except ConfigError as error:
        sentence = "; ".join(problem.sentence for problem in error.problems)
        raise SurefillError(ErrorCode.ALERTS_INVALID, f"{sentence}. Nothing was sent") from None
    return Courier(
        channels,
        clock=machine_clock(),
        where=place_of(settings, role),
        journal=journal_path(settings),
        role=role,
        report=report,
        secrets=settings.secrets,
        pace=PACE,
        post=Post,
    )


def telling(courier: Courier) -> Callable[[News], None]:
    """The channel that gives news of the rules to the courier."""
    clock = machine_clock()

    def tell(news: News) -> None:
        for alert in news.fired:
            courier.tell(_notice(alert.rule, alert.sentence, clock))
        for rule in news.over:
            courier.tell(_notice(rule, f"{rule.what} is good again", clock, is_over=True))

    return tell


def _notice(rule: Rule, sentence: str, clock: Clock, *, is_over: bool = False) -> Notice:
    return Notice(
        code=rule.code,
        severity=rule.severity,
        sentence=sentence,
        advice=rule.advice,
        at_ns=clock.now_ns(),
        is_over=is_over,
    )


def notice_of_failure(sentence: str) -> Notice:
    """An engine that stopped by an error of its own, told by itself."""
    (rule,) = (rule for rule in RULES if rule.code == "SYSTEM_ERROR")
    return _notice(rule, sentence, machine_clock())


def notice_of_alarm(alarm: Alarm, at_ns: int) -> Notice:
    """What the watchdog raised, or took back."""
    return Notice(
        code=alarm.code.value,
        severity=Severity.CRITICAL,
        sentence=alarm.sentence,
        advice=ADVICE[alarm.code],
        at_ns=at_ns,
        what=alarm.what,
        is_over=alarm.is_over,
    )
