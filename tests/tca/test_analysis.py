"""Plans together: rows by fate, statistics, unknowns, the flat row."""

from __future__ import annotations

from surefill.core.fix import Leg
from surefill.core.units import NANO
from surefill.tca.analysis import (
    MEASURE_OF,
    MEASURES,
    analysis_of,
    flat_row,
    horizon_text,
    rows_of,
    stat_of,
)
from surefill.tca.facts import Fate
from surefill.tca.parent import Closing, Marks
from tests.tca.parents import START_NS, USD, fill, parent, px, quote

BPS = 100_000
MISSED = Marks(
    arrival=quote("99.99", "100.01"),
    arrival_px=px("100"),
    end_cost=100 * 10010 * USD // 100,
    later_cost=100 * 10020 * USD // 100,
    close_cost=100 * 99 * USD,
)


def test_rows_charge_the_missed_and_the_denied() -> None:
    entered = parent("a", fills=(fill(100, "100.02", "100.01"),))
    found = [
        analysis_of(one)
        for one in (
            entered,
            parent("b", marks=MISSED),
            parent("c", fate=Fate.REJECTED, marks=MISSED),
            parent("d", fate=Fate.DENIED, marks=MISSED),
            parent("e", fate=Fate.DENIED),
            parent("f", fate=Fate.PENDING, fills=(fill(10, "100"),)),
        )
    ]
    rows = {row.name: row for row in rows_of(found)}
    assert {name: row.plans for name, row in rows.items()} == {
        "entered": 1,
        "missed": 2,
        "worked": 3,
        "denied": 2,
        "ALL": 6,
    }
    assert rows["entered"].mean("shortfall") == 2 * BPS
    assert rows["worked"].mean("shortfall") == (2 + 10 + 10) * BPS // 3 + 1, "rounded up"
    assert (rows["denied"].mean("opportunity"), rows["denied"].unknown) == (10 * BPS, 1)
    assert (rows["ALL"].cost, rows["ALL"].unknown) == (32 * USD, 2)
    assert (rows["ALL"].wanted_qty, rows["ALL"].entered_qty) == (600 * NANO, 110 * NANO)
    assert rows["missed"].mean("slippage_vs_signal") is None


def test_sensitivities_of_what_was_missed() -> None:
    missed = analysis_of(parent(marks=MISSED))
    assert MEASURE_OF["shortfall_later"].read(missed) == 20 * BPS
    assert MEASURE_OF["shortfall_at_close"].read(missed) == -100 * BPS
    unknown = analysis_of(parent(marks=Marks(end_cost=0)))
    assert MEASURE_OF["shortfall_later"].read(unknown) is None
    done = analysis_of(parent(fills=(fill(100, "100.02"),)))
    assert MEASURE_OF["shortfall_at_close"].read(done) == 2 * BPS, "nothing was missed"
    assert MEASURE_OF["spread"].read(done) is None
    assert MEASURE_OF["fees"].read(analysis_of(parent())) is None


def test_statistics_are_nearest_rank() -> None:
    assert stat_of([None, None]) is None
    found = stat_of([*range(1, 21), None])
    assert found is not None
    assert (found.count, found.mean, found.p50, found.tail) == (20, 11, 10, 19)
    assert (found.low, found.high) == (1, 20)


def test_horizons_for_people() -> None:
    assert [horizon_text(n * NANO) for n in (1, 30, 60, 600)] == ["1s", "30s", "1min", "10min"]


def test_a_flat_row_has_every_measure_and_the_same_names_always() -> None:
    exit_ = Closing(Leg.TARGET, 100 * NANO, px("101"), START_NS)
    done = parent(
        fills=(fill(100, "100.02", "100", later="100.01"),), closings=(exit_,), marks=MISSED
    )
    row, empty = flat_row(analysis_of(done)), flat_row(analysis_of(parent(sign=-1)))
    assert list(row) == list(empty)
    assert len(row) == 24 + len(MEASURES)
    assert (row["side"], empty["side"]) == ("buy", "sell")
    assert (row["shortfall_usd"], row["made_usd"]) == (2 * NANO, 98 * NANO)
    assert (row["bid_px"], empty["ask_px"], empty["shortfall_usd"]) == (px("99.99"), None, None)
    assert (row["effective_spread_ppb"], row["markout_1s_ppb"]) == (4 * BPS, -1 * BPS)
    assert {"r_ppb", "mae_r_ppb", "first_fill_ns", "uncovered_share_ms", "fill_ppb"} <= row.keys()


def test_breakouts_that_never_triggered_stand_apart() -> None:
    waited = analysis_of(parent("a", fate=Fate.NOT_TRIGGERED, marks=MISSED))
    entered = analysis_of(parent("b", fills=(fill(100, "100"),)))
    rows = {row.name: row for row in rows_of([waited, entered])}
    assert (rows["not triggered"].plans, rows["not triggered"].cost) == (1, 0)
    assert (rows["ALL"].plans, rows["ALL"].wanted_qty, rows["missed"].plans) == (1, 100 * NANO, 0)
