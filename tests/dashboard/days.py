"""Looks at accounts, for the tests of read models: benches of the core instead of a broker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from surefill.config import Settings
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.dashboard.board import Look
from surefill.runtime.heartbeat import Beat
from surefill.service.reader import Picture, Pulse
from tests.support.core import Bench

SETTINGS = Settings.load({})
PULSE = Pulse("pid 7 on this machine", Beat(41, 7, is_stopped=False))


def picture_of(bench: Bench, *found: Trade | Denial, seq: int = 9) -> Picture:
    """What the journal would remember of it."""
    ones = found or (bench.trade,)
    names = {one.plan.plan_id: one for one in ones}
    return Picture(seq, MappingProxyType(names), bench.engine.state)


def look_at(bench: Bench, *found: Trade | Denial, **more: object) -> Look:
    """A look at it by a steady engine."""
    look = Look(
        picture=picture_of(bench, *found), pulse=PULSE, settings=SETTINGS, beat_age_ns=100_000_000
    )
    return replace(look, **more)  # type: ignore[arg-type]


def settings_in(folder: Path) -> Settings:
    """Of somebody who never started anything."""
    return Settings.load({"SUREFILL_JOURNAL_PATH": str(folder / "state" / "journal.db")})
