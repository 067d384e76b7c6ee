from __future__ import annotations

import copy
import pickle
import resource

import pytest

from surefill.secret import Secret, no_core_files


def test_a_secret_shows_itself_only_when_asked_by_name() -> None:
    secret = Secret("hunter22")
    assert secret.reveal() == "hunter22"
    assert "hunter22" not in f"{secret} {secret!r}"
    for copied in (copy.copy, pickle.dumps):
        with pytest.raises(TypeError):
            copied(secret)


def test_a_secret_is_equal_to_nothing_but_its_like() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert hash(Secret("a")) == hash(Secret("b"))
    assert not Secret("")


def test_a_crash_writes_no_core_file() -> None:
    """Also not of what it starts; a person may still raise the limit up to the hard one."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        no_core_files()
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
