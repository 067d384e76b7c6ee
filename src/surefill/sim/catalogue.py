"""The catalogue of faults: codes, parameters, modes, and what a sound client makes of each.

What: one enum and the tables over it. N are faults of requests, W of streams, V of the venue.
Why: apart from the machinery (`surefill.sim.faults`), so that it reads as a list and the documents
are checked against it.
Invariants: every code has its parameters and its expected response (tested). V11 (half days) and
V22 (auctions) are not armed: the calendar and the market make them (``--start``).
Must never: know how a fault is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class FaultCode(StrEnum):
    """Faults on the way between client and venue, and inside the venue (V)."""

    N1 = "N1"
    """Request lost before acceptance; no answer."""
    N2 = "N2"
    """Response lost after acceptance (which may come late); no answer."""
    N3 = "N3"
    """5xx answer, with or without effect at the venue."""
    N4 = "N4"
    """429, with or without headers; a storm with ``for_ms``."""
    N5 = "N5"
    """Broken answer: connection reset, truncated body, HTML, nothing."""
    N6 = "N6"
    """Slow answer, or one that never comes."""
    N7 = "N7"
    """Malformed values in a good answer: null prices, NaN, unknown words, missing fields."""
    N8 = "N8"
    """Stale read: the answer shows the venue as it stood a while ago."""
    N9 = "N9"
    """A wrong listing: cut short, a row twice, held legs or nesting missing."""
    N10 = "N10"
    """Total outage: requests and streams cut or silent."""
    N11 = "N11"
    """A proxy sends the same request to the venue twice."""
    N12 = "N12"
    """A refusal that the account's state does not explain."""
    W1 = "W1"
    """Stream message dropped."""
    W2 = "W2"
    """Stream message duplicated."""
    W3 = "W3"
    """Stream message overtaken by later ones."""
    W4 = "W4"
    """Stream delayed; order kept."""
    W5 = "W5"
    """Stream cut; events until the client is back are missed."""
    W6 = "W6"
    """Stream half open: no data, no close, no pong."""
    W7 = "W7"
    """The stream refuses the connection, or its authentication."""
    W8 = "W8"
    """A garbage frame before the message."""
    W9 = "W9"
    """A message of unknown kind before the message."""
    W10 = "W10"
    """The events of a submission arrive before its answer."""
    W11 = "W11"
    """The cancel of a sibling leg is not streamed."""
    W12 = "W12"
    """The consumer is too slow: frames pile up and come at once, or it is thrown out."""
    W13 = "W13"
    """A fresh connection is cut again at once, and the next, and the next."""
    W14 = "W14"
    """An event of an order that this client never placed."""
    V1 = "V1"
    """An execution of one share where more was there."""
    V2 = "V2"
    """The order is executed while its cancel is under way."""
    V3 = "V3"
    """The market refuses a cancel that was accepted; the order works on."""
    V4 = "V4"
    """The market refuses a replacement that was accepted; the old order works on."""
    V5 = "V5"
    """The old order is executed while its replacement is under way."""
    V6 = "V6"
    """An execution is broken a while after it happened."""
    V7 = "V7"
    """A trading halt."""
    V8 = "V8"
    """Limit state: 15 s at the band, a pause of five minutes, and perhaps again."""
    V9 = "V9"
    """The market refuses an order after it was accepted."""
    V10 = "V10"
    """Orders for the day end now."""
    V12 = "V12"
    """The instrument may not be traded any more, or is delisted."""
    V13 = "V13"
    """The stock is hard to borrow now; open short sales are canceled."""
    V14 = "V14"
    """A split or a dividend over night; legs of complex orders are not adjusted."""
    V15 = "V15"
    """The market gaps: everything later trades that far away."""
    V16 = "V16"
    """An elected buy stop meets a market above its cap and stays unfilled."""
    V17 = "V17"
    """Both exits of a group are at the market for a moment."""
    V18 = "V18"
    """After a target's partial fill the stop beside it does not work any more."""
    V19 = "V19"
    """A request stays pending at the venue: routing, cancel or replace take this long."""
    V20 = "V20"
    """The entry is filled and both its exits stay held: neither protects."""
    V21 = "V21"
    """Good-till-canceled orders are too old and end now."""
    V23 = "V23"
    """The price falls to a dollar and moves across it: the tick changes with it."""
    V24 = "V24"
    """The tick of the instrument is another one."""
    V25 = "V25"
    """The broker blocks the account, or liquidates it."""
    V26 = "V26"
    """Fields are gone from the answers: the schema has moved on."""
    V27 = "V27"
    """The broker's clock is not the host's: every time it says is off."""


