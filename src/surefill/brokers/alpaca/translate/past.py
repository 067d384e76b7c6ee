"""Pages of past quotes and trades: the request for one, and what an answer says.

What: `page_request` and `page_of`. Alpaca gives at most 10,000 rows a page, oldest first, and a
token for the next page, none on the last (alpaca.md 5.2).
Invariants: numbers are exact; a row that cannot be read costs that row and is told, because a hole
that nobody knows of would look like a quiet market. An answer about another symbol is unreadable.
Must never: fill in a price, a size or a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from msgspec import Raw, Struct

from surefill.brokers.alpaca.translate.market import nbbo, tape_print
from surefill.brokers.alpaca.translate.requests import FEED_WORDS
from surefill.brokers.alpaca.translate.times import to_rfc3339
from surefill.brokers.alpaca.transport import HttpRequest
from surefill.brokers.alpaca.wire import Unreadable, WireError, attempt, decode, split
from surefill.core.fix import Feed
from surefill.core.market import Nbbo, Print

ROWS_PER_PAGE_MAX = 10_000
LOTS_BEFORE = 20251103
"""Quotes of days before this one may have their sizes in round lots, not in shares (alpaca.md 5.1);
consolidated quotes then showed round lots alone, so that sizes in shares are multiples of 100."""
NULL = Raw(b"null")


class PastKind(StrEnum):
    """What is asked for; the last word of the path."""

    QUOTES = "quotes"
    TRADES = "trades"


@dataclass(frozen=True, slots=True)
class PastTrade:
    """A print with what the tape says of it: ``exchange`` and ``conditions`` are its letters,
    ``tape`` A, B or C, ``update`` says whether it was taken back later."""

    print_: Print
    exchange: str
    conditions: str
    tape: str
    update: str


@dataclass(frozen=True, slots=True)
class Page:
    """``token``: of the next page, ``None`` on the last; ``unreadable``: rows that are not here."""

    rows: tuple[Nbbo | PastTrade, ...]
    token: str | None
    unreadable: tuple[Unreadable, ...] = ()


class _PageWire(Struct, frozen=True):
    symbol: str = ""
    quotes: Raw = NULL
    trades: Raw = NULL
    next_page_token: str | None = None


class _TradeWire(Struct, frozen=True):
    """What a print says beside price, size and time."""

    x: str = ""
    c: list[str] | None = None
    z: str = ""
    u: str | None = None


def page_request(
    kind: PastKind,
    symbol: str,
    window: tuple[int, int],
    *,
    feed: Feed,
    rows_max: int = ROWS_PER_PAGE_MAX,
    token: str | None = None,
) -> HttpRequest:
    """One page of a symbol's ``window`` (UTC ns, both ends included)."""
    query: tuple[tuple[str, str], ...] = (
        ("start", to_rfc3339(window[0])),
        ("end", to_rfc3339(window[1])),
        ("limit", str(rows_max)),
        ("sort", "asc"),
    )
    if feed is not Feed.TEST:
        query = (*query, ("feed", FEED_WORDS[feed]))
    if token is not None:
        query = (*query, ("page_token", token))
    return HttpRequest("GET", f"/v2/stocks/{quote(symbol, safe='')}/{kind}", query)


def page_of(raw: bytes, kind: PastKind, symbol: str, *, recv_ns: int) -> Page | Unreadable:
    """The rows of one answer."""

    def read() -> tuple[list[Raw], str | None]:
        answer = decode(_PageWire, raw)
        if answer.symbol != symbol:
            raise WireError("symbol is another one")
        rows = answer.quotes if kind is PastKind.QUOTES else answer.trades
        return ([] if bytes(rows) == b"null" else split(rows)), answer.next_page_token or None

    found = attempt("page", read)
    if isinstance(found, Unreadable):
        return found
    items, token = found
    make = nbbo if kind is PastKind.QUOTES else past_trade
    made = [make(item, recv_ns) for item in items]
    return Page(
        rows=tuple(one for one in made if not isinstance(one, Unreadable)),
        token=token,
        unreadable=tuple(one for one in made if isinstance(one, Unreadable)),
    )


def past_trade(raw: bytes | Raw, recv_ns: int) -> PastTrade | Unreadable:
    """A print with its letters, from a page or from the stream."""
    found = tape_print(raw, recv_ns)
    if isinstance(found, Unreadable):
        return found
    said = attempt("trade", lambda: decode(_TradeWire, raw))
    if isinstance(said, Unreadable):
        return said
    return PastTrade(found, said.x, "".join(said.c or ()), said.z, said.u or "")
