"""A played path as parents: the venue's log decides, every plan is there, the sum is the books'."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from surefill.core.fix import Leg
from surefill.core.plan import SECOND_NS
from surefill.core.trade import Trade
from surefill.replay.comparison import PathResult, Scope, Stream, play_path, synthetic_stream
from surefill.replay.execution import market_of, parents_of_path
from surefill.replay.measure import entries_of
from surefill.tca.analysis import analysis_of
from surefill.tca.facts import Fate
from surefill.tca.market import Market
from surefill.tca.parent import Parent

SCOPE = Scope(plans_max=9, window_ns_max=6 * 60 * SECOND_NS, events_max=20_000_000)


@cache
def stream() -> Stream:
    return synthetic_stream(7, SCOPE)


@cache
def played(path: str) -> PathResult:
    return play_path(stream(), seed=7, is_legacy=path == "legacy")


@cache
def markets() -> dict[str, Market]:
    return {one.symbol: market_of(one, stream().session.close_ns) for one in stream().tapes}


@cache
def parents(path: str) -> tuple[Parent, ...]:
    return parents_of_path(stream(), played(path), path, markets=markets())


@pytest.mark.parametrize("path", ["legacy", "smart"])
def test_every_plan_is_one_parent_with_the_venues_fills(path: str) -> None:
    found, entries = parents(path), entries_of(played(path).lines)
    assert [one.plan_id for one in found] == [draw.plan.plan_id for draw in stream().draws]
    assert {one.plan_id: (one.qty, one.cost) for one in found if one.qty} == {
        name: (entry.qty, entry.cost) for name, entry in entries.items()
    }
    assert {one.path for one in found} == {path}
    for one in found:
        ended = played(path).ended[one.plan_id]
        if isinstance(ended, Trade) and one.is_flat:
            assert one.made == sum(-o.spec.side.sign * o.cost for o in ended.orders)


def test_both_paths_have_the_same_arrivals() -> None:
    one, other = parents("legacy"), parents("smart")
    assert [p.marks.arrival for p in one] == [p.marks.arrival for p in other]
    assert all(p.marks.arrival_px for p in one)


def test_shortfalls_are_known_and_split() -> None:
    for one in parents("legacy"):
        found = analysis_of(one)
        assert found.shortfall is not None, one
        assert found.shortfall.spread is not None
    worst = [one.worst_px for one in parents("legacy")]
    assert worst == [None] * len(worst)
    assert all(one.worst_px for one in parents("smart"))


def test_orders_and_exits_of_a_trade_are_named() -> None:
    every = [one for path in ("legacy", "smart") for one in parents(path)]
    legs = Counter(closing.leg for one in every for closing in one.closings)
    assert legs[Leg.STOP]
    assert sum(legs.values()) >= 4
    stops = [c for one in every for c in one.closings if c.leg is Leg.STOP]
    assert all(closing.stop_px for closing in stops)
    rests = [rest for one in every for rest in one.orders]
    assert {Leg.ENTRY, Leg.STOP, Leg.TARGET} <= {rest.leg for rest in rests}
    assert all(rest.start_ns <= rest.end_ns for rest in rests)


def test_a_plan_that_nobody_speaks_of_is_pending() -> None:
    silent = replace(played("smart"), ended={}, lines=[])
    found = parents_of_path(stream(), silent, "smart", markets=markets())
    assert {one.fate for one in found} == {Fate.PENDING}


def test_a_flattened_position_is_a_flatten() -> None:
    row = {"kind": "accept", "order_id": "o", "venue_ns": 1, "status": "NEW", "symbol": "TIGHT"}
    name = stream().draws[0].plan.plan_id
    out = row | {"cl_ord_id": f"sf-x-{name}-F1", "kind": "fill", "qty": 5, "px": 7}
    leg = row | {"order_id": "leg", "parent_id": "o", "cl_ord_id": "theirs"}
    told = replace(played("smart"), ended={}, lines=[out, leg, row | {"order_id": "foreign"}])
    first = parents_of_path(stream(), told, "smart", markets=markets())[0]
    assert [closing.leg for closing in first.closings] == [Leg.FLATTEN]


def test_only_a_tape_that_reaches_the_close_knows_it() -> None:
    tape = stream().tapes[0]
    last_ns = int(tape.quote_ns[-1])
    assert market_of(tape, last_ns + 30 * SECOND_NS).close_ns == last_ns + 30 * SECOND_NS
    assert market_of(tape, last_ns + 90 * SECOND_NS).close_ns is None
    nothing = np.zeros(0, dtype=np.int64)
    empty = replace(tape, quote_ns=nothing)
    assert market_of(empty, last_ns).close_ns is None