PARAMS: Mapping[FaultCode, frozenset[str]] = MappingProxyType(
    {
        FaultCode.N1: frozenset(),
        FaultCode.N2: frozenset({"accept_delay_ms"}),
        FaultCode.N3: frozenset({"status", "effect", "delay_ms"}),
        FaultCode.N4: frozenset({"headers", "retry_after_s"}),
        FaultCode.N5: frozenset({"mode", "effect"}),
        FaultCode.N6: frozenset({"delay_ms", "never"}),
        FaultCode.N7: frozenset({"mode"}),
        FaultCode.N8: frozenset({"lag_ms", "list_lag_ms"}),
        FaultCode.N9: frozenset({"mode", "rows"}),
        FaultCode.N10: frozenset({"mode"}),
        FaultCode.N11: frozenset({"mode"}),
        FaultCode.N12: frozenset({"mode"}),
        FaultCode.W1: frozenset(),
        FaultCode.W2: frozenset({"copies"}),
        FaultCode.W3: frozenset({"delay_ms"}),
        FaultCode.W4: frozenset({"delay_ms"}),
        FaultCode.W5: frozenset({"mode", "refuse_ms"}),
        FaultCode.W6: frozenset(),
        FaultCode.W7: frozenset({"mode"}),
        FaultCode.W8: frozenset({"mode"}),
        FaultCode.W9: frozenset(),
        FaultCode.W10: frozenset({"delay_ms"}),
        FaultCode.W11: frozenset(),
        FaultCode.W12: frozenset({"mode", "delay_ms"}),
        FaultCode.W13: frozenset({"delay_ms"}),
        FaultCode.W14: frozenset(),
        FaultCode.V1: frozenset(),
        FaultCode.V2: frozenset(),
        FaultCode.V3: frozenset(),
        FaultCode.V4: frozenset(),
        FaultCode.V5: frozenset(),
        FaultCode.V6: frozenset({"delay_ms"}),
        FaultCode.V7: frozenset(),
        FaultCode.V8: frozenset({"mode", "rehalts"}),
        FaultCode.V9: frozenset(),
        FaultCode.V10: frozenset(),
        FaultCode.V12: frozenset({"mode"}),
        FaultCode.V13: frozenset(),
        FaultCode.V14: frozenset({"mode", "new", "old", "amount_micros"}),
        FaultCode.V15: frozenset({"mode", "bps"}),
        FaultCode.V16: frozenset(),
        FaultCode.V17: frozenset(),
        FaultCode.V18: frozenset(),
        FaultCode.V19: frozenset({"delay_ms"}),
        FaultCode.V20: frozenset(),
        FaultCode.V21: frozenset(),
        FaultCode.V23: frozenset(),
        FaultCode.V24: frozenset({"mode"}),
        FaultCode.V25: frozenset({"mode"}),
        FaultCode.V26: frozenset({"mode"}),
        FaultCode.V27: frozenset({"mode", "skew_ms"}),
    }
)
"""Parameters each code understands, beside ``for_ms`` (how long the arm stays armed)."""

STATUSES = (500, 502, 503, 504)
"""What N3 answers with: the failures that a broker and its proxies are seen to have."""
LONGEST_MS = 31 * 24 * 3_600_000
"""Bound of every time and delay: a month; all beyond it is a typing error."""
BOUNDS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "copies": (1, 100),
        "rehalts": (0, 100),
        "rows": (0, 500),
        "bps": (1, 90_000),
        "new": (1, 1_000),
        "old": (1, 1_000),
        "amount_micros": (1, 1_000_000_000),
        "retry_after_s": (0, 86_400),
    }
)
"""Lowest and highest value of the parameters that are no times."""

MODES: Mapping[FaultCode, tuple[str, ...]] = MappingProxyType(
    {
        FaultCode.N5: ("reset", "truncated", "html", "empty"),
        FaultCode.N7: (
            "null_price",
            "nan",
            "negative_qty",
            "unknown_word",
            "missing_field",
            "extra_field",
            "number_for_text",
            "huge",
            "duplicate_key",
        ),
        FaultCode.N9: ("cut", "doubled", "without_held", "unnested"),
        FaultCode.N10: ("reset", "silent"),
        FaultCode.N11: ("second", "first"),
        FaultCode.N12: ("wash_trade", "qty", "buying_power", "unprocessable", "not_found"),
        FaultCode.W5: ("cut", "close"),
        FaultCode.W7: ("refuse", "auth"),
        FaultCode.W8: ("binary", "text", "huge"),
        FaultCode.W12: ("burst", "thrown_out"),
        FaultCode.V8: ("up", "down"),
        FaultCode.V12: ("untradable", "delisted"),
        FaultCode.V14: ("split", "dividend"),
        FaultCode.V15: ("down", "up"),
        FaultCode.V24: ("nickel", "half_penny"),
        FaultCode.V25: ("blocked", "liquidated"),
        FaultCode.V26: ("day_trading", "borrow", "order"),
        FaultCode.V27: ("ahead", "behind"),
    }
)
"""Legal values of ``mode``; the first is the default."""

