"""``surefill serve``: arguments, tokens, and the process itself."""

from __future__ import annotations

import json
import os
import signal
import stat
from pathlib import Path

import pytest

from surefill.cli import serve
from surefill.cli.serve import is_loopback
from surefill.service.server import listen
from surefill.service.tokens import Role, TokenFile
from tests.support.api_server import ApiProcess
from tests.support.counter import Counter


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--port", "70000"], "expected 0 to 65535"),
        (["--host", "0.0.0.0"], "add --allow-remote"),
        (["--host", "0.0.0.0", "--allow-remote"], "give --tls-cert and --tls-key"),
        (["--tls-cert", "c.pem"], "belong together"),
        (
            ["--host", "::", "--allow-remote", "--tls-cert", "c", "--tls-key", "k"],
            "by which --name",
        ),
        (["--port", "0", "--tls-cert", "c", "--tls-key", "k"], "the certificate cannot be used"),
    ],
)
def test_what_would_be_open_to_others_is_refused(
    counter: Counter, words: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "nice", lambda _: 0)
    handlers = list(serve.logger.handlers)
    code, out, err = counter.run("serve", *words)
    assert (code, out) == (2, "")
    assert says in err
    assert serve.logger.handlers == handlers, "it left nothing behind that writes to our screen"


def test_rotation_makes_new_tokens_and_shows_none(counter: Counter) -> None:
    assert counter.run("serve", "--rotate", "viewer")[0] == 0
    (path,) = (counter.folder / "state").glob("*.api-tokens")
    before = dict(TokenFile(path).tokens())
    code, out, err = counter.run("serve", "--rotate", "operator", "--rotate", "viewer")
    after = dict(TokenFile(path).tokens())
    assert (code, out) == (0, "")
    changed = {role for role in Role if before[role] != after[role]}
    assert changed == {Role.OPERATOR, Role.VIEWER}
    assert not any(token in err for token in after.values())
    counter.run("serve", "--rotate", "all")
    assert not set(after.values()) & set(TokenFile(path).tokens().values())


def test_tokens_that_others_could_read_are_not_used(counter: Counter) -> None:
    counter.run("serve", "--rotate", "all")
    (path,) = (counter.folder / "state").glob("*.api-tokens")
    path.chmod(0o644)
    code, _, err = counter.run("serve", "--port", "0")
    assert (code, "open to other users" in err) == (3, True)


def test_a_taken_port_is_a_sentence(counter: Counter) -> None:
    with listen("127.0.0.1", 0) as bound:
        code, _, err = counter.run("serve", "--port", str(bound.getsockname()[1]))
    assert (code, "choose another" in err) == (3, True)


def test_settings_that_are_wrong_are_said(counter: Counter) -> None:
    counter.use(SUREFILL_NONSENSE="1")
    assert counter.run("serve")[0] == 2


def test_the_process_is_private_polite_and_ends_in_order(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("APCA_API_KEY_ID=SERVE\nAPCA_API_SECRET_KEY=any\n")
    (tmp_path / ".env").chmod(0o600)
    with ApiProcess(tmp_path, "--tape", str(tmp_path)) as api:
        assert stat.S_IMODE(api.tokens.path.stat().st_mode) == 0o600
        assert os.getpriority(os.PRIO_PROCESS, api.process.pid) > os.getpriority(
            os.PRIO_PROCESS, os.getpid()
        )
        status, body, _ = api.call("GET", "/v1/trades", role="viewer")
        assert (status, body["code"]) == (503, "JOURNAL_MISSING")
        tokens = json.loads(api.tokens.path.read_text()).values()
        api.process.send_signal(signal.SIGTERM)
        assert api.process.wait(timeout=20) == 0
        assert not any(token in api.said() for token in tokens)


def test_without_pages_it_is_the_api_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("APCA_API_KEY_ID=SERVE\nAPCA_API_SECRET_KEY=any\n")
    (tmp_path / ".env").chmod(0o600)
    with ApiProcess(tmp_path, "--no-dashboard") as api:
        status, body, _ = api.call("GET", "/login", role=None)
        assert (status, body["code"]) == (401, "TOKEN_MISSING")
    monkeypatch.setattr(serve, "find_spec", lambda _: None)
    assert not serve._has_library()
    assert "pip install 'surefill[dashboard]'" in capsys.readouterr().err


def test_loopback() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.9.9.9", "::1")] == [True] * 3
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "desk", "10.0.0.1")] == [False] * 4
