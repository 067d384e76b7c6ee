"""Sending one message: a short-lived process, a pipe, and a time after which it is killed.

What: `Post.send`. It may be called from one thread and ended from another.
Why a process for each message: there are few, and nothing that hangs can stay.
Invariants: it returns within `SEND_S` and a moment; the answer is one code of a closed form; the
child gets none of our settings in its environment.
Must never: raise because of a channel, or put an address where a list of processes shows it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from threading import Lock

from surefill.alerts.letter import Letter
from surefill.alerts.sender import SENT
from surefill.config import KEY_NAME, PREFIXES
from surefill.secret import Secret

SEND_S = 30.0
"""A mail server with grey-listing answers within it; then it hangs."""
HANGS = "HANGS"
CRASHED = "CRASHED"
PRIVATE = (*PREFIXES, KEY_NAME.partition("_")[0] + "_")
"""What the child has no business with."""
CODE_PATTERN = re.compile(r"[A-Z][A-Z_0-9]{1,40}")


class Post:
    """Sends letters to one address."""

    def __init__(self, url: Secret, *, send_s: float = SEND_S) -> None:
        self._url = url
        self._send_s = send_s
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ended = False

    def send(self, letter: Letter) -> str:
        """`SENT`, or the code of what went wrong."""
        job = {"url": self._url.reveal(), "title": letter.title, "body": letter.body}
        data = json.dumps(job | {"kind": letter.kind}).encode()
        process = self._start()
        if process is None:
            return CRASHED
        with process:
            try:
                said = process.communicate(data, timeout=self._send_s)[0].decode("ascii", "replace")
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return HANGS
            except (OSError, ValueError):
                process.kill()
                return CRASHED
        return said if CODE_PATTERN.fullmatch(said) else CRASHED

    def end(self) -> None:
        """Kill what is being sent, and send nothing more."""
        with self._lock:
            self._is_ended = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()

    def _start(self) -> subprocess.Popen[bytes] | None:
        kept = {name: text for name, text in os.environ.items() if not name.startswith(PRIVATE)}
        with self._lock:
            if self._is_ended:
                return None
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "surefill.alerts.sender"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=kept,
                    start_new_session=True,  # a Ctrl-C for the engine is not for a last message
                )
            except OSError:
                return None
            return self._process


__all__ = ["CRASHED", "HANGS", "SENT", "Post"]
