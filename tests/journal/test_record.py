from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefill.core.commands import Announce, Milestone, QueryPositions
from surefill.core.events import Instrument, InstrumentRead, MarketUpdated, TimePassed
from surefill.core.fix import Feed
from surefill.core.market import MarketView, Nbbo
from surefill.journal.digest import image_digest, link
from surefill.journal.memory import MemoryJournal
from surefill.journal.record import Record
from surefill.ports import JournalError
from tests.journal.support import HALF_CENT_TICKS

VIEW = MarketView("CRWD", Feed.SIP, Nbbo(1, 2, 3, 4, 5, 6))
RECORD = Record(
    seq=1,
    now_ns=17,
    token=3,
    event=MarketUpdated(VIEW),
    views=(VIEW,),
    commands=(QueryPositions(), Announce("t1", Milestone.SETTLED)),
    images=(("t1", image_digest(b"image")),),
)


def test_a_record_is_readable_text() -> None:
    assert Record.from_bytes(RECORD.to_bytes()) == RECORD
    assert RECORD.to_bytes().startswith(
        b'{"$":"Record","seq":1,"now_ns":17,"token":3,"event":{"$":"MarketUpdated","view":'
    )


def test_an_instrument_in_a_record_keeps_its_ticks() -> None:
    instrument = Instrument("CRWD", True, True, True, HALF_CENT_TICKS)
    record = replace(RECORD, event=InstrumentRead(instrument, 5))
    assert Record.from_bytes(record.to_bytes()) == record


@given(record=st.from_type(Record))
def test_every_record_survives(record: Any) -> None:
    assert Record.from_bytes(record.to_bytes()) == record


def test_damage_is_named() -> None:
    with pytest.raises(JournalError, match=r"Record\.token: expected int, found 'x'"):
        Record.from_bytes(RECORD.to_bytes().replace(b'"token":3', b'"token":"x"'))


def test_an_entry_is_what_a_journal_takes() -> None:
    entry = RECORD.entry("", {"t1": b"image"}, is_open={"t1": True})
    assert entry.digest == link("", RECORD.to_bytes())
    journal = MemoryJournal()
    token = journal.acquire("engine")
    journal.append([entry])
    second = Record(2, 18, token, TimePassed(), (), (), ()).entry(entry.digest, {}, is_open={})
    journal.append([second])
    assert journal.head() == (2, second.digest)
    assert journal.image("t1") == b"image"
    assert [Record.from_bytes(kept.record).seq for kept in journal.records()] == [1, 2]


@pytest.mark.parametrize("images", [{}, {"t1": b"other"}, {"t1": b"image", "t2": b""}])
def test_a_record_names_the_images_it_left(images: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="other images"):
        RECORD.entry("", images, is_open=dict.fromkeys(images, True))
