"""A seeded synthetic market: quotes and prints of one symbol that behave like a trading day.

What: `SyntheticTape` is a `MarketSource` made from a seed. A hidden fair value walks (volatility
by time of day, drift regimes, fat tails); the best bid and ask follow it: queues grow, shrink, are
taken and are requoted, the spread reverts to a target by time of day, orders of odd and round lots
take the touch, some sweep through it. docs/synthetic_tape.md says what it is and what it is not.
Why: every test that uses a recorded tape must also run where none is, and a demo needs no data.

Invariants: the same (seed, symbol, sessions, profile) gives the same bytes on every platform and
Python: only `Random.getrandbits` of one generator a day, integer arithmetic, and tables rounded
from correctly rounded `decimal` logarithms. No ``float`` anywhere. The bid is always below the
ask, prices are on the tick, and a print is at the touch and takes exactly its size from it.
Must never: be presented as a real market, or be tuned so that an execution policy looks good.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING

from surefill.core.market import Nbbo, Print
from surefill.core.session import Session, SessionKind
from surefill.core.units import NANO
from surefill.sim.market import MarketEvent, PrintEvent, QuoteEvent, exhausted
from surefill.sim.profiles import (
    DEPTH_PCT,
    MIN_INDEX,
    SIZE_PCT,
    TIGHT,
    Minute,
    Profile,
    minutes_of,
    to_index,
    to_px,
)

if TYPE_CHECKING:
    from surefill.sim.columns import TapeColumns

GENERATOR_VERSION = 1
"""Part of every seed: raise it when the same seed is to give another tape."""

PX_UNIT = NANO // 10_000
"""Prices inside the generator are in 1/10000 dollar, like the recorded tapes."""

Row = tuple[int, int, int, int, int, int]
"""(venue_ns, `QUOTE`, bid, bid shares, ask, ask shares) or (venue_ns, `PRINT`, price, shares, side,
0); prices in 1/10000 dollar, side +1 when the buyer took."""
QUOTE, PRINT = 0, 1

_ONE = 1 << 20
"""Fixed-point one of the fair value (in ticks) and of random factors: fine enough that rounding
down at every step moves no price (it would at 1/1024: 46 ticks a day)."""
_STEP_US = 250_000
"""The fair value moves four times a second; between two moves the book only reacts."""
_CHUNK_ROWS = 1_000
_SQRT_STEPS = 306
"""Root of the 93,600 steps of a 6.5-hour session: spreads a day's volatility over its steps."""


class SyntheticTape:
    """`MarketSource` of one symbol over one or more sessions, made lazily in small chunks.

    ``extended`` adds sparse, wide pre- and post-market quotes. A later session opens at the
    earlier one's fair value plus an overnight gap, so it depends on the sessions before it.
    """

    __slots__ = (
        "_chunks",
        "_position",
        "_rows",
        "extended",
        "profile",
        "seed",
        "sessions",
        "symbol",
    )

    def __init__(
        self,
        seed: int,
        symbol: str,
        sessions: Session | Sequence[Session],
        *,
        profile: Profile = TIGHT,
        extended: bool = False,
    ) -> None:
        self.seed = seed
        self.symbol = symbol
        self.sessions = (sessions,) if isinstance(sessions, Session) else tuple(sessions)
        self.profile = profile
        self.extended = extended
        self._chunks = self._start()
        self._rows: list[Row] = []
        self._position = 0
        self._load()

    def next_ns(self) -> int | None:
        """Venue time (UTC ns) of the next event; ``None`` at the end."""
        return self._rows[self._position][0] if self._rows else None

    def pop(self) -> MarketEvent:
        """The next quote or print; its ``recv_ns`` is its ``venue_ns`` (travel is the edge's)."""
        if not self._rows:
            raise exhausted(f"synthetic {self.symbol}")
        ns, kind, first, second, third, fourth = self._rows[self._position]
        self._position += 1
        if self._position == len(self._rows):
            self._load()
        if kind == PRINT:
            return PrintEvent(self.symbol, Print(first * PX_UNIT, second * NANO, ns, ns))
        nbbo = Nbbo(first * PX_UNIT, second * NANO, third * PX_UNIT, fourth * NANO, ns, ns)
        return QuoteEvent(self.symbol, nbbo)

    def rows(self) -> Iterator[Row]:
        """All rows from the start as plain integers: the fast way to read the tape."""
        for chunk in self._start():
            yield from chunk

    def columns(self) -> TapeColumns:
        """All rows from the start as numpy columns (extra ``tapes``)."""
        from surefill.sim.columns import columns_of_rows

        return columns_of_rows(self.symbol, self.rows())

    def digest(self) -> str:
        """SHA-256 of all rows from the start: the proof of determinism."""
        state = sha256()
        for row in self.rows():
            state.update(f"{row}\n".encode())
        return state.hexdigest()

    def _start(self) -> Iterator[list[Row]]:
        return _chunks(
            self.seed,
            self.symbol,
            self.sessions,
            profile=self.profile,
            extended=self.extended,
        )

    def _load(self) -> None:
        self._rows = next(self._chunks, [])
        self._position = 0


