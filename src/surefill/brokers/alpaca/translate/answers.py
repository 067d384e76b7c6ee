"""What an HTTP outcome proves about a request: accepted, rejected, not possible now, or unknown.

Why: the difference between "refused" and "unknown" is the difference between trying again and
buying twice (A-02, I10). A writing request whose outcome is not proven is `InDoubt`, always.
Invariants: only a complete 4xx of a definitive kind is a refusal; a 200 that cannot be read is
doubt, not success; the error text chooses the next question, never a state (A-05).
Must never: put a body into a message; only the named fields of a refusal, bounded and printable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from surefill.brokers.alpaca.translate.orders import STATUSES, order_report
from surefill.brokers.alpaca.transport import HttpOutcome, HttpResponse, Lost, NotSent, Throttled
from surefill.brokers.alpaca.wire import ErrorWire, Unreadable, attempt, decode, printable
from surefill.core.events import (
    Accepted,
    Answer,
    BrokerError,
    InDoubt,
    RateLimited,
    Rejected,
    RejectKind,
    Unavailable,
    Verb,
)
from surefill.core.units import NANO

DEFINITIVE = frozenset({400, 401, 403, 404, 405, 410, 411, 413, 414, 415, 422, 431})
"""Refusals that are certain whatever their body. 408, 409, 425 and unknown ones are not: a proxy
may have answered while the request travelled on."""

PAUSE_NS_DEFAULT = 60 * NANO
"""After a 429 that does not say when: one whole window of Alpaca's limit."""
PAUSE_NS_MAX = 120 * NANO
"""A longer pause than two windows is a broken header, not a limit."""

Test = Callable[[str], bool]

