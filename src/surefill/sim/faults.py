"""Armed faults: what goes wrong on the way, chosen by code and target, seeded, counted.

What: `FaultPlan` holds faults that a test armed and answers one question at each opportunity:
does something happen here? Codes are those of the fault catalogue (N = requests, W = streams).
Why: every fault has a counter, so a test proves that it really happened.
Invariants: the same seed, the same arms and the same opportunities give the same faults; arms do
not disturb each other's draws.
Must never: touch the exchange. What a fault does is the edge's business.

A target is one or two words. For requests ``"POST"`` or ``"POST /v2/orders"`` (path prefix); for
streams ``"orders"`` or ``"orders fill"`` (event prefix); ``"*"`` matches any first word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from types import MappingProxyType

NS_PER_MS = 1_000_000
PPB = 1_000_000_000


class FaultCode(StrEnum):
    """Faults on the way between client and venue, and inside the venue (V)."""

    N1 = "N1"
    """Request lost before acceptance; no answer."""
    N2 = "N2"
    """Response lost after acceptance (which may come late); no answer."""
    N3 = "N3"
    """5xx answer, with or without effect at the venue."""
    N4 = "N4"
    """429, with or without headers; a storm with ``for_ms``."""
    N5 = "N5"
    """Broken answer: connection reset, truncated body, HTML, nothing."""
    N6 = "N6"
    """Slow answer, or one that never comes."""
    N7 = "N7"
    """Malformed values in a good answer: null prices, NaN, unknown words, missing fields."""
    N8 = "N8"
    """Stale read: the answer shows the venue as it stood a while ago."""
    N9 = "N9"
    """A wrong listing: cut short, a row twice, held legs or nesting missing."""
    N10 = "N10"
    """Total outage: requests and streams cut or silent."""
    N11 = "N11"
    """A proxy sends the same request to the venue twice."""
    W1 = "W1"
    """Stream message dropped."""
    W2 = "W2"
    """Stream message duplicated."""
    W3 = "W3"
    """Stream message overtaken by later ones."""
    W4 = "W4"
    """Stream delayed; order kept."""
    W5 = "W5"
    """Stream cut; events until the client is back are missed."""
    W6 = "W6"
    """Stream half open: no data, no close, no pong."""
    W7 = "W7"
    """The stream refuses the connection, or its authentication."""
    W8 = "W8"
    """A garbage frame before the message."""
    W9 = "W9"
    """A message of unknown kind before the message."""
    V18 = "V18"
    """After a target's partial fill the stop beside it does not work any more."""
    V19 = "V19"
    """A request stays pending at the venue: routing, cancel or replace take this long."""
    V20 = "V20"
    """The entry is filled and both its exits stay held: neither protects."""


PARAMS: Mapping[FaultCode, frozenset[str]] = MappingProxyType(
    {
        FaultCode.N1: frozenset(),
        FaultCode.N2: frozenset({"accept_delay_ms"}),
        FaultCode.N3: frozenset({"status", "effect", "delay_ms"}),
        FaultCode.N4: frozenset({"headers", "retry_after_s"}),
        FaultCode.N5: frozenset({"mode", "effect"}),
        FaultCode.N6: frozenset({"delay_ms", "never"}),
        FaultCode.N7: frozenset({"mode"}),
        FaultCode.N8: frozenset({"lag_ms", "list_lag_ms"}),
        FaultCode.N9: frozenset({"mode", "rows"}),
        FaultCode.N10: frozenset({"mode"}),
        FaultCode.N11: frozenset({"mode"}),
        FaultCode.W1: frozenset(),
        FaultCode.W2: frozenset({"copies"}),
        FaultCode.W3: frozenset({"delay_ms"}),
        FaultCode.W4: frozenset({"delay_ms"}),
        FaultCode.W5: frozenset({"mode", "refuse_ms"}),
        FaultCode.W6: frozenset(),
        FaultCode.W7: frozenset({"mode"}),
        FaultCode.W8: frozenset({"mode"}),
        FaultCode.W9: frozenset(),
        FaultCode.V18: frozenset(),
        FaultCode.V19: frozenset({"delay_ms"}),
        FaultCode.V20: frozenset(),
    }
)
"""Parameters each code understands, beside ``for_ms`` (how long the arm stays armed)."""

