"""The log for programs: one JSON object a line, beside the log for people.

What: `JsonFormatter` and `told`, which gives a line an event and fields:

    logger.info("trade closed: %s", line, extra=told("trade_closed", plan_id=...))

Keys that every line has: ``at`` (RFC 3339) and ``at_ns`` (UTC), the engine's time; ``level``;
``logger``; ``event`` (``log`` where nobody gave one); ``sentence``, the line of the other log.
After an exception also ``error`` (its type) and ``traceback``. All other keys are the event's own.
Invariants: keys and events are a contract (docs/monitoring.md), sentences are not; the same
redaction as for people; prices and shares are text, as in every other JSON of ours.
Must never: write a value that is no JSON, or let a field replace a key that every line has.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from surefill.ports import Clock
from surefill.runtime.redaction import Redactor

FILE_NAME = "surefill.jsonl"


def told(event: str, /, **fields: object) -> dict[str, object]:
    """``extra`` of a log call: what happened, and its facts."""
    return {"event": event, "fields": fields}


class JsonFormatter(logging.Formatter):
    """``{"at": ..., "at_ns": ..., "level": ..., "logger": ..., "event": ..., "sentence": ...}``."""

    def __init__(self, clock: Clock, redactor: Redactor) -> None:
        super().__init__()
        self._clock = clock
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        now = self._clock.now_ns()
        at = datetime.fromtimestamp(now // 1_000_000_000, tz=UTC)
        event, fields = getattr(record, "event", None), getattr(record, "fields", None)
        row: dict[str, object] = dict(fields) if isinstance(fields, Mapping) else {}
        row |= {
            "at": f"{at:%Y-%m-%dT%H:%M:%S}.{now // 1_000 % 1_000_000:06d}Z",
            "at_ns": now,
            "level": record.levelname,
            "logger": record.name,
            "event": event if isinstance(event, str) else "log",
            "sentence": self._redactor.clean(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0] is not None:
            row["error"] = record.exc_info[0].__name__
            row["traceback"] = self._redactor.without(self.formatException(record.exc_info))
        return json.dumps(self._clean(row), separators=(",", ":"))

    def _clean(self, value: object) -> object:
        """JSON of it without a secret; what is no JSON is its text."""
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, Mapping):
            return {self._redactor.clean(str(key)): self._clean(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(one) for one in value]
        return self._redactor.without(str(value))
