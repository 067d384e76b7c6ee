"""Who is asking: key pairs and the accounts behind them.

What: `KeyRing` turns the credentials of a request into an account. Without a key file any pair
opens its own account on first use; with one, only the pairs it names exist.
Invariants: a key keeps the secret it was first seen with; secrets are kept as digests and compared
in constant time; the account's name is a function of the key id.
Must never: print, log or return a secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from surefill.core.units import NANO, UnitError, to_nano
from surefill.sim.alpaca.text import uuid_of

DEFAULT_CASH_USD = 100_000 * NANO
"""What an account starts with, 1e-9 USD (design 9)."""


class KeyFileError(ValueError):
    """A key file that cannot be used; the message says where."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key pair as presented by a client. The secret never appears in a repr."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return f"Credentials({self.key!r}, ...)"


@dataclass(frozen=True, slots=True)
class Owner:
    """The account behind a key: its name at the exchange, its public id, its starting cash."""

    key: str
    account: str
    account_id: str
    cash_usd: int


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def sealed(credentials: Credentials) -> tuple[str, bytes]:
    """Key and digest of the secret: what may be written down."""
    return credentials.key, _digest(credentials.secret)


def owner_of(key: str, cash_usd: int = DEFAULT_CASH_USD) -> Owner:
    """The account a key opens; its number looks like a paper account's."""
    name = hashlib.sha256(key.encode()).hexdigest()[:10].upper()
    return Owner(key, f"PA{name}", uuid_of("account", key), cash_usd)


def credentials_of(headers: Mapping[str, str]) -> Credentials | None:
    """Key pair from the two headers, HTTP Basic, or an OAuth token (which is both here); header
    names are lower case."""
    key, secret = headers.get("apca-api-key-id", ""), headers.get("apca-api-secret-key", "")
    if key and secret:
        return Credentials(key, secret)
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return Credentials(value, value)
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    key, colon, secret = text.partition(":")
    return Credentials(key, secret) if colon and key and secret else None


class KeyRing:
    """Known keys (key -> secret digest, owner). ``open_account`` is called once per account."""

    def __init__(
        self,
        open_account: Callable[[Owner], None],
        named: Mapping[str, tuple[bytes, Owner]] | None = None,
    ) -> None:
        self._open_account = open_account
        self.is_closed = named is not None
        self.named = dict(named or {})
        self._opened: dict[str, Owner] = {}
        self.secrets: dict[str, bytes] = {}

    def find(self, credentials: Credentials | None) -> Owner | None:
        """The account of a key pair, opened on first use; ``None`` when the pair is wrong."""
        return None if credentials is None else self.find_sealed(sealed(credentials))

    def find_sealed(self, seal: tuple[str, bytes]) -> Owner | None:
        """As `find`, for credentials that were written down without their secret."""
        key, digest = seal
        named = self.named.get(key)
        if named is None and self.is_closed:
            return None
        known = named[0] if named else self.secrets.setdefault(key, digest)
        if not hmac.compare_digest(known, digest):
            return None
        return self.open(key)

    def open(self, key: str, cash_usd: int | None = None) -> Owner:
        """The account of ``key``, opened with ``cash_usd`` (1e-9 USD) if it is new."""
        owner = self._opened.get(key)
        if owner is None:
            named = self.named.get(key)
            owner = named[1] if named else owner_of(key)
            if cash_usd is not None:
                owner = Owner(owner.key, owner.account, owner.account_id, cash_usd)
            self._open_account(owner)
            self._opened[key] = owner
        return owner

    def restore(
        self,
        *,
        closed: bool,
        named: dict[str, tuple[bytes, Owner]],
        opened: dict[str, Owner],
        secrets: dict[str, bytes],
    ) -> None:
        """Go on with the keys of a snapshot; their accounts are open already."""
        self.is_closed, self.named, self.secrets = closed, named, secrets
        self._opened = opened

    def is_open(self, key: str) -> bool:
        """Whether this key's account exists already."""
        return key in self._opened

    def opened(self) -> list[Owner]:
        """All accounts in the order they were opened."""
        return list(self._opened.values())


def read_keys(path: Path) -> dict[str, tuple[bytes, Owner]]:
    """Key file: ``{"KEY": {"secret": "...", "cash": "100000"}}``; cash is optional, in USD."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KeyFileError(f"cannot read the key file {path}: {error.strerror}") from None
    except ValueError:
        raise KeyFileError(f"the key file {path} is not JSON") from None
    if not isinstance(data, dict) or not data:
        raise KeyFileError(f"the key file {path} must hold an object with at least one key")
    return {key: _entry(path, key, value) for key, value in data.items()}


def _entry(path: Path, key: str, value: object) -> tuple[bytes, Owner]:
    if not isinstance(value, dict) or not isinstance(value.get("secret"), str):
        raise KeyFileError(f'{path}: key {key!r} needs {{"secret": "..."}}')
    unknown = sorted(set(value) - {"secret", "cash"})
    if unknown:
        raise KeyFileError(f"{path}: key {key!r} has unknown fields {', '.join(unknown)}")
    try:
        cash_usd = to_nano(value.get("cash", "100000"))
    except UnitError as error:
        raise KeyFileError(f"{path}: cash of {key!r}: {error}") from None
    return _digest(value["secret"]), owner_of(key, cash_usd)
