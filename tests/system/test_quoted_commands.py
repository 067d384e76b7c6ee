"""Every command that a page quotes outside its boxes is executed here, in this process, or stands
in a table: with the test that executes it, or with the reason why no test can.

Words that the pages leave to the reader (a symbol, a folder) are filled in; what plays markets for
minutes gets fewer plans.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from surefill.cli import compare, exchange, record, sweep
from surefill.cli.main import VERBS, main
from surefill.runtime.recording import Job, Recorded
from surefill.sim.alpaca.app import ExchangeConfig
from surefill.sim.alpaca.server import make_server, server_app
from surefill.tca import compare as comparing
from tests.sim.tapes import twin
from tests.support.counter import Counter
from tests.support.desk import Desk
from tests.support.engine_process import EngineProcess
from tests.support.exchange_server import OPEN_NS, RunningExchange
from tests.support.quoted import boxed, commands
from tests.support.taped_exchange import environment
from tests.support.told import arrival, crwd_plan, crwd_run
from tests.support.workplace import ROOT

pytestmark = pytest.mark.slow

Capture = pytest.CaptureFixture[str]

TRADE = "surefill trade CRWD buy 25 --signal 534.82 --risk 5.35 --rr "
ONE = "T-20261102-0001"
DESK = (
    (f"{TRADE}2", 0, "entered and covered"),
    (f"surefill why {ONE}", 0, "All 25 shares covered"),
    ("surefill why TRADE", 0, "All 25 shares covered"),
    ("surefill watch", 0, "COVERED"),
    (f"surefill tighten {ONE} --stop 533.10", 0, "533.1"),
    (f'surefill tighten {ONE} --stop 533.10 --why "before the announcement"', 0, "533.1"),
    ("surefill metrics", 0, "share-s"),
    ("surefill metrics --by reason", 0, "share-s"),
    ("surefill metrics --by symbol", 0, "CRWD"),
    ("surefill metrics --by path --alerts", 0, "smart"),
    ("surefill flatten SYMBOL", 0, "FLAT"),
    (f"{TRADE}3 --break-even 1R --trail 4 --trail-from 2R", 0, "entered and covered"),
    ("surefill flatten CRWD", 0, "FLAT"),
    (f"{TRADE}3 --scale-out 50%:1.5 --scale-out 20%:2", 0, "entered and covered"),
    ("surefill flatten CRWD", 0, "FLAT"),
    (f"{TRADE}3 --exit-after 900", 0, "entered and covered"),
    ("surefill flatten CRWD", 0, "FLAT"),
    ("surefill check CRWD buy 25 --trigger 540 --risk 5.35 --rr 2", 0, "540"),
    ("surefill trade CRWD buy 25 --trigger 540 --risk 5.35 --rr 2", 0, "entered and covered"),
    ("surefill flatten CRWD", 0, "FLAT"),
    ("surefill adopt CRWD --stop 529.47 --target 545", 0, "STOP WORKING"),
    ("surefill journal backup DEST", 0, "kept.db"),
    ("surefill checklist", 3, "NOT YET"),
    ("surefill checklist --stage pre", 3, "0 FAIL"),
    ("surefill checklist --stage integration", 3, "0 FAIL"),
    ("surefill checklist --stage week", 3, "0 FAIL"),
    ("surefill checklist --stage month", 3, "0 FAIL"),
    ("surefill live", 2, "no real money; nothing to confirm"),
    ("surefill halt", 0, "halt: the running engine"),
    ("surefill kill", 0, "kill: the running engine"),
)
"""Typed in this order at one desk with a running engine: exit code, and what is shown."""
CLOSED = (
    ("surefill checklist --stage STAGE --sign-off NAME --next-review DATE", 3, "by ann"),
    ("surefill rollback", 0, "USE_SMART_EXECUTOR=False"),
    ('surefill rollback --by ann --why "slippage"', 0, "USE_SMART_EXECUTOR=False"),
    ("surefill serve --rotate operator", 0, "operator"),
    ("surefill --help", 0, "exit codes:"),
)
"""The same when the engine has been stopped."""

FEW = " --minutes 4 --plans 4"
SWEPT = " --minutes 4 --plans 4 --random 1"
HISTORY = "--history orders.json activities.json"
FILES = (
    ("surefill replay", FEW, "Auditor: 0 violations"),
    ("surefill replay --path legacy --path adaptive", FEW, "adaptive"),
    ("surefill replay TAPE --path legacy --path passive --path adaptive", FEW, "passive"),
    ("surefill replay TAPE --model touch --minutes 390 --plans 400 --json", " --plans 4", "TWIN"),
    ("surefill replay TAPE --path legacy --path limit --path adaptive --out run", FEW, "limit"),
    ("surefill compare run/adaptive run/legacy", "", "in pairs"),
    ("surefill compare DIR/A DIR/B", "", "in pairs"),
    ("surefill replay TAPE --plans plans.csv --path legacy --path limit --out run", "", "limit"),
    ("surefill replay TAPE --plans PLANS.csv --path adaptive --path legacy", "", "adaptive"),
    ("surefill replay tapes --every 300 --path legacy --path limit", " --minutes 9", "limit"),
    (
        "surefill replay tapes --every 300 --stale 5 --qty 200 --path legacy --path passive",
        " --minutes 9",
        "passive",
    ),
    (
        f"surefill replay tapes {HISTORY} --signals signals.csv --path legacy --path limit",
        "",
        "limit",
    ),
    (f"surefill replay tapes {HISTORY} --path limit --out run", "", "limit"),
    (f"surefill tca {HISTORY} --tape tapes --out real", "", "market"),
    (f"surefill tca {HISTORY} --tape TAPE", "", "market"),
    ("surefill compare run/limit real/market", "", ""),
    ("surefill tca --replay DIR", "", "limit"),
    ("surefill tca --tape TAPE", " journal.db", "smart"),
    ("surefill compare smart@journal.db legacy@journal.db", "", "not in pairs"),
    ("surefill compare smart@journal.db shadow@journal.db", "", "in pairs"),
    ("surefill compare legacy@journal.db shadow@journal.db", "", "in pairs"),
    ("surefill compare smart@JOURNAL shadow@JOURNAL", "", "in pairs"),
    ("surefill sweep", SWEPT, "Auditor: 0 violations"),
    ("surefill sweep --path limit --path adaptive --budget 20,60", SWEPT, "Auditor: 0 violations"),
    (
        "surefill sweep ../tapes --path limit --path adaptive --slippage 0.0005,0.001"
        " --budget 20,60",
        SWEPT,
        "Auditor: 0 violations",
    ),
    (
        "surefill sweep TAPE --path limit --path adaptive --slippage 0.0005,0.001 --budget 20,60",
        SWEPT,
        "Auditor: 0 violations",
    ),
    ("surefill simulate --seed 17", "", ""),
    ("surefill simulate --seed 17 --shrink", "", ""),
    ("surefill simulate --seeds 0:200", " --seeds 0:1 --workers 1", ""),
    ("surefill simulate --seeds 0:500", " --seeds 0:1 --workers 1", ""),
    ("surefill simulate --seeds 0:500 --json", " --seeds 0:1 --workers 1", ""),
)
"""Typed in this order in one folder: words that make it small, and what is shown."""

RECORDS = (
    "surefill record CRWD --from 2026-03-02 --to 2026-03-06",
    "surefill record CRWD AAPL --from 2026-03-02 --to 2026-03-06",
    "surefill record CRWD --from 2026-03-02 --feed sip --all-hours --out tapes",
    "surefill record CRWD AAPL --live",
    "surefill record CRWD --live --minutes 30",
)

SERVED = (
    "surefill exchange",
    "surefill exchange --control",
    "surefill exchange --tape PATH",
    "surefill exchange --seed 7",
    "surefill exchange --seed 7 --control",
    "surefill exchange --seed 7 --speed 20 --control",
    "surefill exchange --seed 7 --control --save day.snapshot",
    "surefill exchange --load day.snapshot",
    "surefill exchange --load acme.snapshot --control",
)
"""Each listens, is asked for the time, and ends; saved and gone on with in this order."""


CURLS = (
    """curl -s http://127.0.0.1:8700/sim/nbbo -d '{"symbol": "ACME", "bid": "99.99","""
    """ "bid_size": "1000", "ask": "100.01", "ask_size": "1000"}'""",
    "curl -so day.snapshot http://127.0.0.1:8700/sim/snapshot",
    "curl -so acme.snapshot http://127.0.0.1:8700/sim/snapshot",
)
"""What an exchange is asked."""

