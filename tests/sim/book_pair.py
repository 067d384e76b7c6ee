"""The fast book and the naive one, fed the same events: random histories and whole tapes.

What: `RandomPair` makes a market of its own, `TapePair` plays recorded or synthetic quotes and
prints with random orders in between. `agree_on_history` and `agree_on_tape` run one to its end.
Every order has an account of its own, so that no rule of accounts comes between. Any difference in
who executed what, at which price and in which order, is an ``AssertionError`` with the seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from random import Random

from surefill.core.market import Nbbo, Print
from surefill.core.session import Calendar
from surefill.core.units import NANO, to_text
from surefill.sim.calendar import session_on
from surefill.sim.columns import ColumnMarket, TapeColumns, only_evidence
from surefill.sim.exchange import Exchange
from surefill.sim.market import MarketSource, PrintEvent, QuoteEvent, StatusEvent
from surefill.sim.models import MS, LatencyModel
from surefill.sim.truth import TruthLog
from tests.sim.reference_book import QUIET_MS, Mine, ReferenceBook
from tests.sim.venue import CALENDAR, START_NS, SYM, Floor, request

CENT_PX = NANO // 100
EVENTS = 60
"""Events of a random history."""
ALIVE_MAX = 12
"""Orders at once on a tape; the oldest is canceled for a new one."""
EVENTS_PER_ORDER = 40
"""On a tape one order is sent in so many events."""

Fills = list[tuple[str, int, int]]


class UnreadLog(TruthLog):
    """Keeps nothing: executions are compared in the venue itself, and the chain of hashes took a
    quarter of the time."""

    def append(self, venue_ns: int, fields: Mapping[str, object]) -> dict[str, object]:
        """Forget the line."""
        return {}


class Pair:
    """Two books. Times of the naive one are in ``unit_ns``, its prices in 1e-9 USD."""

    def __init__(self, seed: int | str, *, calendar: Calendar, start_ns: int, unit_ns: int) -> None:
        self.random = Random(seed)
        self.floor = Floor(
            quote=False,
            latency=LatencyModel.none(),
            calendar=calendar,
            start_ns=start_ns,
            log=UnreadLog(),
        )
        self.exchange: Exchange = self.floor.exchange
        self.naive = ReferenceBook(quiet=QUIET_MS * MS // unit_ns)
        self.unit_ns = unit_ns
        self.compared = 0
        self.sent: list[tuple[Mine, str]] = []

    def quote(self, nbbo: Nbbo) -> None:
        """A quote to both."""
        self.naive.quote(nbbo.bid_px, nbbo.bid_qty // NANO, nbbo.ask_px, nbbo.ask_qty // NANO)
        self.exchange.on_quote(SYM, nbbo)

    def print_(self, print_: Print) -> None:
        """A public trade to both."""
        self.naive.print_(print_.px, print_.qty // NANO)
        self.exchange.on_print(SYM, print_)

    def wait_until(self, to_ns: int) -> None:
        """Let time pass in both."""
        self.naive.wait((to_ns - self.exchange.now_ns) // self.unit_ns)
        self.exchange.advance(to_ns)

    def order(self, sign: int, qty: int, limit_px: int | None, *, tif: str) -> None:
        """One order to both, at once at the market."""
        name = f"trader {len(self.sent)}"
        self.exchange.open_account(name, cash_usd=10**9 * NANO)
        text = None if limit_px is None else to_text(limit_px)
        kind = "market" if limit_px is None else "limit"
        shown = self.exchange.submit(
            name, request("buy" if sign > 0 else "sell", qty, kind, limit=text, tif=tif)
        )
        self.exchange.advance(self.exchange.now_ns)
        mine = Mine(name, sign, limit_px, qty, at_once=tif != "day", all_or_none=tif == "fok")
        self.naive.submit(mine)
        self.sent.append((mine, shown.order_id))

    def cancel(self, mine: Mine, order_id: str) -> None:
        """Take one order out of both."""
        mine.done = True
        self.exchange.cancel(mine.name, order_id)
        self.exchange.advance(self.exchange.now_ns)

    def compare(self, words: str) -> None:
        """Executions since the last comparison are the same."""
        rows = self.exchange._venue.fills
        if len(rows) == len(self.naive.fills) == self.compared:
            return
        fast: Fills = [
            (row.account, row.px, row.qty // NANO)
            for row in islice(rows.values(), self.compared, None)
        ]
        naive = self.naive.fills[self.compared :]
        assert fast == naive, f"{words}: fast {fast[-5:]}, naive {naive[-5:]}"
        self.compared = len(rows)


class RandomPair(Pair):
    """A market that jumps about within a few cents."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, calendar=CALENDAR, start_ns=START_NS, unit_ns=MS)

    def step(self) -> None:
        """One random event."""
        choice = self.random.random()
        if choice < 0.35 or self.naive.bid == 0:
            bid = 10_000 + self.random.randrange(-3, 4)
            ask = bid + self.random.randrange(1, 4)
            bid_qty, ask_qty = (self.random.choice((0, 1, 5, 20)) * NANO for _ in range(2))
            now_ns = self.exchange.now_ns
            self.quote(Nbbo(bid * CENT_PX, bid_qty, ask * CENT_PX, ask_qty, now_ns, now_ns))
        elif choice < 0.55:
            cents, size = 10_000 + self.random.randrange(-4, 6), self.random.randrange(1, 30)
            now_ns = self.exchange.now_ns
            self.print_(Print(cents * CENT_PX, size * NANO, now_ns, now_ns))
        elif choice < 0.8:
            sign, qty = self.random.choice((1, -1)), self.random.randrange(1, 12)
            limit_px = None
            if self.random.random() < 0.75:
                limit_px = (10_000 + self.random.randrange(-5, 7)) * CENT_PX
            tif = self.random.choice(("day", "day", "day", "ioc", "fok"))
            self.order(sign, qty, limit_px, tif=tif)
        else:
            ms = self.random.choice((0, 1, 40, 99, 100, 250))
            self.wait_until(self.exchange.now_ns + ms * MS)


