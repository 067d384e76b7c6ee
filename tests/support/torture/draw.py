"""What a seed draws: how each life of an engine ends and what happens to it before, what is traded.

The same seed draws the same lives and trades for each lane; when they meet on real processes and a
real clock is as repeatable as those are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

ONE_IN = 100


class End(StrEnum):
    """What ends a life."""

    KILL = "kill -9"
    DISK_FULL = "disk full (ENOSPC)"
    FILE_LIMIT = "file too large (EFBIG)"
    FSYNC = "fsync fails (EIO)"


class Trouble(StrEnum):
    """What happens to a living engine."""

    RESET = "connections reset (RST)"
    HALF_OPEN = "half-open sockets"
    VANISH = "network gone for a while"
    CLOCK_AHEAD = "wall clock set forward"
    CLOCK_BACK = "wall clock set back"
    FREEZE = "process frozen (SIGSTOP)"


NETWORK = (Trouble.RESET, Trouble.HALF_OPEN, Trouble.VANISH)
CLOCK = (Trouble.CLOCK_AHEAD, Trouble.CLOCK_BACK)
CLOCK_STEPS_S = (2, 30, 3_600, 86_400)


@dataclass(frozen=True, slots=True)
class Hit:
    """One trouble, ``at_s`` seconds after the engine is ready; ``size``: how long it lasts, or how
    far the clock jumps (s)."""

    at_s: float
    what: Trouble
    size: float


@dataclass(frozen=True, slots=True)
class LifePlan:
    """One life. ``early``: its end counts from the start of the process, else from ready.
    ``pause_s`` follows; ``starts_full``: with a full disk, the first start after it is refused."""

    end: End
    at_s: float
    is_early: bool
    pause_s: float
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Ways:
    """What may happen in a lane. Percentages."""

    ends: tuple[End, ...] = (End.KILL,)
    troubles: tuple[Trouble, ...] = ()
    trouble_pct: int = 40
    fault_end_pct: int = 12


def draw_life(chance: Random, ways: Ways) -> LifePlan:
    """The next life of a lane."""
    faults = [end for end in ways.ends if end is not End.KILL]
    end = End.KILL
    if faults and chance.randrange(ONE_IN) < ways.fault_end_pct:
        end = chance.choice(faults)
    kind = chance.randrange(ONE_IN)
    is_early = end is End.KILL and kind < 25
    at_s = chance.uniform(0.05, 1.8) if is_early else chance.uniform(0.0, 0.6)
    if not is_early and kind >= 40:
        at_s = chance.uniform(0.5, 4.5)
    pause_s = chance.choice((0.0, 0.0, 0.2, 1.0))
    hits: tuple[Hit, ...] = ()
    if ways.troubles and not is_early and chance.randrange(ONE_IN) < ways.trouble_pct:
        hits = (draw_hit(chance, ways.troubles, at_s=chance.uniform(0.0, max(0.1, at_s))),)
    return LifePlan(end, at_s, is_early, pause_s, hits)


def draw_lives(chance: Random, ways: Ways) -> Iterator[LifePlan]:
    """Life after life, without an end."""
    while True:
        yield draw_life(chance, ways)


def draw_hit(chance: Random, troubles: tuple[Trouble, ...], *, at_s: float) -> Hit:
    """One trouble of these."""
    what = chance.choice(troubles)
    size = chance.uniform(0.5, 6.0)
    if what in CLOCK:
        size = float(chance.choice(CLOCK_STEPS_S))
    elif what is Trouble.FREEZE:
        size = chance.uniform(0.3, 4.0)
    return Hit(at_s, what, size)


class Entering(StrEnum):
    """How the market treats an entry."""

    AT_ONCE = "at once"
    LATER = "later"
    IN_PART = "in part"
    IN_PARTS = "in parts"
    NEVER = "never"


class Leaving(StrEnum):
    """How a trade comes to its end."""

    TARGET = "target"
    TARGET_IN_PARTS = "target in parts"
    STOP = "stop"
    FLATTEN = "flatten"
    REDUCE = "reduce"


@dataclass(frozen=True, slots=True)
class TradeDraw:
    """One trade: shares, and when (s) the market or its owner does what."""

    side: str
    qty: int
    entering: Entering
    wait_s: float
    part: int
    leaving: Leaving
    hold_s: float


def draw_trade(chance: Random) -> TradeDraw:
    """The next trade of a symbol."""
    qty = chance.randint(6, 60)
    return TradeDraw(
        side=chance.choice(("buy", "buy", "sell")),
        qty=qty,
        entering=chance.choice((*Entering, Entering.LATER, Entering.AT_ONCE)),
        wait_s=chance.uniform(0.1, 2.5),
        part=chance.randint(1, qty - 1),
        leaving=chance.choice(tuple(Leaving)),
        hold_s=chance.choice((0.0, chance.uniform(0.0, 1.0), chance.uniform(0.0, 4.0))),
    )
