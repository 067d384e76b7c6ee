"""Lines for programs: every line is one object with the same keys, and no secret in any shape."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from surefill.runtime.json_log import JsonFormatter, told
from surefill.runtime.redaction import Redactor
from surefill.secret import Secret
from tests.support.core import START_NS
from tests.support.runtime import HandClock

HUSH = 'a "secret"\\of this test'
"""With characters that JSON writes in another way."""
KEYS = ["at", "at_ns", "level", "logger", "event", "sentence"]


def row_of(text: str, *args: object, **more: Any) -> dict[str, Any]:
    """The object that this line becomes."""
    redactor = Redactor()
    redactor.hide([Secret(HUSH)])
    formatter = JsonFormatter(HandClock(START_NS + 1_234_567), redactor)
    record = logging.LogRecord(
        "surefill.x", logging.ERROR, "", 0, text, args, more.pop("exc", None)
    )
    record.__dict__.update(more)
    line = formatter.format(record)
    assert "\n" not in line
    assert HUSH not in line
    assert json.dumps(HUSH)[1:-1] not in line
    found: dict[str, Any] = json.loads(line)
    assert set(KEYS) <= found.keys()
    return found


def test_every_line_has_the_same_keys() -> None:
    assert row_of("read failed: %s", "x") == {
        "at": "2026-03-02T15:00:00.001234Z",
        "at_ns": START_NS + 1_234_567,
        "level": "ERROR",
        "logger": "surefill.x",
        "event": "log",
        "sentence": "read failed: x",
    }


def test_an_event_has_fields_of_its_own() -> None:
    facts = told("trade_closed", plan_id="p1", avg_px="100.01", pnl_usd=None, is_legacy=False)
    row = row_of("trade closed", **facts)
    assert row["event"] == "trade_closed"
    assert (row["plan_id"], row["avg_px"]) == ("p1", "100.01")
    assert (row["pnl_usd"], row["is_legacy"]) == (None, False)


def test_no_field_replaces_what_every_line_has() -> None:
    row = row_of("right", **told("alert", sentence="wrong", level="wrong", event="wrong"))
    assert (row["sentence"], row["level"], row["event"]) == ("right", "ERROR", "alert")


def test_secrets_hide_in_no_value_and_no_key() -> None:
    row = row_of("%s\nforged", HUSH, **told("e", a=HUSH, b=[HUSH, {HUSH: (HUSH, 1)}], c=1.5))
    assert row["sentence"] == "*** forged"
    assert (row["a"], row["b"], row["c"]) == ("***", ["***", {"***": ["***", 1]}], "1.5")


def test_an_exception_is_named_and_its_text_cleaned() -> None:
    try:
        raise ValueError(f"key {HUSH}")
    except ValueError:
        row = row_of("halt", exc=sys.exc_info())
    assert row["error"] == "ValueError"
    assert row["traceback"].endswith("ValueError: key ***")
    assert "error" not in row_of("no exception", exc=(None, None, None))


@pytest.mark.parametrize("wrong", [3, None, ["e"]])
def test_what_others_put_into_a_record_breaks_no_line(wrong: object) -> None:
    row = row_of("x", event=wrong, fields=wrong)
    assert row["event"] == "log"
