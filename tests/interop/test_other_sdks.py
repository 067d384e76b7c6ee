"""The second newest minor version of alpaca-py, and the older SDK, in environments of their own.

Both talk to a served exchange from another process. alpaca-py runs the very tests that the newest
version runs here; the older SDK runs a round trip, and the exchange's log is the judge of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.exchange_server import RunningExchange

ROOT = Path(__file__).resolve().parents[2]
SUITES = (
    "test_every_method.py",
    "test_every_error.py",
    "test_every_stream.py",
)
OLD = "OLDIE"


def python_of(name: str) -> str:
    """The Python of an environment, or a skip that says why it cannot be made."""
    script = ROOT / "scripts" / "sdk_env.py"
    made = subprocess.run(
        [sys.executable, str(script), name], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(made.stderr.strip() or f"{name} cannot be made, and nobody says why")
    return made.stdout.strip()


def environment(**more: str) -> dict[str, str]:
    """Ours, with the sources on the path, and nothing of pytest's or of a trader's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("APCA_", "PYTEST_", "COV_"))
    }
    return {**kept, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **more}


@pytest.mark.slow
def test_the_second_newest_minor_version() -> None:
    python = python_of("alpaca-py-0.43")
    told = "import importlib.metadata as m; print(m.version('alpaca-py'))"
    version = subprocess.run(
        [python, "-c", told], env=environment(), capture_output=True, text=True, check=True
    ).stdout
    assert version.startswith("0.43.")
    suites = [str(Path("tests") / "interop" / name) for name in SUITES]
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", *suites],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4_000:]
    assert " skipped" not in done.stdout


@contextmanager
def quoted(exchange: RunningExchange, symbol: str) -> Iterator[None]:
    """A market that says something every tenth of a second."""
    over = threading.Event()

    def speak() -> None:
        number = 0
        while not over.wait(0.1):
            number += 1
            exchange.quote(symbol, "99.99", "100.01", size=str(1_000 + number % 2))
            exchange.print_(symbol, "100.00", size="10")

    thread = threading.Thread(target=speak, daemon=True)
    exchange.quote(symbol, "99.99", "100.01")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=10)


@pytest.fixture(scope="module")
def round_trip() -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """What the older SDK saw, and the truth."""
    python = python_of("alpaca-trade-api")
    with RunningExchange() as exchange, quoted(exchange, OLD):
        done = subprocess.run(
            [python, str(ROOT / "tests" / "interop" / "programs" / "older_sdk.py")],
            env=environment(
                APCA_API_KEY_ID="older-sdk",
                APCA_API_SECRET_KEY="secret",
                APCA_API_BASE_URL=exchange.url,
                APCA_API_DATA_URL=exchange.url,
                APCA_API_STREAM_URL=exchange.stream_url,
            ),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr[-4_000:]
        yield json.loads(done.stdout.splitlines()[-1]), exchange.log()


@pytest.mark.slow
def test_the_older_sdk_trades(round_trip: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    seen, truth = round_trip
    ends: dict[str, list[str]] = {}
    for line in truth:
        if line["cl_ord_id"] is not None:
            ends.setdefault(str(line["cl_ord_id"]), []).append(str(line["kind"]))
    assert "fill" in ends["buy"]
    assert "replaced" in ends["rest"]
    assert ends["moved"][-1] == "canceled" or "share_release" in ends["moved"]
    assert "fill" in ends["bracket"]
    fills = [line for line in truth if line["kind"] in ("fill", "partial_fill")]
    assert seen["fills"] == len(fills) >= 4
    assert fills[-1]["position"] == 0
    assert seen["bought"] == ["100.01", "10"]
    assert seen["position"] == ["10", "100.01"]
    assert seen["listed"] == [OLD]
    assert seen["open"] == ["moved"]
    assert seen["legs"] == ["held", "held"]
    sign = {"buy": -1, "sell": 1}
    cash = sum(sign[str(row["side"]).lower()] * row["px"] * row["qty"] for row in fills)
    assert round(float(seen["last cash"]) - float(seen["cash"]), 2) == round(cash / 10**18, 2)


@pytest.mark.slow
def test_the_older_sdk_hears_what_happened(
    round_trip: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    seen, truth = round_trip
    told = {tuple(update) for update in seen["updates"]}
    for event in ("new", "fill", "replaced", "canceled"):
        kinds = {
            (event, str(row["cl_ord_id"]))
            for row in truth
            # Probes are sent until the stream is heard.
            if row["kind"] == event and not str(row["cl_ord_id"]).startswith("probe")
        }
        assert kinds, event
        assert kinds <= told
    assert [OLD, 99.99, 100.01] in seen["quotes"]
    assert [OLD, 100, 10] in seen["trades"]


@pytest.mark.slow
def test_the_older_sdk_reads_and_is_refused(
    round_trip: tuple[dict[str, Any], list[dict[str, Any]]],
) -> None:
    seen, _ = round_trip
    assert (seen["cash"], seen["settings"], seen["clock"]) == ("100000", False, True)
    assert (seen["calendar"], seen["asset"], seen["watchlist"]) == (5, OLD, [OLD])
    assert (seen["latest"], seen["snapshot"]) == ([99.99, 100], 100.01)
    assert seen["history"] == [True, True]
    assert seen["unknown"][:2] == [404, 40410000]
    assert seen["too much"][:2] == [403, 40310000]
    assert seen["twice"] == [422, 40010001, "client_order_id must be unique"]
