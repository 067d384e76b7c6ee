"""Latency and fees of the simulated venue.

What: `LatencyModel` draws how long each internal step takes; `FeeModel` what an execution costs.
Why: an executor that only ever met an instantaneous venue has not been tested; every timing
figure uses the default model and zero latency never counts (design 6).
Invariants: each kind of delay has its own generator seeded from ``(seed, kind)``, so one more draw
of one kind never shifts another. All results are ``int`` nanoseconds >= 0.
Must never: read a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from surefill.core.units import NANO

MS = 1_000_000
"""Nanoseconds in a millisecond."""
US = 1_000


class Delay(StrEnum):
    """The steps that take time. ``UP`` .. ``STREAM`` are travel (edge), the rest is the venue."""

    UP = "UP"
    DOWN = "DOWN"
    STREAM = "STREAM"
    ROUTE = "ROUTE"
    CANCEL = "CANCEL"
    REPLACE = "REPLACE"
    ARM = "ARM"
    SIBLING = "SIBLING"
    RELEASE = "RELEASE"


@dataclass(frozen=True, slots=True)
class DelayRange:
    """A delay between ``low_ms`` and ``high_ms`` with most of its mass near ``typical_ms``."""

    low_ms: int
    typical_ms: int
    high_ms: int


@dataclass(frozen=True, slots=True)
class DelaySamples:
    """Delays that were measured somewhere, in microseconds; each draw takes one of them."""

    samples_us: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.samples_us or min(self.samples_us) < 0:
            raise ValueError("recorded delays are numbers, not negative, at least one")


Delays = Mapping[Delay, DelayRange | DelaySamples]
"""How long each kind takes; a kind that is left out takes no time."""

DEFAULT_DELAYS: Mapping[Delay, DelayRange] = {
    # Request and answer together are the acknowledgement: 15-150 ms (design 6).
    Delay.UP: DelayRange(8, 18, 75),
    Delay.DOWN: DelayRange(7, 15, 75),
    Delay.STREAM: DelayRange(5, 15, 80),
    # Fills 3-4 ms after submission are reported on liquid names (spec 2.1).
    Delay.ROUTE: DelayRange(1, 3, 12),
    Delay.CANCEL: DelayRange(5, 15, 40),  # probe: about +15 ms (spec 1.7)
    Delay.REPLACE: DelayRange(5, 15, 60),
    Delay.ARM: DelayRange(10, 20, 45),  # recorded: legs go live +10-45 ms (spec 3.3)
    Delay.SIBLING: DelayRange(20, 120, 200),  # child about 150 ms after its parent (spec 3.4)
    Delay.RELEASE: DelayRange(78, 78, 78),  # probe: +78 ms (spec 1.7)
}


class LatencyModel:
    """Seeded delays. `draw` gives the next delay of a kind in nanoseconds."""

    def __init__(self, *, seed: int | str, delays: Delays = DEFAULT_DELAYS) -> None:
        """``delays`` may leave kinds out: those take no time."""
        self._delays = dict(delays)
        self._randoms = {kind: Random(f"{seed}:{kind}") for kind in Delay}

    @staticmethod
    def none() -> LatencyModel:
        """No delay at all. For unit tests only: no timing figure may come from it."""
        return LatencyModel(seed=0, delays={})

    def sources(self) -> Mapping[Delay, Random]:
        """The generator of each kind (a snapshot keeps their states)."""
        return self._randoms

    def draw(self, kind: Delay) -> int:
        """The next delay of this kind, nanoseconds."""
        bounds = self._delays.get(kind)
        if bounds is None:
            return 0
        if isinstance(bounds, DelaySamples):
            return self._randoms[kind].choice(bounds.samples_us) * US
        if bounds.low_ms == bounds.high_ms:
            return bounds.low_ms * MS
        # A clipped log-normal, the usual shape of network delays; sigma 0.45 leaves about 5 % of
        # the draws beyond twice the typical value.
        factor = self._randoms[kind].lognormvariate(0.0, 0.45)
        drawn_ns = int(bounds.typical_ms * MS * factor)
        return min(max(drawn_ns, bounds.low_ms * MS), bounds.high_ms * MS)


def constant_delays(ms: int) -> Delays:
    """Every step and every way takes the same time."""
    return dict.fromkeys(Delay, DelayRange(ms, ms, ms))


@dataclass(frozen=True, slots=True)
class FeeModel:
    """What an account pays beside prices; nothing by default.

    ``per_share_usd``: 1e-9 USD per share, of every execution. ``borrow_bps``: what a short position
    costs in a year of 360 days, 1e-4 of its value, for each calendar day that it is held over.
    """

    per_share_usd: int = 0
    borrow_bps: int = 0

    def borrow(self, value: int, days: int) -> int:
        """Fee in 1e-18 USD for holding a short of this value (1e-18 USD, not negative)."""
        return value * self.borrow_bps * days // (10_000 * 360)

    def fee(self, qty: int) -> int:
        """Fee in 1e-18 USD for ``qty`` (1e-9 share), exact."""
        return self.per_share_usd * qty


NO_FEES = FeeModel()
ONE_SHARE = NANO
"""A whole share in quantity units."""