_STATE_PATTERN = re.compile(
    r"(?:already in|cannot replace order in|cannot be canceled in) \"?(\w+)\"? (?:state|status)"
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """``needle`` (lower case) in the message means ``kind``; the first rule that matches wins."""

    needle: str
    kind: RejectKind


_RULES: tuple[_Rule, ...] = (
    _Rule("client_order_id must be unique", RejectKind.DUPLICATE_ID),
    _Rule("wash trade", RejectKind.WASH_TRADE),
    # An opposite order of ours or somebody else's is in the way: the same next step.
    _Rule("while a long buy order is open", RejectKind.WASH_TRADE),
    _Rule("while a short sell order is open", RejectKind.WASH_TRADE),
    _Rule("insufficient qty available", RejectKind.QTY_UNAVAILABLE),
    _Rule("insufficient balance", RejectKind.QTY_UNAVAILABLE),
    _Rule("oco orders must be exit orders", RejectKind.NOT_AN_EXIT),
    _Rule("buying power", RejectKind.BUYING_POWER),
    _Rule("stop price must be less than", RejectKind.PRICE_THROUGH),
    _Rule("stop price must be greater than", RejectKind.PRICE_THROUGH),
    _Rule("base_price", RejectKind.PRICE_THROUGH),
    _Rule("order parameters are not changed", RejectKind.UNCHANGED),
    _Rule("order already replaced", RejectKind.ALREADY_TERMINAL),
    _Rule("not fully replaced", RejectKind.PENDING),
    _Rule("pending replacement", RejectKind.PENDING),
    # Not routed yet, milliseconds in regular hours: the same request may work soon.
    _Rule("isn't sent to exchange yet", RejectKind.PENDING),
    _Rule("order is not open", RejectKind.NOT_REPLACEABLE),
    _Rule("qty cannot be changed", RejectKind.NOT_REPLACEABLE),
    _Rule("cannot be sold short", RejectKind.NOT_SHORTABLE),
    _Rule("not allowed to short", RejectKind.NOT_SHORTABLE),
    _Rule("borrow", RejectKind.NOT_SHORTABLE),
    _Rule("could not find asset", RejectKind.NOT_TRADABLE),
    _Rule("symbol not found", RejectKind.NOT_TRADABLE),
    _Rule("asset not found", RejectKind.NOT_TRADABLE),
    _Rule("is not tradable", RejectKind.NOT_TRADABLE),
    _Rule("is not active", RejectKind.NOT_TRADABLE),
    _Rule("pattern day trading", RejectKind.ACCOUNT),
    _Rule("not authorized to trade", RejectKind.ACCOUNT),
    _Rule("restricted to liquidation", RejectKind.ACCOUNT),
    _Rule("disabled for this account", RejectKind.ACCOUNT),
    _Rule("account is", RejectKind.ACCOUNT),
    _Rule("trading is suspended", RejectKind.ACCOUNT),
)
_ASSET_NOT_FOUND = re.compile(r'asset "[^"]*" not found')

_CONTEXT = (
    "reject_reason",
    "existing_order_id",
    "available",
    "existing_qty",
    "held_for_orders",
    "base_price",
    "buying_power",
    "cost_basis",
)


def order_answer(verb: Verb, outcome: HttpOutcome, *, cl_ord_id: str, now: int) -> Answer:
    """What became of one request about one order. ``cl_ord_id`` is the id that the answered order
    must carry: the sent one for SUBMIT, the successor's for REPLACE; empty to accept any."""
    if not isinstance(outcome, HttpResponse):
        return _unanswered(verb, outcome)
    if not 200 <= outcome.status < 300:
        return refusal(verb, outcome, now)
    if verb is Verb.CANCEL:
        return Accepted()
    report = order_report(outcome.body, outcome.recv_ns)
    if isinstance(report, Unreadable):
        return _unclear(verb, f"answer {outcome.status} is unreadable: {report.text}")
    if cl_ord_id and report.cl_ord_id != cl_ord_id:
        return _unclear(verb, "the answer is about another order")
    return Accepted(report)


def read_failure(outcome: HttpOutcome, now: int) -> BrokerError | None:
    """Why a read did not succeed; ``None`` when it did (a complete 200)."""
    if not isinstance(outcome, HttpResponse):
        return _unanswered(Verb.QUERY, outcome)
    return None if outcome.status == 200 else refusal(Verb.QUERY, outcome, now)


def refusal(verb: Verb, response: HttpResponse, now: int) -> BrokerError:
    """What a complete answer outside 2xx proves."""
    status = response.status
    if status == 429:
        return RateLimited(pause_until(response.headers, now))
    if status not in DEFINITIVE:
        return _unclear(verb, f"answer {status}")
    found = attempt("error", lambda: decode(ErrorWire, response.body))
    if status == 404 and (isinstance(found, Unreadable) or not found.message):
        # A proxy's page about a missing page says nothing about our order (I11).
        return _unclear(verb, "answer 404 without Alpaca's error body")
    error = ErrorWire() if isinstance(found, Unreadable) else found
    return Rejected(_kind(verb, status, error), _sentence(status, error))


def pause_until(headers: Mapping[str, str], now: int) -> int:
    """UTC ns until which a 429 asks us to wait, from ``X-RateLimit-Reset`` (unix seconds) or
    ``Retry-After`` (seconds); bounded, because both may be missing or broken."""
    reset = _seconds(headers.get("x-ratelimit-reset"))
    if reset is not None and now < reset * NANO <= now + PAUSE_NS_MAX:
        return reset * NANO
    wait = _seconds(headers.get("retry-after"))
    if wait is not None and 0 < wait * NANO <= PAUSE_NS_MAX:
        return now + wait * NANO
    return now + PAUSE_NS_DEFAULT


def describe(error: BrokerError) -> str:
    """One line for a person."""
    match error:
        case Rejected():
            return f"{error.kind.value}: {error.text}"
        case RateLimited():
            return "rate limited"
        case _:
            return error.text


def _seconds(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 12:
        return None
    return int(text)


def _unanswered(verb: Verb, outcome: Lost | NotSent | Throttled) -> BrokerError:
    match outcome:
        case Throttled():
            return RateLimited(outcome.until_ns)
        case NotSent():
            return Unavailable(outcome.text)
        case _:
            return _unclear(verb, outcome.text)


def _unclear(verb: Verb, text: str) -> BrokerError:
    """A read without a usable answer changed nothing; anything else may have worked."""
    return Unavailable(text) if verb is Verb.QUERY else InDoubt(text)


def _kind(verb: Verb, status: int, error: ErrorWire) -> RejectKind:
    message = error.message.lower()
    if status == 401 or (status == 403 and message.startswith("forbidden")):
        return RejectKind.AUTHORIZATION
    state = _STATE_PATTERN.search(message)
    if state is not None:
        return _kind_of_state(state[1])
    for rule in _RULES:
        if rule.needle in message:
            return rule.kind
    if error.base_price is not None:
        return RejectKind.PRICE_THROUGH
    if _ASSET_NOT_FOUND.search(message):
        return RejectKind.NOT_TRADABLE
    if status == 404 and verb is not Verb.SUBMIT:
        return RejectKind.NOT_FOUND
    if verb is Verb.REPLACE and "unable to replace order" in message:
        return RejectKind.NOT_REPLACEABLE
    return RejectKind.OTHER


def _kind_of_state(word: str) -> RejectKind:
    """The order stands in a state that forbids the request: final, passing, or odd."""
    status = STATUSES.get(word)
    if status is None:
        return RejectKind.NOT_REPLACEABLE
    if status.is_terminal:
        return RejectKind.ALREADY_TERMINAL
    if word.startswith("pending") or word == "accepted":
        return RejectKind.PENDING
    return RejectKind.NOT_REPLACEABLE


def _sentence(status: int, error: ErrorWire) -> str:
    code = "" if error.code is None else f" {error.code}"
    parts = [f"{status}{code}: {printable(error.message) or 'no message'}"]
    for name in _CONTEXT:
        value: str | None = getattr(error, name)
        if value:
            parts.append(f"{name}={printable(value)}")
    return " ".join(parts)
