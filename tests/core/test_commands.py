from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import get_args

from surefill.core import commands
from surefill.core.commands import (
    Announce,
    BrokerCommand,
    CancelOrder,
    Command,
    OrderSpec,
    Priority,
    QueryAccount,
    QueryFills,
    QueryOrder,
    QueryOrders,
    QueryPositions,
    RaiseAlarm,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.fix import Contingency, Leg, OrdType, Side, TimeInForce
from surefill.core.units import NANO

ENTRY = OrderSpec(
    cl_ord_id="sf-0a1b2c-p-E1",
    symbol="CRWD",
    side=Side.BUY,
    ord_type=OrdType.LIMIT,
    tif=TimeInForce.DAY,
    order_qty=25 * NANO,
    leg=Leg.ENTRY,
    limit_px=535_080_000_000,
)


def test_protection_goes_first() -> None:
    assert sorted(Priority) == [
        Priority.PROTECT,
        Priority.REDUCE,
        Priority.EVIDENCE,
        Priority.ENTRY,
        Priority.ROUTINE,
    ]


def test_each_request_knows_its_urgency() -> None:
    assert CancelOrder("t", "c", "o").priority is Priority.REDUCE
    assert ReplaceOrder("t", "c", "o", "n", stop_px=1).priority is Priority.PROTECT
    assert QueryOrder("t", "c").priority is Priority.EVIDENCE
    assert QueryFills(0).priority is Priority.EVIDENCE
    for routine in (QueryOrders(0), QueryPositions(), QueryAccount()):
        assert routine.priority is Priority.ROUTINE
    for kind in get_args(BrokerCommand):
        assert "priority" in {field.name for field in fields(kind)}


def test_a_submit_carries_its_whole_order() -> None:
    first, again = (SubmitOrder("t", ENTRY, Priority.ENTRY) for _ in range(2))
    assert first == again  # a retry of the same intent has the identical body (I9)
    assert hash(first) == hash(again)
    assert first.spec.contingency is Contingency.NONE
    assert first.spec.stop_px is None


def test_words_to_people_do_not_go_to_the_broker() -> None:
    assert set(get_args(Command)) - set(get_args(BrokerCommand)) == {RaiseAlarm, Announce}


def test_the_union_names_every_command_of_the_module() -> None:
    defined = {
        item
        for item in vars(commands).values()
        if is_dataclass(item) and getattr(item, "__module__", "") == commands.__name__
    }
    assert defined - {OrderSpec} == set(get_args(Command))
