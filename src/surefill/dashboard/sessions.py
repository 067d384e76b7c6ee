"""Who is logged in at the dashboard: sessions of the API's tokens, in this process's memory.

What: `Sessions`: opened with a token, found by the cookie's value, ended by the clock, by a rotated
token or by the person.
Why not the token in the cookie: a cookie is sent to every port of this machine's name, and a token
is for life; a session is for a day and of this process alone.
Invariants: ids are 256 random bits; a session whose token was rotated is over with its next use;
after `IDLE_NS` without a page or an act it may look and kill, and nothing else (C.6, 8 and 9).
Must never: keep a token, only its digest; be written anywhere.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import blake2b

from surefill.core.values import replace
from surefill.runtime.token import fresh_token
from surefill.service.pacing import NowNs
from surefill.service.tokens import Role, TokenFile

IDLE_NS = 15 * 60 * 1_000_000_000
"""Without a page or an act; a page that lies open only looks."""
LIFE_NS = 12 * 3_600 * 1_000_000_000
SESSIONS_MAX = 64


@dataclass(frozen=True, slots=True)
class Session:
    """One login. Times UTC ns; ``used_ns``: the last page or act of its person."""

    role: Role
    token_digest: bytes
    opened_ns: int
    used_ns: int


class Sessions:
    """id -> session."""

    def __init__(self, tokens: TokenFile, now_ns: NowNs) -> None:
        self._tokens = tokens
        self._now_ns = now_ns
        self._open: dict[str, Session] = {}

    def open(self, role: Role, token: str) -> str:
        """Log somebody in who has shown this token; the session's id."""
        now = self._now_ns()
        name = fresh_token()
        self._open[name] = Session(role, _digest(token), now, now)
        if len(self._open) > SESSIONS_MAX:
            del self._open[next(iter(self._open))]
        return name

    def find(self, name: str) -> Session | None:
        """The session, if it is still good. Raises `TokenError`."""
        found = self._open.get(name)
        if found is None:
            return None
        token = self._tokens.tokens()[found.role]
        is_over = self._now_ns() - found.opened_ns > LIFE_NS
        if is_over or not hmac.compare_digest(_digest(token), found.token_digest):
            self.close(name)
            return None
        return found

    def touch(self, name: str) -> None:
        """Its person did something."""
        found = self._open.get(name)
        if found is not None:
            self._open[name] = replace(found, used_ns=self._now_ns())

    def is_idle(self, found: Session) -> bool:
        """Whether its person may have left."""
        return self._now_ns() - found.used_ns > IDLE_NS

    def is_own_token(self, found: Session, shown: str) -> bool:
        """Whether this is the token of the session's role, shown once more. Raises `TokenError`."""
        return self._tokens.role_of(shown) is found.role

    def close(self, name: str) -> None:
        """Log out."""
        self._open.pop(name, None)


def _digest(token: str) -> bytes:
    return blake2b(token.encode(), digest_size=32).digest()
