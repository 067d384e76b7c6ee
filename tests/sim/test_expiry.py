"""When orders end: aged GTC orders, and days beyond the calendar."""

from __future__ import annotations

from surefill.core.session import Calendar
from surefill.core.units import NANO
from tests.sim.venue import CLOSE_NS, HOUR_NS, OPEN_NS, Floor, session


def test_old_orders_end_after_ninety_days_at_a_quarter_past_four() -> None:
    for switch, status in (("canceled", "CANCELED"), ("expired", "EXPIRED")):
        days = tuple(session(day) for day in range(0, 100))
        floor = Floor(f"gtc_terminal={switch}", calendar=Calendar(days))
        order = floor.order("buy", 1, limit="50", tif="gtc")
        ends_ns = floor.at(order).expires_ns or 0
        assert ends_ns == OPEN_NS + 90 * 24 * HOUR_NS + (6 * 60 + 45) * 60 * NANO
        floor.exchange.advance(ends_ns - 1)
        assert floor.status(order) == "NEW"
        floor.exchange.advance(ends_ns)
        assert floor.status(order) == status


def test_day_orders_end_with_their_session_and_beyond_the_calendar_never() -> None:
    floor = Floor()
    assert floor.send("buy", 1, limit="99").expires_ns == CLOSE_NS
    extended = floor.send("buy", 1, limit="99", eth=True)
    assert (extended.expires_ns or 0) > CLOSE_NS
    beyond = Floor(start_ns=OPEN_NS + 30 * 24 * HOUR_NS)
    order = beyond.send("buy", 1, limit="99")
    assert (order.expires_ns, order.not_routed) == (None, True)
    beyond.cancel(order.order_id)
    assert beyond.status(order.order_id) == "CANCELED"
