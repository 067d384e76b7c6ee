"""Pictures of every page of the dashboard, at 1280 and 390 pixels, light and dark.

    .venv/bin/python scripts/screenshot_dashboard.py build/dashboard
    .venv/bin/python scripts/screenshot_dashboard.py build/dashboard --docs

What: an exchange, an engine and `surefill serve` in a directory of their own; a quiet account, then
one with shares that nobody covers, then a killed one; a picture of each page and of a dialog.
``--docs`` also writes the two pictures of docs/dashboard.md.
Why a script: somebody has to look at them after every change of a page.
Must never: use another account than the one it made.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
SIZES = ((1280, 800), (390, 844))
SCHEMES = ("light", "dark")
PAGES = ("/", "/trade/{open}", "/trade/{ended}", "/costs", "/refusals", "/checklist", "/system")
SETTLE_S = 1.5
PATIENCE_S = 90
START = "2026-03-02T15:00:00Z"
PLAN = {
    "symbol": "ACME",
    "side": "buy",
    "quantity": 25,
    "signal_price": "100",
    "risk": "1",
    "rr": 2,
}


class Stage:
    """An account on a local exchange, its engine and its server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.venue = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._processes: list[subprocess.Popen[bytes]] = []
        self.tokens: dict[str, str] = {}

    def open(self) -> None:
        """Start everything."""
        text = "APCA_API_KEY_ID=SHOTS\nAPCA_API_SECRET_KEY=any\nSMART_EXECUTOR_FILL_TIMEOUT=3\n"
        env = self.folder / ".env"
        env.write_text(f"{text}APCA_API_BASE_URL=http://127.0.0.1:{self.venue}\n")
        env.chmod(0o600)
        self._run("exchange", "--port", str(self.venue), "--control", "--start", START)
        wait(lambda: answers(self.venue))
        self.quote("ACME", "99.99", "100.01", size=1_000)
        self._run("run")
        wait(lambda: bool(list(self.folder.glob(".surefill/*.sock"))))
        self._run("serve", "--port", str(self.port))
        wait(lambda: answers(self.port))
        (path,) = self.folder.glob(".surefill/*.api-tokens")
        self.tokens = json.loads(path.read_text())

    def close(self) -> None:
        """End everything, the exchange last."""
        for process in reversed(self._processes):
            process.terminate()
            process.wait(timeout=30)

    def quote(self, symbol: str, bid: str, ask: str, *, size: int) -> None:
        """The market of a symbol."""
        sides = {"bid": bid, "ask": ask, "bid_size": str(size), "ask_size": str(size)}
        self.sim("nbbo", {"symbol": symbol, **sides})

    def sim(self, path: str, body: dict[str, Any]) -> None:
        """Ask the exchange's control routes."""
        send(f"http://127.0.0.1:{self.venue}/sim/{path}", body, {})

    def api(self, path: str, body: dict[str, Any], key: str = "") -> None:
        """Ask the HTTP API."""
        headers = {"Authorization": f"Bearer {self.tokens['operator']}"}
        headers |= {"Idempotency-Key": key} if key else {}
        send(f"{self.url}/v1/{path}", body, headers)

    def plan(self, key: str, **terms: object) -> None:
        """Submit a plan."""
        self.api("plans", {**PLAN, **terms}, key)

    def _run(self, *words: str) -> None:
        ours = ("APCA_", "SUREFILL_", "SMART_EXECUTOR_", "USE_SMART")
        environ = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
        with open(self.folder / f"{words[0]}.log", "wb") as log:
            command = [sys.executable, "-m", "surefill", *words]
            self._processes.append(
                subprocess.Popen(command, cwd=self.folder, env=environ, stdout=log, stderr=log)
            )


