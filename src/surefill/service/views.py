"""Answers made from what the engine remembers: rows of trades, orders, fills, positions, limits.

What: pure functions from a `Picture` (or the settings) to rows of `schemas`.
Why `result_of` for a trade: the same shape as everywhere else, so that nothing can differ.
Invariants: shares are counted by the fold that covers them; account numbers are masked; credentials
are left out, not starred.
Must never: invent a number; what is not known is null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from surefill.config import Settings
from surefill.core.cover import cover_of
from surefill.core.events import Position
from surefill.core.limits import ROW_OF
from surefill.core.order import ChildOrder
from surefill.core.risk import risk_state
from surefill.core.state import Denial
from surefill.core.trade import Outcome, Trade
from surefill.core.units import to_text
from surefill.runtime.build import rules_build
from surefill.runtime.dry_run import PlanCheck
from surefill.runtime.flat import FlatReport
from surefill.runtime.result import result_of
from surefill.runtime.standing import doubts
from surefill.service.reader import Found, Picture, Pulse
from surefill.service.schemas import (
    FillRow,
    FlatAnswer,
    Health,
    LimitRow,
    OrderRow,
    PlanAnswer,
    PositionRow,
    RefusalRow,
    RowsQuery,
    SettingRow,
    TradesQuery,
)

UNMASKED = 4
HIDDEN_UNITS = "***"


def trade_answer(found: Found) -> dict[str, object]:
    """One trade or denied plan."""
    return result_of(found).to_dict()


def trade_rows(picture: Picture, query: TradesQuery) -> list[dict[str, object]]:
    """Trades, newest change first."""
    rows: list[dict[str, object]] = []
    for one in picture.newest:
        if len(rows) >= query.limit:
            break
        if _is_meant(one, query):
            rows.append(trade_answer(one))
    return rows


def order_rows(picture: Picture, query: RowsQuery) -> list[OrderRow]:
    """Orders of open (or all) trades, newest trade first."""
    found = (_order_row(trade, order) for trade, order in _orders(picture, query))
    return [row for row, _ in zip(found, range(query.limit), strict=False)]


def fill_rows(picture: Picture, query: RowsQuery) -> list[FillRow]:
    """Executions, newest trade first."""
    rows = (row for trade, order in _orders(picture, query) for row in _fill_rows(trade, order))
    return [row for row, _ in zip(rows, range(query.limit), strict=False)]


def position_rows(picture: Picture) -> list[PositionRow]:
    """What is held: ours with its cover, bare ones first, then what is not ours."""
    ours = [_position_row(trade) for trade in picture.open_trades if trade.position_qty]
    ours.sort(key=lambda row: row.uncovered_qty == "0")
    state = picture.state
    foreign = [
        PositionRow(
            symbol=one.symbol,
            plan_id=None,
            position_qty=to_text(one.qty),
            covered_qty=None,
            uncovered_qty=None,
            stop_px=None,
            target_px=None,
        )
        for one in (state.foreign if state is not None else ())
    ]
    return ours + foreign


def foreign_of(picture: Picture, symbol: str) -> Position | None:
    """Shares of a symbol that are not ours, as far as the engine knows."""
    held = picture.state.foreign if picture.state is not None else ()
    return next((one for one in held if one.symbol == symbol), None)


def refusal_rows(picture: Picture) -> list[RefusalRow]:
    """Reasons that kept plans out, most frequent first; a plan with two reasons counts twice."""
    denied: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for one in picture.found.values():
        if isinstance(one, Denial):
            denied.update({reason.code.name for reason in one.reasons})
        elif one.outcome is Outcome.NOT_ENTERED:
            missed.update({reason.code.name for reason in result_of(one).reasons})
    codes = sorted(denied | missed, key=lambda code: (-denied[code] - missed[code], code))
    return [RefusalRow(code=c, denied=denied[c], not_entered=missed[c]) for c in codes]


def setting_rows(settings: Settings) -> list[SettingRow]:
    """Settings without credentials."""
    return [
        SettingRow(
            name=row.name,
            value=row.value,
            default=row.default,
            unit=row.unit,
            meaning=row.meaning,
        )
        for row in settings.describe()
        if row.value != HIDDEN_UNITS and "SECRET" not in row.name and "KEY_ID" not in row.name
    ]


def limit_rows(settings: Settings) -> list[LimitRow]:
    """Limits of an entry, the account's first."""
    return [
        LimitRow(
            name=ROW_OF[one.field].name,
            symbol=one.symbol or None,
            value=ROW_OF[one.field].show(one.value) if one.value else "off",
            unit=ROW_OF[one.field].unit,
            meaning=ROW_OF[one.field].meaning,
        )
        for one in settings.limits
    ]


