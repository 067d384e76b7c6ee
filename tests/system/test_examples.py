"""The programs in `examples/`, run as their readers would, against the local exchange."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_server import ApiProcess
from tests.support.engine_process import EngineProcess
from tests.support.exchange_server import RunningExchange
from tests.support.workplace import ROOT, SECRET, Workplace, clean_environ

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "examples.md"
BEFORE, AFTER = "breakout_alpaca.py", "breakout_surefill.py"
CHANGED_MAX = 20
TIMEOUT_S = 60
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient
book = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(book, timeout=50).execute()
nbformat.write(book, "done.ipynb")
"""


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        yield running


@pytest.fixture
def place(exchange: RunningExchange, tmp_path: Path) -> Workplace:
    return Workplace(exchange, tmp_path)


def run(place: Path, *words: str, stdin: str = "", **environ: str) -> str:
    """What this Python program printed."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=place,
        env=clean_environ() | environ,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def changed() -> list[str]:
    """The difference between the two, as the page shows it."""
    before, after = (
        (EXAMPLES / name).read_text(encoding="utf-8").splitlines() for name in (BEFORE, AFTER)
    )
    return list(difflib.unified_diff(before, after, BEFORE, AFTER, n=1, lineterm=""))


def test_few_lines_change_and_the_page_shows_them() -> None:
    lines = changed()
    touched = [line for line in lines[2:] if line[0] in "+-"]
    assert len(touched) <= CHANGED_MAX
    assert "\n".join(lines) in PAGE.read_text(encoding="utf-8")


def test_before_and_after_on_a_market_that_runs_away(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    exchange.quote("RUNS", "100.20", "100.22")
    shown = []
    for name in (BEFORE, AFTER):
        (tmp_path / name).mkdir()
        trader = Workplace(exchange, tmp_path / name)
        keys = {
            "APCA_API_KEY_ID": trader.key,
            "APCA_API_SECRET_KEY": SECRET,
            "APCA_API_BASE_URL": exchange.url,
            "APCA_API_DATA_URL": exchange.url,
        }
        shown.append(run(trader.folder, str(EXAMPLES / name), "RUNS", "100.00", **keys))
    assert "OrderStatus." in shown[0]
    assert "NOT_ENTERED" in shown[1]
    fills = [line for line in exchange.log() if line["kind"] == "fill" and line["symbol"] == "RUNS"]
    assert [line["px"] for line in fills] == [100_220_000_000]


def test_signals_go_through_the_api_once_each(exchange: RunningExchange, place: Workplace) -> None:
    exchange.quote("ACME", "99.99", "100.01")
    exchange.quote("BETA", "49.99", "50.01")
    signals = (EXAMPLES / "signals.csv").read_text(encoding="utf-8")
    with EngineProcess(place.folder), ApiProcess(place.folder) as api:
        words = (str(EXAMPLES / "signal_feed.py"), api.url, str(api.tokens.path))
        lines = run(place.folder, *words, stdin=signals).splitlines()
    assert lines[0].startswith("monday-1: COVERED 25 @ 100.01")
    assert lines[1] == "monday-2: DENIED 0 @ None; reward/risk 0.8 is below the minimum 2"
    assert lines[2] == lines[0]
    assert lines[3] == "shares without a stop: 0"


def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path) -> None:
    source = EXAMPLES / "costs.ipynb"
    cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
    assert all(not cell["outputs"] for cell in cells if cell["cell_type"] == "code")
    words = ["replay", "--minutes", "4", "--plans", "6", "--path", "legacy", "--path", "adaptive"]
    run(tmp_path, "-m", "surefill", *words, "--out", "run")
    folders = {
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "jup"),
    }
    run(tmp_path, "-c", EXECUTE, str(source), **folders)
    shown = outputs_of(tmp_path / "done.ipynb")
    assert shown.count("application/vnd.plotly.v1+json") == 3
    assert "adaptive minus legacy: " in shown
    assert "shortfall" in shown


def outputs_of(path: Path) -> str:
    """Everything that the cells showed."""
    book: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return json.dumps([cell.get("outputs", []) for cell in book["cells"]])
