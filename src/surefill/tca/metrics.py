"""Honest metrics of any set of plans: what was refused, missed, paid and left without cover.

    total = metrics_of(history.facts, history.incidents)
    for name, one in by_group(history, Group.SYMBOL): ...

What: `Metrics` (integers only; ratios and slippage in ppb, times in ns) and its groups.
Definitions: rejection rate = (denied + rejected by the broker) / unique plans. Fill rate = entered
/ (entered + not entered): a timeout belongs here. Slippage is averaged over entered plans; limit
entries cap it by construction, so the shortfall, which counts missed shares at their cost, stands
beside it. Both averages weigh plans equally. Denied plans are in no shortfall: they were refused,
not missed.
Invariants: a plan whose missed part has no known cost is counted as unknown, never as free.
Must never: use a float, or show a rate of nothing as 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from surefill.core.units import NANO
from surefill.tca.facts import COSTLESS, Fact, Fate
from surefill.tca.history import History, Incident, IncidentKind


class Group(StrEnum):
    """What metrics can be split by."""

    PATH = "path"
    SYMBOL = "symbol"
    SIDE = "side"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class Sample:
    """Numbers of several plans: how many, their mean (rounded up), the ends, and the records of
    the plans at the ends."""

    count: int
    mean: int
    low: int
    high: int
    low_seqs: tuple[int, ...]
    high_seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Median, 99th percentile (nearest rank) and maximum."""

    p50: int
    p99: int
    high: int
    high_seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The numbers of one group of plans. ``None``: nothing to measure. ``*_ppb``: 1e-9 (of 1, or of
    the signal price). ``cap_use`` is slippage by the plan's own cap, smart path only. ``mae`` and
    ``mfe`` (see `tca.facts`) are in R like ``result``, ``mae_px`` and ``mfe_px`` in 1e-9 USD a
    share; ``excursion_unknown`` counts ended trades whose market was not seen throughout."""

    plans: int
    denied: int
    rejected: int
    entered: int
    not_entered: int
    pending: int
    not_triggered: int
    closed: int
    rejection_ppb: int | None
    fill_ppb: int | None
    slippage_vs_signal: Sample | None
    cap_use: Sample | None
    shortfall: Sample | None
    shortfall_unknown: int
    rr_signal: Sample | None
    rr_exits: Sample | None
    beyond_cap: int
    beyond_cap_seqs: tuple[int, ...]
    errors: tuple[tuple[str, int], ...]
    error_seqs: tuple[int, ...]
    doubt_longest_ns: int | None
    doubt_seqs: tuple[int, ...]
    uncovered_ns: Quantiles | None
    uncovered_share_ms: Quantiles | None
    result: Sample | None
    mae: Sample | None
    mfe: Sample | None
    mae_px: Sample | None
    mfe_px: Sample | None
    excursion_unknown: int
    wins: int
    pnl_usd: int | None
    reasons: tuple[tuple[str, int], ...]
    seqs: tuple[int, ...]

    @property
    def error_count(self) -> int:
        """All system errors."""
        return sum(count for _, count in self.errors)

    @property
    def hit_ppb(self) -> int | None:
        """Share of closed trades that made money."""
        return self.wins * NANO // self.result.count if self.result else None

    def to_dict(self) -> dict[str, object]:
        """Flat and JSON-ready; the same keys for every group, so that it is a CSV row too."""
        row: dict[str, object] = {
            name: getattr(self, name)
            for name in ("plans", "denied", "rejected", "entered", "not_entered", "pending")
        }
        row["not_triggered"] = self.not_triggered
        row |= {"closed": self.closed, "rejection_ppb": self.rejection_ppb}
        row |= {"fill_ppb": self.fill_ppb}
        for name in (
            "slippage_vs_signal",
            "cap_use",
            "shortfall",
            "rr_signal",
            "rr_exits",
            "result",
            "mae",
            "mfe",
        ):
            row |= _sample_row(name, "ppb", getattr(self, name))
        row |= _sample_row("mae_px", "nano_usd", self.mae_px)
        row |= _sample_row("mfe_px", "nano_usd", self.mfe_px)
        row["excursion_unknown"] = self.excursion_unknown
        row["shortfall_unknown"] = self.shortfall_unknown
        row["beyond_cap"] = self.beyond_cap
        counted = dict(self.errors)
        row |= {f"errors_{kind.value.lower()}": counted.get(kind.value, 0) for kind in IncidentKind}
        row["doubt_longest_ns"] = self.doubt_longest_ns
        for name in ("uncovered_ns", "uncovered_share_ms"):
            spread: Quantiles | None = getattr(self, name)
            row[f"{name}_p50"] = spread.p50 if spread else None
            row[f"{name}_p99"] = spread.p99 if spread else None
            row[f"{name}_max"] = spread.high if spread else None
        row |= {"wins": self.wins, "hit_ppb": self.hit_ppb, "pnl_nano_usd": self.pnl_usd}
        row["reasons"] = " ".join(f"{name}={count}" for name, count in self.reasons)
        return row


def _sample_row(name: str, unit: str, sample: Sample | None) -> dict[str, object]:
    return {
        f"{name}_count": sample.count if sample else 0,
        f"{name}_mean_{unit}": sample.mean if sample else None,
        f"{name}_min_{unit}": sample.low if sample else None,
        f"{name}_max_{unit}": sample.high if sample else None,
    }


def metrics_of(facts: Sequence[Fact], incidents: Sequence[Incident] = ()) -> Metrics:
    """The metrics of these plans and of the incidents that befell them."""
    fates = Counter(fact.fate for fact in facts)
    denied, rejected = fates[Fate.DENIED], fates[Fate.REJECTED]
    entered, missed = fates[Fate.ENTERED], fates[Fate.NOT_ENTERED]
    held = [fact for fact in facts if fact.fate is Fate.ENTERED]
    worked = [fact for fact in facts if fact.fate not in (Fate.DENIED, *COSTLESS)]
    beyond = [fact for fact in facts if fact.has_fill_beyond]
    doubts = [one for one in incidents if one.kind is IncidentKind.IN_DOUBT]
    longest = max(doubts, key=lambda one: one.lasted_ns, default=None)
    ended = [fact for fact in facts if fact.r_ppb is not None]
    made = [fact.pnl_usd for fact in facts if fact.pnl_usd is not None]
    return Metrics(
        plans=len(facts),
        denied=denied,
        rejected=rejected,
        entered=entered,
        not_entered=missed,
        pending=fates[Fate.PENDING],
        not_triggered=fates[Fate.NOT_TRIGGERED],
        closed=sum(1 for fact in held if fact.outcome is not None),
        rejection_ppb=_share(denied + rejected, len(facts)),
        fill_ppb=_share(entered, entered + missed),
        slippage_vs_signal=_sample((fact, fact.slippage_vs_signal_ppb) for fact in held),
        cap_use=_sample((fact, _cap_use_ppb(fact)) for fact in held),
        shortfall=_sample((fact, fact.shortfall_ppb) for fact in worked),
        shortfall_unknown=sum(1 for fact in worked if fact.shortfall_ppb is None),
        rr_signal=_sample((fact, fact.rr_signal_ppb) for fact in held),
        rr_exits=_sample((fact, fact.rr_exits_ppb) for fact in held),
        beyond_cap=len(beyond),
        beyond_cap_seqs=_seqs(beyond),
        errors=_ranked(one.kind.value for one in incidents),
        error_seqs=tuple(sorted({one.seq for one in incidents})),
        doubt_longest_ns=longest.lasted_ns if longest else None,
        doubt_seqs=(longest.seq,) if longest else (),
        uncovered_ns=_quantiles((fact, fact.uncovered_ns) for fact in held),
        uncovered_share_ms=_quantiles((fact, fact.uncovered_share_ms) for fact in held),
        result=_sample((fact, fact.r_ppb) for fact in ended),
        mae=_sample((fact, fact.mae_ppb) for fact in ended),
        mfe=_sample((fact, fact.mfe_ppb) for fact in ended),
        mae_px=_sample((fact, fact.mae_px) for fact in ended),
        mfe_px=_sample((fact, fact.mfe_px) for fact in ended),
        excursion_unknown=sum(1 for fact in ended if fact.mae_px is None),
        wins=sum(1 for fact in ended if (fact.r_ppb or 0) > 0),
        pnl_usd=sum(made) if made else None,
        reasons=_ranked(
            fact.code
            for fact in facts
            if fact.fate in (Fate.DENIED, Fate.REJECTED, Fate.NOT_ENTERED)
        ),
        seqs=_seqs(facts),
    )


def by_group(history: History, group: Group) -> tuple[tuple[str, Metrics], ...]:
    """(name, metrics) of every group, by name. Incidents go with their plan; those of no plan are
    in the total only."""
    members: dict[str, list[Fact]] = {}
    for fact in history.facts:
        members.setdefault(_name(fact, group), []).append(fact)
    found = []
    for name in sorted(members):
        ids = {fact.plan_id for fact in members[name]}
        mine = [one for one in history.incidents if one.trade_id in ids]
        found.append((name, metrics_of(members[name], mine)))
    return tuple(found)


def _name(fact: Fact, group: Group) -> str:
    names = {
        Group.PATH: fact.path,
        Group.SYMBOL: fact.symbol,
        Group.SIDE: str(fact.side),
        Group.REASON: fact.code,
    }
    return names[group]


def _cap_use_ppb(fact: Fact) -> int | None:
    if fact.is_legacy or fact.slippage_vs_signal_ppb is None or not fact.cap_ppb:
        return None
    return fact.slippage_vs_signal_ppb * NANO // fact.cap_ppb


def _share(part: int, whole: int) -> int | None:
    return part * NANO // whole if whole else None


def _sample(pairs: Iterable[tuple[Fact, int | None]]) -> Sample | None:
    known = [(value, fact) for fact, value in pairs if value is not None]
    if not known:
        return None
    low = min(known, key=lambda pair: pair[0])
    high = max(known, key=lambda pair: pair[0])
    mean = -(-sum(value for value, _ in known) // len(known))
    return Sample(len(known), mean, low[0], high[0], low[1].seqs, high[1].seqs)


def _quantiles(pairs: Iterable[tuple[Fact, int]]) -> Quantiles | None:
    known = sorted(((value, fact) for fact, value in pairs), key=lambda pair: pair[0])
    if not known:
        return None
    ranks = [-(-percent * len(known) // 100) - 1 for percent in (50, 99)]
    p50, p99 = (known[rank][0] for rank in ranks)
    return Quantiles(p50, p99, known[-1][0], known[-1][1].seqs)


def _ranked(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    counted = Counter(names)
    return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def _seqs(facts: Iterable[Fact]) -> tuple[int, ...]:
    return tuple(sorted({seq for fact in facts for seq in fact.seqs}))
