"""A private PostgreSQL server for tests: a temporary cluster, as a user without rights, on a Unix
socket and on a loopback port that asks for a password.

with PostgresServer() as server:
    address = server.database()
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from tests.support.exchange_server import wait_until

USERS = ("postgres", "nobody")
"""Who runs the server when the tests are root's, whom it refuses."""
FAST = ("shared_buffers=16MB", "max_connections=40", "autovacuum=off", "log_min_messages=fatal")
_names = itertools.count(1)


def tool(name: str) -> str | None:
    """Where the server's program is; Debian keeps them out of the way."""
    found = shutil.which(name)
    if found is not None:
        return found
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(places[0]) if places else None


def missing() -> str:
    """Why there can be no server; empty when there can."""
    if tool("postgres") is None or tool("initdb") is None:
        return "no PostgreSQL server on this machine (apt-get install postgresql)"
    return ""


class PostgresServer:
    """One cluster; every `database` is empty and nobody else's."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._home = Path(tempfile.mkdtemp(prefix="surefill-pg-"))
        self._as_user: dict[str, Any] = {}
        self.port = 0
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> PostgresServer:
        if os.geteuid() == 0:
            user = next(pwd.getpwnam(name) for name in USERS if _is_known(name))
            os.chown(self._home, user.pw_uid, user.pw_gid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._init()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._home)

    def start(self) -> None:
        """Serve; returns when it answers."""
        settings = [word for one in FAST for word in ("-c", one)]
        command = [tool("postgres"), "-D", self._home / "data", "-k", self._home]
        command += ["-h", "127.0.0.1", "-p", str(self.port), *settings]
        self.process = subprocess.Popen(
            [str(word) for word in command],
            cwd=self._home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as_user,
        )
        wait_until(self._answers, every_s=0.02)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Cut every connection and end, in order (SIGINT) or at once (SIGQUIT)."""
        self.process.send_signal(number)
        self.process.wait(timeout=30)

    def database(self) -> str:
        """The address of a new, empty database, without a password, by the Unix socket."""
        name = f"journal{next(_names)}"
        with self.admin() as admin:
            admin.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql://surefill@/{name}?host={self._home}&port={self.port}"

    def by_password(self, address: str, *, other: str = "") -> str:
        """The same database over the loopback port, which asks for the password; as another user
        with an ``other`` one."""
        name = address.partition("@/")[2].partition("?")[0]
        user, password = ("other", other) if other else ("surefill", self._password)
        if other:
            with self.admin() as admin:
                admin.execute("DROP ROLE IF EXISTS other")
                admin.execute(f"CREATE ROLE other SUPERUSER LOGIN PASSWORD '{other}'".encode())
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{name}"

    def admin(self, name: str = "postgres") -> psycopg.Connection[Any]:
        """A connection of our own."""
        return psycopg.connect(
            host=str(self._home), port=self.port, user="surefill", dbname=name, autocommit=True
        )

    def _init(self) -> None:
        secret = self._home / "password"
        secret.write_text(self._password, encoding="ascii")
        secret.chmod(0o644)  # in a directory that only the server's user can enter
        words = ["-D", self._home / "data", "-U", "surefill", "--pwfile", secret, "--no-sync"]
        words += ["--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C"]
        self._run("initdb", *words)
        secret.unlink()

    def _run(self, program: str, *words: object) -> None:
        done = subprocess.run(
            [str(tool(program)), *map(str, words)],
            cwd=self._home,
            capture_output=True,
            text=True,
            **self._as_user,
        )
        assert done.returncode == 0, done.stderr

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the server ended"
        try:
            self.admin().close()
        except psycopg.OperationalError:
            return False
        return True


def _is_known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
