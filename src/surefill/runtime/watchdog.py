"""What a second pair of eyes sees: is the engine alive, and is every share of ours covered?

What: `uncovered` (by the broker's own lists, symbol by symbol), `Watch` (turns what is seen into
alarms and their ends).
Why not the engine's own fold: eyes that are the same miss the same. Here cover is counted from the
orders that the broker shows, and nothing that the engine believes can hide a share.
Invariants: reads only; an alarm is raised once when its limit is passed, again every `AGAIN_NS`
while it lasts, and its end is told; what could not be read covers nothing and clears nothing (I11).
Must never: place or cancel an order, or take the lease.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from surefill.core.events import ExecutionReport, Position
from surefill.core.fix import OrdStatus, OrdType
from surefill.core.plan import SECOND_NS
from surefill.core.units import to_text
from surefill.runtime.heartbeat import Beat

HEARTBEAT_NS = 5 * SECOND_NS
UNCOVERED_NS = 3 * SECOND_NS
JOURNAL_NS = 5 * SECOND_NS
UNREADABLE_NS = 15 * SECOND_NS
"""A broker that does not answer this long leaves nobody who knows about cover."""
AGAIN_NS = 60 * SECOND_NS
DISK_BYTES = 500_000_000
"""Less free space than this is alarmed (failures.md C.6, 25)."""
STOPS = frozenset({OrdType.STOP, OrdType.STOP_LIMIT})


class AlarmCode(StrEnum):
    """What the watchdog raises."""

    HEARTBEAT_LOST = "HEARTBEAT_LOST"
    SHARES_UNCOVERED = "SHARES_UNCOVERED"
    BROKER_UNREADABLE = "BROKER_UNREADABLE"
    JOURNAL_UNREADABLE = "JOURNAL_UNREADABLE"
    DISK_LOW = "DISK_LOW"


MEANING = {
    AlarmCode.HEARTBEAT_LOST: "The engine gave no sign of life for 5 s, and did not end in order.",
    AlarmCode.SHARES_UNCOVERED: "Shares of ours had no working stop at the broker for 3 s.",
    AlarmCode.BROKER_UNREADABLE: "The broker could not be asked for 15 s: cover is not known.",
    AlarmCode.JOURNAL_UNREADABLE: "The journal could not be read for 5 s: which shares are ours is "
    "as old as that.",
    AlarmCode.DISK_LOW: "Less than 500 MB are free where the journal lies.",
}
ADVICE = {
    AlarmCode.HEARTBEAT_LOST: "cover rests at the broker and needs no engine, but nothing repairs "
    "it: `surefill status`, then start the engine again (`surefill run`, or its unit); it is the "
    "same start after a crash as after a stop",
    AlarmCode.SHARES_UNCOVERED: "look at the position at the broker now and place a stop, or "
    "`surefill flatten SYMBOL`; `surefill why` of the trade tells what held its cover up",
    AlarmCode.BROKER_UNREADABLE: "the broker's own status page, then `surefill doctor`; stops that "
    "rest there work meanwhile, and nothing new is entered",
    AlarmCode.JOURNAL_UNREADABLE: "the disk, then `surefill journal verify`; the symbols known "
    "before are watched on, later ones are not",
    AlarmCode.DISK_LOW: "make room now: without a record nothing is sent, cover neither; what "
    "rests at the broker stays there",
}
"""What to do first."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm about ``what`` (a symbol, or ""); ``is_over``: it is none any more."""

    code: AlarmCode
    what: str
    sentence: str
    is_over: bool = False

    def __str__(self) -> str:
        word = "over" if self.is_over else "ALARM"
        return f"{word} {self.code.value}: {self.sentence}"


def uncovered(
    positions: Iterable[Position],
    orders: Iterable[ExecutionReport],
    *,
    ours: Iterable[str],
    foreign: Mapping[str, int],
) -> dict[str, int]:
    """symbol -> shares (1e-9) without a stop, for the symbols of ``ours``. ``foreign``: signed
    shares of a symbol that are somebody else's."""
    held = {position.symbol: position.qty for position in positions}
    found = list(orders)
    bare = {}
    for symbol in ours:
        qty = held.get(symbol, 0) - foreign.get(symbol, 0)
        rest = abs(qty) - _covered(found, symbol, 1 if qty > 0 else -1)
        if rest > 0:
            bare[symbol] = rest
    return bare


