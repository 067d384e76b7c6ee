"""Tapes as the market of plans that happened elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surefill.core.plan import SECOND_NS
from surefill.replay.tape_marks import marked_on, markets_at, place_of, tracks_on
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.scripts import CRWD_SESSION
from tests.sim.tapes import spoilt, twin
from tests.tca.parents import fill, parent


def test_only_plans_of_a_recorded_day_are_marked(tmp_path: Path) -> None:
    twin(tmp_path)
    ns = CRWD_SESSION.open_ns + 600 * SECOND_NS
    own = parent("a", symbol="TWIN", fills=(fill(1, "9"),), arrival_ns=ns, budget_ns=ns)
    other = replace(own, plan_id="b", symbol="ELSE")
    day = replace(own, plan_id="c", arrival_ns=ns + 86_400 * SECOND_NS)
    assert place_of(own) == (CRWD_SESSION.date, "TWIN")
    (first, second, third), count = marked_on([tmp_path], [own, other, day])
    assert count == 1
    assert first.marks.arrival is not None
    assert (second, third) == (other, day)
    (track,) = tracks_on([tmp_path], [own, other, day])
    assert (track.plan_id, len(track.at_ns) > 0) == ("a", True)


def test_markets_come_once_each(tmp_path: Path) -> None:
    twin(tmp_path)
    place = (CRWD_SESSION.date, "TWIN")
    ((found, market),) = markets_at([tmp_path], [place, place, (1, "TWIN")])
    assert found == place
    assert market.symbol == "TWIN"


def test_a_suspect_tape_marks_nothing_unless_it_is_allowed(tmp_path: Path) -> None:
    spoilt(twin(tmp_path))
    place = (CRWD_SESSION.date, "TWIN")
    with pytest.raises(TapeError) as error:
        list(markets_at([tmp_path], [place]))
    assert error.value.code is TapeErrorCode.TAPE_SUSPECT
    told: list[str] = []
    assert list(markets_at([tmp_path], [place], allow_suspect=True, tell=told.append))
    assert "SUSPECT" in told[0]


def test_what_cannot_be_used_is_left_out_by_name_where_that_is_allowed(tmp_path: Path) -> None:
    twin(tmp_path)
    (tmp_path / "ELSE_nbbo.parquet").write_bytes(b"no Parquet")
    place = (CRWD_SESSION.date, "TWIN")
    with pytest.raises(TapeError):
        list(markets_at([tmp_path], [place]))
    told: list[str] = []
    assert list(markets_at([tmp_path], [place], allow_suspect=True, tell=told.append))
    assert "ELSE_nbbo.parquet" in told[0]
    (tmp_path / "ELSE_nbbo.parquet").unlink()
    trades = next(tmp_path.glob("TWIN_trades*"))
    trades.write_bytes(b"no Parquet")
    told.clear()
    assert not list(markets_at([tmp_path], [place], allow_suspect=True, tell=told.append))
    assert told[0].startswith(f"tape of TWIN on {CRWD_SESSION.date}: TAPE_LEFT_OUT")
