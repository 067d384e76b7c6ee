"""The kinds apart from the settings that use them; `test_config` has them in use."""

from __future__ import annotations

import pytest

from surefill.setting_kinds import (
    Bad,
    Flag,
    Hidden,
    Kind,
    Number,
    PolicyList,
    Source,
    Symbols,
    Url,
)


def code_of(kind: Kind, text: str) -> str:
    with pytest.raises(Bad) as error:
        kind.check(kind.read(text))
    assert "canary" not in error.value.says
    return error.value.code


def test_a_number_is_shown_as_it_is_read() -> None:
    kind = Number(0, 10_000, 1_000, "seconds")
    assert kind.show(kind.read("1.5")) == "1.5"
    assert code_of(kind, "11") == "CONFIG_OUT_OF_RANGE"
    assert code_of(kind, "0.0001") == "CONFIG_OUT_OF_RANGE"


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        (Flag(), "perhaps", "CONFIG_NOT_A_FLAG"),
        (Symbols(), "a b$", "CONFIG_NOT_A_SYMBOL"),
        (Url(), "ftp://host", "CONFIG_NOT_A_URL"),
        (Hidden("APCA_API_SECRET_KEY"), "two words", "CONFIG_NOT_A_KEY"),
        (Source(), "slack://T0/B0/canary", "CONFIG_NOT_A_PATH"),
        (Source(), "a\x00b", "CONFIG_NOT_A_PATH"),
        (Source(), "keyring:", "CONFIG_NOT_A_PATH"),
        (PolicyList(), "TSLA:max_slippage_pct=0.1", "CONFIG_NOT_A_POLICY"),
    ],
)
def test_what_does_not_fit_is_refused_without_being_repeated(
    kind: Kind, text: str, code: str
) -> None:
    assert code_of(kind, text) == code


@pytest.mark.parametrize("text", ["", "alerts.toml", "~/alerts.toml", "keyring:desk"])
def test_a_source_is_a_file_or_a_keyring(text: str) -> None:
    kind = Source()
    kind.check(kind.read(text))
    assert kind.show(kind.read(text)) == text
