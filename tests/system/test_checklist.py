"""The checklist of a deployment as its operator runs it: real processes, a real exchange, a journal
and log files that a rehearsal left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.exchange_server import RunningExchange
from tests.support.workplace import Workplace

pytestmark = pytest.mark.slow

RESULT = '<testsuites><testsuite tests="9" failures="0" errors="0" skipped="1"/></testsuites>'


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """A user's directory before an exchange of its own that quotes ACME."""
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        yield Workplace(exchange, tmp_path)


def verdicts(shown: dict[str, object]) -> dict[str, str]:
    """code -> verdict."""
    items = shown["items"]
    assert isinstance(items, list)
    return {str(item["code"]): str(item["verdict"]) for item in items}


def test_from_nothing_to_a_signed_integration_stage(place: Workplace) -> None:
    before = place.surefill("checklist", "--stage", "integration")
    assert before.returncode == 3
    assert "there is no journal yet" in before.stdout
    rehearsed = place.surefill("checklist", "--stage", "integration", "--rehearse", "ACME")
    assert rehearsed.returncode == 0, rehearsed.stdout + rehearsed.stderr
    assert "6 PASS, 0 FAIL, 0 NOT YET" in " ".join(rehearsed.stdout.split())
    assert "rehearsal, legacy path: ACME BUY" in rehearsed.stderr
    signed = place.surefill("checklist", "--stage", "integration", "--sign-off", "ann")
    assert signed.returncode == 0, signed.stderr
    assert "integration signed off by ann" in " ".join(signed.stdout.split())
    found = verdicts(place.json("checklist", "--stage", "first"))
    assert set(found.values()) == {"PASS"}, found
    metrics = place.json("metrics", "--by", "path")
    assert metrics["all"]["entered"] == 2
    assert set(metrics["groups"]) == {"smart", "legacy"}
    assert metrics["all"]["errors_in_doubt"] == 0
    assert place.surefill("journal", "verify").returncode == 0


def test_before_deployment_everything_can_pass(place: Workplace) -> None:
    result = place.folder / "result.xml"
    result.write_text(RESULT, encoding="utf-8")
    shown = place.json("checklist", "--stage", "pre", "--tests", str(result))
    assert set(verdicts(shown).values()) == {"PASS"}, shown
    place.write_env(APCA_API_SECRET_KEY="")
    assert verdicts(place.json("checklist", "--stage", "pre"))["PRE_SETTINGS"] == "FAIL"


def test_no_rehearsal_where_it_cannot_be(place: Workplace) -> None:
    done = place.surefill("checklist", "--stage", "integration", "--rehearse", "NONE")
    assert done.returncode == 3
    assert "no quote for NONE" in done.stderr
    assert done.stdout == ""
