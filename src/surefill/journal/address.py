"""Where a journal in a database is: an address whose password shows nowhere.

What: `DatabaseAddress` (``postgresql://user:password@host:port/database``), `address_of` which
reads one, and `without_password` for any text that may hold one.
Why: the address stands in the settings, and so in errors, in ``status`` and in support mails.
Invariants: ``str`` and ``repr`` show the address without its password; an address that could not be
read is shown without everything before its last ``@``.
Must never: take options that weaken durability or hide another password (``?options=``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from surefill.secret import Secret

SCHEMES = ("postgresql", "postgres")
OPTIONS = frozenset({"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey"})
"""What may stand behind the question mark; ``host`` is how a socket directory is written."""
THIS_MACHINE = frozenset({"", "localhost", "127.0.0.1", "::1"})
"""Elsewhere TLS is asked for, unless the address says otherwise."""
_HIDDEN = re.compile(r"(?<=://)\S*@|(?<=password=)[^&\s]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """One database. ``shown`` is the address without its password."""

    shown: str
    password: Secret
    user: str
    host: str
    port: int | None
    database: str
    options: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return self.shown

    def parameters(self) -> dict[str, str]:
        """What a driver connects with, the password among it. What is missing is the driver's
        business: ``PGPASSWORD``, ``~/.pgpass``."""
        given = {
            "user": self.user,
            "password": self.password.reveal(),
            "host": self.host,
            "port": str(self.port or ""),
            "dbname": self.database,
        }
        safety = {} if self.host in THIS_MACHINE else {"sslmode": "require"}
        return {name: text for name, text in given.items() if text} | safety | dict(self.options)


def is_address(text: str) -> bool:
    """Whether this is meant as the address of a database, not as the path of a file."""
    return text.lower().startswith(tuple(f"{scheme}:" for scheme in SCHEMES))


def address_of(text: str) -> DatabaseAddress:
    """The address in ``text``. Raises ``ValueError`` with the rest of a sentence about it."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError("is not an address like postgresql://user@host/database") from None
    database = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in SCHEMES or not parts.netloc + parts.query or not database:
        raise ValueError("is not an address like postgresql://user@host/database")
    if parts.fragment or "/" in database or not text.isprintable():
        raise ValueError("holds characters that the address of a database has not")
    wrong = sorted({name for name, _ in options} - OPTIONS)
    if wrong:
        # Not by its name: whoever misspells it may have put a password there.
        raise ValueError(f"has an option that is none of {', '.join(sorted(OPTIONS))}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return DatabaseAddress(
        shown=_shown(parts, user),
        password=Secret(password),
        user=user,
        host=host or "",
        port=port,
        database=database,
        options=tuple(options),
    )


def without_password(text: str) -> str:
    """Any text, without what may be the user and password of an address in it."""
    return _HIDDEN.sub(lambda found: "***@" if found[0].endswith("@") else "***", text)


def _shown(parts: SplitResult, user: str) -> str:
    who = f"{quote(user)}@" if user else ""
    server = parts.netloc.rpartition("@")[2]
    return f"postgresql://{who}{server}{parts.path}{f'?{parts.query}' if parts.query else ''}"
