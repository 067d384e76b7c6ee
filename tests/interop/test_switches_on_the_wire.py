"""Every switch changes what a client sees: the same story told under each of its values."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from surefill.sim.alpaca.switches import FACE_CHOICES, FACE_NUMBERS
from surefill.sim.notices import BandNotice
from surefill.sim.switches import CHOICES
from surefill.sim.wire import DeliveryKind, StreamKind
from tests.support.bench import START_NS, SYM, Bench

AUTH = {"action": "auth", "key": "KEY", "secret": "S"}
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates"]}}
DAY_MS = 86_400_000


class Wire(Bench):
    """A bench that listens to its account's stream."""

    def __init__(self, *pairs: str, start_ns: int = START_NS) -> None:
        super().__init__(*pairs, start_ns=start_ns)
        self.told: list[Any] = []
        self.raw: list[Any] = []
        self.edge.open_stream(self.edge.now_ns, 1, StreamKind.ORDERS, headers={})
        for message in (AUTH, LISTEN):
            self.edge.stream_send(self.edge.now_ns, 1, json.dumps(message).encode())
        self.quote(SYM, "99.99", "100.01")
        self.print_(SYM, "100")
        self.advance(1)

    def advance(self, ms: int = 1_000) -> Any:
        deliveries = super().advance(ms)
        heard, self.heard = [*self.heard, *deliveries], []
        for delivery in heard:
            if delivery.kind is DeliveryKind.FRAME and delivery.frame is not None:
                self.raw.append(delivery.frame.is_text)
                self.told.append(json.loads(delivery.frame.data).get("data"))
        return deliveries

    def events(self) -> list[Any]:
        """(event, class) of what was streamed."""
        self.advance()
        return [row["event"] for row in self.told if row and "event" in row]

    def resting(self, **more: Any) -> str:
        """A limit buy that rests."""
        return str(self.filled(**{"type": "limit", "limit_price": "99", **more})["id"])

    def bracket(self, **more: Any) -> Any:
        """A filled bracket with its legs."""
        return self.filled(
            order_class="bracket",
            take_profit={"limit_price": "102"},
            stop_loss={"stop_price": "98"},
            **more,
        )


def post_status(wire: Wire) -> Any:
    return wire.order().json["status"]


def streamed(wire: Wire) -> Any:
    wire.filled()
    return wire.events()


def end_of_day(wire: Wire) -> Any:
    order_id = wire.resting()
    wire.advance(8 * 3_600_000)
    return wire.call("GET", f"/v2/orders/{order_id}").json["status"]


def replaced(wire: Wire) -> Any:
    order_id = wire.resting()
    wire.call("PATCH", f"/v2/orders/{order_id}", {"limit_price": "98"})
    return wire.events()


def lost_replace(wire: Wire) -> Any:
    """Replacement and fill cross: the venue's steps are slower than the print."""
    wire.quote(SYM, "99.99", "100.01", "4")
    order_id = wire.resting(limit_price="100", qty="10")
    venue = wire.exchange._venue
    order = venue.orders[order_id]
    wire.exchange._desk.begin_replace(order, _successor(wire, order_id))
    wire.exchange._desk.fill(order, 100 * 10**9, order.leaves_qty)
    wire.edge.settle()
    return wire.events()


def _successor(wire: Wire, order_id: str) -> Any:
    from surefill.sim.intake import build_replacement
    from surefill.sim.types import ReplaceRequest

    venue = wire.exchange._venue
    change = ReplaceRequest(limit_px=98 * 10**9)
    return build_replacement(venue, venue.orders[order_id], change, reserve_px=0)


def carried(wire: Wire) -> Any:
    wire.quote(SYM, "99.99", "100.01", "4")
    order_id = wire.resting(limit_price="100.01", qty="10")
    wire.quote(SYM, "99.99", "100.05", "4")
    new = wire.call("PATCH", f"/v2/orders/{order_id}", {"limit_price": "100"}).json
    wire.advance()
    return wire.call("GET", f"/v2/orders/{new['id']}").json["filled_qty"]


def target_done(wire: Wire) -> Any:
    wire.bracket()
    wire.quote(SYM, "102.01", "102.05")
    return wire.events()


def target_in_part(wire: Wire) -> Any:
    legs = wire.bracket()["legs"]
    wire.quote(SYM, "102.00", "102.05", "4")
    wire.advance()
    return wire.call("GET", f"/v2/orders/{legs[1]['id']}").json["status"]


