"""Each way an answer goes wrong, and that the venue does not."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from surefill.sim.alpaca.spoil import (
    N7_MODES,
    N9_MODES,
    REMOVED,
    skewed,
    spoiled,
    unexplained,
)
from surefill.sim.faults import MODES, FaultCode
from surefill.sim.wire import WireResponse

ORDER = {"id": "1", "qty": "10", "filled_avg_price": "5.5", "status": "new", "legs": None}


def after(value: object, mode: str, rows: int = 1) -> Any:
    made = spoiled(WireResponse(200, {}, json.dumps(value).encode()), mode, rows=rows)
    return json.loads(made.body)


def test_the_plan_knows_the_same_modes() -> None:
    assert set(MODES[FaultCode.N7]) == set(N7_MODES)
    assert set(MODES[FaultCode.N9]) == set(N9_MODES)


@pytest.mark.parametrize(
    ("mode", "changes"),
    [
        ("null_price", {"filled_avg_price": None}),
        ("nan", {"filled_avg_price": "NaN"}),
        ("negative_qty", {"qty": "-10"}),
        ("unknown_word", {"status": "unheard_of"}),
        ("number_for_text", {"filled_avg_price": 5.5, "qty": 10.0}),
    ],
)
def test_values(mode: str, changes: dict[str, object]) -> None:
    assert after(ORDER, mode) == {**ORDER, **changes}
    assert after([ORDER, ORDER], mode) == [{**ORDER, **changes}, ORDER]


def test_fields_and_text() -> None:
    assert set(ORDER) - set(after(ORDER, "missing_field")) == {"qty", "status"}
    assert "new_in_this_release" in after(ORDER, "extra_field")
    assert math.isinf(after(ORDER, "huge")["filled_avg_price"])
    doubled = spoiled(WireResponse(200, {}, json.dumps(ORDER).encode()), "duplicate_key", rows=1)
    assert doubled.body.count(b'"status"') == 2


def test_listings() -> None:
    held = {**ORDER, "status": "held"}
    nested = {**ORDER, "legs": [held, ORDER]}
    assert after([ORDER, held, nested], "cut", rows=2) == [ORDER, held]
    assert after([ORDER, held], "doubled") == [ORDER, ORDER, held]
    assert after([held, nested], "without_held") == [{**ORDER, "legs": [ORDER]}]
    assert after([nested], "unnested") == [ORDER]


@pytest.mark.parametrize("mode", [*N7_MODES, *N9_MODES])
def test_what_does_not_fit_stays(mode: str) -> None:
    for body in (b"", b"[]", b"7"):
        made = spoiled(WireResponse(200, {}, body), mode, rows=1)
        assert made.body == body


def test_removed_fields_are_gone_at_every_depth() -> None:
    assert set(MODES[FaultCode.V26]) == set(REMOVED)
    nested = [{**ORDER, "hwm": None, "legs": [{**ORDER, "expires_at": "x"}]}]
    assert after(nested, "order") == [{**ORDER, "legs": [ORDER]}]
    assert after({"shortable": True, "qty": "1"}, "borrow") == {"qty": "1"}


def test_every_time_is_moved_and_nothing_else() -> None:
    text = b'{"a":"2026-03-02T15:00:00Z","b":"2026-03-02T10:00:00.5-05:00","c":"2026-03-02","d":1}'
    later = json.loads(skewed(text, 1_500_000_000))
    assert later["a"] == "2026-03-02T15:00:01.5Z"
    assert later["b"].startswith("2026-03-02T10:00:02")
    assert (later["c"], later["d"]) == ("2026-03-02", 1)
    assert skewed(b"\x81\xa1a", 1) == b"\x81\xa1a", "MessagePack stays"
    odd = b'["9999-99-99T99:99:99Z"]'
    assert skewed(odd, 1) == odd


def test_every_mode_of_n12_has_its_words() -> None:
    assert all(unexplained(mode, "/v2/orders/x") for mode in MODES[FaultCode.N12])


def test_what_another_fault_has_made_unreadable_stays() -> None:
    """Two faults on one answer (simulation, seed 15013)."""
    response = WireResponse(200, {}, b'[{"qty": 1e400}]')
    assert spoiled(response, "cut", rows=1) is response
