"""The whole checklist: verdict, order, signatures, JSON."""

from __future__ import annotations

import json

from surefill.core.events import NoteWritten
from surefill.replay.checklist import CHECKLIST, judge, sign_off_facts
from surefill.replay.checklist_items import SIGN_OFF, Evidence, Stage, Verdict
from tests.support.evidence import NOW, evidence, history, settings
from tests.tca.support import fact

NOTE = NoteWritten(
    SIGN_OFF,
    "ann",
    "all is well",
    (
        ("stage", "first"),
        ("build", "surefill 1"),
        ("settings", "ff"),
        ("next_review", "2026-12-01"),
    ),
    NOW,
)
ROLLBACK = NoteWritten("rollback", "bob", "", (), NOW)


def test_codes_are_unique_and_name_their_stage() -> None:
    codes = [item.code for items in CHECKLIST.values() for item in items]
    assert len(set(codes)) == len(codes) == 28
    assert list(CHECKLIST) == list(Stage)


def test_the_worst_verdict_counts() -> None:
    good = evidence(history=history(fact("a")))
    assert judge(good, (Stage.FIRST,)).verdict is Verdict.PASS
    assert judge(good, (Stage.FIRST, Stage.WEEK)).verdict is Verdict.NOT_YET
    bad = evidence(history=history(fact("a", is_legacy=True)))
    found = judge(bad, (Stage.FIRST, Stage.WEEK))
    assert found.verdict is Verdict.FAIL
    assert sum(found.counts.values()) == len(found.lines) == 9
    assert found.stages == (Stage.FIRST, Stage.WEEK)
    assert len(found.of_stage(Stage.WEEK)) == 5


def test_all_stages_by_default() -> None:
    found = judge(Evidence(now_ns=0, build="b"))
    assert found.stages == tuple(Stage)
    assert found.settings == "unknown"
    assert found.signatures == ()


def test_signatures_are_read_from_the_journal() -> None:
    found = judge(evidence(history=history(fact("a"), notes=(ROLLBACK, NOTE))), (Stage.FIRST,))
    (signed,) = found.signatures
    assert signed.seq == 901
    assert signed.sentence == (
        "first signed off by ann on 2026-03-02 10:00:00.000, surefill 1, settings ff, "
        "next review 2026-12-01 (record 901)"
    )


def test_a_sign_off_names_what_was_signed() -> None:
    found = judge(evidence(history=history(fact("a"))), (Stage.FIRST, Stage.WEEK))
    assert sign_off_facts(found, "2026-12-01") == {
        "stage": "first week",
        "build": "surefill test",
        "settings": settings().digest(),
        "verdicts": "4 PASS, 0 FAIL, 5 NOT YET",
        "next_review": "2026-12-01",
    }


def test_json() -> None:
    found = judge(evidence(history=history(fact("a"), notes=(NOTE,))), (Stage.FIRST,))
    shown = json.loads(json.dumps(found.to_dict()))
    assert shown["verdict"] == "PASS"
    assert [item["verdict"] for item in shown["items"]] == ["PASS"] * 4
    assert shown["items"][0]["seqs"]
    assert shown["sign_offs"][0]["by"] == "ann"
