"""The broker of the core bench: its own book of orders, executions and positions.

It decides nothing by itself: a test says what the venue does, the book keeps the sums right and the
siblings together, and reads are answered from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from surefill.core.commands import (
    Command,
    OrderSpec,
    QueryFills,
    QueryOrder,
    QueryOrders,
    QueryPositions,
)
from surefill.core.events import (
    Accepted,
    AccountRead,
    Answer,
    Event,
    ExecutionReport,
    FillsRead,
    InDoubt,
    OrdersRead,
    Position,
    PositionsRead,
    ReadFailed,
    Rejected,
    RequestAnswered,
    Verb,
)
from surefill.core.fix import (
    Contingency,
    ExecType,
    Leg,
    OrdStatus,
    OrdType,
    Side,
)
from surefill.core.units import CENT, NANO, to_text
from tests.support.core_world import ACCOUNT, MS, SYMBOL, Kind


@dataclass
class Row:
    """One order in the broker's book. Quantities 1e-9 share, ``cost`` 1e-18 USD."""

    name: str
    order_id: str
    cl_ord_id: str
    spec: OrderSpec
    status: OrdStatus
    submitted_ns: int
    cum_qty: int = 0
    cost: int = 0
    working: bool = True
    replaces: str | None = None
    replaced_by: str | None = None
    carried_qty: int = 0
    legs: list[Row] = field(default_factory=list)


