"""The recordings, and what it means to have their shape; accepted differences with reasons."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.bench import START_NS, Answer, Bench

ROOT = Path(__file__).parents[2]
PAYLOADS = Path(os.environ.get("SUREFILL_PAYLOADS", ROOT.parent / "shared" / "payloads"))

NEWER_KEYS = {
    "order": {"expires_at", "position_intent", "subtag", "source"},
    "order_2020": {"notional", "trail_percent", "trail_price", "hwm"},
    "position": {"asset_marginable", "qty_available"},
    "account": {
        "accrued_fees",
        "admin_configurations",
        "balance_asof",
        "bod_dtbp",
        "crypto_status",
        "crypto_tier",
        "effective_buying_power",
        "intraday_adjustments",
        "non_marginable_buying_power",
        "options_buying_power",
        "pending_reg_taf_fees",
        "position_market_value",
        "user_configurations",
    },
    "asset": {
        "attributes",
        "borrow_status",
        "fractionable",
        "maintenance_margin_requirement",
        "margin_requirement_long",
        "margin_requirement_short",
    },
    "calendar": {"settlement_date"},
    "activity": {"order_status"},
}
"""Keys that came after the recordings (alpaca.md 1.6); ours may have them, theirs need not."""

ALLOWED_NULLS = {
    "lastday_price": "our market has no day before its first; never an invented price",
    "change_today": "follows lastday_price",
}
"""Null in ours, not in theirs."""

STATUS_SPELLINGS = {"accepted": {"pending_new"}, "new": {"pending_new", "new"}}
"""POST and PATCH answer ``pending_new`` since 2026 in regular hours (alpaca.md 2.1, switch U1)."""

SKIPPED_REQUESTS = {
    "ACCOUNT_NUMBER": "a masked recording: its key was capitalised by the masking",
}


def recorded(name: str) -> list[dict[str, Any]]:
    """All lines of one payload file."""
    path = PAYLOADS / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"no recorded payloads at {PAYLOADS} (set SUREFILL_PAYLOADS)")
    return [json.loads(line) for line in path.read_text().splitlines()]


def cases(name: str) -> Iterator[dict[str, Any]]:
    """The recorded requests of a file that this version answers."""
    for line in recorded(name):
        text = json.dumps([line["request"], line["response"]])
        if not any(word in text for word in SKIPPED_REQUESTS):
            yield line


def kind_of(value: object) -> str:
    """JSON type, with numbers as text kept apart from other text."""
    if value is None or isinstance(value, bool | int | float | list | dict):
        return type(value).__name__
    text = str(value)
    if text.lstrip("-").replace(".", "", 1).isdigit():
        return "decimal"
    if len(text) > 19 and text[10:11] == "T":
        return "stamp"
    return "text"


def same_keys(ours: dict[str, Any], theirs: dict[str, Any], *newer: str) -> None:
    """Every recorded key is there; what we add is known to be newer."""
    allowed = set().union(*(NEWER_KEYS[name] for name in newer))
    assert set(theirs) <= set(ours), f"missing {set(theirs) - set(ours)}"
    assert set(ours) - set(theirs) <= allowed, f"not in the recording: {set(ours) - set(theirs)}"


def same_types(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Every value is null where theirs is, and of the same JSON type."""
    for key, value in theirs.items():
        mine, recorded_kind = kind_of(ours[key]), kind_of(value)
        if mine == "NoneType" and recorded_kind != mine:
            assert key in ALLOWED_NULLS, f"{key} is null, recorded {value!r}"
        elif key not in ("legs", "name", "symbol", "client_order_id"):
            assert mine == recorded_kind, f"{key}: {ours[key]!r}, recorded {value!r}"


def same_order(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """An order and its legs."""
    same_keys(ours, theirs, "order", *(() if "notional" in theirs else ("order_2020",)))
    same_types(ours, theirs)
    for key in ("order_class", "type", "side", "time_in_force", "extended_hours", "asset_class"):
        assert ours[key] == theirs[key], key
    spellings = STATUS_SPELLINGS.get(theirs["status"], set()) | {theirs["status"]}
    assert ours["status"] in spellings, (ours["status"], theirs["status"])
    assert (ours["legs"] is None) == (theirs["legs"] is None)
    for mine, recorded_leg in zip(ours["legs"] or [], theirs["legs"] or [], strict=True):
        same_order(mine, recorded_leg)


def same_error(answer: Answer, line: dict[str, Any]) -> None:
    """Status, code, message and extra keys of an error."""
    theirs = line["response"]
    assert answer.status == line["status"]
    assert set(answer.json) == set(theirs)
    assert answer.json["code"] == theirs["code"]


def open_bench(symbol: str, price: float, *pairs: str, start_ns: int = START_NS) -> Bench:
    """A market in which `symbol` trades around `price`."""
    bench = Bench(*pairs, start_ns=start_ns)
    bench.quote(symbol, f"{price - 0.01:.2f}", f"{price + 0.01:.2f}")
    bench.print_(symbol, f"{price:.2f}")
    return bench


def rounded(value: str) -> str:
    """A recorded price on today's grid: the recordings predate the sub-penny rule (1.9)."""
    return f"{float(value):.2f}"


def on_grid(request: dict[str, Any]) -> dict[str, Any]:
    """The request with its prices on the tick grid."""
    body = dict(request)
    for key in ("limit_price", "stop_price"):
        if isinstance(body.get(key), str):
            body[key] = rounded(body[key])
    for key in ("take_profit", "stop_loss"):
        if isinstance(body.get(key), dict):
            body[key] = on_grid(body[key])
    return body


SUNDAY_NS = START_NS - 86_400 * 10**9
"""A day on which no market is open."""
