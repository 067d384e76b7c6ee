"""The kinds of values that settings have: how each is read from text, checked and shown.

What: `Kind` and one class for each: flags, exact numbers, choices, symbols, limits, paths,
addresses, credentials, the place of the alert channels. Why apart from `config`: that says which
settings there are, this says what a value may be.
Invariants: `show` gives a text that `read` takes back (but for secrets); numbers are read exactly.
Must never: guess what a wrong value meant, or put a secret into what is wrong with it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from surefill.core.limits import LimitError, Override, read_limits, show_limits
from surefill.core.plan import SYMBOL_PATTERN
from surefill.core.policies import PolicyError, PolicyOverride, read_policies, show_policies
from surefill.core.units import NANO, to_text
from surefill.journal.address import DatabaseAddress, address_of, is_address
from surefill.keychain import PREFIX, text_of
from surefill.secret import Secret


class Bad(ValueError):
    """A value that a kind of setting does not accept: code and the rest of the sentence."""

    def __init__(self, code: str, says: str) -> None:
        super().__init__(says)
        self.code = f"CONFIG_{code}"
        self.says = says


class Kind(ABC):
    """How the values of a setting are read from text, checked and shown."""

    unit = ""

    @abstractmethod
    def read(self, text: str) -> Any:
        """The value of ``text``. Raises `Bad`."""

    def check(self, value: Any) -> None:  # noqa: B027 - some kinds allow every value
        """Raises `Bad` for a value that is of the right type but not allowed."""

    def show(self, value: Any) -> str:
        """The canonical text of ``value``; `read` gives it back (but for secrets)."""
        return str(value)


class Flag(Kind):
    """True or False; also the spellings 1/0, yes/no, on/off, as people write them in ``.env``."""

    def read(self, text: str) -> bool:
        if text.lower() in {"true", "1", "yes", "on"}:
            return True
        if text.lower() in {"false", "0", "no", "off"}:
            return False
        raise Bad("NOT_A_FLAG", "is neither True nor False")


@dataclass(frozen=True)
class Number(Kind):
    """A decimal number kept as ``int`` in ``scale``-ths; ``low`` and ``high`` in that ``int``."""

    low: int
    high: int
    scale: int = NANO
    unit: str = ""

    def read(self, text: str) -> int:
        try:
            number = Decimal(text) if re.fullmatch(r"[-+0-9.eE]{1,40}", text) else None
        except InvalidOperation:
            number = None
        if number is None:
            raise Bad("NOT_A_NUMBER", "is not a number")
        if number.adjusted() > 30 or number.adjusted() < -30:  # before it becomes an int
            raise Bad("OUT_OF_RANGE", "is out of range")
        numerator, denominator = number.as_integer_ratio()
        value, rest = divmod(numerator * self.scale, denominator)
        if rest:
            raise Bad("OUT_OF_RANGE", f"is finer than {self.show(1)}")
        return value

    def check(self, value: int) -> None:
        if self.low <= value <= self.high:
            return
        says = f"is outside {self.show(self.low)} to {self.show(self.high)}"
        if self.unit == "fraction":
            says += f": {self.show(value)} means {self.show(value * 100)} %"
        raise Bad("OUT_OF_RANGE", says)

    def show(self, value: int) -> str:
        return to_text(value * (NANO // self.scale))


@dataclass(frozen=True)
class Choice(Kind):
    """One of a closed list, by its value, in any case."""

    members: type[StrEnum]

    def read(self, text: str) -> StrEnum:
        for member in self.members:
            if text.lower() == member.value.lower():
                return member
        words = " | ".join(member.value.lower() for member in self.members)
        raise Bad("NOT_A_CHOICE", f"is not one of {words}")

    def show(self, value: StrEnum) -> str:
        return value.value.lower()


class Symbols(Kind):
    """Ticker symbols, separated by commas or spaces."""

    def read(self, text: str) -> tuple[str, ...]:
        return tuple(sorted({word.upper() for word in re.split(r"[,\s]+", text) if word}))

    def check(self, value: tuple[str, ...]) -> None:
        wrong = [symbol for symbol in value if not SYMBOL_PATTERN.fullmatch(symbol)]
        if wrong:
            raise Bad("NOT_A_SYMBOL", f"holds no symbols: {', '.join(wrong)}")

    def show(self, value: tuple[str, ...]) -> str:
        return ",".join(value)


class LimitList(Kind):
    """``NAME=VALUE`` or ``SYMBOL:NAME=VALUE`` with spaces or commas between: `core.limits`."""

    def read(self, text: str) -> tuple[Override, ...]:
        try:
            return read_limits(text)
        except LimitError as error:
            raise Bad("NOT_A_LIMIT", str(error)) from None

    def show(self, value: tuple[Override, ...]) -> str:
        return show_limits(value)


class PolicyList(Kind):
    """``SYMBOL:NAME=VALUE`` with spaces or commas between: `core.policies`."""

    def read(self, text: str) -> tuple[PolicyOverride, ...]:
        try:
            return read_policies(text)
        except PolicyError as error:
            raise Bad("NOT_A_POLICY", str(error)) from None

    def show(self, value: tuple[PolicyOverride, ...]) -> str:
        return show_policies(value)


class FilePath(Kind):
    """A path; ``~`` is the home directory, a relative one starts at the working directory. Or the
    address of a database, where the setting takes one."""

    def read(self, text: str) -> Path | DatabaseAddress:
        if not text.isprintable():
            raise Bad("NOT_A_PATH", "holds characters that no file name has")
        try:
            return address_of(text) if is_address(text) else Path(text).expanduser()
        except ValueError as error:
            raise Bad("NOT_A_URL", str(error)) from None


class Url(Kind):
    """An ``https`` address; plain ``http`` only for this machine. A trailing ``/v2`` is dropped."""

    def read(self, text: str) -> str:
        return text.removesuffix("/").removesuffix("/v2")

    def check(self, value: str) -> None:
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise Bad("NOT_A_URL", "is not an address") from None
        if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
            raise Bad("NOT_A_URL", "is not an address like https://host")
        if parts.username is not None:
            raise Bad("NOT_A_URL", "holds a user name or password; keys have settings of their own")
        if parts.scheme == "http" and host not in {"localhost", "127.0.0.1", "::1"}:
            raise Bad("NOT_A_URL", "would send the keys unencrypted; use https")


@dataclass(frozen=True)
class Hidden(Kind):
    """A credential: read as `Secret`, never shown. ``keyring:SERVICE`` keeps it under ``name``."""

    name: str

    def read(self, text: str) -> Secret:
        return Secret(text_of(text, self.name))

    def check(self, value: Secret) -> None:
        if not re.fullmatch(r"[!-~]{0,200}", value.reveal()):
            raise Bad("NOT_A_KEY", "holds characters that no key has")

    def show(self, value: Secret) -> str:
        return "***" if value else ""


class Source(Kind):
    """Where a text with secrets is: a file, or ``keyring:SERVICE``. Never the secret itself."""

    def read(self, text: str) -> str:
        return text

    def check(self, value: str) -> None:
        if "://" in value:
            raise Bad("NOT_A_PATH", "names a file or keyring:SERVICE; an address goes into that")
        if not value.isprintable():
            raise Bad("NOT_A_PATH", "holds characters that no file name has")
        if value == PREFIX:
            raise Bad("NOT_A_PATH", f"names no service; write {PREFIX}SERVICE")
