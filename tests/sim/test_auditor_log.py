"""Reading lines of the truth log."""

from __future__ import annotations

import pytest

from surefill.sim.auditor_log import ARMED, HELD, owner_of, read_line
from surefill.sim.auditor_terms import AuditInputError


def row(**fields: object) -> dict[str, object]:
    base: dict[str, object] = {"seq": 1, "venue_ns": 2, "kind": "new", "status": "NEW"}
    return base | {"order_qty": 100, "qty": 100, "side": "BUY", "working": True} | fields


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("sf-0a1b2c-p1-E1", ("p1", "E", 1)),
        ("sf-0a1b2c-2026-03-02-a-X12", ("2026-03-02-a", "X", 12)),
        ("sf-0a1b2c-E1-F3", ("E1", "F", 3)),
        ("sf-0a1b2c-p1-Q1", None),
        ("8f14e45f", None),
        ("", None),
    ],
)
def test_an_id_names_plan_leg_and_attempt(text: str, owner: tuple[str, str, int] | None) -> None:
    assert owner_of(text) == owner


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "NEW"),
        ({"working": None}, "NEW"),
        ({"status": "FILLED", "working": False}, "FILLED"),
        ({"status": "PENDING_NEW", "working": False}, "PENDING_NEW"),
        ({"status": "PENDING_NEW", "working": False, "parent_id": "p"}, HELD),
        ({"status": "PENDING_NEW", "working": False, "parent_id": "p", "armed": True}, ARMED),
        ({"status": "HELD"}, ARMED),
        ({"status": "HELD", "armed": False}, HELD),
        ({"status": None}, ""),
    ],
)
def test_a_leg_kept_back_is_not_new(fields: dict[str, object], status: str) -> None:
    assert read_line(row(**fields)).status == status


def test_executions_carry_their_own_price_and_quantity() -> None:
    line = read_line(row(kind="FILL", qty=40, px=7, cum_qty=40, leaves=60, exec_id="x"))
    assert (line.is_fill, line.last_qty, line.last_px, line.order_qty) == (True, 40, 7, 100)
    other = read_line(row(px=7))
    assert (other.is_fill, other.last_qty, other.last_px) == (False, 0, 0)


def test_the_order_quantity_may_be_worked_out() -> None:
    assert read_line(row(order_qty=None)).order_qty == 100
    line = read_line(row(kind="fill", order_qty=None, qty=40, px=7, cum_qty=40, leaves=60))
    assert line.order_qty == 100


def test_sides() -> None:
    signs = [read_line(row(side=side)).sign for side in ("BUY", "SELL", "SELL_SHORT", None)]
    assert signs == [1, -1, -1, 0]


@pytest.mark.parametrize(
    "fields", [{"seq": None}, {"venue_ns": "now"}, {"cum_qty": True}, {"kind": 3}]
)
def test_what_cannot_be_read_is_an_error(fields: dict[str, object]) -> None:
    with pytest.raises(AuditInputError):
        read_line(row(**fields))