ELSEWHERE = {
    "curl -X POST http://127.0.0.1:8700/sim/*": "tests/interop/test_newcomer.py",
    "curl http://127.0.0.1:8700/sim/faults": "tests/interop/test_newcomer.py",
    "make demo": "tests/cli/test_demo.py",
    "make docs": "tests/tidy/test_docs.py",
    "make site": "tests/system/test_site.py",
    "promtool *": "tests/system/test_monitoring.py",
    "python examples/signal_feed.py *": "tests/system/test_examples.py",
    "python scripts/zoo.py*": "tests/zoo/test_zoo.py",
    "python -m surefill.sim.auditor *": "tests/sim/test_auditor.py",
    "surefill alerts": "tests/cli/test_alerts.py",
    "surefill alerts test": "tests/cli/test_alerts.py",
    "surefill demo --tape TAPE": "tests/cli/test_demo.py",
    "surefill run --standby": "tests/system/test_standby.py",
    "surefill serve": "tests/system/test_dashboard.py",
    "surefill serve --no-dashboard": "tests/cli/test_serve.py",
    "surefill serve --tape PATH": "tests/cli/test_serve.py",
    "surefill simulate": "tests/cli/test_simulate.py",
    "surefill trade TIGHT *": "tests/system/test_readme.py",
    "surefill watchdog": "tests/system/test_watchdog.py",
}
"""Command -> what executes it, with other names or a port of its own."""

