"""Answers that went wrong on Alpaca's side: malformed values (N7), wrong listings (N9), refusals
without a reason (N12), removed fields (V26), another clock (V27).

What: `spoiled` changes the JSON of a good answer in one named way; the modes stand in `N7_MODES`
and `N9_MODES`. An answer a mode has nothing to do with stays as it is.
Why: a client that believes every field is one deployment of its broker away from trouble.
Must never: change what the venue did.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from surefill.sim.alpaca.encode import Json, dump
from surefill.sim.alpaca.text import parse_stamp, stamp_new_york, stamp_ns, uuid_of
from surefill.sim.types import Refusal, RefusalKind
from surefill.sim.wire import WireResponse

_STAMP = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)

PRICES = (
    "filled_avg_price",
    "limit_price",
    "stop_price",
    "avg_entry_price",
    "current_price",
    "cash",
)
QUANTITIES = ("qty", "filled_qty")
WORDS = ("status", "type", "side")


def spoiled(response: WireResponse, mode: str, *, rows: int) -> WireResponse:
    """The answer with this mode's fault in it. ``rows`` is what a cut listing keeps."""
    try:
        value = json.loads(response.body)
        dump(value)
    except ValueError:
        return response  # another fault has been here
    if mode in REMOVED:
        return WireResponse(response.status, response.headers, dump(REMOVED[mode](value)))
    if mode in LISTINGS:
        if not isinstance(value, list):
            return response
        body = dump(LISTINGS[mode](value, rows))
    else:
        first = value[0] if isinstance(value, list) and value else value
        if not isinstance(first, dict):
            return response
        body = _with_object(value, first, mode)
    return WireResponse(response.status, response.headers, body)


def _with_object(value: object, first: Json, mode: str) -> bytes:
    """The answer with one of its objects changed, in place or in its text."""
    if mode == "duplicate_key":
        name = next((name for name in WORDS if name in first), "id")
        text = dump(value).decode()
        return text.replace("{", f'{{"{name}":"unheard_of",', 1).encode()
    if mode == "huge":
        name = next((name for name in PRICES if name in first), "id")
        first[name] = "@huge@"
        return dump(value).replace(b'"@huge@"', b"1e400")
    OBJECTS[mode](first)
    return dump(value)


def unexplained(mode: str, path: str) -> Refusal:
    """A refusal in the words of a rule that nobody broke (fault N12)."""
    order_id = path.rpartition("/")[2]
    nothing = {"existing_order_id": uuid_of("unexplained", path), "existing": "market/stop"}
    shares: Json = {"symbol": "", "requested_qty": 0, "available_qty": 0, "existing_qty": 0}
    refusals = {
        "wash_trade": Refusal(RefusalKind.WASH_TRADE, nothing),
        "qty": Refusal(
            RefusalKind.INSUFFICIENT_QTY, {**shares, "held_qty": 0, "related_order_ids": []}
        ),
        "buying_power": Refusal(
            RefusalKind.INSUFFICIENT_BUYING_POWER, {"buying_power_usd": 0, "cost_usd": 0}
        ),
        "unprocessable": Refusal(RefusalKind.UNCHANGED),
        "not_found": Refusal(RefusalKind.ORDER_NOT_FOUND, {"order_id": order_id}),
    }
    return refusals[mode]


def skewed(data: bytes, skew_ns: int) -> bytes:
    """A JSON text with every RFC 3339 time in it moved by ``skew_ns``; other data stay."""
    if data[:1] not in (b"{", b"["):
        return data

    def moved(match: re.Match[bytes]) -> bytes:
        text = match[0].decode()
        ns = parse_stamp(text)
        if ns is None:
            return match[0]
        is_utc = text.endswith("Z")
        return (stamp_ns(ns + skew_ns) if is_utc else stamp_new_york(ns + skew_ns)).encode()

    return _STAMP.sub(moved, data)


def _put(names: tuple[str, ...], value: object) -> Callable[[Json], None]:
    def change(row: Json) -> None:
        for name in names:
            if name in row:
                row[name] = value

    return change


def _negative(row: Json) -> None:
    for name in QUANTITIES:
        if row.get(name):
            row[name] = f"-{str(row[name]).lstrip('-')}"


def _numbers(row: Json) -> None:
    for name in (*PRICES, *QUANTITIES):
        if isinstance(row.get(name), str):
            row[name] = float(str(row[name]))


def _missing(row: Json) -> None:
    for name in (*QUANTITIES, "status"):
        row.pop(name, None)


def _without(names: tuple[str, ...]) -> Callable[[object], object]:
    """A release that no longer has these fields, anywhere in an answer (fault V26)."""

    def change(value: object) -> object:
        if isinstance(value, list):
            return [change(item) for item in value]
        if isinstance(value, dict):
            return {key: change(item) for key, item in value.items() if key not in names}
        return value

    return change


def _extra(row: Json) -> None:
    row["new_in_this_release"] = {"nested": [1, 2, 3]}


OBJECTS: Mapping[str, Callable[[Json], None]] = {
    "null_price": _put(PRICES, None),
    "nan": _put(PRICES, "NaN"),
    "negative_qty": _negative,
    "unknown_word": _put(WORDS, "unheard_of"),
    "missing_field": _missing,
    "extra_field": _extra,
    "number_for_text": _numbers,
}


def _unnested(rows: list[Json], _: int) -> list[Json]:
    return [{**row, "legs": None} for row in rows]


def _without_held(rows: list[Json], _: int) -> list[Json]:
    kept = []
    for row in rows:
        legs = row.get("legs")
        shown = [leg for leg in legs if leg["status"] != "held"] if isinstance(legs, list) else legs
        kept.append({**row, "legs": shown})
    return [row for row in kept if row.get("status") != "held"]


LISTINGS: Mapping[str, Callable[[list[Json], int], list[Json]]] = {
    "cut": lambda rows, count: rows[:count],
    "doubled": lambda rows, _: [*rows[:1], *rows],
    "without_held": _without_held,
    "unnested": _unnested,
}
REMOVED: Mapping[str, Callable[[object], object]] = {
    "day_trading": _without(
        ("pattern_day_trader", "daytrade_count", "daytrading_buying_power", "pdt_check")
    ),
    "borrow": _without(("easy_to_borrow", "shortable", "borrow_status")),
    "order": _without(
        ("order_type", "hwm", "trail_price", "trail_percent", "subtag", "source", "expires_at")
    ),
}
"""Modes of V26: announced removals, and what else nobody needs."""
N7_MODES = (*OBJECTS, "huge", "duplicate_key")
N9_MODES = tuple(LISTINGS)
