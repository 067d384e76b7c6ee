"""Keys from the system's keyring: a real backend of the library, kept in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from surefill.config import ConfigError, Settings
from surefill.keychain import KeychainProblem, text_of

KEY, SECRET = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"


class Chain(KeyringBackend):
    """What a desktop's keyring is, without the desktop."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library has no types here
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("somebody said no")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def chain() -> Iterator[Chain]:
    before = keyring.get_keyring()
    ours = Chain()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


def test_a_text_that_points_nowhere_is_itself() -> None:
    assert text_of("PK123", KEY) == "PK123"


def test_both_keys_come_from_the_keyring(chain: Chain, canary: str) -> None:
    keyring.set_password("desk", KEY, "PK123")
    keyring.set_password("desk", SECRET, canary)
    settings = Settings.load({KEY: "keyring:desk", SECRET: "keyring:desk"})
    assert settings.key_id.reveal() == "PK123"
    assert settings.secret_key.reveal() == canary


def test_what_is_not_there_is_said_with_the_command_that_puts_it_there(chain: Chain) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.load({KEY: "PK123", SECRET: "keyring:desk"})
    assert "CONFIG_KEYRING" in [problem.code for problem in caught.value.problems]
    assert f"keyring set desk {SECRET}" in str(caught.value)


def test_a_locked_keyring_is_no_empty_one(chain: Chain) -> None:
    chain.is_locked = True
    with pytest.raises(KeychainProblem, match="KeyringLocked"):
        text_of("keyring:desk", SECRET)


def test_a_machine_without_a_keyring_says_so() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    try:
        with pytest.raises(KeychainProblem, match="NoKeyringError"):
            text_of("keyring:desk", SECRET)
    finally:
        keyring.set_keyring(before)


def test_no_service_is_a_mistake() -> None:
    with pytest.raises(KeychainProblem, match="names no service"):
        text_of("keyring:", SECRET)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeychainProblem, match=r"surefill\[keyring\]"):
        text_of("keyring:desk", SECRET)