NOT_HERE = {
    "make test": "it would run itself; CI types it on a clean clone (.ci/run)",
    "pip install 'surefill?*": "the extras are what scripts/setup installs for the tests",
    "pip install jupyterlab *": "as above; the notebook itself is run by test_examples.py",
    "python -m benchmarks.*": "minutes on a machine with nothing else to do",
    "python -m tests.sim.differential 100000 *": "an hour; CI plays a small one, same code",
    "python -m tests.support.fuzz 1000000": "hours; CI sends a small one, same code",
    "python -m tests.support.schema_run 300": "minutes; CI sends a small one, same code",
    "python scripts/sdk_env.py NAME": "it downloads other clients into environments of their own",
    "surefill live --why *": "it asks for the number of a real account, typed at a terminal",
    "surefill simulate --kill-points": "half an hour; CI plays all of them in test_simulate.py",
    "surefill sweep * --scheduler tcp://head:8786": "the address of a cluster",
    "systemctl *": "it needs a machine with systemd as its first process",
}
"""Command -> why no test types it."""


def test_every_quoted_command_is_executed_or_has_its_reason() -> None:
    typed = {row[0] for row in (*DESK, *CLOSED, *FILES)} | {*SERVED, *CURLS, *RECORDS, "make help"}
    named = [*ELSEWHERE, *NOT_HERE]
    left = [
        (command, found)
        for command, found in commands().items()
        if command not in typed | boxed() and not any(fnmatch(command, one) for one in named)
    ]
    assert not left
    gone = [one for one in (*typed, *named) if not any(fnmatch(c, one) for c in commands())]
    assert not [one for one in gone if one not in commands()], "no page says this any more"
    assert not [path for path in ELSEWHERE.values() if not (ROOT / path).exists()]


