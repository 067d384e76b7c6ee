"""What an audit is measured by and what it found: limits, violations, spans of time.

What: `AuditLimits`, `Excuse`, `Violation`, `Findings` (collects violations, each kind once a plan)
and `Span` (how long something has been wrong).
Invariants: times UTC ns of the venue, limits in ms; a violation has the code of the invariant it
breaks (``I1`` .. ``I23``), or ``LOG`` when the venue's log contradicts itself.
Must never: import anything of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Excuse:
    """A stretch of venue time in which the broker did not work (faults, halt): I3 (b) to (e).

    Cover missing then may take until ``to_ns`` + ``grace_ms``. ``symbol`` ``None``: all symbols.
    """

    from_ns: int
    to_ns: int
    grace_ms: int = 2_000
    symbol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLimits:
    """What is allowed. The defaults are the invariants on a healthy broker.

    ``tightens_per_minute`` is for the stop of one group that follows the market by a rule of the
    plan: three by that rule, one by hand, and one that was on its way for long.
    ``closing_ms`` is how long a working order that closes the shares may look for its buyer.
    ``cover_p99_ms`` is judged from 100 windows on. ``others`` are order ids or client order ids
    that somebody else cancelled or replaced (an operator, the test), so that I16 and I20 do not
    blame the executor. ``foreign_orders`` admits orders that belong to no plan. From
    ``renewal_from_ns`` on (UTC ns, before the close) cover that dies with the day gives way to
    cover that stays (C.1.1, 3): no repair, but its gap counts.
    """

    cover_ms: int = 1_500
    cover_p99_ms: int = 1_000
    closing_ms: int = 15_000
    anchor_ms: int = 1_500
    flat_ms: int = 2_000
    entry_slack_ms: int = 2_000
    replaces_per_minute: int = 3
    replaces_per_day: int = 20
    tightens_per_minute: int = 5
    foreign_orders: bool = False
    others: frozenset[str] = frozenset()
    excuses: tuple[Excuse, ...] = ()
    renewal_from_ns: int | None = None

    def latest_end_ns(self, start_ns: int, limit_ms: int, symbol: str, *, again_ms: int = 0) -> int:
        """Until when a span that began at ``start_ns`` may last; after an excuse at least
        ``again_ms`` longer."""
        latest_ns = start_ns + limit_ms * NS_PER_MS
        for excuse in sorted(self.excuses, key=lambda one: one.from_ns):
            if excuse.symbol not in (None, symbol):
                continue
            if excuse.from_ns <= latest_ns and excuse.to_ns >= start_ns:
                latest_ns = max(
                    latest_ns, excuse.to_ns + max(excuse.grace_ms, again_ms) * NS_PER_MS
                )
        return latest_ns


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant: its code, the plan (``""``: the run), when, and what happened."""

    code: str
    plan_id: str
    at_ns: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What a check has to say about a plan; ``kind`` groups sentences that tell the same thing."""

    code: str
    sentence: str
    kind: str = ""


@dataclass(slots=True)
class Findings:
    """Collects violations; the same kind of fault is told once for each plan."""

    violations: list[Violation] = field(default_factory=list)
    _told: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, fault: Fault, plan_id: str, at_ns: int) -> None:
        """Record a violation unless this kind of it was told of this plan before."""
        key = (fault.code, plan_id, fault.kind or fault.sentence)
        if key not in self._told:
            self._told.add(key)
            self.violations.append(Violation(fault.code, plan_id, at_ns, fault.sentence))

    def in_order(self) -> tuple[Violation, ...]:
        """All of them by time, code and plan."""
        return tuple(sorted(self.violations, key=lambda one: (one.at_ns, one.code, one.plan_id)))


@dataclass(slots=True)
class Span:
    """Since when something is wrong; ``None`` while it is right."""

    since_ns: int | None = None

    def update(self, is_wrong: bool, now_ns: int) -> int | None:
        """Note the present state; returns the start of a span that ends now."""
        if is_wrong:
            if self.since_ns is None:
                self.since_ns = now_ns
            return None
        started_ns, self.since_ns = self.since_ns, None
        return started_ns


@dataclass(slots=True)
class CoverMeter:
    """Uncovered shares of one plan over time.

    ``share_ns`` is the integral in (1e-9 share) x ns. ``windows_ns`` are the lengths of stretches
    with anything uncovered, ``exposed_ns`` those in which the venue refused the stop because price
    was through it, or in which a working order was closing all that was uncovered; ``spans`` are
    (start, end, integral, which) of both; ``wait_ns`` is the longest any single share waited, first
    in first out.
    """

    share_ns: int = 0
    windows_ns: list[int] = field(default_factory=list)
    exposed_ns: list[int] = field(default_factory=list)
    spans: list[tuple[int, int, int, bool]] = field(default_factory=list)
    wait_ns: int = 0
    window: Span = field(default_factory=Span)
    _uncovered_qty: int = 0
    _since_ns: int = 0
    _told_ns: int = 0
    """of ``share_ns``: what the spans hold"""
    _lots: list[list[int]] = field(default_factory=list)
    """[since ns, quantity] of the shares waiting, oldest first"""

    def update(
        self, uncovered_qty: int, now_ns: int, is_refused: bool = False
    ) -> tuple[int, int] | None:
        """The uncovered quantity from ``now_ns`` on; returns (start, end) of a window that closes.

        Windows that open and close at one instant have length zero and are not counted.
        """
        self.share_ns += self._uncovered_qty * (now_ns - self._since_ns)
        change = uncovered_qty - self._uncovered_qty
        self._uncovered_qty, self._since_ns = uncovered_qty, now_ns
        if change > 0:
            self._lots.append([now_ns, change])
        elif change < 0:
            self._take(-change, now_ns)
        started_ns = self.window.update(uncovered_qty > 0, now_ns)
        if started_ns is None or started_ns == now_ns:
            return None
        (self.exposed_ns if is_refused else self.windows_ns).append(now_ns - started_ns)
        self.spans.append((started_ns, now_ns, self.share_ns - self._told_ns, is_refused))
        self._told_ns = self.share_ns
        return started_ns, now_ns

    def _take(self, qty: int, now_ns: int) -> None:
        while qty > 0 and self._lots:
            lot = self._lots[0]
            self.wait_ns = max(self.wait_ns, now_ns - lot[0])
            taken = min(qty, lot[1])
            lot[1] -= taken
            qty -= taken
            if lot[1] == 0:
                self._lots.pop(0)


def percentile(values: Iterable[int], percent: int) -> int:
    """Nearest-rank percentile; 0 of nothing."""
    ordered = sorted(values)
    if not ordered:
        return 0
    rank = -(-percent * len(ordered) // 100)
    return ordered[max(rank, 1) - 1]
