"""Markets written as text: the script reader, and the CRWD morning that started the project.

What: `read_script` turns lines into a `ScriptedMarket`; `crwd_morning` is the morning of
2026-11-20 in New York, in two endings, exact to the cent so that its outcome can be asserted.
Why: a scenario must be readable by a trader and identical in every run.

A line is ``TIME SYMBOL quote BID xSIZE ASK xSIZE``, ``TIME SYMBOL print PRICE xSIZE`` or
``TIME SYMBOL status TRADING|HALTED|LIMIT_STATE``; TIME is ``+SECONDS`` after the start or RFC 3339
in UTC (``2026-11-20T14:40:00.25Z``). Or a JSON object with the same words: ``{"at": "+0.5",
"symbol": "CRWD", "quote": ["535.90", 200, "536.00", 100]}``. Blank lines and ``#`` are skipped.
Invariants: decimal text becomes integers exactly; the first bad line stops with its number.
Must never: accept ``float`` (a JSON number with a point), or sort lines into order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.session import Session
from surefill.core.units import CENT, NANO, UnitError, to_nano
from surefill.sim.market import (
    MarketEvent,
    PrintEvent,
    QuoteEvent,
    ScriptedMarket,
    StatusEvent,
    TapeError,
    TapeErrorCode,
)

LINES_MAX = 1_000_000
"""A script is written by people; more than this is a tape and belongs into Parquet."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def load_script(path: Path | str, *, start_ns: int = 0) -> ScriptedMarket:
    """`read_script` of a UTF-8 file."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TapeError(TapeErrorCode.TAPE_NOT_FOUND, "there is no script at", str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise TapeError(
            TapeErrorCode.TAPE_UNREADABLE, f"{path.name} is not readable text", str(error)
        ) from error
    return read_script(text, start_ns=start_ns, name=path.name)


def read_script(text: str, *, start_ns: int = 0, name: str = "script") -> ScriptedMarket:
    """The market that ``text`` describes; ``+SECONDS`` count from ``start_ns`` (UTC ns)."""
    lines = text.splitlines()
    if len(lines) > LINES_MAX:
        raise TapeError(TapeErrorCode.SCRIPT_SYNTAX, f"more than {LINES_MAX} lines", len(lines))
    events: list[MarketEvent] = []
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].strip()
        if not words:
            continue
        try:
            event = _json_event(words, start_ns) if words[0] == "{" else _event(words, start_ns)
        except (ValueError, KeyError, TypeError) as error:  # UnitError is a ValueError
            raise TapeError(
                TapeErrorCode.SCRIPT_SYNTAX, f"{name}, line {number}: {error}", line[:200]
            ) from error
        if events and event.venue_ns < events[-1].venue_ns:
            raise TapeError(
                TapeErrorCode.TAPE_BACKWARDS_TIME,
                f"time runs backwards in {name}, line {number}",
                line[:200],
            )
        events.append(event)
    return ScriptedMarket(events, name=name)


def _event(line: str, start_ns: int) -> MarketEvent:
    words = line.split()
    if len(words) < 4:
        raise ValueError("a line is TIME SYMBOL quote|print|status VALUES")
    at, symbol, kind, *values = words
    sizes = [value.removeprefix("x") for value in values]
    return _build(symbol, _to_ns(at, start_ns), kind=kind, values=sizes)


def _json_event(line: str, start_ns: int) -> MarketEvent:
    # parse_float refuses: a price is text, so that what is written is what is meant.
    fields = json.loads(line, parse_float=_no_float)
    at, symbol = fields.pop("at"), fields.pop("symbol")
    if len(fields) != 1:
        raise ValueError("an object has at, symbol and one of quote, print, status")
    ((kind, values),) = fields.items()
    values = [values] if isinstance(values, str) else values
    return _build(
        str(symbol), _to_ns(str(at), start_ns), kind=kind, values=[str(v) for v in values]
    )


def _no_float(text: str) -> Decimal:
    raise ValueError(f"write {text} as text: a price is not a floating-point number")


def _build(symbol: str, ns: int, *, kind: str, values: list[str]) -> MarketEvent:
    match kind, values:
        case "quote", [bid, bid_size, ask, ask_size]:
            bid_px, bid_qty = to_nano(bid), to_nano(bid_size)
            ask_px, ask_qty = to_nano(ask), to_nano(ask_size)
            if min(bid_px, bid_qty, ask_px, ask_qty) < 0:
                raise UnitError("a quote is not negative; 0 means that nobody quotes")
            return QuoteEvent(symbol, Nbbo(bid_px, bid_qty, ask_px, ask_qty, ns, ns))
        case "print", [px, size]:
            if to_nano(px) <= 0 or to_nano(size) <= 0:
                raise UnitError("a print is positive")
            return PrintEvent(symbol, Print(to_nano(px), to_nano(size), ns, ns))
        case "status", [status]:
            return StatusEvent(symbol, TradingStatus(status), ns)
        case _:
            raise ValueError(f"not a quote, print or status: {kind} with {len(values)} values")


def _to_ns(text: str, start_ns: int) -> int:
    """UTC ns of ``+SECONDS`` or RFC 3339 in UTC, to the nanosecond."""
    if text.startswith("+"):
        return start_ns + to_nano(text[1:])
    whole, _, fraction = text.removesuffix("Z").partition(".")
    if not text.endswith("Z"):
        raise ValueError("a time ends with Z (UTC) or starts with +")
    instant = datetime.fromisoformat(whole)
    if instant.tzinfo is not None:
        raise ValueError("a time has one zone, Z")
    delta = instant.replace(tzinfo=UTC) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * NANO + to_nano(f"0.{fraction or 0}")


# ------------------------------------------------------------------------- the CRWD morning

CRWD = "CRWD"
CRWD_SESSION = Session(
    date=20261120,
    pre_ns=1_795_165_200 * NANO,
    open_ns=1_795_185_000 * NANO,
    close_ns=1_795_208_400 * NANO,
    post_ns=1_795_222_800 * NANO,
)
"""2026-11-20, a Friday: 04:00, 09:30, 16:00 and 20:00 in New York (UTC-5)."""
CRWD_SIGNAL_NS = CRWD_SESSION.open_ns + 600 * NANO
"""09:40:00, when the strategy gives its signal at 534.82 and the market is already at 536.00."""


class CrwdEnding(StrEnum):
    """How the morning goes on after the entry."""

    STOP = "STOP"
    """Up to 536.40, then down through the stop 529.47: the market order loses 6.53 a share."""
    TARGET = "TARGET"
    """Up through the target 536.87: what not entering cost."""


_Waypoint = tuple[int, int]
"""(seconds after the signal, bid in cents); linear in between, rounded down to the cent."""

_RUN_UP: tuple[_Waypoint, ...] = ((-30, 53440), (-20, 53477), (-1, 53477))
"""The half minute before: the touch that the signal price came from, 534.77 x 534.87."""
_PATHS: dict[CrwdEnding, tuple[_Waypoint, ...]] = {
    # 536.00 for 25 s, so a market order fills there at any plausible latency. Above 535.08 for
    # 120 s, longer than an entry may work (60 s), so the first limit never fills. 529.47 bid for
    # 20 s, so a stop elected there is sold there whatever the route takes.
    CrwdEnding.STOP: (
        (0, 53590), (25, 53590), (55, 53630), (85, 53630), (120, 53560), (240, 52957),
        (241, 52947), (261, 52947), (291, 52910), (330, 52925),
    ),
    # The same first 85 s to the cent: nobody can know the ending from the beginning.
    CrwdEnding.TARGET: (
        (0, 53590), (25, 53590), (55, 53630), (85, 53630), (120, 53660), (150, 53687),
        (170, 53700), (330, 53740),
    ),
}  # fmt: skip
_SPREAD_CENTS = 10
_BID_SHARES = (200, 160, 240, 120, 280, 200, 160)
_ASK_SHARES = (160, 200, 120, 240, 160, 280, 200, 120, 160)
"""Displayed shares in turn: always enough for 25, always multiples of the round lot of 40. The
lengths have no common divisor, so the pair looks irregular and repeats every 63 seconds."""


def crwd_morning(ending: CrwdEnding = CrwdEnding.STOP) -> ScriptedMarket:
    """The CRWD morning from 09:39:30, a quote a second and prints at the touch between them.

    At 09:40:00 the touch is 535.90 x 536.00 for 25 seconds: a market order for 25 shares fills at
    536.00, a limit at 535.08 does not fill before 09:42. ``STOP`` reaches the bid 529.47 at 241 s,
    ``TARGET`` the bid 536.87 at 150 s; both end at 330 s.
    """
    return ScriptedMarket(tuple(_crwd_events(ending)), name=f"crwd_morning {ending}")


def _crwd_events(ending: CrwdEnding) -> Iterator[MarketEvent]:
    path = _RUN_UP + _PATHS[ending]
    for second in range(path[0][0], path[-1][0] + 1):
        bid_px = _bid_cents(path, second) * CENT
        ask_px = bid_px + _SPREAD_CENTS * CENT
        ns = CRWD_SIGNAL_NS + second * NANO
        bid_qty = _BID_SHARES[second % len(_BID_SHARES)] * NANO
        ask_qty = _ASK_SHARES[second % len(_ASK_SHARES)] * NANO
        yield QuoteEvent(CRWD, Nbbo(bid_px, bid_qty, ask_px, ask_qty, ns, ns))
        # Small prints in turn at bid, ask and bid, a third and two thirds into the second: enough
        # to elect a stop at once, too few shares to fill one who waits behind the queue.
        at_bid = second % 3 != 1
        for part in (1, 2):
            print_ns = ns + part * NANO // 3
            px = bid_px if at_bid else ask_px
            yield PrintEvent(CRWD, Print(px, (5 + 3 * part) * NANO, print_ns, print_ns))


def _bid_cents(path: tuple[_Waypoint, ...], second: int) -> int:
    """The bid at ``second``; the jump between the run-up and the signal is a jump, not a slope."""
    for (left, low), (right, high) in pairwise(path):
        if left <= second < right:
            return low + (high - low) * (second - left) // (right - left)
    return path[-1][1]
