"""What waits to be told on one channel: grouped by kind, so that no storm leaves the house.

What: `Mailbox`. A kind is a code and what it is about. The first of a kind leaves after a second,
with everything else that waits; more of it are counted and leave together, after a pause that
doubles as long as they keep coming. Two messages are never closer than `Pace.gap_ns`.
Why counted and not dropped: ninety-seven mails are not read, and none is worse.
Invariants: memory is bounded by the number of kinds; a kind that was put is in a letter before it
is forgotten; what could not be sent still waits.
Must never: read a clock, or send.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from surefill.alerts.notice import Notice
from surefill.tca.rules import SECOND_NS, Severity

KINDS_MAX = 64
"""More than all codes there are; of one code about very many symbols, the rest is one kind."""
SENTENCES_MAX = 3
MINUTE_NS = 60 * SECOND_NS
THE_REST = "others"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a channel may speak. Times in ns."""

    gather_ns: int = SECOND_NS
    """What belongs together comes within this time."""
    gap_ns: int = 10 * SECOND_NS
    """Between two messages, whatever they say: at most six a minute."""
    critical_ns: int = MINUTE_NS
    warning_ns: int = 15 * MINUTE_NS
    """Before more of the same kind is told; doubled each time."""
    critical_ns_max: int = 15 * MINUTE_NS
    warning_ns_max: int = 240 * MINUTE_NS
    """The longest such pause, and how long a kind must be quiet to be news again."""

    def pause_ns(self, severity: Severity, repeats: int) -> int:
        """After so many repeats."""
        first_ns = self.critical_ns if severity is Severity.CRITICAL else self.warning_ns
        return min(first_ns << min(repeats, 20), self.quiet_ns(severity))

    def quiet_ns(self, severity: Severity) -> int:
        """After this long, more of a kind is news."""
        return self.critical_ns_max if severity is Severity.CRITICAL else self.warning_ns_max


@dataclass(frozen=True, slots=True)
class Group:
    """What a letter says of one kind. ``latest``: the newest notice of it."""

    latest: Notice
    count: int
    first_ns: int
    sentences: tuple[str, ...]


@dataclass(slots=True)
class _Kind:
    count: int = 0
    first_ns: int = 0
    latest: Notice | None = None
    sentences: list[str] = field(default_factory=list)
    told_ns: int | None = None
    repeats: int = 0


class Mailbox:
    """The kinds of one channel. Not for two threads at once."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._kinds: dict[Key, _Kind] = {}
        self._sent_ns: int | None = None

    def put(self, notice: Notice) -> None:
        """One more to tell."""
        kind = self._kind(notice)
        if not kind.count:
            kind.first_ns = notice.at_ns
        last_ns = kind.told_ns if kind.latest is None else kind.latest.at_ns
        quiet_ns = self._pace.quiet_ns(notice.severity)
        if not kind.count and last_ns is not None and notice.at_ns - last_ns > quiet_ns:
            kind.told_ns, kind.repeats = None, 0
        kind.count += 1
        kind.latest = notice
        if notice.what:
            kind.sentences.clear()  # the same thing, as it is now
        if notice.sentence in kind.sentences:
            kind.sentences.remove(notice.sentence)
        kind.sentences = [*kind.sentences, notice.sentence][-SENTENCES_MAX:]

    @property
    def waiting(self) -> int:
        """Notices that were not told yet."""
        return sum(kind.count for kind in self._kinds.values())

    def due_ns(self, silenced: Mapping[str, int]) -> int | None:
        """When the next letter is due; ``silenced``: code -> until when it is held back."""
        times = [
            max(self._kind_due_ns(kind), silenced.get(key[0], 0))
            for key, kind in self._kinds.items()
            if kind.count
        ]
        if not times:
            return None
        return max(min(times), self._next_ns())

    def letter(self, now: int, silenced: Mapping[str, int]) -> tuple[Group, ...]:
        """Everything that waits and is not held back: the worst first, then as it came. It waits
        on until `told`."""
        groups = []
        for key, kind in self._kinds.items():
            if kind.count and kind.latest is not None and silenced.get(key[0], 0) <= now:
                sentences = tuple(kind.sentences)
                groups.append(Group(kind.latest, kind.count, kind.first_ns, sentences))
        is_mild = {Severity.CRITICAL: 0, Severity.WARNING: 1}
        groups.sort(key=lambda one: (is_mild[one.latest.severity], one.first_ns))
        return tuple(groups)

    def told(self, letter: tuple[Group, ...], now: int) -> None:
        """The letter has arrived."""
        self._sent_ns = now
        for group in letter:
            kind = self._kind(group.latest)
            kind.count -= group.count
            kind.first_ns = now
            if kind.count == 0:
                kind.sentences.clear()
            kind.repeats += kind.told_ns is not None
            kind.told_ns = now

    def memory(self) -> dict[str, tuple[int, int]]:
        """When each kind was last told, and how often it was repeated: for the next process."""
        return {
            " ".join(key): (kind.told_ns, kind.repeats)
            for key, kind in self._kinds.items()
            if kind.told_ns is not None
        }

    def remember(self, memory: Mapping[str, tuple[int, int]], now: int) -> None:
        """What an earlier process told; what is longer ago than the longest pause is forgotten."""
        for text, (told_ns, repeats) in list(memory.items())[:KINDS_MAX]:
            if now - self._pace.warning_ns_max <= told_ns <= now:
                code, _, what = text.partition(" ")
                self._kinds[code, what] = _Kind(told_ns=told_ns, repeats=repeats)

    def _kind(self, notice: Notice) -> _Kind:
        key = (notice.code, notice.what)
        if key not in self._kinds and len(self._kinds) >= KINDS_MAX:
            self._forget(notice.at_ns)
            if len(self._kinds) >= KINDS_MAX:
                key = (notice.code, THE_REST)
        return self._kinds.setdefault(key, _Kind())

    def _forget(self, now: int) -> None:
        """Kinds of which nothing waits and nothing was told for long."""
        for key, kind in list(self._kinds.items()):
            if not kind.count and now - (kind.told_ns or 0) > self._pace.warning_ns_max:
                del self._kinds[key]

    def _kind_due_ns(self, kind: _Kind) -> int:
        if kind.told_ns is None or kind.latest is None:
            return kind.first_ns + self._pace.gather_ns
        return kind.told_ns + self._pace.pause_ns(kind.latest.severity, kind.repeats)

    def _next_ns(self) -> int:
        return 0 if self._sent_ns is None else self._sent_ns + self._pace.gap_ns
