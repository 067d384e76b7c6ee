"""Before deployment: settings, address, keys, account, calendar, clock, versions, tests.

What: `ITEMS`. The checks themselves are those of the doctor (`runtime.checkup`); here they become
verdicts. A WARN of the doctor passes, with its warning in the sentence.
Must never: pass what could not be read.
"""

from __future__ import annotations

from collections.abc import Callable

from surefill.config import Settings
from surefill.ports import AccountPicture
from surefill.replay.checklist_items import Evidence, Finding, Item, failed, not_yet, passed
from surefill.runtime.checkup import (
    Check,
    Level,
    account_checks,
    clock_check,
    keys_check,
    mode_check,
    session_check,
    versions_check,
)

NOT_ASKED = "the broker has not been asked"


def _of_check(check: Check, rests_on: str) -> Finding:
    says = f"{check.found}; {check.advice}" if check.advice else check.found
    return (failed if check.level is Level.FAIL else passed)(says, rests_on=rests_on)


def _settings(evidence: Evidence) -> Finding:
    if evidence.problems:
        return failed("; ".join(evidence.problems), rests_on="environment and .env")
    if evidence.settings is None:
        return not_yet("settings have not been read")
    return passed(f"valid, hash {evidence.settings.digest()}", rests_on="environment and .env")


def _needs_settings(judge: Callable[[Settings, Evidence], Finding]) -> Callable[..., Finding]:
    def of(evidence: Evidence) -> Finding:
        if evidence.settings is None:
            return not_yet("without valid settings there is nothing to look at")
        return judge(evidence.settings, evidence)

    return of


def _needs_picture(judge: Callable[[AccountPicture, Evidence], Finding]) -> Callable[..., Finding]:
    def of(evidence: Evidence) -> Finding:
        if evidence.picture is None:
            return not_yet(evidence.picture_problem or NOT_ASKED)
        return judge(evidence.picture, evidence)

    return of


def _mode(settings: Settings, evidence: Evidence) -> Finding:
    if evidence.picture_problem and settings.key_id:
        return failed(evidence.picture_problem, rests_on="the address in the settings")
    return _of_check(mode_check(settings), "the address in the settings")


def _keys(settings: Settings, evidence: Evidence) -> Finding:
    return _of_check(keys_check(settings), "environment and .env")


def _account(picture: AccountPicture, evidence: Evidence) -> Finding:
    (check,) = account_checks(picture)
    return _of_check(check, "the broker's answer")


def _calendar(picture: AccountPicture, evidence: Evidence) -> Finding:
    check = session_check(picture, now=evidence.now_ns)
    if check.level is Level.WARN:  # no session ahead: every entry would be denied
        return failed(f"{check.found}; {check.advice}", rests_on="the broker's calendar")
    return _of_check(check, "the broker's calendar")


def _clock(picture: AccountPicture, evidence: Evidence) -> Finding:
    check = clock_check(picture, has_own_time=evidence.has_own_time)
    return _of_check(check, "the broker's clock")


def _versions(evidence: Evidence) -> Finding:
    check = versions_check(dict(evidence.versions), python=evidence.python)
    if check.level is Level.WARN:
        return failed(f"{check.found}; {check.advice}", rests_on="this installation")
    return _of_check(check, "this installation")


def _tests(evidence: Evidence) -> Finding:
    report = evidence.tests
    if report is None:
        return not_yet("no result of the test suite found; run `make test`")
    says = f"{report.tests} tests, {report.failed} failed, {report.skipped} skipped, at {report.at}"
    is_good = report.tests > 0 and not report.failed
    return (passed if is_good else failed)(says, rests_on="the result file of the last run")


ITEMS = (
    Item("PRE_SETTINGS", "settings", "every setting is valid; their hash is known", _settings),
    Item(
        "PRE_MODE",
        "paper or live",
        "the address can be used, and says whose money it is",
        _needs_settings(_mode),
    ),
    Item("PRE_KEYS", "keys", "a key pair is set, in a private place", _needs_settings(_keys)),
    Item(
        "PRE_ACCOUNT",
        "account and permissions",
        "the broker accepts the keys and new orders",
        _needs_picture(_account),
    ),
    Item(
        "PRE_CALENDAR",
        "calendar",
        "the broker's calendar has this session or another ahead",
        _needs_picture(_calendar),
    ),
    Item("PRE_CLOCK", "clock", "within 2 s of the broker's clock", _needs_picture(_clock)),
    Item(
        "PRE_VERSIONS",
        "versions",
        "Python 3.11 to 3.13 and every dependency installed",
        _versions,
    ),
    Item("PRE_TESTS", "tests", "the last run of the test suite had no failure", _tests),
)
