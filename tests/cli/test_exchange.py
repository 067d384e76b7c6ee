"""``surefill exchange``: arguments, banner, refusals, and a real process that stops on Ctrl-C."""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from surefill.cli.exchange import (
    Address,
    _banner_of,
    _save_last,
    _venue_of,
    add_arguments,
    banner,
    config_of,
    open_market_ns,
    run,
)
from surefill.cli.exits import Exit
from surefill.sim.alpaca.app import ConfigError
from surefill.sim.alpaca.text import parse_stamp
from surefill.sim.models import DEFAULT_DELAYS, Delay, DelaySamples
from surefill.sim.switches import SwitchError


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def test_defaults_are_loopback_and_an_empty_market() -> None:
    args = parsed()
    assert (args.host, args.port, args.control) == ("127.0.0.1", 8700, False)
    config = config_of(args)
    assert (config.tape, config.seed, config.start_ns) == (None, None, None)
    assert config.speed_ppb == 10**9


def test_everything_reaches_the_configuration() -> None:
    config = config_of(
        parsed(
            "--seed",
            "7",
            "--speed",
            "2.5",
            "--model",
            "touch",
            "--latency",
            "none",
            "--start",
            "2026-03-02T15:00:00Z",
            "--switch",
            "wash_exempts=none",
            "--switch",
            "rate_limit_per_min=0",
        )
    )
    assert (config.seed, config.id_seed, config.speed_ppb) == (7, 7, 2_500_000_000)
    assert (config.switches.fill_model, config.switches.wash_exempts) == ("touch", "none")
    assert (config.face.rate_limit_per_min, config.latency) == (0, "none")
    assert config.start_ns == 1_772_463_600 * 10**9


@pytest.mark.parametrize(
    "words",
    [("--speed", "fast"), ("--speed", "inf"), ("--start", "soon"), ("--switch", "colour=red")],
)
def test_wrong_values(words: tuple[str, ...]) -> None:
    with pytest.raises((ConfigError, SwitchError)):
        config_of(parsed(*words))


@pytest.mark.parametrize(
    "words",
    [
        ("--speed", "0"),
        ("--speed", "fast"),
        ("--switch", "colour=red"),
        ("--keys", "no/such/file"),
        ("--tape", "no/such/tape"),
        ("--host", "0.0.0.0"),
        ("--host", "example.org"),
        ("--port", "65536"),
        ("--port", "-1"),
        ("--start", "now", "--seed", "7"),
    ],
)
def test_refusals_are_one_sentence(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(parsed(*words)) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("surefill exchange: ")
    assert len(err.splitlines()) == 1


def test_a_folder_without_tapes_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parsed("--tape", str(tmp_path))) == Exit.USAGE
    assert f"no tape in {tmp_path}: one is named X_nbbo.parquet" in capsys.readouterr().err


def test_switches_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parsed("--switches")) == Exit.DONE
    assert "wash_exempts" in capsys.readouterr().out


def test_a_taken_port_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run(parsed("--port", str(port))) == Exit.UNAVAILABLE
    assert f"port {port} on 127.0.0.1" in capsys.readouterr().err


def test_the_banner_is_what_one_copies() -> None:
    address = Address("127.0.0.1", 8700)
    text = banner(address, title="empty market", now_ns=1_772_463_600 * 10**9, with_control=True)
    assert "Venue time 2026-03-02T10:00:00-05:00" in text
    for line in (
        'TradingClient("KEY", "SECRET", url_override="http://127.0.0.1:8700")',
        'TradingStream("KEY", "SECRET", url_override="ws://127.0.0.1:8700/stream")',
        'StockDataStream("KEY", "SECRET", url_override="ws://127.0.0.1:8700/v2/iex")',
        'StockHistoricalDataClient("KEY", "SECRET",\n    url_override="http://127.0.0.1:8700")',
        "export APCA_API_BASE_URL=http://127.0.0.1:8700",
        "http://127.0.0.1:8700/sim/",
    ):
        assert line in text
    assert "/sim/" not in banner(address, title="", now_ns=0, with_control=False)
    assert max(len(line) for line in text.splitlines()) <= 79
    assert Address("::1", 8700).authority == "[::1]:8700"
    assert Address("0.0.0.0", 8700).authority == "127.0.0.1:8700"


@pytest.mark.parametrize(
    ("now", "start"),
    [
        ("2026-11-23T15:00:00Z", "2026-11-23T15:00:00Z"),  # Monday, 10:00 in New York
        ("2026-11-22T17:59:51Z", "2026-11-23T15:00:00Z"),  # Sunday
        ("2026-11-23T22:00:00Z", "2026-11-24T15:00:00Z"),  # after the close
        ("2026-11-25T23:00:00Z", "2026-11-27T15:00:00Z"),  # before Thanksgiving
        ("2026-11-23T14:29:59Z", "2026-11-23T15:00:00Z"),  # a second before the opening
    ],
)
def test_an_empty_market_is_open_when_it_starts(now: str, start: str) -> None:
    assert open_market_ns(parse_stamp(now) or 0) == parse_stamp(start)


def test_now_keeps_ones_own_time_and_a_closed_market_is_said() -> None:
    assert config_of(parsed("--start", "now")).start_ns is None
    address = Address("127.0.0.1", 8700)
    for start, closed in (("2026-11-22T17:59:51Z", True), ("2026-11-23T15:00:00Z", False)):
        args = parsed("--start", start)
        shown = _banner_of(_venue_of(args, config_of(args)), address, args)
        said = "closed until 2026-11-23T09:30:00-05:00: orders wait for it." in shown
        assert said is closed