def limited(wire: Wire) -> Any:
    for _ in range(300):
        answer = wire.call("GET", "/v2/clock")
        if answer.status == 429:
            return answer.json, "x-ratelimit-limit" in answer.headers
    return "never"


def unauthorized(wire: Wire) -> Any:
    wire.call("GET", "/v2/account")
    return wire.call("GET", "/v2/account", secret="wrong").json


def leg_prices(wire: Wire) -> Any:
    return wire.order(
        order_class="bracket",
        take_profit={"limit_price": "102.001"},
        stop_loss={"stop_price": "98"},
    ).status


def same_id(wire: Wire) -> Any:
    wire.filled(client_order_id="mine")
    return wire.order(client_order_id="mine").status


def sockets(wire: Wire) -> Any:
    wire.edge.open_stream(wire.edge.now_ns, 2, StreamKind.ORDERS, headers={})
    wire.edge.stream_send(wire.edge.now_ns, 2, json.dumps(AUTH).encode())
    wire.advance()
    return wire.told


def half_day(wire: Wire) -> Any:
    return wire.call("GET", "/v2/calendar?start=2026-11-27&end=2026-11-27").json


def far_limit(wire: Wire) -> Any:
    statuses = []
    for price in ("120", "160"):
        statuses.append(wire.order(type="limit", limit_price=price, qty="1").status)
    return statuses


def tomorrows_power(wire: Wire) -> Any:
    wire.filled(qty="100")
    wire.quote(SYM, "109.99", "110.01")
    wire.print_(SYM, "110")
    return wire.call("GET", "/v2/account").json["buying_power"]


def cancel_twice(wire: Wire) -> Any:
    order_id = wire.resting()
    wire.call("DELETE", f"/v2/orders/{order_id}")
    wire.advance()
    return wire.call("DELETE", f"/v2/orders/{order_id}").status


def cancel_again(wire: Wire) -> Any:
    order_id = wire.resting()
    wire.exchange._venue.orders[order_id].status = wire.exchange._venue.orders[
        order_id
    ].status.__class__("PENDING_CANCEL")
    return wire.call("DELETE", f"/v2/orders/{order_id}").status


def past_events(wire: Wire) -> Any:
    wire.filled()
    return wire.call("GET", "/v2/events/trades").status


def resting_paper(wire: Wire) -> Any:
    order_id = wire.resting(limit_price="99", qty="1")
    wire.quote(SYM, "98.00", "98.50")
    wire.advance()
    return wire.call("GET", f"/v2/orders/{order_id}").json["filled_avg_price"]


def unknown_symbol(wire: Wire) -> Any:
    return wire.order(symbol="NONE").json


def wash(wire: Wire) -> Any:
    wire.filled(qty="10")
    wire.filled(side="sell", qty="1", type="limit", limit_price="101")
    answers = [
        wire.order(
            type="limit",
            limit_price="101",
            order_class="bracket",
            take_profit={"limit_price": "105"},
            stop_loss={"stop_price": "98"},
        ).status
    ]
    other = Wire(*WASH)
    other.bracket()
    answers.append(other.order(type="limit", limit_price="103", qty="1").status)
    return answers


WASH: list[str] = []


def aged(wire: Wire) -> Any:
    order_id = wire.resting(time_in_force="gtc")
    wire.advance(95 * DAY_MS)
    return wire.call("GET", f"/v2/orders/{order_id}").json["status"]


def late_close(wire: Wire) -> Any:
    wire.advance((5 * 60 + 52) * 60_000)  # 15:52
    return wire.order(time_in_force="cls").status


def partial_entry(wire: Wire) -> Any:
    wire.quote(SYM, "99.99", "100.01", "4")
    parent = wire.bracket(type="limit", limit_price="100.01")
    wire.call("DELETE", f"/v2/orders/{parent['id']}")
    wire.advance()
    shown = wire.call("GET", f"/v2/orders/{parent['id']}?nested=true").json
    return [leg["status"] for leg in shown["legs"]]


def stopped(wire: Wire) -> Any:
    wire.bracket()
    wire.quote(SYM, "97.99", "98.01", "0")
    wire.print_(SYM, "98")
    return wire.events()


def elected(wire: Wire) -> Any:
    wire.filled(type="stop", stop_price="101")
    wire.quote(SYM, "101.00", "101.02")
    wire.print_(SYM, "101.01")
    return wire.events()


def crossed_legs(wire: Wire) -> Any:
    legs = {"take_profit": {"limit_price": "90"}, "stop_loss": {"stop_price": "95"}}
    return wire.order(order_class="bracket", **legs).error


