from __future__ import annotations

from surefill.journal.digest import image_digest
from surefill.journal.rows import image_rows
from tests.journal.support import chain


def test_a_trade_has_one_row_with_its_last_image() -> None:
    entries = chain(
        (b"1", {"a": (b"old", True), "b": (b"only", False)}),
        (b"2", {}),
        (b"3", {"a": (b"new", False)}),
    )
    assert image_rows(entries) == [
        ("a", 3, False, image_digest(b"new"), b"new"),
        ("b", 1, False, image_digest(b"only"), b"only"),
    ]
    assert image_rows([]) == []
