"""Real processes, a real webhook server: what arrives, what is killed, what nobody sees."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from surefill.alerts.letter import Letter
from surefill.alerts.post import Post
from surefill.secret import Secret
from tests.support.exchange_server import wait_until
from tests.support.hooks import Webhook

LETTER = Letter("Surefill: test", "it works", "info")


def test_a_message_arrives_and_its_address_is_in_no_list_of_processes(
    canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APCA_API_SECRET_KEY", "none of its business")
    with Webhook() as hook:
        hook.gate.clear()
        post = Post(Secret(hook.url(canary)))
        codes: list[str] = []
        thread = threading.Thread(target=lambda: codes.append(post.send(LETTER)))
        thread.start()
        wait_until(lambda: post._process is not None)
        process = post._process
        assert process is not None
        shown = Path(f"/proc/{process.pid}")
        if shown.exists():
            assert canary.encode() not in (shown / "cmdline").read_bytes()
            assert b"APCA" not in (shown / "environ").read_bytes()
        hook.gate.set()
        thread.join()
        assert codes == ["SENT"]
        assert hook.texts == ["Surefill: test\nit works"]


def test_what_hangs_is_killed_and_what_is_ended_sends_no_more() -> None:
    with Webhook() as hook:
        hook.gate.clear()
        post = Post(Secret(hook.url()), send_s=0.2)
        assert post.send(LETTER) == "HANGS"
        assert post._process is not None
        assert post._process.returncode is not None
        post.end()
        assert post.send(LETTER) == "CRASHED"


def test_ending_kills_what_is_being_sent() -> None:
    with Webhook() as hook:
        hook.gate.clear()
        post = Post(Secret(hook.url()))
        codes: list[str] = []
        thread = threading.Thread(target=lambda: codes.append(post.send(LETTER)))
        thread.start()
        wait_until(lambda: post._process is not None)
        post.end()
        thread.join()
        assert codes == ["CRASHED"]
        assert hook.got == []


def test_a_machine_that_starts_no_process_is_a_channel_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert Post(Secret("json://127.0.0.1/x")).send(LETTER) == "CRASHED"
