"""What all routes share."""

from __future__ import annotations

from surefill.sim.alpaca.context import no_content, reply
from tests.sim.alpaca.samples import order
from tests.support.bench import Bench


def test_answers() -> None:
    assert reply({"a": 1}, 207).status == 207
    assert reply([]).body == b"[]"
    assert reply([]).headers["content-type"] == "application/json; charset=UTF-8"
    assert (no_content().status, no_content().body) == (204, b"")


def test_the_spelling_of_a_simple_order_is_a_switch() -> None:
    assert Bench().venue.face.desk.order(order())["order_class"] == ""
    simple = Bench("simple_class=simple").venue.face.desk
    assert simple.order(order())["order_class"] == "simple"


def test_configurations_are_kept_per_account() -> None:
    desk = Bench().venue.face.desk
    desk.configuration("A").no_shorting = True
    assert desk.configuration("A").no_shorting
    assert not desk.configuration("B").no_shorting
