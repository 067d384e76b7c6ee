"""The journal's files: made private, opened without following links, locked by one process.

What: `prepare` (directory 0700, file 0600), `ProcessLock` (who owns the journal) and `held_by`, for
POSIX; `AccountClaim` (who owns the account, wherever its journal lies), for Linux.
Why: a journal tells a stranger every position, and two writers would trade twice (fault P12). The
lock is the kernel's (flock on a sidecar), so ``kill -9`` frees it at once and nothing stale is left
to delete by hand; the sidecar's text only says who holds it, its change time since when.
Must never: follow a symbolic link, widen or change the mode of a directory that was there before,
or open the database file itself beside SQLite (closing it would drop SQLite's own locks).
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from surefill.ports import JournalError, JournalHeld

OWNER_BYTES_MAX = 4096
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def prepare(path: Path, create: Callable[[Path], None]) -> None:
    """Make sure that ``path`` is our private journal file; ``create`` writes a new one.

    A new file appears under its name complete or not at all, so an empty one is always damage.
    Raises `JournalError` for a link, a file others can read, a directory others can write.
    """
    try:
        private_folder(path)
        if not os.path.lexists(path):
            _create(path, create)
    except OSError as problem:
        raise unwritable(path, problem) from None
    check_private(path, stat.S_ISREG, forbidden=0o077)


def private_folder(path: Path) -> None:
    """Make the directory that ``path`` is in, or check the one there is. Raises `JournalError`."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise unwritable(path, problem) from None
    check_private(path.parent, stat.S_ISDIR, forbidden=0o022)


def lock_beside(path: Path) -> Path:
    """The sidecar of the journal ``path`` whose lock says who owns it on this machine."""
    return path.with_name(path.name + ".lock")


def check_private(path: Path, is_kind: Callable[[int], bool], *, forbidden: int) -> None:
    """Refuse ``path`` when it is a link, of another kind, somebody else's or open to others."""
    try:
        found = os.lstat(path)
    except OSError as problem:
        raise unwritable(path, problem) from None
    if stat.S_ISLNK(found.st_mode):
        raise JournalError("JOURNAL_UNWRITABLE", f"{path} is a symbolic link; give the real path")
    if not is_kind(found.st_mode):
        raise JournalError("JOURNAL_UNWRITABLE", f"{path} is not a plain file in a directory")
    if found.st_uid != os.geteuid():
        raise JournalError("JOURNAL_UNWRITABLE", f"{path} belongs to user id {found.st_uid}")
    if found.st_mode & forbidden:
        advice = f"chmod 600 {path}"
        if stat.S_ISDIR(found.st_mode):
            advice = f"chmod 700 {path}, or keep the journal in a directory of its own"
        raise JournalError("JOURNAL_UNWRITABLE", f"{path} is open to other users: {advice}")


def unwritable(path: Path, problem: Exception) -> JournalError:
    """What to say when the operating system refuses (ENOSPC, EIO, EROFS, EACCES)."""
    return JournalError(
        "JOURNAL_UNWRITABLE",
        f"{path} cannot be used ({problem}); free space or repair the disk, then start again",
    )


def _create(path: Path, create: Callable[[Path], None]) -> None:
    draft = path.with_name(f"{path.name}.new-{os.getpid()}")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    try:
        create(draft)
        os.link(draft, path, follow_symlinks=False)
    except FileExistsError:
        pass  # another process was first; its journal is as new as ours
    finally:
        draft.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)  # the name itself must survive a power cut
    finally:
        os.close(directory)


def held_by(path: Path) -> str | None:
    """Who owns the lock file ``path``, as a sentence; ``None`` when nobody does.

    Asks the kernel by taking the lock shared for an instant: an engine that starts at that very
    instant is refused and has to start again.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise unwritable(path, problem) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner_text(fd)
    else:
        return None
    finally:
        os.close(fd)


def place_of(lock: Path) -> str:
    """A name of this sidecar and of the kernel that locks it; "" where there is none.

    Whoever holds the lock, or finds it free, knows that any process of this place is dead.
    """
    try:
        kernel = BOOT_ID.read_text(encoding="ascii").strip()
        found = os.stat(lock)
    except OSError:
        return ""
    return f"{kernel}:{found.st_dev}:{found.st_ino}"


class ProcessLock:
    """An exclusive lock that dies with its process; with ``account``, on that account as well."""

    def __init__(self, path: Path, *, account: str = "") -> None:
        self._path = path
        self._claim = AccountClaim(account) if account else None
        self._fd: int | None = None

    def take(self, holder: str) -> None:
        """Own the lock and write down who does. Raises `JournalHeld` naming the present owner."""
        fd = self._locked()
        try:
            if self._claim is not None:
                self._claim.take()
        except JournalError:
            os.close(fd)
            raise
        owner = {"holder": holder[:200], "pid": os.getpid(), "host": os.uname().nodename}
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(owner).encode(), 0)
        self._fd = fd

    def _locked(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            fd = os.open(self._path, flags, 0o600)
        except OSError as problem:
            raise unwritable(self._path, problem) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sentence = _owner_sentence(fd)
            os.close(fd)
            raise JournalHeld(sentence) from None
        return fd

    @property
    def place(self) -> str:
        """`place_of` its sidecar."""
        return place_of(self._path)

    def release(self) -> None:
        """Let the next process have it. The sidecar stays: deleting it would race with a taker."""
        if self._claim is not None:
            self._claim.release()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class AccountClaim:
    """One process on this machine for one account, even where two journals were made for it (the
    default path is relative: two directories are two files, and each would trade alone).

    A name in the kernel's abstract namespace, which dies with its process like the lock and needs
    no directory that both can see; other systems than Linux have none and are not guarded.
    """

    def __init__(self, account: str) -> None:
        self._name = f"\0surefill.account.{account}"
        self._socket: socket.socket | None = None

    def take(self) -> None:
        """Own the account. Raises `JournalHeld`."""
        if not sys.platform.startswith("linux"):
            return
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(self._name)
        except OSError as problem:
            claim.close()
            if problem.errno != errno.EADDRINUSE:
                raise JournalError(
                    "JOURNAL_UNWRITABLE", f"cannot claim the account ({problem})"
                ) from None
            raise JournalHeld(
                "another process on this machine trades this account, with another journal; stop "
                "it, or give both the same absolute SUREFILL_JOURNAL_PATH and start only one"
            ) from None
        self._socket = claim

    def release(self) -> None:
        """Let the next process have it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def this_process(holder: str) -> str:
    """``holder`` with this process's number and machine, for people."""
    return f"{holder[:200]} (process {os.getpid()} on {os.uname().nodename})"


def _owner_sentence(fd: int) -> str:
    return (
        f"the journal is held by {_owner_text(fd)}; "
        "stop that process, or use it instead of a second one"
    )


def _owner_text(fd: int) -> str:
    since = datetime.fromtimestamp(os.fstat(fd).st_mtime_ns // 10**9, tz=UTC)
    try:
        owner = json.loads(os.pread(fd, OWNER_BYTES_MAX, 0))
        who = f"{owner['holder']} (process {owner['pid']} on {owner['host']})"
    except (ValueError, KeyError, TypeError):
        who = "a process that has only just started"
    return f"{who} since {since:%Y-%m-%d %H:%M:%S} UTC"