def _chunks(
    seed: int, symbol: str, sessions: Sequence[Session], *, profile: Profile, extended: bool
) -> Iterator[list[Row]]:
    """Rows of all sessions, at most about `_CHUNK_ROWS` at a time."""
    fair = to_index(profile.start_px) * _ONE
    for number, session in enumerate(sessions):
        name = f"surefill:{GENERATOR_VERSION}:{seed}:{symbol}:{session.date}:{profile.name}"
        rng = Random(int.from_bytes(sha256(name.encode()).digest(), "big"))
        book = _Book(profile, rng, fair)
        if number:
            book.gap()
        for kind, start_ns, end_ns in _segments(session, extended=extended):
            yield from book.play(kind, start_ns, end_ns)
        fair = book.fair


def _segments(session: Session, *, extended: bool) -> list[tuple[SessionKind, int, int]]:
    core = (SessionKind.RTH, session.open_ns, session.close_ns)
    if not extended:
        return [core]
    pre = (SessionKind.ETH, session.pre_ns, session.open_ns)
    return [pre, core, (SessionKind.ETH, session.close_ns, session.post_ns)]


class _Book:
    """The touch of one symbol and the hidden fair value that it follows, for one session."""

    __slots__ = (
        "_minute",
        "ask",
        "ask_qty",
        "bid",
        "bid_qty",
        "bits",
        "drift",
        "fair",
        "now_us",
        "out",
        "profile",
        "spread_ticks",
        "start_ns",
    )

    def __init__(self, profile: Profile, rng: Random, fair: int) -> None:
        self.profile = profile
        self.bits = rng.getrandbits
        self.fair = fair
        self.drift = 0
        self.out: list[Row] = []
        self.now_us = 0
        self.start_ns = 0
        self.spread_ticks = profile.spread_ticks
        self.bid = self.ask = self.bid_qty = self.ask_qty = 0
        self._minute = Minute(0, 1, profile.spread_ticks, profile.depth_qty)

    def gap(self) -> None:
        """The overnight move: half a day's volatility."""
        self.fair = self._bounded(self.fair + self._day_sigma() * self._normal() // (2 * _ONE))

    def play(self, kind: SessionKind, start_ns: int, end_ns: int) -> Iterator[list[Row]]:
        """Rows of one part of the day in chunks; the first is a quote at ``start_ns``."""
        minutes = minutes_of(
            self.profile,
            kind,
            (end_ns - start_ns) // 60_000_000_000,
            sigma=self._day_sigma() // _SQRT_STEPS,
        )
        gaps, bits = _exponential(), self.bits
        end_us, step = (end_ns - start_ns) // 1000, 0
        self.now_us, self.start_ns = 0, start_ns
        self._enter_minute(minutes[0])
        self._reopen()
        while True:
            # Half of the events come in bursts, as reactions to the one before: 1/16 of the gap.
            gap_us = self._minute.gap_us * gaps[bits(8)] // _ONE
            self.now_us += 1 + (gap_us * 31 // 16 if bits(1) else gap_us // 16)
            if self.now_us >= end_us:
                break
            while step < self.now_us // _STEP_US:
                step += 1
                if step % 240 == 0 and step // 240 < len(minutes):
                    self._enter_minute(minutes[step // 240])
                self._walk()
            self._event()
            if len(self.out) >= _CHUNK_ROWS:
                yield self._flush()
        yield self._flush()

    def _flush(self) -> list[Row]:
        rows, self.out = self.out, []
        return rows

    def _enter_minute(self, minute: Minute) -> None:
        self._minute = minute
        # The spread's own slow noise: 75 % to 150 % of what the time of day asks for.
        self.spread_ticks = max(1, minute.spread_ticks * (75 + 25 * self.bits(2)) // 100)
        if self.bits(5) == 0:  # a new regime every half hour on average: half of them flat
            sign = (-1, 0, 0, 1)[self.bits(2)]
            self.drift = sign * self._day_sigma() * self.profile.drift_pct // (100 * 14_400)

    def _walk(self) -> None:
        """One step of the fair value: drift, noise, and a fat tail (3 sigma once in 64 steps)."""
        noise = self._minute.sigma * self._normal() // _ONE
        if self.bits(6) == 0:
            noise *= 3
        self.fair = self._bounded(self.fair + self.drift + noise)

    def _day_sigma(self) -> int:
        """A day's volatility in fair-value units at today's price."""
        index = self.fair // _ONE
        ticks = to_px(index) // (to_px(index + 1) - to_px(index))
        return ticks * _ONE * self.profile.volatility_bps // 10_000

    def _normal(self) -> int:
        """About normal, mean 0, deviation `_ONE`: the sum of four uniform 16-bit numbers."""
        word = self.bits(64)
        total = (word & 65535) + (word >> 16 & 65535) + (word >> 32 & 65535) + (word >> 48)
        return (total - 131_070) * _ONE // 37_837

    @staticmethod
    def _bounded(fair: int) -> int:
        return max(fair, MIN_INDEX * _ONE)

    # ------------------------------------------------------------------ events at the touch

    def _reopen(self) -> None:
        """A fresh touch around the fair value, on both sides."""
        self.bid = max(1, self.fair // _ONE - self.spread_ticks // 2)
        self.ask = self.bid + self.spread_ticks
        self.bid_qty, self.ask_qty = self._new_qty(), self._new_qty()
        self._quote()

    def _event(self) -> None:
        """One event, by what the book looks like against the fair value."""
        half = _ONE // 2  # half a tick of hysteresis: no flicker while the value sits on the touch
        if self.fair >= self.ask * _ONE + half:
            self._run_over(1)
        elif self.fair <= self.bid * _ONE - half:
            self._run_over(-1)
        elif self.ask - self.bid > self.spread_ticks and self.bits(2):
            self._improve()
        elif self.ask - self.bid < self.spread_ticks and self.bits(2) == 0:
            self._widen(1 if self.bits(1) else -1)
        elif self.bits(10) * 1000 < self.profile.trade_ppt * 1024:
            self._trade()
        else:
            self._resize(1 if self.bits(1) else -1)

    def _run_over(self, sign: int) -> None:
        """The fair value left the touch: that side is taken (5 of 8) or pulled, and requoted."""
        if self.bits(3) < 5:
            self._take(sign, self.ask_qty if sign > 0 else self.bid_qty)
        else:
            self._requote(sign)
            self._quote()

    def _requote(self, sign: int) -> None:
        """A new level on the taken side (+1 ask), at least a tick worse, beyond the fair value."""
        reach = (self.spread_ticks + 1) // 2
        if sign > 0:
            self.ask = max(self.ask + 1, self.fair // _ONE + reach)
            self.ask_qty = self._new_qty()
        else:
            self.bid = max(1, min(self.bid - 1, self.fair // _ONE + 1 - reach))
            self.bid_qty = self._new_qty()

    def _improve(self) -> None:
        """The side farther from the fair value steps inside, never past it."""
        room = self.ask - self.bid - self.spread_ticks
        step = 1 + self.bits(8) % room
        if self.ask * _ONE - self.fair > self.fair - self.bid * _ONE:
            self.ask = max(self.ask - step, self.bid + 1)
            self.ask_qty = self._new_qty()
        else:
            self.bid = min(self.bid + step, self.ask - 1)
            self.bid_qty = self._new_qty()
        self._quote()

    def _widen(self, sign: int) -> None:
        """A whole level is cancelled (+1 ask)."""
        if sign > 0:
            self.ask += 1
            self.ask_qty = self._new_qty()
        else:
            self.bid = max(1, self.bid - 1)
            self.bid_qty = self._new_qty()
        self._quote()

    def _trade(self) -> None:
        """An order takes the touch; it buys more often the nearer the fair value is to the ask."""
        width = (self.ask - self.bid) * _ONE
        lean = (2 * self.fair - (self.ask + self.bid) * _ONE) * 360 // width
        sign = 1 if self.bits(10) < 512 + max(-400, min(400, lean)) else -1
        qty = max(1, self.profile.order_qty * SIZE_PCT[self.bits(6)] // 100)
        self._take(sign, qty)
        if qty > self.profile.order_qty and self.bits(3) == 0:  # a sweep: on into the next levels
            for _ in range(1 + self.bits(1)):
                self._take(sign, self.ask_qty if sign > 0 else self.bid_qty)

    def _take(self, sign: int, qty: int) -> None:
        """Print up to the displayed size at the touch, then show what is left."""
        shown, index = (self.ask_qty, self.ask) if sign > 0 else (self.bid_qty, self.bid)
        taken = min(qty, shown)
        self.out.append((self._now_ns(), PRINT, to_px(index), taken, sign, 0))
        self.now_us += 20 + self.bits(8)  # the quote follows its print by 20 to 275 microseconds
        if taken == shown:
            self._requote(sign)
        elif sign > 0:
            self.ask_qty -= taken
        else:
            self.bid_qty -= taken
        self._quote()

    def _resize(self, sign: int) -> None:
        """Shares join or leave the queue (+1 ask), which reverts to the usual depth."""
        shown = self.ask_qty if sign > 0 else self.bid_qty
        depth = self._minute.depth_qty
        lots = 1 + (depth * (1 + self.bits(3)) // (24 * self.profile.lot_qty))
        joins = self.bits(10) * (shown + depth) < 1024 * depth
        qty = shown + lots * self.profile.lot_qty * (1 if joins else -1)
        if qty <= 0:
            self._widen(sign)
        elif sign > 0:
            self.ask_qty = qty
            self._quote()
        else:
            self.bid_qty = qty
            self._quote()

    def _new_qty(self) -> int:
        lot_qty = self.profile.lot_qty
        qty = self._minute.depth_qty * DEPTH_PCT[self.bits(16) % len(DEPTH_PCT)] // 100
        return max(lot_qty, qty // lot_qty * lot_qty)

    def _now_ns(self) -> int:
        return self.start_ns + self.now_us * 1000

    def _quote(self) -> None:
        bid_px, ask_px = to_px(self.bid), to_px(self.ask)
        self.out.append((self._now_ns(), QUOTE, bid_px, self.bid_qty, ask_px, self.ask_qty))


@lru_cache(maxsize=1)
def _exponential() -> tuple[int, ...]:
    """256 equally likely values of an exponential variable of mean `_ONE`.

    `decimal` rounds logarithms correctly everywhere; the C library's differ in the last bit.
    """
    context = Context(prec=28, rounding=ROUND_HALF_EVEN)
    values = (-context.ln(Decimal(2 * i + 1) / Decimal(512)) * _ONE for i in range(256))
    return tuple(int(value.to_integral_value(ROUND_HALF_EVEN)) for value in values)
