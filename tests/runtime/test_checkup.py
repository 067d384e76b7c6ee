"""Every check of the doctor, good and bad, from values alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surefill.config import Settings
from surefill.core.events import (
    Account,
    AccountRead,
    CalendarRead,
    ExecutionReport,
    FillsRead,
    OrdersRead,
    Position,
    PositionsRead,
    ReadFailed,
)
from surefill.core.fix import ExecType, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.session import Calendar
from surefill.core.state import EngineState
from surefill.core.units import NANO
from surefill.ports import AccountPicture
from surefill.runtime import checkup
from surefill.runtime.account import JournalSource
from surefill.runtime.checkup import Check, Level
from surefill.runtime.standing import Review, Standing
from tests.support.core import CALENDAR, START_NS, Bench, covered_bench

FAILED = ReadFailed("account", "no answer", START_NS)


def picture_of(**change: object) -> AccountPicture:
    account = Account(
        account_id="A1",
        equity_usd=100_000 * NANO,
        last_equity_usd=None,
        buying_power_usd=None,
        shorting_enabled=True,
        is_blocked=False,
    )
    good = AccountPicture(
        account=AccountRead(account, START_NS),
        status="ACTIVE",
        kind="margin, twice the equity",
        orders=OrdersRead((), 0, START_NS, START_NS),
        open_orders=OrdersRead((), 0, START_NS, START_NS),
        fills=FillsRead((), 0, START_NS, START_NS),
        positions=PositionsRead((), START_NS, START_NS),
        calendar=CalendarRead(CALENDAR, START_NS),
        clock_ahead_ns=20_000_000,
        requests_left=190,
        requests_limit=200,
    )
    return replace(good, **change)  # type: ignore[arg-type]


def settings(**more: str) -> Settings:
    return Settings.load(more)


def is_fine(check: Check) -> bool:
    """OK needs no advice; anything else has some."""
    assert (check.level is Level.OK) == (check.advice == ""), check
    return check.level is Level.OK


@pytest.mark.parametrize(
    ("url", "level", "word"),
    [
        ("http://127.0.0.1:8700", Level.OK, "local exchange"),
        ("https://paper-api.alpaca.markets", Level.OK, "paper account"),
        ("https://api.alpaca.markets", Level.WARN, "LIVE"),
    ],
)
def test_the_address_says_whose_money_it_is(url: str, level: Level, word: str) -> None:
    check = checkup.mode_check(settings(APCA_API_BASE_URL=url))
    assert (check.level, word in check.found) == (level, True)
    is_fine(check)


@pytest.mark.parametrize(
    ("channels", "failing", "is_real", "level", "word"),
    [
        (0, {}, False, Level.OK, "in the log alone"),
        (0, {}, True, Level.WARN, "in the log alone"),
        (1, {}, True, Level.WARN, "one channel"),
        (2, {}, True, Level.OK, "2 channels"),
        (2, {"desk": "HTTP_404"}, False, Level.FAIL, "desk fails (HTTP_404)"),
    ],
)
def test_who_hears_of_an_alert(
    channels: int, failing: dict[str, str], is_real: bool, level: Level, word: str
) -> None:
    check = checkup.channels_check(channels, failing, is_real_money=is_real)
    assert check.level is level
    assert word in check.found
    assert bool(check.advice) is (level is not Level.OK)


def test_keys_and_their_file(canary: str) -> None:
    assert not is_fine(checkup.keys_check(settings()))
    pair = settings(APCA_API_KEY_ID="K", APCA_API_SECRET_KEY=canary)
    check = checkup.keys_check(pair)
    assert is_fine(check)
    assert canary not in check.found
    assert is_fine(checkup.dotenv_check(None, ".env"))
    assert is_fine(checkup.dotenv_check(0o600, ".env"))
    assert checkup.dotenv_check(0o644, ".env").advice == "chmod 600 .env"


def test_the_account_is_read_blocked_or_fine() -> None:
    (gone,) = checkup.account_checks(picture_of(account=FAILED))
    assert gone.is_access
    assert not is_fine(gone)
    good = picture_of().account
    assert isinstance(good, AccountRead)
    blocked = replace(good, account=replace(good.account, is_blocked=True))
    (check,) = checkup.account_checks(picture_of(account=blocked, status=""))
    assert (check.level, check.is_access) == (Level.FAIL, False)
    assert "unknown" in check.found
    (fine,) = checkup.account_checks(picture_of())
    assert is_fine(fine)
    assert fine.found.endswith("shorts allowed, equity 100000.00 USD")
    poor = replace(good.account, equity_usd=None, shorting_enabled=False)
    (silent,) = checkup.account_checks(picture_of(account=AccountRead(poor, 1), kind=""))
    assert silent.found.endswith("kind unknown, no shorts, equity ? USD")


def test_the_budget_is_named() -> None:
    assert is_fine(checkup.budget_check(picture_of()))
    assert is_fine(checkup.budget_check(picture_of(requests_left=None)))
    assert not is_fine(checkup.budget_check(picture_of(requests_left=3)))


@pytest.mark.parametrize(
    ("ahead_ms", "level"),
    [(0, Level.OK), (-499, Level.OK), (500, Level.WARN), (-2000, Level.FAIL), (None, Level.FAIL)],
)
def test_the_clock_is_compared(ahead_ms: int | None, level: Level) -> None:
    ahead_ns = None if ahead_ms is None else ahead_ms * 1_000_000
    check = checkup.clock_check(picture_of(clock_ahead_ns=ahead_ns), has_own_time=False)
    assert check.level is level
    is_fine(check)


def test_a_local_exchange_may_play_another_day() -> None:
    far = picture_of(clock_ahead_ns=-(10**18))
    assert is_fine(checkup.clock_check(far, has_own_time=True))


@pytest.mark.parametrize(
    ("feed", "level"), [("sip", Level.OK), ("iex", Level.WARN), ("test", Level.WARN)]
)
def test_the_feed_has_a_kind(feed: str, level: Level) -> None:
    check = checkup.feed_check(settings(SUREFILL_DATA_FEED=feed))
    assert check.level is level
    is_fine(check)


def test_the_session_is_named() -> None:
    session = CALENDAR.sessions[0]
    at = {
        "regular hours": session.close_ns - 60 * NANO,
        "extended hours": session.open_ns - 60 * NANO,
        "closed": session.pre_ns - 60 * NANO,
    }
    for words, now in at.items():
        check = checkup.session_check(picture_of(), now=now)
        assert is_fine(check)
        assert check.found.startswith(words)
    empty = picture_of(calendar=CalendarRead(Calendar(), 1))
    assert checkup.session_check(empty, now=START_NS).level is Level.WARN
    failed = checkup.session_check(picture_of(calendar=FAILED), now=START_NS)
    assert failed.is_access


def review_of(*, bench: Bench | None = None, **state: object) -> Review:
    trades = (bench.trade,) if bench is not None else ()
    return Review(
        trades=trades,
        state=EngineState(**state),  # type: ignore[arg-type]
        foreign_orders=(),
        failed=(),
    )


def order(side: Side, ord_type: OrdType, qty: int) -> ExecutionReport:
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        ord_status=OrdStatus.NEW,
        order_id="o",
        cl_ord_id="theirs",
        symbol="FGN",
        side=side,
        ord_type=ord_type,
        tif=TimeInForce.GTC,
        order_qty=qty * NANO,
        cum_qty=0,
        venue_ns=1,
        recv_ns=1,
    )


def test_shares_that_are_not_ours_are_shown_with_their_stops() -> None:
    assert [is_fine(check) for check in checkup.foreign_checks(review_of())] == [True]
    bare = review_of(foreign=(Position("FGN", 10 * NANO),), unknown_orders=("sf-0-x-E1",))
    assert [check.level for check in checkup.foreign_checks(bare)] == [Level.WARN, Level.FAIL]
    stops = (order(Side.SELL, OrdType.STOP, 10), order(Side.BUY, OrdType.STOP, 10))
    held = replace(bare, foreign_orders=stops)
    checks = checkup.foreign_checks(held)
    assert [check.level for check in checks] == [Level.OK, Level.OK, Level.FAIL]
    assert "10 shares that are not ours, stops for 10" in checks[0].found


def test_before_the_first_start_everything_is_somebody_elses() -> None:
    assert [is_fine(check) for check in checkup.stranger_checks(picture_of())] == [True]
    held = picture_of(
        positions=PositionsRead((Position("FGN", -10 * NANO),), 1, 1),
        open_orders=OrdersRead((order(Side.BUY, OrdType.STOP_LIMIT, 4),), 0, 1, 1),
    )
    assert [check.level for check in checkup.stranger_checks(held)] == [Level.WARN, Level.OK]
    for gone in ({"positions": FAILED}, {"open_orders": FAILED}):
        (check,) = checkup.stranger_checks(picture_of(**gone))
        assert check.is_access


def test_parts_that_cannot_be_read_are_named_once() -> None:
    failed = (FAILED, ReadFailed("orders", "500", 1))
    checks = checkup.read_checks(replace(review_of(), failed=failed))
    assert [(check.name, check.is_access) for check in checks] == [("orders", True)]


def standing_of(**change: object) -> Standing:
    base = Standing(
        source=JournalSource(Path("journal.db")),
        head=(7, "abcdef0123"),
        last_ns=1,
        holder=None,
        started=None,
        state=None,
        trades=(),
        closed_ids=(),
        notes=(),
    )
    return replace(base, **change)  # type: ignore[arg-type]


def test_the_journal_its_holder_and_the_switches() -> None:
    assert all(is_fine(check) for check in checkup.journal_checks(standing_of()))
    running = checkup.journal_checks(standing_of(holder="surefill (process 1 on h)"))
    assert running[1].found.startswith("running: surefill")
    halt = Reason.of(ReasonCode.HALT_ACTIVE, why="ann: lunch")
    stopped = checkup.journal_checks(standing_of(state=EngineState(halt=halt)))
    assert [check.level for check in stopped] == [Level.OK, Level.OK, Level.WARN]


def test_the_disk_and_the_versions() -> None:
    assert is_fine(checkup.disk_check(10**12, "/data"))
    assert checkup.disk_check(5 * 10**8, "/data").level is Level.WARN
    assert checkup.disk_check(10**6, "/data").level is Level.FAIL
    versions = {"Python": "3.12.1", "aiohttp": "3.10"}
    assert is_fine(checkup.versions_check(versions, python=(3, 12)))
    assert checkup.versions_check(versions, python=(3, 14)).level is Level.WARN
    gone = checkup.versions_check(versions | {"msgspec": "missing"}, python=(3, 12))
    assert gone.advice == "install msgspec"


def test_trades_are_covered_bare_or_in_doubt() -> None:
    assert [is_fine(check) for check in checkup.trade_checks(review_of())] == [True]
    (covered,) = checkup.trade_checks(review_of(bench=covered_bench()))
    assert is_fine(covered)
    assert covered.found.endswith("all of it covered by a stop at the broker")
    bench = Bench()
    bench.takes("E1")
    bench.fills("E1", 100)
    (bare,) = checkup.trade_checks(review_of(bench=bench))
    assert bare.level is Level.FAIL
    assert "100 WITHOUT cover" in bare.found
    lost = Bench()
    lost.loses("E1")
    (doubt,) = checkup.trade_checks(review_of(bench=lost))
    assert doubt.level is Level.FAIL
    assert "in doubt" in doubt.found


def test_an_engine_that_is_down_with_open_trades_is_a_warning() -> None:
    checks = checkup.journal_checks(standing_of(trades=(covered_bench().trade,)))
    assert checks[1].level is Level.WARN
