"""Every setting, once: its name, default, unit, bounds and meaning, in one frozen object.

What: `Settings`, loaded from the environment over a ``.env`` file, or built in code.
Why: a value that is silently ignored or misread trades other sizes than its owner thinks (diary
A-46, I26). So a wrong value, an unknown name under our prefixes and a misspelt one refuse to start,
and every problem is listed at once.
Invariants: numbers are read exactly (decimal text to integers); at most 28 settings; the seven
classic names and defaults are fixed, because users have them in their ``.env``.
Must never: show a secret, take one from elsewhere than environment, private file or keyring, or
guess what a wrong value meant.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from hashlib import blake2b
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from dotenv.parser import parse_stream

from surefill.core.fix import Feed
from surefill.core.limits import Override, read_limits, show_limits
from surefill.core.plan import POLICY_BOUNDS, Policy
from surefill.core.policies import PolicyOverride, policy_of
from surefill.core.rollout import takes_smart
from surefill.core.units import NANO
from surefill.journal.address import DatabaseAddress, without_password
from surefill.keychain import KeychainProblem
from surefill.ports import WashExempts
from surefill.secret import Secret as Secret
from surefill.setting_kinds import (
    Bad,
    Choice,
    FilePath,
    Flag,
    Hidden,
    Kind,
    LimitList,
    Number,
    PolicyList,
    Source,
    Symbols,
    Url,
)

PREFIXES = ("SUREFILL_", "SMART_EXECUTOR_")
NOT_SETTINGS = frozenset({"SUREFILL_TAPES", "SUREFILL_PAYLOADS", "SUREFILL_CANARY"})
"""Names under our prefix that belong to the test suite."""
MILLI_NS, SECOND_NS = 1_000_000, 1_000_000_000
FILE_BYTES_MAX = 1_000_000
KEY_NAME, SECRET_NAME = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"
JOURNAL_NAME = "SUREFILL_JOURNAL_PATH"
ALERTS_NAME = "SUREFILL_ALERTS"
LOCAL_PATH = ".surefill/journal.db"
"""The journal; with one in a database, what else stands beside it (control port, heartbeat)."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that is wrong with one setting. ``value`` is never a secret."""

    code: str
    name: str
    value: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


