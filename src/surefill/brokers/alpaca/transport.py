"""Requests and what became of them, as values: the seam between translation and sockets.

What: an HTTP request to send, and the four ways one can end.
Why: whether a request may have taken effect decides everything that follows (I10), so the socket
code says only what it saw and the pure translation says what that means.
Must never: hold a credential (headers are added at the socket) or an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. ``path`` is already quoted; ``body`` is JSON or ``None``."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A complete answer. Header names are lower case; ``recv_ns`` is UTC."""

    status: int
    body: bytes
    recv_ns: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request provably never reached the broker."""

    text: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The request was, or may have been, sent, and no complete answer came back."""

    text: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """Our own budget held the request back: it was not sent; not before ``until_ns`` (UTC)."""

    until_ns: int


HttpOutcome = HttpResponse | NotSent | Lost | Throttled
