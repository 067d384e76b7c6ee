"""Where the control port of an account is: a socket and a token beside its journal.

What: `ControlPlace`: ``<journal>.sock`` (mode 0600) and ``<journal>.token`` (mode 0600).
Why a socket in the file system and not a TCP port: no web page and no other user can reach it at
all (failures.md C.6, 1 to 4), and nobody can squat on it after the engine has died. The token is
the second lock; it is new at every start.
Invariants: made and removed only while the journal is held; a file that others could read or that
is somebody else's is refused.
Must never: follow a link, or show the token.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from surefill.journal.files import check_private, held_by
from surefill.ports import JournalError
from surefill.runtime.errors import ErrorCode, SurefillError

ADDRESS_BYTES_MAX = 100
"""The kernel takes 107 on Linux and 103 on macOS."""
BACKLOG = 32


class ControlPlace:
    """The control port beside the journal ``journal``."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal.absolute()
        self.socket_path = self._beside(".sock")
        self.token_path = self._beside(".token")

    def listen(self, token: str) -> socket.socket:
        """A listening socket that only this user can reach; the token is written first.

        Raises `SurefillError` (CONTROL_UNREACHABLE) when the place cannot be used.
        """
        try:
            self._write_token(token)
            self.socket_path.unlink(missing_ok=True)  # left behind by a process that was killed
            return self._bound()
        except OSError as error:
            sentence = f"{self.socket_path} cannot be made ({error})"
            raise SurefillError(ErrorCode.CONTROL_UNREACHABLE, sentence) from None

    def remove(self) -> None:
        """The engine takes no more requests."""
        self.socket_path.unlink(missing_ok=True)
        self.token_path.unlink(missing_ok=True)

    def token(self) -> str:
        """The token of the engine that runs now.

        Raises `SurefillError` (CONTROL_UNREACHABLE) saying who holds the account, if anybody.
        """
        try:
            fd = os.open(self.token_path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            raise self.unreachable() from None
        with open(fd, encoding="ascii") as file:
            try:
                check_private(self.token_path, stat.S_ISREG, forbidden=0o077)
                return str(json.load(file)["token"])
            except (JournalError, ValueError, KeyError, TypeError) as error:
                sentence = f"{self.token_path} cannot be used: {error}"
                raise SurefillError(ErrorCode.CONTROL_UNREACHABLE, sentence) from None

    def holder(self) -> str | None:
        """Who holds the account's journal at this moment, if anybody."""
        return held_by(self._beside(".lock"))

    def unreachable(self) -> SurefillError:
        """What to say when there is no control port: who holds the account, or how to start."""
        holder = self.holder()
        if holder is None:
            sentence = "no engine runs for this account; start one with `surefill run`"
        else:
            sentence = (
                f"the account is held by {holder}, which takes no requests; end that process (it "
                "ends its entries, cover stays at the broker), then repeat"
            )
        return SurefillError(ErrorCode.CONTROL_UNREACHABLE, sentence)

    @contextmanager
    def address(self) -> Iterator[str]:
        """The socket's path in a form that fits into a socket address."""
        if len(os.fsencode(self.socket_path)) <= ADDRESS_BYTES_MAX:
            yield str(self.socket_path)
            return
        fd = os.open(self.socket_path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{fd}/{self.socket_path.name}"
        finally:
            os.close(fd)

    def _beside(self, suffix: str) -> Path:
        return self._journal.with_name(self._journal.name + suffix)

    def _write_token(self, token: str) -> None:
        draft = self._beside(f".token-{os.getpid()}")
        draft.unlink(missing_ok=True)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(fd, "w", encoding="ascii") as file:
            json.dump({"token": token, "pid": os.getpid()}, file)
        draft.replace(self.token_path)

    def _bound(self) -> socket.socket:
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        old_mask = os.umask(0o177)
        try:
            with self.address() as address:
                bound.bind(address)
            bound.listen(BACKLOG)
        except OSError:
            bound.close()
            raise
        finally:
            os.umask(old_mask)
        return bound


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection, and be sure that its socket is gone."""
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        pass  # the other side was faster