def test_a_real_process_serves_and_stops(tmp_path: Path, canary: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "surefill", "exchange", "--port", "0", "--control"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        assert first.startswith("Surefill exchange on http://127.0.0.1:")
        port = int(first.split(":")[2].split(" ")[0])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        keys = {"APCA-API-KEY-ID": "KEY", "APCA-API-SECRET-KEY": canary}
        connection.request("GET", "/v2/account", headers=keys)
        answer = connection.getresponse()
        assert answer.status == 200
        assert b'"cash":"100000"' in answer.read()
        connection.close()
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert canary not in out + err


@pytest.mark.parametrize("text", ["much", "-1"])
def test_a_fee_is_a_number_of_dollars(text: str) -> None:
    with pytest.raises(ConfigError, match="--fee"):
        config_of(parsed("--fee", text))
    assert config_of(parsed("--fee", "0.005")).fee_per_share_usd == 5_000_000


def served(*words: str, cwd: Path) -> tuple[subprocess.Popen[str], int]:
    """``surefill exchange`` with these words on a free port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "surefill", "exchange", "--port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline().split(":")[2].split(" ")[0])


def asked(port: int, method: str, path: str, body: str | None = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    keys = {"APCA-API-KEY-ID": "KEY", "APCA-API-SECRET-KEY": "S"}
    connection.request(method, path, body=body, headers=keys)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    data = answer.read()
    connection.close()
    return data


def stopped(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    return out


def test_an_exchange_is_saved_at_its_end_and_goes_on(tmp_path: Path) -> None:
    words = ("--control", "--save", "day", "--latency", "none", "--start", "2030-03-04T14:59:00Z")
    process, port = served(*words, cwd=tmp_path)
    try:
        asked(port, "POST", "/sim/clock", '{"pin": "2030-03-04T15:00:00Z"}')
        quote = '{"symbol": "A", "bid": "9.99", "bid_size": "9", "ask": "10", "ask_size": "9"}'
        asked(port, "POST", "/sim/nbbo", quote)
        order = '{"symbol":"A","qty":"1","side":"buy","type":"market","time_in_force":"day"}'
        asked(port, "POST", "/v2/orders", order)
        before = asked(port, "GET", "/v2/orders")
    finally:
        out = stopped(process)
    assert "go on with: surefill exchange --load day" in out
    process, port = served("--load", "day", cwd=tmp_path)
    try:
        assert asked(port, "GET", "/v2/orders") == before
    finally:
        stopped(process)


def test_a_snapshot_that_cannot_be_loaded_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "day"
    assert run(parsed("--load", str(path))) == Exit.UNAVAILABLE
    path.write_bytes(b"\x80\x04]")
    assert run(parsed("--load", str(path))) == Exit.UNAVAILABLE
    assert run(parsed("--load", str(path), "--seed", "1", "--fee", "1")) == Exit.USAGE
    err = capsys.readouterr().err
    assert "SNAPSHOT_UNREADABLE: cannot read" in err
    assert "SNAPSHOT_FOREIGN: line 1 is not JSON" in err
    assert "the snapshot decides --seed, --fee: leave it out" in err


def test_a_snapshot_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    venue = _venue_of(parsed(), config_of(parsed("--start", "2026-03-02T15:00:00Z")))
    assert _save_last(venue, tmp_path / "no" / "day") == Exit.UNAVAILABLE
    assert "SNAPSHOT_UNWRITABLE" in capsys.readouterr().err
    assert _save_last(venue, tmp_path / "day") == Exit.DONE
    again = _venue_of(
        parsed("--load", str(tmp_path / "day"), "--speed", "5"), config_of(parsed("--speed", "5"))
    )
    assert again.clock.speed_ppb == 5 * 10**9


def test_latency_is_drawn_constant_or_recorded(tmp_path: Path) -> None:
    assert config_of(parsed("--latency", "constant:20")).delays()[Delay.UP].high_ms == 20  # type: ignore[union-attr]
    path = tmp_path / "measured.json"
    path.write_text('{"UP": [12.5, 14], "STREAM": [3]}')
    config = config_of(parsed("--latency", str(path)))
    assert config.latency_samples == {"UP": (12_500, 14_000), "STREAM": (3_000,)}
    assert config.delays()[Delay.UP] == DelaySamples((12_500, 14_000))
    assert config.delays()[Delay.DOWN] == DEFAULT_DELAYS[Delay.DOWN]
    for text in ('{"UP": []}', '{"SIDEWAYS": [1]}', '{"UP": [-1]}', "[1]", "{", '{"UP": ["x"]}'):
        path.write_text(text)
        with pytest.raises(ConfigError, match="latency"):
            config_of(parsed("--latency", str(path)))
    for word in ("slow", "constant:", "constant:x", "nothing.json"):
        with pytest.raises(ConfigError, match="latency"):
            config_of(parsed("--latency", word))


def test_borrowing_costs_basis_points() -> None:
    assert config_of(parsed("--borrow", "30")).borrow_bps == 30
    with pytest.raises(ConfigError, match="--borrow"):
        config_of(parsed("--borrow", "-1"))
