"""How an account stands now, as one value that pages and terminal show.

What: `board_of` makes a `Board` of what the journal remembers (`Look`): what is wrong first, then
signs of life, then every open trade with its cover, its entry and its reward/risk.
Invariants: pure; shares are counted by the fold that covers them; what is bare or in doubt is
named one by one and stands before everything else; every notice says what to do. A journal that
cannot be read is not an account without trades.
Must never: read a clock or a file, or show an account number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from surefill.config import Settings
from surefill.core.fix import Leg
from surefill.core.order import OrderState
from surefill.core.risk import RiskState, risk_state
from surefill.core.state import Mode
from surefill.core.trade import Phase, Trade
from surefill.core.units import NANO
from surefill.dashboard.words import (
    NOTHING,
    Tone,
    change_text,
    clock_text,
    plural,
    px_text,
    qty_text,
    seconds_text,
    shares_text,
    signed_text,
)
from surefill.runtime.result import TradeResult, result_of
from surefill.service.reader import Picture, Pulse
from surefill.service.views import masked
from surefill.tca.rules import Alert, Severity

BEAT_LATE_NS = 3 * NANO
BEAT_LOST_NS = 10 * NANO
LAG_WARN_NS, LAG_BAD_NS = 500_000_000, 2 * NANO
"""Between the venue's stamp on a report and our clock at its arrival: more is a clock that is wrong
or a stream that is slow."""
BUDGET_LOW = 5
"""A fifth of the request budget."""
LAST_WORD = (
    "Shown is the last record: what filled since may be bare; surefill status asks the broker."
)
QUIET_PHASES = frozenset({Phase.COVERED, Phase.CLOSED})
LOUD_PHASES = frozenset({Phase.IN_DOUBT, Phase.FILLED_UNCOVERED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything that was seen at one moment. ``beat_age_ns``: since the heart's counter moved;
    ``bare_more_ns``: plan id -> how much longer its shares are bare than its image says;
    ``lag_ns``: our clock minus the venue's at the last report; ``last_ns``: time of the last
    record (UTC); ``problem``: why the journal could not be read; ``is_blind``: there is one, or was
    one before."""

    picture: Picture
    pulse: Pulse
    settings: Settings
    alerts: tuple[Alert, ...] = ()
    beat_age_ns: int | None = None
    bare_more_ns: tuple[tuple[str, int], ...] = ()
    lag_ns: int | None = None
    last_ns: int | None = None
    has_own_time: bool = False
    problem: str = ""
    is_blind: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something somebody has to know. ``todo``: what to do; ``plan_id``: of which trade."""

    tone: Tone
    title: str
    text: str
    todo: str
    plan_id: str = ""


@dataclass(frozen=True, slots=True)
class Vital:
    """One sign of life."""

    name: str
    value: str
    tone: Tone
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """How far an entry is. ``filled_percent`` of the shares wanted; ``room_percent``: how much of
    the way from the signal to the worst price its average or its limit has used."""

    filled_percent: int
    filled: str
    room_percent: int | None
    price: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRow:
    """One open trade. ``target``: several are separated by commas."""

    plan_id: str
    symbol: str
    side: str
    path: str
    phase: str
    tone: Tone
    held: str
    bare: str
    bare_for: str
    entry: Entry
    stop: str
    target: str
    reward: str
    slippage: str


@dataclass(frozen=True, slots=True)
class ForeignRow:
    """Shares on the account that are not ours."""

    symbol: str
    qty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The whole."""

    seq: int
    risk: RiskState | None
    risk_why: str
    notices: tuple[Notice, ...]
    vitals: tuple[Vital, ...]
    trades: tuple[TradeRow, ...]
    foreign: tuple[ForeignRow, ...]
    is_running: bool
    problem: str
    is_blind: bool = False

    @property
    def worst(self) -> Tone:
        """The loudest notice."""
        if self.problem and not self.notices:
            return Tone.PLAIN
        tones = {notice.tone for notice in self.notices}
        return Tone.BAD if Tone.BAD in tones else Tone.WARN if Tone.WARN in tones else Tone.GOOD

    @property
    def headline(self) -> str:
        """One line that a person sees from the door."""
        if self.notices and self.worst is Tone.BAD:
            return self.notices[0].title
        if self.problem:
            return "Nothing to show yet"
        held = sum(1 for trade in self.trades if trade.held != "0")
        if not self.trades:
            return "No open trade"
        return f"{plural(len(self.trades), 'open trade')}, {held} with shares, all covered"


