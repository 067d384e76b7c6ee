"""The benchmarks run, tiny and without peers: what they compare is the same work, here too."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import analysis, growth, one_order, replay, wire
from benchmarks.bracket_work import bids, rule, summary
from benchmarks.peer_env import PEERS, ROOT, NoPeer
from benchmarks.replay_work import plans_of, play, tape_of
from benchmarks.samples import Samples, number, ratio
from scripts.bench import BENCHMARKS, commands

QUOTES = 600


def test_engine_and_rule_come_to_the_same_trades_on_every_path() -> None:
    bid = bids(QUOTES)
    trades = rule(bid, 100)
    expected = summary(trades)
    assert expected["trades"] > 2
    assert 0 < expected["wins"] < expected["trades"]
    tape, arrivals = tape_of(bid), plans_of(trades)
    for options in ({}, {"skips": False}, {"is_legacy": True}):
        assert play([tape], arrivals, **options).found() == expected


def test_a_peer_that_trades_otherwise_has_no_rate() -> None:
    def other(*_: object) -> Mapping[str, Any]:
        return {"trades": 1, "wins": 1, "cents": 7, "version": "other 1", "cpu_s": 1.0}

    def missing(*_: object) -> Mapping[str, Any]:
        raise NoPeer("no network")

    wrong = replay.peer_rows(QUOTES, 100, runs=1, ask=other)
    assert all(str(found).startswith("WRONG") for found in wrong.values())
    absent = replay.peer_rows(QUOTES, 100, runs=1, ask=missing)
    assert set(absent.values()) == {"not measured: no network"}


def test_the_scan_is_held_against_the_rule() -> None:
    assert [row[0] for row in replay.kernel_rows(2_000, runs=1)] == [
        "the rule alone, compiled",
        "the rule alone, plain Python",
    ]


def test_a_point_of_each_axis() -> None:
    points = [growth.measure(axis, size) for axis in ("trades", "symbols") for size in (1, 2)]
    rows = growth.rows_of([point for point in points if point.axis == "trades"], "trades")
    assert rows[0][0] == "trades: 1 / 2"


def test_a_bare_socket_answers_a_request_in_pieces() -> None:
    with one_order.floor_server(one_order.accepted()) as port:
        taken = asyncio.run(one_order.ours(port, 2))
        asked = wire.request("POST", "/v2/orders", b"{}")
        bare = asyncio.run(wire.latencies(port, asked, 2))
    assert len(taken) == len(bare) == 2


def test_measured_plans_know_every_measure() -> None:
    ((title, told), _) = analysis.tca_rows(20)
    assert title == "TCA of 20 plans of two fills"
    assert "a million" in told


def test_numbers_are_told_with_their_spread() -> None:
    assert Samples.of([3.0, 1.0, 2.0]).told("ms") == "2 ms (1 to 3, n=3)"
    assert Samples.of([3.0, 1.0, 2.0]).at(0.99) == 3.0
    assert number(1234.5) == "1,234"
    assert ratio(1.0, 4.0) == "0.25 x"
    assert ratio(1.0, 0.0) == "?"


def test_every_benchmark_can_be_run() -> None:
    lines = commands(list(BENCHMARKS), Path("report.md"), is_full=True)
    for line in lines:
        assert hasattr(importlib.import_module(line[2]), "main")
    with pytest.raises(KeyError):
        commands(["nothing"], Path("report.md"), is_full=False)


def test_a_peer_is_pinned_exactly_and_has_its_program() -> None:
    assert all("==" in pin for pins in PEERS.values() for pin in pins)
    asked = {script for _, script in replay.PEERS.values()}
    asked |= {"fastapi_orders", "alpaca_orders", "growth_plot"}
    present = {path.stem for path in (ROOT / "benchmarks" / "peers").glob("[a-z]*.py")}
    assert asked == present
