from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.journal import digest
from surefill.journal.digest import EMPTY_HEAD, checked_head, image_digest, link
from surefill.ports import JournalError
from tests.journal.support import chain


def test_each_digest_hangs_on_all_before_it() -> None:
    first = link("", b"one")
    assert len(first) == 64
    assert link(first, b"two") != link(link("", b"eno"), b"two")
    assert link(first, b"two") == link(first, b"two")


def test_digests_are_the_same_everywhere() -> None:
    # Pinned: a change here makes every stored journal unreadable.
    assert link("", b"record") == (
        "e000f7d3a9c9b1e411c9f0d5159e9c0279c6f4e83033a2d107da38179a86d516"
    )
    assert image_digest(b"image") == "0595012e5c1ecf3fdf06b420753e41bc"


def test_a_record_is_not_its_image() -> None:
    assert not link("", b"x").startswith(image_digest(b"x"))


def test_the_head_moves_to_the_last_entry() -> None:
    entries = chain((b"1", {}), (b"2", {}))
    assert checked_head(EMPTY_HEAD, entries) == (2, entries[1].digest)
    assert checked_head((1, entries[0].digest), entries[1:]) == (2, entries[1].digest)
    assert checked_head((7, "x"), []) == (7, "x")


def test_a_batch_of_another_chain_is_refused() -> None:
    with pytest.raises(JournalError) as refusal:
        checked_head((1, link("", b"other")), chain((b"1", {}), (b"2", {}))[1:])
    assert refusal.value.code == "JOURNAL_CORRUPT"


@pytest.mark.parametrize("flaw", ["gap", "link", "flag", "size"])
def test_a_flawed_batch_is_refused(flaw: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "RECORD_BYTES_MAX", 10)
    entries = chain((b"1", {"t": (b"", True)}), (b"2", {}))
    flawed = {
        "gap": entries[1:],
        "link": [replace(entries[0], record=b"other")],
        "flag": [replace(entries[0], is_open={"u": True})],
        "size": chain((b"x" * 11, {})),
    }[flaw]
    with pytest.raises(JournalError, match="nothing was written") as refusal:
        checked_head(EMPTY_HEAD, flawed)
    assert refusal.value.code == "JOURNAL_CORRUPT"
