"""``surefill trade``: real processes on the real exchange; exit codes, and what is left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from surefill.cli import trade as trade_verb
from surefill.cli.exits import Exit
from surefill.cli.main import main
from surefill.cli.trade import (
    EXIT_OF_ERROR,
    STAGES,
    as_blocks,
    exit_of_result,
    left_text,
    stage_text,
    verdict,
)
from surefill.core.events import Act
from surefill.core.trade import Outcome, Phase
from surefill.core.units import NANO
from surefill.runtime.errors import ErrorCode
from surefill.runtime.result import TradeResult, result_of
from tests.support.core import Bench, covered_bench
from tests.support.exchange_server import RunningExchange

WAIT_S = 60
BY_DISTANCE = ("--risk", "1", "--rr", "2")


class Shell:
    """A directory of one's own, keys of one's own, and the verb."""

    def __init__(self, url: str, folder: Path, key: str, secret: str) -> None:
        self.folder = folder
        ours = ("APCA", "SUREFILL", "SMART", "USE_SMART", "COV")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self.env |= {
            "APCA_API_KEY_ID": key,
            "APCA_API_SECRET_KEY": secret,
            "APCA_API_BASE_URL": url,
            "SMART_EXECUTOR_FILL_TIMEOUT": "4",
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "surefill", *words],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=WAIT_S)
        return process.returncode, out, err


@pytest.fixture
def shell(
    exchange: RunningExchange, tmp_path: Path, canary: str, request: pytest.FixtureRequest
) -> Shell:
    """Each test trades on an account of its own."""
    key = "K" + "".join(char for char in request.node.name.upper() if char.isalpha())[:20]
    return Shell(exchange.url, tmp_path, key, canary)


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """Read stderr until a line holds ``words``."""
    assert process.stderr is not None
    seen = ""
    for line in process.stderr:
        seen += line
        if words in line:
            return seen
    raise AssertionError(f"never said {words!r}: {seen}")


# ------------------------------------------------------------------------------ real processes


def test_entered_and_covered_and_told_afterwards(exchange: RunningExchange, shell: Shell) -> None:
    exchange.quote("ACME", "99.99", "100.01")
    words = ("ACME", "buy", "10", "--signal", "100.01", *BY_DISTANCE, "--plan-id", "p1")
    code, out, err = shell.run("trade", *words)
    assert code == Exit.DONE, err
    assert out.startswith("ACME BUY 10 at signal 100.01: entered and covered\n")
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "10 at 100.01 on average" in out
    assert "plan p1" in err
    assert "leaving 10 shares of ACME, 10 covered at the broker: stop 99.01, target 102.01" in err

    code, out, err = shell.run("trade", *words, "--json")  # the same plan never trades twice
    assert (code, err.count("leaving")) == (Exit.DONE, 1)
    found = json.loads(out)
    assert (found["entry_qty"], found["uncovered_qty"], found["stop_px"]) == ("10", "0", "99.01")
    assert [order["leg"] for order in found["orders"]] == ["ENTRY", "TARGET", "STOP"]

    code, out, err = shell.run("trade", *words[:-1], "p1", "--tactic", "marketable")
    assert (code, out) == (Exit.USAGE, "")
    assert "PLAN_ID_REUSED" in err

    code, out, err = shell.run("why", "p1")
    assert code == Exit.DONE, err
    assert "All 10 shares covered: stop 99.01, target 102.01" in " ".join(out.split())


def test_wait_closed_prints_the_outcome(exchange: RunningExchange, shell: Shell) -> None:
    exchange.quote("BETA", "49.99", "50.01")
    words = ("BETA", "buy", "10", "--signal", "50.01", *BY_DISTANCE, "--wait-closed", "--json")
    process = shell.start("trade", *words)
    wait_for(process, "successful")
    exchange.quote("BETA", "52.10", "52.12")
    exchange.print_("BETA", "52.11")
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == Exit.DONE, err
    found = json.loads(out)
    assert found["outcome"] == "CLOSED_TARGET"
    assert found["r_realized"] == "2.0000"


def test_denied_is_one_and_says_every_reason(exchange: RunningExchange, shell: Shell) -> None:
    exchange.quote("GAMMA", "99.99", "100.01")
    words = ("GAMMA", "buy", "10", "--signal", "100.01", "--risk", "1", "--rr", "1")
    code, out, err = shell.run("trade", *words)
    assert code == Exit.NOT_TRADED, err
    assert "GAMMA BUY 10 at signal 100.01: DENIED" in out
    assert "RR_BELOW_MIN  reward/risk 1 is below the minimum 2" in out
    assert "Smart executor rejected trade: RR_BELOW_MIN" in err


def test_not_entered_is_one(exchange: RunningExchange, shell: Shell) -> None:
    exchange.quote("DELTA", "99.99", "100.01")
    words = ("DELTA", "buy", "10", "--signal", "99.00", *BY_DISTANCE, "--json")
    code, out, err = shell.run("trade", *words)
    assert code == Exit.NOT_TRADED, err
    found = json.loads(out)
    assert found["outcome"] == "NOT_ENTERED"
    assert found["reasons"][0]["code"] == "ENTRY_TIMEOUT"


@pytest.mark.parametrize("number", trade_verb.LEAVE_SIGNALS)
def test_a_signal_ends_the_entry_before_it_leaves(
    number: signal.Signals, exchange: RunningExchange, shell: Shell
) -> None:
    symbol = f"EPS{number.value}"
    exchange.quote(symbol, "99.99", "100.01")
    shell.env["SMART_EXECUTOR_FILL_TIMEOUT"] = "60"
    process = shell.start("trade", symbol, "buy", "10", "--signal", "99.00", *BY_DISTANCE)
    wait_for(process, "entry working")
    process.send_signal(number)
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == Exit.NOT_TRADED, err
    assert "interrupted: ending the entry; cover stays at the broker" in err
    assert "ENTRY_CANCELED" in out
    rows = [line for line in exchange.log() if line["symbol"] == symbol and line["order_id"]]
    assert rows[-1]["kind"] == "canceled"


def test_a_breakout_sends_nothing_before_its_trigger(
    exchange: RunningExchange, shell: Shell
) -> None:
    exchange.quote("KAPPA", "99.90", "100.01")
    process = shell.start("trade", "KAPPA", "buy", "10", "--trigger", "100", *BY_DISTANCE)
    seen = wait_for(process, "waiting for the trigger, nothing sent")
    exchange.quote("KAPPA", "100.00", "100.03")
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == Exit.DONE, seen + err
    assert out.startswith("KAPPA BUY 10 at signal 100.00: entered and covered\n")
    rows = [line for line in exchange.log() if line["symbol"] == "KAPPA" and line["order_id"]]
    assert {line["bid"] for line in rows} == {100 * NANO}, "no order before the bid was there"


def test_ctrl_c_while_waiting_leaves_cover_behind(exchange: RunningExchange, shell: Shell) -> None:
    exchange.quote("ZETA", "99.99", "100.01")
    words = ("ZETA", "buy", "10", "--signal", "100.01", *BY_DISTANCE, "--wait-closed")
    process = shell.start("trade", *words)
    wait_for(process, "successful")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == Exit.DONE, err
    assert "leaving 10 shares of ZETA, 10 covered at the broker" in err
    assert "entered and covered" in out


@pytest.mark.slow
def test_time_over_with_an_entry_in_doubt_is_four(exchange: RunningExchange, shell: Shell) -> None:
    exchange.quote("ETA", "99.99", "100.01")
    exchange.arm("N2", "POST /v2/orders", params={"accept_delay_ms": 90_000})
    try:
        words = ("ETA", "buy", "10", "--signal", "100.01", *BY_DISTANCE, "--timeout", "6")
        process = shell.start("trade", *words)
        wait_for(process, "ending the entry")
        process.send_signal(signal.SIGINT)  # leave at once
        out, err = process.communicate(timeout=WAIT_S)
    finally:
        exchange.disarm()
    assert process.returncode == Exit.EXPOSED, err
    assert "ETA BUY 10 at signal 100.01: NOT SETTLED, look now" in out
    assert "ITS STATE IS OPEN" in err


def test_an_empty_plan_id_is_two_and_never_reaches_the_journal(shell: Shell) -> None:
    words = ("trade", "ACME", "buy", "1", "--signal", "10", *BY_DISTANCE, "--plan-id", "")
    code, out, err = shell.run(*words)
    assert (code, out) == (Exit.USAGE, "")
    assert "PLAN_ID_INVALID" in err
    assert not (shell.folder / ".surefill").exists()


def test_an_unreachable_broker_is_three(tmp_path: Path, canary: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    shell = Shell(f"http://127.0.0.1:{port}", tmp_path, "KEY", canary)
    code, out, err = shell.run("trade", "ACME", "buy", "1", "--signal", "10", *BY_DISTANCE)
    assert (code, out) == (Exit.UNAVAILABLE, ""), err
    assert "BROKER_UNAVAILABLE" in err
    assert "Nothing was sent" in err


def test_ctrl_c_while_connecting_is_nothing_sent(tmp_path: Path, canary: str) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        shell = Shell(f"http://127.0.0.1:{deaf.getsockname()[1]}", tmp_path, "KEY", canary)
        process = shell.start("trade", "ACME", "buy", "1", "--signal", "10", *BY_DISTANCE)
        wait_for(process, "connecting to")
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == Exit.NOT_TRADED, err
    assert out == ""
    assert "ended before anything was sent" in err


def test_a_damaged_journal_is_three(exchange: RunningExchange, shell: Shell) -> None:
    exchange.quote("THETA", "99.99", "100.01")
    words = ("trade", "THETA", "buy", "1", "--signal", "99", *BY_DISTANCE, "--timeout", "1")
    assert shell.run(*words)[0] == Exit.NOT_TRADED
    (journal,) = (shell.folder / ".surefill").glob("journal-*.db")
    journal.write_bytes(b"not a database at all" * 100)
    code, out, err = shell.run(*words)
    assert (code, out) == (Exit.UNAVAILABLE, "")
    assert "JOURNAL_CORRUPT" in err


# ------------------------------------------------------------------------- without a connection


@pytest.fixture
def _no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "APCA_API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def trade(*words: str, qty: str = "10") -> int:
    return main(["trade", "ACME", "buy", qty, "--signal", "100", *words])


@pytest.mark.usefixtures("_no_keys")
@pytest.mark.parametrize(
    ("words", "qty", "says"),
    [
        (("--stop", "99"), "10", "half a pair"),
        (("--risk", "x", "--rr", "2"), "10", "PLAN_NUMBER_INVALID"),
        (("--risk", "1", "--rr", "2"), "2.5", "FRACTIONAL_UNPROTECTABLE"),
        (("--risk", "1", "--rr", "2", "--plan-id", "a b"), "10", "PLAN_ID_INVALID"),
        (("--risk", "1", "--rr", "2", "--timeout", "0"), "10", "positive number of seconds"),
        (("--risk", "1", "--rr", "2", "--timeout", "x"), "10", "positive number of seconds"),
        (("--risk", "1", "--rr", "2"), "10", "KEYS_MISSING"),
    ],
)
def test_bad_input_is_two_and_nothing_is_sent(
    words: tuple[str, ...], qty: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trade(*words, qty=qty) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err


@pytest.mark.usefixtures("_no_keys")
def test_malformed_plans_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert trade("--risk", "1", "--rr", "2", "--json", qty="0") == Exit.USAGE
    out, _ = capsys.readouterr()
    assert [reason["code"] for reason in json.loads(out)["reasons"]] == ["PLAN_QTY_INVALID"]


@pytest.mark.usefixtures("_no_keys")
def test_wrong_settings_are_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMART_EXECUTOR_FILL_TIMEOUT", "soon")
    assert trade(*BY_DISTANCE) == Exit.USAGE
    assert "SMART_EXECUTOR_FILL_TIMEOUT" in capsys.readouterr().err


@pytest.mark.usefixtures("_no_keys")
@pytest.mark.parametrize(
    ("is_handed_over", "code", "says"),
    [
        (False, Exit.NOT_TRADED, "ended before anything was sent"),
        (True, Exit.EXPOSED, "interrupted while leaving: look at the account now"),
    ],
)
def test_a_second_ctrl_c_is_no_promise(
    is_handed_over: bool,
    code: Exit,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def interrupted(work: trade_verb._Work) -> None:
        work.is_handed_over = is_handed_over
        raise KeyboardInterrupt

    monkeypatch.setattr(trade_verb._Work, "run", interrupted)
    assert trade(*BY_DISTANCE) == code
    assert says in capsys.readouterr().err


# ---------------------------------------------------------------------------------- what is said


def result(b: Bench) -> TradeResult:
    return result_of(b.trade)


def changed(found: TradeResult, **more: Any) -> TradeResult:
    return replace(found, **more)


def test_exit_codes_of_results() -> None:
    held = result(covered_bench())
    assert exit_of_result(held) is Exit.DONE
    assert exit_of_result(changed(held, uncovered_qty=NANO)) is Exit.EXPOSED
    assert exit_of_result(changed(held, is_settled=False)) is Exit.EXPOSED
    assert exit_of_result(changed(held, position_qty=-NANO)) is Exit.EXPOSED
    assert exit_of_result(changed(held, outcome=Outcome.CLOSED_STOP)) is Exit.DONE
    assert exit_of_result(changed(held, outcome=Outcome.DENIED)) is Exit.NOT_TRADED
    assert exit_of_result(changed(held, outcome=Outcome.NOT_ENTERED)) is Exit.NOT_TRADED
    assert verdict(changed(held, uncovered_qty=NANO)) == "NOT SETTLED, look now"


def test_every_phase_has_words_and_every_error_a_code() -> None:
    assert set(STAGES) == set(Phase)
    assert ErrorCode.ENGINE_STOPPED not in EXIT_OF_ERROR
    assert Exit.EXPOSED not in EXIT_OF_ERROR.values()


def test_stages() -> None:
    b = Bench()
    assert stage_text(result(b)) == "ACME: entry sent, no answer yet"
    b.accepts("E1")
    b.fills("E1", 37)
    assert stage_text(result(b)).endswith(", 37 of 100 at 100.05, 37 bare")
    assert stage_text(changed(result(b), phase=None)) == "ACME: denied"


def test_what_is_left_behind() -> None:
    found = result(covered_bench())
    assert left_text(found) == (
        "leaving 100 shares of ACME, 100 covered at the broker: stop 98.05, target 104.05. "
        "The next start on this account goes on with it"
    )


def test_a_closed_trade_with_alarms_and_notes() -> None:
    b = covered_bench()
    b.operator(Act.FLATTEN, "p1")
    b.replaces("X1", "T1")
    b.fills("T1", 100)
    b.run(2)
    found = changed(result(b), alarms=("COVER_LOST: gone",), notes=(), order_qty=None)
    text = str(as_blocks(found))
    assert "ACME BUY at signal 100.00: CLOSED_FLATTEN" in text
    assert "R realized" in text
    assert "COVER_LOST: gone" in text
    unknown = changed(found, rr_at_fill=None, pnl_usd=None, arrival_feed=None, arrival_px=None)
    unknown = changed(unknown, slippage_vs_arrival_bps=None, uncovered_share_s=Decimal("0.5"))
    text = str(as_blocks(unknown))
    assert "? bps against arrival ?" in text
    assert "? at the fill" in text
