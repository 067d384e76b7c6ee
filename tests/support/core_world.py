"""The world of the core bench: one session in March 2026, one symbol, one account, and the names of
time."""

from __future__ import annotations

from surefill.core.events import (
    Account,
    Instrument,
    RejectKind,
)
from surefill.core.session import Calendar, Session
from surefill.core.units import NANO

MS = 1_000_000
S = 1_000_000_000
MINUTE = 60 * S
OPEN_NS = 1_772_461_800 * S
"""2026-03-02 14:30 UTC: 09:30 New York."""
CLOSE_NS = OPEN_NS + 23_400 * S
START_NS = OPEN_NS + 30 * MINUTE
SESSION = Session(20260302, OPEN_NS - 19_800 * S, OPEN_NS, CLOSE_NS, CLOSE_NS + 14_400 * S)
NEXT_DAY = 86_400 * S
CALENDAR = Calendar.of(
    [
        SESSION,
        Session(
            20260303,
            SESSION.pre_ns + NEXT_DAY,
            OPEN_NS + NEXT_DAY,
            CLOSE_NS + NEXT_DAY,
            SESSION.post_ns + NEXT_DAY,
        ),
    ]
)
SYMBOL = "ACME"
INSTRUMENT = Instrument(SYMBOL, is_tradable=True, is_shortable=True, is_easy_to_borrow=True)
ACCOUNT = Account(
    account_id="A1",
    equity_usd=100_000 * NANO,
    last_equity_usd=100_000 * NANO,
    buying_power_usd=400_000 * NANO,
    shorting_enabled=True,
    is_blocked=False,
)
LATENCY_NS = 40 * MS
READ_NS = 30 * MS
Kind = RejectKind
