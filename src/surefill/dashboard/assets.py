"""The dashboard's own files: a style sheet and an icon, read once from the package.

What: `ASSETS`, path -> (content type, bytes). Why a table: what is not in it cannot be asked for,
so nothing from a path ever reaches the file system.
Must never: name a file on another server; fonts are the reader's own.
"""

from __future__ import annotations

from importlib.resources import files

_FILES = {"style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
_FOLDER = files("surefill.dashboard") / "files"
ASSETS = {f"/assets/{name}": (kind, (_FOLDER / name).read_bytes()) for name, kind in _FILES.items()}
STYLE = "/assets/style.css"
ICON_FILE = str(_FOLDER / "icon.svg")
