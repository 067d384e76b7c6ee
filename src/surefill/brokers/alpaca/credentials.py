"""The key pair, in a form that cannot be printed by accident (I27).

Invariants: neither half appears in ``repr``, ``str``, a format or a pickle; `redacted` is the only
way to show request headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

KEY_HEADER = "APCA-API-KEY-ID"
SECRET_HEADER = "APCA-API-SECRET-KEY"  # noqa: S105 - the name of a header
SECRET_HEADERS = frozenset(
    {KEY_HEADER.lower(), SECRET_HEADER.lower(), "authorization", "cookie", "set-cookie"}
)


class Credentials:
    """A key pair. Raises ``ValueError`` for values that cannot be header values."""

    __slots__ = ("_key_id", "_secret")

    def __init__(self, *, key_id: str, secret: str) -> None:
        for name, value in (("key id", key_id), ("secret key", secret)):
            if not value or not value.isascii() or not value.isprintable() or " " in value:
                raise ValueError(f"the {name} is empty or has characters no key has")
        self._key_id = key_id
        self._secret = secret

    def __repr__(self) -> str:
        return "Credentials(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not serialised")

    def headers(self) -> dict[str, str]:
        """Headers of an authenticated request."""
        return {KEY_HEADER: self._key_id, SECRET_HEADER: self._secret}

    def order_stream_logins(self) -> tuple[dict[str, object], dict[str, object]]:
        """Both forms of the order stream's first message (alpaca.md 4): the client library's,
        and the newer documented one."""
        data = {"key_id": self._key_id, "secret_key": self._secret}
        return (
            {"action": "authenticate", "data": data},
            {"action": "auth", "key": self._key_id, "secret": self._secret},
        )

    def market_stream_login(self) -> dict[str, object]:
        """The market stream's first message."""
        return {"action": "auth", "key": self._key_id, "secret": self._secret}


def redacted(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers that may be logged: names stay, secret values go."""
    return {
        name: "***" if name.lower() in SECRET_HEADERS else value for name, value in headers.items()
    }
