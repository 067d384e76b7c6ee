"""The file of a snapshot: whole or not at all, refused by code, never run."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.sim import snapshot_file
from surefill.sim.snapshot_file import (
    Record,
    SnapshotCode,
    SnapshotError,
    lines_of,
    load,
    load_lines,
    save,
)

RECORDS: list[Record] = [("order", {"qty": 1}), ("order", {"qty": 2}), ("edge", [1, None])]


def code_of(lines: list[bytes]) -> SnapshotCode:
    with pytest.raises(SnapshotError) as caught:
        list(load_lines(lines))
    return caught.value.code


def test_a_file_is_readable_lines_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.snapshot"
    save(path, RECORDS)
    assert list(load(path)) == RECORDS
    lines = path.read_text().splitlines()
    assert lines[:2] == ['{"surefill_snapshot":1}', '{"order":{"qty":1}}']
    assert json.loads(lines[-1])["end"]["lines"] == len(RECORDS) + 1
    assert os.stat(path).st_mode & 0o077 == 0, "keys of others are in it: for its owner alone"
    assert [p.name for p in tmp_path.iterdir()] == ["a.snapshot"]


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.snapshot"
    save(path, RECORDS)

    def broken() -> Iterator[Record]:
        yield RECORDS[0]
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        save(path, broken())
    assert list(load(path)) == RECORDS
    assert [p.name for p in tmp_path.iterdir()] == ["a.snapshot"]


def test_paths_that_cannot_be_used_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"SNAPSHOT_UNWRITABLE: cannot write .*No such file"):
        save(tmp_path / "no" / "a", RECORDS)
    with pytest.raises(SnapshotError, match="SNAPSHOT_UNREADABLE"):
        list(load(tmp_path / "a"))
    with pytest.raises(SnapshotError, match="SNAPSHOT_UNREADABLE"):
        list(load(tmp_path))


def test_other_files_are_refused_and_nothing_of_them_runs(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(marker),)

    path = tmp_path / "trap"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(SnapshotError) as caught:
        list(load(path))
    assert caught.value.code is SnapshotCode.SNAPSHOT_FOREIGN
    assert not marker.exists()
    for first in (b"", b"[1]\n", b"{}\n", b'{"a":1}\n', b"\xff\n", b"[" * 200_000):
        assert code_of([first]) is SnapshotCode.SNAPSHOT_FOREIGN


@pytest.mark.parametrize("version", ["2", '"1"', "true", "null", "0"])
def test_other_versions_are_refused_by_number(version: str) -> None:
    lines = [b'{"surefill_snapshot":%s}\n' % version.encode(), b"{}\n"]
    assert code_of(lines) is SnapshotCode.SNAPSHOT_VERSION


def test_damage_is_found_before_a_record_is_handed_out() -> None:
    lines = list(lines_of(RECORDS))
    assert list(load_lines(lines)) == RECORDS
    for cut in range(1, len(lines)):
        assert code_of(lines[:cut]) is SnapshotCode.SNAPSHOT_DAMAGED
    for number in range(1, len(lines)):
        changed = list(lines)
        changed[number] = lines[number].replace(b'"', b'"x', 1)
        assert code_of(changed) is SnapshotCode.SNAPSHOT_DAMAGED
    assert code_of([*lines, b"{}\n"]) is SnapshotCode.SNAPSHOT_DAMAGED
    assert code_of([lines[0], lines[2], lines[1], *lines[3:]]) is SnapshotCode.SNAPSHOT_DAMAGED


def test_a_record_has_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_file, "_check", lambda lines: None)
    assert code_of([b"{}\n", b'{"a":1,"b":2}\n']) is SnapshotCode.SNAPSHOT_DAMAGED
    assert code_of([b"{}\n", b"[]\n"]) is SnapshotCode.SNAPSHOT_DAMAGED


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    save(path, RECORDS)
    monkeypatch.setattr(snapshot_file, "LINE_BYTES_MAX", 20)
    with pytest.raises(SnapshotError, match="too long"):
        list(load(path))
