"""The socket and the token: private, fresh, and gone when the engine is."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from surefill.control.place import ControlPlace
from surefill.runtime.errors import ErrorCode, SurefillError


@pytest.fixture
def place(tmp_path: Path) -> ControlPlace:
    return ControlPlace(tmp_path / "journal.db")


def test_only_the_owner_can_reach_socket_and_token(place: ControlPlace) -> None:
    old_mask = os.umask(0)
    try:
        with place.listen("secret") as bound:
            assert bound.family is socket.AF_UNIX
            for path in (place.socket_path, place.token_path):
                assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
            assert place.token() == "secret"
    finally:
        os.umask(old_mask)
    with place.listen("another"):  # over what a killed process left behind
        assert place.token() == "another"
    place.remove()
    place.remove()
    assert not place.socket_path.exists()
    with pytest.raises(SurefillError) as error:
        place.token()
    assert "surefill run" in error.value.sentence


def test_a_token_that_others_could_have_written_is_refused(place: ControlPlace) -> None:
    place.listen("t").close()
    place.token_path.chmod(0o640)
    with pytest.raises(SurefillError) as error:
        place.token()
    assert "open to other users" in error.value.sentence
    place.token_path.chmod(0o600)
    place.token_path.write_text("[]")
    with pytest.raises(SurefillError) as broken:
        place.token()
    assert broken.value.code is ErrorCode.CONTROL_UNREACHABLE
    elsewhere = place.token_path.with_name("elsewhere")
    place.listen("t").close()
    place.token_path.rename(elsewhere)
    place.token_path.symlink_to(elsewhere)
    with pytest.raises(SurefillError):
        place.token()  # it would be readable; nobody knows who put the link there


def test_a_long_path_is_reached_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 120)
    folder.mkdir()
    place = ControlPlace(folder / "journal.db")
    with place.listen("t"), socket.socket(socket.AF_UNIX) as other, place.address() as address:
        other.connect(address)
    assert place.socket_path.exists()


def test_a_place_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    place = ControlPlace(tmp_path / "missing" / "journal.db")
    with pytest.raises(SurefillError) as error:
        place.listen("t")
    assert error.value.code is ErrorCode.CONTROL_UNREACHABLE
    blocked = ControlPlace(tmp_path / "journal.db")
    blocked.socket_path.mkdir()
    with pytest.raises(SurefillError):
        blocked.listen("t")
