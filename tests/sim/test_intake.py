"""Orders built from requests: legs, ids, replacements."""

from __future__ import annotations

import uuid

from surefill.core.fix import Contingency, OrdType
from surefill.core.units import to_nano
from tests.sim.venue import Floor


def test_ids_are_made_when_none_is_given() -> None:
    sent = Floor().send("buy", 1, limit="99")
    assert uuid.UUID(sent.cl_ord_id) != uuid.UUID(sent.order_id)


def test_legs_inherit_and_have_ids_of_their_own() -> None:
    sent = Floor().send(
        "buy", 5, limit="99", tp="102", sl="98", sl_limit="97.5", group="bracket", tif="gtc", id="a"
    )
    target, stop = sent.legs
    assert sent.cl_ord_id == "a"
    assert len({sent.cl_ord_id, target.cl_ord_id, stop.cl_ord_id}) == 3
    assert (target.ord_type, stop.ord_type) == (OrdType.LIMIT, OrdType.STOP_LIMIT)
    assert (stop.stop_px, stop.limit_px) == (to_nano("98"), to_nano("97.5"))
    for leg in sent.legs:
        assert (leg.order_qty, leg.tif, leg.contingency) == (
            sent.order_qty,
            sent.tif,
            Contingency.BRACKET,
        )


def test_short_bracket_has_buying_legs() -> None:
    sent = Floor().send("sell", 5, limit="101", tp="98", sl="103", group="bracket")
    assert [leg.side for leg in sent.legs] == ["BUY", "BUY"]
    assert sent.is_short_sale
    assert not sent.legs[0].is_short_sale


def test_oco_takes_its_limit_from_the_target() -> None:
    floor = Floor()
    floor.long()
    sent = floor.send("sell", 100, tp="102", sl="99", group="oco")
    assert sent.limit_px == to_nano("102")
    assert [leg.side for leg in sent.legs] == ["SELL"]


def test_replacement_inherits() -> None:
    floor = Floor()
    old = floor.order("buy", 5, limit="99", tif="gtc", id="a")
    new = floor.replace(old, limit="98")
    assert (new.tif, new.order_qty, new.limit_px) == ("GTC", floor.at(old).order_qty, to_nano("98"))
    assert new.replaces == old
    assert new.cl_ord_id != "a"