def main() -> int:
    """Draw them."""
    parser = argparse.ArgumentParser(description="pictures of every page of the dashboard")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--docs", action="store_true", help="write the documents' pictures too")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, browser() as program:
        stage = Stage(Path(place))
        try:
            stage.open()
            play_quiet(stage)
            shoot(program, stage, args.folder, name="quiet")
            play_bare(stage)
            shoot(program, stage, args.folder, name="bare", pages=("/", "/trade/bare"))
            stage.api("kill", {"why": "drill"})
            shoot(program, stage, args.folder, name="killed", pages=("/",), dialog="Un-kill")
        finally:
            stage.close()
    if args.docs:
        shutil.copy(args.folder / "quiet-screen-1280-light.png", IMAGES / "dashboard.png")
        shutil.copy(args.folder / "bare-screen-390-dark.png", IMAGES / "dashboard_phone.png")
    return 0


def play_quiet(stage: Stage) -> None:
    """Open, ended, missed and denied plans."""
    for n, symbol in enumerate(("BETA", "CORP", "DELT", "ECHO")):
        stage.quote(symbol, "49.99", f"50.0{n}", size=400)
        stage.plan(f"e{n}", symbol=symbol, signal_price="50", risk="0.5", quantity=40)
        stage.api("flatten", {"symbol": symbol, "why": "played"})
    stage.plan("open-1")
    stage.quote("PART", "20.00", "20.01", size=10)
    stage.plan("part-1", symbol="PART", signal_price="20", risk="0.2", quantity=30)
    stage.quote("AWAY", "30.40", "30.50", size=100)
    stage.plan("away-1", symbol="AWAY", signal_price="30", risk="0.3")
    stage.plan("denied-1", symbol="NONE", rr=1)


def play_bare(stage: Stage) -> None:
    """An entry fills while the broker answers nothing: no cover, and an order in doubt."""
    stage.quote("GAMM", "9.99", "10.04", size=500)
    body = {**PLAN, "symbol": "GAMM", "signal_price": "10", "risk": "0.1", "wait_s": 1}
    stage.api("plans", body, "bare")
    silent = {"params": {"status": 504, "effect": False}, "probability": 1}
    for target in ("POST /v2/orders", "GET /v2/orders:by_client_order_id", "GET /v2/orders"):
        stage.sim("faults", {"code": "N3", "target": target, **silent})
    stage.quote("GAMM", "9.99", "10.00", size=500)
    time.sleep(SETTLE_S)


@contextmanager
def browser() -> Iterator[Any]:
    """The distribution's Chromium."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu"]
        found = driver.chromium.launch(executable_path=program, args=flags)
        try:
            yield found
        finally:
            found.close()


def shoot(
    program: Any,
    stage: Stage,
    folder: Path,
    *,
    name: str,
    pages: tuple[str, ...] = PAGES,
    dialog: str = "Kill switch",
) -> None:
    """Every page at every size and scheme, and one dialog."""
    for width, height in SIZES:
        for scheme in SCHEMES:
            size = {"width": width, "height": height}
            page = program.new_context(viewport=size, color_scheme=scheme).new_page()
            end = f"{width}-{scheme}.png"
            page.goto(f"{stage.url}/login")
            page.screenshot(path=folder / f"login-{end}")
            page.fill("#token", stage.tokens["operator"])
            page.press("#token", "Enter")
            page.wait_for_selector("header")
            for path in pages:
                page.goto(stage.url + path.format(open="open-1", ended="e1"))
                page.wait_for_timeout(SETTLE_S * 1_000)
                words = path.format(open="open", ended="ended").strip("/").replace("/", "-")
                page.screenshot(path=folder / f"{name}-{words or 'now'}-{end}", full_page=True)
            page.goto(stage.url)
            page.wait_for_timeout(SETTLE_S * 1_000)
            page.screenshot(path=folder / f"{name}-screen-{end}")
            page.get_by_role("button", name=dialog).click()
            page.wait_for_timeout(600)
            page.screenshot(path=folder / f"{name}-dialog-{end}")
            page.context.close()


def send(url: str, body: dict[str, Any], headers: dict[str, str]) -> None:
    """POST JSON; an error is an error."""
    data = json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json", **headers})
    with urlopen(request, timeout=PATIENCE_S):
        pass


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait(is_done: Callable[[], bool]) -> None:
    """Until it is, or not any longer."""
    for _ in range(PATIENCE_S * 10):
        if is_done():
            return
        time.sleep(0.1)
    raise SystemExit("it did not start; look at its log")


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