def test_every_verb_is_among_them() -> None:
    words = {command.split()[1] for command in (*commands(), *boxed()) if " " in command}
    assert [verb.name for verb in VERBS if verb.name not in words] == []


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Iterator[Counter]:
    with RunningExchange() as venue:
        venue.quote("CRWD", "534.80", "534.82")
        found = Counter(Desk(venue, tmp_path, secret="any"), monkeypatch, capsys)
        names = found.desk.environ(SMART_EXECUTOR_FILL_TIMEOUT="5")
        found.use(**names)
        (tmp_path / ".env").write_text("".join(f"{name}={text}\n" for name, text in names.items()))
        (tmp_path / ".env").chmod(0o600)
        yield found


def test_what_is_typed_at_a_desk(counter: Counter) -> None:
    """One account, one market, one running engine, one trade at a time."""
    fill = {"SYMBOL": "CRWD", "STAGE": "pre", "NAME": "ann", "DATE": "2099-01-04"}
    fill |= {"DEST": str(counter.folder / "kept.db")}
    said: list[str] = []

    def types(rows: Iterable[tuple[str, int, str]]) -> None:
        for command, code, shown in rows:
            # Else it wants the symbol typed at a terminal.
            more = ["--yes"] if "adopt" in command else []
            if command.startswith("surefill trade") and "--trigger" in command:
                counter.exchange.quote("CRWD", "540.00", "540.02")  # it comes
            if more:
                counter.desk.buy_elsewhere("CRWD", 25)
            got, out, err = counter.run(*filled(command, fill), *more)
            if got != code or shown not in out + err:
                said.append(f"{command}: {got} {out[-300:]} | {err[-300:]}")
            if command.startswith("surefill trade"):
                fill[ONE] = fill["TRADE"] = out.rpartition("surefill why ")[2].split()[0]

    with EngineProcess(counter.folder):
        types(DESK)
    types(CLOSED)
    assert not said, "\n".join(said)


def filled(command: str, words: Mapping[str, str]) -> list[str]:
    """The words after the program's name, with the reader's own in their places."""
    return [words.get(word, word) for word in shlex.split(command)[1:]]


def market(order_id: str, second: int) -> dict[str, str]:
    """A filled market order as the broker lists it: a buy, or the sale of what was bought."""
    at = f"2026-11-20T14:40:{second:02}"
    found = {"id": order_id, "client_order_id": order_id, "symbol": "TWIN", "type": "market"}
    found |= {"qty": "25", "filled_qty": "25", "filled_avg_price": "185.1", "status": "filled"}
    found |= {"side": "sell" if second else "buy", "time_in_force": "day"}
    found |= {"asset_class": "us_equity", "order_class": "simple"}
    found |= dict.fromkeys(("submitted_at", "created_at"), f"{at}.1Z")
    return found | dict.fromkeys(("filled_at", "updated_at"), f"{at}.5Z")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tape, a journal of every arm, and a broker's history of that day."""
    (tmp_path / "place" / "tapes").mkdir(parents=True)
    (tmp_path / "tapes").symlink_to(tmp_path / "place" / "tapes")
    place = tmp_path / "place"
    monkeypatch.chdir(place)
    twin(place / "tapes")
    place.chmod(0o700)
    crwd_run(
        arrival(crwd_plan("late")),
        arrival(crwd_plan("blunt", by_level=True), is_legacy=True, after_s=70),
        path=place / "journal.db",
    )
    monkeypatch.setenv("SUREFILL_JOURNAL_PATH", str(place / "journal.db"))
    (place / "orders.json").write_text(json.dumps([market("o-1", 0), market("o-2", 20)]))
    (place / "activities.json").write_text("[]")
    (place / "signals.csv").write_text("id,signal\no-1,185.10\n")
    head = "at,symbol,side,qty,signal,risk,rr,exit_at\n"
    row = "2026-11-20T14:40:00Z,TWIN,buy,25,185.10,0.6,2,2026-11-20T14:40:20Z\n"
    (place / "plans.csv").write_text(head + row)
    return place


