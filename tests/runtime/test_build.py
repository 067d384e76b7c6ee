from __future__ import annotations

import re
from pathlib import Path

import pytest

from surefill.runtime import build
from surefill.runtime.account import BUILD
from surefill.runtime.build import rules_build


def test_a_build_is_its_version_and_the_code_that_decides() -> None:
    assert re.fullmatch(re.escape(BUILD) + r", rules [0-9a-f]{12}", rules_build())


def test_other_code_is_another_build_and_the_same_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "DECIDING", ("one",))
    monkeypatch.setattr(build, "files", lambda _: tmp_path)
    texts = []
    (tmp_path / "notes.txt").write_text("decides nothing")
    for text in ("limit = 1\n", "limit = 2\n", "limit = 1\n"):
        (tmp_path / "rule.py").write_text(text)
        texts.append(rules_build.__wrapped__())
    assert texts[0] == texts[2] != texts[1]
    (tmp_path / "rule.py").rename(tmp_path / "other.py")
    assert rules_build.__wrapped__() != texts[0]
