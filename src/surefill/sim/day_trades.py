"""The pattern-day-trader rule that ended in June 2026, as an optional mode (spec 1.7).

What: `count` says how many day trades an account has made in the last five sessions, `check`
refuses the order that could make the fourth while the account is below $25,000 (switch
``day_trade_rule``).
A day trade is a symbol that an account opened and closed within one session; closing orders that
still work for a symbol opened today count as if they had been executed.
Must never: be on unless asked for; the real broker has dropped the rule.
"""

from __future__ import annotations

from surefill.core.units import NANO
from surefill.sim.ledger import Ledger
from surefill.sim.state import Venue
from surefill.sim.types import Refusal, RefusalKind

SESSIONS = 5
ALLOWED = 3
EQUITY_USD = 25_000 * NANO
"""Below this equity at the last close the rule holds."""


def count(venue: Venue, account: str) -> int:
    """Day trades in the present session and the four before it."""
    opened, closed = _executed(venue, account)
    return len(opened & closed)


def check(venue: Venue, ledger: Ledger, symbol: str, *, is_opening: bool) -> None:
    """Raise `Refusal` when this closing order could make one day trade too many."""
    is_poor = ledger.last_equity < EQUITY_USD * NANO
    session = venue.calendar.session_at(venue.now_ns)
    if venue.switches.day_trade_rule == "off" or is_opening or not is_poor or session is None:
        return
    opened, closed = _executed(venue, ledger.account)
    today = {name for date, name in opened if date == session.date}
    pending = {
        (session.date, name)
        for name in today
        if any(not order.is_opening for order in ledger.live_orders(name))
    }
    done = (opened & closed) | pending
    if symbol in today and (session.date, symbol) not in done and len(done) >= ALLOWED:
        raise Refusal(RefusalKind.DAY_TRADE)


def _executed(venue: Venue, account: str) -> tuple[set[tuple[int, str]], set[tuple[int, str]]]:
    """(session, symbol) pairs in which something was opened, and in which something was closed."""
    begun = [s for s in venue.calendar.sessions if s.pre_ns <= venue.now_ns][-SESSIONS:]
    opened: set[tuple[int, str]] = set()
    closed: set[tuple[int, str]] = set()
    if not begun:
        return opened, closed
    for fill in reversed(venue.fills.values()):
        if fill.venue_ns < begun[0].pre_ns:
            break
        session = venue.calendar.session_at(fill.venue_ns)
        if fill.account == account and not fill.busted and session is not None:
            target = opened if venue.orders[fill.order_id].is_opening else closed
            target.add((session.date, fill.symbol))
    return opened, closed