class TapePair(Pair):
    """Quotes and prints of a tape; orders near its touch."""

    def __init__(self, tape: TapeColumns, date: int, seed: str) -> None:
        session = session_on(date)
        super().__init__(seed, calendar=Calendar.of([session]), start_ns=session.open_ns, unit_ns=1)
        self.end_ns = session.close_ns
        self.market: MarketSource = ColumnMarket(only_evidence(tape))
        self.events = 0

    def step(self) -> bool:
        """The next event of the tape, perhaps an order after it; whether there was one."""
        next_ns = self.market.next_ns()
        if next_ns is None or next_ns >= self.end_ns:
            return False
        event = self.market.pop()
        assert not isinstance(event, StatusEvent)
        if next_ns < self.exchange.now_ns:
            return True  # before the opening
        self.wait_until(next_ns)
        self.events += 1
        if isinstance(event, QuoteEvent):
            self.quote(event.nbbo)
        elif isinstance(event, PrintEvent):
            self.print_(event.print_)
        if not self.random.randrange(EVENTS_PER_ORDER) and self.naive.bid and self.naive.ask:
            self.place()
        return True

    def place(self) -> None:
        """One order within two cents of the touch, in cents."""
        open_ones = [(mine, order_id) for mine, order_id in self.sent[-200:] if not mine.done]
        if len(open_ones) >= ALIVE_MAX:
            self.cancel(*open_ones[0])
        sign = self.random.choice((1, -1))
        base_px = self.random.choice((self.naive.bid, self.naive.ask))
        limit_px = None
        if self.random.random() < 0.85:
            cents = base_px // CENT_PX + self.random.randrange(-2, 3)
            limit_px = max(100, cents) * CENT_PX
        qty = self.random.choice((1, 50, 100, 300, 2_000))
        tif = self.random.choice(("day", "day", "day", "day", "ioc", "fok"))
        self.order(sign, qty, limit_px, tif=tif)


def agree_on_history(seed: int) -> int:
    """Run one random history; how many executions both books had."""
    pair = RandomPair(seed)
    for _ in range(EVENTS):
        pair.step()
        pair.compare(f"seed {seed}")
    return pair.compared


def agree_on_tape(tape: TapeColumns, date: int, *, seed: int = 1) -> tuple[int, int, int]:
    """Play a tape; (events, orders, executions)."""
    words = f"{tape.symbol} {date} seed {seed}"
    pair = TapePair(tape, date, words)
    while pair.step():
        pair.compare(words)
    return pair.events, len(pair.sent), pair.compared
