"""Portfolio history from the books: equity over time (alpaca.md 1.5).

What: ``GET /v2/account/portfolio/history``. Equity at an instant is cash plus every position at the
last print, else the mid, of that instant, added up from the account's entries; the value now is the
account's own. A point carries the start of its window and the equity at its end.
Invariants: the last point of an unfinished window equals the account's equity; nothing is shown of
the time before the account was opened.
Must never: interpolate. Numbers are JSON numbers, in cents (recorded so).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from surefill.core.session import Session
from surefill.core.units import NANO
from surefill.sim.alpaca.bars import NS_PER_HOUR, NS_PER_MINUTE, midnight_of
from surefill.sim.alpaca.context import Call, reply
from surefill.sim.alpaca.encode import Json, date_text
from surefill.sim.alpaca.errors import RequestError
from surefill.sim.alpaca.parse import query_flag, query_stamp, query_value
from surefill.sim.alpaca.text import NS_PER_S, new_york_date, wire_number
from surefill.sim.ledger import Entry
from surefill.sim.wire import WireResponse

STEPS: Mapping[str, int] = {
    "1Min": NS_PER_MINUTE,
    "5Min": 5 * NS_PER_MINUTE,
    "15Min": 15 * NS_PER_MINUTE,
    "1H": NS_PER_HOUR,
    "1D": 0,
}
"""Timeframe -> step; a day is a session."""
PERIOD_DAYS: Mapping[str, int] = {"D": 1, "W": 7, "M": 30, "A": 365}
POINTS_MAX = 10_000
"""A finer timeframe over a longer period is refused."""
RESETS = ("per_day", "no_reset")
REPORTING = ("market_hours", "extended_hours", "continuous")
CENT_COST = 10**16
_PERIOD = re.compile(r"([0-9]{1,3})([DWMA])")


@dataclass(frozen=True, slots=True)
class Span:
    """One window: half-open, UTC ns; ``day`` is the session it belongs to."""

    start_ns: int
    end_ns: int
    day: int


@dataclass(slots=True)
class Replay:
    """The books played forward: `cash` and positions after all entries up to `at_ns`."""

    entries: tuple[Entry, ...]
    cash: int
    used: int = 0
    qty_of: dict[str, int] = field(default_factory=dict)
    cost_of: dict[str, int] = field(default_factory=dict)

    def to(self, at_ns: int) -> None:
        """Book everything up to and at ``at_ns``."""
        while self.used < len(self.entries) and self.entries[self.used].at_ns <= at_ns:
            entry = self.entries[self.used]
            self.used += 1
            self.cash += entry.cash - entry.fee
            self.qty_of[entry.symbol] = self.qty_of.get(entry.symbol, 0) + entry.signed_qty
            self.cost_of[entry.symbol] = self.cost_of.get(entry.symbol, 0) - entry.cash


def history(call: Call) -> WireResponse:
    """GET /v2/account/portfolio/history."""
    timeframe, start_ns, end_ns = _asked(call)
    reset = _word(call, "pnl_reset", RESETS)
    spans = _spans(call, timeframe, start_ns=start_ns, end_ns=end_ns)
    if len(spans) > POINTS_MAX:
        raise RequestError(f"timeframe {timeframe} is too fine for this period")
    books = call.desk.exchange.books(call.account)
    replay = Replay(books.entries, books.opening_cash)
    before_ns = spans[0].start_ns - 1 if spans else 0
    base = _equity(call, replay, before_ns)
    costs = [
        _equity(call, replay, min(span.end_ns - 1, call.desk.exchange.now_ns)) for span in spans
    ]
    is_daily_reset = timeframe != "1D" and reset == "per_day"
    gains, shares = _gains(spans, costs, base, is_daily_reset=is_daily_reset)
    body: Json = {
        "timestamp": [span.start_ns // NS_PER_S for span in spans],
        "equity": [_dollars(cost) for cost in costs],
        "profit_loss": gains,
        "profit_loss_pct": shares,
        "base_value": _dollars(base),
        "base_value_asof": date_text(spans[0].day) if spans else None,
        "timeframe": timeframe,
    }
    return reply(body)


def _gains(
    spans: list[Span], costs: list[int], base: int, *, is_daily_reset: bool
) -> tuple[list[int | float], list[int | float]]:
    """Profit against the base (of the day, when it is reset daily), in dollars and as a share."""
    gains: list[int | float] = []
    shares: list[int | float] = []
    against, day, last = base, 0, base
    for span, cost in zip(spans, costs, strict=True):
        if is_daily_reset and span.day != day:
            against, day = last, span.day
        gains.append(_dollars(cost - against))
        shares.append(wire_number((cost - against) * NANO // against) if against else 0)
        last = cost
    return gains, shares


def _dollars(cost: int) -> int | float:
    """A cost in 1e-18 USD as a JSON number in whole cents, half up."""
    cents = (2 * cost + CENT_COST) // (2 * CENT_COST)
    return wire_number(cents * (NANO // 100))


def _equity(call: Call, replay: Replay, at_ns: int) -> int:
    """Equity at an instant, 1e-18 USD; now it is the account's own number."""
    now_ns = call.desk.exchange.now_ns
    if at_ns >= now_ns:
        return call.desk.exchange.books(call.account).equity
    replay.to(at_ns)
    total = replay.cash
    for symbol, qty in replay.qty_of.items():
        state = call.desk.board.get(symbol)
        px = state.history.mark_px(at_ns) if state is not None else None
        total += replay.cost_of[symbol] if px is None else qty * px
    return total