MODES: Mapping[FaultCode, tuple[str, ...]] = MappingProxyType(
    {
        FaultCode.N5: ("reset", "truncated", "html", "empty"),
        FaultCode.N7: (
            "null_price",
            "nan",
            "negative_qty",
            "unknown_word",
            "missing_field",
            "extra_field",
            "number_for_text",
            "huge",
            "duplicate_key",
        ),
        FaultCode.N9: ("cut", "doubled", "without_held", "unnested"),
        FaultCode.N10: ("reset", "silent"),
        FaultCode.N11: ("second", "first"),
        FaultCode.W5: ("cut", "close"),
        FaultCode.W7: ("refuse", "auth"),
        FaultCode.W8: ("binary", "text", "huge"),
    }
)
"""Legal values of ``mode``; the first is the default."""

EXPECTED: Mapping[FaultCode, str] = MappingProxyType(
    {
        FaultCode.N1: "in doubt: ask by client id, find nothing, send again under the same id",
        FaultCode.N2: "in doubt: ask by client id until the order shows; never send a second one",
        FaultCode.N3: "as N2 for 5xx on a submission; a read may be repeated",
        FaultCode.N4: "wait as told, protection first; nothing is lost",
        FaultCode.N5: "as N2: what happened is unknown",
        FaultCode.N6: "give up after the own timeout, then as N2",
        FaultCode.N7: "refuse to read it; the order stays as last known and is asked for again",
        FaultCode.N8: "newer evidence wins; a read older than it changes nothing",
        FaultCode.N9: "a listing proves presence, never absence; each known order is read by id",
        FaultCode.N10: "no new risk; reconcile completely before acting again",
        FaultCode.N11: "one order: the client id makes the second one a refusal",
        FaultCode.W1: "the gap is found by reading; fills are taken from activities",
        FaultCode.W2: "the same execution id counts once",
        FaultCode.W3: "order by what is executed, not by arrival",
        FaultCode.W4: "reads tell earlier; the late message changes nothing",
        FaultCode.W5: "reconnect, then read everything before acting",
        FaultCode.W6: "notice the silence, drop the connection, as W5",
        FaultCode.W7: "try again with growing pauses; reads keep the picture",
        FaultCode.W8: "count it, keep the connection or renew it, as W1",
        FaultCode.W9: "an unknown kind is an error event, never a guess; read the order",
        FaultCode.V18: "the stop does not protect: cancel the group and cover again",
        FaultCode.V19: "pending is not done: keep the quantity, ask, never act on hope",
        FaultCode.V20: "held exits protect nothing: cover again",
    }
)
"""What a sound client makes of each fault."""

BOOLEANS = frozenset({"effect", "headers", "never"})
WINDOWED = frozenset({FaultCode.N10, FaultCode.W6})
"""Codes that are a state rather than an incident: unlimited while armed."""

Param = int | str | bool


class FaultError(ValueError):
    """A fault that cannot be armed; the message says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One armed fault. ``count`` incidents at most, each with ``probability_ppb`` (1e-9)."""

    code: FaultCode
    target: str = "*"
    count: int | None = None
    probability_ppb: int | None = None
    params: Mapping[str, Param] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise FaultError("count must be at least 1")
        if self.probability_ppb is not None and not 0 < self.probability_ppb <= PPB:
            raise FaultError("probability must be above 0 and at most 1")
        for name, value in self.params.items():
            self._check_param(name, value)

    def _check_param(self, name: str, value: Param) -> None:
        if name not in PARAMS[self.code] and name != "for_ms":
            raise FaultError(f"{self.code} has no parameter {name!r}")
        if name == "mode":
            if value not in MODES[self.code]:
                raise FaultError(f"mode of {self.code} is one of {', '.join(MODES[self.code])}")
        elif name in BOOLEANS:
            if not isinstance(value, bool):
                raise FaultError(f"{name} must be true or false")
        elif isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise FaultError(f"{name} must be a whole number, not negative")

    def number(self, name: str, default: int) -> int:
        """A whole-number parameter, in the unit its name says."""
        value = self.params.get(name, default)
        return value if isinstance(value, int) else default

    def flag(self, name: str, *, default: bool) -> bool:
        """A yes/no parameter."""
        return bool(self.params.get(name, default))

    @property
    def mode(self) -> str:
        """The ``mode`` parameter or the code's default."""
        return str(self.params.get("mode", MODES[self.code][0]))

    @property
    def limit(self) -> int | None:
        """How many incidents: ``count``; else one, unless a window or a probability rules."""
        if self.count is not None:
            return self.count
        if self.probability_ppb is not None or "for_ms" in self.params or self.code in WINDOWED:
            return None
        return 1


