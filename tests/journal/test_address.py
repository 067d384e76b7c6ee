from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from surefill.journal.address import address_of, is_address, without_password

PASSWORD = "s3cr%65t/:pw"


def test_an_address_is_read_and_shown_without_its_password() -> None:
    found = address_of("postgres://ann:s3cr%2565t%2F%3Apw@db.example:6432/trading?sslmode=require")
    assert found.parameters() == {
        "user": "ann",
        "password": PASSWORD,
        "host": "db.example",
        "port": "6432",
        "dbname": "trading",
        "sslmode": "require",
    }
    assert str(found) == "postgresql://ann@db.example:6432/trading?sslmode=require"
    assert "s3cr" not in repr(found)


def test_what_is_missing_is_left_to_the_driver() -> None:
    found = address_of("postgresql:///trading?host=/run/postgresql")
    assert found.parameters() == {"dbname": "trading", "host": "/run/postgresql"}
    assert str(found) == "postgresql:///trading?host=/run/postgresql"
    assert str(address_of("postgresql://db/x")) == "postgresql://db/x"


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("postgresql://db/x", "require"),
        ("postgresql://db/x?sslmode=verify-full", "verify-full"),
        ("postgresql://localhost/x", None),
        ("postgresql://[::1]/x", None),
        ("postgresql:///x?host=/run/postgresql", None),
    ],
)
def test_the_way_to_another_machine_is_encrypted(text: str, mode: str | None) -> None:
    assert address_of(text).parameters().get("sslmode") == mode


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("postgresql://db", "is not an address"),
        ("postgresql:///x", "is not an address"),
        ("postgresql:x", "is not an address"),
        ("postgresql+psycopg://db/x", "is not an address"),
        ("postgresql://db:port/x", "is not an address"),
        ("postgresql://[db/x", "is not an address"),
        ("postgresql://db/x?sslmode", "is not an address"),
        ("postgresql://db/x/y", "holds characters"),
        ("postgresql://db/x#y", "holds characters"),
        ("postgresql://db/x\x07", "holds characters"),
        ("postgresql://db/x?options=-c%20fsync%3Doff", "has an option"),
        ("postgresql://db/x?password=hunter22", "has an option"),
    ],
)
def test_what_is_no_address_is_refused_without_showing_it(text: str, says: str) -> None:
    with pytest.raises(ValueError) as error:
        address_of(text)
    assert str(error.value).startswith(says)
    assert "hunter22" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("postgresql://db/x", True),
        ("Postgres://db/x", True),
        ("postgresql:x", True),
        (".surefill/postgres.db", False),
        ("postgres", False),
    ],
)
def test_a_path_is_no_address(text: str, meant: bool) -> None:
    assert is_address(text) is meant


@given(st.text("abc:/?#%@& =", max_size=12))
@example("a@b:c")
def test_no_text_shows_a_password(filling: str) -> None:
    shown = without_password(f"cannot use postgresql://ann:{filling}hunter22@db/x?x=1")
    assert " " in filling or "hunter22" not in shown
    assert without_password("host=x&password=hunter22&y=1") == "host=x&password=***&y=1"
