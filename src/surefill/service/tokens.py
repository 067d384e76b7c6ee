"""Who may ask the HTTP API: three tokens in a private file beside the journal.

What: `Role`, and `TokenFile`: made at the first start, one 256-bit token for each role, rotated one
by one; a running server takes a rotated token with its next request.
Why three: what watches must not be able to trade, and the kill switch must lie where trading may
not (failures.md C.6, 8 and 9).
Invariants: the file is a plain one of mode 0600 that belongs to this user, or it is not used;
tokens are compared in constant time, all of them, whichever was shown.
Must never: show a token, follow a link, or take a file that others could read.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import stat
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from surefill.journal.files import check_private, private_folder
from surefill.ports import JournalError
from surefill.runtime.token import fresh_token

TOKEN_PATTERN = re.compile(r"[0-9a-f]{64}")


class Role(StrEnum):
    """What a token allows."""

    VIEWER = "viewer"
    """Reads."""
    OPERATOR = "operator"
    """Reads, trades and all acts."""
    KILL_ONLY = "kill-only"
    """The kill switch, and whether it holds. Nothing else, and never un-kill."""


class TokenError(Exception):
    """The token file cannot be used; the sentence says why and what to do."""


def token_path(journal: Path) -> Path:
    """The token file beside the journal ``journal``."""
    return journal.with_name(journal.name + ".api-tokens")


class TokenFile:
    """The tokens of one account's API."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._tokens: Mapping[Role, str] = {}

    def ensure(self) -> bool:
        """Make it when there is none; whether it was made. Raises `TokenError`."""
        if os.path.lexists(self.path):
            self.tokens()
            return False
        self._write({role: fresh_token() for role in Role})
        return True

    def rotate(self, *roles: Role) -> None:
        """New tokens for these roles; the old ones are worth nothing from now on. Raises
        `TokenError`."""
        kept = dict(self.tokens()) if os.path.lexists(self.path) else {}
        missing = [role for role in Role if role not in kept]
        self._write(kept | {role: fresh_token() for role in (*roles, *missing)})

    def tokens(self) -> Mapping[Role, str]:
        """Role -> token, read again when the file has changed. Raises `TokenError`."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise TokenError(f"{self.path} cannot be read ({error.strerror})") from None
        with open(fd, encoding="ascii") as file:
            found = os.fstat(fd)
            seen = (found.st_ino, found.st_mtime_ns, found.st_mode)
            if seen != self._seen:
                self._tokens = self._checked(file.read(4096))
                self._seen = seen
        return self._tokens

    def role_of(self, shown: str) -> Role | None:
        """Whose token this is. Raises `TokenError`."""
        found = None
        for role, token in self.tokens().items():
            if hmac.compare_digest(token.encode(), shown.encode()):
                found = role
        return found

    def _checked(self, text: str) -> dict[Role, str]:
        try:
            check_private(self.path, stat.S_ISREG, forbidden=0o077)
            tokens = {Role(name): str(token) for name, token in json.loads(text).items()}
        except JournalError as error:
            raise TokenError(str(error).partition(": ")[2]) from None
        except (ValueError, AttributeError):
            tokens = {}
        is_whole = len(set(tokens.values())) == len(Role) == len(tokens)
        if not is_whole or not all(map(TOKEN_PATTERN.fullmatch, tokens.values())):
            sentence = f"{self.path} holds no three tokens; remove it, the next start makes a new"
            raise TokenError(f"{sentence} one")
        return tokens

    def _write(self, tokens: Mapping[Role, str]) -> None:
        draft = self.path.with_name(f"{self.path.name}-{os.getpid()}")
        try:
            private_folder(self.path)
            draft.unlink(missing_ok=True)
            fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(fd, "w", encoding="ascii") as file:
                json.dump({role.value: token for role, token in tokens.items()}, file)
                file.write("\n")
            draft.replace(self.path)
        except (OSError, JournalError) as error:
            raise TokenError(f"{self.path} cannot be written ({error})") from None