@dataclass(slots=True)
class Arm:
    """A fault with what has become of it."""

    fault: Fault
    draws: Random
    left: int | None
    until_ns: int | None
    done: int = 0


def _matches(target: str, opportunity: str) -> bool:
    """Whether ``target`` covers ``opportunity`` (both: first word, then an optional rest)."""
    head, _, rest = target.partition(" ")
    word, _, detail = opportunity.partition(" ")
    return head in ("*", word) and detail.startswith(rest)


class FaultPlan:
    """All armed faults and the counters of what they did (code -> incidents)."""

    def __init__(self, seed: int = 0) -> None:
        self.counters: dict[str, int] = {code.value: 0 for code in FaultCode}
        self._seed = seed
        self._serial = 0
        self.arms: list[Arm] = []

    def arm(self, fault: Fault, now_ns: int) -> None:
        """Arm a fault from ``now_ns`` on; ``for_ms`` counts from here."""
        self._serial += 1
        window_ms = fault.params.get("for_ms")
        until_ns = None if window_ms is None else now_ns + int(window_ms) * NS_PER_MS
        draws = Random(f"{self._seed}/{self._serial}/{fault.code}")
        self.arms.append(Arm(fault, draws, fault.limit, until_ns))

    def clear(self) -> None:
        """Disarm everything; counters stay."""
        self.arms.clear()

    def draw(
        self, code: FaultCode, opportunity: str, now_ns: int, *, mode: str | None = None
    ) -> Fault | None:
        """The fault of this code (and mode) that strikes at this opportunity, if any. Counts it."""
        for arm in self.arms:
            if arm.fault.code is not code or (mode is not None and arm.fault.mode != mode):
                continue
            if self._strikes(arm, opportunity, now_ns):
                arm.done += 1
                self.counters[code.value] += 1
                return arm.fault
        return None

    def is_armed(self, code: FaultCode, opportunity: str, now_ns: int) -> bool:
        """Whether a fault of this code could strike here; neither draws nor counts."""
        return any(
            arm.fault.code is code and self._is_open(arm, opportunity, now_ns) for arm in self.arms
        )

    def window_end_ns(self, code: FaultCode, now_ns: int) -> int | None:
        """When the armed window of this code ends; ``None`` without an end (or none armed)."""
        ends = [arm.until_ns for arm in self.arms if arm.fault.code is code]
        known = [end for end in ends if end is not None and end > now_ns]
        return max(known) if known else None

    def describe(self, now_ns: int) -> list[dict[str, object]]:
        """What is armed now, JSON-ready."""
        return [
            {
                "code": arm.fault.code.value,
                "target": arm.fault.target,
                "left": arm.left,
                "done": arm.done,
                "params": dict(arm.fault.params),
                "expected": EXPECTED[arm.fault.code],
            }
            for arm in self.arms
            if arm.left != 0 and (arm.until_ns is None or now_ns < arm.until_ns)
        ]

    def _is_open(self, arm: Arm, opportunity: str, now_ns: int) -> bool:
        in_time = arm.until_ns is None or now_ns < arm.until_ns
        return in_time and arm.left != 0 and _matches(arm.fault.target, opportunity)

    def _strikes(self, arm: Arm, opportunity: str, now_ns: int) -> bool:
        if not self._is_open(arm, opportunity, now_ns):
            return False
        probability_ppb = arm.fault.probability_ppb
        if probability_ppb is not None and arm.draws.randrange(PPB) >= probability_ppb:
            return False
        if arm.left is not None:
            arm.left -= 1
        return True