# -- what is asked ----------------------------------------------------------------------------


def _word(call: Call, name: str, known: tuple[str, ...]) -> str:
    word = query_value(call.request.query, name) or known[0]
    if word not in known:
        raise RequestError(f"invalid {name}: {word[:20]}")
    return word


def _asked(call: Call) -> tuple[str, int, int]:
    """(timeframe, start, end); the end is now unless ``end`` or ``date_end`` says otherwise."""
    query = call.request.query
    now_ns = call.desk.exchange.now_ns
    end_ns = query_stamp(query, "end")
    last_day = query_stamp(query, "date_end")
    if end_ns is None:
        end_ns = now_ns if last_day is None else last_day + 24 * NS_PER_HOUR
    end_ns = min(end_ns, now_ns)
    start_ns = query_stamp(query, "start")
    if start_ns is not None and query_value(query, "period") is not None:
        raise RequestError("only two of start, end and period may be specified")
    days = _period_days(query_value(query, "period") or "1M")
    if start_ns is None:
        last = date.fromisoformat(new_york_date(end_ns))
        start_ns = midnight_of(last - timedelta(days=days - 1))
    else:
        days = max(0, end_ns - start_ns) // (24 * NS_PER_HOUR)
    default = "1Min" if days < 7 else "15Min" if days < 30 else "1D"
    timeframe = query_value(query, "timeframe") or default
    if timeframe not in STEPS:
        raise RequestError(f"invalid timeframe: {timeframe[:20]}")
    return timeframe, start_ns, end_ns


def _period_days(text: str) -> int:
    match = _PERIOD.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise RequestError(f"invalid period: {text[:20]}")
    return int(match[1]) * PERIOD_DAYS[match[2]]


def _spans(call: Call, timeframe: str, *, start_ns: int, end_ns: int) -> list[Span]:
    """The windows of the period, not before the account's first day."""
    reporting = _word(call, "intraday_reporting", REPORTING)
    if query_flag(call.request.query, "extended_hours"):
        reporting = "extended_hours"
    view = call.desk.exchange.account_view(call.account)
    first_ns = max(start_ns, midnight_of(date.fromisoformat(new_york_date(view.created_ns))))
    step_ns = STEPS[timeframe]
    spans: list[Span] = []
    for session in call.desk.exchange.calendar.sessions:
        opens_ns, closes_ns = _hours(session, reporting)
        if closes_ns <= first_ns or opens_ns > end_ns:
            continue
        if not step_ns:
            spans.append(Span(session.open_ns, session.post_ns, session.date))
            continue
        from_ns = max(opens_ns, first_ns // step_ns * step_ns)
        for at_ns in range(from_ns, min(closes_ns, end_ns + 1), step_ns):
            spans.append(Span(at_ns, at_ns + step_ns, session.date))
        if len(spans) > POINTS_MAX:
            break
    return spans


def _hours(session: Session, reporting: str) -> tuple[int, int]:
    if reporting == "market_hours":
        return session.open_ns, session.close_ns
    if reporting == "extended_hours":
        return session.pre_ns, session.post_ns
    midnight_ns = midnight_of(date.fromisoformat(date_text(session.date)))
    return midnight_ns, midnight_ns + 24 * NS_PER_HOUR
