"""A part of the documentation site: our drawings stand in the page, links to folders find an index.

Why: an SVG in an `<img>` does not know whether the page is light or dark, one in the page does; in
the repository's own view a link to a folder lists it, a site needs a page there. What counts as
ours is the class `surefill` on the drawing (`scripts/draw.py` writes it).

Must never: change what a page says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, Protocol

from docutils import nodes

OURS = '<svg class="surefill"'
STYLE = re.compile(r"<style>.*?</style>\s*", re.DOTALL)
FOLDER = re.compile(r"\]\(([\w./-]+/)\)")


class Sphinx(Protocol):
    """What is used of Sphinx: its types would cost the type check seconds."""

    srcdir: Path

    def connect(self, event: str, callback: Callable[..., None], priority: int = 500) -> int:
        """Ask to be called."""


def link_folders(app: Sphinx, docname: str, content: list[str]) -> None:
    """`](decisions/)` leads to the index of that folder."""
    content[0] = FOLDER.sub(r"](\1index.md)", content[0])


def inline_drawings(app: Sphinx, doctree: nodes.document) -> None:
    """Every picture of ours becomes a part of its page, with its alternative text."""
    for image in list(doctree.findall(nodes.image)):
        path = Path(app.srcdir, image["uri"])
        if path.suffix != ".svg" or not path.is_file():
            continue
        drawn = path.read_text(encoding="utf-8")
        if drawn.startswith(OURS):
            label = f'{OURS} role="img" aria-label="{escape(image.get("alt", ""))}"'
            text = STYLE.sub("", drawn).replace(OURS, label, 1)
            image.replace_self(nodes.raw("", f'<div class="drawing">{text}</div>', format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.connect("source-read", link_folders)
    app.connect("doctree-read", inline_drawings, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