def test_what_is_typed_where_tapes_and_histories_lie(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def quick(*sides: Any, seed: int) -> comparing.Comparison | None:
        return comparing.compare(*sides, seed=seed, rounds=50)

    monkeypatch.setattr(compare, "compare", quick)
    monkeypatch.setattr(sweep, "MORNINGS", 2)
    monkeypatch.setattr(sweep, "_executor", lambda _: ThreadPoolExecutor(1))
    fill = {
        "TAPE": "tapes",
        "PLANS.csv": "plans.csv",
        "DIR": "run",
        "DIR/A": "run/adaptive",
        "DIR/B": "run/legacy",
    }
    fill |= {f"{arm}@JOURNAL": f"{arm}@journal.db" for arm in ("smart", "shadow")}
    said = []
    for command, more, shown in FILES:
        got = main([*filled(command, fill), *more.split()])
        out, err = capsys.readouterr()
        if got or shown not in out:
            said.append(f"{command}: {got} {out[-300:]} | {err[-300:]}")
    assert not said, "\n".join(said)


class _Once:
    """A server that answers one question and ends, as if somebody had pressed Ctrl-C."""

    def __init__(self, server: uvicorn.Server) -> None:
        self.config = server.config
        self._server = server
        self.answers: list[int] = []

    async def serve(self, sockets: list[socket.socket]) -> None:
        (bound,) = sockets
        server, answers = self._server, self.answers

        async def ask() -> None:
            answers.append(await asyncio.to_thread(clock_of, bound.getsockname()[1]))

        server.main_loop = ask  # type: ignore[method-assign]
        await server.serve(sockets=sockets)


def clock_of(port: int) -> int:
    """Status of the answer to what time it is."""
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        keys = {"APCA-API-KEY-ID": "K", "APCA-API-SECRET-KEY": "S"}
        wire.request("GET", "/v2/clock", headers=keys)
        answer = wire.getresponse()
        answer.read()
        return answer.status
    finally:
        wire.close()


def test_every_way_to_start_an_exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    made: list[_Once] = []

    def once(*args: Any, **more: Any) -> _Once:
        made.append(_Once(make_server(*args, **more)))
        return made[-1]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(exchange, "make_server", once)
    monkeypatch.setattr(exchange, "server_app", lambda one: server_app(one._server))
    (tmp_path / "tapes").mkdir()
    twin(tmp_path / "tapes")
    for command in SERVED:
        if "acme" in command:
            (tmp_path / "day.snapshot").rename("acme.snapshot")
        words = filled(command, {"PATH": "tapes"})
        assert main([*words, "--port", "0"]) == 0, capsys.readouterr().err
    assert [one.answers for one in made] == [[200]] * len(SERVED)
    assert "go on with: surefill exchange --load day.snapshot" in capsys.readouterr().out


def test_what_an_exchange_is_asked(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    with RunningExchange(ExchangeConfig(start_ns=OPEN_NS)) as venue:
        for command in CURLS:
            text = command.replace("http://127.0.0.1:8700", venue.url)
            done = subprocess.run(shlex.split(text), cwd=tmp_path, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        assert venue.call("GET", "/v2/stocks/ACME/quotes/latest")[1]
    assert (tmp_path / "acme.snapshot").stat().st_size > 500
    assert (tmp_path / "day.snapshot").stat().st_size > 500


def live_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that ends at once: who waits for it is another test's matter."""

    async def heard(_: object, jobs: list[Job], root: Path, **more: Any) -> list[Recorded]:
        return [Recorded(job, root, 5, 1, {}, 0, True) for job in jobs]

    monkeypatch.setattr(record, "record_live", heard)


def test_days_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """The days of the pages are not over at an exchange that has just begun with one of them: it
    is asked for the one before."""
    monkeypatch.chdir(tmp_path)
    live_record(monkeypatch)
    with RunningExchange() as venue:
        for name, value in environment(venue, key="recorded").items():
            monkeypatch.setenv(name, value)
        for command in RECORDS:
            text = command.replace("2026-03-02", "2026-02-27").replace("2026-03-06", "2026-02-27")
            assert main(filled(text, {})) in (0, 3), capsys.readouterr().err
    assert "CRWD 20260302: recorded, 5 quotes" in capsys.readouterr().out


def test_make_lists_what_it_can_do() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"demo", "test", "docs", "site"} <= {
        line.split()[0] for line in done.stdout.splitlines()
    }