def board_of(look: Look) -> Board:
    """The board of one look."""
    state = look.picture.state
    kill, halt = (state.kill, state.halt) if state is not None else (None, None)
    risk = risk_state(is_killed=kill is not None, is_halted=halt is not None)
    why = kill if kill is not None else halt
    trades = sorted(look.picture.open_trades, key=_loudness)
    return Board(
        seq=look.picture.seq,
        risk=risk if state is not None else None,
        risk_why=why.sentence if why is not None else "",
        notices=tuple(sorted(_notices(look, trades), key=lambda one: one.tone is not Tone.BAD)),
        vitals=tuple(_vitals(look)),
        trades=tuple(_trade_row(look, trade) for trade in trades),
        foreign=tuple(
            ForeignRow(one.symbol, qty_text(one.qty))
            for one in (state.foreign if state is not None else ())
        ),
        is_running=look.pulse.holder is not None,
        problem=look.problem,
        is_blind=look.is_blind,
    )


# --------------------------------------------------------------------------------- what is wrong


def _notices(look: Look, trades: list[Trade]) -> Iterator[Notice]:
    """What is ours first; the loudest are sorted before the others."""
    yield from _bare(look, trades)
    yield from _doubtful(trades)
    yield from _engine_notices(look, has_open=bool(trades))
    for severity, tone in ((Severity.CRITICAL, Tone.BAD), (Severity.WARNING, Tone.WARN)):
        for alert in look.alerts:
            if alert.rule.severity is severity:
                advice = _plain(alert.rule.advice)
                yield Notice(tone, alert.rule.code, _plain(alert.sentence), advice)


def _plain(text: str) -> str:
    """A sentence of its own out of a half one of the documents, where commands have backticks."""
    return f"{text[:1].upper()}{text[1:]}".replace("`", "")


def _bare(look: Look, trades: list[Trade]) -> Iterator[Notice]:
    more = dict(look.bare_more_ns)
    for trade in trades:
        found = result_of(trade)
        if not found.uncovered_qty:
            continue
        lasts = seconds_text(_bare_ns(trade, more))
        yield Notice(
            Tone.BAD,
            f"EXPOSED: {shares_text(found.uncovered_qty)} of {trade.symbol} without a stop",
            f"for {lasts} in all; {found.phase.value if found.phase else ''}"
            + (f"; {found.sentence}" if found.reasons else ""),
            "If it lasts longer than two seconds, flatten it here or at the broker.",
            trade.trade_id,
        )


def _doubtful(trades: list[Trade]) -> Iterator[Notice]:
    for trade in trades:
        for order in trade.orders:
            if order.state is OrderState.IN_DOUBT:
                yield Notice(
                    Tone.BAD,
                    f"IN DOUBT: an order of {trade.symbol}",
                    f"{order.leg.value} {order.key}: the broker has not said whether it exists",
                    "Do not send it again. The engine asks until it knows; look for this id at the"
                    " broker.",
                    trade.trade_id,
                )


