"""The page: alone, small enough, escaped, with every trade that fits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from surefill.replay import report
from surefill.replay.report import BYTES_MAX, write_report
from surefill.replay.tracks import tracks_of
from surefill.tca.analysis import analysis_of
from surefill.tca.facts import Fate
from tests.replay.test_plots import PATHS
from tests.tca.parents import market, parent

TRACKS = tracks_of([one.parent for one in PATHS["smart"]], {"ACME": market((0, "100", "0"))})


def book_of(page: str) -> dict[str, list[dict[str, Any]]]:
    match = re.search(r"<script id=trades type=application/json>(.*?)</script>", page, re.DOTALL)
    assert match is not None
    found: dict[str, list[dict[str, Any]]] = json.loads(match.group(1))
    return found


def trades_of(page: str) -> list[dict[str, Any]]:
    return book_of(page)["trades"]


def test_a_page_opens_offline_and_is_small_enough(tmp_path: Path) -> None:
    path, left_out = write_report(tmp_path / "r.html", "A <run>", PATHS, tracks=TRACKS)
    page = path.read_text(encoding="utf-8")
    assert path.stat().st_size < BYTES_MAX
    assert left_out == 0
    assert "<h1>A &lt;run&gt;</h1>" in page
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", page)
    for name in (
        "difference",
        "slippage",
        "shortfall",
        "completion",
        "reward",
        "filling",
        "markouts",
        "tape",
    ):
        assert re.search(rf'id="?{name}"?[ >]', page), name
    assert page.count("<details>") == len(PATHS)


def test_trades_are_the_worst_first_with_their_tape(tmp_path: Path) -> None:
    path, _ = write_report(tmp_path / "r.html", "run", PATHS, tracks=TRACKS)
    book = book_of(path.read_text(encoding="utf-8"))
    trades = book["trades"]
    assert len(trades) == 7
    assert len(book["tracks"]) == 3, "paths share the tape of a plan"
    assert trades[-1]["name"].endswith("cost unknown")
    one = next(trade for trade in trades if trade["name"].endswith("a ACME buy, +2.00 bps"))
    tape = book["tracks"][one["track"]]
    assert (tape["ask"], tape["bid"]) == ([None], [100.0]), "nobody's quote is a gap"
    assert one["fills"] == [[1.0, 100.02, "100 at 100.02"]]
    assert one["closings"][0][2] == "target 100 at 104.0"
    assert "reward/risk planned 2.00, at fill 1.97" in one["about"]


def test_denied_plans_say_so_and_text_cannot_end_the_data(tmp_path: Path) -> None:
    odd = analysis_of(parent("</script>", fate=Fate.DENIED))
    path, _ = write_report(tmp_path / "r.html", "run", {"x": [odd]})
    (trade,) = trades_of(path.read_text(encoding="utf-8"))
    assert trade["about"].startswith("DENIED (ENTRY_FILLED): denied;")
    assert "</script> ACME" in trade["name"]


def test_trades_beyond_the_room_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "TRADE_BYTES_MAX", 1200)
    path, left_out = write_report(tmp_path / "r.html", "run", PATHS)
    assert left_out > 0
    page = path.read_text(encoding="utf-8")
    assert len(trades_of(page)) + left_out == 7
    assert f"{left_out} more are in the data but not in this page" in page


def test_no_trade_no_picture_book(tmp_path: Path) -> None:
    path, _ = write_report(tmp_path / "r.html", "run", {"x": []})
    assert "id=trades" not in path.read_text(encoding="utf-8")
