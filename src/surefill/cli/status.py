"""``surefill status``: how the account stands, from the journal and, with keys, from the broker.

What: open trades with their cover and what is bare or in doubt, first; then engine and lease,
routing in force, switches, limits, request budget, settings and their digest.
Invariants: reads only, beside a running engine too; cover is judged by the same fold that trades
(`runtime.standing`); what could not be asked is said. Exit 4 when shares are bare or in doubt.
Must never: take the lease, or show a secret.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from surefill.cli.account import (
    TRADE_HEAD,
    TRADE_RIGHT,
    Sight,
    journal_of,
    load,
    look,
    trade_object,
    trade_row,
)
from surefill.cli.exits import Exit
from surefill.cli.output import Block, Table, emit, say, show
from surefill.config import ConfigError, Settings
from surefill.core.limits import ROW_OF
from surefill.core.policies import ROW_OF as POLICY_OF
from surefill.core.risk import RiskState, risk_state
from surefill.core.trade import Trade
from surefill.core.units import to_text
from surefill.ports import JournalError
from surefill.replay.narrate import at_text
from surefill.runtime.errors import SurefillError
from surefill.runtime.standing import (
    Review,
    Routing,
    Standing,
    cover_rows,
    doubts,
    review,
    routing_in_force,
    routing_of,
    standing_of,
)

DIGEST_SHOWN = 12
LIMITS_HEAD = ("symbol", "limit", "value", "unit", "meaning")
POLICY_HEAD = ("symbol", "policy", "value", "unit", "meaning")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill status``."""
    parser.add_argument(
        "--offline", action="store_true", help="from the journal alone, even with keys"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


@dataclass(frozen=True, slots=True)
class _Seen:
    """Everything that is shown. ``source``: where the trades' cover comes from."""

    settings: Settings
    standing: Standing
    sight: Sight | None
    review: Review | None
    source: str

    @property
    def trades(self) -> tuple[Trade, ...]:
        """Open trades, bare ones first."""
        trades = self.review.trades if self.review is not None else self.standing.trades
        return tuple(trade for trade, _ in cover_rows(trades))

    @property
    def uncovered_qty(self) -> int:
        """Shares without cover, over all trades."""
        return sum(cover.uncovered_qty for _, cover in cover_rows(self.trades))

    @property
    def in_doubt(self) -> int:
        """Orders that may have worked."""
        return sum(doubts(trade) for trade in self.trades)


def run(args: argparse.Namespace) -> int:
    """Show it; return an `Exit` code."""
    try:
        settings = load()
    except ConfigError as error:
        say(f"surefill status: {error}")
        return Exit.USAGE
    source = journal_of(settings)
    try:
        if not source.exists():
            sentence = f"no journal at {source}: nothing was started with these settings yet"
            say(f"surefill status: {sentence}")
            return Exit.UNAVAILABLE
        seen = _see(settings, standing_of(source), is_offline=args.offline)
    except JournalError as error:
        say(f"surefill status: {error}")
        return Exit.UNAVAILABLE
    if args.json:
        emit(_as_object(seen))
    else:
        show(_as_blocks(seen))
    return Exit.EXPOSED if seen.uncovered_qty or seen.in_doubt else Exit.DONE


def _see(settings: Settings, standing: Standing, *, is_offline: bool) -> _Seen:
    if is_offline or not settings.key_id:
        return _Seen(settings, standing, None, None, "the journal (the broker was not asked)")
    try:
        sight = look(settings, standing)
    except SurefillError as error:
        return _Seen(settings, standing, None, None, f"the journal; {error.sentence}")
    found = review(standing, settings, sight.picture, now=sight.now)
    source = "the broker, a moment ago"
    if found.failed:
        source = "the journal and what the broker answered; missing: "
        source += ", ".join(f"{part.what} ({part.text})" for part in found.failed)
    return _Seen(settings, standing, sight, found, source)


def routing_text(standing: Standing, settings: Settings) -> tuple[Routing | None, str]:
    """The path in force and a sentence that says how that is known."""
    asked = routing_of(settings)
    if standing.started is None:
        return None, f"never started; a start would take the {asked.value} path"
    seq, started = standing.started
    force = routing_in_force(started, settings)
    at = f"the start of {at_text(started.recv_ns)} New York (record {seq})"
    if force is Routing.UNKNOWN:
        return force, f"unknown: {at} had other settings than the ones here"
    if force is not asked:
        return force, f"{force.value}, by {at}; the settings now ask for {asked.value}: restart"
    share = ""
    if force is Routing.SMART and settings.rollout_percent < 100:
        share = f" for {settings.rollout_percent} % of the plans (by their id), legacy for the rest"
    return force, f"{force.value}{share}, by {at}"


def _switches(seen: _Seen) -> list[str]:
    state = seen.standing.state
    if state is None:
        return []
    return [str(reason) for reason in (state.kill, state.halt) if reason is not None]


def _risk_state(seen: _Seen) -> RiskState | None:
    state = seen.standing.state
    if state is None:
        return None
    return risk_state(is_killed=state.kill is not None, is_halted=state.halt is not None)


def _limits(settings: Settings) -> list[tuple[str, str, str, str, str]]:
    """(symbol, limit, value, unit, meaning), the account's first; 0 is off."""
    rows = []
    for one in settings.limits:
        row = ROW_OF[one.field]
        value = row.show(one.value) if one.value else "off"
        rows.append((one.symbol or "all", row.name, value, row.unit, row.meaning))
    return rows


def _policies(settings: Settings) -> list[tuple[str, str, str, str, str]]:
    """(symbol, policy, value, unit, meaning) of symbols with a policy of their own."""
    rows = []
    for one in settings.policies:
        row = POLICY_OF[one.field]
        rows.append((one.symbol, row.name, row.show(one.value), row.unit, row.meaning))
    return rows


def _budget(seen: _Seen) -> tuple[int | None, int | None]:
    """(requests left, limit a minute): the broker's word, or the engine's last."""
    if seen.sight is not None and seen.sight.picture.requests_left is not None:
        return seen.sight.picture.requests_left, seen.sight.picture.requests_limit
    state = seen.standing.state
    return (state.requests_left if state else None), seen.settings.requests_per_minute


def _as_object(seen: _Seen) -> dict[str, object]:
    standing = seen.standing
    force, text = routing_text(standing, seen.settings)
    left, limit = _budget(seen)
    return {
        "journal": str(standing.source),
        "records": standing.head[0],
        "engine": {
            "running": standing.holder is not None,
            "holder": standing.holder,
            "mode": standing.state.mode.value if standing.state is not None else None,
        },
        "routing": {"in_force": force.value if force else None, "sentence": text},
        "risk_state": _risk_state(seen),
        "switches": _switches(seen),
        "limits": [dict(zip(LIMITS_HEAD, row, strict=True)) for row in _limits(seen.settings)],
        "policies": [dict(zip(POLICY_HEAD, row, strict=True)) for row in _policies(seen.settings)],
        "source": seen.source,
        "trades": [trade_object(trade) for trade in seen.trades],
        "uncovered_qty": to_text(seen.uncovered_qty),
        "in_doubt": seen.in_doubt,
        "foreign_positions": _foreign(seen),
        "closed": len(standing.closed_ids),
        "requests": {"left": left, "limit": limit},
        "settings": {row.name: row.value for row in seen.settings.describe()},
        "settings_digest": seen.settings.digest(),
        "settings_digest_in_force": standing.started[1].settings_digest
        if standing.started
        else None,
        "notes": [
            {"record": seq, "topic": note.topic, "by": note.by, "why": note.why}
            for seq, note in standing.notes
        ],
    }


def _foreign(seen: _Seen) -> dict[str, str]:
    state = seen.review.state if seen.review is not None else seen.standing.state
    return {p.symbol: to_text(p.qty) for p in state.foreign} if state is not None else {}


def _as_blocks(seen: _Seen) -> list[Block]:
    standing, settings = seen.standing, seen.settings
    left, limit = _budget(seen)
    mode = standing.state.mode.value if standing.state is not None else "?"
    running = f"running ({mode}): {standing.holder}" if standing.holder else "not running"
    rows = [
        ("engine", running),
        ("uncovered", f"{to_text(seen.uncovered_qty)} shares"),
        ("in doubt", f"{seen.in_doubt} orders"),
        ("risk state", _risk_state(seen) or "never started"),
        ("switches", "; ".join(_switches(seen)) or "none: entries are allowed"),
        ("routing", routing_text(standing, settings)[1]),
        ("requests", f"{'?' if left is None else left} of {limit} a minute left"),
        ("settings", f"digest {settings.digest()[:DIGEST_SHOWN]}{_other_digest(seen)}"),
        ("journal", f"{standing.source}, {standing.head[0]} records"),
        ("closed", f"{len(standing.closed_ids)} trades and denied plans"),
    ]
    foreign = _foreign(seen)
    if foreign:
        text = ", ".join(f"{qty} {symbol}" for symbol, qty in foreign.items())
        rows.append(("foreign", f"{text}: not ours, not touched"))
    if standing.notes:
        seq, note = standing.notes[-1]
        rows.append(("last note", f"{note.topic} by {note.by}: {note.why or '-'} (record {seq})"))
    blocks = [*_trades_first(seen), Table("Account", rows)]
    blocks.append(Table("Limits of an entry", _limits(settings), head=LIMITS_HEAD))
    if settings.policies:
        policies = _policies(settings)
        blocks.append(Table("Policy of single symbols", policies, head=POLICY_HEAD))
    limits = [
        (row.name, row.value, row.unit)
        for row in settings.describe()
        if row.value and row.name not in ("SUREFILL_LIMITS", "SUREFILL_POLICY")
    ]
    blocks.append(Table("Settings of this shell and .env", limits))
    return blocks


def _trades_first(seen: _Seen) -> list[Block]:
    """What somebody who is called in the night has to see before anything else."""
    if not seen.trades:
        return [f"No open trade, by {seen.source}."]
    bare, doubtful = seen.uncovered_qty, seen.in_doubt
    loud = [f"EXPOSED: {to_text(bare)} shares without a stop"] if bare else []
    loud += [f"IN DOUBT: {doubtful} orders"] if doubtful else []
    table = [trade_row(trade) for trade in seen.trades]
    title = f"Open trades, by {seen.source}"
    return [
        "; ".join(loud) or "No share without a stop, no order in doubt.",
        Table(title, table, head=TRADE_HEAD, right=TRADE_RIGHT),
    ]


def _other_digest(seen: _Seen) -> str:
    started = seen.standing.started
    if started is None or started[1].settings_digest == seen.settings.digest():
        return ""
    return f"; the last start had {started[1].settings_digest[:DIGEST_SHOWN]}"
