"""The books of an account: cost of a position, cash, and identities over random histories."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from surefill.core.fix import OrdStatus, OrdType
from surefill.core.units import NANO, to_nano
from surefill.sim.ledger import Ledger, Position
from surefill.sim.types import Refusal
from tests.sim.venue import ME, SYM, Floor


def ledger(cash: str = "100000", multiplier: int = 4) -> Ledger:
    return Ledger(
        account=ME, account_id="id", cash_usd=to_nano(cash), multiplier=multiplier, created_ns=0
    )


class TestPosition:
    def test_cost_follows_the_shares(self) -> None:
        position = Position()
        position.add(100 * NANO, to_nano("10"))
        position.add(100 * NANO, to_nano("12"))
        assert (position.qty, position.cost) == (200 * NANO, 2200 * NANO * NANO)
        position.add(-50 * NANO, to_nano("99"))
        assert (position.qty, position.cost) == (150 * NANO, 1650 * NANO * NANO)
        position.add(-150 * NANO, to_nano("1"))
        assert (position.qty, position.cost) == (0, 0)

    def test_short_cost_is_negative(self) -> None:
        position = Position()
        position.add(-100 * NANO, to_nano("10"))
        position.add(40 * NANO, to_nano("9"))
        assert (position.qty, position.cost) == (-60 * NANO, -600 * NANO * NANO)

    def test_overfill_opens_the_other_side_at_its_price(self) -> None:
        """B-02: 60 sold by the target, 100 by the stop."""
        position = Position(qty=40 * NANO, cost=400 * NANO * NANO)
        position.add(-100 * NANO, to_nano("9"))
        assert (position.qty, position.cost) == (-60 * NANO, -540 * NANO * NANO)


class TestLedger:
    def test_cash_is_exact_with_fees(self) -> None:
        books = ledger()
        books.book(SYM, signed_qty=3, px=7, fee=5)
        assert books.cash == books.opening_cash - 26
        assert books.fees == 5

    def test_buying_power_by_multiplier(self) -> None:
        def mark(_symbol: str) -> int:
            return to_nano("100")

        margin, cash = ledger(), ledger(multiplier=1)
        for books in (margin, cash):
            books.book(SYM, signed_qty=100 * NANO, px=to_nano("100"))
        assert margin.buying_power(mark) == to_nano("390000") * NANO
        assert cash.buying_power(mark) == to_nano("90000") * NANO

    def test_short_market_value_counts_against_buying_power(self) -> None:
        books = ledger()
        books.book(SYM, signed_qty=-100 * NANO, px=to_nano("100"))
        assert books.values(lambda _symbol: to_nano("110")) == (0, -to_nano("11000") * NANO)
        equity = books.equity(lambda _symbol: to_nano("110"))
        assert equity == to_nano("99000") * NANO

    def test_unmarked_position_is_worth_its_cost(self) -> None:
        books = ledger()
        books.book(SYM, signed_qty=100 * NANO, px=to_nano("100"))
        assert books.equity(lambda _symbol: None) == books.opening_cash

    def test_held_back_shares(self) -> None:
        books = ledger()
        books.book(SYM, signed_qty=100 * NANO, px=to_nano("100"))
        books.hold_back(SYM, 60 * NANO)
        assert books.available_qty(SYM) == 40 * NANO
        books.release(SYM, 60 * NANO)
        assert books.available_qty(SYM) == 100 * NANO


# --- random histories -----------------------------------------------------------------------

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ("buy", "sell", "stop", "bracket", "oco", "cancel", "replace", "quote", "print", "wait")
        ),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    min_size=20,
    max_size=60,
)
SWITCHES = st.sampled_from(
    (
        (),
        ("tp_partial_resize=replaced",),
        ("partial_arms_legs=on",),
        ("fill_model=touch",),
        ("fill_model=paper",),
        ("exit_race=overlapping",),
        ("wash_exempts=none", "replace_event_order=new_first"),
    )
)


def price(step: int) -> str:
    """Ten prices around 100."""
    return f"{99.5 + step / 10:.2f}"


def act(floor: Floor, action: str, first: int, second: int) -> None:
    """One step of a history; refusals are part of it."""
    qty, limit = 10 * (first + 1), price(second)
    beyond, behind = f"{100.6 + second / 10:.2f}", f"{99.3 - first / 10:.2f}"
    known = floor.orders()
    match action:
        case "buy" | "sell":
            kind = "market" if second == 0 else "limit"
            floor.send(action, qty, kind, limit=None if second == 0 else limit)
        case "stop":
            side = "buy" if second > 4 else "sell"
            floor.send(side, qty, "stop", stop=beyond if side == "buy" else behind)
        case "bracket":
            floor.send("buy", qty, limit=price(5), tp=beyond, sl=behind, group="bracket")
        case "oco":
            floor.send("sell", qty, tp=beyond, sl=behind, group="oco")
        case "cancel" if known:
            floor.exchange.cancel(ME, known[-1 - first % len(known)].order_id)
        case "replace" if known:
            order = known[-1 - first % len(known)]
            if order.ord_type is OrdType.STOP:
                floor.replace(order.order_id, stop=behind if order.side == "SELL" else beyond)
            else:
                floor.replace(order.order_id, limit=limit)
        case "quote":
            bid = 99.5 + first / 10
            floor.quote(
                f"{bid:.2f}",
                f"{bid + 0.02 + second / 100:.2f}",
                bid_size=20 * second,
                ask_size=20 * first,
            )
        case "print":
            floor.print(price(first), 20 * (second + 1))
        case _:
            floor.wait(1 + 7 * first * second)


def check_identities(floor: Floor, *, may_overfill: bool) -> None:
    books = floor.exchange._venue.ledgers[ME]
    fills = floor.exchange.fills(ME)
    signed = [(1 if fill.side == "BUY" else -1, fill) for fill in fills]
    assert books.cash == books.opening_cash - sum(sign * f.qty * f.px for sign, f in signed)
    assert books.position_qty(SYM) == sum(sign * f.qty for sign, f in signed)
    if not may_overfill:
        assert books.ordered_qty(SYM) <= abs(books.position_qty(SYM))
    by_order: dict[str, int] = {}
    for _sign, fill in signed:
        by_order[fill.order_id] = by_order.get(fill.order_id, 0) + fill.qty
    for order in floor.orders():
        if order.replaces is None:
            assert order.cum_qty == by_order.get(order.order_id, 0)
        if order.status.is_terminal:
            assert order.leaves_qty == 0
        else:
            assert order.cum_qty + order.leaves_qty == order.order_qty
            assert order.leaves_qty > 0
        if order.status is OrdStatus.FILLED:
            assert order.cum_qty == order.order_qty
    for sign, fill in signed:
        limit_px = floor.at(fill.order_id).limit_px
        assert limit_px is None or sign * (fill.px - limit_px) <= 0


@given(actions=ACTIONS, switches=SWITCHES)
def test_identities_hold_over_random_histories(
    actions: list[tuple[str, int, int]], switches: tuple[str, ...]
) -> None:
    """Cash and fills reconcile, reserved <= position, cum + leaves = quantity, no fill beyond."""
    floor = Floor(*switches)
    may_overfill = "exit_race=overlapping" in switches
    for action, first, second in actions:
        try:
            act(floor, action, first, second)
        except Refusal:
            floor.wait(3)
        check_identities(floor, may_overfill=may_overfill)
    floor.wait(5000)
    check_identities(floor, may_overfill=may_overfill)
    assert all(qty == 0 for qty in floor.exchange._venue.ledgers[ME].releasing_qty.values())
