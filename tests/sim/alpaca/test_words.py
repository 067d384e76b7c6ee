"""The dictionary: every word of the venue has one of Alpaca's."""

from __future__ import annotations

import pytest

from surefill.core.fix import Contingency, OrdStatus, Side
from surefill.sim.alpaca.words import (
    CLASS_WORDS,
    CONTINGENCIES,
    EVENT_WORDS,
    ORD_TYPES,
    SIDE_WORDS,
    event_word,
    intent_word,
    status_word,
)
from surefill.sim.types import OrderEventKind
from tests.sim.alpaca.samples import order


def test_every_event_has_a_word() -> None:
    assert set(EVENT_WORDS) == set(OrderEventKind)
    assert EVENT_WORDS[OrderEventKind.CANCEL_REJECTED] == "order_cancel_rejected"
    assert EVENT_WORDS[OrderEventKind.PARTIAL_FILL] == "partial_fill"


def test_every_class_and_side_has_a_word() -> None:
    assert set(CLASS_WORDS) == set(Contingency)
    assert all(CONTINGENCIES[word] is contingency for contingency, word in CLASS_WORDS.items())
    assert CONTINGENCIES["simple"] is Contingency.NONE
    assert set(SIDE_WORDS) == set(Side)
    assert ORD_TYPES["stop_limit"].value == "STOP_LIMIT"


@pytest.mark.parametrize(
    ("status", "held", "not_routed", "word"),
    [
        (OrdStatus.PENDING_NEW, False, False, "pending_new"),
        (OrdStatus.PENDING_NEW, False, True, "accepted"),
        (OrdStatus.PENDING_NEW, True, True, "held"),
        (OrdStatus.NEW, True, False, "held"),
        (OrdStatus.CANCELED, True, False, "canceled"),
        (OrdStatus.PENDING_CANCEL, False, True, "pending_cancel"),
        (OrdStatus.PARTIALLY_FILLED, False, False, "partially_filled"),
    ],
)
def test_statuses(status: OrdStatus, held: bool, not_routed: bool, word: str) -> None:
    assert status_word(order(status=status, held=held, not_routed=not_routed)) == word


def test_an_order_not_routed_is_announced_as_accepted() -> None:
    kind = OrderEventKind.PENDING_NEW
    assert event_word(kind, order(not_routed=True)) == "accepted"
    assert event_word(kind, order(not_routed=False)) == "pending_new"
    assert event_word(OrderEventKind.FILL, order(not_routed=True)) == "fill"


def test_intents() -> None:
    assert intent_word(Side.BUY, is_opening=True) == "buy_to_open"
    assert intent_word(Side.SELL, is_opening=False) == "sell_to_close"
