"""The comparison of the demo is a function of seed and tape; its verdict leaves nothing out."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from surefill.core.plan import SECOND_NS
from surefill.core.trade import Outcome
from surefill.replay import comparison
from surefill.replay.demo import Comparison, choose_stream, compare, verdict
from surefill.replay.morning import Bought, Morning, Refused, Waited
from surefill.sim.auditor import Violation
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.scripts import CrwdEnding
from tests.sim.tapes import spoilt, twin

FOUND = Violation("I3", "p1", 5, "shares were uncovered for 2000 ms")


@pytest.fixture(autouse=True)
def short_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some minutes say as much as an hour."""
    monkeypatch.setattr(comparison, "WINDOW_NS_MAX", 480 * SECOND_NS)
    monkeypatch.setattr(comparison, "REST_NS", 130 * SECOND_NS)


def compared(seed: int) -> Comparison:
    """A short comparison of this seed."""
    return compare(choose_stream(None, seed), seed=seed)


def test_a_bad_tape_is_told_and_played_or_left_out_where_that_is_allowed(tmp_path: Path) -> None:
    spoilt(twin(tmp_path))
    (tmp_path / "ELSE_nbbo.parquet").write_bytes(b"no Parquet")
    with pytest.raises(TapeError):
        choose_stream(tmp_path, 1)
    told: list[str] = []
    assert choose_stream(tmp_path, 1, told.append).draws
    assert "ELSE_nbbo.parquet" in told[0]
    assert "SUSPECT" in told[1]
    next(tmp_path.glob("TWIN_trades*")).write_bytes(b"no Parquet")
    told.clear()
    with pytest.raises(TapeError) as caught:
        choose_stream(tmp_path, 1, told.append)
    assert caught.value.code is TapeErrorCode.TAPE_NOT_FOUND
    assert "TAPE_LEFT_OUT" in told[1]


def test_a_good_tape_has_nothing_to_tell(tmp_path: Path) -> None:
    twin(tmp_path)
    told: list[str] = []
    assert choose_stream(tmp_path, 1, told.append).draws == choose_stream(tmp_path, 1).draws
    assert not told


def morning(*violations: Violation) -> Morning:
    """A morning of 10 lines."""
    legacy = Bought(
        shares=25,
        entry_px=1,
        exit_px=1,
        risk_px=1,
        reward_px=1,
        slippage_vs_signal_bps=Decimal(0),
        pnl_usd=0,
        outcome=Outcome.CLOSED_STOP,
    )
    level = Refused(code=None, sentence="", outcome=Outcome.DENIED, orders=0)
    distance = Waited(
        limit_px=1,
        worst_px=1,
        shares=0,
        ask_px=1,
        worked_ms=1,
        sentence="",
        outcome=Outcome.NOT_ENTERED,
        orders=1,
    )
    return Morning(CrwdEnding.STOP, legacy, level, distance, violations, 10)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others() -> None:
    first, again, other = compared(1), compared(1), compared(2)
    assert first == again
    assert first.smart != other.smart
    rows = [json.loads(json.dumps(row)) for row in first.rows()]
    assert [row["path"] for row in rows] == ["legacy", "smart"]
    assert rows[0]["plans"] == rows[1]["plans"] == first.plans
    assert first.violations == ()


def test_progress_counts_through_both_paths() -> None:
    told: list[int] = []
    stream = choose_stream(None, 1)
    compare(stream, seed=1, on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 2 * len(stream.draws)


def test_a_tape_is_chosen_by_its_path(tmp_path: Path) -> None:
    twin(tmp_path)
    assert choose_stream(tmp_path, 1).title.startswith("recorded market")
    with pytest.raises(TapeError) as caught:
        choose_stream(tmp_path / "nothing", 1)
    assert caught.value.code is TapeErrorCode.TAPE_NOT_FOUND


def test_the_verdict_adds_up_all_logs() -> None:
    found = compared(1)
    last = verdict([morning(), morning(FOUND)], found)
    assert last["violations"] == 1
    assert last["found"] == ["I3 p1: shares were uncovered for 2000 ms"]
    assert last["lines"] == found.lines + 20
