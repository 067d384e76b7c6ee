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
from random import Random

from surefill.sim.catalogue import (
    ACTS,
    BOOLEANS,
    BOUNDS,
    EXPECTED,
    LONGEST_MS,
    MODES,
    PARAMS,
    STATUSES,
    WINDOWED,
    FaultCode,
)

__all__ = [
    "EXPECTED",
    "MODES",
    "NS_PER_MS",
    "PARAMS",
    "PPB",
    "WINDOWED",
    "Arm",
    "Fault",
    "FaultCode",
    "FaultError",
    "FaultPlan",
    "Param",
]

NS_PER_MS = 1_000_000
PPB = 1_000_000_000

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
        elif name == "status":
            if value not in STATUSES:
                raise FaultError(f"status is one of {', '.join(map(str, STATUSES))}")
        else:
            low, high = BOUNDS.get(name, (0, LONGEST_MS))
            if not low <= value <= high:
                raise FaultError(f"{name} must be between {low} and {high}")

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
        is_state = self.code in WINDOWED or self.code in ACTS
        if self.probability_ppb is not None or "for_ms" in self.params or is_state:
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

    def act(self, names: list[str], now_ns: int) -> list[str]:
        """Of these instruments or accounts, those on which the fault armed last strikes now."""
        arm = self.arms[-1]
        struck = [name for name in names if self._strikes(arm, name, now_ns)]
        arm.done += len(struck)
        self.counters[arm.fault.code.value] += len(struck)
        if arm.until_ns is None:
            arm.left = 0
        return struck

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