class ConfigError(ValueError):
    """The settings cannot be used; ``problems`` lists everything that is wrong with them."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


_SLIPPAGE = Number(*POLICY_BOUNDS["max_slippage_ppb"], unit="fraction")
_BUFFER = Number(*POLICY_BOUNDS["limit_buffer_regular_ppb"], unit="fraction")
_TIMEOUT = Number(*POLICY_BOUNDS["fill_timeout_ns"], SECOND_NS, "seconds")
_RATIO = Number(*POLICY_BOUNDS["min_rr_ppb"])
_USD = Number(NANO, 10**9 * NANO, NANO, "USD")
_SHARES = Number(NANO, 10**7 * NANO, NANO, "shares")
LIMITS = show_limits(read_limits(""))
_CUTOFF = Number(0, 23_400 * SECOND_NS, SECOND_NS, "seconds")
_REQUESTS = Number(20, 10_000, 1, "requests")
_AGE = Number(MILLI_NS, 3_600_000 * MILLI_NS, MILLI_NS, "ms")


def setting(line: str, kind: Kind, meaning: str) -> Any:
    """The field of one setting. ``line`` is its default, as one would write it in ``.env``."""
    env, _, default = line.partition("=")
    told = f"{meaning} ({kind.unit})" if kind.unit else meaning
    metadata = {"env": env, "default": default, "kind": kind, "unit": kind.unit, "meaning": told}
    return field(default=kind.read(default), metadata=metadata)


class SettingRow(NamedTuple):
    """One setting for people: name in the environment, value, default, unit, meaning."""

    name: str
    value: str
    default: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, checked. Ratios in ppb, money in 1e-9 USD, shares in 1e-9, times in ns.

    Raises `ConfigError` with every problem, however it is built.
    """

    use_smart_executor: bool = setting(
        "USE_SMART_EXECUTOR=True", Flag(), "entries through the smart executor; False: legacy"
    )
    max_slippage_ppb: int = setting(
        "SMART_EXECUTOR_MAX_SLIPPAGE_PCT=0.001", _SLIPPAGE, "worst entry against the signal"
    )
    limit_buffer_regular_ppb: int = setting(
        "SMART_EXECUTOR_LIMIT_BUFFER_REGULAR=0.0005", _BUFFER, "first limit beyond the signal"
    )
    limit_buffer_extended_ppb: int = setting(
        "SMART_EXECUTOR_LIMIT_BUFFER_EXTENDED=0.0002", _BUFFER, "the same in extended hours"
    )
    fill_timeout_ns: int = setting(
        "SMART_EXECUTOR_FILL_TIMEOUT=60", _TIMEOUT, "how long an entry may work"
    )
    min_rr_ppb: int = setting(
        "SMART_EXECUTOR_MIN_RR_RATIO=2.0", _RATIO, "minimum reward/risk of a plan"
    )
    extended_hours: bool = setting(
        "SMART_EXECUTOR_ENABLE_EXTENDED_HOURS=False", Flag(), "entries there, if the plan agrees"
    )
    key_id: Secret = setting(
        f"{KEY_NAME}=", Hidden(KEY_NAME), "key id at Alpaca, or keyring:SERVICE"
    )
    secret_key: Secret = setting(f"{SECRET_NAME}=", Hidden(SECRET_NAME), "its secret, likewise")
    base_url: str = setting(
        "APCA_API_BASE_URL=https://paper-api.alpaca.markets", Url(), "where orders go"
    )
    data_feed: Feed = setting(
        "SUREFILL_DATA_FEED=iex", Choice(Feed), "quotes: iex (one venue) | sip (all) | test"
    )
    wash_exempts: WashExempts = setting(
        "SUREFILL_WASH_EXEMPTS=none",
        Choice(WashExempts),
        "exits beside a working entry: none | new_only | all_complex",
    )
    journal_path: Path | DatabaseAddress = setting(
        f"{JOURNAL_NAME}={LOCAL_PATH}",
        FilePath(),
        "the journal's file, or postgresql://user@host/database",
    )
    log_dir: Path = setting("SUREFILL_LOG_DIR=logs", FilePath(), "directory of the logs")
    alerts: str = setting(
        f"{ALERTS_NAME}=", Source(), "file of the alert channels (mode 0600), or keyring:SERVICE"
    )
    max_order_notional_usd: int = setting(
        "SUREFILL_MAX_ORDER_NOTIONAL_USD=100000", _USD, "largest entry, in money"
    )
    max_order_qty: int = setting(
        "SUREFILL_MAX_ORDER_QTY=10000", _SHARES, "largest entry, in shares"
    )
    max_open_trades: int = setting(
        "SUREFILL_MAX_OPEN_TRADES=20", Number(1, 10_000, 1, "trades"), "trades open at once"
    )
    max_total_notional_usd: int = setting(
        "SUREFILL_MAX_TOTAL_NOTIONAL_USD=400000", _USD, "all open trades together, in money"
    )
    daily_loss_limit_usd: int = setting(
        "SUREFILL_DAILY_LOSS_LIMIT_USD=5000", _USD, "loss of the day that stops new entries"
    )
    signal_age_max_ns: int = setting(
        "SUREFILL_SIGNAL_AGE_MAX_MS=10000", _AGE, "oldest signal that may still be entered"
    )
    quote_age_max_ns: int = setting(
        "SUREFILL_QUOTE_AGE_MAX_MS=1500", _AGE, "time since the quote was known to be current"
    )
    entry_cutoff_ns: int = setting(
        "SUREFILL_ENTRY_CUTOFF_S=300", _CUTOFF, "no entry within this time before the close"
    )
    restricted_symbols: tuple[str, ...] = setting(
        "SUREFILL_RESTRICTED_SYMBOLS=", Symbols(), "symbols never entered, with commas between"
    )
    limits: tuple[Override, ...] = setting(
        f"SUREFILL_LIMITS={LIMITS}", LimitList(), "limits of an entry; 0: off; TSLA:order_qty=100"
    )
    policies: tuple[PolicyOverride, ...] = setting(
        "SUREFILL_POLICY=", PolicyList(), "another policy for a symbol: TSLA:max_slippage_pct=0.002"
    )
    rollout_percent: int = setting(
        "SUREFILL_ROLLOUT_PCT=100",
        Number(0, 100, 1, "%"),
        "so many of a hundred plans take the smart path, by their id; the others legacy",
    )
    requests_per_minute: int = setting(
        "SUREFILL_REQUESTS_PER_MINUTE=200", _REQUESTS, "what the broker allows this account"
    )

    def __post_init__(self) -> None:
        problems = []
        for item in fields(self):
            env, kind, value = item.metadata["env"], item.metadata["kind"], getattr(self, item.name)
            wanted = Path if isinstance(item.default, Path) else type(item.default)
            fits = (wanted, DatabaseAddress) if env == JOURNAL_NAME else wanted
            if not isinstance(value, fits) or (isinstance(value, bool) and wanted is not bool):
                wrong = Bad("WRONG_TYPE", f"is a {type(value).__name__}, not a {wanted.__name__}")
                problems.append(_problem(env, "", wrong))
                continue
            try:
                kind.check(value)
            except Bad as bad:
                problems.append(_problem(env, kind.show(value), bad))
        if problems:
            raise ConfigError(problems)
        if bool(self.key_id) != bool(self.secret_key):
            missing = SECRET_NAME if self.key_id else KEY_NAME
            lonely = Bad("INCOMPLETE", "is missing; the key id and the secret come as a pair")
            raise ConfigError([_problem(missing, "", lonely)])

    @classmethod
    def load(cls, environ: Mapping[str, str], dotenv_path: Path | None = None) -> Settings:
        """Settings of ``environ`` (usually ``os.environ``) over the file ``dotenv_path``.

        A file that does not exist is no problem; one that others can read and that holds the
        secret is. Raises `ConfigError` with every problem of both.
        """
        problems: list[ConfigProblem] = []
        texts = _read_dotenv(dotenv_path, problems) if dotenv_path else {}
        texts |= environ
        by_env = {item.metadata["env"]: item for item in fields(cls)}
        problems += _unknown_names(texts, by_env)
        values: dict[str, Any] = {}
        for env, item in by_env.items():
            if env not in texts:
                continue
            text, kind = texts[env].strip(), item.metadata["kind"]
            try:
                if not text and item.metadata["default"]:
                    raise Bad("EMPTY", "is empty; remove the line to use the default")
                values[item.name] = kind.read(text)
            except (Bad, KeychainProblem) as bad:
                problems.append(_problem(env, text, bad))
        try:
            settings = cls(**values)
        except ConfigError as error:
            raise ConfigError([*problems, *error.problems]) from None
        if problems:
            raise ConfigError(problems)
        return settings

    @property
    def local_path(self) -> Path:
        """The journal's file; with a journal in a database, where it would be."""
        place = self.journal_path
        return Path(LOCAL_PATH) if isinstance(place, DatabaseAddress) else place

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What no log may show."""
        password: Secret = getattr(self.journal_path, "password", Secret(""))
        return tuple(secret for secret in (self.secret_key, password) if secret)

    def policy(self) -> Policy:
        """The part that a plan may override, for every symbol without a word of its own."""
        return Policy(**{item.name: getattr(self, item.name) for item in fields(Policy)})

    def is_legacy(self, plan_id: str, *, salt: str) -> bool:
        """The path of a plan, before anything is known of it: the rollback's, or by its id."""
        if not self.use_smart_executor:
            return True
        return not takes_smart(plan_id, salt=salt, percent=self.rollout_percent)

    def policy_for(self, symbol: str) -> Policy:
        """The same as it holds for this symbol (``SUREFILL_POLICY``)."""
        return policy_of(self.policy(), self.policies, symbol)

    def describe(self) -> tuple[SettingRow, ...]:
        """Every setting for people, in order; credentials as ``***``."""
        return tuple(
            SettingRow(
                item.metadata["env"],
                item.metadata["kind"].show(getattr(self, item.name)),
                item.metadata["default"],
                item.metadata["unit"],
                item.metadata["meaning"],
            )
            for item in fields(self)
        )

    def digest(self) -> str:
        """32 hex digits that change with any setting but the credentials (for the journal, I26)."""
        lines = [
            f"{item.metadata['env']}={item.metadata['kind'].show(getattr(self, item.name))}\n"
            for item in fields(self)
            if not isinstance(item.metadata["kind"], Hidden)
        ]
        return blake2b("".join(lines).encode(), digest_size=16).hexdigest()


