"""Who is logged in, for how long, and what ends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from surefill.dashboard import sessions as module
from surefill.dashboard.sessions import IDLE_NS, LIFE_NS, Session, Sessions
from surefill.service.tokens import Role, TokenFile


class Clock:
    def __init__(self) -> None:
        self.now_ns = 1_000

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    found = TokenFile(tmp_path / "state" / "journal.db.api-tokens")
    found.ensure()
    return found


@pytest.fixture
def sessions(tokens: TokenFile, clock: Clock) -> Sessions:
    return Sessions(tokens, clock)


def opened(sessions: Sessions, tokens: TokenFile, role: Role = Role.OPERATOR) -> str:
    return sessions.open(role, tokens.tokens()[role])


def found(sessions: Sessions, name: str) -> Session:
    session = sessions.find(name)
    assert session is not None
    return session


def test_a_session_is_found_by_a_name_that_nobody_can_guess(
    sessions: Sessions, tokens: TokenFile
) -> None:
    names = {opened(sessions, tokens) for _ in range(3)}
    assert {len(name) for name in names} == {64}
    assert all(found(sessions, name).role is Role.OPERATOR for name in names)
    assert sessions.find("x") is None
    assert not names & set(tokens.tokens().values())


def test_a_token_is_not_kept(sessions: Sessions, tokens: TokenFile) -> None:
    opened(sessions, tokens)
    assert tokens.tokens()[Role.OPERATOR] not in repr(vars(sessions))


def test_a_rotated_token_ends_its_sessions(sessions: Sessions, tokens: TokenFile) -> None:
    operator, viewer = opened(sessions, tokens), opened(sessions, tokens, Role.VIEWER)
    tokens.rotate(Role.OPERATOR)
    assert sessions.find(operator) is None
    assert found(sessions, viewer).role is Role.VIEWER


def test_nobody_is_logged_in_for_ever(sessions: Sessions, tokens: TokenFile, clock: Clock) -> None:
    name = opened(sessions, tokens)
    clock.now_ns += LIFE_NS
    assert sessions.find(name) is not None
    clock.now_ns += 1
    assert sessions.find(name) is None


def test_who_does_nothing_is_idle(sessions: Sessions, tokens: TokenFile, clock: Clock) -> None:
    name = opened(sessions, tokens)
    clock.now_ns += IDLE_NS + 1
    assert sessions.is_idle(found(sessions, name))
    sessions.touch(name)
    assert not sessions.is_idle(found(sessions, name))
    sessions.touch("nobody")


def test_logging_out(sessions: Sessions, tokens: TokenFile) -> None:
    name = opened(sessions, tokens)
    sessions.close(name)
    sessions.close(name)
    assert sessions.find(name) is None


def test_logins_are_bounded(
    sessions: Sessions, tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SESSIONS_MAX", 2)
    first, *others = [opened(sessions, tokens) for _ in range(3)]
    assert sessions.find(first) is None
    assert all(sessions.find(name) for name in others)


def test_the_token_once_more(sessions: Sessions, tokens: TokenFile) -> None:
    session = found(sessions, opened(sessions, tokens))
    shown = tokens.tokens()
    assert sessions.is_own_token(session, shown[Role.OPERATOR])
    assert not sessions.is_own_token(session, shown[Role.VIEWER])