def _engine_notices(look: Look, *, has_open: bool) -> Iterator[Notice]:
    state = look.picture.state
    if look.is_blind:
        todo = "Look at positions and stops at the broker now; then surefill doctor."
        yield Notice(Tone.BAD, "BLIND: THE JOURNAL CANNOT BE READ", look.problem, todo)
    if look.problem:
        return
    if look.pulse.holder is None:
        tone = Tone.BAD if has_open else Tone.WARN
        text = f"Stops at the broker stay; nothing new is decided. {LAST_WORD}" if has_open else ""
        yield Notice(tone, "NO ENGINE RUNS", text, "Start it: surefill run")
    elif not _is_live(look):
        lasts = seconds_text(look.beat_age_ns or 0)
        text = f"No sign of life for {lasts}; stops at the broker stay. {LAST_WORD}"
        yield Notice(Tone.BAD, "ENGINE SILENT", text, "See docs/alerts.md; surefill doctor")
    if state is None:
        return
    if state.kill is not None:
        text = state.kill.sentence
        yield Notice(
            Tone.WARN,
            "HALTED BY THE KILL SWITCH",
            text,
            "Un-kill on this page once it is understood.",
        )
    elif state.halt is not None:
        yield Notice(Tone.WARN, "REDUCING: EXITS ONLY", state.halt.sentence, "Resume on this page.")
    if look.pulse.holder is not None and not state.is_stream_up and state.mode is Mode.READY:
        text = "The engine asks for every order instead; cover is slower."
        yield Notice(Tone.WARN, "ORDER STREAM DOWN", text, "surefill doctor says why.")


# --------------------------------------------------------------------------------- signs of life


def _vitals(look: Look) -> Iterator[Vital]:
    state, pulse = look.picture.state, look.pulse
    if look.problem:
        return
    engine = "running" if pulse.holder is not None else "not running"
    mode = f", {state.mode.value.lower()}" if state is not None and pulse.holder else ""
    yield Vital("Engine", engine + mode, _good(pulse.holder is not None), pulse.holder or "")
    yield _beat(look)
    if state is None:
        return
    if pulse.holder is None:
        yield Vital("Order stream", NOTHING, Tone.PLAIN, "No engine runs that could listen.")
    else:
        stream = "attached" if state.is_stream_up else "down"
        yield Vital("Order stream", stream, _good(state.is_stream_up))
    yield _clock(look)
    yield _budget(look)
    known = state.account.account_id if state.account is not None else None
    yield Vital("Account", masked(known) if known else NOTHING, Tone.PLAIN)
    yield Vital("Journal", plural(look.picture.seq, "record"), Tone.PLAIN)


def _beat(look: Look) -> Vital:
    beat, age_ns = look.pulse.beat, look.beat_age_ns
    if beat is None or age_ns is None:
        return Vital("Heartbeat", NOTHING, Tone.PLAIN, "Only `surefill run` has one.")
    if beat.is_stopped:
        return Vital("Heartbeat", "ended in order", Tone.PLAIN)
    if look.pulse.holder is None:
        return Vital("Heartbeat", "ended without a word", Tone.BAD, f"beat {beat.n}")
    if age_ns <= BEAT_LATE_NS:
        return Vital("Heartbeat", "steady", Tone.GOOD, f"beat {beat.n}")
    tone = Tone.WARN if age_ns <= BEAT_LOST_NS else Tone.BAD
    return Vital("Heartbeat", f"{seconds_text(age_ns)} ago", tone, f"beat {beat.n}")


def _clock(look: Look) -> Vital:
    name = "Clock"
    at = f"last record {clock_text(look.last_ns)} New York" if look.last_ns is not None else ""
    own = "; the venue plays its own day" if look.has_own_time else ""
    if look.lag_ns is None:
        return Vital(name, "no report yet", Tone.PLAIN, at + own)
    size_ns = abs(look.lag_ns)
    tone = Tone.GOOD
    if size_ns >= LAG_WARN_NS:
        tone = Tone.WARN if size_ns < LAG_BAD_NS else Tone.BAD
    behind = "late" if look.lag_ns >= 0 else "early"
    text = f"reports {size_ns // 1_000_000} ms {behind}"
    return Vital(name, text, tone, at + own)


def _budget(look: Look) -> Vital:
    state, limit = look.picture.state, look.settings.requests_per_minute
    left = state.requests_left if state is not None else None
    if left is None:
        return Vital("Request budget", NOTHING, Tone.PLAIN, f"{limit} a minute")
    tone = Tone.GOOD if left * BUDGET_LOW > limit else Tone.WARN
    return Vital("Request budget", f"{left} of {limit} left", tone, "this minute")


