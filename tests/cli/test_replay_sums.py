"""Means over days weigh what they are means of."""

from __future__ import annotations

from decimal import Decimal
from unittest.mock import Mock

from surefill.cli.output import Table
from surefill.cli.replay_sums import Sums, bps_text
from surefill.replay.measure import Measures
from surefill.replay.paths import Played


def played(**numbers: object) -> Played:
    values = dict.fromkeys(Measures.__slots__, 0) | {
        "slippage_mean_bps": None,
        "missed_mean_bps": None,
        "all_in_bps": None,
        "slippage_worst_bps": None,
    }
    measures = Mock(spec=Measures, **(values | numbers))
    return Played("limit", "queue", measures, (), 1)


def test_means_are_weighted_and_the_worst_is_the_worst() -> None:
    sums = Sums()
    one = {"plans": 4, "entered": 3, "missed": 1}
    costs = {"slippage_mean_bps": Decimal(1), "slippage_worst_bps": Decimal(5)}
    sums.add([played(**one, **costs, missed_mean_bps=Decimal(8), all_in_bps=Decimal(3))])
    sums.add(
        [
            played(
                plans=2,
                entered=1,
                denied=1,
                slippage_mean_bps=Decimal(5),
                all_in_bps=Decimal(9),
                slippage_worst_bps=Decimal(4),
            )
        ]
    )
    sums.add([played(plans=1, missed=1)])
    blocks = sums.blocks()
    assert blocks[0] == "All 3 symbol-days together."
    table = blocks[1]
    assert isinstance(table, Table)
    assert table.rows == [("limit", "7", "4", "2", "1", "+2.0", "+8.0", "+5.0", "+5.0")]
    assert blocks[2] == "Auditor: 0 violations in all."


def test_a_dash_where_there_is_no_number() -> None:
    assert bps_text(None) == "-"
    assert bps_text(Decimal("-1.25")) == "-1.2"