def _covered(orders: Iterable[ExecutionReport], symbol: str, sign: int) -> int:
    """Shares behind stops that close a position of this sign. Legs of an entry that still works
    are not armed (alpaca.md 2.3), whatever their status says."""
    total = 0
    for order in orders:
        is_entry = order.side.sign == sign
        legs = order.legs if is_entry else (order, *order.legs)
        if is_entry and order.ord_status is not OrdStatus.FILLED:
            continue
        total += sum(
            leg.order_qty - leg.cum_qty
            for leg in legs
            if leg.symbol == symbol and leg.side.sign != sign and leg.ord_type in STOPS
        )
    return total


@dataclass(slots=True)
class _Standing:
    since_ns: int
    told_ns: int | None = None
    sentence: str = ""


@dataclass(slots=True)
class Watch:
    """Remembers since when something is wrong. Times are the watchdog's own (ns)."""

    started_ns: int
    _beat: Beat | None = None
    _beat_ns: int = 0
    _read_ns: int = 0
    _wrong: dict[tuple[AlarmCode, str], _Standing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._beat_ns = self._read_ns = self.started_ns

    def hear(self, beat: Beat | None, now: int) -> list[Alarm]:
        """What the heartbeat's file says at ``now``."""
        if beat is not None and beat != self._beat:
            self._beat, self._beat_ns = beat, now
        is_stopped = self._beat is not None and self._beat.is_stopped
        age_ns = 0 if is_stopped else now - self._beat_ns
        who = f"process {self._beat.pid}" if self._beat is not None else "no engine was seen"
        sentence = f"no sign of life from the engine for {age_ns // SECOND_NS} s ({who})"
        key = (AlarmCode.HEARTBEAT_LOST, "")
        return self._judge(key, sentence if age_ns > HEARTBEAT_NS else None, now)

    def read(self, problem: str | None, now: int) -> list[Alarm]:
        """What the journal's reader says at ``now``; ``None`` when it could be read."""
        key = (AlarmCode.JOURNAL_UNREADABLE, "")
        if problem is None:
            return self._judge(key, None, now)
        age_ns = now - self._wrong.setdefault(key, _Standing(now)).since_ns
        sentence = f"the journal could not be read for {age_ns // SECOND_NS} s ({problem}); "
        sentence += "only the symbols known before are watched"
        return self._judge(key, sentence, now) if age_ns > JOURNAL_NS else []

    def room(self, free_bytes: int, now: int) -> list[Alarm]:
        """How much space is free for the journal at ``now``."""
        sentence = f"{free_bytes // 1_000_000} MB are free where the journal lies"
        wrong = sentence if free_bytes < DISK_BYTES else None
        return self._judge((AlarmCode.DISK_LOW, ""), wrong, now)

    def look(self, bare: Mapping[str, int] | None, now: int) -> list[Alarm]:
        """What the broker says at ``now``; ``None`` when it could not be asked."""
        alarms = []
        if bare is not None:
            self._read_ns = now
            for code, symbol in list(self._wrong):
                if code is AlarmCode.SHARES_UNCOVERED and symbol not in bare:
                    alarms += self._judge((code, symbol), None, now)
            for symbol, qty in bare.items():
                key = (AlarmCode.SHARES_UNCOVERED, symbol)
                age_ns = now - self._wrong.setdefault(key, _Standing(now)).since_ns
                sentence = f"{to_text(qty)} {symbol} without a stop for {age_ns // SECOND_NS} s"
                if age_ns > UNCOVERED_NS:
                    alarms += self._judge(key, sentence, now)
        age_ns = now - self._read_ns
        sentence = f"the broker could not be read for {age_ns // SECOND_NS} s; cover is not known"
        key = (AlarmCode.BROKER_UNREADABLE, "")
        return alarms + self._judge(key, sentence if age_ns > UNREADABLE_NS else None, now)

    @property
    def is_alarmed(self) -> bool:
        """Whether an alarm stands."""
        return any(standing.told_ns is not None for standing in self._wrong.values())

    @property
    def is_suspicious(self) -> bool:
        """Whether anything about cover is bare, alarmed or late: a reason to look more often."""
        return any(code is not AlarmCode.DISK_LOW for code, _ in self._wrong)

    def _judge(self, key: tuple[AlarmCode, str], wrong: str | None, now: int) -> list[Alarm]:
        """``wrong``: what is wrong at ``now``, in a sentence; ``None`` when nothing is."""
        standing = self._wrong.get(key)
        if wrong is None:
            self._wrong.pop(key, None)
            if standing is None or standing.told_ns is None:
                return []
            return [Alarm(key[0], key[1], standing.sentence, is_over=True)]
        standing = self._wrong.setdefault(key, _Standing(now))
        if standing.told_ns is not None and now - standing.told_ns < AGAIN_NS:
            return []
        standing.told_ns, standing.sentence = now, wrong
        return [Alarm(key[0], key[1], wrong)]
