"""Where alerts go: the channels, read from a private file or the system's keyring.

    runbook = "https://desk.example/alerts.html"

    [channels.desk]
    url = "slack://TokenA/TokenB/TokenC/#desk"

    [channels.pager]
    url = "tgram://bot-token/chat-id"
    least = "CRITICAL"

What: `read_channels`. Why a file of its own: an address of a channel is a key to it, so it stands
neither in the environment nor among settings that are shown.
Invariants: every problem is listed at once; a file that others can read is refused; no problem
repeats what the file says.
Must never: send, or load the library that does.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from surefill.config import ALERTS_NAME, ConfigError, ConfigProblem
from surefill.keychain import PREFIX, KeychainProblem, text_of
from surefill.secret import Secret
from surefill.tca.rules import RUNBOOK, Severity

CHANNELS_MAX = 8
BYTES_MAX = 64_000
NAME_PATTERN = re.compile(r"[a-z][a-z0-9_-]{0,31}")
PLAIN = {"json": "jsons", "xml": "xmls", "form": "forms"}
"""Schemes that send unencrypted, and what to write instead."""
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
TOKEN_MIN = 6
"""Shorter parts of an address are no keys, and their text may be anywhere."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: its name, the address that is its key, and the mildest alert it is told."""

    name: str
    url: Secret
    least: Severity

    def takes(self, severity: Severity) -> bool:
        """Whether it is told alerts of this severity."""
        return severity is Severity.CRITICAL or self.least is Severity.WARNING

    @property
    def told(self) -> str:
        """What it is told, for people."""
        word = "CRITICAL alerts" if self.least is Severity.CRITICAL else "every alert"
        return f"{word} of this account"


@dataclass(frozen=True, slots=True)
class Channels:
    """All of them, and the address of the page that says what to do."""

    all: tuple[Channel, ...] = ()
    runbook: str = RUNBOOK

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What no log and no message may show: the addresses and their telling parts."""
        parts = {part for channel in self.all for part in _telling(channel.url.reveal())}
        return tuple(Secret(part) for part in sorted(parts, key=len, reverse=True))


def read_channels(source: str) -> Channels:
    """The channels of ``source``, the text of the setting; none when it is empty.

    Raises `ConfigError` with everything that is wrong.
    """
    if not source:
        return Channels()
    text = _keyring(source) if source.startswith(PREFIX) else _file(Path(source).expanduser())
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at (line \d+, column \d+|end of document)", str(error))
        raise _wrong("FILE_LINE", f"is not TOML ({where[1] if where else 'somewhere'})") from None
    problems = list(_problems(found))
    if find_spec("apprise") is None:
        problems.append(_problem("EXTRA_MISSING", "needs the library: install surefill[alerts]"))
    if problems:
        raise ConfigError(problems)
    channels = [
        Channel(name, Secret(row["url"]), Severity(row.get("least", Severity.WARNING)))
        for name, row in found["channels"].items()
    ]
    return Channels(tuple(channels), found.get("runbook", RUNBOOK))


def _file(path: Path) -> str:
    try:
        with open(path, "rb") as file:  # check the file that is read, not one of the same name
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(BYTES_MAX + 1).decode()
    except OSError as error:
        raise _wrong("FILE_UNREADABLE", f"= {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise _wrong("FILE_UNREADABLE", f"= {path} is not UTF-8") from None
    if stat.S_IMODE(mode) & 0o077:
        sentence = f"= {path} holds keys and is open to other users: chmod 600 {path}"
        raise _wrong("FILE_MODE", sentence)
    if len(text) > BYTES_MAX:
        raise _wrong("FILE_UNREADABLE", f"= {path} has more than {BYTES_MAX} bytes")
    return text


def _keyring(source: str) -> str:
    try:
        return text_of(source, ALERTS_NAME)
    except KeychainProblem as problem:
        raise ConfigError([ConfigProblem(problem.code, ALERTS_NAME, "", _says(problem))]) from None


def _says(problem: KeychainProblem) -> str:
    return f"{ALERTS_NAME} {problem.says}"


def _problems(found: Mapping[str, object]) -> Iterator[ConfigProblem]:
    if found.keys() - {"channels", "runbook"}:
        yield _problem("UNKNOWN_NAME", "takes runbook and channels, nothing else")
    runbook = found.get("runbook", RUNBOOK)
    if not isinstance(runbook, str) or not re.fullmatch(r"[!-~]{1,200}", runbook):
        yield _problem("NOT_A_URL", "runbook is not the address of a page")
    channels = found.get("channels")
    if not isinstance(channels, dict) or not 1 <= len(channels) <= CHANNELS_MAX:
        yield _problem("CHANNELS", f"has 1 to {CHANNELS_MAX} tables [channels.NAME]")
        return
    for name, row in channels.items():
        for code, says in _channel_problems(name, row):
            shown = name if NAME_PATTERN.fullmatch(name) else "?"
            yield _problem(code, f"[channels.{shown}] {says}")


def _channel_problems(name: str, row: object) -> Iterator[tuple[str, str]]:
    """Code and the sentence's rest."""
    if not NAME_PATTERN.fullmatch(name):
        yield "CHANNELS", "is no name like desk or pager-2"
    if not isinstance(row, dict):
        yield "CHANNELS", "is not a table"
        return
    if row.keys() - {"url", "least"}:
        yield "UNKNOWN_NAME", "takes url and least, nothing else"  # a name may be a stray key
    if row.get("least", Severity.WARNING) not in list(Severity):
        yield "NOT_A_CHOICE", "least is WARNING (everything) or CRITICAL"
    url = row.get("url")
    if not isinstance(url, str) or not re.fullmatch(r"[a-z][a-z0-9]*://[!-~]{1,2000}", url):
        yield "NOT_A_URL", "url is not an address like slack://TokenA/TokenB/TokenC"
        return
    scheme, host = url.partition(":")[0], _host(url)
    if scheme in PLAIN and host not in THIS_MACHINE:
        yield "NOT_A_URL", f"would send unencrypted; use {PLAIN[scheme]}://"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _telling(url: str) -> Iterator[str]:
    """The address and its parts that are, or may be, keys."""
    yield url
    for part in re.split(r"[/:@?&=#,]+", url.partition("://")[2]):
        for text in (part, unquote(part)):
            if len(text) >= TOKEN_MIN and text not in THIS_MACHINE:
                yield text


def _problem(code: str, says: str) -> ConfigProblem:
    return ConfigProblem(f"CONFIG_{code}", ALERTS_NAME, "", f"{ALERTS_NAME} {says}")


def _wrong(code: str, says: str) -> ConfigError:
    return ConfigError([_problem(code, says)])
