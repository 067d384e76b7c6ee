"""What `surefill doctor` finds: every check with its level, what is wrong and what to do.

What: `Check` and one pure function per subject, over settings, journal and the broker's picture.
Invariants: a check that could not be made is a FAIL that says so; every WARN and FAIL has advice;
no secret is in any text.
Must never: read a clock, a file or a socket (the caller did), or change anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from surefill.config import Settings
from surefill.core.cover import cover_of
from surefill.core.events import CalendarRead, ExecutionReport, Position, ReadFailed
from surefill.core.fix import Feed, OrdType
from surefill.core.session import Calendar, SessionKind
from surefill.core.units import to_text, to_usd_text
from surefill.ports import AccountPicture
from surefill.runtime.standing import Review, Standing, doubts

SKEW_WARN_NS = 500_000_000
SKEW_FAIL_NS = 2_000_000_000
"""Half a second spoils signal age and quote age; two seconds spoil the deadlines themselves."""
DISK_WARN_BYTES = 1_000_000_000
DISK_FAIL_BYTES = 100_000_000
"""The journal of a busy year is some 100 MB; without space no decision can be recorded."""
REQUESTS_WARN = 40
"""Fewer requests left than cover for a few trades may need."""
STOPS = frozenset({OrdType.STOP, OrdType.STOP_LIMIT, OrdType.TRAILING_STOP})


class Level(StrEnum):
    """How bad it is."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor. ``is_access``: the failure means that broker or journal could not be
    used at all."""

    name: str
    level: Level
    found: str
    advice: str = ""
    is_access: bool = False


def ok(name: str, found: str) -> Check:
    """Nothing wrong."""
    return Check(name, Level.OK, found)


def mode_check(settings: Settings) -> Check:
    """Where orders go, by the address alone."""
    host = urlsplit(settings.base_url).hostname or ""
    if host in {"localhost", "127.0.0.1", "::1"}:
        return ok(
            "mode", f"a local exchange at {urlsplit(settings.base_url).netloc}: no real money"
        )
    if host.startswith("paper-"):
        return ok("mode", f"paper account at {host}: no real money")
    return Check(
        "mode",
        Level.WARN,
        f"LIVE account at {host}: real money",
        "no start sends anything until `surefill live` was told the account's number",
    )


def keys_check(settings: Settings) -> Check:
    """Whether there is a key pair."""
    if settings.key_id:
        return ok("keys", "a key pair is set")
    advice = "set key id and secret (docs/settings.md) in the environment or a private .env"
    return Check("keys", Level.FAIL, "no key pair is set", advice)


def dotenv_check(mode: int | None, path: str) -> Check:
    """Permissions of the file; ``mode`` is ``None`` when there is none."""
    if mode is None:
        return ok("dotenv", f"{path} does not exist: settings come from the environment")
    if mode & 0o077:
        found = f"{path} has mode {mode:04o}: other users can read it"
        return Check("dotenv", Level.WARN, found, f"chmod 600 {path}")
    return ok("dotenv", f"{path} has mode {mode:04o}")


def channels_check(channels: int, failing: Mapping[str, str], *, is_real_money: bool) -> Check:
    """Who hears of an alert. ``failing``: channel -> why it does not work."""
    name, test = "alerts", "`surefill alerts test`; docs/channels.md"
    if failing:
        told = ", ".join(f"{channel} fails ({code})" for channel, code in failing.items())
        return Check(name, Level.FAIL, told, test)
    found = {0: "no channel: alerts are in the log alone", 1: "one channel"}.get(channels, "")
    if found and is_real_money:
        return Check(name, Level.WARN, found, "name two in SUREFILL_ALERTS: docs/channels.md")
    return ok(name, found or f"{channels} channels")


def account_checks(picture: AccountPicture) -> list[Check]:
    """Status, kind and money of the account."""
    if isinstance(picture.account, ReadFailed):
        found = f"the account cannot be read: {picture.account.text}"
        advice = "check the address, the keys and the network; a key belongs to one address"
        return [Check("account", Level.FAIL, found, advice, is_access=True)]
    account = picture.account.account
    status = picture.status or "unknown"
    if account.is_blocked:
        found = f"status {status}: new orders are refused"
        return [Check("account", Level.FAIL, found, "ask the broker; protection stays in place")]
    equity = "?" if account.equity_usd is None else to_usd_text(account.equity_usd)
    kind = picture.kind or "kind unknown"
    shorts = "shorts allowed" if account.shorting_enabled else "no shorts"
    return [ok("account", f"status {status}, {kind}, {shorts}, equity {equity} USD")]


def budget_check(picture: AccountPicture) -> Check:
    """Requests left in the broker's window."""
    left, limit = picture.requests_left, picture.requests_limit
    if left is None or limit is None:
        return ok("requests", "the broker does not say how many are left")
    if left < REQUESTS_WARN:
        advice = "see what else uses this account's keys; cover needs requests"
        return Check("requests", Level.WARN, f"{left} of {limit} a minute are left", advice)
    return ok("requests", f"{left} of {limit} a minute are left")


