"""A loaded exchange answers like the one that was not saved, and a bad file is only refused."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest

from surefill.core.units import NANO
from surefill.sim.alpaca.app import ExchangeConfig, Venue, build
from surefill.sim.alpaca.snapshot import records, restore
from surefill.sim.alpaca.switches import split_pairs
from surefill.sim.calendar import session_on
from surefill.sim.profiles import MID
from surefill.sim.snapshot_file import (
    SnapshotCode,
    SnapshotError,
    lines_of,
    load,
    load_lines,
    save,
)
from surefill.sim.synthetic import SyntheticTape
from surefill.sim.wire import StreamKind, WireRequest
from tests.sim.tapes import twin, write_twin
from tests.support.bench import START_NS, SYM, Bench
from tests.support.snapshot_history import History

SWITCHES = (
    (),
    ("tp_partial_resize=replaced", "exit_race=overlapping", "simple_class=simple"),
    ("fill_model=paper", "wash_exempts=none", "post_status=accepted"),
)


def exchange(seed: int, *, market_seed: int | None = None) -> Venue:
    switches, face = split_pairs([*SWITCHES[seed % len(SWITCHES)], "rate_limit_per_min=40"])
    start_ns = None if market_seed is not None else START_NS
    config = ExchangeConfig(
        seed=market_seed, start_ns=start_ns, switches=switches, face=face, id_seed=seed
    )
    return build(config, reading_ns=lambda: 0, wall_ns=lambda: START_NS)


def loaded(venue: Venue) -> Venue:
    """The same after a way through a snapshot."""
    lines = list(lines_of(records(venue)))
    again = restore(load_lines(lines), machine=ExchangeConfig(), reading_ns=lambda: 0)
    assert list(lines_of(records(again))) == lines, "what was loaded is written the same"
    return again


@pytest.mark.parametrize("seed", range(9))
def test_a_random_history_cut_anywhere_goes_on_the_same(seed: int) -> None:
    one, two = (History(exchange(seed), seed) for _ in range(2))
    cuts = Random(f"cuts:{seed}")
    for _ in range(3):
        acts = cuts.randint(1, 40)
        one.act(acts)
        two.act(acts)
        one.hang_up(one.venue)
        two.hang_up(loaded(two.venue))
        one.act(20)
        two.act(20)
        assert one.heard == two.heard
    one.end()
    two.end()
    assert one.venue.log.lines == two.venue.log.lines
    assert len(one.venue.log.lines) > 40
    assert len(one.heard) > 20
    assert all(one.venue.exchange.books(x.account).breaks == () for x in one.venue.keys.opened())
    assert list(lines_of(records(one.venue))) == list(lines_of(records(two.venue)))


def test_a_seeded_market_goes_on_where_it_stood(tmp_path: Path) -> None:
    one, two = (exchange(3, market_seed=7) for _ in range(2))
    for venue in (one, two):
        venue.edge.advance(venue.edge.now_ns + 90 * 10**9)
    path = tmp_path / "day.snapshot"
    save(path, records(two))
    two = restore(load(path), machine=ExchangeConfig(), reading_ns=lambda: 0)
    for venue in (one, two):
        venue.edge.advance(venue.edge.now_ns + 120 * 10**9)
    assert one.edge.market_taken == two.edge.market_taken > 1_000
    assert list(lines_of(records(one))) == list(lines_of(records(two)))


def test_it_fills_the_clock_and_hides_the_secret() -> None:
    bench = Bench(latency="default")
    bench.quote(SYM, "99.99", "100.01")
    bench.venue.clock.pin(bench.edge.now_ns)
    headers = {"apca-api-key-id": "KEY", "apca-api-secret-key": "hush"}
    request = WireRequest("POST", "/v2/orders", (), headers, BUY)
    bench.edge.send(bench.edge.now_ns, 1, request)
    lines = list(lines_of(records(bench.venue)))
    assert b"hush" not in b"".join(lines)
    venue = restore(load_lines(lines), machine=ExchangeConfig(), reading_ns=lambda: 0)
    assert (venue.clock.is_pinned, venue.clock.now_ns()) == (True, bench.edge.now_ns)
    assert all(d.ticket == 0 for d in venue.edge.advance(bench.edge.now_ns + 10**9))
    (position,) = venue.exchange.positions(venue.keys.open("KEY").account)
    assert position.qty == 10 * NANO, "the order was under way: it arrives, nobody is told"


def edited(lines: list[bytes], kind: str, /, **changes: object) -> list[bytes]:
    """A snapshot with one record changed and the digest set right again."""
    rows = [next(iter(json.loads(line).items())) for line in lines[1:-1]]
    at = next(number for number, row in enumerate(rows) if row[0] == kind)
    rows[at] = (kind, {**rows[at][1], **changes})
    return list(lines_of(rows))


def refused(lines: list[bytes]) -> SnapshotError:
    with pytest.raises(SnapshotError) as caught:
        restore(load_lines(lines), machine=ExchangeConfig(), reading_ns=lambda: 0)
    return caught.value


@cache
def sample() -> list[bytes]:
    """A short day with a bit of everything."""
    history = History(exchange(1), 1)
    history.act(60)
    return list(lines_of(records(history.venue)))


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("exchange", {"config": {}}, "missing"),
        ("exchange", {"speed_ppb": "fast"}, "speed_ppb: expected int"),
        ("exchange", {"speed_ppb": 0}, "speed must be above 0"),
        ("venue", {"more": 1}, "more: unknown"),
        ("order", {"side": "SIDEWAYS"}, "side: no Side"),
        ("order", {"order_qty": True}, "order_qty: expected int"),
        ("order", {"order_qty": -5}, "no order has such quantities"),
        ("order", {"cum_qty": 10**18}, "no order has such quantities"),
        ("account", {"cash": 5}, "its books do not add up: cash"),
        ("account", {"positions": {}}, "its books do not add up: "),
        ("account", {"open_orders": {"ACME": ["nobody"]}}, "it names 'nobody'"),
        ("book", {"chance": [3, [1, 2]]}, "not the state of a generator"),
        ("step", {"kind": "os.system"}, "no StepKind"),
        ("step", {"args": []}, "carries"),
        ("truth", {"account": "other"}, "chain of hashes breaks"),
        ("market", {"taken": 5}, "not the one that was played"),
        ("quotes", {"rows": [[1 << 70, 1, 1, 1, 1]]}, "64 bits"),
        ("symbol", {"minute": {"start_ns": 1.5}}, "minute"),
    ],
)
def test_a_wrong_record_is_a_sentence(kind: str, changes: dict[str, object], words: str) -> None:
    error = refused(edited(sample(), kind, **changes))
    assert error.code is SnapshotCode.SNAPSHOT_BAD_VALUE
    assert words in error.sentence


def test_unknown_records_and_a_missing_head_are_refused() -> None:
    head = next(iter(records(exchange(0))))
    assert "unknown kind" in refused(list(lines_of([head, ("pickle", "gASV")]))).sentence
    assert "no record of auctions" in refused(list(lines_of([head]))).sentence
    assert "does not start" in refused(list(lines_of([("order", {})]))).sentence


@pytest.mark.parametrize("seed", range(40))
def test_no_damage_gets_through(seed: int) -> None:
    """Any change of the content under a right digest: refused with a code, or loaded; no crash."""
    chance, lines = Random(seed), sample()
    rows: list[tuple[str, object]] = [next(iter(json.loads(line).items())) for line in lines[1:-1]]
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(rows))
        if chance.random() < 0.3:
            del rows[at]
        else:
            rows[at] = (rows[at][0], broken(rows[at][1], chance))
    with suppress(SnapshotError):
        restore(load_lines(list(lines_of(rows))), machine=ExchangeConfig(), reading_ns=lambda: 0)


def broken(value: object, chance: Random) -> object:
    """The value with something in it exchanged for something else."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(sorted(value))
        return {**value, name: broken(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        return [*value[:at], broken(value[at], chance), *value[at + 1 :]]
    return chance.choice((None, -1, 1 << 80, "", "x", [], {}, True, [[]], {"a": 1}))


def test_a_tape_belongs_to_the_machine(tmp_path: Path) -> None:
    machine = ExchangeConfig(tape=tmp_path)
    with pytest.raises(SnapshotError, match="SNAPSHOT_MARKET: it was not played on a tape"):
        restore(load_lines(sample()), machine=machine, reading_ns=lambda: 0)
    recorded = edited(sample(), "exchange", recorded=True)
    assert "add --tape" in refused(recorded).sentence
    with pytest.raises(SnapshotError, match="SNAPSHOT_MARKET"):
        restore(load_lines(recorded), machine=machine, reading_ns=lambda: 0)


def test_streams_are_left_behind() -> None:
    bench = Bench()
    bench.edge.open_stream(bench.edge.now_ns, 1, StreamKind.ORDERS, headers={})
    venue = loaded(bench.venue)
    assert venue.edge.open_stream(venue.edge.now_ns, 1, StreamKind.ORDERS, headers={})


BUY = json.dumps(
    {"symbol": SYM, "qty": "10", "side": "buy", "type": "market", "time_in_force": "day"}
).encode()


def test_a_tape_goes_on_where_it_stood(tmp_path: Path) -> None:
    for name in ("tapes", "other"):
        (tmp_path / name).mkdir()
    made = twin(tmp_path / "tapes")
    config = ExchangeConfig(tape=tmp_path / "tapes")
    one = build(config, reading_ns=lambda: 0, wall_ns=lambda: START_NS)
    one.edge.advance(one.edge.now_ns + 240 * 10**9)
    lines = list(lines_of(records(one)))
    two = restore(load_lines(lines), machine=config, reading_ns=lambda: 0)
    for venue in (one, two):
        venue.edge.advance(venue.edge.now_ns + 240 * 10**9)
    assert one.edge.market_taken == two.edge.market_taken > 100
    assert list(lines_of(records(one))) == list(lines_of(records(two)))
    tape = SyntheticTape(6, "TWIN", session_on(made.date), profile=replace(MID, events=4_000))
    write_twin(tmp_path / "other", tape)
    other = ExchangeConfig(tape=tmp_path / "other")
    with pytest.raises(SnapshotError, match="not the one that was played"):
        restore(load_lines(lines), machine=other, reading_ns=lambda: 0)