def _problem(env: str, text: str, bad: Bad | KeychainProblem) -> ConfigProblem:
    is_hidden = env.startswith("APCA_API_") and env != "APCA_API_BASE_URL"
    is_hidden |= env == ALERTS_NAME and "://" in text  # a channel's address is its key
    value = ("***" if text else "") if is_hidden else repr(without_password(text))[1:-1][:80]
    shown = f"{env} = {value}" if value else env
    return ConfigProblem(bad.code, env, value, f"{shown} {bad.says}")


def _unknown_names(names: Iterable[str], by_env: Mapping[str, object]) -> list[ConfigProblem]:
    """Names under our prefixes that are no setting, and names that are nearly one of ours."""
    ours = [env for env in by_env if not env.startswith("APCA_")]
    problems = []
    for name in sorted(set(names) - by_env.keys() - NOT_SETTINGS):
        upper = name.upper()
        # Cheap first: hardly any name of a shared environment shares a word with ours.
        if not re.search("SURE|SMART|EXECUT", upper):
            continue
        is_ours = upper.startswith(PREFIXES)
        near = get_close_matches(upper, ours, n=1, cutoff=0.6 if is_ours else 0.85)
        if not near and not is_ours:
            continue
        advice = f"did you mean {near[0]}?" if near else "remove it, or see docs/settings.md"
        # The value is not shown: it may be a secret under a wrong name.
        shown = repr(name)[1:-1][:80]
        sentence = f"{shown} is not a setting; {advice}"
        problems.append(ConfigProblem("CONFIG_UNKNOWN_NAME", shown, "", sentence))
    return problems


