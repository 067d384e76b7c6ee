"""Parts that know where to go on, and a partition that appears whole or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from surefill.core.market import Nbbo, Print
from surefill.sim.calendar import session_on
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.parquet import FINER, NO_EVIDENCE, WITHDRAWN
from surefill.sim.recording import QUOTES, TRADES, DayFolder, Progress, condition_bits
from surefill.sim.selection import RECORD
from surefill.sim.tape import list_tapes, open_tape

DATE = 20261120
SESSION = session_on(DATE)
NANO = 1_000_000_000
BITS = dict(NO_EVIDENCE)


@dataclass(frozen=True, slots=True)
class Trade:
    print_: Print
    exchange: str = "V"
    conditions: str = "@"
    tape: str = "C"
    update: str = ""


def quote(after_s: int, bid: int = 100 * NANO, size: int = 100) -> Nbbo:
    ns = SESSION.open_ns + after_s * NANO
    return Nbbo(bid, size * NANO, bid + 20_000_000, 200 * NANO, ns, ns)


def trade(after_s: int, px: int = 100 * NANO, qty: int = 5 * NANO, **more: Any) -> Trade:
    ns = SESSION.open_ns + after_s * NANO
    return Trade(Print(px, qty, ns, ns), **more)


def folder(root: Path, *, suffix: str = "nbbo") -> DayFolder:
    return DayFolder(root, "ACME", DATE, suffix=suffix)


def filled(root: Path) -> DayFolder:
    day = folder(root)
    day.add(QUOTES, [quote(0), quote(1)], token="a")
    day.add(QUOTES, [quote(2)], is_done=True)
    day.add(TRADES, [trade(1, exchange="D"), trade(2)], is_done=True)
    return day


def test_parts_say_how_far_they_are(tmp_path: Path) -> None:
    day = folder(tmp_path)
    assert day.progress(QUOTES) == Progress()
    day.add(QUOTES, [quote(0), quote(1)], token="abc")
    found = folder(tmp_path).progress(QUOTES)
    assert found == Progress(1, 2, "abc", False, SESSION.open_ns + NANO)
    day.add(QUOTES, [], is_done=True)
    assert folder(tmp_path).progress(QUOTES) == Progress(2, 2, None, True, SESSION.open_ns + NANO)
    assert folder(tmp_path).progress(TRADES) == Progress()


def test_what_is_being_recorded_is_no_tape_yet(tmp_path: Path) -> None:
    day = filled(tmp_path)
    assert list_tapes(tmp_path) == ()
    assert not day.is_whole


def test_a_partition_is_a_tape_in_our_layout(tmp_path: Path) -> None:
    day = filled(tmp_path)
    said = day.finish({"feed": "SIP"})
    assert (said["quotes"], said["trades"], said["feed"], said["gaps"]) == (3, 2, "SIP", [])
    assert day.is_whole
    assert not day.parts.exists()
    assert sorted(path.name for path in day.whole.iterdir()) == [
        "ACME_nbbo.parquet",
        "ACME_trades.parquet",
        RECORD,
    ]
    (found,) = list_tapes(tmp_path)
    tape = open_tape(found)
    columns = tape.columns()
    assert columns.bid_px.tolist() == [100 * NANO] * 3
    assert columns.print_is_evidence.tolist() == [False, True]
    assert columns.quotes_before.tolist() == [1, 2]
    assert dict(tape.report().dropped)["off_exchange"] == 1


def test_one_venue_is_named_so(tmp_path: Path) -> None:
    day = folder(tmp_path, suffix="quotes_l1")
    day.add(QUOTES, [quote(0)], is_done=True)
    day.finish({})
    assert (day.whole / "ACME_quotes_l1.parquet").is_file()
    (found,) = list_tapes(tmp_path)
    assert len(open_tape(found).columns().print_ns) == 0


def test_a_kill_between_the_last_two_steps_is_mended(tmp_path: Path) -> None:
    first = filled(tmp_path).finish({"feed": "SIP"})
    day = folder(tmp_path)
    day.add(QUOTES, [quote(0)], token="left over")
    assert day.finish({"feed": "IEX"}) == first
    assert not day.parts.exists()


def test_a_kill_in_the_middle_of_a_file_leaves_the_part_out(tmp_path: Path) -> None:
    day = filled(tmp_path)
    (day.parts / "quotes-000002.part.new").write_bytes(b"half")
    (day.parts / "whole").mkdir()
    (day.parts / "whole" / "ACME_nbbo.parquet").write_bytes(b"half")
    assert day.progress(QUOTES).parts == 2
    assert day.finish({})["quotes"] == 3


def test_a_part_that_is_missing_or_damaged_is_refused(tmp_path: Path) -> None:
    day = filled(tmp_path)
    (day.parts / "quotes-000000.part").rename(day.parts / "quotes-000007.part")
    with pytest.raises(TapeError) as error:
        day.progress(QUOTES)
    assert error.value.code is TapeErrorCode.TAPE_NOT_FOUND
    (day.parts / "trades-000000.part").write_bytes(b"x")
    with pytest.raises(TapeError) as error:
        day.progress(TRADES)
    assert error.value.code is TapeErrorCode.TAPE_UNREADABLE


def test_rows_that_came_late_are_put_in_order_and_counted(tmp_path: Path) -> None:
    day = folder(tmp_path)
    day.add(QUOTES, [quote(5), quote(3)])
    day.add(QUOTES, [quote(4)])
    said = day.finish({})
    assert said["counts"] == {"late_quotes": 1}
    (found,) = list_tapes(tmp_path)
    ns = open_tape(found).columns().quote_ns - SESSION.open_ns
    assert ns.tolist() == [3 * NANO, 4 * NANO, 5 * NANO]


def test_gaps_reach_whoever_judges_the_tape(tmp_path: Path) -> None:
    day = folder(tmp_path)
    day.add(QUOTES, [quote(0), quote(100)], unreadable=3)
    day.gap(SESSION.open_ns + 10 * NANO, SESSION.open_ns + 20 * NANO, "no pong")
    with (day.parts / "gaps.jsonl").open("a") as file:
        file.write('{"start_ns": 1, "en')  # a kill in the middle of a line
    day.gap(SESSION.open_ns + 30 * NANO, SESSION.open_ns + 40 * NANO, "the recorder did not run")
    assert len(day.finish({})["gaps"]) == 2
    (found,) = list_tapes(tmp_path)
    quality = open_tape(found, start_ns=SESSION.open_ns).quality(SESSION)
    assert len(quality.gaps) == 2
    assert quality.gaps[0].holds(SESSION.open_ns + 15 * NANO)
    assert "3 rows that the recorder could not read" in "; ".join(quality.suspicions)


@pytest.mark.parametrize(("size", "shares"), [(7, 700), (300, 300)])
def test_sizes_in_lots_become_shares_where_they_may_be_lots(
    tmp_path: Path, size: int, shares: int
) -> None:
    day = folder(tmp_path)
    day.add(QUOTES, [quote(0, size=size), quote(1, size=100)])
    said = day.finish({}, may_be_lots=True)
    assert bool(said["counts"]) is (size != shares)
    (found,) = list_tapes(tmp_path)
    columns = open_tape(found).columns()
    assert columns.bid_qty[0] == shares * NANO
    assert columns.ask_qty[0] == (200 if size == shares else 20_000) * NANO


@pytest.mark.parametrize("text", ["{", "[]", '{"counts": {}, "gaps": [1]}'])
def test_a_damaged_record_spoils_the_tape(tmp_path: Path, text: str) -> None:
    day = filled(tmp_path)
    day.finish({})
    (day.whole / RECORD).write_text(text)
    (found,) = list_tapes(tmp_path)
    with pytest.raises(TapeError) as error:
        open_tape(found)
    assert error.value.code is TapeErrorCode.TAPE_UNREADABLE


def test_what_the_layout_cannot_hold_is_counted_or_refused(tmp_path: Path) -> None:
    day = folder(tmp_path)
    day.add(QUOTES, [quote(0, bid=100 * NANO + 1), quote(1, size=0)])
    day.add(TRADES, [trade(0, px=100 * NANO + 50), trade(1, qty=NANO // 2), trade(2)])
    said = json.loads(json.dumps(day.finish({})))
    assert said["counts"] == {"quotes_finer_than_layout": 2, "prints_of_less_than_a_share": 1}
    (found,) = list_tapes(tmp_path)
    columns = open_tape(found).columns()
    assert (columns.bid_px[0], columns.ask_px[0]) == (100 * NANO, 100 * NANO + 20_100_000)
    assert columns.bid_px[1] == 0
    assert columns.print_is_evidence.tolist() == [False, True]
    with pytest.raises(TapeError) as error:
        folder(tmp_path / "x").add(QUOTES, [quote(0, bid=700_000 * NANO)])
    assert error.value.code is TapeErrorCode.TAPE_BAD_VALUE


@pytest.mark.parametrize(
    ("more", "bits"),
    [
        ({}, 0),
        ({"conditions": "@T"}, BITS["extended_hours"]),
        ({"conditions": "W4"}, BITS["average_price"] | BITS["derivatively_priced"]),
        ({"conditions": "B", "tape": "A"}, BITS["average_price"]),
        ({"conditions": "B", "tape": "C"}, 0),
        ({"update": "canceled"}, WITHDRAWN),
        ({"update": "corrected"}, 0),
    ],
)
def test_letters_of_the_tape_as_bits(more: dict[str, Any], bits: int) -> None:
    assert condition_bits(trade(0, **more)) == bits
    assert condition_bits(trade(0, px=NANO + 1, **more)) == bits | FINER
