"""Key pairs and accounts: first use, wrong secrets, key files, nothing leaked."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from surefill.core.units import to_nano
from surefill.sim.alpaca.keys import (
    DEFAULT_CASH_USD,
    Credentials,
    KeyFileError,
    KeyRing,
    Owner,
    credentials_of,
    owner_of,
    read_keys,
)


@pytest.fixture
def opened() -> list[Owner]:
    return []


def test_any_pair_opens_its_own_account_once(opened: list[Owner]) -> None:
    ring = KeyRing(opened.append)
    first = ring.find(Credentials("A", "s"))
    assert first is not None
    assert first == ring.find(Credentials("A", "s"))
    second = ring.find(Credentials("B", "s"))
    assert second is not None
    assert first.account != second.account
    assert opened == ring.opened() == [first, second]
    assert first.cash_usd == DEFAULT_CASH_USD
    assert first.account.startswith("PA")
    assert ring.is_open("A")
    assert not ring.is_open("C")


def test_a_key_keeps_its_first_secret(opened: list[Owner]) -> None:
    ring = KeyRing(opened.append)
    assert ring.find(Credentials("A", "right")) is not None
    assert ring.find(Credentials("A", "wrong")) is None
    assert ring.find(None) is None


def test_an_account_may_be_opened_with_other_cash(opened: list[Owner]) -> None:
    ring = KeyRing(opened.append)
    owner = ring.open("A", to_nano(5))
    assert owner.cash_usd == to_nano(5)
    assert ring.find(Credentials("A", "s")) == owner


def test_a_key_file_names_the_only_accounts(tmp_path: Path, opened: list[Owner]) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"A": {"secret": "s", "cash": "250000.50"}, "B": {"secret": "t"}}))
    ring = KeyRing(opened.append, read_keys(path))
    owner = ring.find(Credentials("A", "s"))
    assert owner is not None
    assert owner.cash_usd == to_nano("250000.5")
    assert ring.find(Credentials("A", "t")) is None
    assert ring.find(Credentials("C", "s")) is None
    assert [item.key for item in opened] == ["A"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "object"),
        ("{}", "at least one key"),
        ('{"A": 7}', "secret"),
        ('{"A": {"secret": "s", "colour": "red"}}', "unknown fields colour"),
        ('{"A": {"secret": "s", "cash": "much"}}', "cash of 'A'"),
    ],
)
def test_a_wrong_key_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(KeyFileError, match=message):
        read_keys(path)


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot read"):
        read_keys(tmp_path / "none.json")


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def test_credentials_come_in_two_ways() -> None:
    pair = Credentials("K", "s:t")
    assert credentials_of({"apca-api-key-id": "K", "apca-api-secret-key": "s:t"}) == pair
    assert credentials_of(basic("K:s:t")) == pair
    assert credentials_of({"authorization": "Bearer token"}) == Credentials("token", "token")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"apca-api-key-id": "K"},
        {"authorization": "Bearer "},
        {"authorization": "Digest token"},
        {"authorization": "Basic %%%"},
        {"authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        basic("K"),
        basic(":s"),
    ],
)
def test_anything_else_is_no_pair(headers: dict[str, str]) -> None:
    assert credentials_of(headers) is None


def test_secrets_do_not_show(canary: str) -> None:
    assert canary not in repr(Credentials("K", canary))
    ring = KeyRing(lambda owner: None)
    ring.find(Credentials("K", canary))
    assert canary not in repr(vars(ring))
    assert owner_of("K").account_id == owner_of("K").account_id
