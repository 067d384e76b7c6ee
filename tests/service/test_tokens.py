"""Three tokens in a private file."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from surefill.service.tokens import TOKEN_PATTERN, Role, TokenError, TokenFile, token_path


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    found = TokenFile(token_path(tmp_path / "state" / "journal.db"))
    assert found.ensure()
    return found


def test_made_once_private_and_distinct(tokens: TokenFile) -> None:
    assert tokens.path.name == "journal.db.api-tokens"
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tokens.path.parent.stat().st_mode) == 0o700
    before = tokens.tokens()
    assert set(before) == set(Role)
    assert len(set(before.values())) == 3
    assert all(TOKEN_PATTERN.fullmatch(token) for token in before.values())
    assert not tokens.ensure()
    assert TokenFile(tokens.path).tokens() == before


def test_a_token_is_its_role_and_nothing_else_is(tokens: TokenFile) -> None:
    for role, token in tokens.tokens().items():
        assert tokens.role_of(token) is role
        assert tokens.role_of(token.upper()) is None
    for wrong in ("", "0" * 64, "\xff"):
        assert tokens.role_of(wrong) is None


def test_a_rotated_token_is_taken_at_once_and_the_old_one_is_worth_nothing(
    tokens: TokenFile,
) -> None:
    before = dict(tokens.tokens())
    TokenFile(tokens.path).rotate(Role.OPERATOR)
    after = tokens.tokens()
    assert tokens.role_of(before[Role.OPERATOR]) is None
    assert tokens.role_of(after[Role.OPERATOR]) is Role.OPERATOR
    assert after[Role.VIEWER] == before[Role.VIEWER]
    tokens.path.unlink()
    tokens.rotate(Role.VIEWER)
    assert set(tokens.tokens()) == set(Role)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"viewer": "a" * 64, "operator": "b" * 64}),
        json.dumps({"viewer": "a" * 64, "operator": "a" * 64, "kill-only": "c" * 64}),
        json.dumps({"viewer": "short", "operator": "b" * 64, "kill-only": "c" * 64}),
        json.dumps({"viewer": "a" * 64, "operator": "b" * 64, "root": "c" * 64}),
    ],
)
def test_a_file_without_three_tokens_is_refused(tokens: TokenFile, text: str) -> None:
    tokens.path.write_text(text)
    with pytest.raises(TokenError, match="no three tokens"):
        TokenFile(tokens.path).tokens()


def test_what_others_could_read_is_refused(tokens: TokenFile) -> None:
    tokens.path.chmod(0o640)
    with pytest.raises(TokenError, match="open to other users"):
        tokens.role_of("0" * 64)  # also when it was read before
    with pytest.raises(TokenError, match="chmod 600"):
        TokenFile(tokens.path).ensure()


def test_no_link_is_followed(tokens: TokenFile, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tokens.path)
    with pytest.raises(TokenError, match="cannot be read"):
        TokenFile(link).ensure()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TokenError, match="cannot be written"):
        TokenFile(tmp_path / "file" / "tokens").ensure()
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    os.chmod(open_to_all, 0o777)
    with pytest.raises(TokenError, match="cannot be written"):
        TokenFile(open_to_all / "tokens").ensure()
