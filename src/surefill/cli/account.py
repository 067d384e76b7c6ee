"""Which account a verb is about, and one look at it: shared by status, doctor, rollback, journal.

What: `load` (settings of the environment over ``.env``), `journal_of` (the account's journal),
`look` (the broker's picture and the time it belongs to).
Must never: send anything that changes something.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from surefill.config import Settings
from surefill.core.trade import Trade
from surefill.core.units import to_text, to_usd_text
from surefill.journal.address import is_address
from surefill.ports import AccountPicture, Clock, JournalError
from surefill.runtime.account import JournalSource, source_of
from surefill.runtime.result import result_of
from surefill.runtime.standing import Standing
from surefill.secret import no_core_files

DOTENV = ".env"
LOOK_S = 3.0
"""A look says what it could not see; only a start is worth waiting for."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The broker's picture, and when it was asked for (UTC ns, the broker's own day)."""

    picture: AccountPicture
    now: int


def load(dotenv: str = DOTENV) -> Settings:
    """Raises `ConfigError` with everything that is wrong. From here on the process has keys."""
    no_core_files()
    return Settings.load(os.environ, Path(dotenv))


def journal_of(settings: Settings) -> JournalSource:
    """The journal of the account in the settings; without its keys, the only file there is."""
    source = source_of(settings)
    if source.address is not None or source.path.exists() or settings.key_id:
        return source
    base = settings.local_path
    others = sorted(base.parent.glob(f"{base.stem}-*{base.suffix}"))
    return JournalSource(others[0]) if len(others) == 1 else source


def chosen_journal(path: str | None) -> JournalSource:
    """The file of ``--journal``, or that of the account in the settings.

    Raises `ConfigError`, and `JournalError` for the address of a database.
    """
    if path is None:
        return journal_of(load())
    if is_address(path):
        sentence = "--journal takes a file; the address of a database stands in "
        sentence += "SUREFILL_JOURNAL_PATH, where no list of processes shows its password"
        raise JournalError("JOURNAL_UNWRITABLE", sentence)
    return JournalSource(Path(path))


def look(settings: Settings, standing: Standing | None) -> Sight:
    """What the broker says now. Raises `SurefillError` when it cannot even be asked."""
    return asyncio.run(_look(settings, standing))


async def _look(settings: Settings, standing: Standing | None) -> Sight:
    # A broker's client takes longer to load than the verbs that do without one.
    from surefill.runtime.wiring import clock_for, look_at_account

    clock: Clock = await clock_for(settings, within_s=LOOK_S)
    now = clock.now_ns()
    after_ns = standing.oldest_ns(now) if standing is not None else now
    return Sight(await look_at_account(settings, clock=clock, after_ns=after_ns), now)


def trade_row(trade: Trade) -> tuple[str, ...]:
    """One open trade for people, by `TRADE_HEAD`; its id may be long, so it comes last."""
    found = result_of(trade)
    return (
        found.symbol,
        "legacy" if found.is_legacy else "smart",
        found.phase.value if found.phase is not None else "",
        to_text(found.position_qty),
        to_text(found.uncovered_qty),
        _px(found.stop_px),
        _px(found.target_px),
        found.plan_id,
    )


TRADE_HEAD = ("symbol", "path", "phase", "held", "bare", "stop", "target", "trade")
TRADE_RIGHT = frozenset({3, 4, 5, 6})
"""The columns of numbers."""


def trade_object(trade: Trade) -> dict[str, object]:
    """The same as JSON."""
    return dict(zip(TRADE_HEAD, trade_row(trade), strict=True))


def _px(nano: int | None) -> str:
    return "?" if nano is None else to_usd_text(nano // 100_000 * 100_000)
