"""The alert rules, once, as data, and their evaluation from a journal.

    for alert in evaluate(journal): print(alert)

What: `RULES` (what is measured, the limit, how bad it is, what to do), `alerts_of` metrics,
`evaluate` a journal. The table in the documents is generated from here; channels other than text
take the same alerts.
Invariants: an alert carries its numbers and the records it rests on; without a measurement there is
no alert.
Must never: send anything, or judge a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from surefill.ports import Journal
from surefill.tca.history import read_history
from surefill.tca.metrics import Metrics, Quantiles, Sample, metrics_of
from surefill.tca.text import percent, ratio, seconds

SECOND_NS = 1_000_000_000
RUNBOOK = "docs/alerts.md"
Reading = tuple[int, tuple[int, ...]]
"""A measured number and the records it rests on."""


class Severity(StrEnum):
    """`CRITICAL`: look now. `WARNING`: look today."""

    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class Worse(StrEnum):
    """On which side of the limit the trouble is; the limit itself is good."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``read`` takes the measurement; ``show`` writes such a number for people;
    ``advice`` is what to do first. ``is_single``: one plan or one error suffices for it; the others
    are averages and rates, for which an engine looks at its last plans (`tca.recent`)."""

    code: str
    severity: Severity
    what: str
    worse: Worse
    limit: int
    read: Callable[[Metrics], Reading | None]
    show: Callable[[int], str]
    advice: str
    is_single: bool = False

    @property
    def anchor(self) -> str:
        """Where the runbook treats it."""
        return f"{RUNBOOK}#{self.code.lower()}"

    def is_broken_by(self, value: int) -> bool:
        """Whether this measurement is beyond the limit."""
        return value > self.limit if self.worse is Worse.ABOVE else value < self.limit


@dataclass(frozen=True, slots=True)
class Alert:
    """One broken rule: what was measured, and the records it rests on. ``plan_id`` when it was
    measured on one plan alone."""

    rule: Rule
    value: int
    seqs: tuple[int, ...]
    plan_id: str = ""

    @property
    def sentence(self) -> str:
        """What is wrong, with its numbers."""
        rule = self.rule
        shown, limit = rule.show(self.value), rule.show(rule.limit)
        return f"{rule.what} is {shown}, {rule.worse.value} {limit}"

    def __str__(self) -> str:
        which = f" [plan={self.plan_id}]" if self.plan_id else ""
        rule = self.rule
        return f"{rule.severity.value} {rule.code}: {self.sentence}{which} ({rule.anchor})"

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return {
            "code": self.rule.code,
            "severity": self.rule.severity.value,
            "sentence": self.sentence,
            "value": self.value,
            "limit": self.rule.limit,
            "anchor": self.rule.anchor,
            "plan_id": self.plan_id or None,
            "seqs": list(self.seqs),
        }


def _mean(sample: Sample | None) -> Reading | None:
    return (sample.mean, sample.high_seqs) if sample else None


def _lowest(sample: Sample | None) -> Reading | None:
    return (sample.low, sample.low_seqs) if sample else None


def _highest(spread: Quantiles | None) -> Reading | None:
    return (spread.high, spread.high_seqs) if spread else None


def _rate(value: int | None, found: Metrics) -> Reading | None:
    return (value, found.seqs) if value is not None else None


RULES = (
    Rule(
        code="SLIPPAGE_HIGH",
        severity=Severity.WARNING,
        what="average slippage against the signal",
        worse=Worse.ABOVE,
        limit=1_500_000,
        read=lambda found: _mean(found.slippage_vs_signal),
        show=lambda value: percent(value, 3),
        advice="`surefill metrics --by path` and `--by symbol` show who pays it; entries of the "
        "legacy path have no cap, so put USE_SMART_EXECUTOR back to True",
    ),
    Rule(
        code="SLIPPAGE_NEAR_CAP",
        severity=Severity.WARNING,
        what="average use of the slippage cap",
        worse=Worse.ABOVE,
        limit=800_000_000,
        read=lambda found: _mean(found.cap_use),
        show=percent,
        advice="entries fill at their worst price: the signal is late or the buffer as wide as the "
        "cap; look at the signal's age and lower SMART_EXECUTOR_LIMIT_BUFFER_REGULAR",
    ),
    Rule(
        code="FILL_BEYOND_CAP",
        is_single=True,
        severity=Severity.CRITICAL,
        what="number of smart entries filled beyond their worst price",
        worse=Worse.ABOVE,
        limit=0,
        read=lambda found: (found.beyond_cap, found.beyond_cap_seqs),
        show=str,
        advice="a limit order cannot fill beyond its limit: `surefill why` tells the trade; ask "
        "the broker about that execution before the next entry",
    ),
    Rule(
        code="REJECTION_HIGH",
        severity=Severity.WARNING,
        what="rejection rate (denied and rejected of all plans)",
        worse=Worse.ABOVE,
        limit=200_000_000,
        read=lambda found: _rate(found.rejection_ppb, found),
        show=percent,
        advice="`surefill metrics --by reason` ranks the reasons; docs/reasons.md says what each "
        "of them means",
    ),
    Rule(
        code="RR_AT_FILL_LOW",
        is_single=True,
        severity=Severity.WARNING,
        what="lowest reward/risk at the fill, against the signal's own levels",
        worse=Worse.BELOW,
        limit=1_800_000_000,
        read=lambda found: _lowest(found.rr_signal),
        show=ratio,
        advice="the entry took too much of the plan's reward: a stop that is close to the signal "
        "needs a tighter cap, or exits by level, which bound the entry by reward/risk",
    ),
    Rule(
        code="FILL_RATE_LOW",
        severity=Severity.WARNING,
        what="fill rate (entered of entered and missed)",
        worse=Worse.BELOW,
        limit=800_000_000,
        read=lambda found: _rate(found.fill_ppb, found),
        show=percent,
        advice="compare slippage with the shortfall, which counts what was missed; "
        "`surefill checklist --stage month` says whether a wider cap would have paid",
    ),
    Rule(
        code="SYSTEM_ERROR",
        is_single=True,
        severity=Severity.CRITICAL,
        what="number of system errors (invariant, exposed, in doubt, fault, crash)",
        worse=Worse.ABOVE,
        limit=0,
        read=lambda found: (found.error_count, found.error_seqs),
        show=str,
        advice="after a broken invariant new entries are halted and cover stays; after a fault or "
        "a crash nothing is decided until the next start: look at the positions at the broker "
        "first, then at `surefill why` of the trade and at CRITICAL lines of the log",
    ),
    Rule(
        code="UNCOVERED_LONG",
        is_single=True,
        severity=Severity.CRITICAL,
        what="longest time without a working stop",
        worse=Worse.ABOVE,
        limit=1_500_000_000,
        read=lambda found: _highest(found.uncovered_ns),
        show=seconds,
        advice="see that every position has a stop at the broker now; `surefill why` tells what "
        "held it up",
    ),
    Rule(
        code="DOUBT_LONG",
        is_single=True,
        severity=Severity.CRITICAL,
        what="longest time an order was in doubt",
        worse=Worse.ABOVE,
        limit=10 * SECOND_NS,
        read=lambda found: (
            (found.doubt_longest_ns, found.doubt_seqs)
            if found.doubt_longest_ns is not None
            else None
        ),
        show=seconds,
        advice="look for the order at the broker by its client order id; nothing is sent again "
        "before the broker has said whether it exists",
    ),
)
"""Every rule, in the order in which alerts are shown."""


def alerts_of(found: Metrics, rules: Sequence[Rule] = RULES) -> tuple[Alert, ...]:
    """The rules that these metrics break."""
    alerts = []
    for rule in rules:
        reading = rule.read(found)
        if reading is not None and rule.is_broken_by(reading[0]):
            alerts.append(Alert(rule, *reading))
    return tuple(alerts)


def evaluate(
    journal: Journal, *, since_ns: int | None = None, until_ns: int | None = None
) -> tuple[Alert, ...]:
    """The alerts of a journal's plans and incidents of a period (UTC ns); of all by default."""
    history = read_history(journal).between(since_ns, until_ns)
    return alerts_of(metrics_of(history.facts, history.incidents))
