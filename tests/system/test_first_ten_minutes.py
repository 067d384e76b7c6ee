"""The newcomer's page to the letter: clone to cover, watch, kill -9, recovery, the cost report.

Judged by the venue's own log; what the page shows under its boxes has to be what was printed.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.pages import DOCS, Reader, boxes_of

pytestmark = pytest.mark.slow

PAGE = "first_ten_minutes.md"
SHARE = 1_000_000_000


def shown() -> list[str]:
    """Lines that the page says were printed: its indented blocks."""
    text = re.sub(r"```.*?```", "", (DOCS / PAGE).read_text(encoding="utf-8"), flags=re.DOTALL)
    return [squeezed(line) for line in text.splitlines() if line.startswith("    ")]


def squeezed(text: str) -> str:
    """One blank between words: columns are as wide as what is in them."""
    return " ".join(text.split())


def fetched(port: str, path: str) -> str:
    """What a browser without a token gets there, after one redirection."""
    text = ""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    try:
        for _ in range(2):
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode()
            path = answer.headers.get("location", path)
    finally:
        connection.close()
    return text


def truth(port: str) -> list[dict[str, Any]]:
    """The exchange's log."""
    return [json.loads(line) for line in fetched(port, "/sim/log?after=0").splitlines()]


def test_a_newcomer_gets_there_in_ten_minutes(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    *boxes, end = boxes_of(PAGE)
    with Reader(tmp_path) as reader:
        printed = squeezed("\n".join(reader.does(box) for box in boxes))
        log = truth(reader.port)
        page = fetched(reader.api_port, "/")
        printed += squeezed(reader.does(end))
    assert [line for line in shown() if line not in printed] == []
    entries = [row for row in log if row["kind"] == "accept" and "-E" in row["cl_ord_id"]]
    assert [row["symbol"] for row in entries] == ["ACME", "BETA"]
    bought = {row["symbol"]: int(row["qty"]) for row in log if row["kind"] == "fill"}
    assert bought == {"ACME": 25 * SHARE, "BETA": 100 * SHARE}
    assert [row["symbol"] for row in log if row["kind"] == "armed"] == ["ACME", "BETA"]
    assert "FLAT" in printed
    assert "operator" in printed
    assert "Surefill" in page
    assert "Dashboard and HTTP API on" in printed
