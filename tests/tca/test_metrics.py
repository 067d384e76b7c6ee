"""Rates, averages and quantiles of many plans."""

from __future__ import annotations

import json
from dataclasses import fields

from surefill.core.fix import Side
from surefill.core.reasons import ReasonCode
from surefill.core.units import NANO
from surefill.tca.facts import Fate
from surefill.tca.history import History, Incident, IncidentKind
from surefill.tca.metrics import Group, Metrics, by_group, metrics_of
from tests.support.core import START_NS
from tests.tca.support import BPS, fact


def test_rates_count_a_timeout_as_not_filled_and_not_as_rejected() -> None:
    found = metrics_of(
        [
            fact("a"),
            fact("b"),
            fact("c", Fate.DENIED),
            fact("d", Fate.REJECTED),
            fact("e", Fate.NOT_ENTERED),
            fact("f", Fate.PENDING),
            fact("g", outcome=None, r_ppb=None, pnl_usd=None),
            fact("h", Fate.DENIED),
        ]
    )
    assert (found.plans, found.denied, found.rejected, found.entered) == (8, 2, 1, 3)
    assert (found.not_entered, found.pending, found.closed) == (1, 1, 2)
    assert found.rejection_ppb == 3 * NANO // 8
    assert found.fill_ppb == 3 * NANO // 4
    assert found.reasons == (("RR_BELOW_MIN", 2), ("ENTRY_REJECTED", 1), ("ENTRY_TIMEOUT", 1))
    assert found.hit_ppb == NANO
    assert found.wins == 2
    assert found.pnl_usd == 800 * NANO


def test_missed_trades_stand_beside_the_slippage() -> None:
    found = metrics_of(
        [
            fact("a", slippage_vs_signal_ppb=2 * BPS, shortfall_ppb=2 * BPS),
            fact("b", Fate.NOT_ENTERED, shortfall_ppb=40 * BPS),
            fact("c", Fate.NOT_ENTERED),
            fact("d", Fate.DENIED),
        ]
    )
    assert found.slippage_vs_signal is not None
    assert found.shortfall is not None
    assert (found.slippage_vs_signal.mean, found.slippage_vs_signal.count) == (2 * BPS, 1)
    assert (found.shortfall.mean, found.shortfall.count) == (21 * BPS, 2)
    assert found.shortfall_unknown == 1


def test_means_are_rounded_toward_cost_and_ends_name_their_records() -> None:
    a, b, c = (
        fact(name, slippage_vs_signal_ppb=cost) for name, cost in (("a", 1), ("b", 1), ("c", 2))
    )
    found = metrics_of([a, b, c]).slippage_vs_signal
    assert found is not None
    assert (found.mean, found.low, found.high) == (2, 1, 2)
    assert (found.low_seqs, found.high_seqs) == (a.seqs, c.seqs)


def test_use_of_the_cap_is_measured_on_the_smart_path_only() -> None:
    smart, legacy = fact("a", slippage_vs_signal_ppb=8 * BPS), fact("b", is_legacy=True)
    found = metrics_of([smart, legacy, fact("c", cap_ppb=0)]).cap_use
    assert found is not None
    assert (found.count, found.mean) == (1, 8 * NANO // 10)


def test_quantiles_are_nearest_rank() -> None:
    facts = [fact(str(n), uncovered_ns=n) for n in range(1, 101)]
    found = metrics_of(facts).uncovered_ns
    assert found is not None
    assert (found.p50, found.p99, found.high) == (50, 99, 100)
    assert found.high_seqs == facts[-1].seqs


def test_incidents_and_fills_beyond_the_cap() -> None:
    incidents = [
        Incident(IncidentKind.IN_DOUBT, 5, START_NS, "a", "order x", 4),
        Incident(IncidentKind.IN_DOUBT, 8, START_NS, "a", "order y", 9),
        Incident(IncidentKind.FAULT, 9, START_NS, None, "a bug"),
    ]
    bad = fact("b", has_fill_beyond=True)
    found = metrics_of([fact("a"), bad], incidents)
    assert found.errors == (("IN_DOUBT", 2), ("FAULT", 1))
    assert (found.error_count, found.error_seqs) == (3, (5, 8, 9))
    assert (found.doubt_longest_ns, found.doubt_seqs) == (9, (8,))
    assert (found.beyond_cap, found.beyond_cap_seqs) == (1, bad.seqs)


def test_nothing_is_not_zero() -> None:
    found = metrics_of([])
    assert found.rejection_ppb is found.fill_ppb is found.hit_ppb is found.pnl_usd is None
    for value in (found.slippage_vs_signal, found.uncovered_ns, found.doubt_longest_ns):
        assert value is None


def test_excursions_are_of_ended_trades_that_were_watched() -> None:
    unseen = fact("u", mae_px=None, mfe_px=None, mae_ppb=None, mfe_ppb=None)
    found = metrics_of([fact("a"), fact("b", mae_ppb=NANO, mae_px=4 * NANO), unseen])
    assert found.mae is not None
    assert found.mae_px is not None
    assert found.mfe is not None
    assert (found.mae.count, found.mae.mean, found.mae.high) == (2, NANO * 3 // 4, NANO)
    assert (found.mae_px.mean, found.mfe.low, found.excursion_unknown) == (3 * NANO, 2 * NANO, 1)
    still_open = fact("o", r_ppb=None, mae_px=None)
    assert metrics_of([still_open]).excursion_unknown == 0


def test_groups() -> None:
    history = History(
        facts=(
            fact("a"),
            fact("b", symbol="ZED", side=Side.SELL_SHORT, is_legacy=True),
            fact("c", Fate.DENIED, codes=(ReasonCode.KILL_ACTIVE,)),
        ),
        incidents=(
            Incident(IncidentKind.EXPOSED, 5, START_NS, "b", ""),
            Incident(IncidentKind.FAULT, 6, START_NS, None, ""),
        ),
    )
    names = {group: [name for name, _ in by_group(history, group)] for group in Group}
    assert names == {
        Group.PATH: ["legacy", "smart"],
        Group.SYMBOL: ["ACME", "ZED"],
        Group.SIDE: ["BUY", "SELL_SHORT"],
        Group.REASON: ["ENTRY_FILLED", "KILL_ACTIVE"],
    }
    legacy, smart = (found for _, found in by_group(history, Group.PATH))
    assert (legacy.error_count, smart.error_count) == (1, 0)
    assert (legacy.plans, smart.plans) == (1, 2)


def test_a_row_is_flat_and_has_the_same_keys_always() -> None:
    full = metrics_of([fact("a")], [Incident(IncidentKind.FAULT, 6, START_NS, None, "")]).to_dict()
    empty = metrics_of([]).to_dict()
    assert list(full) == list(empty)
    assert full["errors_fault"] == 1
    assert empty["errors_fault"] == 0
    assert (full["mae_mean_ppb"], full["mae_px_max_nano_usd"]) == (NANO // 2, 2 * NANO)
    assert (empty["mfe_count"], empty["mfe_mean_ppb"]) == (0, None)
    assert json.loads(json.dumps(full)) == full
    assert len(fields(Metrics)) < 45


def test_a_breakout_that_never_triggered_missed_nothing() -> None:
    found = metrics_of([fact("a"), fact("b", Fate.NOT_TRIGGERED, shortfall_ppb=None)])
    assert (found.plans, found.not_triggered, found.not_entered) == (2, 1, 0)
    assert (found.fill_ppb, found.shortfall_unknown, found.reasons) == (NANO, 0, ())
    assert found.to_dict()["not_triggered"] == 1
