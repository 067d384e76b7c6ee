"""The greps that operators have in their fingers, run by a shell against a real run's logs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.exchange_server import RunningExchange
from tests.support.workplace import PATIENCE_S, ROOT, Workplace

pytestmark = pytest.mark.slow

SYMBOL, AWAY = "GREP", "AWAY"


def entry(plan_id: str, *, symbol: str = SYMBOL, target: str = "102.50") -> dict[str, object]:
    """A long entry at 100.00, stop 99.00."""
    return {
        "symbol": symbol,
        "side": "buy",
        "qty": 10,
        "price": "100.00",
        "stop_loss_price": "99.00",
        "take_profit_price": target,
        "plan_id": plan_id,
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A directory with the logs of a run: one trade made, one refused, one not entered."""
    with RunningExchange() as exchange:
        exchange.quote(SYMBOL, "99.99", "100.01")
        exchange.quote(AWAY, "100.90", "101.00")
        place = Workplace(exchange, tmp_path_factory.mktemp("greps"))
        with place.strategy() as strategy:
            strategy.order(**entry("made"))
            strategy.order(**entry("refused", symbol=AWAY, target="100.50"))
            strategy.order(**entry("missed", symbol=AWAY))
        yield place


def shell(command: str, folder: Path) -> list[str]:
    """Lines that a shell prints for this very command."""
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_initialized(place: Workplace) -> None:
    lines = shell('grep "Smart Order Executor initialized" logs/*.log', place.folder)
    assert lines
    assert all(" INFO smart_order_executor " in line for line in lines)


def test_rejected(place: Workplace) -> None:
    lines = shell('grep "Smart executor rejected" logs/*.log', place.folder)
    # A later test of this file has a second plan refused in the same folder.
    (line,) = (line for line in lines if "[plan=refused]" in line)
    assert "Smart executor rejected trade: RR_BELOW_MIN: reward/risk 0.5 is below" in line


def test_rejected_trade_last_20(place: Workplace) -> None:
    lines = shell('grep "rejected trade" logs/*.log | tail -20', place.folder)
    assert 1 <= len(lines) <= 20
    assert all("Smart executor rejected trade" in line for line in lines)


def test_errors_of_the_executor(place: Workplace) -> None:
    lines = shell("grep ERROR logs/*.log | grep smart", place.folder)
    assert lines
    assert all(" ERROR smart_order_executor " in line for line in lines)


def test_successful_and_not_entered(place: Workplace) -> None:
    (made,) = shell('grep "Smart executor trade successful:" logs/*.log', place.folder)
    assert "GREP BUY plan=made 10 @ 100.01" in made
    (missed,) = shell('grep "Smart executor not entered:" logs/*.log', place.folder)
    assert "[plan=missed]" in missed


def test_followed_while_it_happens(place: Workplace) -> None:
    pipe = subprocess.Popen(
        ["sh", "-c", 'tail -f logs/*.log | grep "Smart executor"'],
        cwd=place.folder,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        with place.strategy() as strategy:
            strategy.order(**entry("followed", symbol=AWAY, target="100.50"))
    finally:
        _end_tail(pipe.pid)
        text, _ = pipe.communicate(timeout=PATIENCE_S)
    assert "[plan=followed]" in text


def _end_tail(group: int) -> None:
    """Let the pipe end as Ctrl-C on `tail` would; grep prints what it holds when its input ends."""
    for entry_ in Path("/proc").iterdir():
        if not entry_.name.isdigit():
            continue
        try:
            words = (entry_ / "cmdline").read_bytes().split(b"\0")
            is_ours = os.getpgid(int(entry_.name)) == group
        except OSError:
            continue  # it has just ended
        if is_ours and words[0] == b"tail":
            os.kill(int(entry_.name), signal.SIGTERM)


def test_the_default_stands_in_the_source() -> None:
    lines = shell("grep USE_SMART_EXECUTOR src/surefill/config.py", ROOT)
    assert any('"USE_SMART_EXECUTOR=True"' in line for line in lines)


def test_nobody_else_can_read_the_log_and_it_is_rotated(place: Workplace) -> None:
    logs = sorted((place.folder / "logs").iterdir())
    assert [log.name for log in logs] == ["surefill.jsonl", "surefill.log"]
    assert all(log.stat().st_mode & 0o077 == 0 for log in logs)


def test_programs_read_the_same_run_as_objects(place: Workplace) -> None:
    text = (place.folder / "logs" / "surefill.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    log = (place.folder / "logs" / "surefill.log").read_text(encoding="utf-8")
    assert all(f"{row['sentence']}\n" in log for row in rows)
    found = {row["plan_id"]: row["event"] for row in rows if "plan_id" in row}
    wanted = {"made": "trade_entered", "refused": "plan_denied", "missed": "not_entered"}
    assert wanted.items() <= found.items()
