"""What every test run checks beside its tests: no secret in any artefact (invariant I27).

A canary stands in for the broker's secret key. Tests that handle keys take it from the fixture
``canary`` (SUREFILL_CANARY in the environment sets another one). When the session ends, everything
written below pytest's temporary directory, the project's ``logs`` and all captured output is
searched for any eight consecutive characters of it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.support.postgres_server import PostgresServer

# Written backwards, so that a copy of this file is no leak; taken out of the environment, because
# an unknown name under our prefix refuses to start, rightly.
CANARY = os.environ.pop("SUREFILL_CANARY", "6eYpN4hLf8dRs2Jm5TbV9kx3WyranAc7Qz"[::-1])

# Seeds, not luck: the same examples on every run, and no time limit on a loaded machine.
settings.register_profile("surefill", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("surefill")

# A shell that starts us in the background has Ctrl-C ignored, and our children would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

PIECE = 8
SYSTEM = Path(__file__).parent / "system"
FILE_BYTES_MAX = 64 * 1024 * 1024

_leaks = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def canary() -> str:
    """The secret to use as a key wherever a test needs one."""
    return CANARY


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real database server, started when the first test wants it. Its password is the canary."""
    from tests.support import postgres_server

    reason = postgres_server.missing()
    if reason:
        pytest.skip(reason)
    with postgres_server.PostgresServer(CANARY) as server:
        yield server


def pieces(secret: str) -> list[bytes]:
    """Every eight consecutive characters of the secret."""
    return [secret[at : at + PIECE].encode() for at in range(len(secret) - PIECE + 1)]


def leaks_in(data: bytes, secret: str = CANARY) -> bool:
    """Whether any piece of the secret occurs in the data."""
    return any(piece in data for piece in pieces(secret))


def leaking_files(folder: Path, secret: str = CANARY) -> Iterator[Path]:
    """Files below a folder that contain a piece of the secret."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.stat().st_size > FILE_BYTES_MAX:
            continue
        if leaks_in(path.read_bytes(), secret):
            yield path


def pytest_configure(config: pytest.Config) -> None:
    """Start with no leak known."""
    config.stash[_leaks] = []


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests first, as they stand in their files; those of single files fill the rest."""

    def place(item: pytest.Item) -> tuple[bool, str, int]:
        if not item.path.is_relative_to(SYSTEM):
            return True, "", 0
        return False, item.path.name, item.location[1] or 0

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Search what a test printed and logged."""
    report = yield
    for title, text in report.sections:
        if leaks_in(text.encode()):
            item.config.stash[_leaks].append(f"{item.nodeid} ({title})")
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Search what the run wrote, and turn a leak into a failure of the run."""
    found = session.config.stash[_leaks]
    factory = getattr(session.config, "_tmp_path_factory", None)
    folders = [session.config.rootpath / "logs"]
    if factory is not None:
        folders.append(factory.getbasetemp())
    found += [str(path) for folder in folders for path in leaking_files(folder)]
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name the leaks."""
    for place in config.stash[_leaks]:
        terminalreporter.write_line(f"SECRET LEAKED (I27): {place}", red=True)
