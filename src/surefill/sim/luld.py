"""Limit up, limit down: price bands, limit states, trading pauses (Reg NMS plan, NMS tapes).

What: `BandDesk` keeps the bands of each symbol. Nothing executes outside them (`Book` asks). A bid
at the upper band or an offer at the lower one is a limit state; after `LIMIT_STATE_NS` of it the
symbol is paused for `PAUSE_NS`, then it trades again without bands until new ones are announced.
Why: in a limit state an order at the touch rests on the wrong side of nobody; in a pause a stop
protects nothing. An executor has to meet both.
Invariants: every change of the indicator is announced; a pause is a halt with a reason.
Not modelled: how bands are computed (they come from the tape, a test or fault V8), straddle states,
the reopening auction's collars and extensions.
Must never: refuse an order (`surefill.sim.rules` does, where switch ``band_rejects`` says so).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo
from surefill.core.units import NANO
from surefill.sim.agenda import StepKind
from surefill.sim.notices import BandNotice
from surefill.sim.state import Venue

LIMIT_STATE_NS = 15 * NANO
"""A limit state that lasts this long becomes a pause."""
PAUSE_NS = 300 * NANO
"""How long trading is paused."""
PAUSE_REASON = "LUDP"
"""The reason code of a volatility trading pause."""
FAR_PERCENT = 10
"""Where fault V8 puts the band on the other side."""

SetStatus = Callable[[str, TradingStatus, str], None]
"""(symbol, status, reason): changes it and tells the public."""

_LIMIT_STATES = frozenset("FGHI")


@dataclass(slots=True)
class Bands:
    """Bands of one symbol, 1e-9 USD. ``number``: which limit state this is, to know an old timer.

    ``is_forced``: fault V8, its limit state ends in a pause wherever the tape goes; ``again``: how
    often it comes back after the pause, on the upper or the lower side.
    """

    up_px: int
    down_px: int
    indicator: str = "B"
    number: int = 0
    again: int = 0
    is_upper: bool = True
    is_forced: bool = False

    @property
    def is_limit_state(self) -> bool:
        """Whether the touch is at a band now."""
        return self.indicator in _LIMIT_STATES


def indicator_of(nbbo: Nbbo | None, up_px: int, down_px: int) -> str:
    """The tape's letter: B executable; C bid below, D offer above, E both; F bid at the upper band,
    G offer at the lower one, H as F with D, I as G with C."""
    if nbbo is None:
        return "B"
    bid_below = 0 < nbbo.bid_px < down_px
    ask_above = nbbo.ask_px > up_px
    if nbbo.bid_px >= up_px:
        return "H" if ask_above else "F"
    if 0 < nbbo.ask_px <= down_px:
        return "I" if bid_below else "G"
    if bid_below:
        return "E" if ask_above else "C"
    return "D" if ask_above else "B"


class BandDesk:
    """Bands of all symbols (``Venue.bands``: symbol -> `Bands`)."""

    def __init__(self, venue: Venue, set_status: SetStatus) -> None:
        self._venue = venue
        self._set_status = set_status
        venue.agenda.does(StepKind.LIMIT_STATE_OVER, self._end_limit_state)
        venue.agenda.does(StepKind.PAUSE_OVER, self._end_pause)

    def announce(self, symbol: str, *, up_px: int, down_px: int) -> None:
        """New bands are in force (whoever says so tells the public)."""
        old = self._venue.bands.get(symbol)
        bands = Bands(up_px, down_px, number=old.number if old else 0)
        self._venue.bands[symbol] = bands
        self._look(symbol, bands)

    def impose(self, symbol: str, *, is_upper: bool, again: int) -> None:
        """Put the touch into a limit state (fault V8): the band is where the market is."""
        book = self._venue.books.get(symbol)
        px = book.reference_px() if book is not None else None
        if book is None or px is None:
            return
        touch_px = book.nbbo.near_px(1 if is_upper else -1) if book.nbbo is not None else px
        band_px = touch_px or px
        up_px = band_px if is_upper else band_px * (100 + FAR_PERCENT) // 100
        down_px = band_px * (100 - FAR_PERCENT) // 100 if is_upper else band_px
        old = self._venue.bands.get(symbol)
        number = (old.number if old else 0) + 1
        bands = Bands(up_px, down_px, number=number, again=again, is_upper=is_upper, is_forced=True)
        self._venue.bands[symbol] = bands
        book.bands = (down_px, up_px)
        self._tell(symbol, bands)
        self._look(symbol, bands)
        ends_ns = self._venue.now_ns + LIMIT_STATE_NS
        self._venue.at(ends_ns, StepKind.LIMIT_STATE_OVER, symbol, number)

    def on_quote(self, symbol: str) -> None:
        """The touch has moved."""
        bands = self._venue.bands.get(symbol)
        if bands is not None:
            self._look(symbol, bands)

    def _look(self, symbol: str, bands: Bands) -> None:
        book = self._venue.books.get(symbol)
        letter = indicator_of(book.nbbo if book else None, bands.up_px, bands.down_px)
        if letter == bands.indicator:
            return
        was_limit_state = bands.is_limit_state
        bands.indicator = letter
        self._tell(symbol, bands)
        if bands.is_limit_state and not was_limit_state and not bands.is_forced:
            bands.number += 1
            ends_ns = self._venue.now_ns + LIMIT_STATE_NS
            self._venue.at(ends_ns, StepKind.LIMIT_STATE_OVER, symbol, bands.number)

    def _tell(self, symbol: str, bands: Bands) -> None:
        self._venue.public.append(
            BandNotice(symbol, bands.up_px, bands.down_px, self._venue.now_ns, bands.indicator)
        )

    def _end_limit_state(self, symbol: str, number: int) -> None:
        bands = self._venue.bands.get(symbol)
        if bands is None or bands.number != number:
            return
        if not (bands.is_limit_state or bands.is_forced):
            return
        self._set_status(symbol, TradingStatus.HALTED, PAUSE_REASON)
        self._venue.at(self._venue.now_ns + PAUSE_NS, StepKind.PAUSE_OVER, symbol)

    def _end_pause(self, symbol: str) -> None:
        bands = self._venue.bands.pop(symbol, None)
        self._venue.books[symbol].bands = None
        self._set_status(symbol, TradingStatus.TRADING, PAUSE_REASON)
        if bands is not None and bands.again > 0:
            self.impose(symbol, is_upper=bands.is_upper, again=bands.again - 1)
