"""Whether breakouts waited for their market, and entered when it came: the venue's log against the
tape.

What: `trigger_faults`. No entry order of a breakout reaches the venue before somebody had paid its
trigger on the tape; and in a calm run no breakout says that its market never came although the tape
stood there for long.
Why beside the auditor: it knows no tape, and between decision and order the market may have gone.
Invariants: the rule is written here a second time, from its words.
Must never: take the executor's word for when the market came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from surefill.core.plan import TradePlan
from surefill.core.reasons import ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.replay.simulate.play import Played
from surefill.replay.simulate.tape import path_of
from surefill.sim.auditor import Violation
from surefill.sim.auditor_log import owner_of
from surefill.sim.faults import NS_PER_MS

STOOD_MS = 3_000
"""A market that stays at the trigger so long is seen: quotes are at most 2.1 s apart in a storm."""


def trigger_faults(played: Played, ends: Mapping[str, Trade | Denial]) -> Iterator[Violation]:
    """Every entry that came too early, and every market that was not seen."""
    sent = _first_entries(played)
    for given in played.scenario.plans:
        plan = given.plan
        if plan.trigger_px is None:
            continue
        stood = list(_stood(played, plan, given.at_ms))
        at_ns = sent.get(plan.plan_id)
        paid_ns = stood[0][0] if stood else None
        if at_ns is not None and (paid_ns is None or at_ns < paid_ns):
            yield Violation("I1", plan.plan_id, at_ns, "entered before its trigger was paid")
        if played.scenario.is_calm and _is_silent(ends.get(plan.plan_id), stood):
            sentence = "its market came and stayed, and it was never triggered"
            yield Violation("I21", plan.plan_id, played.run.edge.now_ns, sentence)


def _first_entries(played: Played) -> dict[str, int]:
    """plan -> when the venue first heard of an entry order of it, whatever became of that."""
    found: dict[str, int] = {}
    for line in played.run.log.lines:
        owner = owner_of(str(line["cl_ord_id"] or ""))
        if owner is not None and owner[1] == "E":
            found.setdefault(owner[0], int(str(line["venue_ns"])))
    return found


def _stood(played: Played, plan: TradePlan, from_ms: int) -> Iterator[tuple[int, int]]:
    """(since, until, UTC ns) of every stretch in which somebody paid the trigger on the tape. A
    quote of before the plan counts for as long as it stands after it."""
    scenario = played.scenario
    symbol = next(one for one in scenario.symbols if one.name == plan.symbol)
    path = path_of(symbol, scenario.seed, scenario.storm_ms)
    ends = [quote[0] for quote in path[1:]] + [path[-1][0]]
    since: int | None = None
    for (at_ms, bid_px, ask_px, _), end_ms in zip(path, ends, strict=True):
        if end_ms <= from_ms:
            continue
        is_paid = plan.sign * ((bid_px if plan.sign > 0 else ask_px) - (plan.trigger_px or 0)) >= 0
        if is_paid and since is None:
            since = scenario.at_ns(max(at_ms, from_ms))
        elif not is_paid and since is not None:
            yield since, scenario.at_ns(at_ms)
            since = None
    if since is not None:
        yield since, scenario.at_ns(ends[-1])


def _is_silent(end: Trade | Denial | None, stood: list[tuple[int, int]]) -> bool:
    """Whether a trade says that its market never came while it waited, and it stood there."""
    if not isinstance(end, Trade) or end.reason is None:
        return False
    if end.reason.code is not ReasonCode.ENTRY_NOT_TRIGGERED:
        return False
    waited = (end.accepted_ns, end.deadline_ns)
    return any(
        min(until, waited[1]) - max(since, waited[0]) >= STOOD_MS * NS_PER_MS
        for since, until in stood
    )
