"""Columns of market data: merged order, counts, and the market made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from surefill.core.units import NANO
from surefill.sim.columns import (
    ColumnMarket,
    TapeColumns,
    columns_of_rows,
    merged_ns,
    only_evidence,
    report_of,
)
from surefill.sim.market import PrintEvent, QuoteEvent, TapeError, TapeErrorCode, events_of
from surefill.sim.profiles import MID
from surefill.sim.scripts import CRWD_SESSION
from surefill.sim.synthetic import PRINT, QUOTE, Row, SyntheticTape

ROWS: list[Row] = [
    (10, PRINT, 100, 1, 0, 0),
    (20, QUOTE, 100, 5, 101, 6),
    (20, PRINT, 102, 2, 1, 0),
    (30, QUOTE, 101, 5, 101, 6),
    (40, QUOTE, 102, 5, 101, 6),
    (50, QUOTE, 0, 0, 101, 6),
    (60, PRINT, 101, 3, -1, 0),
    (70, QUOTE, 100, 5, 103, 6),
    (80, PRINT, 99, 4, -1, 0),
]


def marked(columns: TapeColumns, evidence: list[bool]) -> TapeColumns:
    return replace(columns, print_is_evidence=np.array(evidence))


def test_columns_keep_the_order_of_the_rows() -> None:
    columns = columns_of_rows("T", ROWS)
    ns, is_print = merged_ns(columns)
    assert ns.tolist() == [row[0] for row in ROWS]
    assert is_print.tolist() == [row[1] == PRINT for row in ROWS]
    assert columns.quotes_before.tolist() == [0, 1, 4, 5]
    assert columns.print_side.tolist() == [0, 1, -1, -1]


def test_a_report_counts_everything() -> None:
    columns = marked(columns_of_rows("T", ROWS), [True, True, True, True])
    report = report_of(columns, (("cause", 3),))
    assert (report.quote_count, report.print_count, report.evidence_count) == (5, 4, 4)
    assert (report.crossed_count, report.locked_count, report.one_sided_count) == (1, 1, 1)
    # Only the last: before the first two stands no earlier quote, before the third half a one.
    assert report.outside_count == 1
    assert (report.first_ns, report.last_ns, report.dropped) == (10, 80, (("cause", 3),))


def test_only_evidence_counts_as_outside_and_reaches_the_market() -> None:
    columns = marked(columns_of_rows("T", ROWS), [True, False, True, False])
    assert report_of(columns).outside_count == 0
    shown = list(events_of(ColumnMarket(only_evidence(columns))))
    assert [e.venue_ns for e in shown if isinstance(e, PrintEvent)] == [10, 60]
    assert [e.venue_ns for e in shown if isinstance(e, QuoteEvent)] == [20, 30, 40, 50, 70]


def test_an_empty_tape_is_an_empty_market() -> None:
    columns = columns_of_rows("T", [])
    assert ColumnMarket(columns).next_ns() is None
    report = report_of(columns)
    assert (report.quote_count, report.first_ns, report.last_ns) == (0, 0, 0)


def test_quotes_and_prints_that_contradict_each_other_are_refused() -> None:
    columns = columns_of_rows("T", ROWS)
    bad = replace(columns, quotes_before=np.array([0, 1, 4, 4], dtype=np.int64))
    with pytest.raises(TapeError) as error:
        ColumnMarket(bad)
    assert error.value.code is TapeErrorCode.TAPE_BACKWARDS_TIME
    assert error.value.value == (8, 80, 70)


def test_a_market_of_columns_equals_the_tape_it_came_from() -> None:
    def tape() -> SyntheticTape:
        return SyntheticTape(3, "T", CRWD_SESSION, profile=replace(MID, events=3_000))

    market = ColumnMarket(tape().columns())
    assert market.next_ns() == CRWD_SESSION.open_ns
    assert list(events_of(market)) == list(events_of(tape()))
    with pytest.raises(TapeError) as error:
        market.pop()
    assert error.value.code is TapeErrorCode.TAPE_EXHAUSTED


def test_columns_are_in_the_units_of_core() -> None:
    columns = columns_of_rows("T", ROWS)
    assert columns.bid_px[0] == NANO // 100
    assert columns.bid_qty[0] == 5 * NANO
    assert columns.print_qty.dtype == np.int64