class Venue:
    """Orders, executions and positions of one account. ``now`` is the bench's time."""

    def __init__(self, side: str, start_ns: int) -> None:
        self.side = Side.BUY if side == "buy" else Side.SELL_SHORT
        self.sign = self.side.sign
        self.now = start_ns
        self.rows: dict[str, Row] = {}
        self.history: list[ExecutionReport] = []
        self.foreign_qty = 0
        self.reads = True
        self._ids = 0

    def at(self, cents: int) -> int:
        """Price ``cents`` beyond the signal in the trade's direction, 1e-9 USD."""
        return 100 * NANO + self.sign * cents * CENT

    def px(self, cents: int) -> str:
        """The same as text."""
        return to_text(self.at(cents))

    def _row(self, name: str, cl_ord_id: str, spec: OrderSpec, status: OrdStatus) -> Row:
        self._ids += 1
        row = Row(name, f"id{self._ids}", cl_ord_id, spec, status, self.now)
        self.rows[name] = row
        return row

    def _leg(self, parent: Row, word: str) -> Row:
        spec, is_stop = parent.spec, word == "stop"
        name = f"{parent.name}.{word}"
        side = spec.side.exit_side if spec.contingency is Contingency.BRACKET else spec.side
        leg_spec = replace(
            spec,
            leg=Leg.STOP if is_stop else Leg.TARGET,
            cl_ord_id=f"broker-{name}",
            side=side,
            ord_type=OrdType.STOP if is_stop else OrdType.LIMIT,
            limit_px=None if is_stop else spec.take_profit_px,
            stop_px=spec.stop_loss_px if is_stop else None,
        )
        row = self._row(name, leg_spec.cl_ord_id, leg_spec, OrdStatus.NEW)
        row.working = False
        return row

    def report(
        self, row: Row, exec_type: ExecType = ExecType.ORDER_STATUS, **more: object
    ) -> ExecutionReport:
        """What the broker would say of an order now."""
        avg_px = row.cost // row.cum_qty if row.cum_qty else None
        report = ExecutionReport(
            exec_type=exec_type,
            ord_status=row.status,
            order_id=row.order_id,
            cl_ord_id=row.cl_ord_id,
            symbol=SYMBOL,
            side=row.spec.side,
            ord_type=row.spec.ord_type,
            tif=row.spec.tif,
            order_qty=row.spec.order_qty,
            cum_qty=row.cum_qty,
            venue_ns=self.now - 10 * MS,
            recv_ns=self.now,
            avg_px=avg_px,
            limit_px=row.spec.limit_px,
            stop_px=row.spec.stop_px,
            contingency=row.spec.contingency,
            working=row.working,
            submitted_ns=row.submitted_ns,
            replaces=row.replaces,
            replaced_by=row.replaced_by,
            legs=tuple(self.report(leg) for leg in row.legs)
            if exec_type is ExecType.ORDER_STATUS
            else (),
        )
        return replace(report, **more)  # type: ignore[arg-type]

    def executes(
        self, name: str, qty: int, cents: int | None = None, *, px: int | None = None
    ) -> ExecutionReport:
        """The venue executes ``qty`` shares; nobody has been told yet. Without ``cents`` or ``px``
        (1e-9 USD) at the order's own limit. Siblings shrink or end as Alpaca's do."""
        row = self.rows[name]
        if px is None:
            px = row.spec.limit_px if cents is None else self.at(cents)
        assert px is not None, f"{name} has no limit: say a price"
        row.cum_qty += qty * NANO
        row.cost += qty * NANO * px
        is_done = row.cum_qty + row.carried_qty == row.spec.order_qty
        row.status = OrdStatus.FILLED if is_done else OrdStatus.PARTIALLY_FILLED
        for leg in row.legs:
            if row.spec.contingency is Contingency.BRACKET and is_done:
                leg.working = leg.spec.ord_type is OrdType.LIMIT
        report = self.report(
            row,
            ExecType.TRADE,
            exec_id=f"x{len(self.history) + 1}",
            last_qty=qty * NANO,
            last_px=px,
        )
        self.history.append(report)
        if is_done and row.spec.leg is not Leg.ENTRY:
            for other in self.group_of(name):
                if other.spec.leg is not Leg.ENTRY and not other.status.is_terminal:
                    other.status = OrdStatus.CANCELED  # without an event, as Alpaca's (B-06)
        return report

    def ends(self, name: str, status: OrdStatus = OrdStatus.CANCELED) -> None:
        """The order is over at the venue; nobody has been told yet. Groups end together."""
        row = self.rows[name]
        row.status = status
        for other in self.group_of(name):
            if other is not row and not other.status.is_terminal:
                other.status = OrdStatus.CANCELED

    def group_of(self, name: str) -> list[Row]:
        """An order's parent, siblings and replacements, the order itself among them."""
        family = {name}
        while True:
            roots = {member.partition(".")[0] for member in family}
            ids = {self.rows[member].order_id for member in family}
            older = {self.rows[member].replaces for member in family}
            grown = {
                other
                for other, row in self.rows.items()
                if other.partition(".")[0] in roots or row.replaces in ids or row.order_id in older
            }
            if grown <= family:
                return [row for other, row in self.rows.items() if other in family]
            family |= grown

    def _put_in_place(self, old: Row, new: str, spec: OrderSpec) -> Row:
        row = self._row(new, spec.cl_ord_id, spec, OrdStatus.NEW)
        row.replaces, row.working, row.carried_qty = old.order_id, old.working, old.cum_qty
        old.status, old.replaced_by = OrdStatus.REPLACED, row.order_id
        for parent in self.rows.values():
            parent.legs = [row if leg is old else leg for leg in parent.legs]
        return row

    def position(self) -> int:
        """Signed whole shares in the account."""
        ours = sum(row.spec.side.sign * row.cum_qty for row in self.rows.values())
        return ours // NANO + self.foreign_qty

    def positions(self) -> tuple[Position, ...]:
        """The account's holdings."""
        qty = self.position()
        return (Position(SYMBOL, qty * NANO),) if qty else ()

    def _read(self, command: Command, sent_ns: int) -> Event:
        """A complete answer from the broker's truth, or a failed one."""
        if not self.reads:
            if isinstance(command, QueryOrder):
                failed: Answer = InDoubt("read failed")
                return RequestAnswered(
                    command.trade_id, Verb.QUERY, command.cl_ord_id, failed, sent_ns, self.now
                )
            return ReadFailed(type(command).__name__, "500", self.now)
        match command:
            case QueryOrder(trade_id, key, order_id):
                row = next(
                    (
                        r
                        for r in self.rows.values()
                        if (r.order_id == order_id if order_id else r.cl_ord_id == key)
                    ),
                    None,
                )
                answer: Answer = Rejected(Kind.NOT_FOUND, "order not found")
                if row is not None:
                    answer = Accepted(self.report(row))
                return RequestAnswered(trade_id, Verb.QUERY, key, answer, sent_ns, self.now)
            case QueryOrders(after_ns):
                children = {leg.order_id for row in self.rows.values() for leg in row.legs}
                tops = [
                    self.report(row)
                    for row in self.rows.values()
                    if row.order_id not in children and row.submitted_ns > after_ns
                ]
                return OrdersRead(tuple(tops), after_ns, sent_ns, self.now)
            case QueryFills(after_ns):
                return FillsRead(tuple(self.history), after_ns, sent_ns, self.now)
            case QueryPositions():
                return PositionsRead(self.positions(), sent_ns, self.now)
            case _:
                return AccountRead(ACCOUNT, self.now)
