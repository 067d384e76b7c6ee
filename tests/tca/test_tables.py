"""Tables of cost: every number with its count, the unknown as a dash, claims with their size."""

from __future__ import annotations

from surefill.tca.analysis import analysis_of
from surefill.tca.blocks import BLOCKS_MIN, Estimate
from surefill.tca.compare import compare
from surefill.tca.parent import Marks
from surefill.tca.statistics import Interval
from surefill.tca.tables import Grid, comparison_grids, grids_of, paths_grid, sample_line
from tests.tca.parents import fill, parent, px
from tests.tca.test_compare import entered, missed

BPS = 100_000
FOUND = [
    analysis_of(one)
    for one in (
        entered("a", "100.02", stop_px=px("98"), target_px=px("104")),
        entered("b", "100.04", uncovered_share_ns=1_500_000_000 * 10**9),
        missed("c"),
    )
]


def named(grids: tuple[Grid, ...], start: str) -> Grid:
    return next(grid for grid in grids if grid.title.startswith(start))


def row(grid: Grid, name: str) -> tuple[str, ...]:
    return next(one for one in grid.rows if one[0] == name)


def test_the_shortfall_by_fate() -> None:
    grid = named(grids_of(FOUND), "Implementation")
    assert row(grid, "entered")[:4] == ("entered", "2", "100.0 %", "+3.00")
    assert row(grid, "missed") == (
        *("missed", "1", "0.0 %", "+10.00", "0.00", "0.00", "0.00", "+10.00", "0.00", "0"),
    )
    assert row(grid, "denied")[2:4] == ("-", "-")
    assert "paper price: signal" in grid.note


def test_no_paper_price_is_said() -> None:
    lone = analysis_of(parent(signal_px=None, fills=(fill(100, "9"),)))
    grid = named(grids_of([lone]), "Implementation")
    assert "nothing: no paper price is known" in grid.note
    assert row(grid, "ALL")[-1] == "1"


def test_slippage_lists_the_known_benchmarks_with_their_counts() -> None:
    grid = named(grids_of(FOUND), "Slippage")
    assert [one[0] for one in grid.rows] == ["signal", "arrival", "near", "far"]
    assert row(grid, "signal") == ("signal", "2", "+3.00", "+2.00", "+4.00", "+2.00", "+4.00")


def test_spreads_markouts_and_quality() -> None:
    done = analysis_of(
        parent(fills=(fill(100, "100.02", "100", later="100.01"),), marks=Marks(arrival_px=px("9")))
    )
    after = named(grids_of([done]), "After")
    assert row(after, "1s") == ("1s", "+2.00", "-1.00 (1)")
    assert "quoted spread -, effective spread +4.00 (1)" in after.note
    quality = named(grids_of(FOUND), "Time")
    assert row(quality, "first fill, s")[1:3] == ("2", "1.000")
    assert row(quality, "reward/risk at fill") == ("reward/risk at fill", "1", *["1.97"] * 4)
    assert row(quality, "without a stop, share-s")[2] == "1.5"
    assert "result, R" not in {one[0] for one in quality.rows}


def test_paths_side_by_side() -> None:
    grid = paths_grid({"smart": FOUND, "none": []})
    assert row(grid, "smart")[:4] == ("smart", "3", "66.6 %", "+3.00")
    assert row(grid, "none")[2:] == ("-",) * 7


def test_a_comparison_shows_every_level_and_its_groups() -> None:
    smart = [entered(f"p{n}", "100.01", n) for n in range(7)]
    legacy = [entered(f"p{n}", f"100.0{4 + n % 2}", n) for n in range(7)]
    found = compare(smart, legacy, rounds=100)
    assert found is not None
    levels, *groups = comparison_grids(found)
    assert [one[0] for one in levels.rows] == ["0 %", "25 %", "50 %"]
    assert levels.rows[0][-1].startswith("0.22 (0.2")
    assert [grid.title[-4:] for grid in groups] == [" 0 %", "25 %", "50 %"]
    assert ("price 100 and over", "7", "7") in {one[:3] for one in groups[0].rows}
    text = sample_line(found.levels[0].all, 0, plans=found.plans)
    assert "real (7 symbol-days; at this size it takes 6, about 6 trades, looked at once)" in text
    assert "about 60 trades" in sample_line(found.levels[0].all, 0, plans=10 * found.plans)


def estimate(**more: object) -> Estimate:
    given: dict[str, object] = {
        "blocks": BLOCKS_MIN,
        "first": 1,
        "second": 1,
        "difference": 0,
        "first_interval": None,
        "second_interval": None,
        "difference_interval": Interval(-5 * BPS, 0, 5 * BPS),
        "ratio": None,
        "always": None,
        "needed": None,
    }
    return Estimate(**(given | more))  # type: ignore[arg-type]


def test_the_sample_line_claims_no_more_than_there_is() -> None:
    assert "may be chance (6 symbol-days; its size is zero)" in sample_line(estimate(), 25, plans=9)
    assert sample_line(estimate(), 25, plans=9).startswith("With 25 % price improvement")
    assert "2 symbol-days are too few" in sample_line(estimate(blocks=2), 0, plans=9)


def test_an_interval_of_too_few_days_is_in_brackets() -> None:
    first = [entered(f"{n}", "100.01", day=n) for n in range(2)]
    second = [entered(f"{n}", f"100.0{n + 3}", day=n) for n in range(2)]
    found = compare(first, second, levels_percent=(0,))
    assert found is not None
    (levels, groups) = comparison_grids(found)
    assert levels.rows[0][-2].startswith("(")
    assert groups.rows[0][-1].startswith("(")
    assert "claims nothing" in levels.note


def test_a_single_day_has_no_interval() -> None:
    found = compare([entered("a", "100.01")], [entered("a", "100.03")], levels_percent=(0,))
    assert found is not None
    (levels, groups) = comparison_grids(found)
    assert levels.rows[0][-2:] == ("-", "-")
    assert groups.rows[0][-1] == "-"
