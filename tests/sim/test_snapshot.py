"""Nothing of a venue is forgotten when it is written down, and chance goes on where it was."""

from __future__ import annotations

from random import Random

import pytest

from surefill.sim.agenda import StepKind
from surefill.sim.faults import Fault, FaultCode
from surefill.sim.records import RecordError
from surefill.sim.snapshot import (
    BOOK,
    EDGE,
    LEDGER,
    PLAN,
    STEP_ARGS,
    VENUE,
    Rebuilding,
    random_json,
    records_of,
    restore_random,
)
from tests.support.bench import SYM, Bench

CONFIGURED = "made again from the configuration"
ELSEWHERE = "has records of its own"
REBUILT = {
    "venue": {
        **dict.fromkeys(("switches", "latency", "log", "trouble"), CONFIGURED),
        **dict.fromkeys(("assets", "orders", "unsettled", "cl_ord_ids", "ledgers"), ELSEWHERE),
        **dict.fromkeys(("books", "fills", "agenda"), ELSEWHERE),
        **dict.fromkeys(("public", "jumps"), "empty: the edge takes them at once"),
        "events": "empty: the edge takes them at once",
    },
    "ledger": dict.fromkeys(("open_orders", "entries"), ELSEWHERE),
    "book": {
        **dict.fromkeys(
            ("_host", "_model", "_own_px_at_rest", "_place", "_outside_fill"), CONFIGURED
        ),
        **dict.fromkeys(("orders", "chance"), ELSEWHERE),
        "_reach": "a memory of what the orders themselves say",
    },
    "edge": {
        **dict.fromkeys(("exchange", "_market", "face", "latency", "streams"), CONFIGURED),
        **dict.fromkeys(("faults", "_due", "_taken"), ELSEWHERE),
        "_requests": CONFIGURED,
        "_out": "answers to clients that are gone",
    },
    "plan": {"arms": ELSEWHERE},
    "exchange": {
        "_fees": CONFIGURED,
        "_venue": ELSEWHERE,
        "_desk": CONFIGURED,
        "next_close_ns": ELSEWHERE,
        "_bands": CONFIGURED,
        "_incidents": CONFIGURED,
    },
    "desk": {
        "_venue": ELSEWHERE,
        "_fees": CONFIGURED,
        "groups": CONFIGURED,
        "auctions": ELSEWHERE,
        "_replacing": CONFIGURED,
    },
    "auctions": {
        "_venue": ELSEWHERE,
        "_host": CONFIGURED,
        "_waiting": ELSEWHERE,
        "_open": ELSEWHERE,
    },
    "groups": {"_venue": ELSEWHERE, "_desk": CONFIGURED},
    "agenda": {"number": ELSEWHERE, "_heap": ELSEWHERE, "_doers": CONFIGURED},
    "streams": {
        "refuse_until_ns": ELSEWHERE,
        **dict.fromkeys(("_edge", "_face", "_latency", "_faults"), CONFIGURED),
        **dict.fromkeys(("_streams", "_alarms"), "connections are left behind"),
    },
}
"""Attributes that are not in the shape of their class, and why not."""


NOTHING = {"request": None, "opportunity": None, "fault": None}


def attributes(thing: object) -> set[str]:
    slots = getattr(type(thing), "__slots__", ())
    return set(slots) if slots else set(vars(thing))


def test_every_attribute_is_written_down_or_has_its_reason() -> None:
    bench = Bench()
    bench.quote(SYM, "99.99", "100.01")
    bench.order()
    exchange, edge = bench.exchange, bench.edge
    venue = exchange.venue
    (ledger,) = venue.ledgers.values()
    for name, thing, shape in (
        ("venue", venue, VENUE),
        ("ledger", ledger, LEDGER),
        ("book", venue.books[SYM], BOOK),
        ("edge", edge, EDGE),
        ("plan", edge.faults, PLAN),
        ("exchange", exchange, {}),
        ("desk", exchange._desk, {}),
        ("auctions", exchange.auctions, {}),
        ("groups", exchange._desk.groups, {}),
        ("agenda", venue.agenda, {}),
        ("streams", edge.streams, {}),
    ):
        known = set(shape) | set(REBUILT.get(name, {}))
        assert attributes(thing) == known, f"{name}: {attributes(thing) ^ known}"
    assert set(STEP_ARGS) == set(StepKind)


def test_records_go_into_a_fresh_venue_and_come_out_the_same() -> None:
    bench = Bench(latency="default")
    bench.edge.faults.arm(Fault(FaultCode.N3, probability_ppb=500_000_000), bench.edge.now_ns)
    bench.edge.arm_later(500, Fault(FaultCode.V19, params={"delay_ms": 5}))
    written = list(records_of(bench.exchange, bench.edge))
    other = Bench(latency="default")
    rebuilding = Rebuilding(other.exchange, other.edge)
    for kind, body in written:
        assert rebuilding.reads(kind)
        rebuilding.read(kind, body)
    rebuilding.finish()
    assert list(records_of(other.exchange, other.edge)) == written
    assert not rebuilding.reads("pickle")
    for one in (bench, other):
        one.advance(1_000)
    assert other.edge.faults.describe(0) == bench.edge.faults.describe(0)
    assert len(other.edge.faults.arms) == 2


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("group", {"kind": "OCO", "armed": 1}, "closing: missing"),
        ("under_way", {"at_ns": 1, "seq": 1, "what": NOTHING}, "nothing"),
        ("step", {"at_ns": 1, "number": 1, "kind": "ARM_GROUP", "args": [0]}, "no group 0"),
    ],
)
def test_what_cannot_be_is_refused(kind: str, body: object, words: str) -> None:
    bench = Bench()
    with pytest.raises(RecordError, match=words):
        Rebuilding(bench.exchange, bench.edge).read(kind, body)


def test_numbers_that_do_not_fit_together_are_refused() -> None:
    bench = Bench()
    bench.edge.arm_later(500, Fault(FaultCode.W1))
    rebuilding = Rebuilding(bench.exchange, bench.edge)
    for kind, body in records_of(bench.exchange, bench.edge):
        rebuilding.read(kind, {**body, "seq": 9} if kind == "under_way" else body)  # type: ignore[dict-item]
    with pytest.raises(RecordError, match="numbered beyond"):
        rebuilding.finish()


def test_chance_goes_on_where_it_was() -> None:
    source, target = Random(1), Random(2)
    source.random()
    state = random_json(source)
    expected = [source.random() for _ in range(5)]
    restore_random(target, state)
    assert [target.random() for _ in range(5)] == expected
    for wrong in ([3, [1]], [2, [1, 2]], [3, [1 << 90] * 625], "x", [3, [-1] * 625]):
        with pytest.raises(RecordError):
            restore_random(Random(0), wrong)
