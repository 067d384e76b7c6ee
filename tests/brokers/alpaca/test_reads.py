"""Listings are complete, or they fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from surefill.brokers.alpaca import reads
from surefill.brokers.alpaca.reads import AccountReads
from surefill.brokers.alpaca.translate.times import to_ns, to_rfc3339
from surefill.brokers.alpaca.transport import HttpOutcome, HttpRequest, HttpResponse, Lost
from surefill.core.commands import Priority, QueryOrder
from surefill.core.events import (
    Accepted,
    AccountRead,
    FillsRead,
    OrdersRead,
    PositionsRead,
    ReadFailed,
    Rejected,
    RejectKind,
    Unavailable,
)
from surefill.core.units import NANO
from tests.brokers.alpaca.support import (
    CL_ORD_ID,
    ORDER_ID,
    START_NS,
    FakeClock,
    Json,
    account_json,
    activity_json,
    body,
    order_json,
)

BASE_NS = 1_625_755_845 * NANO


class Served:
    """A `Reader` that answers from a function and remembers what was asked."""

    def __init__(self, answer: Callable[[HttpRequest], HttpOutcome]) -> None:
        self.answer = answer
        self.asked: list[HttpRequest] = []

    async def read(self, request: HttpRequest, priority: Priority) -> HttpOutcome:
        self.asked.append(request)
        return self.answer(request)


def ok(value: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(status, body(value), START_NS)


def served(answer: Callable[[HttpRequest], HttpOutcome]) -> tuple[AccountReads, Served]:
    reader = Served(answer)
    return AccountReads(rest=reader, clock=FakeClock()), reader


def order_at(number: int, at_us: int, **changes: Any) -> Json:
    stamp = to_rfc3339(BASE_NS + at_us * 1_000)
    return order_json(id=f"o{number}", client_order_id=f"c{number}", submitted_at=stamp, **changes)


def venue(orders: list[Json], *, cap: int = 500) -> Callable[[HttpRequest], HttpOutcome]:
    """Alpaca's order listing: submitted strictly after, oldest first, never more than ``cap``."""

    def answer(request: HttpRequest) -> HttpOutcome:
        query = dict(request.query)
        after_ns, limit = to_ns(query["after"], "after"), int(query["limit"])
        found = [o for o in orders if to_ns(o["submitted_at"], "s") > after_ns]
        found.sort(key=lambda o: to_ns(o["submitted_at"], "s"))
        return ok(found[: min(limit, cap)])

    return answer