def outside(wire: Wire) -> Any:
    order_id = wire.resting(limit_price="99", qty="1")
    wire.print_(SYM, "98")
    return wire.call("GET", f"/v2/orders/{order_id}").json["status"]


def sizes(wire: Wire) -> Any:
    wire.quote(SYM, "99.99", "100.01", "1")
    found = []
    for _ in range(40):
        order = wire.filled(qty="9", type="limit", limit_price="100.01", time_in_force="ioc")
        found.append(order["filled_qty"])
    return found


def places(wire: Wire) -> Any:
    order_id = wire.resting(limit_price="99.99", qty="10")
    found = []
    for shown, traded in (("1000", "100"), ("50", "60")):
        wire.quote(SYM, "99.99", "100.01", shown)
        wire.print_(SYM, "99.99", traded)
        wire.advance()
        found.append(wire.call("GET", f"/v2/orders/{order_id}").json["filled_qty"])
    return found


def frames(wire: Wire) -> Any:
    return set(wire.raw)


def market(wire: Wire, *, path: str = "/v2/iex", conn: int = 7) -> Any:
    wire.edge.open_stream(wire.edge.now_ns, conn, StreamKind.MARKET, headers={":path": path})
    subscribe = {"action": "subscribe", "quotes": ["A", "B"]}
    for message in (AUTH, subscribe):
        wire.edge.stream_send(wire.edge.now_ns, conn, json.dumps(message).encode())
    deliveries = wire.edge.advance(wire.edge.now_ns + 1_000_000)
    return [json.loads(d.frame.data)[0] for d in deliveries if d.frame is not None]


def two_markets(wire: Wire) -> Any:
    market(wire, conn=7)
    return market(wire, conn=8)


def sip(wire: Wire) -> Any:
    answer = wire.call("GET", f"/v2/stocks/{SYM}/trades?feed=sip")
    return answer.status, market(wire, path="/v2/sip")


def pending_cancel_told(wire: Wire) -> Any:
    wire.call("DELETE", f"/v2/orders/{wire.resting()}")
    return wire.events()


def spelled(wire: Wire) -> Any:
    return wire.order().json["order_class"]


def cancel_at_once(wire: Wire) -> Any:
    order_id = wire.order(type="limit", limit_price="99").json["id"]
    order = wire.exchange.venue.orders[order_id]
    order.status = order.status.__class__("PENDING_NEW")
    return wire.call("DELETE", f"/v2/orders/{order_id}").status


def carried_average(wire: Wire) -> Any:
    wire.quote(SYM, "99.99", "100.01", "4")
    order_id = wire.resting(limit_price="100.01", qty="10")
    wire.quote(SYM, "99.99", "100.05", "4")
    new = wire.call("PATCH", f"/v2/orders/{order_id}", {"limit_price": "100"}).json
    wire.advance()
    shown = [wire.call("GET", f"/v2/orders/{new['id']}").json["filled_avg_price"]]
    wire.print_(SYM, "99.95", "6")
    wire.advance()
    return [*shown, wire.call("GET", f"/v2/orders/{new['id']}").json["filled_avg_price"]]


def stop_entry(wire: Wire) -> Any:
    legs = {"take_profit": {"limit_price": "105"}, "stop_loss": {"stop_price": "98"}}
    return wire.order(type="stop", stop_price="101", order_class="bracket", **legs).status


def parent_target(wire: Wire) -> Any:
    wire.filled()
    oco = {"order_class": "oco", "stop_loss": {"stop_price": "98"}}
    return wire.order(side="sell", type="limit", limit_price="102", **oco).status


def moved_leg(wire: Wire) -> Any:
    bracket = wire.bracket()
    target = bracket["legs"][0]["id"]
    assert wire.call("PATCH", f"/v2/orders/{target}", {"limit_price": "103"}).status == 200
    wire.advance()
    shown = wire.call("GET", f"/v2/orders/{bracket['id']}?nested=true").json
    return [leg["status"] for leg in shown["legs"]]


def low_buy_stop(wire: Wire) -> Any:
    return wire.order(type="stop", stop_price="99").status


def banded_limit(wire: Wire) -> Any:
    wire.edge.announce(BandNotice(SYM, 105 * 10**9, 95 * 10**9, wire.edge.now_ns))
    return [wire.order(type="limit", limit_price=px, qty="1").status for px in ("94.99", "95")]


