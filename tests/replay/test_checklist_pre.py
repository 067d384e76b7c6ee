"""Every item before deployment: PASS, FAIL, and NOT YET where nothing was read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.events import CalendarRead
from surefill.core.session import Calendar
from surefill.replay.checklist_items import Evidence, Finding, SuiteReport, Verdict
from surefill.replay.checklist_pre import ITEMS
from tests.support.evidence import PICTURE, UNREAD, evidence, settings

GOOD = evidence()
FAILS: dict[str, Evidence] = {
    "PRE_SETTINGS": evidence(settings=None, problems=("CONFIG_EMPTY: X is empty",)),
    "PRE_MODE": evidence(picture=None, picture_problem="BROKER_UNAVAILABLE: not a known host"),
    "PRE_KEYS": evidence(
        settings=replace(
            settings(),
            key_id=settings().key_id.__class__(""),
            secret_key=settings().key_id.__class__(""),
        )
    ),
    "PRE_ACCOUNT": evidence(picture=replace(PICTURE, account=UNREAD)),
    "PRE_CALENDAR": evidence(picture=replace(PICTURE, calendar=CalendarRead(Calendar(), 1))),
    "PRE_CLOCK": evidence(picture=replace(PICTURE, clock_ahead_ns=-2_000_000_000)),
    "PRE_VERSIONS": evidence(versions={"aiohttp": "missing"}),
    "PRE_TESTS": evidence(tests=SuiteReport(10, 2, 0, "today")),
}


def judged(code: str, found: Evidence) -> Finding:
    return next(item for item in ITEMS if item.code == code).judge(found)


def test_every_item_can_pass() -> None:
    for item in ITEMS:
        finding = item.judge(GOOD)
        assert finding.verdict is Verdict.PASS, (item.code, finding)
        assert finding.rests_on
    assert settings().digest() in judged("PRE_SETTINGS", GOOD).sentence
    assert "paper" in judged("PRE_MODE", GOOD).sentence


@pytest.mark.parametrize("code", [item.code for item in ITEMS])
def test_every_item_can_fail(code: str) -> None:
    assert judged(code, FAILS[code]).verdict is Verdict.FAIL


def test_what_was_not_read_is_not_yet() -> None:
    nothing = Evidence(now_ns=0, build="b", versions={"x": "1"})
    verdicts = {item.code: item.judge(nothing).verdict for item in ITEMS}
    assert verdicts.pop("PRE_VERSIONS") is Verdict.PASS
    assert set(verdicts.values()) == {Verdict.NOT_YET}


def test_why_the_broker_could_not_be_asked_is_said() -> None:
    found = judged("PRE_ACCOUNT", evidence(picture=None, picture_problem="no route"))
    assert (found.verdict, found.sentence) == (Verdict.NOT_YET, "no route")


def test_a_warning_passes_with_its_advice_and_real_money_is_named() -> None:
    live = evidence(settings=settings(APCA_API_BASE_URL="https://api.alpaca.markets"))
    found = judged("PRE_MODE", live)
    assert found.verdict is Verdict.PASS
    assert "LIVE" in found.sentence
    assert "surefill live" in found.sentence


def test_other_failures() -> None:
    unread = evidence(picture=replace(PICTURE, calendar=UNREAD))
    assert judged("PRE_CALENDAR", unread).verdict is Verdict.FAIL
    assert judged("PRE_VERSIONS", evidence(python=(3, 14))).verdict is Verdict.FAIL
    empty = evidence(tests=SuiteReport(0, 0, 0, "today"))
    assert judged("PRE_TESTS", empty).verdict is Verdict.FAIL
    own_time = evidence(picture=replace(PICTURE, clock_ahead_ns=-2_000_000_000), has_own_time=True)
    assert judged("PRE_CLOCK", own_time).verdict is Verdict.PASS
