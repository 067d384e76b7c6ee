"""One line of a ``.env`` file changed, and nothing else of it.

What: `set_line`. Why: a rollback edits the file that a running business starts from; whoever reads
it must see the old file or the new one, never half of either, and never a wider mode.
Invariants: mode, owner, comments, order, line ends and every other line stay; a file that is a link
is changed where it points. A file that does not exist is made, private.
Must never: read or print another value.
"""

from __future__ import annotations

import os
import re
import stat
from io import StringIO
from pathlib import Path

from dotenv.parser import parse_stream

_SPACE = r"[^\S\r\n]*"
_LINE = (
    rf"(?P<head>\s*(?:export\s+)?['\"]?{{name}}['\"]?{_SPACE}={_SPACE})"
    r"(?:'[^'\r\n]*'|\"[^\"\r\n]*\"|[^\r\n]*?)"
    rf"(?P<rest>(?:[^\S\r\n]+#[^\r\n]*)?{_SPACE}[\r\n]*)"
)
"""A line as python-dotenv reads it: a comment needs a space before its sign."""


def set_line(path: Path, name: str, value: str) -> bool:
    """Make the file say ``name=value``; False when it already did, in every line of that name.

    Raises ``OSError`` when the file cannot be replaced, ``UnicodeDecodeError`` when it is no text.
    """
    real = path.resolve()
    try:
        before = real.read_bytes().decode("utf-8")
    except FileNotFoundError:
        before = ""
    after = changed_text(before, name, value)
    if after == before:
        return False
    _replace(real, after.encode("utf-8"))
    return True


def changed_text(text: str, name: str, value: str) -> str:
    """The file's text with ``name=value`` in place of every line of that name, or at the end."""
    parts, found = [], False
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    for binding in parse_stream(StringIO(text.removeprefix(bom), newline="")):
        line = binding.original.string
        if binding.key == name:
            found = True
            line = _changed_line(line, name, value)
        parts.append(line)
    whole = bom + "".join(parts)
    if found:
        return whole
    end = "\r\n" if "\r\n" in whole else "\n"
    gap = "" if not whole or whole.endswith(("\n", "\r")) else end
    return f"{whole}{gap}{name}={value}{end}"


def _changed_line(line: str, name: str, value: str) -> str:
    match = re.fullmatch(_LINE.format(name=re.escape(name)), line)
    if match is None:  # `NAME` alone, without a value
        return line.replace(name, f"{name}={value}", 1)
    return f"{match['head']}{value}{match['rest']}"


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(f"{path.name}.new-{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _take_after(descriptor, path)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)  # it is gone, or it failed
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _take_after(descriptor: int, path: Path) -> None:
    """Give the draft mode and owner of the file that it will replace."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (found.st_uid, found.st_gid):
        os.fchown(descriptor, found.st_uid, found.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(found.st_mode))
