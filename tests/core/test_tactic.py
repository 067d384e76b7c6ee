"""The protocol is what the registered tactics fulfil, and it needs nothing but values."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from surefill.core.fix import OrdType
from surefill.core.tactic import ProtectionStyle, Tactic, WantedEntry
from surefill.tactics.registry import TACTICS
from tests.tactics.support import VIEW


@pytest.mark.parametrize("name", sorted(TACTICS))
def test_every_tactic_answers_the_protocol(name: str) -> None:
    tactic: Tactic = TACTICS[name]
    assert tactic.name == name
    assert tactic.style in ProtectionStyle
    assert tactic.wanted(VIEW, VIEW.started_ns) == tactic.wanted(VIEW, VIEW.started_ns)


def test_views_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        VIEW.sign = -1  # type: ignore[misc]
    assert WantedEntry(OrdType.MARKET, None) == WantedEntry(OrdType.MARKET, None)
