"""The tables as Markdown."""

from __future__ import annotations

from pathlib import Path

from surefill.replay.summary import write_summary
from tests.replay.test_plots import PATHS


def test_a_summary_has_every_path_and_whole_tables(tmp_path: Path) -> None:
    text = write_summary(tmp_path / "s.md", "A run", PATHS).read_text(encoding="utf-8")
    assert text.startswith("# A run\n")
    for path in PATHS:
        assert f"\n## {path}\n" in text
    assert "| legacy | 3 |" in text
    heads = [line for line in text.splitlines() if line.startswith("|---")]
    assert len(heads) == text.count("\n### ")
    assert not list(tmp_path.glob("*.new"))