def health_of(picture: Picture, pulse: Pulse) -> Health:
    """How it stands."""
    trades, state = picture.open_trades, picture.state
    kill, halt = (state.kill, state.halt) if state is not None else (None, None)
    account = state.account.account_id if state is not None and state.account is not None else None
    return Health(
        uncovered_qty=to_text(sum(cover_of(trade).uncovered_qty for trade in trades)),
        in_doubt=sum(doubts(trade) for trade in trades),
        open_trades=len(trades),
        risk_state=risk_state(is_killed=kill is not None, is_halted=halt is not None).value,
        switches=[str(reason) for reason in (kill, halt) if reason is not None],
        engine=pulse.holder,
        heartbeat=pulse.beat.n if pulse.beat is not None else None,
        mode=state.mode.value if state is not None else None,
        is_stream_up=state is not None and state.is_stream_up,
        requests_left=state.requests_left if state is not None else None,
        account=masked(account) if account is not None else None,
        seq=picture.seq,
        build=rules_build(),
    )


def masked(account_id: str) -> str:
    """An account number of which nobody can do more than recognise it."""
    tail = account_id[-UNMASKED:] if len(account_id) > 2 * UNMASKED else ""
    return f"****{tail}"


def flat_answer(report: FlatReport) -> FlatAnswer:
    """What came of a flatten."""
    rows = [
        PositionRow(
            symbol=row.symbol,
            plan_id=row.plan_id,
            position_qty=to_text(row.position_qty),
            covered_qty=to_text(row.covered_qty),
            uncovered_qty=to_text(max(0, row.position_qty - row.covered_qty)),
            stop_px=to_text(row.stop_px),
            target_px=None,
        )
        for row in report.rows
    ]
    return FlatAnswer(
        state=report.state.value,
        uncovered_qty=to_text(report.uncovered_qty),
        trades=rows,
        foreign={one.symbol: to_text(one.qty) for one in report.foreign},
    )


def check_answer(check: PlanCheck) -> PlanAnswer:
    """What would become of a plan."""
    terms = check.terms
    return PlanAnswer(
        is_accepted=check.is_accepted,
        reasons=[{"code": one.code.name, "sentence": one.sentence} for one in check.reasons],
        order_qty=to_text(terms.order_qty) if terms is not None else None,
        worst_px=_px(terms.worst_px if terms is not None else None),
        first_limit_px=_px(terms.first_limit_px if terms is not None else None),
        stop_px=_px(terms.stop_px if terms is not None else None),
        target_px=_px(terms.target_px if terms is not None else None),
    )


def _is_meant(one: Found, query: TradesQuery) -> bool:
    if isinstance(one, Denial):
        kind = "denied"
    else:
        kind = "closed" if one.is_closed else "open"
    if query.state not in ("all", kind):
        return False
    if query.strategy not in (None, one.plan.strategy):
        return False
    return query.symbol in (None, one.plan.symbol)


def _orders(picture: Picture, query: RowsQuery) -> Iterator[tuple[Trade, ChildOrder]]:
    for one in picture.newest:
        if isinstance(one, Denial) or (query.state == "open" and one.is_closed):
            continue
        is_asked = query.symbol in (None, one.symbol) and query.plan_id in (None, one.trade_id)
        if is_asked:
            yield from ((one, order) for order in one.orders)


def _order_row(trade: Trade, order: ChildOrder) -> OrderRow:
    spec = order.spec
    return OrderRow(
        plan_id=trade.trade_id,
        symbol=spec.symbol,
        leg=order.leg.value,
        cl_ord_id=order.key,
        order_id=order.order_id,
        state=order.state.value,
        side=spec.side.value,
        ord_type=spec.ord_type.value,
        tif=spec.tif.value,
        order_qty=to_text(spec.order_qty),
        cum_qty=to_text(order.cum_qty),
        leaves_qty=to_text(order.leaves_qty),
        limit_px=_px(spec.limit_px),
        stop_px=_px(spec.stop_px),
    )


def _fill_rows(trade: Trade, order: ChildOrder) -> Iterable[FillRow]:
    return (
        FillRow(
            plan_id=trade.trade_id,
            symbol=trade.symbol,
            leg=order.leg.value,
            side=order.spec.side.value,
            cl_ord_id=order.key,
            exec_id=fill.exec_id,
            last_qty=to_text(fill.qty),
            last_px=to_text(fill.px),
            venue_ns=fill.venue_ns,
            busted_qty=to_text(fill.busted_qty),
        )
        for fill in order.fills
    )


def _position_row(trade: Trade) -> PositionRow:
    cover, exits = cover_of(trade), trade.wanted_exits()
    return PositionRow(
        symbol=trade.symbol,
        plan_id=trade.trade_id,
        position_qty=to_text(trade.sign * trade.position_qty),
        covered_qty=to_text(cover.covered_qty),
        uncovered_qty=to_text(cover.uncovered_qty),
        stop_px=to_text(exits.stop_px),
        target_px=to_text(exits.target_px),
    )


def _px(nano: int | None) -> str | None:
    return None if nano is None else to_text(nano)
