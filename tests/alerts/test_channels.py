from __future__ import annotations

from pathlib import Path

import keyring
import pytest

from surefill.alerts import channels as module
from surefill.alerts.channels import Channels, read_channels
from surefill.config import ConfigError
from surefill.tca.rules import Severity

TOKEN = "canary-token-0123456789"
GOOD = f"""
runbook = "https://desk.example/alerts.html"
[channels.desk]
url = "slack://T00000000/{TOKEN}/B0/#desk"
[channels.pager-2]
url = "tgram://{TOKEN}/12345"
least = "CRITICAL"
"""


def file_of(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "alerts.toml"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def problems_of(source: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as error:
        read_channels(source)
    assert TOKEN not in str(error.value)
    assert all(one.sentence.startswith("SUREFILL_ALERTS") for one in error.value.problems)
    return [(one.code.removeprefix("CONFIG_"), one.sentence) for one in error.value.problems]


def test_no_source_is_no_channel() -> None:
    assert read_channels("") == Channels()
    assert Channels().secrets == ()


def test_channels_with_their_routing(tmp_path: Path) -> None:
    found = read_channels(file_of(tmp_path, GOOD))
    desk, pager = found.all
    assert found.runbook == "https://desk.example/alerts.html"
    assert (desk.name, desk.least, pager.least) == ("desk", Severity.WARNING, Severity.CRITICAL)
    assert [one.takes(Severity.WARNING) for one in found.all] == [True, False]
    assert [one.takes(Severity.CRITICAL) for one in found.all] == [True, True]
    assert (desk.told, pager.told) == (
        "every alert of this account",
        "CRITICAL alerts of this account",
    )
    assert TOKEN not in repr(found)


def test_every_telling_part_of_an_address_is_a_secret(tmp_path: Path) -> None:
    url = "mailtos://desk%40mail.example:pass%20word@smtp.example?to=ann@mail.example&x=y"
    found = read_channels(file_of(tmp_path, f'[channels.mail]\nurl = "{url}"\n'))
    hidden = {secret.reveal() for secret in found.secrets}
    assert {url, "pass word", "pass%20word", "desk@mail.example", "smtp.example"} <= hidden
    local = f'[channels.hook]\nurl = "json://127.0.0.1:8000/{TOKEN}"\n'
    hidden = {secret.reveal() for secret in read_channels(file_of(tmp_path, local)).secrets}
    assert TOKEN in hidden
    assert "127.0.0.1" not in hidden


def test_the_keyring_may_keep_them(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {("desk", "SUREFILL_ALERTS"): GOOD}
    monkeypatch.setattr(keyring, "get_password", lambda *names: kept.get(names))
    assert [one.name for one in read_channels("keyring:desk").all] == ["desk", "pager-2"]
    assert problems_of("keyring:other")[0][0] == "KEYRING"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("channels = ", "FILE_LINE", "is not TOML (end of document)"),
        (f"a = {TOKEN}\nb = 1", "FILE_LINE", "is not TOML (line 1, column 5)"),
        ("", "CHANNELS", "1 to 8 tables"),
        ("channels = 3", "CHANNELS", "1 to 8 tables"),
        (GOOD + f"{TOKEN} = 1", "UNKNOWN_NAME", "takes url and least"),
        (f"surplus = '{TOKEN}'\n" + GOOD, "UNKNOWN_NAME", "takes runbook and channels"),
        (GOOD.replace("https://desk", "a page "), "NOT_A_URL", "runbook is not"),
        ("channels.desk = 1", "CHANNELS", "[channels.desk] is not a table"),
        (f"[channels.{TOKEN.upper()}]\nurl = 'slack://a/b/c'", "CHANNELS", "is no name like"),
        (f"[channels.a]\nurl = '{TOKEN}'", "NOT_A_URL", "url is not an address"),
        ("[channels.a]\nleast = 'WARNING'", "NOT_A_URL", "url is not an address"),
        (GOOD.replace("CRITICAL", "ERROR"), "NOT_A_CHOICE", "least is WARNING"),
        (f"[channels.a]\nurl = 'json://h.example/{TOKEN}'", "NOT_A_URL", "use jsons://"),
        (f"[channels.a]\nurl = 'json://[{TOKEN}/'", "NOT_A_URL", "use jsons://"),
    ],
)
def test_what_is_wrong_is_said_without_a_key(
    tmp_path: Path, text: str, code: str, says: str
) -> None:
    ((found, sentence),) = problems_of(file_of(tmp_path, text))
    assert found == code
    assert says in sentence


def test_every_problem_is_listed_at_once(tmp_path: Path) -> None:
    rows = "".join(f"[channels.c{n}]\nurl = 1\nlest = 'x'\n" for n in range(2))
    assert len(problems_of(file_of(tmp_path, rows))) == 4


def test_a_file_that_others_can_read_or_nobody_is_refused(tmp_path: Path) -> None:
    assert problems_of(file_of(tmp_path, GOOD, 0o640))[0][0] == "FILE_MODE"
    assert problems_of(str(tmp_path / "none.toml"))[0][0] == "FILE_UNREADABLE"
    (tmp_path / "bytes").write_bytes(b"\xff")
    assert problems_of(str(tmp_path / "bytes"))[0][0] == "FILE_UNREADABLE"
    assert problems_of(file_of(tmp_path, "#" * 70_000))[0][0] == "FILE_UNREADABLE"


def test_without_the_library_it_says_which_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert problems_of(file_of(tmp_path, GOOD)) == [
        ("EXTRA_MISSING", "SUREFILL_ALERTS needs the library: install surefill[alerts]")
    ]
