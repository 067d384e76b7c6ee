"""Faults from JSON: bodies and scenario files."""

from __future__ import annotations

from pathlib import Path

import pytest

from surefill.sim.alpaca.app import ExchangeConfig, build
from surefill.sim.alpaca.fault_file import fault_of, read_scenario
from surefill.sim.faults import FaultCode, FaultError
from tests.support.bench import MS, START_NS


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "faults.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_body() -> None:
    body = {"code": "N6", "target": "GET", "count": 2, "probability": "0.5", "params": {}}
    fault = fault_of(body)
    assert (fault.code, fault.target, fault.count) == (FaultCode.N6, "GET", 2)
    assert fault.probability_ppb == 500_000_000
    assert fault_of({"code": "N1"}).target == "*"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"code": "N1", "colour": 1}, "unknown field 'colour'"),
        ({}, "unknown fault None"),
        ({"code": "N1", "params": []}, None),
        ({"code": "N1", "params": "x"}, "params is an object"),
        ({"code": "N1", "count": True}, "count must be a whole number"),
        ({"code": "N1", "probability": True}, "probability must be a number"),
        ({"code": "N1", "probability": "often"}, "probability:"),
    ],
)
def test_nonsense(body: dict[str, object], sentence: str | None) -> None:
    if sentence is None:
        assert fault_of(body).params == {}
        return
    with pytest.raises(FaultError, match=sentence):
        fault_of(body)


def test_a_scenario_arms_by_itself(tmp_path: Path) -> None:
    path = written(tmp_path, '[{"after_ms": 50, "code": "N1"}, {"code": "W2"}]')
    assert [item.after_ms for item in read_scenario(path)] == [50, 0]
    config = ExchangeConfig(start_ns=START_NS, faults_path=path, latency="none")
    edge = build(config, reading_ns=lambda: 0, wall_ns=lambda: START_NS).edge
    edge.advance(START_NS + 49 * MS)
    assert [row["code"] for row in edge.faults.describe(edge.now_ns)] == ["W2"]
    edge.advance(START_NS + 50 * MS)
    (_, armed) = edge.faults.describe(edge.now_ns)
    assert armed["code"] == "N1"
    assert "find nothing" in str(armed["expected"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[", "is not JSON"),
        ("{}", "must hold a list"),
        ("[1]", "fault 1: expected an object"),
        ('[{"code": "N1", "after_ms": -1}]', "fault 1: after_ms"),
        ('[{"code": "N1"}, {"code": "X"}]', "fault 2: unknown fault"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(FaultError, match=sentence):
        read_scenario(written(tmp_path, text))
    with pytest.raises(FaultError, match="cannot read"):
        read_scenario(tmp_path / "nothing.json")
