"""Every record decided again: the same history is proven, a changed one is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surefill.core.commands import SubmitOrder
from surefill.core.engine import EngineConfig
from surefill.core.events import Act, EngineStarted, NoteWritten
from surefill.core.ids import account_tag
from surefill.core.plan import SECOND_NS
from surefill.core.risk import Limits
from surefill.core.units import NANO
from surefill.journal.digest import image_digest, link
from surefill.journal.images import ENGINE_IMAGE
from surefill.journal.memory import MemoryJournal
from surefill.journal.record import Record
from surefill.ports import Journal, JournalEntry
from surefill.replay.harness import VirtualRun
from surefill.replay.restep import Verdict, restep
from surefill.replay.simulate.play import play
from surefill.replay.simulate.scenario import Crashed
from surefill.replay.simulate.scripts import scripted
from tests.support.told import ToldBench, arrival, crwd_plan, crwd_run, records_of


def proof_of(run: VirtualRun, journal: Journal | None = None, **config: object) -> Verdict:
    """The verdict on a run's journal, by its own configuration unless told otherwise."""
    started = records_of(run.journal)[0].event
    assert isinstance(started, EngineStarted)
    given: EngineConfig = replace(run.engine.config, **config)  # type: ignore[arg-type]
    return restep(
        journal if journal is not None else run.journal,
        given,
        settings_digest=started.settings_digest,
        build=started.build,
    )


def rewritten(run: VirtualRun, seq: int, **change: object) -> MemoryJournal:
    """The run's journal with one record changed and a chain that is whole again."""
    journal, digest = MemoryJournal(), ""
    journal.acquire("forger")
    for record in records_of(run.journal):
        changed = replace(record, **change) if record.seq == seq else record  # type: ignore[arg-type]
        data = changed.to_bytes()
        digest = link(digest, data)
        journal.append([JournalEntry(record.seq, data, digest, {}, {})])
    return journal


@pytest.fixture(scope="module")
def run() -> VirtualRun:
    """A morning with a smart trade that misses and a legacy trade that is stopped out."""
    return crwd_run(
        arrival(crwd_plan("crwd-1")),
        arrival(crwd_plan("crwd-2", by_level=True), is_legacy=True, after_s=70),
    )


def test_a_morning_is_decided_again_to_its_end(run: VirtualRun) -> None:
    found = proof_of(run)
    assert found.difference is None
    assert found.is_proven
    assert found.records == found.head[0] == len(records_of(run.journal))
    assert found.runs == 1


def test_the_account_is_found_in_the_records(run: VirtualRun) -> None:
    assert account_tag("somebody else's") != run.engine.tag
    assert proof_of(run, account="somebody else's").is_proven


def test_an_empty_journal_is_proven() -> None:
    empty = restep(
        MemoryJournal(), EngineConfig(account="A", limits=Limits()), settings_digest="", build=""
    )
    assert empty == Verdict(0, 0, (0, ""), None)


def test_other_limits_decide_otherwise_and_say_that_it_proves_nothing(run: VirtualRun) -> None:
    found = proof_of(run, limits=Limits(order_qty_max=1 * NANO))
    assert found.difference is not None
    assert found.difference.is_comparable  # by its digest this run had these very settings
    assert "PlanSubmitted" in found.difference.sentence
    other = restep(
        run.journal,
        replace(run.engine.config, limits=Limits(order_qty_max=1 * NANO)),
        settings_digest="another",
        build="another",
    )
    assert other.difference is not None
    assert not other.difference.is_comparable
    unlike = "other settings and another build (virtual, not another)"
    assert other.difference.unlike == unlike


def test_commands_that_were_not_decided_are_found(run: VirtualRun) -> None:
    submitted = next(r for r in records_of(run.journal) if "SubmitOrder" in str(r.commands))
    found = proof_of(run, rewritten(run, submitted.seq, commands=()))
    assert found.difference is not None
    assert found.difference.seq == submitted.seq
    assert "the journal sent nothing, decided again it is Submit" in found.difference.sentence


def test_commands_with_other_values_are_found(run: VirtualRun) -> None:
    submitted = next(r for r in records_of(run.journal) if "SubmitOrder" in str(r.commands))
    changed = tuple(
        replace(command, spec=replace(command.spec, order_qty=NANO))
        if isinstance(command, SubmitOrder)
        else command
        for command in submitted.commands
    )
    found = proof_of(run, rewritten(run, submitted.seq, commands=changed))
    assert found.difference is not None
    assert "other values" in found.difference.sentence


