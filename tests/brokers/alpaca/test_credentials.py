"""Keys cannot be printed by accident."""

from __future__ import annotations

import pickle

import pytest

from surefill.brokers.alpaca.credentials import Credentials, redacted

KEY, SECRET = "PKABCDEFGH123456", "s3cr3t-of-forty-characters"


def test_no_half_of_the_pair_is_ever_shown() -> None:
    keys = Credentials(key_id=KEY, secret=SECRET)
    for text in (repr(keys), str(keys), f"{keys}", f"{[keys]}"):
        assert KEY not in text
        assert SECRET not in text
    with pytest.raises(TypeError):
        pickle.dumps(keys)
    with pytest.raises(AttributeError):
        keys.__dict__  # noqa: B018


def test_headers_and_logins_carry_the_pair() -> None:
    keys = Credentials(key_id=KEY, secret=SECRET)
    assert keys.headers() == {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
    older, newer = keys.order_stream_logins()
    assert older == {"action": "authenticate", "data": {"key_id": KEY, "secret_key": SECRET}}
    assert newer == {"action": "auth", "key": KEY, "secret": SECRET}
    assert keys.market_stream_login() == newer


def test_a_header_dump_is_redacted() -> None:
    keys = Credentials(key_id=KEY, secret=SECRET)
    dump = redacted(keys.headers() | {"Accept": "*/*", "Cookie": "a=b", "authorization": "c"})
    assert KEY not in str(dump)
    assert SECRET not in str(dump)
    assert dump["Accept"] == "*/*"
    assert dump["Cookie"] == dump["authorization"] == "***"


@pytest.mark.parametrize("bad", ["", "with space", "new\nline", "schlüssel"])
def test_what_no_key_looks_like_is_refused_without_being_shown(bad: str) -> None:
    for pair in ((bad, SECRET), (KEY, bad)):
        with pytest.raises(ValueError) as caught:
            Credentials(key_id=pair[0], secret=pair[1])
        assert not bad or bad not in str(caught.value)
