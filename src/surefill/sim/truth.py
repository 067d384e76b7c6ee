"""The ground truth: one line for everything that changes the venue, in order, hash-chained.

What: an append-only list of JSON-ready dicts. Auditors read this log and nothing else; it is also
served as ``/sim/log``.
A line has every key of `FIELDS`. Prices and quantities are ``int`` in 1e-9; absent is ``None``.

* ``qty`` is the executed quantity on ``fill``, ``partial_fill``, ``trade_bust`` and
  ``trade_correct`` lines and the order quantity elsewhere; ``order_qty`` is always the order's.
* ``px`` is the execution price (only on those lines). ``position`` is the signed position of
  (account, symbol) after the line.
* ``working``: the order may execute now. ``armed``: a held stop leg that the venue watches; it
  protects although ``working`` is false. ``held`` legs with ``armed`` false protect nothing.
* ``bid`` and ``ask``: the touch at that instant. ``text``: reason of a refusal, free words.

Invariants: ``seq`` counts from 1 without gaps; ``hash`` = sha256(previous hash + canonical JSON of
the line without ``hash``), so that a changed or missing line is found (`first_broken_seq`).
Must never: be written by anyone but the venue, or read by the venue.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

FIELDS = (
    "account",
    "kind",
    "order_id",
    "cl_ord_id",
    "parent_id",
    "leg",
    "symbol",
    "side",
    "ord_type",
    "tif",
    "contingency",
    "order_qty",
    "qty",
    "px",
    "limit_px",
    "stop_px",
    "cum_qty",
    "leaves",
    "status",
    "working",
    "armed",
    "exec_id",
    "position",
    "replaces",
    "replaced_by",
    "bid",
    "ask",
    "text",
)
"""Keys of a line beside ``seq``, ``venue_ns``, ``at`` and ``hash``."""

_KNOWN = frozenset(FIELDS)
GENESIS = "0" * 64
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
_PLAIN = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(venue_ns: int) -> str:
    """UTC text with nine decimals: ``2026-03-02T14:30:00.000000001Z``."""
    seconds, rest_ns = divmod(venue_ns, 1_000_000_000)
    return f"{_second_text(seconds)}.{rest_ns:09d}Z"


@lru_cache(maxsize=4_096)
def _second_text(seconds: int) -> str:
    """A second; many lines share it."""
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}"


def line_hash(previous_hash: str, line: Mapping[str, object]) -> str:
    """Chain hash of a line (its own ``hash`` key is ignored)."""
    body = {key: value for key, value in line.items() if key != "hash"} if "hash" in line else line
    return hashlib.sha256((previous_hash + _CANONICAL.encode(body)).encode()).hexdigest()


def first_broken_seq(lines: Iterable[Mapping[str, object]]) -> int | None:
    """``seq`` position (from 1) of the first line whose number or hash is wrong, else ``None``."""
    previous_hash = GENESIS
    for expected_seq, line in enumerate(lines, start=1):
        if line.get("seq") != expected_seq or line.get("hash") != line_hash(previous_hash, line):
            return expected_seq
        previous_hash = str(line["hash"])
    return None


class TruthLog:
    """The append-only log. ``sink`` gets each line as one JSON text without newline."""

    def __init__(self, sink: Callable[[str], None] | None = None) -> None:
        self.lines: list[dict[str, object]] = []
        self._sink = sink
        self._hash = GENESIS

    def append(self, venue_ns: int, fields: Mapping[str, object]) -> dict[str, object]:
        """Add a line at ``venue_ns``. A key outside `FIELDS` is a programming error."""
        unknown = fields.keys() - _KNOWN
        if unknown:
            raise KeyError(f"truth log has no field {sorted(unknown)}")
        line: dict[str, object] = {
            "seq": len(self.lines) + 1,
            "venue_ns": venue_ns,
            "at": rfc3339(venue_ns),
        }
        for name in FIELDS:
            line[name] = fields.get(name)
        line["hash"] = self._hash = line_hash(self._hash, line)
        self.lines.append(line)
        if self._sink is not None:
            self._sink(_PLAIN.encode(line))
        return line

    def resume(self) -> None:
        """Go on after lines that were loaded; the caller has checked their chain."""
        self._hash = str(self.lines[-1]["hash"]) if self.lines else GENESIS

    def after(self, seq: int) -> list[dict[str, object]]:
        """Lines with a number greater than ``seq``."""
        return self.lines[max(seq, 0) :]