def fourth_day_trade(wire: Wire) -> Any:
    account = wire.call("GET", "/v2/account").json["account_number"]
    wire.exchange.venue.ledgers[account].last_equity = 10_000 * 10**18
    answers = []
    for symbol in ("A", "B", "C", "D"):
        wire.quote(symbol, "9.99", "10")
        wire.filled(symbol=symbol)
        answers.append(wire.order(symbol=symbol, side="sell"))
        wire.advance()
    last = answers[-1]
    counted = wire.call("GET", "/v2/account").json["daytrade_count"]
    return last.status, last.json.get("code"), counted


def patched(wire: Wire) -> Any:
    return wire.call("PATCH", f"/v2/orders/{wire.resting()}", {"limit_price": "98"}).json["status"]


def nothing_to_cancel(wire: Wire) -> Any:
    return [wire.call("DELETE", path).status for path in ("/v2/orders", "/v2/positions")]


def nested_page(wire: Wire) -> Any:
    wire.bracket()
    wire.resting()
    path = "/v2/orders?status=all&nested=true&limit=2"
    return [row["order_class"] for row in wire.call("GET", path).json]


def late_in_the_minute(wire: Wire) -> Any:
    wire.advance(50_000)
    return wire.call("GET", "/v2/clock").headers["x-ratelimit-reset"]


def two_feeds(wire: Wire) -> Any:
    market(wire, conn=7)
    return market(wire, path="/v2/test", conn=8)


STORIES: dict[str, Callable[[Wire], Any]] = {
    "post_status": post_status,
    "stream_pending_new": streamed,
    "day_terminal": end_of_day,
    "replace_event_order": replaced,
    "lost_replace_events": lost_replace,
    "replace_carries_cum": carried,
    "sibling_cancel_event": target_done,
    "tp_partial_resize": target_in_part,
    "rate_limit_per_min": limited,
    "rate_limit_headers": limited,
    "rate_limit_body": limited,
    "unauthorized_body": unauthorized,
    "leg_sub_penny": leg_prices,
    "cl_ord_id_reuse": same_id,
    "order_streams_max": sockets,
    "half_day_session_close": half_day,
    "limit_far": far_limit,
    "margin_formula": tomorrows_power,
    "cancel_of_canceled": cancel_twice,
    "cancel_of_pending_cancel": cancel_again,
    "event_history": past_events,
    "paper_resting_px": resting_paper,
    "unknown_symbol_code": unknown_symbol,
    "wash_exempts": wash,
    "gtc_terminal": aged,
    "cls_cutoff": late_close,
    "stream_held": target_done,
    "stream_pending_cancel": pending_cancel_told,
    "partial_arms_legs": partial_entry,
    "exit_race": stopped,
    "simple_class": spelled,
    "outside_prints": outside,
    "fill_model": sizes,
    "queue_place": places,
    "stream_frames": frames,
    "symbols_max": market,
    "data_streams_max": two_markets,
    "sip_access": sip,
    "cancel_of_pending_new": cancel_at_once,
    "replace_carries_avg": carried_average,
    "bracket_stop_entry": stop_entry,
    "oco_parent_limit": parent_target,
    "nested_replaced_legs": moved_leg,
    "buy_stop_side": low_buy_stop,
    "band_rejects": banded_limit,
    "day_trade_rule": fourth_day_trade,
    "patch_status": patched,
    "empty_cancel_all": nothing_to_cancel,
    "nested_limit": nested_page,
    "rate_limit_window": late_in_the_minute,
    "data_streams_per": two_feeds,
    "leg_order_text": crossed_legs,
    "elected_event": elected,
}
ALSO = {
    "paper_resting_px": ["fill_model=paper"],
    "data_streams_per": ["data_streams_max=1"],
}
"""Switches that only mean something beside another one."""
NUMBERS = dict.fromkeys(FACE_NUMBERS, "1") | {"rate_limit_per_min": "0"}


def values(name: str) -> list[str]:
    """All values of a switch, the default first."""
    if name in FACE_NUMBERS:
        return [str(FACE_NUMBERS[name][0]), NUMBERS[name]]
    return list(CHOICES.get(name) or FACE_CHOICES[name])


@pytest.mark.parametrize("name", [*CHOICES, *FACE_CHOICES, *FACE_NUMBERS])
def test_each_value_looks_different(name: str) -> None:
    seen = []
    for value in values(name):
        pairs = [*ALSO.get(name, []), f"{name}={value}"]
        WASH[:] = pairs
        seen.append(STORIES[name](Wire(*pairs)))
    for index, one in enumerate(seen):
        assert one not in seen[:index], f"{name}={values(name)[index]} changes nothing: {one}"


def test_every_switch_has_its_story() -> None:
    assert set(STORIES) == {*CHOICES, *FACE_CHOICES, *FACE_NUMBERS}
