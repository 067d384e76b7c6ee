from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from surefill.journal import files
from surefill.journal.files import (
    ProcessLock,
    check_private,
    held_by,
    lock_beside,
    place_of,
    prepare,
    private_folder,
    this_process,
)
from surefill.ports import JournalError, JournalHeld


def write(draft: Path) -> None:
    draft.write_bytes(b"new")


def refusal_of(path: Path) -> str:
    with pytest.raises(JournalError) as refusal:
        prepare(path, write)
    assert refusal.value.code == "JOURNAL_UNWRITABLE"
    return str(refusal.value)


def test_a_new_file_is_private_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "journal.db"
    prepare(path, write)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_exists_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    prepare(path, write)
    path.write_bytes(b"old")
    prepare(path, write)
    assert path.read_bytes() == b"old"


def test_a_draft_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    draft = tmp_path / f"journal.db.new-{os.getpid()}"
    draft.write_bytes(b"half")
    prepare(path, write)
    assert path.read_bytes() == b"new"
    assert not draft.exists()


def test_the_first_of_two_creators_wins(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    def lose(draft: Path) -> None:
        draft.write_bytes(b"mine")
        path.write_bytes(b"theirs")
        path.chmod(0o600)

    prepare(path, lose)
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_creation_leaves_nothing(tmp_path: Path) -> None:
    def fail(draft: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(JournalError) as refusal:
        prepare(tmp_path / "journal.db", fail)
    assert "No space left on device" in str(refusal.value)
    assert "free space" in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_links_are_refused(tmp_path: Path) -> None:
    real = tmp_path / "real"
    prepare(real / "journal.db", write)
    (tmp_path / "link.db").symlink_to(real / "journal.db")
    (tmp_path / "dangling.db").symlink_to(tmp_path / "nowhere")
    (tmp_path / "dir").symlink_to(real)
    for path in (tmp_path / "link.db", tmp_path / "dangling.db", tmp_path / "dir" / "journal.db"):
        assert "symbolic link" in refusal_of(path)
    assert not (tmp_path / "nowhere").exists()


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    assert "not a plain file" in refusal_of(tmp_path / "journal.db")


def test_files_open_to_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    prepare(path, write)
    path.chmod(0o640)
    assert f"chmod 600 {path}" in refusal_of(path)
    path.chmod(0o600)
    tmp_path.chmod(0o770)
    assert f"chmod 700 {tmp_path}" in refusal_of(path)
    tmp_path.chmod(0o755)  # readable is fine: the file itself is private
    prepare(path, write)


def test_files_of_somebody_else_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    prepare(path, write)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert f"belongs to user id {owner}" in refusal_of(path)


def test_a_missing_file_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        check_private(tmp_path / "none", lambda mode: True, forbidden=0)


def test_the_lock_names_its_owner(tmp_path: Path) -> None:
    first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    first.take("engine A")
    os.utime(tmp_path / "lock", (1_700_000_000, 1_700_000_000))
    with pytest.raises(JournalHeld) as held:
        second.take("engine B")
    assert str(held.value) == (
        f"JOURNAL_HELD: the journal is held by engine A (process {os.getpid()} on "
        f"{os.uname().nodename}) since 2023-11-14 22:13:20 UTC; "
        "stop that process, or use it instead of a second one"
    )
    first.release()
    first.release()
    second.take("engine B")
    with pytest.raises(JournalHeld, match="engine B"):
        first.take("engine A")
    second.release()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="abstract socket names")
def test_one_account_is_claimed_once_whatever_the_file(tmp_path: Path) -> None:
    account = f"test-{os.getpid()}"
    first = ProcessLock(tmp_path / "a.lock", account=account)
    second = ProcessLock(tmp_path / "b.lock", account=account)
    first.take("engine A")
    with pytest.raises(JournalHeld, match="with another journal"):
        second.take("engine B")
    assert held_by(tmp_path / "b.lock") is None
    other = ProcessLock(tmp_path / "c.lock", account=f"{account}-other")
    other.take("engine C")
    other.release()
    first.release()
    second.take("engine B")
    second.release()


def test_a_claim_that_the_system_refuses_frees_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def __init__(self, *_: object) -> None: ...

        def bind(self, name: str) -> None:
            raise PermissionError(1, "not allowed")

        def close(self) -> None: ...

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("surefill.journal.files.socket.socket", Refusing)
    with pytest.raises(JournalError, match="cannot claim the account"):
        ProcessLock(tmp_path / "lock", account="one").take("engine A")
    assert held_by(tmp_path / "lock") is None


def test_other_systems_have_the_lock_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    locks = [ProcessLock(tmp_path / name, account="one") for name in ("a", "b")]
    for lock in locks:
        lock.take("engine")
    for lock in locks:
        lock.release()


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff"])
def test_an_owner_that_has_not_signed_yet(tmp_path: Path, text: bytes) -> None:
    first = ProcessLock(tmp_path / "lock")
    first.take("engine A")
    (tmp_path / "lock").write_bytes(text)
    with pytest.raises(JournalHeld, match="only just started"):
        ProcessLock(tmp_path / "lock").take("engine B")
    first.release()


def test_a_linked_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError) as refusal:
        ProcessLock(tmp_path / "lock").take("engine")
    assert refusal.value.code == "JOURNAL_UNWRITABLE"
    assert not (tmp_path / "elsewhere").exists()


def test_who_holds_a_lock_is_seen_without_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db.lock"
    assert held_by(path) is None
    lock = ProcessLock(path)
    lock.take("an engine")
    text = held_by(path)
    assert text is not None
    assert text.startswith(f"an engine (process {os.getpid()} on ")
    lock.release()
    assert held_by(path) is None
    lock.take("the next one")
    lock.release()


def test_a_lock_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.db.lock"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match="cannot be used"):
        held_by(path)


def test_a_place_is_the_sidecar_and_the_kernel_that_locks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one.lock", tmp_path / "two.lock"
    one.touch()
    two.touch()
    assert place_of(one) == place_of(one) == ProcessLock(one).place
    assert place_of(one) != place_of(two)
    assert place_of(tmp_path / "none") == ""
    monkeypatch.setattr(files, "BOOT_ID", tmp_path / "another system")
    assert place_of(one) == ""
    assert this_process("engine") == f"engine (process {os.getpid()} on {os.uname().nodename})"


def test_a_folder_is_made_private_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal.db"
    private_folder(path)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert lock_beside(path).name == "journal.db.lock"
    path.write_bytes(b"")
    with pytest.raises(JournalError) as refusal:
        private_folder(path / "below")
    assert refusal.value.code == "JOURNAL_UNWRITABLE"
    path.parent.chmod(0o722)
    with pytest.raises(JournalError):
        private_folder(path)
