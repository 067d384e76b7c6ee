"""The judgement of a simulated run: the auditor on the venue's log, and what a log cannot show.

What: `judge` -> violations. The auditor judges cover, price, size, outcomes and the rest; here are
added: kill (I6), no doubt and no open trade long after the healing (I21), the journal steps again
to the same bytes (I7), the venue's books add up and are what callers are told (I12), nothing was
sent that no broker takes (I13), nothing was late by the clock (`hours`, I18), what the `witness`
saw (I10, I11, I25), the engine found no broken invariant of its own, and in calm runs: nobody had
to repair or to alarm anything.
Invariants: excuses come from what really struck (`strikes`), from halts and from dead processes.
Must never: take the executor's word for what happened at the venue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from surefill.core.closing import FLAT_BEFORE_CLOSE_NS
from surefill.core.cover import cover_of
from surefill.core.events import Act
from surefill.core.reasons import ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import GroupKind, Trade
from surefill.core.units import NANO, to_text
from surefill.replay.evidence import Row, rows_of
from surefill.replay.restep import restep
from surefill.replay.simulate.hours import holdings, late_faults
from surefill.replay.simulate.play import Played
from surefill.replay.simulate.scenario import Meddling
from surefill.replay.simulate.stops import stop_faults
from surefill.replay.simulate.strikes import (
    POLL_MS,
    RESTART_GRACE_MS,
    excuses_of,
    has_stream_faults,
)
from surefill.replay.simulate.targets import target_faults
from surefill.replay.simulate.triggers import trigger_faults
from surefill.runtime.recovery import remembered
from surefill.runtime.result import result_of
from surefill.sim.auditor import AuditLimits, AuditReport, Excuse, Violation, audit
from surefill.sim.auditor_log import DEAD, owner_of
from surefill.sim.faults import NS_PER_MS, FaultCode

STREAM_LOST_MS = 5_000
"""I3 (b)."""
ON_THE_WAY_MS = 400
"""A request that left before the kill may arrive this much later."""
KILL_CANCEL_MS = 2_000
REPLAYED_EVERY = 20
"""Deciding a journal again costs nearly as much as the run: every twentieth seed pays for it."""
_ENDS_WITH_THE_SESSION = frozenset(
    {"handed over without full cover", "outcome 'OPEN' is not one of the nine"}
)
_NEVER_TAKEN = frozenset(
    {
        *("BAD_QTY", "BAD_PRICE", "SUB_PENNY", "LEG_ORDER", "TIF_ILLEGAL", "EXTENDED_ILLEGAL"),
        *("LIMIT_PX_MISSING", "STOP_PX_MISSING", "LIMIT_PX_UNWANTED", "STOP_PX_UNWANTED"),
        *("TARGET_MISSING", "STOP_LEG_MISSING", "LEG_UNWANTED", "OCO_NOT_LIMIT", "STOP_ENTRY"),
        *("QTY_FIXED", "ID_TOO_LONG", "UNKNOWN_SYMBOL"),
    }
)
_ELECTED = "STOP_PX_UNWANTED ord_type=STOP"
"""A stop that has just fired takes no other stop price: a matter of the moment."""
_TAKES_COVER = frozenset(
    {Meddling.CANCEL_LEG.value, Meddling.CLOSE_OUTSIDE.value, Meddling.REJECT_STOP.value}
)
_CHANGES = {
    "trade_correct": ReasonCode.VENUE_CORRECTED,
    "trade_bust": ReasonCode.VENUE_BUST,
}
"""what the venue does to an execution -> what we say when we hear of it"""
_REPAIRS = frozenset({GroupKind.FLATTEN, GroupKind.RESTORE, GroupKind.STOP})


def ends_of(played: Played) -> dict[str, Trade | Denial]:
    """plan id -> what the journal says became of it. A plan that was never handed over is
    absent."""
    found = {}
    for plan_id in played.accepted_ns:
        ended = remembered(played.run.stepper, plan_id)
        if ended is not None:
            found[plan_id] = ended
    return found


def limits_of(played: Played) -> AuditLimits:
    """What the auditor allows in this run."""
    strikes = played.faults.strikes
    taken_ns = [at_ns for at_ns, what in played.meddled if what in _TAKES_COVER]
    excuses = [*excuses_of(strikes, taken_ns)]
    excuses += [Excuse(halt.start_ns, halt.end_ns, symbol=halt.symbol) for halt in played.halts]
    excuses.append(Excuse(played.scenario.close_ns, played.run.edge.now_ns + NS_PER_MS))
    excuses += [Excuse(*block) for block in played.blocks]
    excuses += [Excuse(*down, grace_ms=RESTART_GRACE_MS) for down in played.downs]
    cover_ms = STREAM_LOST_MS if has_stream_faults(strikes) else AuditLimits().cover_ms
    slow_ms = max(cover_ms, AuditLimits().flat_ms)
    return AuditLimits(
        cover_ms=cover_ms,
        anchor_ms=cover_ms,
        flat_ms=slow_ms,
        entry_slack_ms=slow_ms + _held_back_ms(played),
        others=frozenset(played.others),
        foreign_orders=True,
        excuses=tuple(excuses),
        renewal_from_ns=played.scenario.close_ns - FLAT_BEFORE_CLOSE_NS,
    )


def judge(played: Played) -> tuple[AuditReport, tuple[Violation, ...]]:
    """The auditor's report, and every violation, the auditor's first."""
    limits, ends = limits_of(played), ends_of(played)
    overnight = _overnight(played, ends)
    plans: list[Row] = []
    claims: list[Row] = []
    policy = played.run.config.policy
    for ended in ends.values():
        plan, claim = rows_of(ended, policy, accepted_ns=_accepted_ns(ended))
        plans.append(plan)
        claims.append(claim)
    report = audit(plans, played.run.log.lines, claims, limits=limits)
    more = (
        *_kill_faults(played, limits),
        *_refusal_faults(played),
        *late_faults(
            played.run.log.lines,
            [one.plan for one in played.scenario.plans],
            limits,
            close_ns=played.scenario.close_ns,
            end_ns=played.run.edge.now_ns,
        ),
        *stop_faults(played, plans),
        *target_faults(played, plans),
        *trigger_faults(played, ends),
        *_progress_faults(played, ends),
        *_engine_faults(played),
        *_money_faults(played, ends, unheard_of(played)),
        *_calm_faults(played, ends),
        *played.witness.violations,
    )
    unheard = unheard_of(played)
    found = (
        one
        for one in report.violations
        if one.plan_id not in unheard
        and (one.plan_id not in overnight or one.sentence not in _ENDS_WITH_THE_SESSION)
    )
    return report, (*found, *more)


def unheard_of(played: Played) -> frozenset[str]:
    """Trades with an execution that was corrected or taken back in a message that was lost, and
    that ended before the next read could tell.

    A known gap: their books are right to that message, so they are counted and not judged.
    """
    told = {
        (alarm.trade_id, alarm.reason.code, alarm.reason.context)
        for _, alarm in played.run.alarms
        if alarm.reason.code in _CHANGES.values()
    }
    ends = ends_of(played)
    changed = set()
    for line in played.run.log.lines:
        code = _CHANGES.get(str(line["kind"]))
        owner = owner_of(str(line["cl_ord_id"] or ""))
        named = (("exec_id", str(line["exec_id"])),)
        if code is None or owner is None or (owner[0], code, named) in told:
            continue
        end = ends.get(owner[0])
        ended_ns = end.closed_ns if isinstance(end, Trade) else None
        if ended_ns is not None and ended_ns <= _number(line, "venue_ns") + POLL_MS * NS_PER_MS:
            changed.add(owner[0])
    return frozenset(changed)


def _overnight(played: Played, ends: Mapping[str, Trade | Denial]) -> frozenset[str]:
    """Trades that the close caught while exits for all their shares rested at the venue, ours or
    somebody else's (seed 40521, with more hands): what was not armed by then is armed at the next
    open (dormant), and nothing can trade before. Nor can what an execution taken back after the
    close has to be bought back with."""
    if played.run.edge.now_ns < played.scenario.close_ns:
        return frozenset()
    trades = [end for end in ends.values() if isinstance(end, Trade)]
    held = (
        t for t in trades if cover_of(t).claimed_qty + _others_qty(played, t) >= t.position_qty > 0
    )
    owed = (t for t in trades if t.position_qty < 0 and t.groups[-1].kind is GroupKind.RESTORE)
    return frozenset(trade.trade_id for trade in (*held, *owed))


def _others_qty(played: Played, trade: Trade) -> int:
    """Shares of a trade (1e-9) that orders of somebody else are about to close."""
    return sum(
        order.leaves_qty
        for order in played.run.exchange.venue.orders.values()
        if order.is_live
        and order.symbol == trade.symbol
        and order.side.sign == -trade.sign
        and owner_of(order.cl_ord_id) is None
        and order.parent_id is None
    )


def _accepted_ns(ended: Trade | Denial) -> int:
    return ended.accepted_ns if isinstance(ended, Trade) else ended.at_ns


def _kill_faults(played: Played, limits: AuditLimits) -> Iterator[Violation]:
    """I6: after a kill no new entry arrives, and the remainders are gone."""
    for kill_ns, until_ns in _kills(played):
        late_ns = kill_ns + (ON_THE_WAY_MS + _held_back_ms(played)) * NS_PER_MS
        last: dict[str, Mapping[str, object]] = {}
        for line in played.run.log.lines:
            at_ns, owner = _number(line, "venue_ns"), owner_of(str(line["cl_ord_id"] or ""))
            if owner is None or owner[1] != "E" or at_ns > until_ns:
                continue
            if line["kind"] == "accept" and late_ns < at_ns:
                yield Violation("I6", owner[0], at_ns, "an entry was accepted after the kill")
            order_id = str(line["order_id"])
            if line["order_id"] and (order_id not in last or last[order_id]["status"] not in DEAD):
                last[order_id] = line
        for end in last.values():
            worked_until_ns = _number(end, "venue_ns") if end["status"] in DEAD else until_ns
            if limits.latest_end_ns(kill_ns, KILL_CANCEL_MS, str(end["symbol"])) < worked_until_ns:
                plan_id = str(end["cl_ord_id"])
                yield Violation("I6", plan_id, kill_ns, "an entry still worked after the kill")


def _refusal_faults(played: Played) -> Iterator[Violation]:
    """I13: an order that no broker takes, whatever its market, account and moment, was sent."""
    for line in played.run.log.lines:
        owner = owner_of(str(line["cl_ord_id"] or ""))
        if line["kind"] == "refused" and owner is not None:
            why = str(line["text"])
            if why.partition(" ")[0] in _NEVER_TAKEN and not why.startswith(_ELECTED):
                sentence = f"{line['cl_ord_id']} was no order that a broker takes: {why}"
                yield Violation("I13", owner[0], _number(line, "venue_ns"), sentence)


def _money_faults(
    played: Played, ends: Mapping[str, Trade | Denial], unheard: frozenset[str]
) -> Iterator[Violation]:
    """I12: what callers are told they made in a symbol is what the venue's ledger says. Judged
    where every trade was closed by our own orders; each result is cut to 1e-9 USD."""
    venue = played.run.exchange.venue
    entries = venue.ledgers[played.run.account].entries
    _, others = holdings(played.run.log.lines)
    for symbol in sorted({one.plan.symbol for one in played.scenario.plans} - others):
        trades = [end for end in ends.values() if isinstance(end, Trade) and end.symbol == symbol]
        traded = [trade for trade in trades if any(order.cum_qty for order in trade.orders)]
        told = [result_of(trade).pnl_usd for trade in traded]
        known = [pnl_usd for pnl_usd in told if pnl_usd is not None]
        if len(known) < len(told) or unheard & {trade.trade_id for trade in trades}:
            continue
        made = sum(entry.cash for entry in entries if entry.symbol == symbol)
        if not 0 <= made - sum(known) * NANO <= len(known) * NANO:
            sentence = (
                f"{symbol}: told {to_text(sum(known))} USD, the venue {to_text(made // NANO)}"
            )
            yield Violation("I12", "", played.run.edge.now_ns, sentence)


def _kills(played: Played) -> Iterator[tuple[int, int]]:
    """(kill, un-kill) in venue time."""
    since_ns: int | None = None
    for at_ns, act in played.switched:
        if act is Act.KILL and since_ns is None:
            since_ns = at_ns
        elif act is Act.UNKILL and since_ns is not None:
            yield since_ns, at_ns
            since_ns = None


def _held_back_ms(played: Played) -> int:
    """How long a request that had left before may have been held back on its way."""
    strikes = (one.fault for one in played.faults.strikes if one.code is FaultCode.N2)
    return max((fault.number("accept_delay_ms", 0) for fault in strikes), default=0)


def _progress_faults(played: Played, ends: Mapping[str, Trade | Denial]) -> Iterator[Violation]:
    """I21: after the healing no doubt remains, every plan that was handed over is known."""
    end_ns = played.run.edge.now_ns
    for key in played.doubts:
        yield Violation("I21", key, end_ns, "still in doubt 150 s after everything worked again")
    if played.run.has_arrivals or not played.run.is_alive:
        yield Violation("I21", "", end_ns, "the engine takes no plans after everything works again")
    for plan_id in played.accepted_ns:
        if plan_id not in ends and not played.run.has_arrivals:
            yield Violation("I5", plan_id, end_ns, "was handed over and is not in the journal")


def _engine_faults(played: Played) -> Iterator[Violation]:
    """What the engine found wrong with itself, and what its journal and the books say (I7, I12)."""
    run = played.run
    for at_ns, alarm in run.alarms:
        if alarm.reason.code is ReasonCode.INVARIANT_BROKEN:
            yield Violation("OWN", alarm.trade_id or "", at_ns, alarm.reason.sentence)
    for sentence in run.exchange.books(run.account).breaks:
        yield Violation("I12", "", run.edge.now_ns, f"the venue's books: {sentence}")
    if played.scenario.seed % REPLAYED_EVERY:
        return
    found = restep(run.journal, run.engine.config, settings_digest="virtual", build="virtual")
    if found.difference is not None:
        sentence = f"record {found.difference.seq}: {found.difference.sentence}"
        yield Violation("I7", "", run.edge.now_ns, sentence)


def _calm_faults(played: Played, ends: Mapping[str, Trade | Denial]) -> Iterator[Violation]:
    """On a healthy venue nothing is repaired and nobody is alarmed."""
    if not played.scenario.is_calm:
        return
    for at_ns, alarm in played.run.alarms:
        yield Violation("CALM", alarm.trade_id or "", at_ns, f"alarm: {alarm.reason}")
    for plan_id, ended in ends.items():
        if not isinstance(ended, Trade) or ended.exit_reason is not None:
            continue
        for group in ended.groups:
            if group.kind in _REPAIRS:
                sentence = f"a {group.kind.value} order on a healthy venue"
                yield Violation("CALM", plan_id, ended.closed_ns or 0, sentence)


def _number(line: Mapping[str, object], name: str) -> int:
    value = line[name]
    assert isinstance(value, int)
    return value
