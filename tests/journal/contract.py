"""What every journal does. A subclass gives `reopen`: the same storage after the process ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import strategies as st

from surefill.ports import Journal, JournalEntry, JournalError, JournalHeld
from tests.journal.support import Images, chain, facts

Open = Callable[[], Journal]
"""A new journal object on this test's storage."""

TRADE_IDS = st.sampled_from(["a", "b", "c", "d\n\x00é"])
IMAGES = st.dictionaries(TRADE_IDS, st.tuples(st.binary(max_size=20), st.booleans()), max_size=3)
Batches = list[list[tuple[bytes, Images]]]
BATCHES = st.lists(st.lists(st.tuples(st.binary(max_size=40), IMAGES), max_size=4), max_size=6)


class JournalContract:
    """Mix into a test class that provides the fixture ``open_journal: Open``."""

    def test_is_a_journal(self, open_journal: Open) -> None:
        assert isinstance(open_journal(), Journal)

    def test_starts_empty(self, open_journal: Open) -> None:
        journal = open_journal()
        assert journal.head() == (0, "")
        assert list(journal.records()) == []
        assert journal.open_images() == {}
        assert list(journal.closed_ids()) == []
        assert journal.image("a") is None

    def test_keeps_records_and_last_images(self, open_journal: Open) -> None:
        journal = open_journal()
        journal.acquire("first")
        entries = chain(
            (b"one", {"a": (b"a1", True), "b": (b"b1", True)}),
            (b"two", {}),
            (b"three", {"a": (b"a3", False), "c": (b"c3", True)}),
        )
        journal.append(entries[:2])
        journal.append(entries[2:])
        journal.append([])
        journal.close()
        journal = open_journal()
        assert journal.head() == (3, entries[-1].digest)
        assert facts(list(journal.records())) == facts(entries)
        assert facts(list(journal.records(after_seq=2))) == facts(entries[2:])
        assert list(journal.records(after_seq=3)) == []
        assert list(journal.records(after_seq=9)) == []
        assert all(not entry.images and not entry.is_open for entry in journal.records())
        assert dict(journal.open_images()) == {"b": b"b1", "c": b"c3"}
        assert list(journal.closed_ids()) == ["a"]
        assert (journal.image("a"), journal.image("b")) == (b"a3", b"b1")

    def test_oldest_change_comes_first(self, open_journal: Open) -> None:
        journal = open_journal()
        journal.acquire("first")
        journal.append(
            chain((b"1", {"z": (b"", True)}), (b"2", {"b": (b"", True), "a": (b"", True)}))
        )
        assert list(journal.open_images()) == ["z", "a", "b"]

    def test_a_closed_trade_may_open_again(self, open_journal: Open) -> None:
        journal = open_journal()
        journal.acquire("first")
        journal.append(chain((b"1", {"a": (b"x", False)}), (b"late fill", {"a": (b"y", True)})))
        assert dict(journal.open_images()) == {"a": b"y"}
        assert list(journal.closed_ids()) == []

    @pytest.mark.parametrize("flaw", ["gap", "repeat", "link", "no flag", "middle", "size"])
    def test_refuses_a_flawed_batch_whole(
        self, open_journal: Open, flaw: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("surefill.journal.digest.RECORD_BYTES_MAX", 100)
        journal = open_journal()
        journal.acquire("first")
        good = chain((b"1", {}), (b"2", {}), (b"3", {"a": (b"", True)}))
        journal.append(good[:1])
        flawed: dict[str, list[JournalEntry]] = {
            "gap": [good[2]],
            "repeat": [good[0]],
            "link": [replace(good[1], record=b"other")],
            "no flag": [good[1], replace(good[2], is_open={})],
            "middle": [good[1], good[1]],
            "size": [*chain((b"x" * 101, {}), after=journal.head())],
        }
        with pytest.raises(JournalError) as refusal:
            journal.append(flawed[flaw])
        assert refusal.value.code == "JOURNAL_CORRUPT"
        assert "nothing was written" in str(refusal.value)
        assert journal.head() == (1, good[0].digest)
        journal.append(good[1:])
        assert facts(list(journal.records())) == facts(good)

    def test_the_lease_has_one_holder_and_a_rising_token(self, open_journal: Open) -> None:
        first, second = open_journal(), open_journal()
        token = first.acquire("the first engine")
        with pytest.raises(JournalHeld) as held:
            second.acquire("the second engine")
        assert held.value.code == "JOURNAL_HELD"
        assert "the first engine" in str(held.value)
        first.close()
        assert second.acquire("the second engine") > token

    def test_only_the_holder_appends(self, open_journal: Open) -> None:
        journal = open_journal()
        with pytest.raises(JournalHeld):
            journal.append(chain((b"1", {})))
        assert journal.head() == (0, "")

    def test_a_successor_goes_on_where_the_first_stopped(self, open_journal: Open) -> None:
        first, second = open_journal(), open_journal()
        first.acquire("first")
        entries = chain((b"1", {}), (b"2", {}))
        first.append(entries[:1])
        first.close()
        second.acquire("second")
        assert second.head() == (1, entries[0].digest)
        second.append(entries[1:])
        assert facts(list(second.records())) == facts(entries)

    def test_a_reader_sees_what_the_holder_wrote(self, open_journal: Open) -> None:
        holder, reader = open_journal(), open_journal()
        holder.acquire("holder")
        entries = chain((b"1", {"a": (b"x", True)}))
        holder.append(entries)
        assert reader.head() == (1, entries[0].digest)
        assert facts(list(reader.records())) == facts(entries)
        assert dict(reader.open_images()) == {"a": b"x"}

    def test_a_closed_journal_is_not_used(self, open_journal: Open) -> None:
        journal = open_journal()
        journal.acquire("first")
        journal.close()
        journal.close()
        for use in (
            lambda: journal.append(chain((b"1", {}))),
            lambda: list(journal.records()),
            lambda: journal.open_images(),
            lambda: journal.image("a"),
            lambda: list(journal.closed_ids()),
            lambda: journal.acquire("again"),
        ):
            with pytest.raises(JournalError):
                use()


def check_reopened_is_what_was_written(open_journal: Open, batches: Batches) -> None:
    """Write each batch in a session of its own, then compare everything that can be read."""
    written: list[JournalEntry] = []
    images: dict[str, tuple[bytes, bool]] = {}
    for batch in batches:
        journal = open_journal()
        journal.acquire("writer")
        entries = chain(*batch, after=journal.head())
        journal.append(entries)
        journal.close()
        written += entries
        for _, changed in batch:
            images.update(changed)
    journal = open_journal()
    assert facts(list(journal.records())) == facts(written)
    assert dict(journal.open_images()) == {
        trade_id: image for trade_id, (image, is_open) in images.items() if is_open
    }
    assert sorted(journal.closed_ids()) == sorted(
        trade_id for trade_id, (_, is_open) in images.items() if not is_open
    )
    assert {trade_id: journal.image(trade_id) for trade_id in images} == {
        trade_id: image for trade_id, (image, _) in images.items()
    }
    journal.close()