EXPECTED: Mapping[FaultCode, str] = MappingProxyType(
    {
        FaultCode.N1: "in doubt: ask by client id, find nothing, send again under the same id",
        FaultCode.N2: "in doubt: ask by client id until the order shows; never send a second one",
        FaultCode.N3: "as N2 for 5xx on a submission; a read may be repeated",
        FaultCode.N4: "wait as told, protection first; nothing is lost",
        FaultCode.N5: "as N2: what happened is unknown",
        FaultCode.N6: "give up after the own timeout, then as N2",
        FaultCode.N7: "refuse to read it; the order stays as last known and is asked for again",
        FaultCode.N8: "newer evidence wins; a read older than it changes nothing",
        FaultCode.N9: "a listing proves presence, never absence; each known order is read by id",
        FaultCode.N10: "no new risk; reconcile completely before acting again",
        FaultCode.N11: "one order: the client id makes the second one a refusal",
        FaultCode.N12: "nothing was placed; correct from fresh reads, never repeat it as it was",
        FaultCode.W1: "the gap is found by reading; fills are taken from activities",
        FaultCode.W2: "the same execution id counts once",
        FaultCode.W3: "order by what is executed, not by arrival",
        FaultCode.W4: "reads tell earlier; the late message changes nothing",
        FaultCode.W5: "reconnect, then read everything before acting",
        FaultCode.W6: "notice the silence, drop the connection, as W5",
        FaultCode.W7: "try again with growing pauses; reads keep the picture",
        FaultCode.W8: "count it, keep the connection or renew it, as W1",
        FaultCode.W9: "an unknown kind is an error event, never a guess; read the order",
        FaultCode.W10: "the client id tells whose event it is; the answer adds nothing",
        FaultCode.W11: "the trade closes by order reads and the position, not by waiting",
        FaultCode.W12: "late news is checked against reads; thrown out is W5",
        FaultCode.W13: "growing pauses between attempts; reads keep the picture",
        FaultCode.W14: "not ours: adopt nothing, compare the position",
        FaultCode.V1: "one share is covered like a hundred; the rest works on or is given up",
        FaultCode.V2: "a cancel decides nothing: what was executed is covered",
        FaultCode.V3: "the order works on; decide again from its state",
        FaultCode.V4: "the old order works on under its own id; decide again",
        FaultCode.V5: "the old order is filled once; its replacement never was",
        FaultCode.V6: "re-read the position; cover no more than there is",
        FaultCode.V7: "nothing executes: keep cover, open nothing, wait",
        FaultCode.V8: "as V7; the reopening may gap, a stop is no price guarantee",
        FaultCode.V9: "not accepted after all: cover again if it was cover",
        FaultCode.V10: "cover that ended with the day is put again, or the position closed",
        FaultCode.V12: "open nothing; keep cover while it lives, alarm, leave what cannot be sold",
        FaultCode.V13: "no new short sale; covered shorts keep their exits",
        FaultCode.V14: "quantities and levels are void: alarm, re-plan before the open",
        FaultCode.V15: "levels were not tradable: flatten by the ladder, report the slip",
        FaultCode.V16: "an elected stop is no fill: flatten by the ladder",
        FaultCode.V17: "a position of the other sign: notice at once, flatten it",
        FaultCode.V18: "the stop does not protect: cancel the group and cover again",
        FaultCode.V19: "pending is not done: keep the quantity, ask, never act on hope",
        FaultCode.V20: "held exits protect nothing: cover again",
        FaultCode.V21: "cover aged out: cover again",
        FaultCode.V23: "ticks are looked up at each price; levels keep their side",
        FaultCode.V24: "prices are put on the grid of now; a refusal re-reads it",
        FaultCode.V25: "no new risk; what the broker does is adopted from reads, alarm",
        FaultCode.V26: "a missing datum is no zero: what needs it refuses, the rest goes on",
        FaultCode.V27: "ages are judged by the own clock; the skew is measured and told",
    }
)
"""What a sound client makes of each fault."""

BOOLEANS = frozenset({"effect", "headers", "never"})
WINDOWED = frozenset({FaultCode.N10, FaultCode.W6, FaultCode.V26, FaultCode.V27})
"""Codes that are a state rather than an incident: unlimited while armed."""
ACTS = frozenset(
    {
        *(FaultCode.V7, FaultCode.V8, FaultCode.V10, FaultCode.V12, FaultCode.V13, FaultCode.V14),
        *(FaultCode.V15, FaultCode.V21, FaultCode.V23, FaultCode.V24, FaultCode.V25),
    }
)
"""Codes that the venue performs when they are armed, on each instrument (V25: account) their target
names; with ``for_ms`` they are undone at its end, where that is possible."""
