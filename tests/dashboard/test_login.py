"""The login page, its form and its cookie."""

from __future__ import annotations

import pytest

from surefill.dashboard.login import (
    TOKEN_CHARS_MAX,
    cookie_in,
    cookie_name,
    cookie_text,
    login_page,
    token_in,
)


def test_the_page_has_no_script_and_names_no_other_server() -> None:
    text = login_page().decode()
    assert "<script" not in text
    assert "http:" not in text
    assert "https:" not in text
    assert 'method="post"' in text
    assert 'role="alert"' not in text


def test_a_problem_is_text() -> None:
    assert "&lt;b&gt;" in login_page("<b>").decode()


@pytest.mark.parametrize(
    ("body", "token"),
    [
        (b"token=abc", "abc"),
        (b"token=+abc%20", "abc"),
        (b"", ""),
        (b"other=1", ""),
        (b"\xff", ""),
        (b"&".join(b"a=1" for _ in range(9)), ""),
        (b"token=" + b"a" * 999, "a" * TOKEN_CHARS_MAX),
    ],
)
def test_the_posted_token(body: bytes, token: str) -> None:
    assert token_in(body) == token


def test_a_cookie_is_for_this_server_and_for_no_script() -> None:
    name = cookie_name(8710, is_tls=False)
    assert cookie_text(name, "v", is_tls=False) == (
        "surefill-8710=v; Path=/; HttpOnly; SameSite=Strict"
    )
    safe = cookie_text(cookie_name(443, is_tls=True), "v", is_tls=True)
    assert safe.startswith("__Host-surefill-443=v")
    assert safe.endswith("; Secure")
    assert "Max-Age=0" in cookie_text(name, "", is_tls=False)


def test_a_cookie_among_others() -> None:
    header = "a=1; surefill-8710=v; surefill-8711=w"
    assert cookie_in(header, "surefill-8710") == "v"
    assert cookie_in(header, "surefill-87") == ""
    assert cookie_in("", "surefill-8710") == ""
