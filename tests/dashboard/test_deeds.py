"""What a person may do: role by act, typed words, and what the engine is asked."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import create_autospec

import pytest

from surefill.core.events import Act
from surefill.core.units import NANO
from surefill.dashboard.deeds import DEEDS, Deed, Hands, Order
from surefill.dashboard.sessions import IDLE_NS, Sessions
from surefill.runtime.flat import Flatness, FlatReport, FlatRow
from surefill.runtime.result import result_of
from surefill.service.door import Door
from surefill.service.problems import ApiProblem
from surefill.service.tokens import Role, TokenFile
from tests.dashboard.test_sessions import Clock
from tests.support.core import covered_bench

MAY = {
    (Role.OPERATOR, deed) for deed in Deed
} | {(Role.KILL_ONLY, Deed.KILL)}  # fmt: skip


class Place:
    """Hands before a door that only notes."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.tokens = TokenFile(folder / "state" / "tokens")
        self.tokens.ensure()
        self.sessions = Sessions(self.tokens, self.clock)
        self.door = create_autospec(Door, instance=True)
        self.door.flatten.return_value = FlatReport(Flatness.FLAT, ())
        self.door.tighten.return_value = result_of(covered_bench().trade)
        self.hands = Hands(self.door, self.sessions, self.clock)

    def login(self, role: Role = Role.OPERATOR) -> str:
        return self.sessions.open(role, self.tokens.tokens()[role])

    def confirmed(self, deed: Deed, **more: str) -> Order:
        row = DEEDS[deed]
        token = self.tokens.tokens()[Role.OPERATOR] if row.needs_token else ""
        typed = "ACME" if row.is_target_typed else row.word
        shape = {"target": "p1", "symbol": "ACME", "typed": typed, "token": token} | more
        return Order(deed=deed, **shape)

    async def code(self, name: str, order: Order) -> str:
        with pytest.raises(ApiProblem) as caught:
            await self.hands.do(name, order)
        return caught.value.code


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("deed", Deed)
@pytest.mark.parametrize("role", Role)
async def test_role_by_act(place: Place, role: Role, deed: Deed) -> None:
    name, order = place.login(role), place.confirmed(deed)
    if (role, deed) in MAY:
        assert await place.hands.do(name, order)
        door = place.door
        awaited = (door.act, door.flatten, door.tighten)
        assert sum(call.await_count for call in awaited) == 1
    else:
        assert await place.code(name, order) == "ROLE_REFUSED"
        place.door.act.assert_not_awaited()


@pytest.mark.parametrize("deed", [Deed.KILL, Deed.UNKILL, Deed.RESUME, Deed.FLATTEN_ALL])
async def test_a_slip_is_no_word(place: Place, deed: Deed) -> None:
    name = place.login()
    for typed in ("", "kill", DEEDS[deed].word + "X"):
        assert await place.code(name, place.confirmed(deed, typed=typed)) == "NOT_CONFIRMED"
    place.door.act.assert_not_awaited()
    place.door.flatten.assert_not_awaited()


async def test_one_trade_is_flattened_by_its_symbol(place: Place) -> None:
    name = place.login()
    assert await place.code(name, place.confirmed(Deed.FLATTEN, typed="FLATTEN")) == "NOT_CONFIRMED"
    said = await place.hands.do(name, place.confirmed(Deed.FLATTEN, why="a\nb"))
    assert said.startswith("Flat")
    place.door.flatten.assert_awaited_once_with("p1", "a b", wait_s=15)


async def test_all_means_no_target(place: Place) -> None:
    row = FlatRow(plan_id="p1", symbol="ACME", outcome=None, position_qty=5 * NANO,
                  covered_qty=5 * NANO, stop_px=1)  # fmt: skip
    place.door.flatten.return_value = FlatReport(Flatness.NOT_FLAT, (row,))
    said = await place.hands.do(place.login(), place.confirmed(Deed.FLATTEN_ALL))
    assert said.startswith("Not flat yet: 5 ACME")
    place.door.flatten.assert_awaited_once_with("", "", wait_s=15)


async def test_unkill_wants_the_token_once_more(place: Place) -> None:
    name = place.login()
    for token in ("", place.tokens.tokens()[Role.VIEWER]):
        assert await place.code(name, place.confirmed(Deed.UNKILL, token=token)) == "TOKEN_WRONG"
    await place.hands.do(name, place.confirmed(Deed.UNKILL))
    place.door.act.assert_awaited_once_with(Role.OPERATOR, Act.UNKILL, target="p1", why="")


async def test_who_was_away_may_only_kill(place: Place) -> None:
    name = place.login()
    place.clock.now_ns += IDLE_NS + 1
    assert await place.code(name, place.confirmed(Deed.RESUME)) == "SESSION_IDLE"
    await place.hands.do(name, place.confirmed(Deed.KILL))
    await place.hands.do(name, place.confirmed(Deed.RESUME))  # the kill was a sign of life


async def test_a_stop_is_tightened_by_its_price(place: Place) -> None:
    said = await place.hands.do(place.login(), place.confirmed(Deed.TIGHTEN, stop=" 99.5 "))
    assert said.startswith("The stop belongs at ")
    place.door.tighten.assert_awaited_once_with("p1", "99.5", "", wait_s=10)


async def test_no_session_no_act(place: Place) -> None:
    name = place.login()
    place.sessions.close(name)
    assert await place.code(name, place.confirmed(Deed.KILL)) == "SESSION_OVER"


async def test_acts_have_a_pace_that_the_kill_switch_passes(place: Place) -> None:
    name = place.login()
    for _ in range(20):
        await place.hands.do(name, place.confirmed(Deed.HALT))
    assert await place.code(name, place.confirmed(Deed.HALT)) == "TOO_FAST"
    await place.hands.do(name, place.confirmed(Deed.KILL))
