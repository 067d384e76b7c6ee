"""Evidence for the tests of the checklist: everything good, until a test says otherwise."""

from __future__ import annotations

from dataclasses import replace

from surefill.config import Settings
from surefill.core.events import (
    AccountRead,
    CalendarRead,
    FillsRead,
    NoteWritten,
    OrdersRead,
    PositionsRead,
    ReadFailed,
)
from surefill.ports import AccountPicture
from surefill.replay.checklist_items import Evidence, SuiteReport
from surefill.tca.facts import Fact
from surefill.tca.history import History, Incident, Noted, Start
from tests.support.core import ACCOUNT, CALENDAR, START_NS

NOW = START_NS
DAY_NS = 86_400_000_000_000
PICTURE = AccountPicture(
    account=AccountRead(ACCOUNT, NOW),
    status="ACTIVE",
    kind="margin",
    orders=OrdersRead((), 0, NOW, NOW),
    open_orders=OrdersRead((), 0, NOW, NOW),
    fills=FillsRead((), 0, NOW, NOW),
    positions=PositionsRead((), NOW, NOW),
    calendar=CalendarRead(CALENDAR, NOW),
    clock_ahead_ns=7_000_000,
    requests_left=190,
    requests_limit=200,
)
UNREAD = ReadFailed("account", "401 not authorised", NOW)


def settings(**environ: str) -> Settings:
    """Settings with a key pair."""
    keys = {"APCA_API_KEY_ID": "K", "APCA_API_SECRET_KEY": "S"}
    return Settings.load(keys | environ)


def history(
    *facts: Fact,
    incidents: tuple[Incident, ...] = (),
    starts: tuple[Start, ...] = (),
    notes: tuple[NoteWritten, ...] = (),
) -> History:
    """A history of these facts; notes get the record numbers 900, 901, ..."""
    return History(
        facts=facts,
        incidents=incidents,
        starts=starts,
        notes=tuple(Noted(900 + n, note) for n, note in enumerate(notes)),
        head=(999, "d" * 64),
    )


def evidence(**more: object) -> Evidence:
    """Good evidence without a journal; ``more`` replaces parts of it."""
    good = Evidence(
        now_ns=NOW,
        build="surefill test",
        settings=settings(),
        picture=PICTURE,
        tests=SuiteReport(10, 0, 1, "2026-03-02T15:00:00"),
        versions={"surefill": "0.1.0", "aiohttp": "3.10"},
        python=(3, 12),
    )
    return replace(good, **more)  # type: ignore[arg-type]
