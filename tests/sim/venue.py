"""A small exchange for tests: one account, one symbol, prices as text, times in milliseconds.

`Floor` starts on Monday 2026-03-02 at 10:00 New York inside a regular session (09:30-16:00), has a
half day on Tuesday and a regular Wednesday.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from surefill.core.fix import Contingency, OrdType, Side, TimeInForce, TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.session import Calendar, Session
from surefill.core.units import NANO, to_nano, to_text
from surefill.sim.assets import Asset, AssetTable
from surefill.sim.exchange import Exchange
from surefill.sim.models import MS, NO_FEES, FeeModel, LatencyModel
from surefill.sim.switches import Switches
from surefill.sim.truth import TruthLog
from surefill.sim.types import (
    LegRequest,
    OrderQuery,
    OrderRequest,
    OrderScope,
    OrderSnapshot,
    Refusal,
    RefusalKind,
    ReplaceRequest,
)

HOUR_NS = 3600 * NANO
MONDAY_NS = 1_772_409_600 * NANO
"""2026-03-02T00:00:00Z; New York is UTC-5."""
OPEN_NS = MONDAY_NS + 14 * HOUR_NS + HOUR_NS // 2
CLOSE_NS = MONDAY_NS + 21 * HOUR_NS
START_NS = MONDAY_NS + 15 * HOUR_NS
ME = "me"
SYM = "AAPL"


def session(day: int, *, close_hour: int = 21) -> Session:
    """Session ``day`` days after Monday; ``close_hour`` is UTC."""
    base_ns = MONDAY_NS + day * 24 * HOUR_NS
    return Session(
        date=20260302 + day,
        pre_ns=base_ns + 9 * HOUR_NS,
        open_ns=base_ns + 14 * HOUR_NS + HOUR_NS // 2,
        close_ns=base_ns + close_hour * HOUR_NS,
        post_ns=base_ns + (close_hour + 4) * HOUR_NS - 1,
    )


CALENDAR = Calendar.of([session(0), session(1, close_hour=18), session(2)])


def px(text: str | None) -> int | None:
    return None if text is None else to_nano(text)


def shares(count: int | str) -> int:
    return to_nano(str(count))


class Floor:
    """Drives an `Exchange` with short words. Every request first lets due steps run."""

    def __init__(
        self,
        *switches: str,
        latency: LatencyModel | None = None,
        assets: tuple[Asset, ...] = (),
        start_ns: int = START_NS,
        cash: str = "100000",
        multiplier: int = 4,
        quote: bool = True,
        calendar: Calendar = CALENDAR,
        fees: FeeModel = NO_FEES,
        log: TruthLog | None = None,
    ) -> None:
        self.log = TruthLog() if log is None else log
        self.exchange = Exchange(
            seed=7,
            calendar=calendar,
            start_ns=start_ns,
            switches=Switches.from_pairs(switches),
            latency=latency or LatencyModel(seed=7),
            log=self.log,
            assets=AssetTable(assets),
            fees=fees,
        )
        self.exchange.open_account(ME, cash_usd=to_nano(cash), multiplier=multiplier)
        if quote:
            self.quote("99.99", "100.01")

    # --- market ---

    def quote(
        self, bid: str, ask: str, *, bid_size: int = 500, ask_size: int = 500, symbol: str = SYM
    ) -> None:
        now_ns = self.exchange.now_ns
        self.exchange.on_quote(
            symbol,
            Nbbo(to_nano(bid), shares(bid_size), to_nano(ask), shares(ask_size), now_ns, now_ns),
        )

    def print(self, price: str, size: int = 100, *, symbol: str = SYM) -> None:
        now_ns = self.exchange.now_ns
        self.exchange.on_print(symbol, Print(to_nano(price), shares(size), now_ns, now_ns))

    def halt(self) -> None:
        self.exchange.on_status(SYM, TradingStatus.HALTED)

    def resume(self) -> None:
        self.exchange.on_status(SYM, TradingStatus.TRADING)

    def wait(self, ms: int = 1000) -> None:
        self.exchange.advance(self.exchange.now_ns + ms * MS)

    # --- requests ---

    def send(self, side: str, qty: int | str, kind: str = "limit", **terms: Any) -> OrderSnapshot:
        """Submit without waiting. ``terms``: limit, stop, trail, trail_ppb, tif, tp, sl, sl_limit,
        group, id, eth."""
        return self.exchange.submit(ME, request(side, qty, kind, **terms))

    def order(self, side: str, qty: int | str, kind: str = "limit", **terms: Any) -> str:
        """Submit and wait until it is at the market; the order id."""
        sent = self.send(side, qty, kind, **terms)
        self.wait(50)
        return sent.order_id

    def bracket(
        self,
        side: str,
        qty: int,
        limit: str | None,
        *,
        tp: str | None,
        sl: str | None,
        **more: Any,
    ) -> tuple[str, str, str]:
        """Submit a bracket and wait; ids of entry, target and stop."""
        kind = "market" if limit is None else "limit"
        sent = self.send(side, qty, kind, limit=limit, tp=tp, sl=sl, group="bracket", **more)
        self.wait(100)
        return (sent.order_id, sent.legs[0].order_id, sent.legs[1].order_id)

    def oco(self, side: str, qty: int, *, tp: str, sl: str, **more: Any) -> tuple[str, str]:
        """Submit an OCO and wait; ids of target and stop."""
        sent = self.send(side, qty, "limit", tp=tp, sl=sl, group="oco", **more)
        self.wait(50)
        return (sent.order_id, sent.legs[0].order_id)

    def long(self, qty: int = 100) -> None:
        """Buy at the market and wait for the fill."""
        self.order("buy", qty, "market")
        assert self.position() == qty, "the helper could not buy"

    def short(self, qty: int = 100) -> None:
        self.order("sell", qty, "market")
        assert self.position() == -qty, "the helper could not sell short"

    def cancel(self, order_id: str, *, wait_ms: int = 1000) -> None:
        self.exchange.cancel(ME, order_id)
        self.wait(wait_ms)

    def replace(self, order_id: str, *, wait_ms: int = 0, **terms: Any) -> OrderSnapshot:
        change = ReplaceRequest(
            order_qty=None if "qty" not in terms else shares(str(terms["qty"])),
            limit_px=px(_text(terms.get("limit"))),
            stop_px=px(_text(terms.get("stop"))),
            trail=px(_text(terms.get("trail"))),
            tif=None if "tif" not in terms else TimeInForce(str(terms["tif"]).upper()),
            cl_ord_id=_text(terms.get("id")),
        )
        sent = self.exchange.replace(ME, order_id, change)
        self.wait(wait_ms)
        return sent

    # --- reads ---

    def at(self, order_id: str) -> OrderSnapshot:
        return self.exchange.order(ME, order_id)

    def status(self, order_id: str) -> str:
        shown = self.at(order_id)
        return "HELD" if shown.held and shown.leaves_qty else shown.status.value

    def filled(self, order_id: str) -> float:
        return self.at(order_id).cum_qty / NANO

    def position(self) -> int:
        ledger = self.exchange._venue.ledgers[ME]
        return ledger.position_qty(SYM) // NANO

    def fills(self) -> list[tuple[int, str]]:
        """(shares, price) of every execution."""
        return [(fill.qty // NANO, to_text(fill.px)) for fill in self.exchange.fills(ME)]

    def events(self) -> list[str]:
        """Kinds of the events since the last call."""
        return [event.kind.value for event in self.exchange.drain()]

    def orders(self, scope: str = "ALL", **filters: Any) -> list[OrderSnapshot]:
        query = OrderQuery(scope=OrderScope(scope), limit=500, descending=False)
        for name, value in filters.items():
            query = _with(query, name, value)
        return self.exchange.orders(ME, query)

    def refused(self, side: str, qty: int | str, kind: str = "limit", **terms: Any) -> Refusal:
        """Submit and return the refusal; the order must be refused."""
        try:
            self.send(side, qty, kind, **terms)
        except Refusal as refusal:
            return refusal
        raise AssertionError("the venue accepted an order that it should refuse")


def refusal_of(action: object, *args: object, **kwargs: object) -> RefusalKind:
    """Kind of the refusal that calling ``action`` raises."""
    assert callable(action)
    try:
        action(*args, **kwargs)
    except Refusal as refusal:
        return refusal.kind
    raise AssertionError("the venue accepted a request that it should refuse")


def request(side: str, qty: int | str, kind: str = "limit", **terms: Any) -> OrderRequest:
    """An `OrderRequest` from short words (see `Floor.send`)."""
    target, stop = _text(terms.get("tp")), _text(terms.get("sl"))
    return OrderRequest(
        symbol=str(terms.get("symbol", SYM)),
        side=Side(side.upper()),
        ord_type=OrdType(kind.upper()),
        tif=TimeInForce(str(terms.get("tif", "day")).upper()),
        order_qty=shares(qty),
        notional_usd=px(_text(terms.get("notional"))),
        limit_px=px(_text(terms.get("limit"))),
        stop_px=px(_text(terms.get("stop"))),
        trail_px=px(_text(terms.get("trail"))),
        trail_ppb=terms.get("trail_ppb"),
        contingency=Contingency(str(terms.get("group", "none")).upper()),
        take_profit=None if target is None else LegRequest(limit_px=px(target)),
        stop_loss=None
        if stop is None
        else LegRequest(stop_px=px(stop), limit_px=px(_text(terms.get("sl_limit")))),
        cl_ord_id=_text(terms.get("id")),
        extended_hours=bool(terms.get("eth", False)),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _with(query: OrderQuery, name: str, value: object) -> OrderQuery:
    return replace(query, **{name: value})  # type: ignore[arg-type]
