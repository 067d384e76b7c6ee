"""The order machine: every row of its table, every pair outside it, and the ledger (I24)."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefill.core.commands import OrderSpec
from surefill.core.events import ExecutionReport
from surefill.core.fix import ExecType, Leg, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.order import (
    ABSENT_AFTER_NS,
    AVERAGE_ERROR_PX,
    TERMINAL,
    TRANSITIONS,
    ChildOrder,
    Fill,
    IllegalTransition,
    OrderInput,
    OrderState,
    input_of,
    moved,
    with_execution,
    with_input,
    with_listing,
    with_report,
)
from surefill.core.units import NANO

St, In = OrderState, OrderInput
OURS = {In.SEND, In.DROP, In.ABSENT}
SPEC = OrderSpec(
    cl_ord_id="sf-000000-p1-E1",
    symbol="ACME",
    side=Side.BUY,
    ord_type=OrdType.LIMIT,
    tif=TimeInForce.DAY,
    order_qty=100 * NANO,
    leg=Leg.ENTRY,
    limit_px=100 * NANO,
)
ORDER = ChildOrder(key="sf-000000-p1-E1", spec=SPEC)


def report(**more: object) -> ExecutionReport:
    """A read of the working order."""
    base = ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        ord_status=OrdStatus.NEW,
        order_id="id1",
        cl_ord_id=SPEC.cl_ord_id,
        symbol="ACME",
        side=Side.BUY,
        ord_type=OrdType.LIMIT,
        tif=TimeInForce.DAY,
        order_qty=100 * NANO,
        cum_qty=0,
        venue_ns=1000,
        recv_ns=1010,
    )
    return replace(base, **more)  # type: ignore[arg-type]


def fill(exec_id: str, qty: int, *, px: int = 100, cum: int, at_ns: int = 1000) -> ExecutionReport:
    """An execution of ``qty`` shares after which the order stands at ``cum``."""
    return report(
        exec_type=ExecType.TRADE,
        ord_status=OrdStatus.FILLED if cum == 100 else OrdStatus.PARTIALLY_FILLED,
        exec_id=exec_id,
        last_qty=qty * NANO,
        last_px=px * NANO,
        cum_qty=cum * NANO,
        venue_ns=at_ns,
    )


@pytest.mark.parametrize(("state", "what"), TRANSITIONS)
def test_every_row(state: OrderState, what: OrderInput) -> None:
    assert with_input(replace(ORDER, state=state), what).state is TRANSITIONS[state, what]


@pytest.mark.parametrize(
    ("state", "what"), [pair for pair in product(St, In) if pair not in TRANSITIONS]
)
def test_outside_the_table(state: OrderState, what: OrderInput) -> None:
    if what in OURS or state not in TERMINAL:
        with pytest.raises(IllegalTransition, match=f"{what} in state {state}"):
            moved(state, what)
    else:
        assert moved(state, what) is state, "old news"


def test_only_an_unsent_order_is_sent_and_doubt_has_no_way_out_but_evidence() -> None:
    assert {state for state, what in TRANSITIONS if what is In.SEND} == {St.UNSENT}
    exits = {what for (state, what), after in TRANSITIONS.items() if state is St.IN_DOUBT}
    assert In.SEND not in exits
    assert In.DROP not in exits


def test_open_and_terminal() -> None:
    for state in St:
        order = replace(ORDER, state=state)
        assert order.is_open == (state in {St.IN_FLIGHT, St.IN_DOUBT, St.WORKING})
        assert order.is_terminal == (state in TERMINAL)
        assert order.leaves_qty == (0 if order.is_terminal else 100 * NANO)
        assert order.leg is Leg.ENTRY


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (OrdStatus.FILLED, In.FILL),
        (OrdStatus.CANCELED, In.CANCEL),
        (OrdStatus.EXPIRED, In.EXPIRE),
        (OrdStatus.REJECTED, In.REJECT),
        (OrdStatus.REPLACED, In.REPLACE),
        (OrdStatus.NEW, In.APPEAR),
        (OrdStatus.PENDING_CANCEL, In.APPEAR),
    ],
)
def test_what_a_report_means(status: OrdStatus, what: OrderInput) -> None:
    assert input_of(ORDER, report(ord_status=status)) is what
    known = replace(ORDER, order_id="id1")
    expected = In.OPEN if what is In.APPEAR else what
    assert input_of(known, report(ord_status=status)) is expected


def test_a_report_names_and_moves_the_order() -> None:
    order = with_report(replace(ORDER, state=St.IN_FLIGHT), report(working=False, text="held"))
    assert (order.state, order.order_id, order.is_held) == (St.WORKING, "id1", True)
    assert order.text == "held"


def test_the_ledger_is_a_set() -> None:
    order = replace(ORDER, state=St.WORKING, order_id="id1")
    events = [fill("a", 30, px=101, cum=30), fill("b", 70, px=99, cum=100, at_ns=2000)]
    for sequence in (events, events[::-1], [*events, *events]):
        after = order
        for event in sequence:
            after = with_report(after, event)
        assert after.cum_qty == after.priced_qty == 100 * NANO
        assert after.cost == after.priced_cost == (30 * 101 + 70 * 99) * NANO * NANO
        assert [f.exec_id for f in after.fills] == ["a", "b"]
        assert after.state is St.FILLED


@given(
    order=st.permutations(range(6)),
    again=st.lists(st.integers(0, 5), max_size=6),
)
def test_busts_and_corrections_in_any_order(order: list[int], again: list[int]) -> None:
    events = [
        fill("a", 30, cum=30),
        fill("b", 20, cum=50, at_ns=1100),
        report(cum_qty=50 * NANO, ord_status=OrdStatus.PARTIALLY_FILLED, venue_ns=1100),
        report(
            exec_type=ExecType.TRADE_CANCEL,
            ord_status=OrdStatus.PARTIALLY_FILLED,
            exec_id="a",
            last_qty=30 * NANO,
            last_px=100 * NANO,
            cum_qty=20 * NANO,
            venue_ns=1200,
        ),
        report(
            exec_type=ExecType.TRADE_CORRECT,
            ord_status=OrdStatus.PARTIALLY_FILLED,
            exec_id="b",
            last_qty=20 * NANO,
            last_px=98 * NANO,
            cum_qty=20 * NANO,
            venue_ns=1300,
        ),
        report(cum_qty=20 * NANO, ord_status=OrdStatus.PARTIALLY_FILLED, venue_ns=1300),
    ]
    after = replace(ORDER, state=St.WORKING, order_id="id1")
    for index in [*order, *again]:
        after = with_report(after, events[index])
    assert after.cum_qty == 20 * NANO
    assert after.cost == 20 * 98 * NANO * NANO


def test_correction_of_an_execution_that_was_never_seen() -> None:
    correct = report(exec_type=ExecType.TRADE_CORRECT, exec_id="a", last_px=99 * NANO)
    assert with_execution(ORDER, correct).fills == (Fill("a", 0, 99 * NANO, 1000),)
    assert with_execution(ORDER, replace(correct, last_px=None)) == ORDER


def test_executions_that_say_too_little_change_nothing() -> None:
    for event in (
        fill("a", 30, cum=30),
        replace(fill("a", 30, cum=30), exec_id=None),
        replace(fill("a", 30, cum=30), last_px=None),
        replace(fill("a", 30, cum=30), last_qty=None),
        replace(fill("a", 30, cum=30), exec_type=ExecType.NEW),
    ):
        expected = 30 * NANO if event == fill("a", 30, cum=30) else 0
        assert with_execution(ORDER, event).priced_qty == expected


def test_bust_of_an_unseen_execution() -> None:
    bust = report(exec_type=ExecType.TRADE_CANCEL, exec_id="a")
    assert with_execution(ORDER, bust).fills == (Fill("a", 0, 0, 1000),)


def test_what_was_only_reported_is_unpriced_and_valued_at_the_broker_average_or_the_limit() -> None:
    order = with_report(ORDER, report(cum_qty=40 * NANO, avg_px=99 * NANO))
    assert (order.cum_qty, order.priced_qty, order.unpriced_qty) == (40 * NANO, 0, 40 * NANO)
    assert order.cost == 40 * 99 * NANO * NANO
    assert with_report(ORDER, report(cum_qty=40 * NANO)).cost == 40 * 100 * NANO * NANO
    stop = replace(ORDER, spec=replace(SPEC, limit_px=None, stop_px=95 * NANO))
    assert with_report(stop, report(cum_qty=NANO)).cost == 95 * NANO * NANO
    market = replace(ORDER, spec=replace(SPEC, limit_px=None))
    assert with_report(market, report(cum_qty=NANO)).cost == 0


def test_quantity_carried_over_a_replacement() -> None:
    order = replace(ORDER, carried_qty=40 * NANO, state=St.IN_FLIGHT)
    order = with_report(order, report(cum_qty=40 * NANO))
    assert (order.cum_qty, order.leaves_qty) == (0, 60 * NANO)


def test_long_absent() -> None:
    order = replace(ORDER, state=St.IN_DOUBT)
    assert not order.is_long_absent(10**18)
    order = replace(order, absent_since_ns=1000, absent_reads=2)
    assert not order.is_long_absent(10**18)
    order = replace(order, absent_reads=3)
    assert not order.is_long_absent(999 + ABSENT_AFTER_NS)
    assert order.is_long_absent(1000 + ABSENT_AFTER_NS)
    assert order.may_yet_arrive(999 + ABSENT_AFTER_NS)
    assert not order.may_yet_arrive(1000 + ABSENT_AFTER_NS)


def test_a_listing_settles_a_dispute_that_it_agrees_with_in_shares_and_in_price() -> None:
    """Two answers of the broker against a message that may be lost; half an agreement is none."""
    fills = (
        Fill("a", 60 * NANO, 100 * NANO, venue_ns=500),
        Fill("b", 40 * NANO, 101 * NANO, venue_ns=600),
    )
    order = replace(
        ORDER,
        state=St.FILLED,
        order_id="id1",
        fills=fills,
        disputed_qty=60 * NANO,
        disputed_px=100 * NANO,
    )
    rows = [
        report(exec_type=ExecType.TRADE, exec_id=exec_id, last_qty=qty * NANO, last_px=px * NANO)
        for exec_id, qty, px in (("a", 60, 100), ("a", 60, 99), ("a", 50, 100))
    ]
    settled = with_listing(order, rows[:1], 900)
    assert not settled.is_disputed
    assert [(fill.qty, fill.busted_qty) for fill in settled.fills] == [
        (60 * NANO, 0),
        (0, 40 * NANO),
    ]
    for other in rows[1:]:
        assert with_listing(order, [other], 900) == order


DOUBTED = replace(
    ORDER,
    state=St.WORKING,
    order_id="id1",
    replaces="id0",
    is_held=True,
    is_moving=True,
    reported_qty=40 * NANO,
    reported_ns=900,
    reported_px=101 * NANO,
    asks=3,
    absent_reads=2,
    absent_since_ns=5,
    is_unlisted=True,
    is_unmoved=True,
    text="said",
)
FOUND = replace(
    DOUBTED,
    is_held=False,
    is_moving=False,
    reported_ns=1000,
    asks=0,
    absent_reads=0,
    absent_since_ns=None,
    is_unlisted=False,
    is_unmoved=False,
)


@pytest.mark.parametrize(
    ("told", "after"),
    [
        ({"avg_px": 102 * NANO}, {"reported_px": 102 * NANO}),
        ({}, {}),
        ({"exec_type": ExecType.ORDER_STATUS}, {"asks": 3}),
        ({"replaces": "id9"}, {"replaces": "id9"}),
        ({"ord_status": OrdStatus.PENDING_REPLACE}, {"is_moving": True}),
        ({"working": False}, {"is_held": True}),
        ({"venue_ns": 900}, {"reported_ns": 900}),
        ({"venue_ns": 899}, {"reported_ns": 899, "is_held": True, "is_moving": True}),
        (
            {"venue_ns": 899, "ord_status": OrdStatus.PENDING_REPLACE, "working": False},
            {"reported_ns": 899, "is_held": True, "is_moving": True},
        ),
        ({"cum_qty": 50 * NANO}, {"reported_qty": 50 * NANO}),
        ({"cum_qty": 30 * NANO, "avg_px": 102 * NANO}, {"reported_ns": 900}),
    ],
)
def test_every_field_that_a_report_changes(
    told: dict[str, object], after: dict[str, object]
) -> None:
    news = {"exec_type": ExecType.NEW, "cum_qty": 40 * NANO} | told
    expected = replace(FOUND, **after)  # type: ignore[arg-type]
    assert with_report(DOUBTED, report(**news)) == expected


def test_the_answer_that_was_outrun_says_nothing_of_what_works() -> None:
    free = replace(DOUBTED, is_held=False, is_moving=False)
    late = report(
        exec_type=ExecType.NEW,
        cum_qty=40 * NANO,
        venue_ns=899,
        ord_status=OrdStatus.PENDING_REPLACE,
        working=False,
    )
    after = with_report(free, late)
    assert (after.is_held, after.is_moving) == (False, False)


LEDGER = replace(
    ORDER,
    state=St.WORKING,
    order_id="id1",
    fills=(
        Fill("a", 60 * NANO, 100 * NANO, venue_ns=500),
        Fill("b", 40 * NANO, 101 * NANO, venue_ns=600),
    ),
    disputed_qty=7,
    disputed_px=7,
)
AVERAGE_PX = 100_400_000_000


@pytest.mark.parametrize(
    ("qty", "px", "venue_ns", "disputed"),
    [
        (100, AVERAGE_PX, 601, (None, None)),
        (100, None, 601, (None, None)),
        (100, AVERAGE_PX + AVERAGE_ERROR_PX, 601, (None, None)),
        (100, AVERAGE_PX + AVERAGE_ERROR_PX + 1, 601, (100, AVERAGE_PX + AVERAGE_ERROR_PX + 1)),
        (60, 100 * NANO, 601, (60, 100 * NANO)),
        (60, 100 * NANO, 600, None),
        (101, AVERAGE_PX, 601, None),
        (101, AVERAGE_PX, 600, None),
    ],
)
def test_a_newer_read_is_compared_with_the_ledger(
    qty: int, px: int | None, venue_ns: int, disputed: tuple[int | None, int | None] | None
) -> None:
    after = with_report(LEDGER, report(cum_qty=qty * NANO, avg_px=px, venue_ns=venue_ns))
    if disputed is None:
        assert (after.disputed_qty, after.disputed_px) == (7, 7)
    else:
        shown = None if disputed[0] is None else disputed[0] * NANO
        assert (after.disputed_qty, after.disputed_px) == (shown, disputed[1])
    told = report(exec_type=ExecType.NEW, cum_qty=60 * NANO, venue_ns=601)
    assert with_report(LEDGER, told).disputed_qty == 7, "no read"


def test_a_read_after_a_replacement_counts_both_orders_and_averages_over_both() -> None:
    carried = replace(LEDGER, carried_qty=30 * NANO)
    after = with_report(carried, report(cum_qty=130 * NANO, avg_px=99 * NANO, venue_ns=601))
    assert (after.disputed_qty, after.disputed_px) == (None, None)
    rows = [fill("a", 60, cum=60), fill("b", 40, px=99, cum=100)]
    disputed = replace(carried, disputed_qty=100 * NANO, disputed_px=None, reported_px=NANO)
    settled = with_listing(disputed, rows, 900)
    assert (settled.reported_qty, settled.reported_px) == (130 * NANO, None)
    assert [(one.qty, one.px) for one in settled.fills] == [
        (60 * NANO, 100 * NANO),
        (40 * NANO, 99 * NANO),
    ]


def test_a_listing_takes_over_quantities_and_leaves_what_was_busted() -> None:
    buried = Fill("x", 0, 99 * NANO, venue_ns=550, busted_qty=5 * NANO)
    order = replace(LEDGER, fills=(*LEDGER.fills, buried), disputed_qty=70 * NANO, disputed_px=None)
    silent = report(exec_type=ExecType.TRADE, exec_id="c")
    settled = with_listing(order, [fill("a", 50, cum=50), fill("b", 20, cum=70), silent], 900)
    assert [(one.exec_id, one.qty) for one in settled.fills] == [
        ("a", 50 * NANO),
        ("x", 0),
        ("b", 20 * NANO),
    ]
    assert buried in settled.fills
    same = with_listing(order, [fill("a", 60, cum=60), fill("b", 40, px=101, cum=100)], 900)
    assert same == replace(order, disputed_qty=None, disputed_px=None)


@pytest.mark.parametrize(("reported_ns", "left"), [(700, 40), (701, 100)])
def test_a_bust_is_of_what_was_executed(reported_ns: int, left: int) -> None:
    """The message may say other numbers, or none; an older count still holds the shares."""
    order = replace(LEDGER, reported_qty=100 * NANO, reported_ns=reported_ns)
    bust = report(
        exec_type=ExecType.TRADE_CANCEL, exec_id="a", last_qty=NANO, last_px=NANO, venue_ns=700
    )
    after = with_execution(order, bust)
    assert Fill("a", 0, 100 * NANO, 700, busted_qty=60 * NANO) in after.fills
    assert after.reported_qty == left * NANO


def test_a_count_of_the_moment_of_a_bust_is_without_it() -> None:
    bust = report(exec_type=ExecType.TRADE_CANCEL, exec_id="a", cum_qty=40 * NANO, venue_ns=700)
    after = with_report(replace(LEDGER, reported_qty=100 * NANO, reported_ns=600), bust)
    assert (after.reported_qty, after.cum_qty) == (40 * NANO, 40 * NANO)


def test_a_correction_keeps_the_time_and_what_it_does_not_say() -> None:
    correct = report(exec_type=ExecType.TRADE_CORRECT, exec_id="a", last_px=99 * NANO)
    corrected = Fill("a", 60 * NANO, 99 * NANO, venue_ns=500)
    assert with_execution(LEDGER, correct).fills == (corrected, LEDGER.fills[1])


def test_the_brokers_average_values_only_what_it_counts() -> None:
    part = replace(ORDER, reported_qty=70 * NANO, carried_qty=30 * NANO, reported_px=99 * NANO)
    assert part.cost == 99 * 40 * NANO * NANO
    ahead = replace(part, fills=(Fill("a", 10 * NANO, 98 * NANO, venue_ns=5),))
    assert ahead.cost == 99 * 40 * NANO * NANO
