"""Where the simulated market comes from: a time-ordered stream of quotes, prints and statuses.

What: the `MarketEvent` union, the `MarketSource` protocol (`next_ns`, `pop`), and the sources that
need no file: `ScriptedMarket` (a list), `MergedMarket` (many sources, one order), `HaltedMarket`
(a source with trading halts laid over it, because the recorded days hold none).
Why: the exchange asks "what happens next" and never where it comes from, so a script, a seeded
synthetic day and a recorded tape are interchangeable.

Invariants: event times never go backwards; a source that would do so raises `TapeError` with the
offending row before the event is handed out. Ties break by (time, source index, order in source).
Must never: read a clock, reorder rows to hide a bad tape, or invent an event that a tape lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import heapify, heappop, heapreplace
from typing import Protocol

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print


class TapeErrorCode(StrEnum):
    """Closed list of what may be wrong with a market source; ``CATEGORY_CONDITION``."""

    TAPE_BACKWARDS_TIME = "TAPE_BACKWARDS_TIME"
    TAPE_NOT_FOUND = "TAPE_NOT_FOUND"
    TAPE_UNREADABLE = "TAPE_UNREADABLE"
    TAPE_MISSING_COLUMN = "TAPE_MISSING_COLUMN"
    TAPE_WRONG_UNIT = "TAPE_WRONG_UNIT"
    TAPE_BAD_VALUE = "TAPE_BAD_VALUE"
    TAPE_NO_ROWS = "TAPE_NO_ROWS"
    TAPE_NO_QUOTES = "TAPE_NO_QUOTES"
    TAPE_SUSPECT = "TAPE_SUSPECT"
    TAPE_EXHAUSTED = "TAPE_EXHAUSTED"
    SCRIPT_SYNTAX = "SCRIPT_SYNTAX"
    PROFILE_INVALID = "PROFILE_INVALID"
    CALENDAR_RANGE = "CALENDAR_RANGE"
    EXTRA_MISSING = "EXTRA_MISSING"


class TapeError(Exception):
    """A market source that must not be used: a stable ``code``, a ``sentence``, the ``value``;
    ``tape``: the symbol of the recorded one, where that is known."""

    def __init__(self, code: TapeErrorCode, sentence: str, value: object = None) -> None:
        # What it is made of, not what it says: a process of a sweep sends it to the one that asked.
        super().__init__(code, sentence, value)
        self.code = code
        self.sentence = sentence
        self.value = value
        self.tape = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence} ({self.value!r})"


@dataclass(frozen=True, slots=True)
class QuoteEvent:
    """The best bid and offer of ``symbol`` changed."""

    symbol: str
    nbbo: Nbbo

    @property
    def venue_ns(self) -> int:
        """When it happened, UTC ns."""
        return self.nbbo.venue_ns


@dataclass(frozen=True, slots=True)
class PrintEvent:
    """A trade of ``symbol`` was printed on the public tape."""

    symbol: str
    print_: Print

    @property
    def venue_ns(self) -> int:
        """When it happened, UTC ns."""
        return self.print_.venue_ns


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """The trading status of ``symbol`` changed at ``venue_ns`` (UTC ns). ``reason``: the tape's
    code (``LUDP``: a volatility pause), empty when none is known."""

    symbol: str
    status: TradingStatus
    venue_ns: int
    reason: str = ""


MarketEvent = QuoteEvent | PrintEvent | StatusEvent


class MarketSource(Protocol):
    """A time-ordered stream that is asked, never pushes."""

    def next_ns(self) -> int | None:
        """Venue time (UTC ns) of the event that `pop` would return; ``None`` at the end."""

    def pop(self) -> MarketEvent:
        """The next event. Asking beyond the end raises `TapeError` (``TAPE_EXHAUSTED``)."""


def events_of(source: MarketSource) -> Iterator[MarketEvent]:
    """All remaining events of ``source``, which is used up by it."""
    while source.next_ns() is not None:
        yield source.pop()


class EventStream:
    """`MarketSource` over any iterator of events: one event of look-ahead, time order enforced.

    ``name`` says in errors which source is bad; rows are counted from 0.
    """

    __slots__ = ("_head", "_last_ns", "_name", "_rest", "_row")

    def __init__(self, events: Iterable[MarketEvent], *, name: str) -> None:
        self._rest = iter(events)
        self._name = name
        self._row = -1
        self._last_ns = -1
        self._head: MarketEvent | None = None
        self._advance()

    def next_ns(self) -> int | None:
        """Venue time of the next event; ``None`` at the end."""
        return self._last_ns if self._head is not None else None

    def pop(self) -> MarketEvent:
        """The next event; loads the one after it, so a bad row raises before it is reached."""
        event = self._head
        if event is None:
            raise exhausted(self._name)
        self._advance()
        return event

    def _advance(self) -> None:
        event = next(self._rest, None)
        self._head = event
        if event is None:
            return
        self._row += 1
        if event.venue_ns < self._last_ns:
            self._head = None
            raise backwards(self._name, row=self._row, earlier_ns=self._last_ns, event=event)
        self._last_ns = event.venue_ns


class ScriptedMarket(EventStream):
    """A market written down: a list of events, checked as a whole when it is made."""

    __slots__ = ("events",)

    def __init__(self, events: Sequence[MarketEvent], *, name: str = "script") -> None:
        last_ns = -1
        for row, event in enumerate(events):
            if event.venue_ns < last_ns:
                raise backwards(name, row=row, earlier_ns=last_ns, event=event)
            last_ns = event.venue_ns
        self.events = tuple(events)
        super().__init__(self.events, name=name)


class MergedMarket:
    """Many sources as one, ordered by (time, index of the source, order within the source).

    The index is the order of ``sources``: put first what must be seen first within one instant.
    """

    __slots__ = ("_heap", "_last_ns", "_sources")

    def __init__(self, sources: Sequence[MarketSource]) -> None:
        self._sources = tuple(sources)
        self._last_ns = -1
        self._heap: list[tuple[int, int]] = []
        for index, source in enumerate(self._sources):
            first_ns = source.next_ns()
            if first_ns is not None:
                self._heap.append((first_ns, index))
        heapify(self._heap)

    def next_ns(self) -> int | None:
        """Venue time of the next event over all sources; ``None`` when all are at their end."""
        return self._heap[0][0] if self._heap else None

    def pop(self) -> MarketEvent:
        """The earliest event; a source that runs backwards is refused, whatever its own checks."""
        if not self._heap:
            raise exhausted("merged market")
        _, index = self._heap[0]
        source = self._sources[index]
        event = source.pop()
        if event.venue_ns < self._last_ns:
            raise backwards(f"source {index}", row=None, earlier_ns=self._last_ns, event=event)
        self._last_ns = event.venue_ns
        next_ns = source.next_ns()
        if next_ns is None:
            heappop(self._heap)
        else:
            heapreplace(self._heap, (next_ns, index))
        return event


@dataclass(frozen=True, slots=True)
class Halt:
    """A trading halt of one symbol, half-open ``start_ns``..``end_ns`` (UTC ns)."""

    symbol: str
    start_ns: int
    end_ns: int


class HaltedMarket(EventStream):
    """``source`` with halts laid over it: nothing of a halted symbol passes between its statuses.

    Quotes and prints inside a halt are dropped, not delayed: a halted symbol has no NBBO, and the
    market that would have followed the halt is not on the tape.
    """

    __slots__ = ()

    def __init__(self, source: MarketSource, halts: Sequence[Halt]) -> None:
        for halt in halts:
            if halt.end_ns <= halt.start_ns:
                raise TapeError(TapeErrorCode.TAPE_BAD_VALUE, "a halt ends before it starts", halt)
        super().__init__(_with_halts(source, halts), name="halted market")


def _with_halts(source: MarketSource, halts: Sequence[Halt]) -> Iterator[MarketEvent]:
    statuses = [
        StatusEvent(halt.symbol, status, at_ns)
        for halt in halts
        for status, at_ns in (
            (TradingStatus.HALTED, halt.start_ns),
            (TradingStatus.TRADING, halt.end_ns),
        )
    ]
    statuses.sort(key=lambda event: event.venue_ns)
    # Statuses are the first source, so a halt that starts with a print stops that print.
    merged = MergedMarket((ScriptedMarket(statuses, name="halts"), source))
    halted: set[str] = set()
    for event in events_of(merged):
        if isinstance(event, StatusEvent):
            mark = halted.add if event.status is TradingStatus.HALTED else halted.discard
            mark(event.symbol)
        elif event.symbol in halted:
            continue
        yield event


def exhausted(name: str) -> TapeError:
    """The error of asking a source beyond its end."""
    return TapeError(TapeErrorCode.TAPE_EXHAUSTED, "no event is left", name)


def backwards(name: str, *, row: int | None, earlier_ns: int, event: MarketEvent) -> TapeError:
    """The error of time running backwards at ``row`` (from 0) of the source ``name``."""
    where = name if row is None else f"{name}, row {row}"
    return TapeError(
        TapeErrorCode.TAPE_BACKWARDS_TIME,
        f"time runs backwards in {where}: {event.venue_ns} ns after {earlier_ns} ns",
        event,
    )
