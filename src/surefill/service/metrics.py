"""Prometheus metrics, made from the journal's picture at the moment of the scrape.

What: `exposition`. Why at the scrape: nothing is counted in this process, so that it may restart
without a gap, and a second one shows the same.
Conventions: base units in the names (shares, seconds), ``_total`` only for what never falls; what
is kept of closed trades is bounded, so numbers over them are gauges.
Must never: carry an account number, a plan's id or a symbol: labels are closed lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.registry import Collector

from surefill.alerts.health import ChannelHealth, State
from surefill.core.cover import cover_of
from surefill.core.risk import RiskState, risk_state
from surefill.core.state import Denial, Mode
from surefill.core.trade import Outcome, Trade
from surefill.core.units import NANO
from surefill.runtime.result import result_of
from surefill.runtime.standing import doubts
from surefill.service.reader import Picture, Pulse
from surefill.service.views import refusal_rows

OPEN = "OPEN"


Channels = Mapping[str, Mapping[str, ChannelHealth]]
"""Role -> alert channel -> how it is."""


def exposition(picture: Picture, pulse: Pulse, channels: Channels) -> bytes:
    """The text that Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(picture, pulse, channels))
    return generate_latest(registry)


class _Snapshot(Collector):
    """What is true now."""

    def __init__(self, picture: Picture, pulse: Pulse, channels: Channels) -> None:
        self._picture = picture
        self._pulse = pulse
        self._channels = channels

    def collect(self) -> Iterator[Metric]:
        """Every metric."""
        yield from self._cover()
        yield from self._engine()
        yield from self._plans()
        yield self._alert_channels()

    def _alert_channels(self) -> Metric:
        text = "Alert channels, by the process that tells and by how they are"
        found = GaugeMetricFamily("surefill_alert_channels", text, labels=["role", "state"])
        for role, channels in self._channels.items():
            counts = Counter(one.state for one in channels.values())
            for state in State:
                found.add_metric([role, state.value], counts[state])
        return found

    def _cover(self) -> Iterator[Metric]:
        trades = self._picture.open_trades
        bare = sum(cover_of(trade).uncovered_qty for trade in trades)
        held = sum(abs(trade.position_qty) for trade in trades)
        yield _gauge("uncovered_shares", "Shares of ours without a working stop", bare / NANO)
        yield _gauge("position_shares", "Shares of ours, long and short", held / NANO)
        yield _gauge("open_trades", "Trades that are not over", len(trades))
        in_doubt = sum(doubts(trade) for trade in trades)
        yield _gauge("orders_in_doubt", "Orders that may have worked", in_doubt)
        known = [one for one in self._picture.found.values() if isinstance(one, Trade)]
        longest_ns = max((trade.uncovered.longest_ns for trade in known), default=0)
        text = "Longest time that shares of one trade had no working stop"
        yield _gauge("uncovered_longest_seconds", text, longest_ns / NANO)

    def _engine(self) -> Iterator[Metric]:
        state, pulse = self._picture.state, self._pulse
        yield _gauge("engine_up", "Whether an engine has the account", pulse.holder is not None)
        if pulse.beat is not None:
            text = "Signs of life of the engine's process"
            yield _counter("engine_heartbeats", text, pulse.beat.n)
        yield _counter("journal_records", "Records in the journal", self._picture.seq)
        if state is None:
            return
        text = "Whether the order stream is attached"
        yield _gauge("order_stream_up", text, state.is_stream_up)
        if state.requests_left is not None:
            text = "Broker requests left in the window"
            yield _gauge("broker_requests_left", text, state.requests_left)
        mode = {one.value: one is state.mode for one in Mode}
        yield StateSetMetricFamily("surefill_engine_mode", "How far the start has come", value=mode)
        now = risk_state(is_killed=state.kill is not None, is_halted=state.halt is not None)
        risk = {one.value: one is now for one in RiskState}
        yield StateSetMetricFamily("surefill_risk_state", "What new risk is allowed", value=risk)

    def _plans(self) -> Iterator[Metric]:
        outcomes: Counter[str] = Counter({one.value: 0 for one in Outcome} | {OPEN: 0})
        cost: Counter[str] = Counter()
        for one in self._picture.found.values():
            found = result_of(one)
            outcomes[found.outcome.value if found.outcome is not None else OPEN] += 1
            if found.slippage_vs_arrival_bps is not None and not isinstance(one, Denial):
                cost["sum"] += int(found.slippage_vs_arrival_bps * 100)
                cost["count"] += 1
        plans = GaugeMetricFamily(
            "surefill_plans", "Plans remembered, by how they stand", labels=["outcome"]
        )
        for name, count in sorted(outcomes.items()):
            plans.add_metric([name], count)
        yield plans
        refused = GaugeMetricFamily(
            "surefill_refused_plans", "Plans kept out, by reason", labels=["reason"]
        )
        for row in refusal_rows(self._picture):
            refused.add_metric([row.code], row.denied + row.not_entered)
        yield refused
        if cost["count"]:
            text = "Mean slippage of entries against arrival, as a ratio; positive is cost"
            mean = cost["sum"] / cost["count"] / 1_000_000
            yield _gauge("entry_slippage_ratio", text, mean)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"surefill_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"surefill_{name}", text, value=value)
