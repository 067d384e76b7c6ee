from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surefill.core.events import Instrument
from surefill.core.fix import Side
from surefill.core.ids import PLAN_ID_PATTERN
from surefill.core.plan import ExitsByLevel, TradePlan
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Closing, Denial, EngineState, Mode
from surefill.core.trade import Trade
from surefill.core.units import NANO
from surefill.journal.images import (
    ENGINE_IMAGE,
    closing_keys,
    closing_name,
    decode_closing,
    decode_state,
    decode_trade,
    encode_image,
    plan_ids,
)
from surefill.ports import JournalError
from tests.journal.support import HALF_CENT_TICKS

PLAN = TradePlan(
    plan_id="crwd-1",
    symbol="CRWD",
    side=Side.BUY,
    signal_px=534_820_000_000,
    exits=ExitsByLevel(529_470_000_000, 536_870_000_000),
    order_qty=25 * NANO,
)
DENIAL = Denial(
    plan=PLAN,
    is_legacy=False,
    reasons=(Reason.of(ReasonCode.RR_BELOW_MIN, ratio="0.38", minimum="2"),),
    at_ns=17,
)
BIG = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@BIG
@given(trade=st.from_type(Trade))
def test_every_trade_survives(trade: Trade) -> None:
    image = encode_image(trade)
    again = decode_trade(image)
    assert again == trade
    assert encode_image(again) == image


@BIG
@given(state=st.from_type(EngineState))
def test_every_engine_state_survives(state: EngineState) -> None:
    image = encode_image(state)
    assert decode_state(image) == state


def test_an_instrument_keeps_its_ticks() -> None:
    state = EngineState(instruments=(Instrument("CRWD", True, True, True, HALF_CENT_TICKS),))
    assert decode_state(encode_image(state)) == state


def test_a_denial_is_told_from_a_trade() -> None:
    assert decode_trade(encode_image(DENIAL)) == DENIAL


def test_closing_requests_have_names_that_no_plan_can_have() -> None:
    closing = Closing(key="exit-1", trade_id="p1", qty=4 * NANO, at_ns=17)
    assert decode_closing(encode_image(closing)) == closing
    name = closing_name("exit-1")
    assert not PLAN_ID_PATTERN.fullmatch(name)
    assert (plan_ids(["p1", name]), closing_keys(["p1", name])) == (["p1"], ["exit-1"])


def test_a_killed_engine_stays_killed() -> None:
    state = EngineState(mode=Mode.READY, kill=Reason.of(ReasonCode.KILL_ACTIVE, since="today"))
    again = decode_state(encode_image(state))
    assert again.kill == state.kill
    assert again.mode is Mode.READY


@pytest.mark.parametrize("image", [b"", b"{}", b'{"$":"EngineState"}'])
def test_a_damaged_image_is_no_trade(image: bytes) -> None:
    with pytest.raises(JournalError) as corrupt:
        decode_trade(image)
    assert corrupt.value.code == "JOURNAL_CORRUPT"


def test_a_denial_of_another_shape_is_another_versions() -> None:
    with pytest.raises(JournalError) as foreign:
        decode_trade(b'{"$":"Denial"}')
    assert foreign.value.code == "JOURNAL_VERSION"


def test_one_kind_is_not_taken_for_another() -> None:
    with pytest.raises(JournalError):
        decode_state(encode_image(DENIAL))


def test_no_plan_can_be_called_like_the_engine() -> None:
    assert PLAN_ID_PATTERN.fullmatch(ENGINE_IMAGE) is None
