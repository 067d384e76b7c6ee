"""What really went wrong in a run: every fault that struck, when, and in which phase of which
trade.

What: `StrikingFaults` (armed faults that keep a list of their strikes) and `excuses_of`, which
turns strikes into the stretches in which the broker did not work, for the auditor (I3 b to d).
Why: an excuse is given for what happened, not for what might have; a fault that was armed and never
struck excuses nothing.
Invariants: a stretch ends where the effect of its strike ends; the grace after it is the rule's (2
s; 5 s once a stream lost messages, because then requests alone have to find out).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from surefill.sim.auditor import Excuse
from surefill.sim.faults import NS_PER_MS, Arm, Fault, FaultCode, FaultPlan

READ_TIMEOUT_MS = 5_000
"""After this long the adapter gives an answer up."""
PAUSE_MS = 60_000
"""A 429 that does not say when is waited for through one whole window."""
HELD_MS = 2_000
"""Exits that stay held after the fill are asked about for a second before they are given up."""
UNSEEN_MS = 3_600_000
"""A stop that rests and does not work (V18) shows nothing until the market passes it."""
POLL_MS = 30_000
"""While a trade is held the orders are listed this often (`core.engine`): until then nothing tells
of a bust or a correction whose message was lost."""
_READ_LATER = frozenset({"orders trade_bust", "orders trade_correct"})
_TAKEN = frozenset({"orders canceled", "orders rejected"})
TAKEN_MS = 15_000
"""So much later a cancel by hand may take effect (V19)."""
RESTART_GRACE_MS = 10_000
"""I3 (d): from the start of the process to full cover."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault that struck at ``at_ns`` (venue time); ``phases`` of the open trades, one each."""

    at_ns: int
    fault: Fault
    opportunity: str
    phases: tuple[str, ...]

    @property
    def code(self) -> FaultCode:
        """Its code in the catalogue."""
        return self.fault.code


class StrikingFaults(FaultPlan):
    """Armed faults with a memory of what they did."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.strikes: list[Strike] = []
        self.phases: Callable[[], tuple[str, ...]] = tuple
        self._aims: dict[int, str] = {}
        """identity of an arm that has not struck yet -> the phase that it waits for"""

    def aim(self, fault: Fault, phase: str, now_ns: int) -> None:
        """Arm a fault that strikes only while an open trade is in ``phase``; its window begins with
        its strike."""
        self.arm(fault, now_ns)
        self.arms[-1].until_ns = None
        self._aims[id(self.arms[-1])] = phase

    def clear(self) -> None:
        """Disarm everything."""
        super().clear()
        self._aims.clear()

    def _is_open(self, arm: Arm, opportunity: str, now_ns: int) -> bool:
        if not super()._is_open(arm, opportunity, now_ns):
            return False
        phase = self._aims.get(id(arm))
        return phase is None or phase in self.phases()

    def _strikes(self, arm: Arm, opportunity: str, now_ns: int) -> bool:
        if not super()._strikes(arm, opportunity, now_ns):
            return False
        window_ms = arm.fault.params.get("for_ms")
        if self._aims.pop(id(arm), None) is not None and window_ms is not None:
            arm.until_ns = now_ns + int(window_ms) * NS_PER_MS
        return True

    def draw(
        self, code: FaultCode, opportunity: str, now_ns: int, *, mode: str | None = None
    ) -> Fault | None:
        """As `FaultPlan.draw`; a strike is remembered."""
        fault = super().draw(code, opportunity, now_ns, mode=mode)
        if fault is not None:
            self.strikes.append(Strike(now_ns, fault, opportunity, self.phases()))
        return fault


def excuses_of(strikes: Iterable[Strike], taken_ns: Iterable[int] = ()) -> tuple[Excuse, ...]:
    """The stretches in which requests failed, answers were lost or the venue did not act.
    ``taken_ns``: when somebody else took cover away; where the news of that was lost, a read
    tells."""
    strikes, taken_ns = tuple(strikes), tuple(taken_ns)
    grace_ms = 5_000 if has_stream_faults(strikes) else 2_000
    found = []
    for strike in strikes:
        is_taken = strike.opportunity in _TAKEN and any(
            0 <= strike.at_ns - at_ns <= TAKEN_MS * NS_PER_MS for at_ns in taken_ns
        )
        is_rare = strike.opportunity in _READ_LATER or is_taken
        is_rare_news = is_rare and strike.code.value[0] in "WN"
        lasts_ms = POLL_MS if is_rare_news else _lasts_ms(strike.fault)
        if lasts_ms is not None:
            end_ns = strike.at_ns + lasts_ms * NS_PER_MS
            found.append(Excuse(strike.at_ns, end_ns, grace_ms=grace_ms))
    return tuple(found)


def has_stream_faults(strikes: Iterable[Strike]) -> bool:
    """Whether the stream lost or held back anything (I3 b)."""
    return any(one.code.value[0] == "W" or one.code is FaultCode.N10 for one in strikes)


def _lasts_ms(fault: Fault) -> int | None:
    """How long one strike keeps the broker from working; ``None``: not at all."""
    match fault.code:
        case FaultCode.N1 | FaultCode.N2:
            return READ_TIMEOUT_MS
        case FaultCode.N3:
            return min(fault.number("delay_ms", 0), READ_TIMEOUT_MS)
        case FaultCode.N4:
            has_time = fault.flag("headers", default=True)
            return fault.number("retry_after_s", 3) * 1_000 if has_time else PAUSE_MS
        case FaultCode.N5 | FaultCode.N7 | FaultCode.N9:
            return 0
        case FaultCode.N6:
            is_lost = fault.flag("never", default=False)
            return (
                READ_TIMEOUT_MS
                if is_lost
                else min(fault.number("delay_ms", 5_000), READ_TIMEOUT_MS)
            )
        case FaultCode.N8:
            return max(fault.number("lag_ms", 2_000), fault.number("list_lag_ms", 0))
        case FaultCode.N10:
            return READ_TIMEOUT_MS
        case FaultCode.W3 | FaultCode.W4:
            return fault.number("delay_ms", 1_000)
        case FaultCode.V19:
            return fault.number("delay_ms", 60_000)
        case FaultCode.V18:
            return UNSEEN_MS
        case FaultCode.V20:
            return HELD_MS
        case _:
            return None