def _read_dotenv(path: Path, problems: list[ConfigProblem]) -> dict[str, str]:
    """Name -> text of a ``.env`` file, not interpolated; adds what is wrong to ``problems``."""

    def wrong(code: str, sentence: str) -> None:
        problems.append(ConfigProblem(f"CONFIG_{code}", str(path), "", sentence))

    try:
        with open(path, "rb") as file:  # check the file that is read, not one of the same name
            found = os.fstat(file.fileno())
            text = file.read(FILE_BYTES_MAX + 1).decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        wrong("FILE_UNREADABLE", f"{path} cannot be read: {error}")
        return {}
    if len(text) > FILE_BYTES_MAX:
        wrong("FILE_UNREADABLE", f"{path} has more than {FILE_BYTES_MAX} bytes")
        return {}
    texts: dict[str, str] = {}
    for line in parse_stream(StringIO(text)):
        if line.key is not None:
            texts[line.key] = line.value or ""
        elif line.error and re.search("SURE|SMART|EXECUT|APCA", line.original.string.upper()):
            wrong("FILE_LINE", f"{path}, line {line.original.line}: not NAME=VALUE")
    has_secret = texts.get(SECRET_NAME) or re.search("//[^/@]*:[^@]+@", texts.get(JOURNAL_NAME, ""))
    if has_secret and stat.S_IMODE(found.st_mode) & 0o077:
        wrong("FILE_MODE", f"{path} holds the secret and is open to other users: chmod 600 {path}")
    return texts
