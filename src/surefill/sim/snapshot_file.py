"""The file of a snapshot: readable lines, a version, a digest; written whole or not at all.

What: the first line is ``{"surefill_snapshot": VERSION}``, then one JSON object per line with one
key, its kind (``{"order": {...}}``), and a last line with the number of lines and the SHA-256 of
everything before it. `save` writes to a temporary file beside the target and renames it; `load`
checks the whole file before it hands out a single record.
Why: a snapshot is read by people, kept for months and passed on; a half written or changed one must
be refused with a sentence, not with a traceback, and never half loaded.
Invariants: memory is bounded by one line while writing and while checking; what the file says is
data, never the name of something to run.
Must never: use pickle or leave a partial file under the target's name.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import BinaryIO

VERSION = 1
"""Raised when an older file can no longer be read; other versions are refused by number."""
FORMAT = "surefill_snapshot"
END = "end"
LINE_BYTES_MAX = 16 * 1024 * 1024
"""The longest honest line is a block of market history or a stored answer, far below this."""

Record = tuple[str, object]
"""(kind, JSON-ready body)."""


class SnapshotCode(StrEnum):
    """Why a snapshot cannot be saved or loaded; ``CATEGORY_CONDITION``."""

    SNAPSHOT_UNREADABLE = "SNAPSHOT_UNREADABLE"
    SNAPSHOT_UNWRITABLE = "SNAPSHOT_UNWRITABLE"
    SNAPSHOT_FOREIGN = "SNAPSHOT_FOREIGN"
    SNAPSHOT_VERSION = "SNAPSHOT_VERSION"
    SNAPSHOT_DAMAGED = "SNAPSHOT_DAMAGED"
    SNAPSHOT_BAD_VALUE = "SNAPSHOT_BAD_VALUE"
    SNAPSHOT_MARKET = "SNAPSHOT_MARKET"


class SnapshotError(Exception):
    """A snapshot that is refused: a stable ``code`` and a ``sentence``."""

    def __init__(self, code: SnapshotCode, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


def lines_of(records: Iterable[Record]) -> Iterator[bytes]:
    """The lines of a snapshot, ends of line included."""
    digest, count = hashlib.sha256(), 0
    for kind, body in _framed(records):
        line = json.dumps({kind: body}, separators=(",", ":")).encode() + b"\n"
        digest.update(line)
        count += 1
        yield line
    last = {END: {"lines": count, "sha256": digest.hexdigest()}}
    yield json.dumps(last, separators=(",", ":")).encode() + b"\n"


def _framed(records: Iterable[Record]) -> Iterator[Record]:
    yield FORMAT, VERSION
    yield from records


def save(path: Path, records: Iterable[Record]) -> None:
    """Write a snapshot; the file appears whole, with its owner's rights only, or not at all."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(lines_of(records))
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise SnapshotError(
            SnapshotCode.SNAPSHOT_UNWRITABLE, f"cannot write {path}: {error.strerror}"
        ) from None


def load(path: Path) -> Iterator[Record]:
    """The records of a file that was checked as a whole first."""
    try:
        with path.open("rb") as file:
            _check(file)
            file.seek(0)
            yield from _records(file)
    except OSError as error:
        raise SnapshotError(
            SnapshotCode.SNAPSHOT_UNREADABLE, f"cannot read {path}: {error.strerror}"
        ) from None


def load_lines(lines: Sequence[bytes]) -> Iterator[Record]:
    """As `load`, from lines in memory."""
    _check(lines)
    yield from _records(lines)


def _check(lines: Iterable[bytes] | BinaryIO) -> None:
    """Format, version, number of lines, digest."""
    rows = _bounded(lines)
    first = next(rows, b"")
    header = _object(first, 1)
    if FORMAT not in header:
        raise SnapshotError(SnapshotCode.SNAPSHOT_FOREIGN, "this is not a snapshot of an exchange")
    if header[FORMAT] != VERSION or isinstance(header[FORMAT], bool):
        found = str(header[FORMAT])[:20]
        raise SnapshotError(
            SnapshotCode.SNAPSHOT_VERSION, f"version {found} cannot be read, only {VERSION}"
        )
    digest, count, last = hashlib.sha256(first), 1, b""
    for row in rows:
        if last:
            digest.update(last)
            count += 1
        last = row
    expected = {END: {"lines": count, "sha256": digest.hexdigest()}}
    if not last or _object(last, count + 1) != expected:
        raise SnapshotError(
            SnapshotCode.SNAPSHOT_DAMAGED, "it was cut short or changed after it was written"
        )


def _records(lines: Iterable[bytes] | BinaryIO) -> Iterator[Record]:
    for number, line in enumerate(islice(lines, 1, None), start=2):
        row = _object(line, number)
        if len(row) != 1:
            raise damaged(f"line {number} has {len(row)} keys, expected one")
        kind, body = next(iter(row.items()))
        if kind != END:
            yield kind, body


def _bounded(lines: Iterable[bytes] | BinaryIO) -> Iterator[bytes]:
    """Lines, none of them longer than `LINE_BYTES_MAX`."""
    if isinstance(lines, Sequence):
        yield from lines
        return
    assert hasattr(lines, "readline")
    while line := lines.readline(LINE_BYTES_MAX):
        if len(line) == LINE_BYTES_MAX:
            raise damaged("a line is too long")
        yield line


def _object(line: bytes, number: int) -> dict[str, object]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        code = SnapshotCode.SNAPSHOT_FOREIGN if number == 1 else SnapshotCode.SNAPSHOT_DAMAGED
        raise SnapshotError(code, f"line {number} is not JSON") from None
    if not isinstance(row, dict):
        code = SnapshotCode.SNAPSHOT_FOREIGN if number == 1 else SnapshotCode.SNAPSHOT_DAMAGED
        raise SnapshotError(code, f"line {number} is not a JSON object")
    return row


def damaged(sentence: str) -> SnapshotError:
    """The error of a file whose lines are not what was written."""
    return SnapshotError(SnapshotCode.SNAPSHOT_DAMAGED, sentence)


def bad_value(sentence: str) -> SnapshotError:
    """The error of a record that names or holds something impossible."""
    return SnapshotError(SnapshotCode.SNAPSHOT_BAD_VALUE, sentence)