@pytest.mark.parametrize("cap", [500, 100, 50])
@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 120, 260])
async def test_every_order_is_read_once_whatever_the_page_size(count: int, cap: int) -> None:
    """Ties of three on every instant, and a server that cuts pages at its own limit (N9)."""
    account, _ = served(venue([order_at(n, n // 3) for n in range(count)], cap=cap))
    found = await account.orders(0, Priority.ROUTINE)
    assert isinstance(found, OrdersRead), found
    assert [report.order_id for report in found.orders] == [f"o{n}" for n in range(count)]
    assert (found.after_ns, found.sent_ns) == (0, START_NS)


async def test_only_orders_after_the_given_time() -> None:
    account, _ = served(venue([order_at(n, n) for n in range(10)]))
    found = await account.orders(BASE_NS + 6_000, Priority.ROUTINE)
    assert isinstance(found, OrdersRead)
    assert [report.order_id for report in found.orders] == ["o7", "o8", "o9"]


async def test_an_order_that_says_the_same_again_is_the_same_value() -> None:
    rows = [order_at(n, n) for n in range(3)]
    account, _ = served(venue(rows))
    first = await account.orders(0, Priority.ROUTINE)
    rows[1] = rows[1] | {"filled_qty": "1"}
    second = await account.orders(0, Priority.ROUTINE)
    assert isinstance(first, OrdersRead)
    assert isinstance(second, OrdersRead)
    same = [one is other for one, other in zip(first.orders, second.orders, strict=True)]
    assert same == [True, False, True]
    assert second.orders[1].cum_qty == NANO


async def test_more_ties_than_a_page_holds_is_a_failure() -> None:
    account, _ = served(venue([order_at(n, 5) for n in range(60)], cap=50))
    found = await account.orders(0, Priority.ROUTINE)
    assert isinstance(found, ReadFailed)
    assert found.what == "orders"
    assert "one instant" in found.text


async def test_pages_in_the_wrong_order_are_a_failure() -> None:
    rows = [order_at(n, -n) for n in range(60)]
    account, _ = served(lambda request: ok(rows))
    found = await account.orders(0, Priority.ROUTINE)
    assert isinstance(found, ReadFailed)
    assert "order asked for" in found.text


async def test_an_endless_listing_is_a_failure() -> None:
    number = iter(range(10**9))

    def answer(request: HttpRequest) -> HttpOutcome:
        return ok([order_at(n, n) for n in (next(number) for _ in range(50))])

    account, reader = served(answer)
    found = await account.orders(0, Priority.ROUTINE)
    assert isinstance(found, ReadFailed)
    assert len(reader.asked) == reads.PAGES_MAX


async def test_one_unreadable_order_fails_the_read_unless_it_cannot_be_ours() -> None:
    rows = [order_at(1, 1), order_at(2, 2, status="sublimated")]
    account, _ = served(venue(rows))
    assert isinstance(await account.orders(0, Priority.ROUTINE), ReadFailed)
    rows[1] |= {"asset_class": "crypto", "submitted_at": rows[1]["submitted_at"]}
    found = await account.orders(0, Priority.ROUTINE)
    assert isinstance(found, OrdersRead)
    assert [report.order_id for report in found.orders] == ["o1"]


async def test_an_order_without_a_submission_time_is_kept() -> None:
    account, _ = served(lambda request: ok([order_json(submitted_at=None)]))
    found = await account.orders(0, Priority.ROUTINE)
    assert isinstance(found, OrdersRead)
    assert len(found.orders) == 1


@pytest.mark.parametrize(
    "outcome",
    [
        Lost("timeout"),
        HttpResponse(500, b"", 1),
        HttpResponse(200, b'[{"id":', 1),
        HttpResponse(200, b'{"message":"x"}', 1),
        HttpResponse(200, b"[7]", 1),
        HttpResponse(429, b"", 1),
    ],
)
async def test_a_read_that_did_not_complete_is_never_empty(outcome: HttpOutcome) -> None:
    account, _ = served(lambda request: outcome)
    for found in (
        await account.orders(0, Priority.ROUTINE),
        await account.fills(0, Priority.ROUTINE, {}),
        await account.positions(Priority.ROUTINE),
        await account.account(Priority.ROUTINE),
    ):
        assert isinstance(found, ReadFailed)
        assert found.text


async def test_a_failure_on_a_later_page_fails_all() -> None:
    page = venue([order_at(n, n) for n in range(120)], cap=50)

    def answer(request: HttpRequest) -> HttpOutcome:
        return Lost("reset") if len(reader.asked) == 2 else page(request)

    account, reader = served(answer)
    assert isinstance(await account.orders(0, Priority.ROUTINE), ReadFailed)


def fills_venue(count: int) -> Callable[[HttpRequest], HttpOutcome]:
    rows = [activity_json(id=f"{n:017d}::exec-{n}") for n in range(count)]

    def answer(request: HttpRequest) -> HttpOutcome:
        query = dict(request.query)
        token = query.get("page_token")
        start = 0 if token is None else [row["id"] for row in rows].index(token) + 1
        return ok(rows[start : start + int(query["page_size"])])

    return answer


@pytest.mark.parametrize("count", [0, 49, 100, 101, 250])
async def test_every_execution_is_read_once(count: int) -> None:
    account, _ = served(fills_venue(count))
    found = await account.fills(0, Priority.ROUTINE, {})
    assert isinstance(found, FillsRead)
    assert [report.exec_id for report in found.fills] == [f"exec-{n}" for n in range(count)]


async def test_pages_that_repeat_themselves_are_a_failure() -> None:
    rows = [activity_json(id=f"{n:017d}::exec-{n}") for n in range(60)]
    account, reader = served(lambda request: ok(rows))
    found = await account.fills(0, Priority.ROUTINE, {})
    assert isinstance(found, ReadFailed)
    assert "repeat" in found.text
    assert len(reader.asked) == 2


async def test_an_execution_shown_twice_is_read_once() -> None:
    account, _ = served(lambda request: ok([activity_json(), activity_json()]))
    found = await account.fills(0, Priority.ROUTINE, {})
    assert isinstance(found, FillsRead)
    assert len(found.fills) == 1


async def test_full_pages_of_families_are_read_to_the_end() -> None:
    """A page of 17 brackets has 51 orders: whether it was cut by a limit that counts legs shows
    only on the next page."""
    legs = [order_json(id=f"leg{n}", status="held") for n in range(2)]
    rows = [order_at(n, 0, legs=legs) for n in range(17)]
    account, reader = served(venue(rows))
    found = await account.orders(0, Priority.ROUTINE)
    assert isinstance(found, OrdersRead)
    assert len(found.orders) == 17
    assert len(reader.asked) == 2


async def test_endless_executions_are_a_failure() -> None:
    number = iter(range(10**9))

    def answer(request: HttpRequest) -> HttpOutcome:
        ids = [next(number) for _ in range(100)]
        return ok([activity_json(id=f"x::exec-{n}") for n in ids])

    account, _ = served(answer)
    assert isinstance(await account.fills(0, Priority.ROUTINE, {}), ReadFailed)


async def test_positions_and_account() -> None:
    account, _ = served(lambda request: ok([{"symbol": "A", "qty": "5", "side": "long"}]))
    found = await account.positions(Priority.ROUTINE)
    assert isinstance(found, PositionsRead)
    assert [position.qty for position in found.positions] == [5 * NANO]
    account, _ = served(lambda request: ok(account_json()))
    read = await account.account(Priority.ROUTINE)
    assert isinstance(read, AccountRead)
    assert read.account.account_id == "PA0000000000"


OCO = order_json(order_class="oco", legs=None)
WITH_LEGS = OCO | {"legs": [order_json(id="leg", status="held")]}


async def test_a_complex_order_by_client_id_is_read_with_its_legs() -> None:
    def answer(request: HttpRequest) -> HttpOutcome:
        return ok(OCO if "by_client" in request.path else WITH_LEGS)

    account, reader = served(answer)
    found = await account.order(QueryOrder("t", CL_ORD_ID))
    assert isinstance(found, Accepted)
    assert found.report is not None
    assert len(found.report.legs) == 1
    assert [request.path for request in reader.asked] == [
        "/v2/orders:by_client_order_id",
        f"/v2/orders/{ORDER_ID}",
    ]


async def test_legs_that_cannot_be_read_are_no_answer() -> None:
    def answer(request: HttpRequest) -> HttpOutcome:
        return ok(OCO) if "by_client" in request.path else ok({"message": "order not found"}, 404)

    account, _ = served(answer)
    assert isinstance(await account.order(QueryOrder("t", CL_ORD_ID)), Unavailable)


@pytest.mark.parametrize("order", [order_json(), WITH_LEGS])
async def test_one_read_is_enough_for_a_simple_order_or_with_legs(order: Json) -> None:
    account, reader = served(lambda request: ok(order))
    assert isinstance(await account.order(QueryOrder("t", CL_ORD_ID)), Accepted)
    assert len(reader.asked) == 1


async def test_by_the_brokers_id_one_read_is_enough() -> None:
    account, reader = served(lambda request: ok(OCO))
    assert isinstance(await account.order(QueryOrder("t", CL_ORD_ID, ORDER_ID)), Accepted)
    assert len(reader.asked) == 1


async def test_an_order_that_is_not_there() -> None:
    account, _ = served(lambda request: ok({"code": 40410000, "message": "order not found"}, 404))
    found = await account.order(QueryOrder("t", CL_ORD_ID))
    assert isinstance(found, Rejected)
    assert found.kind is RejectKind.NOT_FOUND


def test_the_stored_form_of_the_tests_is_json() -> None:
    assert json.loads(ok([]).body) == []
