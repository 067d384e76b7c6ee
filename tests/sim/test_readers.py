"""Which file belongs to whom, and what a missing extra says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.readers import READERS, reader_of
from tests.support.tape_files import FORMATS


def test_every_file_has_one_owner(tmp_path: Path) -> None:
    for name, write in FORMATS.items():
        folder = tmp_path / name
        folder.mkdir()
        write(folder)
        for path in folder.iterdir():
            assert [reader.owns(path) for reader in READERS].count(True) == 1


def test_a_file_of_nobody() -> None:
    with pytest.raises(TapeError) as error:
        reader_of(Path("quotes.xlsx"))
    assert error.value.code is TapeErrorCode.TAPE_NOT_FOUND
    assert "X_nbbo.parquet" in error.value.sentence


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "surefill.sim.dbn", raising=False)
    monkeypatch.delattr("surefill.sim.dbn", raising=False)
    monkeypatch.setitem(sys.modules, "databento", None)
    path = Path("x.dbn")
    with pytest.raises(TapeError) as error:
        reader_of(path).days([path])
    assert error.value.code is TapeErrorCode.EXTRA_MISSING
    assert "surefill[databento]" in error.value.sentence
