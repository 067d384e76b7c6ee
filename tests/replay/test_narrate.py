"""Stories of whole trades, from journals of real runs; what is asked for and is not there."""

from __future__ import annotations

import json
from pathlib import Path

from surefill.core.events import Act, OperatorActed
from surefill.core.trade import Outcome
from surefill.core.units import NANO
from surefill.journal.images import ENGINE_IMAGE
from surefill.journal.memory import MemoryDisk, MemoryJournal
from surefill.journal.sqlite import SqliteJournal
from surefill.replay.narrate import Story, at_text, narrate, near_ids
from surefill.replay.sentences import LineKind
from surefill.sim.scripts import CRWD_SIGNAL_NS
from tests.support.core import START_NS
from tests.support.runtime import plan_of, readiness, stepper_of, submission
from tests.support.told import ToldBench, arrival, crwd_plan, crwd_run


def told(story: Story | None) -> list[str]:
    assert story is not None
    return [line.sentence for line in story.lines]


def test_the_crwd_morning_as_planned_is_denied() -> None:
    run = crwd_run(arrival(crwd_plan(by_level=True)))
    story = narrate(run.journal, "crwd-1")
    assert told(story) == [
        "Plan crwd-1: BUY 25 CRWD, signal 534.82, stop at 529.47, target at 536.87, tactic limit.",
        "Quote 535.90 x 536.00 (200 x 160 shares, SIP, 0 ms old).",
        "DENIED, nothing was sent. RR_BELOW_MIN: reward/risk 0.38 is below the minimum 2.",
    ]
    assert story is not None
    assert [line.kind for line in story.lines] == [LineKind.PLAN, LineKind.PLAN, LineKind.OUTCOME]
    assert story.result.outcome is Outcome.DENIED


def test_the_crwd_morning_by_distance_is_not_entered() -> None:
    run = crwd_run(arrival(crwd_plan()))
    sentences = told(narrate(run.journal, "crwd-1"))
    assert sentences[2:4] == [
        "Accepted for 25 shares: first limit 535.08, cap 535.35, worst price 535.35; "
        "planned reward/risk 2.00.",
        "Sent E1: BUY 25 LIMIT 535.08 DAY, to work for 60 s at most.",
    ]
    assert "Cancels entry E1: not filled within 60 s inside 535.35." in sentences
    assert sentences[-1] == "Outcome NOT_ENTERED: not filled within 60 s inside 535.35."


def test_the_crwd_morning_on_the_legacy_path() -> None:
    run = crwd_run(arrival(crwd_plan(by_level=True), is_legacy=True))
    sentences = told(narrate(run.journal, "crwd-1"))
    assert "Note UNCAPPED: the legacy path sends a market order without a price cap." in sentences
    assert (
        "Sent E1: BUY 25 MARKET DAY BRACKET stop 529.47 | limit 536.87, legacy path." in sentences
    )
    filled = "Entry E1 filled 25 at 536.00: 25 of 25, average 536.00, slippage +22.06 bps."
    assert filled in sentences
    assert sentences[-2:] == [
        "Outcome CLOSED_STOP at 529.47, -163.25 USD.",
        "Reward/risk: planned 0.38, at the fill against the signal's levels 0.13, "
        "realized -1.00 R.",
    ]


def test_lines_are_in_order_and_dated_in_new_york() -> None:
    run = crwd_run(arrival(crwd_plan(by_level=True), is_legacy=True))
    story = narrate(run.journal, "crwd-1")
    assert story is not None
    keys = [(line.seq, line.at_ns) for line in story.lines]
    assert keys == sorted(keys)
    assert at_text(story.lines[0].at_ns) == "2026-11-20 09:40:01.000"
    assert at_text(CRWD_SIGNAL_NS + 1_999_999) == "2026-11-20 09:40:00.001"
    assert at_text(1_772_463_600 * 10**9) == "2026-03-02 10:00:00.000"
    summer = 1_783_000_000 * 10**9
    assert at_text(summer).endswith("09:46:40.000")  # UTC-4


def test_the_story_as_json() -> None:
    run = crwd_run(arrival(crwd_plan(by_level=True)))
    story = narrate(run.journal, "crwd-1")
    assert story is not None
    data = json.loads(json.dumps(story.to_dict()))
    assert data["trade_id"] == "crwd-1"
    assert data["lines"][0]["at"] == "2026-11-20 09:40:01.000"
    assert data["lines"][2]["kind"] == "OUTCOME"
    assert data["result"]["outcome"] == "DENIED"


def test_a_file_tells_the_same_as_memory(tmp_path: Path) -> None:
    plans = [arrival(crwd_plan()), arrival(crwd_plan("crwd-2", by_level=True))]
    in_memory = crwd_run(*plans).journal
    path = tmp_path / "journal.db"
    crwd_run(*plans, path=path)
    on_disk = SqliteJournal(path, read_only=True)
    for plan_id in ("crwd-1", "crwd-2"):
        assert told(narrate(on_disk, plan_id)) == told(narrate(in_memory, plan_id))
    on_disk.close()


def test_an_open_trade_is_told_as_far_as_it_is() -> None:
    b = ToldBench()
    assert b.story.result.outcome is None
    assert b.told[-1].startswith("Sent E1")


def test_the_same_id_again_is_told_once() -> None:
    b = ToldBench()
    count = len(b.told)
    b.submit_plan(b.plan)
    assert len(b.told) == count
    refused = ToldBench(levels=(-200, 100))
    before = refused.told
    refused.run(1)
    refused.submit_plan(refused.plan)
    assert refused.told == before


def test_a_question_asked_again_is_told_once() -> None:
    b = ToldBench()
    b.loses("E1")
    b.run(60)
    told_first = b.told[: next(n for n, text in enumerate(b.told) if text.startswith("ALARM"))]
    assert told_first.count("The broker does not know entry E1.") == 1


def test_what_is_not_there() -> None:
    b = ToldBench()
    assert narrate(b.journal, "p2") is None
    assert narrate(b.journal, ENGINE_IMAGE) is None
    assert near_ids(b.journal, "P1") == (("p1",), ("p1",))
    assert near_ids(b.journal, "zzz") == ((), ("p1",))
    assert near_ids(b.journal, "") == ((), ("p1",))
    assert near_ids(MemoryJournal(), "p1") == ((), ())


def test_near_and_last_ids() -> None:
    plans = [arrival(crwd_plan(f"crwd-{n}", by_level=True)) for n in range(1, 8)]
    journal = crwd_run(*plans).journal
    near, last = near_ids(journal, "crwd1")
    assert "crwd-1" in near
    assert len(near) == 3
    assert last == ("crwd-7", "crwd-6", "crwd-5", "crwd-4", "crwd-3")


def test_the_id_of_a_closing_request_tells_its_trade() -> None:
    disk = MemoryDisk()
    stepper = stepper_of(disk)
    asked = OperatorActed(Act.REDUCE, "p1", "ann", "late", START_NS, 40 * NANO, "exit-1")
    stepper.handle([*readiness(), submission(plan_of()), asked], START_NS)
    story = narrate(stepper.journal, "exit-1")
    assert story is not None
    assert story.trade_id == "p1"
    assert "ann asked for REDUCE of 40 shares, request exit-1: late." in told(story)
    assert narrate(stepper.journal, "@closing:exit-1") is None
    assert near_ids(stepper.journal, "exit")[1] == ("p1",)
