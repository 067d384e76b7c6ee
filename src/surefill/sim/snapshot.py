"""A whole venue as records and back: accounts, orders, books, queues, numbers, chance, faults.

What: `records_of` writes down an exchange and its edge, `Rebuilding` fills a fresh pair of the same
configuration with it. What a venue is made of is listed here by name, class by class (`SHAPES` and
the functions), so the file can be read and a forgotten attribute is found by a test.
Why: after loading, the same requests give the same bytes as at the exchange that was not saved.
Invariants: orders and groups are written once and named by id and number; chance is the state of
each generator, not its seed; the truth log is loaded only if its chain of hashes holds.
Must never: keep a connection or an answer under way to one (their clients are gone), keep a secret,
or build anything that the shapes do not name. Errors are `RecordError` or `KeyError`; the caller
makes a sentence of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from surefill.core.fix import OrdStatus, TimeInForce, TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.session import Calendar
from surefill.sim.agenda import Step, StepKind
from surefill.sim.assets import Asset
from surefill.sim.book import Book
from surefill.sim.edge import Edge
from surefill.sim.exchange import Exchange
from surefill.sim.faults import Arm
from surefill.sim.incidents import Bend
from surefill.sim.ledger import Entry, Ledger, Position
from surefill.sim.luld import Bands
from surefill.sim.models import Delay, LatencyModel
from surefill.sim.orders import OrderGroup, VenueOrder
from surefill.sim.records import (
    RecordError,
    Shape,
    from_json,
    read_fields,
    shape_of,
    to_json,
    write_fields,
)
from surefill.sim.requests import UnderWay
from surefill.sim.snapshot_file import Record
from surefill.sim.truth import first_broken_seq
from surefill.sim.types import FillRecord
from surefill.sim.wire import StreamKind

ORDER: Shape = shape_of(VenueOrder, without=frozenset({"group", "successor"}))
"""An order; its group and its pending replacement are named beside it."""
LEDGER: Shape = {
    "account": str,
    "account_id": str,
    "created_ns": int,
    "opening_cash": int,
    "cash": int,
    "fees": int,
    "multiplier": int,
    "blocked": bool,
    "suspended": bool,
    "may_short": bool,
    "may_trade_fractions": bool,
    "last_equity": int,
    "last_maintenance": int,
    "positions": dict[str, Position],
    "releasing_qty": dict[str, int],
}
"""Beside it: ``open_orders`` (symbol -> order ids) and one record per entry."""
BOOK: Shape = {
    "symbol": str,
    "nbbo": Nbbo | None,
    "last_print": Print | None,
    "lastday_px": int | None,
    "status": TradingStatus,
    "bands": tuple[int, int] | None,
    "_taken_qty": dict[int, int],
    "_version": dict[int, int],
    "_refreshing": dict[int, int],
}
"""Beside it: the ids of its orders in order of arrival, and the state of its generator."""
GROUP: Shape = {"armed": bool, "closing": bool}
VENUE: Shape = {
    "seed": int,
    "now_ns": int,
    "calendar": Calendar,
    "bands": dict[str, Bands],
    "bends": dict[str, Bend],
    "_ids": int,
    "_event_seq": int,
}
EDGE: Shape = {"_now_ns": int, "_seq": int, "_minute_ns": int | None}
PLAN: Shape = {"_seed": int, "_serial": int, "counters": dict[str, int]}
ARM: Shape = shape_of(Arm, without=frozenset({"draws"}))
STEP_ARGS: Mapping[StepKind, tuple[Any, ...]] = {
    StepKind.ROUTE: (VenueOrder,),
    StepKind.EXPIRE: (VenueOrder,),
    StepKind.REFRESH: (str, int, int),
    StepKind.CONFIRM_CANCEL: (VenueOrder,),
    StepKind.RELEASE: (VenueOrder, int),
    StepKind.SETTLE_REPLACE: (VenueOrder, VenueOrder),
    StepKind.ARM_GROUP: (OrderGroup,),
    StepKind.END_SIBLING: (VenueOrder, OrdStatus),
    StepKind.TAKE_AUCTION: (VenueOrder,),
    StepKind.BEGIN_AUCTION: (str, TimeInForce),
    StepKind.CROSS_AUCTION: (str, TimeInForce),
    StepKind.LIMIT_STATE_OVER: (str, int),
    StepKind.PAUSE_OVER: (str,),
    StepKind.BUST: (str,),
    StepKind.SPLIT: (str, int, int),
    StepKind.DIVIDEND: (str, int),
    StepKind.LIQUIDATE: (str, int),
    StepKind.END_INCIDENT: (str, str),
}
"""What a step of each kind carries."""

RandomState = tuple[int, tuple[int, ...]]
"""Version of the generator and its words; `Random.gauss` is never used."""


# --- chance -------------------------------------------------------------------------------


def random_json(source: Random) -> object:
    """The state of a generator."""
    version, words, rest = source.getstate()
    assert rest is None, "nothing here draws by gauss()"
    return [version, list(words)]


def restore_random(target: Random, data: object) -> None:
    """Put a generator back into a state."""
    version, words = from_json(RandomState, data)
    try:
        target.setstate((version, words, None))
    except (ValueError, TypeError, OverflowError):
        raise RecordError("not the state of a generator") from None


def _latency_records(name: str, latency: LatencyModel) -> Iterator[Record]:
    for kind, source in latency.sources().items():
        yield "chance", {"of": name, "kind": kind.value, "state": random_json(source)}


# --- writing ------------------------------------------------------------------------------


def records_of(exchange: Exchange, edge: Edge) -> Iterator[Record]:
    """Everything, in the order in which it is read back."""
    venue = exchange.venue
    groups: dict[int, int] = {}
    yield "venue", {**write_fields(VENUE, venue), "next_close_ns": exchange.next_close_ns}
    for asset in venue.assets.all():
        yield "asset", to_json(Asset, asset)
    for order in venue.orders.values():
        group = None
        if order.group is not None:
            group = groups.setdefault(id(order.group), len(groups))
        yield "order", {**write_fields(ORDER, order), "group": group}
    yield from _group_records(exchange)
    for order in venue.orders.values():
        if order.successor is not None:
            ids = {"order_id": order.order_id, "successor": order.successor.order_id}
            yield "replacement", ids
    yield "unsettled", list(venue.unsettled)
    yield "client_ids", [[*key, value] for key, value in venue.cl_ord_ids.items()]
    for ledger in venue.ledgers.values():
        open_orders = {symbol: list(orders) for symbol, orders in ledger.open_orders.items()}
        yield "account", {**write_fields(LEDGER, ledger), "open_orders": open_orders}
        for entry in ledger.entries:
            yield "entry", {"account": ledger.account, "entry": to_json(Entry, entry)}
    for book in venue.books.values():
        more = {"orders": list(book.orders), "chance": random_json(book.chance)}
        yield "book", {**write_fields(BOOK, book), **more}
    for fill in venue.fills.values():
        yield "fill", to_json(FillRecord, fill)
    for line in venue.log.lines:
        yield "truth", line
    waiting, opened = exchange.auctions.state()
    yield "auctions", {"waiting": waiting, "open": to_json(dict[str, set[TimeInForce]], opened)}
    for step in venue.agenda.steps():
        yield "step", _step_json(step, groups)
    yield "steps", {"number": venue.agenda.number}
    yield from _latency_records("venue", venue.latency)
    yield from _edge_records(edge)


def _group_records(exchange: Exchange) -> Iterator[Record]:
    """Groups in the order in which their first member was accepted."""
    seen: set[int] = set()
    for order in exchange.venue.orders.values():
        group = order.group
        if group is None or id(group) in seen:
            continue
        seen.add(id(group))
        members = {
            name: None if member is None else member.order_id
            for name, member in (
                ("entry", group.entry),
                ("target", group.target),
                ("stop", group.stop),
            )
        }
        yield "group", {"kind": group.kind.value, **write_fields(GROUP, group), **members}


def _step_json(step: Step, groups: Mapping[int, int]) -> object:
    def arg(shape: Any, value: Any) -> object:
        if shape is VenueOrder:
            return value.order_id
        return groups[id(value)] if shape is OrderGroup else to_json(shape, value)

    shapes = STEP_ARGS[step.kind]
    args = [arg(shape, value) for shape, value in zip(shapes, step.args, strict=True)]
    return {"at_ns": step.at_ns, "number": step.number, "kind": step.kind.value, "args": args}


def _edge_records(edge: Edge) -> Iterator[Record]:
    refusals = to_json(dict[StreamKind, int], edge.streams.refuse_until_ns)
    yield "edge", {**write_fields(EDGE, edge), "refuse_until_ns": refusals}
    yield "market", {"taken": edge.market_taken, "next_ns": edge.market_next_ns()}
    yield "faults", write_fields(PLAN, edge.faults)
    for arm in edge.faults.arms:
        yield "arm", {**write_fields(ARM, arm), "draws": random_json(arm.draws)}
    for at_ns, seq, what in edge.under_way():
        request = None if what.request is None else edge.face.seal(what.request)
        kept = to_json(UnderWay, UnderWay(request, what.opportunity, what.fault))
        yield "under_way", {"at_ns": at_ns, "seq": seq, "what": kept}
    yield from _latency_records("edge", edge.latency)


# --- reading ------------------------------------------------------------------------------


class Rebuilding:
    """Fills a fresh exchange and edge, record by record, in the order of `records_of`."""

    def __init__(self, exchange: Exchange, edge: Edge) -> None:
        self._exchange = exchange
        self._venue = exchange.venue
        self._edge = edge
        self._groups: list[OrderGroup] = []
        self._group_of: dict[str, int] = {}
        self._steps: list[Step] = []
        self._under_way: list[tuple[int, int, UnderWay]] = []
        self._readers: Mapping[str, Callable[[object], None]] = {
            "venue": self._read_venue,
            "asset": lambda data: self._venue.assets.put(from_json(Asset, data)),
            "order": self._order,
            "group": self._group,
            "replacement": self._replacement,
            "unsettled": self._unsettled,
            "client_ids": self._client_ids,
            "account": self._account,
            "entry": self._entry,
            "book": self._book,
            "fill": self._fill,
            "truth": self._truth,
            "auctions": self._auctions,
            "step": self._step,
            "steps": self._end_of_steps,
            "chance": self._chance,
            "edge": self._read_edge,
            "market": self._market,
            "faults": lambda data: self._set(self._edge.faults, PLAN, data),
            "arm": self._arm,
            "under_way": self._read_under_way,
        }

    def reads(self, kind: str) -> bool:
        """Whether records of this kind are the venue's."""
        return kind in self._readers

    def read(self, kind: str, data: object) -> None:
        """Take in one record."""
        self._readers[kind](data)

    def finish(self) -> None:
        """After the last record: what needs all of them."""
        edge, log = self._edge, self._venue.log
        if self._under_way and max(row[1] for row in self._under_way) > edge.seq:
            raise RecordError("under_way: numbered beyond the edge")
        edge.restore_under_way(self._under_way, edge.seq)
        broken = first_broken_seq(log.lines)
        if broken is not None:
            raise RecordError(f"truth: the chain of hashes breaks at line {broken}")
        if len(self._groups) != len(set(self._group_of.values())):
            raise RecordError("group: not as many as the orders name")
        for name in self._venue.ledgers:
            for wrong in self._exchange.books(name).breaks:
                raise RecordError(f"account: its books do not add up: {wrong}")
        log.resume()

    @staticmethod
    def _set(target: object, shape: Shape, data: object) -> None:
        for name, value in read_fields(shape, data).items():
            setattr(target, name, value)

    def _venue_order(self, order_id: Any) -> VenueOrder:
        return self._venue.orders[from_json(str, order_id)]

    def _read_venue(self, data: object) -> None:
        values = read_fields({**VENUE, "next_close_ns": int}, data)
        self._exchange.next_close_ns = values.pop("next_close_ns")
        for name, value in values.items():
            setattr(self._venue, name, value)

    def _order(self, data: object) -> None:
        values = read_fields({**ORDER, "group": int | None}, data)
        number = values.pop("group")
        order = VenueOrder(**values)
        if not (order.order_qty > 0 and 0 <= order.cum_qty <= order.order_qty):
            raise RecordError("order_qty, cum_qty: no order has such quantities")
        self._venue.orders[order.order_id] = order
        if number is not None:
            self._group_of[order.order_id] = number

    def _group(self, data: object) -> None:
        names = ("entry", "target", "stop")
        shape = {
            **shape_of(OrderGroup, without=frozenset(names)),
            **dict.fromkeys(names, str | None),
        }
        values = read_fields(shape, data)
        for name in names:
            values[name] = self._member(values[name])
        group = OrderGroup(**values)
        for order_id, number in self._group_of.items():
            if number == len(self._groups):
                self._venue.orders[order_id].group = group
        self._groups.append(group)

    def _member(self, order_id: str | None) -> VenueOrder | None:
        return None if order_id is None else self._venue.orders[order_id]

    def _replacement(self, data: object) -> None:
        values = read_fields({"order_id": str, "successor": str}, data)
        order = self._venue_order(values["order_id"])
        order.successor = self._venue_order(values["successor"])

    def _unsettled(self, data: object) -> None:
        ids = from_json(list[str], data)
        self._venue.unsettled = {order_id: self._venue_order(order_id) for order_id in ids}

    def _client_ids(self, data: object) -> None:
        rows = from_json(list[tuple[str, str, str]], data)
        self._venue.cl_ord_ids = {(account, name): order_id for account, name, order_id in rows}

    def _account(self, data: object) -> None:
        values = read_fields({**LEDGER, "open_orders": dict[str, list[str]]}, data)
        open_orders = values.pop("open_orders")
        ledger = Ledger(account="", account_id="", cash_usd=0, multiplier=1, created_ns=0)
        for name, value in values.items():
            setattr(ledger, name, value)
        for symbol, ids in open_orders.items():
            ledger.open_orders[symbol] = {order_id: self._venue_order(order_id) for order_id in ids}
        self._venue.ledgers[ledger.account] = ledger

    def _entry(self, data: object) -> None:
        values = read_fields({"account": str, "entry": Entry}, data)
        self._venue.ledgers[values["account"]].entries.append(values["entry"])

    def _book(self, data: object) -> None:
        values = read_fields({**BOOK, "orders": list[str], "chance": RandomState}, data)
        orders, chance = values.pop("orders"), values.pop("chance")
        book: Book = self._exchange.book(values["symbol"])
        for name, value in values.items():
            setattr(book, name, value)
        book.orders = {order_id: self._venue_order(order_id) for order_id in orders}
        restore_random(book.chance, [chance[0], list(chance[1])])

    def _fill(self, data: object) -> None:
        fill: FillRecord = from_json(FillRecord, data)
        self._venue.fills[fill.exec_id] = fill

    def _truth(self, data: object) -> None:
        line: dict[str, Any] = from_json(dict[str, int | str | bool | None], data)
        self._venue.log.lines.append(line)

    def _auctions(self, data: object) -> None:
        shape = {"waiting": dict[str, list[str]], "open": dict[str, set[TimeInForce]]}
        values = read_fields(shape, data)
        waiting = {
            symbol: [self._venue_order(order_id) for order_id in ids]
            for symbol, ids in values["waiting"].items()
        }
        self._exchange.auctions.restore(waiting, values["open"])

    def _step(self, data: object) -> None:
        shape = {"at_ns": int, "number": int, "kind": StepKind, "args": list[int | str]}
        values = read_fields(shape, data)
        shapes = STEP_ARGS[values["kind"]]
        if len(shapes) != len(values["args"]):
            raise RecordError(f"args: {values['kind']} carries {len(shapes)}")
        args = tuple(
            self._step_arg(shape, arg) for shape, arg in zip(shapes, values["args"], strict=True)
        )
        self._steps.append(Step(values["at_ns"], values["number"], values["kind"], args))

    def _step_arg(self, shape: Any, data: object) -> object:
        if shape is VenueOrder:
            return self._venue_order(data)
        if shape is not OrderGroup:
            return from_json(shape, data)
        number = from_json(int, data)
        if not 0 <= number < len(self._groups):
            raise RecordError(f"no group {number}")
        return self._groups[number]

    def _end_of_steps(self, data: object) -> None:
        self._venue.agenda.restore(self._steps, read_fields({"number": int}, data)["number"])

    def _chance(self, data: object) -> None:
        values = read_fields({"of": str, "kind": Delay, "state": RandomState}, data)
        version, words = values["state"]
        latency = self._edge.latency if values["of"] == "edge" else self._venue.latency
        restore_random(latency.sources()[values["kind"]], [version, list(words)])

    def _read_edge(self, data: object) -> None:
        shape = {**EDGE, "refuse_until_ns": dict[StreamKind, int]}
        values = read_fields(shape, data)
        self._edge.streams.refuse_until_ns = values.pop("refuse_until_ns")
        for name, value in values.items():
            setattr(self._edge, name, value)

    def _market(self, data: object) -> None:
        values = read_fields({"taken": int, "next_ns": int | None}, data)
        is_there = self._edge.skip_market(values["taken"])
        if not is_there or self._edge.market_next_ns() != values["next_ns"]:
            raise RecordError("the market is not the one that was played")

    def _arm(self, data: object) -> None:
        values = read_fields({**ARM, "draws": RandomState}, data)
        version, words = values.pop("draws")
        arm = Arm(draws=Random(0), **values)
        restore_random(arm.draws, [version, list(words)])
        self._edge.faults.arms.append(arm)

    def _read_under_way(self, data: object) -> None:
        values = read_fields({"at_ns": int, "seq": int, "what": UnderWay}, data)
        what: UnderWay = values["what"]
        if what.request is None and what.fault is None:
            raise RecordError("under_way: nothing")
        self._under_way.append((values["at_ns"], values["seq"], what))
