from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from surefill.config import Settings
from surefill.runtime import env_file
from surefill.runtime.env_file import changed_text, set_line

NAME = "USE_SMART_EXECUTOR"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{NAME}=False\n"),
        ("A=1", f"A=1\n{NAME}=False\n"),
        ("A=1\r\n", f"A=1\r\n{NAME}=False\r\n"),
        (f"# c\n{NAME}=True\nB=2\n", f"# c\n{NAME}=False\nB=2\n"),
        (f"export {NAME} = 'True'  # why\r\nB=2\r\n", f"export {NAME} = False  # why\r\nB=2\r\n"),
        (f'{NAME}="yes"', f"{NAME}=False"),
        (f"{NAME}\nX=1\n", f"{NAME}=False\nX=1\n"),
        (f"\n\n{NAME}=\nX=1", f"\n\n{NAME}=False\nX=1"),
        (f"{NAME}=True#x\n{NAME}=1\n", f"{NAME}=False\n{NAME}=False\n"),
        (f"\ufeff{NAME}=1", f"\ufeff{NAME}=False"),
        (f"MY_X=1\n'{NAME}'=True\n", f"MY_X=1\n'{NAME}'=False\n"),
        ("?? no line of any kind\nA=1\n", f"?? no line of any kind\nA=1\n{NAME}=False\n"),
    ],
)
def test_one_line_changes_and_nothing_else(before: str, after: str, tmp_path: Path) -> None:
    assert changed_text(before, NAME, "False") == after
    path = tmp_path / ".env"
    path.write_bytes(after.encode())
    assert not Settings.load({}, path).use_smart_executor
    assert changed_text(after, NAME, "False") == after


def test_mode_and_content_stay_and_no_draft_is_left(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("APCA_API_KEY_ID=k\n")
    path.chmod(0o640)
    assert set_line(path, NAME, "False")
    assert path.read_text() == f"APCA_API_KEY_ID=k\n{NAME}=False\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]
    assert not set_line(path, NAME, "False")


def test_a_new_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert set_line(path, NAME, "True")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real.env", tmp_path / ".env"
    real.write_text(f"{NAME}=True\n")
    link.symlink_to(real)
    assert set_line(link, NAME, "False")
    assert link.is_symlink()
    assert real.read_text() == f"{NAME}=False\n"


def test_a_failed_replacement_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")

    def refuse(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        set_line(path, NAME, "False")
    assert path.read_text() == "A=1\n"
    assert list(tmp_path.iterdir()) == [path]


def test_the_owner_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    given: list[tuple[int, int]] = []

    def other_owner(name: Path) -> os.stat_result:
        values = list(os.stat(name))
        values[4], values[5] = 4711, 4712
        return os.stat_result(values)

    def fchown(_: int, uid: int, gid: int) -> None:
        given.append((uid, gid))

    shim = SimpleNamespace(**{**vars(os), "stat": other_owner, "fchown": fchown})
    monkeypatch.setattr(env_file, "os", shim)
    set_line(path, NAME, "False")
    assert given == [(4711, 4712)]
