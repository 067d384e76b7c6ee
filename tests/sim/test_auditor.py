"""The auditor as a whole: clean runs are clean, every named bug is found and nobody else blamed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest

from surefill.core.fix import Side
from surefill.sim.auditor import (
    AuditInputError,
    AuditLimits,
    AuditReport,
    LogChain,
    Violation,
    audit,
    main,
)
from surefill.sim.auditor_findings import Findings
from tests.sim.mutants.history import (
    ACCOUNT,
    CENT,
    START_NS,
    TAG,
    UNIT,
    Case,
    Desk,
    Row,
    clean_case,
    named_case,
)
from tests.sim.mutants.mutants import MUTANTS, orders, spoiled, twin
from tests.sim.mutants.trader import Trader, real_run

MS = 1_000_000


def verdict(case: Case, limits: AuditLimits | None = None) -> AuditReport:
    """The audit of a case."""
    return audit(case.plans, case.lines, case.outcomes, limits=limits)


@pytest.fixture(scope="module")
def clean() -> Case:
    return named_case()


def test_a_clean_run_is_clean(clean: Case) -> None:
    report = verdict(clean)
    assert report.violations == ()
    counts = report.counts
    assert (counts.plans, counts.entered, counts.missed, counts.denied) == (14, 10, 2, 2)
    assert (counts.shorts, counts.partial_entries, counts.plans_raced) == (7, 4, 2)
    assert (counts.uncapped, counts.uncapped_beyond) == (2, 2)
    assert dict(counts.outcomes)["CLOSED_MIXED"] == 2


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_every_mutant_turns_it_red(name: str, clean: Case) -> None:
    report = verdict(spoiled(name, clean))
    assert MUTANTS[name].codes <= report.codes, report.violations
    assert {one.plan_id for one in report.violations} == {MUTANTS[name].plan_id}


def test_there_are_enough_mutants_and_each_invariant_has_one() -> None:
    assert len(MUTANTS) >= 10
    codes = frozenset().union(*(one.codes for one in MUTANTS.values()))
    assert codes >= {"I1", "I2", "I3", "I4", "I5", "I9", "I13", "I14", "I15", "I18", "I20", "I23"}


@pytest.mark.parametrize("seed", range(5))
def test_random_clean_runs_are_clean(seed: int) -> None:
    report = verdict(clean_case(seed, 60))
    assert report.violations == ()
    assert report.counts.plans == 60


@pytest.mark.parametrize("seed", [1, 2])
def test_runs_of_the_real_exchange_are_clean(seed: int) -> None:
    run = real_run(seed, 15)
    report = audit(run.plans, run.log.lines, run.outcomes)
    assert report.violations == ()
    assert report.counts.entered >= 10
    assert report.counts.lines == len(run.log.lines)
    assert 0 < report.cover["smart"].window_max_ns < 1_500 * MS


def test_a_slow_executor_on_the_real_exchange_is_caught() -> None:
    run = real_run(1, 6, react_ms=1_700)
    report = audit(run.plans, run.log.lines, run.outcomes)
    assert "I3" in report.codes
    patient = AuditLimits(cover_ms=5_000, anchor_ms=5_000)
    assert audit(run.plans, run.log.lines, run.outcomes, limits=patient).is_clean


def half_a_trade() -> tuple[Trader, str]:
    """100 shares entered and covered on the real exchange; the id of the last execution."""
    trader = Trader(5)
    trader.step()
    side = Side.BUY
    trader._note_plan("p", side, trader.mid * CENT)
    trader._send("p", "E1", side, 100, limit_px=(trader.mid + 3) * CENT)
    while trader.sums[0] < 100 * UNIT:
        trader.step()
    trader._cover("p", 1)
    trader.wait(100)
    return trader, trader.exchange.fills(ACCOUNT)[-1].exec_id


def test_a_bust_on_the_real_exchange_leaves_exits_too_large() -> None:
    trader, exec_id = half_a_trade()
    trader.exchange.bust(exec_id)
    trader.exchange.advance(trader.exchange.now_ns + 3_000 * MS)
    trader.step()
    busted = next(line for line in trader.log.lines if line["kind"] == "trade_bust")
    outcome: Row = {"plan_id": "p", "outcome": "HANDED_OVER"}
    outcome |= {"entry_qty": busted["position"], "entry_cost": trader.sums[1]}
    trader.exchange.cancel_all(ACCOUNT)  # the log's time goes on only with a line
    report = audit(trader.plans, trader.log.lines, [outcome])
    assert "I4" in report.codes
    assert "LOG" not in report.codes


def test_a_correction_on_the_real_exchange_moves_the_exits() -> None:
    trader, exec_id = half_a_trade()
    trader.exchange.correct(exec_id, trader.mid * CENT - UNIT)
    trader.exchange.advance(trader.exchange.now_ns + 2_000 * MS)
    trader.exchange.cancel_all(ACCOUNT)
    report = audit(trader.plans, trader.log.lines, [{"plan_id": "p", "outcome": "HANDED_OVER"}])
    assert {"I14", "I5"} == report.codes


def test_two_thousand_plans_take_seconds() -> None:
    case = clean_case(3, 2_000)
    started_s = perf_counter()
    report = verdict(case)
    assert report.is_clean
    assert perf_counter() - started_s < 30
    assert report.counts.partial_entries > 200


# --- outcomes -----------------------------------------------------------------------------------


def claimed(clean: Case, plan_id: str, **changes: object) -> AuditReport:
    case = clean.clone()
    next(row for row in case.outcomes if row["plan_id"] == plan_id).update(changes)
    return verdict(case)


@pytest.mark.parametrize("name", ["entry_qty", "entry_cost", "exit_qty", "exit_cost"])
def test_a_number_that_is_off_by_the_least_unit_is_found(clean: Case, name: str) -> None:
    row = next(row for row in clean.outcomes if row["plan_id"] == "reach_target")
    value = row[name]
    assert isinstance(value, int)
    report = claimed(clean, "reach_target", **{name: value + 1})
    assert [(one.code, one.plan_id) for one in report.violations] == [("I5", "reach_target")]


@pytest.mark.parametrize("kind", ["CLOSED_STOP", "NOT_ENTERED", "VANISHED", "DENIED"])
def test_a_wrong_outcome_is_found(clean: Case, kind: str) -> None:
    assert "I5" in claimed(clean, "reach_target", outcome=kind).codes


def test_an_outcome_declared_too_early_is_found(clean: Case) -> None:
    end_ns = START_NS + 20_000 * MS  # the target filled, the stop lost its force
    assert claimed(clean, "reach_target", ended_ns=end_ns - 1).codes == {"I5"}
    assert claimed(clean, "reach_target", ended_ns=end_ns).is_clean


def test_a_late_fill_after_the_end_is_followed(clean: Case) -> None:
    case = clean.clone()
    fill = dict(case.of("missed", "new")[0])
    fill.update(kind="fill", qty=100 * UNIT, px=150 * UNIT, exec_id="late")
    fill["venue_ns"] = int(str(case.lines[-1]["venue_ns"])) + 10_000 * MS
    case.lines.append(fill)
    later = dict(case.lines[0])
    later.update(kind="note", venue_ns=int(str(fill["venue_ns"])) + 5_000 * MS)
    case.lines.append(later)
    report = verdict(case.seal())
    assert {"I3", "I5"} <= {one.code for one in report.violations if one.plan_id == "missed"}


def test_one_outcome_for_each_plan(clean: Case) -> None:
    case = clean.clone()
    lost = case.outcomes.pop(0)
    case.outcomes.append(dict(case.outcomes[0]))
    case.outcomes.append({"plan_id": "nobody", "outcome": "DENIED"})
    told = {(one.plan_id, one.sentence) for one in verdict(case).violations}
    assert (str(lost["plan_id"]), "has no outcome") in told
    assert (str(case.outcomes[0]["plan_id"]), "has more than one outcome") in told
    assert ("nobody", "has an outcome but no plan") in told


# --- the log itself -----------------------------------------------------------------------------


def test_a_changed_line_is_found(clean: Case) -> None:
    case = clean.clone()
    case.lines[40]["bid"] = 1
    assert verdict(case).codes == {"LOG"}


def test_a_missing_line_is_found(clean: Case) -> None:
    case = clean.clone()
    quiet = next(at for at, line in enumerate(case.lines) if line["kind"] == "disarmed")
    del case.lines[quiet]
    assert "LOG" in verdict(case).codes


def test_time_that_runs_backwards_is_found() -> None:
    findings = Findings()
    chain = LogChain(findings)
    chain.check({"seq": 5, "venue_ns": 10})
    chain.check({"seq": 6, "venue_ns": 9})
    chain.check({"seq": "x", "venue_ns": 9})
    assert [one.sentence for one in findings.violations] == ["line 6: venue time goes backwards"]


def test_an_excerpt_of_a_log_is_not_a_broken_one(clean: Case) -> None:
    case = clean.clone()
    report = audit([], [line for line in case.lines if line["order_id"] == "none"], [])
    assert report.is_clean
    findings = Findings()
    chain = LogChain(findings)
    for line in case.lines[30:]:
        chain.check(line)
    assert not findings.violations


def edited(clean: Case, kind: str, **fields: object) -> AuditReport:
    """Change one line of ``reach_target`` without working out anything again."""
    case = clean.clone()
    case.of("reach_target", kind)[0].update(fields)
    for line in case.lines:
        line.pop("hash")
    return verdict(case)


def test_sums_that_do_not_add_up_are_found(clean: Case) -> None:
    assert "LOG" in edited(clean, "fill", position=7 * UNIT).codes
    assert edited(clean, "fill", cum_qty=99 * UNIT).codes == {"LOG"}


def test_an_order_without_a_client_id_belongs_to_nobody(clean: Case) -> None:
    case = with_foreign(clean)
    for line in case.lines:
        line.pop("hash")
        line["exec_id"] = None  # and executions without a number are let pass
        if line["order_id"] == "theirs":
            line["cl_ord_id"] = None
    report = verdict(case, AuditLimits(foreign_orders=True, others=frozenset({"theirs"})))
    assert report.is_clean


def test_an_execution_told_twice_is_found(clean: Case) -> None:
    case = clean.clone()
    first, second = case.of("partial_then_stop", "partial_fill")[:2]
    second["exec_id"] = first["exec_id"]
    assert verdict(case.seal()).codes == {"LOG"}


# --- other people, refusals, busts --------------------------------------------------------------


def with_foreign(clean: Case, **changes: object) -> Case:
    case = clean.clone()
    (entry,) = orders(case, "missed", "E")
    twin(case, entry, "theirs", by_ms=61_000, cl_ord_id="their-own", **changes)
    del case.owners["theirs"]
    return case.seal()


def test_foreign_orders_may_be_there_and_must_be_left_alone(clean: Case) -> None:
    case = with_foreign(clean)
    assert verdict(case, AuditLimits(foreign_orders=True)).codes == {"I16"}
    own = AuditLimits(foreign_orders=True, others=frozenset({"their-own"}))
    report = verdict(case, own)
    assert report.is_clean
    assert report.counts.foreign_orders == 1


def test_an_order_of_an_unknown_plan_is_found(clean: Case) -> None:
    case = with_foreign(clean)
    for line in case.lines:
        if line["order_id"] == "theirs":
            line["cl_ord_id"] = f"sf-{TAG}-unknown-E1"
    assert ("I9", "unknown") in {(one.code, one.plan_id) for one in verdict(case).violations}


def test_an_order_in_the_wrong_place_is_found(clean: Case) -> None:
    case = clean.clone()
    next(row for row in case.plans if row["plan_id"] == "missed")["symbol"] = "ELSE"
    assert verdict(case).codes == {"I9"}


def refusal(clean: Case, **fields: object) -> Case:
    case = clean.clone()
    last = case.lines[-1]
    row: Row = {"kind": "refused", "account": "PA1", "venue_ns": last["venue_ns"], **fields}
    case.lines.append({**dict.fromkeys(last), **row, "seq": len(case.lines) + 1, "hash": None})
    return case


def test_a_cancel_refused_because_the_order_was_filled_is_a_race(clean: Case) -> None:
    before = verdict(clean).counts.races
    (entry,) = orders(clean, "reach_target", "E")
    report = verdict(refusal(clean, order_id=entry, text="NOT_CANCELABLE status=FILLED"))
    assert report.is_clean
    assert report.counts.races == before + 1


def test_a_request_of_a_denied_plan_is_found(clean: Case) -> None:
    case = refusal(clean, cl_ord_id=f"sf-{TAG}-denied-E1", text="SUB_PENNY")
    assert verdict(case).codes == {"I15"}


def test_an_id_sent_again_with_another_body_is_found(clean: Case) -> None:
    terms: Row = {"cl_ord_id": f"sf-{TAG}-missed-E1", "side": "BUY", "ord_type": "LIMIT"}
    same = refusal(clean, **terms, order_qty=100 * UNIT, text="DUPLICATE_CL_ORD_ID")
    assert verdict(same).is_clean
    other = refusal(clean, **terms, order_qty=50 * UNIT, text="DUPLICATE_CL_ORD_ID")
    assert verdict(other).codes == {"I9"}
    stranger = refusal(clean, cl_ord_id="stranger", text="SUB_PENNY")
    assert verdict(stranger).is_clean


def held_position(desk: Desk) -> tuple[Row, str, tuple[str, str]]:
    """100 shares entered at 150.00, covered, handed over."""
    plan = desk.plan("held", 0)
    entry = desk.enter(0, plan, 7)
    desk.fill(10, entry, 70, 0)
    desk.fill(10, entry, 30, 0)
    group = desk.cover(300, plan, 100, stop=-50, target=100)
    desk.outcome(plan, "HANDED_OVER")
    return plan, entry, group


def undo(desk: Desk, at_ms: int, entry: str, kind: str, **fields: object) -> Case:
    """Seal and add a bust or a correction of the second execution; and time goes on."""
    desk.line(at_ms, "note", entry)
    desk.line(at_ms + 10_000, "note", entry)
    case = desk.case.seal()
    line = next(one for one in case.lines if one["kind"] == "note")
    line.update(kind=kind, exec_id="x2", qty=30 * UNIT, **fields)
    for one in case.lines:
        one.pop("hash")
        if one["kind"] == "note":
            one["cum_qty"] = 70 * UNIT
    return case


def test_a_bust_must_be_repaired_in_time() -> None:
    desk = Desk()
    _, entry, _ = held_position(desk)
    case = undo(desk, 5_000, entry, "trade_bust", px=150 * UNIT, position=70 * UNIT)
    case.outcomes[0].update(entry_qty=70 * UNIT, entry_cost=70 * 150 * UNIT * UNIT)
    report = verdict(case)
    assert [one.sentence for one in report.violations] == [
        "exits larger than the position lived for 10000 ms"
    ]


def test_a_correction_moves_the_exits() -> None:
    desk = Desk()
    _, entry, _ = held_position(desk)
    case = undo(desk, 5_000, entry, "trade_correct", px=149 * UNIT, position=100 * UNIT)
    case.outcomes[0].update(entry_cost=(70 * 150 + 30 * 149) * UNIT * UNIT)
    (only,) = verdict(case).violations
    assert only.code == "I14"
    assert "149.20" in only.sentence


def test_the_undoing_of_an_unknown_execution_is_let_pass(clean: Case) -> None:
    case = clean.clone()
    entry = orders(case, "reach_target", "E")[0]
    line = dict(case.of("reach_target", "new")[0])
    line.update(kind="trade_bust", order_id=entry, exec_id="unknown", position=None)
    case.lines.append({**line, "venue_ns": case.lines[-1]["venue_ns"], "seq": len(case.lines) + 1})
    case.lines[-1].pop("hash")
    assert verdict(case).is_clean


def test_a_position_closed_by_hand_leaves_two_seconds_for_the_exits() -> None:
    desk = Desk()
    plan, _, group = held_position(desk)
    desk.outcome(plan, "CLOSED_EXTERNAL")
    theirs = desk.order(5_000, plan, "by-hand", limit_px=150 * UNIT)
    del desk.case.owners[theirs]
    desk.fill(5_000, theirs, 100, 0)
    desk.cancel(6_000, group[0])
    desk.dead(6_100, group[1])
    limits = AuditLimits(foreign_orders=True)
    assert verdict(desk.case.seal(), limits).is_clean
    for line in desk.case.lines:
        if line["kind"] in ("pending_cancel", "canceled"):
            line["venue_ns"] = START_NS + 9_000 * MS
    assert verdict(desk.case.seal(), limits).codes == {"I4"}


def test_the_99th_percentile_is_judged_over_many_windows() -> None:
    case = clean_case(4, 200)
    assert verdict(case, AuditLimits(cover_p99_ms=300)).violations[-1] == Violation(
        "I3",
        "",
        max(int(str(line["venue_ns"])) for line in case.lines),
        "99th percentile of uncovered windows, smart path: 407 ms",
    )


# --- as a program -------------------------------------------------------------------------------


def write(folder: Path, case: Case) -> list[str]:
    paths = []
    for name, rows in (("plans", case.plans), ("log", case.lines), ("outcomes", case.outcomes)):
        path = folder / f"{name}.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
        paths.append(str(path))
    return paths


def test_the_program_prints_and_exits(
    tmp_path: Path, clean: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(write(tmp_path, clean)) == 0
    assert "no violation" in capsys.readouterr().out
    paths = write(tmp_path, spoiled("late_cover", clean))
    assert main(paths) == 1
    assert "I3   reach_target" in capsys.readouterr().out
    assert main([*paths, "2000"]) == 0


@pytest.mark.parametrize("text", ["{", "[]", '{"plan_id": "a"}'])
def test_the_program_refuses_what_it_cannot_read(tmp_path: Path, clean: Case, text: str) -> None:
    paths = write(tmp_path, clean)
    Path(paths[0]).write_text(text, encoding="utf-8")
    assert main(paths) == 2


def test_it_runs_as_a_module(tmp_path: Path, clean: Case) -> None:
    command = [sys.executable, "-m", "surefill.sim.auditor", *write(tmp_path, clean)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no violation" in done.stdout


def test_the_program_says_how_it_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["auditor"])
    assert main() == 2
    assert main(["a", "b", "c", "soon"]) == 2
    assert main(["a", "b", "c"]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_same_plan_twice_is_refused(clean: Case) -> None:
    with pytest.raises(AuditInputError):
        audit([clean.plans[0], clean.plans[0]], [], [])
