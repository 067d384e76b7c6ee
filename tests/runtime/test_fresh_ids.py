from __future__ import annotations

from surefill.core.ids import PLAN_ID_PATTERN
from surefill.runtime.fresh_ids import FreshIds
from tests.support.core import START_NS


def test_an_id_is_made_of_name_and_time_and_comes_once() -> None:
    ids = FreshIds("orb-")
    first, second = ids.of("CRWD", START_NS), ids.of("CRWD", START_NS)
    later = ids.of("CRWD", START_NS + 10)
    assert first == "orb-CRWD-20260302T150000.000000000"
    assert (second[-3:], later[-3:]) == ("001", "010")
    assert ids.of("CRWD", START_NS - 5) > later, "a clock that goes back repeats nothing"
    assert PLAN_ID_PATTERN.fullmatch(first)
