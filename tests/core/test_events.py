from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import get_args

import pytest

from surefill.core import events
from surefill.core.engine import Engine, EngineConfig
from surefill.core.events import (
    Accepted,
    Account,
    Answer,
    BrokerError,
    Event,
    ExecutionReport,
    InDoubt,
    Instrument,
    NoteWritten,
    RateLimited,
    Rejected,
    TimePassed,
    Unavailable,
)
from surefill.core.fix import Contingency, ExecType, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.risk import Limits
from surefill.core.units import NANO, US_EQUITY_TICKS


def report(**changes: object) -> ExecutionReport:
    values: dict[str, object] = {
        "exec_type": ExecType.NEW,
        "ord_status": OrdStatus.NEW,
        "order_id": "o1",
        "cl_ord_id": "sf-0a1b2c-p-E1",
        "symbol": "CRWD",
        "side": Side.BUY,
        "ord_type": OrdType.LIMIT,
        "tif": TimeInForce.DAY,
        "order_qty": 25 * NANO,
        "cum_qty": 0,
        "venue_ns": 1,
        "recv_ns": 2,
    }
    return ExecutionReport(**{**values, **changes})  # type: ignore[arg-type]


def test_every_event_is_a_frozen_value() -> None:
    for kind in get_args(Event):
        assert is_dataclass(kind)
        assert not hasattr(kind, "__dict__") or "__slots__" in vars(kind)
    with pytest.raises(FrozenInstanceError):
        report().cum_qty = 1  # type: ignore[misc]


def test_every_event_says_when_we_learnt_it() -> None:
    """Decisions use our clock (style 15): each external event carries ``recv_ns``, or holds it."""
    holders = {"ReportReceived": "report", "MarketUpdated": "view", "TimePassed": None}
    for kind in get_args(Event):
        names = {field.name for field in fields(kind)}
        assert "recv_ns" in names or kind.__name__ in holders


def test_errors_are_sorted_by_what_to_do_next() -> None:
    assert set(get_args(BrokerError)) == {Rejected, RateLimited, Unavailable, InDoubt}
    assert set(get_args(Answer)) == {Accepted, *get_args(BrokerError)}


def test_what_a_report_leaves_out_is_absent() -> None:
    plain = report()
    assert plain.avg_px is None
    assert plain.last_qty is None
    assert plain.position_qty is None
    assert plain.exec_id is None
    assert plain.legs == ()
    assert plain.working is True
    assert plain.contingency is Contingency.NONE
    assert report() == plain


def test_what_an_account_leaves_out_is_absent() -> None:
    account = Account(
        account_id="1",
        equity_usd=None,
        last_equity_usd=None,
        buying_power_usd=None,
        shorting_enabled=False,
        is_blocked=False,
    )
    assert account.buying_power_usd is None


def test_an_instrument_has_the_usual_ticks_unless_told() -> None:
    assert Instrument("CRWD", True, True, True).ticks == US_EQUITY_TICKS


def test_the_union_names_every_event_of_the_module() -> None:
    parts = {
        "ExecutionReport",
        "Position",
        "Account",
        "Instrument",
        *(kind.__name__ for kind in get_args(Answer)),
    }
    defined = {
        name
        for name, item in vars(events).items()
        if is_dataclass(item) and getattr(item, "__module__", "") == events.__name__
    }
    assert defined - parts == {kind.__name__ for kind in get_args(Event)}
    assert TimePassed() == TimePassed()


def test_a_note_changes_nothing() -> None:
    engine = Engine(EngineConfig(account="A1", limits=Limits()), {})
    assert engine.step(NoteWritten("rollback", "ann", "", (("to", "legacy"),), 1), 2).is_empty
