"""Commands that the documents quote outside their boxes: indented, or within a line.

    for quoted in commands():
        quoted.text, quoted.pages

A mention that cannot run by itself (`surefill trade`, `surefill why TRADE ...`) is a name, not a
command. Reports are left out: they say what was run on their day, often for hours.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path

from surefill.cli.main import VERBS
from tests.support.pages import BOX, DOCS
from tests.support.workplace import ROOT

PROGRAMS = "surefill|make|curl|python|pip|promtool|systemctl"
INDENTED = re.compile(rf"^ {{4,}}(?:\$ )?((?:{PROGRAMS}) .*)$")
INLINE = re.compile(rf"`((?:{PROGRAMS}) [^`]+)`")
COMMENT = re.compile(r"(?<=\S) +#.*| {3,}.*")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INCOMPLETE = {
    "surefill VERB --help",
    "surefill tca --history",
    "surefill serve --allow-remote",
    "surefill flatten",
}
"""They name a verb or an option."""


def pages() -> Iterator[Path]:
    """Every page that is not a report, the README and CONTRIBUTING."""
    yield ROOT / "README.md"
    yield ROOT / "CONTRIBUTING.md"
    for page in sorted(DOCS.rglob("*.md")):
        if page.relative_to(DOCS).parts[0] != "reports":
            yield page


def quoted_in(text: str) -> Iterator[str]:
    """Commands of one page outside its fences, each on one line."""
    lines = iter(FENCED.sub("", text).splitlines())
    for line in lines:
        found = INDENTED.match(line)
        if found is None:
            continue
        command = COMMENT.sub("", found[1])
        while _is_open(command):
            command = command.removesuffix("\\").rstrip() + " " + next(lines).strip()
        yield COMMENT.sub("", command).strip()
    for command in INLINE.findall(FENCED.sub("", text)):
        yield " ".join(command.split())


def _is_open(command: str) -> bool:
    """Whether it goes on in the next line."""
    if command.endswith("\\"):
        return True
    try:
        shlex.split(command)
    except ValueError:
        return True
    return False


@cache
def commands() -> dict[str, set[str]]:
    """Command -> the pages that quote it; names of verbs are left out."""
    found: dict[str, set[str]] = {}
    for page in pages():
        for command in quoted_in(page.read_text(encoding="utf-8")):
            if not is_name(command):
                found.setdefault(command, set()).add(page.name)
    return found


@cache
def boxed() -> frozenset[str]:
    """Lines of the boxes, which their readers type (`tests.support.pages`)."""
    texts = [box[3] for page in pages() for box in BOX.findall(page.read_text(encoding="utf-8"))]
    lines = [line for text in texts for line in text.splitlines()]
    return frozenset(re.split(r" \d?>| \| | &$", line)[0].strip() for line in lines)


def is_name(command: str) -> bool:
    """Whether this says which verb is meant, not what to type."""
    if command in INCOMPLETE or "..." in command:
        return True
    words = shlex.split(command)
    if words[0] != "surefill" or words[1] not in {verb.name for verb in VERBS}:
        return False
    parser = argparse.ArgumentParser(exit_on_error=False)
    import_module(f"surefill.cli.{words[1]}").add_arguments(parser)
    try:
        with redirect_stderr(StringIO()):
            parser.parse_args(words[2:])
    except (argparse.ArgumentError, SystemExit):
        return len(words) == 2 or words[-1].startswith("--")
    return False
