"""Alpaca's capabilities are the documented ones."""

from __future__ import annotations

from surefill.brokers.alpaca.capabilities import ALPACA
from surefill.ports import WashExempts


def test_documented_capabilities() -> None:
    assert ALPACA.has_brackets
    assert ALPACA.wash_exempts is WashExempts.ALL_COMPLEX