def clock_check(picture: AccountPicture, *, has_own_time: bool) -> Check:
    """Our clock against the broker's."""
    ahead_ns = picture.clock_ahead_ns
    if ahead_ns is None:
        advice = "try again; without the broker's clock deadlines cannot be trusted"
        return Check("clock", Level.FAIL, "the broker's clock cannot be read", advice, True)
    if has_own_time:
        return ok("clock", "the local exchange has its own time; the executor follows it")
    ms = ahead_ns // 1_000_000
    if abs(ahead_ns) < SKEW_WARN_NS:
        return ok("clock", f"{ms:+d} ms to the broker's")
    level = Level.FAIL if abs(ahead_ns) >= SKEW_FAIL_NS else Level.WARN
    advice = "set this machine's clock (timedatectl set-ntp true)"
    return Check("clock", level, f"{ms:+d} ms to the broker's", advice)


def feed_check(settings: Settings) -> Check:
    """What kind of quotes the gate sees."""
    if settings.data_feed is Feed.SIP:
        return ok("feed", "sip: all venues (needs the subscription)")
    if settings.data_feed is Feed.TEST:
        advice = "set SUREFILL_DATA_FEED=iex or sip"
        return Check("feed", Level.WARN, "test: not a market", advice)
    found = "iex: one venue, not the best bid and offer; its width only warns"
    advice = "SUREFILL_DATA_FEED=sip where you subscribe to it; results say which feed they had"
    return Check("feed", Level.WARN, found, advice)


def session_check(picture: AccountPicture, *, now: int) -> Check:
    """Calendar and session at ``now`` (UTC ns)."""
    if isinstance(picture.calendar, ReadFailed):
        found = f"the calendar cannot be read: {picture.calendar.text}"
        return Check("session", Level.FAIL, found, "no entry is accepted without it", True)
    return _session(picture.calendar, now)


def _session(read: CalendarRead, now: int) -> Check:
    calendar: Calendar = read.calendar
    kind = calendar.kind_at(now)
    session = calendar.session_at(now)
    if kind is SessionKind.RTH and session is not None:
        left_min = (session.close_ns - now) // 60_000_000_000
        return ok("session", f"regular hours, {left_min} min to the close")
    opens_ns = calendar.next_open_ns(now)
    if opens_ns is None:
        advice = "the broker's calendar ends here; entries will be denied"
        return Check("session", Level.WARN, "no session ahead", advice)
    words = "extended hours" if kind is SessionKind.ETH else "closed"
    return ok("session", f"{words}; the next open is in {(opens_ns - now) // 60_000_000_000} min")


def trade_checks(review: Review) -> list[Check]:
    """Every open trade of ours with its cover at the broker."""
    checks = []
    for trade in review.trades:
        cover = cover_of(trade)
        name = "trade"
        found = f"{trade.symbol} {trade.trade_id}: holds {to_text(cover.position_qty)}"
        if cover.uncovered_qty:
            found += f", {to_text(cover.uncovered_qty)} WITHOUT cover"
            advice = "start the executor (a start repairs cover first), or place a stop by hand now"
            checks.append(Check(name, Level.FAIL, found, advice))
        elif doubts(trade):
            advice = "start the executor: it asks the broker until it knows"
            checks.append(Check(name, Level.FAIL, f"{found}, an order in doubt", advice))
        else:
            checks.append(ok(name, f"{found}, all of it covered by a stop at the broker"))
    return checks or [ok("trades", "no open trade of ours")]


