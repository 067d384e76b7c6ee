"""Past days and the live stream, from our own exchange over real HTTP and websockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from surefill.config import Settings
from surefill.core.fix import Feed
from surefill.ports import Clock
from surefill.runtime.recording import (
    Job,
    LiveRecorder,
    Recorded,
    RecordError,
    folder_of,
    jobs_of,
    record_live,
    record_past,
    window_of,
    words_of,
)
from surefill.runtime.wiring import clock_for
from surefill.sim.calendar import session_on
from surefill.sim.selection import RECORD
from surefill.sim.tape import TapeDay, list_tapes, open_tape
from tests.support.exchange_server import RunningExchange, wait_until
from tests.support.taped_exchange import environment, same_market, taped_exchange

NANO = 1_000_000_000
SESSION = session_on(20260302)
JOB = Job("ACME", SESSION.date, window_of(SESSION, all_hours=False))


@pytest.fixture(scope="module")
def taped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningExchange, TapeDay]]:
    with taped_exchange(tmp_path_factory.mktemp("tape")) as found:
        yield found


def settings(exchange: RunningExchange, tmp_path: Path, *, key: str) -> Settings:
    return Settings.load(environment(exchange, key=key), tmp_path / "none.env")


def test_days_that_are_over_and_days_that_are_not() -> None:
    over, early = jobs_of(
        ("A", "B"), (20260302, 20260308), all_hours=False, now=SESSION.close_ns + 61 * NANO
    )
    assert [(job.symbol, job.date) for job in over] == [("A", 20260302), ("B", 20260302)]
    assert {job.date for job in early} == {20260303, 20260304, 20260305, 20260306}
    assert over[0].window == (SESSION.open_ns - 60 * NANO, SESSION.close_ns + 60 * NANO)
    assert window_of(SESSION, all_hours=True) == (SESSION.pre_ns, SESSION.post_ns)


def test_a_consolidated_feed_is_an_nbbo_and_another_one_venue(tmp_path: Path) -> None:
    names = []
    for feed in (Feed.SIP, Feed.IEX):
        folder = folder_of(tmp_path / feed, JOB, feed)
        folder.finish({})
        names += [path.name for path in folder.whole.glob("*_[nq]*.parquet")]
    assert names == ["ACME_nbbo.parquet", "ACME_quotes_l1.parquet"]


async def test_a_limit_in_the_middle_of_a_day_is_waited_for(
    taped: tuple[RunningExchange, TapeDay], tmp_path: Path
) -> None:
    exchange, day = taped
    own = settings(exchange, tmp_path, key="limited")
    clock = await clock_for(own)
    jobs, _ = jobs_of(("TWIN",), (day.date, day.date), all_hours=False, now=clock.now_ns())
    exchange.arm("N4", "GET", count=1, params={"retry_after_s": 1})
    told: list[str] = []

    async def record() -> list[Recorded]:
        return await record_past(
            own,
            jobs,
            tmp_path / "out",
            clock=clock,
            feed=Feed.SIP,
            rows_max=2_000,
            on_progress=lambda done, what: told.append(f"{done} {what}"),
        )

    (found,) = await record()
    assert any("waiting" in line and "request limit" in line for line in told)
    assert told[-1] == "1000 TWIN 20261120"
    assert (found.is_new, found.quotes, found.trades, found.gaps) == (True, 4_341, 1_030, 0)
    (tape,) = list_tapes(tmp_path / "out")
    assert same_market(tape, day)
    (again,) = await record()
    assert not again.is_new
    assert words_of([again])[0].startswith("TWIN 20261120: was there, 4,341 quotes")


async def test_a_server_that_refuses_or_is_not_there(tmp_path: Path) -> None:
    async def fails(environ: dict[str, str], *, words: str) -> None:
        own = Settings.load(environ, tmp_path / "none.env")
        with pytest.raises(RecordError, match=words):
            await record_past(
                own,
                [JOB],
                tmp_path,
                clock=StillClock(),
                feed=Feed.SIP,
                rows_max=10,
                on_progress=lambda *_: None,
            )

    await fails({}, words="no keys")
    keys = {"APCA_API_KEY_ID": "K", "APCA_API_SECRET_KEY": "S"}
    await fails(keys | {"APCA_API_BASE_URL": "https://example.com"}, words="Nothing was sent")


class StillClock:
    """One instant."""

    def now_ns(self) -> int:
        return SESSION.open_ns


async def test_the_stream_with_its_gap_written_down(tmp_path: Path) -> None:
    with RunningExchange() as exchange:
        own = settings(exchange, tmp_path, key="live")
        clock = await clock_for(own)
        out = tmp_path / "out"
        parts = folder_of(out, JOB, Feed.IEX, word="live").parts
        task = asyncio.create_task(_live(own, out, clock=clock, seconds=60))
        await _quoted(exchange, "100", lambda: bool(_parts(parts)))
        exchange.arm("W5", "market", count=1, params={"mode": "cut", "refuse_ms": 1})
        exchange.quote("ACME", "100.01", "100.03")
        exchange.disarm()
        await _until(lambda: (parts / "gaps.jsonl").exists())
        before = len(_parts(parts))
        await _quoted(exchange, "101", lambda: len(_parts(parts)) > before)
        exchange.print_("ACME", "101.02")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The same command again goes on, and writes down that nobody listened in between.
        (found,) = await _live(own, out, clock=clock, seconds=1)
    assert found.gaps == 2
    assert found.quotes >= 2
    said = json.loads((found.folder / RECORD).read_text())
    assert [one["why"] for one in said["gaps"]][-1] == "the recorder did not run"
    (tape,) = list_tapes(out)
    quality = open_tape(tape).quality(SESSION)
    assert len(quality.gaps) == 2
    with pytest.raises(RecordError, match="is there already"):
        await _live(own, out, clock=clock, seconds=1)


async def _live(own: Settings, out: Path, *, clock: Clock, seconds: int) -> list[Recorded]:
    return await record_live(
        own,
        [JOB],
        out,
        clock=clock,
        feed=Feed.IEX,
        until_ns=clock.now_ns() + seconds * NANO,
        on_progress=lambda *_: None,
    )


async def _until(condition: Callable[[], object]) -> None:
    await asyncio.to_thread(wait_until, condition, every_s=0.05)


async def _quoted(exchange: RunningExchange, px: str, condition: Callable[[], bool]) -> None:
    """Quote until somebody has heard it."""

    def is_heard() -> bool:
        exchange.quote("ACME", px, f"{px}.02")
        return condition()

    await _until(is_heard)


def _parts(folder: Path) -> list[Path]:
    return list(folder.glob("*.part"))


def test_many_rows_are_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from surefill.brokers.alpaca.translate.past import PastKind
    from surefill.core.market import Nbbo
    from surefill.runtime import recording

    monkeypatch.setattr(recording, "FLUSH_ROWS", 3)
    folder = folder_of(tmp_path, JOB, Feed.SIP)
    recorder = LiveRecorder({"ACME": folder}, StillClock())
    for n in range(4):
        ns = SESSION.open_ns + n
        recorder.on_row("ACME", PastKind.QUOTES, Nbbo(1, 1, 2, 1, ns, ns))
    assert folder.progress("quotes").rows == 3
    recorder.flush()
    assert (folder.progress("quotes").rows, recorder.rows) == (4, 4)
    recorder.on_gap(1, 2, "why")
    assert recorder.gaps == 1