def _good(is_good: bool) -> Tone:
    return Tone.GOOD if is_good else Tone.BAD


# ---------------------------------------------------------------------------------- open trades


def _loudness(trade: Trade) -> tuple[bool, bool, str]:
    found = result_of(trade)
    return not found.uncovered_qty, found.phase is not Phase.IN_DOUBT, trade.trade_id


def _bare_ns(trade: Trade, more: dict[str, int]) -> int:
    return trade.uncovered.total_ns + more.get(trade.trade_id, 0)


def _is_live(look: Look) -> bool:
    """Whether what is recorded is what is: somebody hears of fills."""
    is_lost = look.beat_age_ns is not None and look.beat_age_ns > BEAT_LOST_NS
    return look.pulse.holder is not None and not is_lost


def _trade_row(look: Look, trade: Trade) -> TradeRow:
    found, more = result_of(trade), dict(look.bare_more_ns)
    tone = _tone(found)
    if tone is Tone.GOOD and not _is_live(look):
        tone = Tone.WARN  # covered when the engine was last heard of
    return TradeRow(
        plan_id=found.plan_id,
        symbol=found.symbol,
        side=found.side.value,
        path="legacy" if found.is_legacy else "smart",
        phase=found.phase.value.replace("_", " ") if found.phase is not None else NOTHING,
        tone=tone,
        held=qty_text(trade.sign * found.position_qty),
        bare=qty_text(found.uncovered_qty),
        bare_for=seconds_text(_bare_ns(trade, more)),
        entry=entry_of(trade, found),
        stop=px_text(found.stop_px),
        target=_targets(trade, found),
        reward=change_text(found.rr_planned, found.rr_at_fill),
        slippage=signed_text(found.slippage_vs_signal_bps),
    )


def _targets(trade: Trade, found: TradeResult) -> str:
    """Where targets rest, nearest first; of a trade whose targets do not rest yet, its own."""
    resting = {o.spec.limit_px for o in trade.orders if o.leg is Leg.TARGET and o.is_open}
    known = sorted((px for px in resting if px is not None), key=lambda px: trade.sign * px)
    return ", ".join(map(px_text, known)) or px_text(found.target_px)


def _tone(found: TradeResult) -> Tone:
    if found.uncovered_qty or found.phase in LOUD_PHASES:
        return Tone.BAD
    if found.phase in QUIET_PHASES:
        return Tone.GOOD
    return Tone.WARN if found.position_qty else Tone.PLAIN


def entry_of(trade: Trade, found: TradeResult) -> Entry:
    """How far its entry is, against the worst price."""
    wanted = trade.terms.order_qty
    order = trade.open_entry
    limit_px = order.spec.limit_px if order is not None else None
    used_px = limit_px if limit_px is not None else found.avg_px
    parts = []
    if trade.is_waiting:
        parts.append(f"trigger {px_text(found.trigger_px)}")
    if found.avg_px is not None:
        parts.append(f"paid {px_text(found.avg_px)}")
    if limit_px is not None:
        parts.append(f"limit {px_text(limit_px)}")
    parts.append("no cap" if trade.is_legacy else f"worst {px_text(trade.terms.worst_px)}")
    return Entry(
        filled_percent=min(100, 100 * found.entry_qty // wanted) if wanted else 0,
        filled=f"{qty_text(found.entry_qty)} of {qty_text(wanted)}",
        room_percent=None if trade.is_legacy else _room_percent(trade, used_px),
        price=", ".join(parts),
    )


def _room_percent(trade: Trade, used_px: int | None) -> int | None:
    room_px = trade.sign * (trade.terms.worst_px - trade.plan.signal_px)
    if used_px is None or room_px <= 0:
        return None
    return max(0, 100 * trade.sign * (used_px - trade.plan.signal_px) // room_px)