def foreign_checks(review: Review) -> list[Check]:
    """Positions and orders that are not ours: shown, never touched."""
    checks = [_foreign(position, review.foreign_orders) for position in review.state.foreign]
    if review.foreign_orders:
        symbols = ", ".join(sorted({order.symbol for order in review.foreign_orders}))
        found = f"{len(review.foreign_orders)} open orders that are not ours ({symbols})"
        checks.append(ok("foreign orders", f"{found}: never touched"))
    for name in review.state.unknown_orders:
        found = f"{name} carries our prefix and account, but this journal does not know its plan"
        advice = "find the journal it belongs to (another directory?), or cancel it by hand"
        checks.append(Check("unknown order", Level.FAIL, found, advice))
    return checks or [ok("foreign", "no position and no order of anybody else")]


def stranger_checks(picture: AccountPicture) -> list[Check]:
    """The account before the first start: everything in it is somebody else's."""
    if isinstance(picture.positions, ReadFailed) or isinstance(picture.open_orders, ReadFailed):
        return [Check("positions", Level.FAIL, "cannot be read", "try again", is_access=True)]
    positions, orders = picture.positions.positions, picture.open_orders.orders
    checks = [_foreign(position, orders) for position in positions]
    if orders:
        checks.append(ok("foreign orders", f"{len(orders)} open orders: never touched"))
    return checks or [ok("foreign", "no position and no order of anybody else")]


def _foreign(position: Position, orders: tuple[ExecutionReport, ...]) -> Check:
    stops = [
        row
        for order in orders
        for row in (order, *order.legs)
        if row.symbol == position.symbol and row.ord_type in STOPS
    ]
    qty = sum(row.order_qty - row.cum_qty for row in stops if row.side.sign * position.qty < 0)
    name = f"foreign {position.symbol}"
    found = f"{to_text(position.qty)} shares that are not ours, stops for {to_text(qty)}"
    if qty >= abs(position.qty):
        return ok(name, found)
    advice = "nobody but their owner protects them; entries in this symbol are denied"
    return Check(name, Level.WARN, found, advice)


def read_checks(review: Review) -> list[Check]:
    """Parts of the picture that are missing; the account itself has its own check."""
    return [
        Check(part.what, Level.FAIL, f"cannot be read: {part.text}", "try again", True)
        for part in review.failed
        if part.what not in {"account", "calendar"}
    ]


def journal_checks(standing: Standing) -> list[Check]:
    """Integrity (proven by opening it), who holds it, switches that stop entries."""
    seq, digest = standing.head
    checks = [ok("journal", f"{seq} records, chain unbroken, head {digest[:8] or 'empty'}")]
    if standing.holder is not None:
        checks.append(ok("engine", f"running: {standing.holder}"))
    elif standing.trades:
        found = "not running, with open trades: their cover stays, time exits do not happen"
        checks.append(Check("engine", Level.WARN, found, "start it again"))
    else:
        checks.append(ok("engine", "not running"))
    state = standing.state
    for reason in (state.kill, state.halt) if state is not None else ():
        if reason is not None:
            advice = "entries are denied until somebody takes it back (unkill, resume)"
            checks.append(Check("switch", Level.WARN, str(reason), advice))
    return checks


def disk_check(free_bytes: int, place: str) -> Check:
    """Space where the journal is."""
    found = f"{free_bytes // 1_000_000} MB free at {place}"
    if free_bytes < DISK_FAIL_BYTES:
        return Check("disk", Level.FAIL, found, "free space: without a record nothing is sent")
    if free_bytes < DISK_WARN_BYTES:
        return Check("disk", Level.WARN, found, "free space before it runs out")
    return ok("disk", found)


def versions_check(versions: dict[str, str], *, python: tuple[int, int]) -> Check:
    """What runs here."""
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    missing = [name for name, version in versions.items() if not re.match(r"\d", version)]
    if missing:
        return Check("versions", Level.FAIL, found, f"install {', '.join(missing)}")
    if not (3, 11) <= python <= (3, 13):
        return Check("versions", Level.WARN, found, "tested on Python 3.11 to 3.13")
    return ok("versions", found)
