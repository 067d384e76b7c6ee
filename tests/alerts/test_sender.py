"""The child process's work, in this process, with the real library and real servers."""

from __future__ import annotations

import pytest

from surefill.alerts.sender import code_of, send
from tests.support.hooks import MailServer, Webhook

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""One of the library's many plugins; only this test and the child process load them."""


def job(url: str) -> dict[str, str]:
    return {"url": url, "title": "Surefill: test", "body": "a\n  b", "kind": "failure"}


def test_a_webhook_and_a_mail_server_get_the_message_as_it_is() -> None:
    with Webhook() as hook, MailServer() as mail:
        assert send(job(hook.url())) == "SENT"
        assert send(job(mail.url())) == "SENT"
    assert (hook.got[0]["title"], hook.got[0]["message"]) == ("Surefill: test", "a\n  b")
    assert hook.got[0]["type"] == "failure"
    assert mail.mails[0].replace("\r", "").splitlines() == ["Surefill: test", "a", "  b"]


def test_an_answer_that_is_no_success_is_a_code_and_nothing_else(canary: str) -> None:
    with Webhook() as hook:
        hook.status = 404
        assert send(job(hook.url(canary))) == "HTTP_404"
        assert hook.paths == [f"/hook/{canary}"]
        gone = hook.url(canary)
    assert send(job(gone)) == "UNREACHABLE"


def test_an_address_that_the_library_does_not_know(canary: str) -> None:
    assert send(job(f"pigeon://{canary}")) == "ADDRESS_INVALID"


@pytest.mark.parametrize(
    ("heard", "code"),
    [
        (["Failed to send Slack notification: Unauthorized, error=401."], "HTTP_401"),
        (["A Connection error occurred sending JSON notification to h."], "UNREACHABLE"),
        (["SMTP Authentication failed"], "LOGIN_REFUSED"),
        (["something else about canary"], "REFUSED"),
        ([], "REFUSED"),
    ],
)
def test_the_librarys_words_become_a_closed_list(heard: list[str], code: str) -> None:
    assert code_of(heard) == code


def test_without_the_library_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    assert send(job("json://127.0.0.1/x")) == "LIBRARY_MISSING"
