"""Metrics, read back by the library's own parser."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from surefill.alerts.health import ChannelHealth, State
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Denial, EngineState, Mode
from surefill.core.units import NANO
from surefill.runtime.heartbeat import Beat
from surefill.service.metrics import exposition
from surefill.service.reader import NOTHING, Picture, Pulse
from tests.support.core import covered_bench
from tests.support.promtool import promtool

Samples = dict[tuple[str, tuple[str, ...]], float]


CHANNELS = {"engine": {"desk": ChannelHealth(State.WORKS), "mail": ChannelHealth(State.FAILS)}}


def samples_of(picture: Picture, pulse: Pulse) -> Samples:
    text = exposition(picture, pulse, CHANNELS).decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def picture() -> Picture:
    trade = covered_bench().trade
    denial = Denial(
        plan=replace(trade.plan, plan_id="d1"),
        is_legacy=False,
        reasons=(Reason.of(ReasonCode.RR_BELOW_MIN),),
        at_ns=1,
    )
    kill = Reason.of(ReasonCode.KILL_ACTIVE, since=1)
    state = EngineState(mode=Mode.READY, is_stream_up=True, requests_left=180, kill=kill)
    return Picture(77, {"p1": trade, "d1": denial}, state)


def test_what_is_true_now(picture: Picture) -> None:
    found = samples_of(picture, Pulse("somebody", Beat(5, 1, False)))
    (trade,) = picture.open_trades
    assert found[("surefill_position_shares", ())] == trade.position_qty / NANO > 0
    assert found[("surefill_uncovered_shares", ())] == 0
    assert found[("surefill_open_trades", ())] == 1
    assert found[("surefill_engine_up", ())] == 1
    assert found[("surefill_engine_heartbeats_total", ())] == 5
    assert found[("surefill_journal_records_total", ())] == 77
    assert found[("surefill_broker_requests_left", ())] == 180
    assert found[("surefill_risk_state", ("HALTED",))] == 1
    assert found[("surefill_risk_state", ("ACTIVE",))] == 0
    assert found[("surefill_engine_mode", ("READY",))] == 1
    assert found[("surefill_plans", ("OPEN",))] == 1
    assert found[("surefill_plans", ("DENIED",))] == 1
    assert found[("surefill_plans", ("CLOSED_STOP",))] == 0
    assert found[("surefill_refused_plans", ("RR_BELOW_MIN",))] == 1
    assert abs(found[("surefill_entry_slippage_ratio", ())]) < 0.01
    assert found[("surefill_alert_channels", ("engine", "FAILS"))] == 1
    assert found[("surefill_alert_channels", ("engine", "UNTESTED"))] == 0
    assert found[("surefill_uncovered_longest_seconds", ())] == trade.uncovered.longest_ns / NANO


def test_what_is_not_known_is_not_there(picture: Picture) -> None:
    found = samples_of(NOTHING, Pulse(None, None))
    assert found[("surefill_engine_up", ())] == 0
    names = {name for name, _ in found}
    for name in (
        "engine_heartbeats_total",
        "order_stream_up",
        "risk_state",
        "entry_slippage_ratio",
    ):
        assert f"surefill_{name}" not in names
    state = EngineState(requests_left=None)
    names = {name for name, _ in samples_of(Picture(1, {}, state), Pulse(None, None))}
    assert "surefill_broker_requests_left" not in names
    assert "surefill_order_stream_up" in names


def test_labels_are_closed_lists(picture: Picture) -> None:
    text = exposition(picture, Pulse(None, None), CHANNELS).decode()
    (trade,) = picture.open_trades
    assert trade.symbol not in text
    assert "desk" not in text
    assert "p1" not in text


def test_promtool_finds_nothing(picture: Picture) -> None:
    text = exposition(picture, Pulse("somebody", Beat(5, 1, False)), CHANNELS)
    done = subprocess.run([promtool(), "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
