"""Plans of a file on the days of tapes: each is given, or named."""

from __future__ import annotations

import json
from pathlib import Path

from surefill.core.units import NANO
from surefill.replay.plan_rows import draw_of
from surefill.replay.plan_sampled import SampledPlans
from surefill.replay.plan_source import SEEN_NS, FilePlans, place_of, without_tape, write_left_out
from surefill.sim.calendar import session_on
from surefill.sim.columns import TapeColumns, columns_of_rows
from surefill.sim.synthetic import QUOTE, Row
from surefill.sim.workload import Draw

SESSION = session_on(20261120)


def plan(plan_id: str, at_ns: int, symbol: str = "ACME") -> Draw:
    row = {
        "at": at_ns,
        "symbol": symbol,
        "side": "buy",
        "qty": 1,
        "signal": 100,
        "risk": 1,
        "rr": 2,
    }
    found = draw_of(row | {"plan_id": plan_id}, "here", fallback_id="x")
    assert isinstance(found, Draw)
    return found


def tape(symbol: str, *, first_s: int = 0, last_s: int = 600) -> TapeColumns:
    rows: list[Row] = [
        (SESSION.open_ns + second * NANO, QUOTE, 999_900, 100, 1_000_100, 100)
        for second in (first_s, last_s)
    ]
    return columns_of_rows(symbol, rows)


def test_a_day_gets_its_own_plans_in_order_and_the_others_are_named() -> None:
    at_ns = SESSION.open_ns + SEEN_NS
    draws = (
        plan("late", at_ns + 600 * NANO),
        plan("second", at_ns + NANO),
        plan("first", at_ns),
        plan("early", at_ns - 1),
        plan("before", SESSION.open_ns - 1),
        plan("other", at_ns, "OTHER"),
        plan("tomorrow", at_ns + 86_400 * NANO * 3),
    )
    given = FilePlans(draws).given((tape("ACME"),), SESSION)
    assert [draw.plan.plan_id for draw in given.draws] == ["first", "second"]
    assert {one.where: one.code for one in given.left_out} == {
        "plan late": "PLAN_OUTSIDE_TAPE",
        "plan early": "PLAN_OUTSIDE_TAPE",
        "plan before": "PLAN_OUTSIDE_SESSION",
    }
    assert not FilePlans(draws).given((columns_of_rows("ACME", []),), SESSION).draws


def test_days_that_nobody_recorded_are_named() -> None:
    draws = (plan("a", SESSION.open_ns), plan("b", SESSION.open_ns, "OTHER"))
    source = FilePlans(draws)
    assert source.places == {(20261120, "ACME"), (20261120, "OTHER")} == set(map(place_of, draws))
    (missing,) = without_tape(source, [(20261120, "ACME")])
    assert (missing.where, missing.code) == ("plans of OTHER", "PLAN_NO_TAPE")


def test_a_source_as_one_for_each_day_and_symbol() -> None:
    draws = (plan("a", SESSION.open_ns), plan("b", SESSION.open_ns, "OTHER"))
    parts = FilePlans(draws).by_place()
    assert parts == {
        (20261120, "ACME"): FilePlans(draws[:1]),
        (20261120, "OTHER"): FilePlans(draws[1:]),
    }
    assert SampledPlans().by_place() == {}


def test_what_was_left_out_is_kept_as_lines(tmp_path: Path) -> None:
    missing = without_tape(FilePlans((plan("a", SESSION.open_ns),)), [])
    path = write_left_out(tmp_path, missing)
    (line,) = path.read_text().splitlines()
    assert json.loads(line) == missing[0].to_dict()
