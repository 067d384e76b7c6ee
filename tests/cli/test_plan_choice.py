"""Where plans come from: one place, and every bad row has a line."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from surefill.cli.plan_choice import (
    SHOWN_MAX,
    ChoiceError,
    add_plan_choice,
    chosen,
    count_of,
    tell_left_out,
)
from surefill.core.units import NANO
from surefill.replay.plan_history import HistoryPlans
from surefill.replay.plan_rows import LeftOut
from surefill.replay.plan_sampled import SampledPlans
from surefill.replay.plan_source import FilePlans

HEAD = "at,symbol,side,qty,signal,risk,rr\n"
GOOD = "2026-03-02T15:00:00Z,CRWD,buy,25,534.82,5.35,2\n"
BAD = "2026-03-02T15:00:00Z,CRWD,up,x,534.82,5.35,2\n"
Capture = pytest.CaptureFixture[str]


def parsed(*words: str, tapes: tuple[str, ...] = ("tape",)) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("tapes", nargs="*")
    parser.add_argument("--minutes", type=int)
    add_plan_choice(parser, plans=120)
    return parser.parse_args([*tapes, *words])


def file(folder: Path, text: str) -> str:
    path = folder / "plans.csv"
    path.write_text(text)
    return str(path)


def test_without_a_word_plans_are_drawn() -> None:
    args = parsed()
    assert chosen(args) == (None, ())
    assert count_of(args, 120) == 120
    assert count_of(parsed("--plans", "7"), 120) == 7


def test_a_file_of_plans(tmp_path: Path) -> None:
    args = parsed("--plans", file(tmp_path, HEAD + GOOD))
    source, bad = chosen(args)
    assert isinstance(source, FilePlans)
    assert len(source.draws) == 1
    assert bad == ()
    assert count_of(args, 120) == 120


def test_a_bad_row_ends_it_with_every_problem_or_is_left_out(
    tmp_path: Path, capsys: Capture
) -> None:
    name = file(tmp_path, HEAD + GOOD + BAD)
    with pytest.raises(ChoiceError, match="2 problems; 1 of 2 rows"):
        chosen(parsed("--plans", name))
    err = capsys.readouterr().err
    assert "plans.csv, line 3: PLAN_SIDE_INVALID: side = 'up'" in err
    assert "plans.csv, line 3: PLAN_NUMBER_INVALID: qty = 'x'" in err
    source, bad = chosen(parsed("--plans", name, "--allow-bad"))
    assert isinstance(source, FilePlans)
    assert [one.field for one in bad] == ["side", "qty"] or len(bad) == 2
    with pytest.raises(ChoiceError):
        chosen(parsed("--plans", file(tmp_path, HEAD + BAD), "--allow-bad"))


def test_a_history_of_orders(tmp_path: Path, capsys: Capture) -> None:
    order = {
        "id": "o-1",
        "client_order_id": "c-1",
        "symbol": "CRWD",
        "asset_class": "us_equity",
        "qty": "25",
        "filled_qty": "25",
        "filled_avg_price": "536",
        "status": "filled",
        "type": "market",
        "side": "buy",
        "time_in_force": "day",
        "order_class": "simple",
        "submitted_at": "2026-03-02T15:00:00Z",
        "created_at": "2026-03-02T15:00:00Z",
        "filled_at": "2026-03-02T15:00:01Z",
        "updated_at": "2026-03-02T15:00:01Z",
    }
    path = tmp_path / "orders.json"
    limit = order | {"id": "o-2", "client_order_id": "c-2", "type": "limit", "limit_price": "536"}
    path.write_text(json.dumps([order, limit]))
    signals = tmp_path / "signals.csv"
    signals.write_text("id,signal\nc-1,534.82\n")
    source, bad = chosen(parsed("--history", str(path), "--signals", str(signals)))
    assert isinstance(source, HistoryPlans)
    assert [one.signal_px for one in source.entries] == [534_820_000_000]
    assert [one.code for one in bad] == ["PLAN_NOT_MARKET"]
    assert "signals found for 1 of 2 entries" in capsys.readouterr().err
    path.write_text(json.dumps([limit]))
    with pytest.raises(ChoiceError, match="no market entry among 1"):
        chosen(parsed("--history", str(path)))
    path.write_text("[]")
    with pytest.raises(ChoiceError, match="no history"):
        chosen(parsed("--history", str(path)))


def test_sampled_plans() -> None:
    source, _ = chosen(parsed("--every", "90", "--minutes", "4"))
    assert source == SampledPlans(
        every_s=90, hold_s=60, budget_s=30, minutes_max=4, rr_ppb=5 * NANO // 2
    )
    source, _ = chosen(parsed("--every", "60", "--stale", "5", "--qty", "7", "--rr", "3"))
    assert isinstance(source, SampledPlans)
    assert (source.stale_s, source.order_qty, source.rr_ppb) == (5, 7 * NANO, 3 * NANO)
    assert source.budget_s == 30
    source, _ = chosen(parsed("--every", "90", "--budget", "60"))
    assert isinstance(source, SampledPlans)
    assert source.budget_s == 60


@pytest.mark.parametrize(
    "words",
    [
        ["--every", "10"],
        ["--every", "60", "--stale", "-1"],
        ["--every", "60", "--qty", "0"],
        ["--every", "60", "--rr", "x"],
        ["--every", "60", "--rr", "0"],
        ["--every", "60", "--budget", "31"],
        ["--stale", "5"],
        ["--budget", "20"],
        ["--every", "60", "--plans", "a.csv"],
        ["--signals", "a.csv"],
    ],
)
def test_words_that_contradict_each_other(words: list[str]) -> None:
    with pytest.raises(ChoiceError):
        chosen(parsed(*words))


def test_a_source_needs_a_tape() -> None:
    with pytest.raises(ChoiceError, match=r"--plans a\.csv needs a recorded TAPE"):
        chosen(parsed("--plans", "a.csv", tapes=()))


def test_many_of_one_cause_are_counted(capsys: Capture) -> None:
    some = [LeftOut(f"plan {n}", "CODE", "", "", "why") for n in range(SHOWN_MAX + 3)]
    tell_left_out("replay", some)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == SHOWN_MAX + 1
    assert lines[-1] == "surefill replay: CODE: 3 more"
    tell_left_out("", some, all_of_them=True)
    assert len(capsys.readouterr().err.splitlines()) == len(some)
