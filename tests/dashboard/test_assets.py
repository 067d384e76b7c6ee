"""The pages' own files."""

from __future__ import annotations

from pathlib import Path

from surefill.dashboard.assets import ASSETS, ICON_FILE, STYLE


def test_the_table_is_all_there_is() -> None:
    assert set(ASSETS) == {STYLE, "/assets/icon.svg"}
    assert Path(ICON_FILE).read_bytes() == ASSETS["/assets/icon.svg"][1]


def test_nothing_is_loaded_from_elsewhere() -> None:
    for _, body in ASSETS.values():
        text = body.decode().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text.replace("*/", "").replace("/*", "")
        assert "@import" not in text
        assert "url(" not in text


def test_light_dark_phone_and_focus_are_there() -> None:
    text = ASSETS[STYLE][1].decode()
    for part in ("prefers-color-scheme: dark", "max-width: 640px", ":focus-visible"):
        assert part in text
