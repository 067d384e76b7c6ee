"""Random requests against an independent bookkeeper that only reads the venue's events.

The bookkeeper keeps cash, positions, reserved shares, order states and groups from the events
alone, in `Fraction`; after every step the venue's account, positions and orders must agree with it.
What it knows of the rules is written here a second time, from docs/assumptions.md.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from surefill.core.fix import Leg
from surefill.core.units import NANO
from surefill.sim.types import OrderSnapshot, Refusal, VenueEvent
from tests.sim.venue import ME, SYM, Floor

CENTS = st.integers(9_900, 10_100)
SHARES = st.integers(1, 40)
SIDES = st.sampled_from(["buy", "sell"])


ENDS = frozenset({"FILL", "CANCELED", "EXPIRED", "REJECTED", "REPLACED"})
SILENT = frozenset({"CANCEL_REJECTED", "REPLACE_REJECTED"})
"""Events after which an order is what it was before."""
NOTHING: set[str] = set()
_ANY = {"PARTIAL_FILL", "PENDING_CANCEL", "PENDING_REPLACE", *ENDS}
NEXT: dict[str, set[str]] = {
    "": {"PENDING_NEW", "HELD", "NEW", "REJECTED"},
    "PENDING_NEW": {"NEW", *_ANY},
    "HELD": {"NEW", *_ANY},
    "NEW": _ANY,
    "PARTIAL_FILL": _ANY,
    "PENDING_CANCEL": _ANY,
    # A leg whose entry is filled goes to the market although it is about to be replaced.
    "PENDING_REPLACE": {"NEW", *_ANY},
    **dict.fromkeys(sorted(ENDS), NOTHING),
}
"""event -> the events that may come next for the same order; after an end nothing may."""
STATES = {
    "FILL": "FILLED",
    "CANCELED": "CANCELED",
    "EXPIRED": "EXPIRED",
    "REJECTED": "REJECTED",
    "REPLACED": "REPLACED",
}


def price(cents: int) -> str:
    return f"{cents / 100:.2f}"


class Bookkeeper:
    """Cash and shares from executions; what each order has got."""

    def __init__(self) -> None:
        self.cash = Fraction(100_000)
        self.shares = Fraction(0)
        self.executed: dict[str, Fraction] = {}
        self.seen: set[str] = set()
        self.words: dict[str, str] = {}

    def read(self, event: VenueEvent) -> None:
        self.step(event.order.order_id, event.kind.value)
        if event.kind.value not in ("FILL", "PARTIAL_FILL"):
            return
        assert event.exec_id not in self.seen
        self.seen.add(event.exec_id)
        qty, px = Fraction(event.qty, NANO), Fraction(event.px, NANO)
        sign = 1 if event.order.side.value == "BUY" else -1
        self.cash -= sign * qty * px
        self.shares += sign * qty
        order_id = event.order.order_id
        self.executed[order_id] = self.executed.get(order_id, Fraction(0)) + qty
        assert Fraction(event.position_qty, NANO) == self.shares
        limit_px = event.order.limit_px
        assert limit_px is None or sign * (limit_px - event.px) >= 0

    def step(self, order_id: str, word: str) -> None:
        """The life of an order: which event may follow which."""
        if word in SILENT:
            return
        before = self.words.get(order_id, "")
        assert word in NEXT[before], f"{order_id}: {word} after {before or 'nothing'}"
        self.words[order_id] = word


class Venue(RuleBasedStateMachine):
    """One account; requests may be refused, and then nothing changes."""

    def __init__(self) -> None:
        super().__init__()
        self.floor = Floor()
        self.books = Bookkeeper()
        self.sent: list[str] = []

    @rule(mid=CENTS, size=st.integers(0, 30))
    def quote(self, mid: int, size: int) -> None:
        self.floor.quote(price(mid - 1), price(mid + 1), bid_size=size, ask_size=size)

    @rule(cents=CENTS, size=SHARES)
    def print(self, cents: int, size: int) -> None:
        self.floor.print(price(cents), size)

    @rule(ms=st.sampled_from([1, 20, 100, 500]))
    def wait(self, ms: int) -> None:
        self.floor.wait(ms)

    def submit(self, *words: object, **terms: object) -> None:
        try:
            sent = self.floor.send(*words, **terms)  # type: ignore[arg-type]
        except Refusal:
            return
        self.sent += [sent.order_id, *(leg.order_id for leg in sent.legs)]

    @rule(
        side=SIDES, qty=SHARES, cents=st.none() | CENTS, tif=st.sampled_from(["day", "ioc", "fok"])
    )
    def order(self, side: str, qty: int, cents: int | None, tif: str) -> None:
        limit = None if cents is None else price(cents)
        self.submit(side, qty, "market" if cents is None else "limit", limit=limit, tif=tif)

    @rule(side=SIDES, qty=SHARES, cents=CENTS)
    def stop(self, side: str, qty: int, cents: int) -> None:
        self.submit(side, qty, "stop", stop=price(cents))

    @rule(side=SIDES, qty=SHARES, away=st.integers(5, 300))
    def bracket(self, side: str, qty: int, away: int) -> None:
        sign = 1 if side == "buy" else -1
        target, stop = price(10_000 + sign * away), price(10_000 - sign * away)
        self.submit(side, qty, "market", tp=target, sl=stop, group="bracket")

    @rule(qty=SHARES, away=st.integers(5, 300))
    def oco(self, qty: int, away: int) -> None:
        sign = 1 if self.books.shares > 0 else -1
        side = "sell" if sign > 0 else "buy"
        target, stop = price(10_000 + sign * away), price(10_000 - sign * away)
        self.submit(side, qty, "limit", tp=target, sl=stop, group="oco")

    @rule(side=SIDES, qty=SHARES, away=st.integers(5, 300), has_target=st.booleans())
    def oto(self, side: str, qty: int, away: int, has_target: bool) -> None:
        sign = 1 if side == "buy" else -1
        if has_target:
            self.submit(side, qty, "market", tp=price(10_000 + sign * away), group="oto")
        else:
            self.submit(side, qty, "market", sl=price(10_000 - sign * away), group="oto")

    @rule(side=SIDES, qty=SHARES, cents=st.integers(5, 200))
    def trail(self, side: str, qty: int, cents: int) -> None:
        self.submit(side, qty, "trailing_stop", trail=price(cents))

    @rule(pick=st.integers(0, 1_000), cents=CENTS, is_cancel=st.booleans())
    def change(self, pick: int, cents: int, is_cancel: bool) -> None:
        if not self.sent:
            return
        order_id = self.sent[pick % len(self.sent)]
        try:
            if is_cancel:
                self.floor.exchange.cancel(ME, order_id)
            else:
                self.sent.append(self.floor.replace(order_id, limit=price(cents)).order_id)
        except Refusal:
            return

    @invariant()
    def everything_agrees(self) -> None:
        exchange = self.floor.exchange
        for event in exchange.drain():
            self.books.read(event)
        view = exchange.account_view(ME)
        assert Fraction(view.cash_exact, NANO * NANO) == self.books.cash
        shown = {position.symbol: position for position in exchange.positions(ME)}
        assert Fraction(shown[SYM].qty if SYM in shown else 0, NANO) == self.books.shares
        if SYM in shown:
            self.reservations_agree(Fraction(shown[SYM].available_qty, NANO))
        assert exchange.books(ME).breaks == ()
        self.orders_agree()
        self.groups_agree()

    def reservations_agree(self, available: Fraction) -> None:
        """Shares that nobody holds: what is there less what live closing orders may still trade,
        a group once by its larger exit. What was let go of moments ago may be held still."""
        held = abs(self.books.shares)
        sign = 1 if self.books.shares > 0 else -1
        groups: dict[str, Fraction] = {}
        for order in (self.floor.at(order_id) for order_id in self.sent):
            if order.status.is_terminal or order.side.sign == sign:
                continue
            family = self.family(order)
            is_exit = order.leg in (Leg.TARGET, Leg.STOP)
            if is_exit and order.parent_id and not self.is_entered(order.parent_id):
                continue
            left = Fraction(order.leaves_qty, NANO)
            if is_exit:
                # What one exit has done, the other will not do, also before it is canceled.
                left = min(left, self.to_exit(family))
            groups[family] = max(groups.get(family, Fraction(0)), left)
        assert 0 <= available <= held
        assert available <= max(Fraction(0), held - sum(groups.values()))

    def family(self, order: OrderSnapshot) -> str:
        """The group that an order belongs to; a replacement belongs to what it replaces, also while
        it waits for its turn."""
        while order.replaces is not None:
            order = self.floor.at(order.replaces)
        return order.parent_id or order.order_id

    def to_exit(self, family: str) -> Fraction:
        """Shares of a group that no exit has traded yet."""
        done = Fraction(0)
        for order in (self.floor.at(order_id) for order_id in self.sent):
            if order.leg in (Leg.TARGET, Leg.STOP) and self.family(order) == family:
                done += self.books.executed.get(order.order_id, Fraction(0))
        return Fraction(self.floor.at(family).order_qty, NANO) - done

    def is_entered(self, parent_id: str) -> bool:
        """Whether exits of this parent hold shares: its entry is filled, or it is one itself."""
        parent = self.floor.at(parent_id)
        return parent.leg is Leg.TARGET or parent.status.value == "FILLED"

    def groups_agree(self) -> None:
        """Exits wait until their entry is filled; where one exit is done, the other is too, at the
        latest when its cancel has had its time; nothing of a dead entry lives."""
        for order_id in self.sent:
            order = self.floor.at(order_id)
            word = self.books.words.get(order_id)
            if word in STATES:
                assert order.status.value == STATES[word]
            if order.parent_id is None or order.leg not in (Leg.TARGET, Leg.STOP):
                continue
            parent = self.floor.at(order.parent_id)
            if parent.leg is Leg.TARGET:
                continue
            if parent.cum_qty < parent.order_qty:
                assert order.cum_qty == 0
            if parent.status.value in ("CANCELED", "EXPIRED", "REJECTED"):
                assert order.status.is_terminal

    def orders_agree(self) -> None:
        """Carried quantity of replacements counts once; exits never exceed their entry."""
        exits: dict[str, Fraction] = {}
        for order_id in self.sent:
            order = self.floor.at(order_id)
            own, chain = Fraction(0), order
            while True:
                own += self.books.executed.get(chain.order_id, Fraction(0))
                if chain.replaces is None:
                    break
                chain = self.floor.at(chain.replaces)
                if chain.status.value != "REPLACED":
                    break  # it waits for its turn: what the old one did is not its own yet
            if order.status.value != "REJECTED":
                assert Fraction(order.cum_qty, NANO) == own
            assert 0 <= order.leaves_qty <= order.order_qty
            assert (order.leaves_qty == 0) or not order.status.is_terminal
            if order.leg in (Leg.TARGET, Leg.STOP):
                family = self.family(order)
                done = self.books.executed.get(order_id, Fraction(0))
                exits[family] = exits.get(family, Fraction(0)) + done
        for family, done in exits.items():
            assert done <= Fraction(self.floor.at(family).order_qty, NANO)


Venue.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestVenue = Venue.TestCase


def test_a_leg_that_is_armed_while_it_is_replaced_is_not_replaced_twice() -> None:
    venue = Venue()
    venue.stop(cents=9_900, qty=1, side="sell")
    venue.bracket(away=5, qty=1, side="sell")
    venue.change(cents=9_900, is_cancel=False, pick=2)
    leg_id = venue.sent[2]
    while venue.floor.at(leg_id).status.value != "NEW":
        venue.floor.wait(1)
    assert venue.floor.at(venue.sent[-1]).replaces == leg_id
    with pytest.raises(Refusal, match="PENDING_REPLACE"):
        venue.floor.replace(leg_id, limit="98.50")
    venue.everything_agrees()