def test_an_image_of_another_digest_is_found(run: VirtualRun) -> None:
    first = records_of(run.journal)[0]
    assert first.images
    wrong = ((ENGINE_IMAGE, image_digest(b"forged")),)
    found = proof_of(run, rewritten(run, first.seq, images=wrong))
    assert found.difference is not None
    assert found.difference.seq == first.seq
    assert ENGINE_IMAGE in found.difference.sentence


def test_a_stored_image_that_nobody_decided_is_found(run: VirtualRun) -> None:
    bare = rewritten(run, 0)  # the same records, but images were never stored
    found = proof_of(run, bare)
    assert found.difference is not None
    assert "the stored image of" in found.difference.sentence


def test_restarts_and_notes_are_passed_over_as_they_happened(tmp_path: Path) -> None:
    run = crwd_run(arrival(crwd_plan()))
    journal, records = run.journal, records_of(run.journal)
    last = records[-1]
    for event in (
        NoteWritten("rollback", "ann", "test", (), last.now_ns),
        EngineStarted(9, "b", "d", last.now_ns + SECOND_NS),
    ):
        step = run.stepper.handle([event], last.now_ns + SECOND_NS)
        assert bool(step.commands) == isinstance(event, EngineStarted)
    seq, digest = journal.head()
    note = Record(seq + 1, last.now_ns, 1, NoteWritten("x", "a", "", (), 0), (), (), ())
    journal.append([note.entry(digest, {}, is_open={})])
    found = proof_of(run)
    assert found.difference is None, found.difference
    assert found.runs == 2


def test_what_was_seen_between_two_records_is_proven_too() -> None:
    """Quotes leave no record; the extremes that they made travel with the next one."""
    b = ToldBench()
    b.accepts("E1")
    b.fills("E1", 100)
    b.accepts("X1")
    for cents in (-30, 60, -45, 10):
        b.run(1)
        b.quote(cents, cents + 2)
    b.operator(Act.FLATTEN, "p1")  # the record that takes them along
    b.quote(-80, -78)  # nobody writes this one down
    assert b.trade.excursion is not None
    assert b.trade.excursion.adverse_px == b.at(-45)
    assert any(record.seen for record in records_of(b.journal))
    found = restep(b.journal, b.config, settings_digest="settings", build="test")
    assert found.difference is None, found.difference

    journal, digest = MemoryJournal(), ""
    journal.acquire("forger")
    for record in records_of(b.journal):
        data = replace(record, seen=()).to_bytes()
        digest = link(digest, data)
        journal.append([JournalEntry(record.seq, data, digest, {}, {})])
    forged = restep(journal, b.config, settings_digest="settings", build="test")
    assert forged.difference is not None
    assert "the image of p1 is another one" in forged.difference.sentence


def test_a_restart_takes_the_trades_in_the_journals_own_order() -> None:
    """Found by simulation, seed 102: two trades changed by one record came back in the order in
    which they were decided, not in that of their ids, and a sound journal failed its proof."""
    scenario = scripted("limit, target")
    (given,) = scenario.plans
    (symbol,) = scenario.symbols
    first = replace(given, plan=replace(given.plan, plan_id="z", symbol="ZULU"))
    second = replace(given, at_ms=300, plan=replace(given.plan, plan_id="a"))
    both = replace(
        scenario,
        symbols=(symbol, replace(symbol, name="ZULU")),
        happenings=(first, second, Crashed(1_000, 700, again=(0,))),
    )
    run = play(both).run
    assert run.starts == 3
    found = restep(run.journal, run.engine.config, settings_digest="virtual", build="virtual")
    assert found.difference is None


def test_what_a_tactic_looked_at_in_vain_is_proven_too() -> None:
    """Found by simulation, seed 10030, a calm one: a listing brought nothing new while a tactic
    followed a market that stood still. The record of the listing did not hold that market, and on
    the last one of the journal, stale by then, the tactic was decided otherwise."""
    scenario = scripted("limit, target")
    (given,) = scenario.plans
    (symbol,) = scenario.symbols
    _, bid_px, _, shares = symbol.path[0]
    still = tuple((ms, bid_px, bid_px + NANO // 5, shares) for ms in range(-2_000, 12_000, 500))
    quiet = replace(
        scenario,
        symbols=(replace(symbol, path=still),),
        happenings=(replace(given, plan=replace(given.plan, tactic="mid")),),
    )
    run = play(quiet).run
    assert run.starts == 1
    found = restep(run.journal, run.engine.config, settings_digest="virtual", build="virtual")
    assert found.difference is None
