"""Market data of the watched symbols: instrument, last quote, then the stream.

What: the handler of the market-data stream; one `MarketView` per symbol, told on every change, and
at most once a second while nothing changes but the feed proves alive.
Why: an unchanged quote on a live feed is current (design 4.2), a quote from before a gap is not:
after a connection every symbol is read anew over REST before the stream may vouch for it.
Invariants: a late or repeated quote never replaces a newer one; a frame that cannot be read costs
the records that cannot be read.
Must never: refresh the age of a quote that the present connection does not cover.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random

from msgspec import Raw

from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.reads import Reader
from surefill.brokers.alpaca.stream import Sleep, Socket, StreamLost
from surefill.brokers.alpaca.translate import market, requests
from surefill.brokers.alpaca.translate.answers import describe, read_failure
from surefill.brokers.alpaca.transport import HttpResponse
from surefill.brokers.alpaca.volume import RecentVolume
from surefill.brokers.alpaca.wire import (
    MarketWire,
    SubscriptionWire,
    Unreadable,
    attempt,
    decode,
    printable,
    split,
)
from surefill.core.commands import Priority
from surefill.core.events import (
    Event,
    InstrumentRead,
    MarketUpdated,
    ReadFailed,
    Rejected,
    RejectKind,
)
from surefill.core.fix import Feed, TradingStatus
from surefill.core.market import MarketView, Nbbo
from surefill.core.units import NANO
from surefill.ports import Clock

logger = logging.getLogger(__name__)

Spawn = Callable[[Coroutine[None, None, None]], asyncio.Task[None]]

TICK_S = 0.5
DEAD_TICKS = 20
"""A quiet feed is pinged twice a second, so that a quiet symbol's quote stays provably current;
dead after 10 s."""

REFRESH_NS = 6 * NANO // 10
"""A quote older than this is vouched for again by the next sign of life: with a tick of 0.5 s its
age stays below 1.1 s, under the 1.5 s that entries accept, at one event a second."""
SWEEP_NS = NANO // 10
"""Signs of life closer together than this are one: a busy feed must not loop over all symbols."""
FUTURE_NS = 5 * NANO
"""A quote stamped further ahead than this has a broken stamp, and may be replaced by any other."""

ASSET_AGE_NS = 60 * NANO
"""An instrument that old is read again when somebody asks for the symbol: what is tradable and what
can be borrowed changes, and the engine runs for days."""

RETRY_S = 1.0
RETRY_S_MAX = 30.0


@dataclass(slots=True)
class _Symbol:
    """``asset_ns``: when its instrument was last asked for. ``is_covered``: the present connection
    would have shown any change since the quote. ``halted_ns``: when its last halt began."""

    volume: RecentVolume
    asset_ns: int
    nbbo: Nbbo | None = None
    status: TradingStatus = TradingStatus.UNKNOWN
    alive_ns: int = 0
    is_covered: bool = False
    is_subscribed: bool = False
    halted_ns: int = 0


class MarketFeed:
    """Handler of the market stream. ``emit`` is the engine's inbox; ``trading`` and ``data`` read
    from the two servers."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        feed: Feed,
        trading: Reader,
        data: Reader,
        emit: Callable[[Event], None],
        clock: Clock,
        sleep: Sleep,
        random: Random,
        spawn: Spawn,
    ) -> None:
        self._credentials = credentials
        self._feed = feed
        self._trading = trading
        self._data = data
        self._emit = emit
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._spawn = spawn
        self._symbols: dict[str, _Symbol] = {}  # symbol -> what is known
        self._socket: Socket | None = None
        self._swept_ns = 0
        self._warned_ns = 0

    def watch(self, symbol: str) -> None:
        """Read the symbol and keep its market flowing; a second call renews an old instrument."""
        now = self._clock.now_ns()
        state = self._symbols.get(symbol)
        if state is not None:
            if now - state.asset_ns >= ASSET_AGE_NS:
                state.asset_ns = now
                self._spawn(self._instrument_again(symbol))
            return
        self._symbols[symbol] = _Symbol(RecentVolume(now), now)
        self._spawn(self._read_instrument(symbol))
        self._spawn(self._snapshot(symbol))
        if self._socket is not None:
            self._spawn(self._subscribe(self._socket, [symbol]))

    async def handshake(self, socket: Socket) -> None:
        """Wait for the greeting, log in. Raises `StreamLost` when refused."""
        await self._success(socket, "connected")
        await socket.send(self._credentials.market_stream_login())
        await self._success(socket, "authenticated")

    def on_up(self, socket: Socket) -> None:
        """Subscribe; what the subscription covers is read anew when it is confirmed."""
        self._socket = socket
        if self._symbols:
            self._spawn(self._subscribe(socket, list(self._symbols)))

    def on_frame(self, data: bytes) -> None:
        """An array of messages, or one. The last quote of a symbol in a frame is the one told."""
        recv_ns = self._clock.now_ns()
        messages = attempt("frame", lambda: split(data) if data[:1] == b"[" else [Raw(data)])
        if isinstance(messages, Unreadable):
            self._warn(f"frame: {messages.text}")
            return
        changed: dict[str, None] = {}
        for raw in messages:
            symbol = self._message(raw, recv_ns)
            if symbol is not None:
                changed[symbol] = None
        for symbol in changed:
            self._tell(symbol, recv_ns)

    def on_alive(self) -> None:
        """Vouch for the quiet symbols that this connection covers."""
        now = self._clock.now_ns()
        if now - self._swept_ns < SWEEP_NS:
            return
        self._swept_ns = now
        for symbol, state in self._symbols.items():
            if state.is_covered and now - state.alive_ns >= REFRESH_NS:
                self._tell(symbol, now)

    def on_down(self, text: str) -> None:
        """From here on no quote is current: they age where they are."""
        self._socket = None
        for state in self._symbols.values():
            state.is_covered = state.is_subscribed = False

    async def _success(self, socket: Socket, word: str) -> None:
        while True:
            data = await socket.receive()
            messages = attempt("frame", lambda found=data: split(found))  # type: ignore[misc]
            for raw in () if isinstance(messages, Unreadable) else messages:
                if self._control(raw) == word:
                    return

    def _control(self, raw: Raw) -> str:
        message = attempt("message", lambda: decode(MarketWire, raw))
        if isinstance(message, Unreadable):
            return ""
        if message.T == "error":
            raise StreamLost(f"market stream: {message.code} {printable(message.msg)}")
        return message.msg if message.T == "success" else ""

    async def _subscribe(self, socket: Socket, symbols: list[str]) -> None:
        wanted = {"trades": symbols, "quotes": symbols, "statuses": symbols}
        try:
            await socket.send({"action": "subscribe", **wanted})
        except StreamLost as error:
            logger.warning("cannot subscribe: %s", error)

    def _message(self, raw: Raw, recv_ns: int) -> str | None:
        """Take in one message; the symbol when its view changed."""
        message = attempt("message", lambda: decode(MarketWire, raw))
        if isinstance(message, Unreadable):
            self._warn(f"message: {message.text}")
            return None
        state = self._symbols.get(message.S)
        match message.T:
            case "q" if state is not None:
                return self._quote(message.S, state, market.nbbo(raw, recv_ns))
            case "s" if state is not None:
                return self._status(
                    message.S, state, market.status(raw, state.status), recv_ns=recv_ns
                )
            case "t" if state is not None:
                found = market.tape_print(raw, recv_ns)
                if not isinstance(found, Unreadable):
                    state.volume.add(found.qty, recv_ns)
            case "subscription":
                self._subscribed(raw)
            case "error":
                logger.warning("market stream: %s %s", message.code, printable(message.msg))
                text = printable(f"{message.code} {message.msg}")
                self._emit(ReadFailed("market stream", text, recv_ns))
            case _:
                pass  # bars, other symbols: signs of life, nothing more
        return None

    def _quote(self, symbol: str, state: _Symbol, nbbo: Nbbo | Unreadable) -> str | None:
        if isinstance(nbbo, Unreadable):
            # The quote we hold may have just been replaced by one we cannot read.
            self._warn(f"quote of {symbol}: {nbbo.text}")
            state.is_covered = False
            return None
        if _is_older(nbbo, state.nbbo):
            return None
        state.nbbo = nbbo
        state.is_covered = state.is_subscribed
        return symbol

    def _status(
        self, symbol: str, state: _Symbol, status: TradingStatus | Unreadable, *, recv_ns: int
    ) -> str | None:
        if isinstance(status, Unreadable):
            self._warn(f"status of {symbol}: {status.text}")
            return None
        was, state.status = state.status, status
        if status is TradingStatus.HALTED and was is not status:
            state.halted_ns = recv_ns
        elif was is TradingStatus.HALTED and was is not status:
            self._resumed(state)
        return symbol

    def _resumed(self, state: _Symbol) -> None:
        """A halt has ended: a quote of before it is not current, however alive the feed is
        (simulation, seed 60595)."""
        quoted_ns = state.nbbo.recv_ns if state.nbbo is not None else 0
        if quoted_ns < state.halted_ns:
            state.is_covered, state.alive_ns = False, quoted_ns

    def _subscribed(self, raw: Raw) -> None:
        """The full present subscription: what is new in it is read, then vouched for."""
        found = attempt("subscription", lambda: decode(SubscriptionWire, raw))
        for symbol in () if isinstance(found, Unreadable) else found.quotes:
            state = self._symbols.get(symbol)
            if state is not None and not state.is_subscribed:
                state.is_subscribed = True
                self._spawn(self._snapshot(symbol))

    def _tell(self, symbol: str, now: int) -> None:
        state = self._symbols[symbol]
        if state.is_covered:
            state.alive_ns = now
        view = MarketView(
            symbol,
            self._feed,
            state.nbbo,
            state.status,
            state.alive_ns,
            volume_qty=state.volume.qty(now),
        )
        self._emit(MarketUpdated(view))

    async def _snapshot(self, symbol: str) -> None:
        """Read the last quote, until it is known or the stream brought a newer one."""
        state, tries = self._symbols[symbol], 0
        while not await self._snapshot_once(symbol, state) and not state.is_covered:
            await self._pause(tries)
            tries += 1

    async def _snapshot_once(self, symbol: str, state: _Symbol) -> bool:
        """The last quote: current as of the answer, and vouched for by the stream from then on if
        it was asked for under a confirmed subscription."""
        socket, is_subscribed = self._socket, state.is_subscribed
        request = requests.latest_quote(symbol, self._feed)
        outcome = await self._data.read(request, Priority.EVIDENCE)
        failure = read_failure(outcome, self._clock.now_ns())
        if failure is not None or not isinstance(outcome, HttpResponse):
            text = "no answer" if failure is None else describe(failure)
            return self._failed("quote", symbol, text)
        nbbo = market.latest_nbbo(outcome.body, symbol, outcome.recv_ns)
        if isinstance(nbbo, Unreadable):
            return self._failed("quote", symbol, nbbo.text)
        if not _is_older(nbbo, state.nbbo):
            state.nbbo = nbbo
        if nbbo.venue_ns >= state.halted_ns:
            state.alive_ns = max(state.alive_ns, outcome.recv_ns)
            state.is_covered |= is_subscribed and state.is_subscribed and socket is self._socket
        self._tell(symbol, max(state.alive_ns, outcome.recv_ns))
        return True

    async def _read_instrument(self, symbol: str) -> None:
        """Until it is known: a symbol without instrument data cannot be traded."""
        tries = 0
        while not await self._instrument_once(symbol):
            await self._pause(tries)
            tries += 1

    async def _instrument_again(self, symbol: str) -> None:
        """Once: until a later read succeeds, what is known stays."""
        await self._instrument_once(symbol)

    async def _pause(self, tries: int) -> None:
        wait_s = min(RETRY_S_MAX, RETRY_S * float(2 ** min(tries, 10)))
        await self._sleep(wait_s * (0.5 + self._random.random() / 2))

    async def _instrument_once(self, symbol: str) -> bool:
        outcome = await self._trading.read(requests.asset(symbol), Priority.EVIDENCE)
        now = self._clock.now_ns()
        failure = read_failure(outcome, now)
        if isinstance(failure, Rejected) and failure.kind in _UNKNOWN_KINDS:
            self._emit(InstrumentRead(market.unknown_instrument(symbol), now))
            return True
        if failure is not None or not isinstance(outcome, HttpResponse):
            text = "no answer" if failure is None else describe(failure)
            return self._failed("instrument", symbol, text)
        instrument = market.instrument(outcome.body, symbol)
        if isinstance(instrument, Unreadable):
            return self._failed("instrument", symbol, instrument.text)
        self._emit(InstrumentRead(instrument, outcome.recv_ns))
        return True

    def _warn(self, text: str) -> None:
        """One line a second at most: garbage must not flood the log."""
        now = self._clock.now_ns()
        if now - self._warned_ns >= NANO:
            self._warned_ns = now
            logger.warning("unreadable on the market stream: %s", text)

    def _failed(self, what: str, symbol: str, text: str) -> bool:
        self._emit(ReadFailed(f"{what} {symbol}", text, self._clock.now_ns()))
        return False


_UNKNOWN_KINDS = frozenset({RejectKind.NOT_FOUND, RejectKind.NOT_TRADABLE})


def _is_older(new: Nbbo, held: Nbbo | None) -> bool:
    """Whether a quote is from before the one we hold (fault W3), whose stamp must be credible."""
    if held is None or held.venue_ns > held.recv_ns + FUTURE_NS:
        return False
    return new.venue_ns < held.venue_ns
