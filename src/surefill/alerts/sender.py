"""The process that sends one message: ``python -m surefill.alerts.sender``, for `post` alone.

What: reads a JSON object from its standard input (address, title, text, kind), sends it with the
notification library, and writes one code: `SENT`, or why not. Why a process: whatever a plugin
does, hangs in or prints happens here, and ends with it; an engine neither loads the library nor
waits for it.
Invariants: the address comes by a pipe, never by an argument or the environment; all that the
library prints or logs goes nowhere; a signal to the whole service ends no last message.
Must never: write anything but a code of the closed list.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sys
from collections.abc import Mapping

NICE = 10
"""Cover goes first."""
BYTES_MAX = 100_000

SENT = "SENT"
ADDRESS_INVALID = "ADDRESS_INVALID"
LIBRARY_MISSING = "LIBRARY_MISSING"
REFUSED = "REFUSED"
SIGNS = (
    (re.compile(r"error[=:]? ?([1-5]\d\d)\b", re.IGNORECASE), "HTTP"),
    (re.compile(r"connection|socket|timeout|timed out|unreachable", re.IGNORECASE), "UNREACHABLE"),
    (re.compile(r"authenticat|login|credential|password", re.IGNORECASE), "LOGIN_REFUSED"),
)
"""What the library says, and what is made of it; its own words may hold the address."""


class _Ear(logging.Handler):
    """Keeps what the library complained about."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


def main() -> int:
    """Send the message on standard input; the code goes to standard output."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a service is stopped with all of its processes
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.nice(NICE)
    code = send(json.loads(sys.stdin.buffer.read(BYTES_MAX)))
    os.write(answer, code.encode())
    return 0


def send(job: Mapping[str, str]) -> str:
    """Send it; `SENT` or why not."""
    try:
        import apprise
    except ModuleNotFoundError:
        return LIBRARY_MISSING
    ear = _Ear()
    library = logging.getLogger("apprise")
    library.addHandler(ear)
    library.propagate = False
    try:
        asset = apprise.AppriseAsset(app_id="Surefill", app_desc="Surefill", async_mode=False)
        channel = apprise.Apprise(asset=asset)
        if not channel.add(job["url"]):
            return ADDRESS_INVALID
        is_sent = channel.notify(
            body=job["body"],
            title=job["title"],
            notify_type=job["kind"],
            body_format=apprise.NotifyFormat.TEXT,
        )
        return SENT if is_sent else code_of(ear.heard)
    finally:
        library.removeHandler(ear)


def code_of(heard: list[str]) -> str:
    """Why it was not sent, by what the library complained about."""
    text = " ".join(heard)
    for sign, code in SIGNS:
        found = sign.search(text)
        if found is not None:
            return f"{code}_{found[1]}" if found.groups() else code
    return REFUSED


if __name__ == "__main__":  # pragma: no cover - `post` runs it
    sys.exit(main())
