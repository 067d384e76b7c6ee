"""The code uses the glossary's words: the left column of "words we do not use" does not occur."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from tests.tidy import tables
from tests.tidy.source import ROOT, Finding, Source, excused, identifiers, package, parse

ROW = re.compile(r"^\| (?P<bad>`[^|]+`) \| (?P<good>[^|]+) \|")


@cache
def synonyms() -> Mapping[str, str]:
    """Word we do not use -> the word we do, as the glossary's last table has them."""
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    rows = text.partition("## Words we do not use")[2].splitlines()
    return {
        bad: match["good"].strip()
        for row in rows
        if (match := ROW.match(row))
        for bad in re.findall(r"`([^`]+)`", match["bad"])
    }


def foreign_words(sources: Iterable[Source]) -> Iterator[Finding]:
    """Identifiers that say in another word what the glossary has a word for."""
    for source in sources:
        if excused(source.path, tables.GLOSSARY_EXEMPT):
            continue
        for name, line in identifiers(source.tree):
            good = synonyms().get(name.strip("_").lower())
            if good is not None:
                yield Finding(source.path, line, f"{name}: the glossary says {good}")


def test_the_code_uses_the_glossary() -> None:
    found = sorted({str(finding) for finding in foreign_words(package())})
    assert not found, "\n".join(found)


def test_a_synonym_is_found() -> None:
    bad = parse("src/surefill/core/x.py", "def f(*, fill_price): return order.filled_qty")
    assert len(list(foreign_words([bad]))) == 2
    auditor = parse("src/surefill/sim/auditor_book.py", "filled_qty = 1")
    assert not list(foreign_words([auditor]))
    exempt = parse("src/surefill/brokers/alpaca/wire.py", "filled_qty = 1")
    assert not list(foreign_words([exempt]))


def test_no_word_is_on_both_sides() -> None:
    good = {word for text in synonyms().values() for word in re.findall(r"`([^`]+)`", text)}
    assert len(synonyms()) > 30
    assert not good & set(synonyms())
