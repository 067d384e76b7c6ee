"""The first journals' shape is kept as data: whatever came later has a row, nothing has gone.

What no record can hold (the question to a tactic and its answer) is not in it.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from enum import Enum

import surefill.journal.record  # noqa: F401 - registers the record
from surefill.journal.added import ADDED
from surefill.journal.codec import CORE_MODULES, types_of
from surefill.journal.record import Record
from tests.journal.support import FIRST_SHAPE as FIRST

NOW = {cls.__name__: cls for module in CORE_MODULES for cls in types_of(module)}
NOW[Record.__name__] = Record


def test_every_field_since_the_first_journals_has_a_row_and_a_default() -> None:
    for name, first in FIRST["fields"].items():
        cls = NOW[name]
        assert is_dataclass(cls)
        present = {one.name: one for one in fields(cls)}
        came = set(present) - set(first)
        assert came <= ADDED.get(name, frozenset()), (
            f"{name}: {came} came later; say in journal/added.py that older bytes may lack it"
        )
        assert all(present[one].default is not MISSING for one in came)


def test_nothing_that_an_old_journal_may_hold_has_gone() -> None:
    for name, first in FIRST["fields"].items():
        assert set(first) <= {one.name for one in fields(NOW[name])}, name
    for name, first in FIRST["members"].items():
        cls = NOW[name]
        assert issubclass(cls, Enum)
        assert set(first) <= set(cls.__members__), name


def test_no_row_names_a_field_that_the_first_journals_had() -> None:
    for name, added in ADDED.items():
        assert not added & set(FIRST["fields"].get(name, ())), name
