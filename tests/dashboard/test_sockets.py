"""A socket works with pages of its own session; the real library's messages, by hand."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from surefill.dashboard.gate import SESSION
from surefill.dashboard.sockets import KNOWN, Handler, bind

PAGES = {"hers": {SESSION: "ann"}, "his": {SESSION: "bob"}}


class Library:
    """Its server: what passed is told."""

    def __init__(self, *more: str) -> None:
        self.told: list[tuple[str, object]] = []
        self.handlers: dict[str, dict[str, Handler]] = {"/": {}}
        for name in (*KNOWN, *more):
            self.handlers["/"][name] = self._told(name)

    def _told(self, name: str) -> Handler:
        def plain(_: str, message: object) -> bool:
            self.told.append((name, message))
            return True

        async def waiting(sid: str, message: object) -> bool:
            return plain(sid, message)

        return waiting if name in ("connect", "handshake") else plain

    def get_environ(self, sid: str) -> Any:
        return {"asgi.scope": {SESSION: sid.partition("-")[0]}}

    async def says(self, sid: str, name: str, message: object) -> object:
        """A browser does."""
        return await self.handlers["/"][name](sid, message)


@pytest.fixture
def library() -> Library:
    found = Library()
    bind(found, PAGES.get)
    return found


@pytest.mark.parametrize("name", ["handshake", "event", "javascript_response", "ack"])
async def test_a_message_reaches_a_page_of_its_own_session_alone(
    library: Library, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    hers: dict[str, object] = {"client_id": "hers", "listener_id": "x"}
    with caplog.at_level(logging.WARNING):
        assert await library.says("bob-1", name, hers) is False
    assert (library.told, len(caplog.records)) == ([], 1)
    assert "hers" not in caplog.text
    assert await library.says("ann-1", name, hers) is True
    assert library.told == [(name, hers)]


@pytest.mark.parametrize("message", [{}, {"client_id": "gone"}, {"client_id": 5}, ["hers"], None])
async def test_a_message_to_no_page_goes_nowhere(library: Library, message: object) -> None:
    assert await library.says("ann-1", "event", message) is False
    assert library.told == []


@pytest.mark.parametrize(
    ("query", "is_let_in"),
    [
        ("client_id=hers", True),
        ("client_id=gone", True),  # the library says so itself, and the page loads again
        ("", True),
        ("client_id=his", False),
        ("client_id=hers&client_id=his", False),
        ("client_id=his&client_id=hers", False),
    ],
)
async def test_a_socket_does_not_begin_with_somebody_elses_page(
    library: Library, query: str, is_let_in: bool
) -> None:
    assert await library.says("ann-1", "connect", {"QUERY_STRING": query}) is is_let_in
    assert bool(library.told) is is_let_in


async def test_what_a_browser_wants_logged_is_not(library: Library) -> None:
    await library.says("ann-1", "log", {"client_id": "hers", "message": "\n2026 INFO forged"})
    assert library.told == []


def test_a_library_with_other_messages_is_not_let_near() -> None:
    with pytest.raises(ValueError, match="upload"):
        bind(Library("upload"), PAGES.get)
