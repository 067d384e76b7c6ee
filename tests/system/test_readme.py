"""The README does what it says: its Python example and its shell commands, word by word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.sim.alpaca.app import ExchangeConfig
from tests.support.exchange_server import OPEN_NS, RunningExchange

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture
def venue() -> Iterator[RunningExchange]:
    with RunningExchange(ExchangeConfig(start_ns=OPEN_NS)) as exchange:
        exchange.quote("MID", "185.10", "185.12")
        exchange.quote("TIGHT", "13.98", "14.02")
        yield exchange


def environment(exchange: RunningExchange) -> dict[str, str]:
    return {
        **os.environ,
        "APCA_API_KEY_ID": "README",
        "APCA_API_SECRET_KEY": "SECRET",
        "APCA_API_BASE_URL": exchange.url,
    }


def test_the_python_example_enters_and_is_covered(venue: RunningExchange, tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found is not None
    assert len([line for line in found[1].splitlines() if line.strip()]) <= 5
    done = subprocess.run(
        [sys.executable, "-c", found[1]],
        cwd=tmp_path,
        env=environment(venue),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "185.12" in done.stdout
    lines = [row for row in venue.venue.log.lines if row["kind"] in ("fill", "armed")]
    assert [row["kind"] for row in lines] == ["fill", "armed"]


def test_the_shell_commands_run(venue: RunningExchange, tmp_path: Path) -> None:
    block = README.split("## From the shell")[1].split("`check` shows")[0]
    commands = [line.strip() for line in block.splitlines() if line.startswith("    surefill ")]
    assert [command.split()[1] for command in commands] == ["check", "trade", "why"]
    codes = []
    for command in commands:
        words = [sys.executable, "-m", *command.split()]
        done = subprocess.run(
            words, cwd=tmp_path, env=environment(venue), capture_output=True, text=True, timeout=60
        )
        codes.append(done.returncode)
    assert codes == [1, 0, 0]


def test_the_two_commands_and_every_link_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
