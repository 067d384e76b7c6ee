"""Every route of the HTTP API: one table, from which it is served, documented and tested.

What: `Route`, `ROUTES`, and the handlers, each a few lines from a `Call` to an answer.
Invariants: a route names the roles that may use it; nothing changes by GET; what a route takes has
a strict schema; the table is compared with a committed list (tests/service/inventory.txt).
Must never: reach the file system with anything from a path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from surefill.alerts.health import health_of
from surefill.config import Settings
from surefill.core.events import Act
from surefill.core.ids import PLAN_ID_PATTERN
from surefill.runtime.account import journal_path
from surefill.service import metrics, schemas, views
from surefill.service.door import Door
from surefill.service.guard import KILL_PATH
from surefill.service.problems import ApiProblem
from surefill.service.reader import Reader
from surefill.service.tokens import Role

VIEW = frozenset({Role.VIEWER, Role.OPERATOR})
TRADE = frozenset({Role.OPERATOR})
KILL = frozenset({Role.OPERATOR, Role.KILL_ONLY})
EVERYBODY = frozenset(Role)
UNKILL_WORD, FLATTEN_WORD = "UNKILL", "FLATTEN"


@dataclass(frozen=True, slots=True)
class Desk:
    """What handlers work with."""

    settings: Settings
    reader: Reader
    door: Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that may be answered. ``body`` and ``query`` are of the route's schemas."""

    desk: Desk
    role: Role
    name: str
    """From the path: a plan id, or empty."""
    key: str
    """The ``Idempotency-Key``, where the route needs one."""
    body: Any
    query: Any


Handler = Callable[[Call], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. ``handler`` is None where the application itself answers."""

    method: str
    path: str
    roles: frozenset[Role]
    summary: str
    answer: Any
    handler: Handler | None = None
    body: type | None = None
    query: type = schemas.NoQuery
    needs_key: bool = False


async def _health(call: Call) -> object:
    picture = await call.desk.reader.picture()
    return views.health_of(picture, await call.desk.reader.pulse())


async def _trades(call: Call) -> object:
    return views.trade_rows(await call.desk.reader.picture(), call.query)


async def _trade(call: Call) -> object:
    found = await call.desk.reader.find(call.name)
    if found is None:
        raise ApiProblem(404, "TRADE_UNKNOWN", "no trade or plan has this id")
    return views.trade_answer(found)


async def _orders(call: Call) -> object:
    return views.order_rows(await call.desk.reader.picture(), call.query)


async def _fills(call: Call) -> object:
    return views.fill_rows(await call.desk.reader.picture(), call.query)


async def _positions(call: Call) -> object:
    return views.position_rows(await call.desk.reader.picture())


async def _refusals(call: Call) -> object:
    return views.refusal_rows(await call.desk.reader.picture())


async def _limits(call: Call) -> object:
    return views.limit_rows(call.desk.settings)


async def _settings(call: Call) -> object:
    return views.setting_rows(call.desk.settings)


async def _metrics(call: Call) -> object:
    picture, pulse = await call.desk.reader.picture(), await call.desk.reader.pulse()
    channels = await asyncio.to_thread(health_of, journal_path(call.desk.settings))
    return metrics.exposition(picture, pulse, channels)


async def _submit(call: Call) -> object:
    plan = schemas.plan_of(call.body, call.key)
    result = await call.desk.door.submit(plan, wait_s=call.body.wait_s)
    return result.to_dict()


async def _check(call: Call) -> object:
    plan = schemas.plan_of(call.body, call.body.plan_id or "check")
    return views.check_answer(await call.desk.door.check(plan))


async def _reduce(call: Call) -> object:
    body: schemas.ReduceBody = call.body
    door = call.desk.door
    result = await door.reduce(call.name, body.quantity, body.why, key=call.key, wait_s=body.wait_s)
    return result.to_dict()


async def _tighten(call: Call) -> object:
    body: schemas.TightenBody = call.body
    result = await call.desk.door.tighten(call.name, body.stop, body.why, wait_s=body.wait_s)
    return result.to_dict()


async def _adopt(call: Call) -> object:
    known = await call.desk.reader.find(call.key)
    held = views.foreign_of(await call.desk.reader.picture(), call.body.symbol)
    plan_before = known.plan if known is not None else None
    plan = schemas.adoption_of(call.body, call.key, held=held, known=plan_before)
    return (await call.desk.door.adopt(plan, wait_s=call.body.wait_s)).to_dict()


async def _flatten_trade(call: Call) -> object:
    report = await call.desk.door.flatten(call.name, call.body.why, wait_s=call.body.wait_s)
    return views.flat_answer(report)


async def _flatten(call: Call) -> object:
    body: schemas.FlattenBody = call.body
    if body.symbol is None and body.confirm != FLATTEN_WORD:
        sentence = f"this closes every trade: say so with confirm = {FLATTEN_WORD}"
        raise ApiProblem(403, "NOT_CONFIRMED", sentence)
    report = await call.desk.door.flatten(body.symbol or "", body.why, wait_s=body.wait_s)
    return views.flat_answer(report)


async def _unkill(call: Call) -> object:
    if call.body.confirm != UNKILL_WORD:
        sentence = f"new risk is a person's decision: say so with confirm = {UNKILL_WORD}"
        raise ApiProblem(403, "NOT_CONFIRMED", sentence)
    return await _recorded(call, Act.UNKILL)


async def _cancel_entry(call: Call) -> object:
    if await call.desk.reader.find(call.name) is None:
        raise ApiProblem(404, "TRADE_UNKNOWN", "no trade or plan has this id")
    return await _recorded(call, Act.CANCEL_ENTRY)


def _act(act: Act) -> Handler:
    async def handler(call: Call) -> object:
        return await _recorded(call, act)

    return handler


async def _recorded(call: Call, act: Act) -> schemas.Recorded:
    by = await call.desk.door.act(call.role, act, target=call.name, why=call.body.why)
    return schemas.Recorded(act=act.value, by=by)


def plan_id_of(text: str) -> str:
    """A plan id from a path or a header. Raises `ApiProblem`."""
    if not PLAN_ID_PATTERN.fullmatch(text):
        sentence = "an id has 1 to 64 letters, digits or . _ : -"
        raise ApiProblem(422, "ID_INVALID", sentence)
    return text


def _get(path: str, summary: str, *, handler: Handler | None, **more: Any) -> Route:
    more = {"roles": VIEW, **more}
    return Route(method="GET", path=path, summary=summary, handler=handler, **more)


def _post(path: str, summary: str, *, handler: Handler, **more: Any) -> Route:
    more = {"roles": TRADE, "body": schemas.WhyBody, **more}
    return Route(method="POST", path=path, summary=summary, handler=handler, **more)


TRADE_ANSWER = "Trade"
"""The schema of `TradeResult.to_dict`, made in `openapi`."""
ONE = "/v1/trades/{plan_id}"
ROUTES = (
    _get("/v1/health", "How it stands", answer=schemas.Health, handler=_health, roles=EVERYBODY),
    _get("/v1/trades", "Trades", answer=[TRADE_ANSWER], handler=_trades, query=schemas.TradesQuery),
    _get(ONE, "One trade or denied plan", answer=TRADE_ANSWER, handler=_trade),
    _get(
        "/v1/orders",
        "Orders",
        answer=list[schemas.OrderRow],
        handler=_orders,
        query=schemas.RowsQuery,
    ),
    _get(
        "/v1/fills",
        "Executions",
        answer=list[schemas.FillRow],
        handler=_fills,
        query=schemas.RowsQuery,
    ),
    _get(
        "/v1/positions",
        "What is held, bare first",
        answer=list[schemas.PositionRow],
        handler=_positions,
    ),
    _get(
        "/v1/refusals", "Why plans were refused", answer=list[schemas.RefusalRow], handler=_refusals
    ),
    _get("/v1/limits", "Limits of an entry", answer=list[schemas.LimitRow], handler=_limits),
    _get(
        "/v1/settings",
        "Settings, without secrets",
        answer=list[schemas.SettingRow],
        handler=_settings,
    ),
    _get(
        "/v1/events", "What is recorded, live", answer=None, handler=None, query=schemas.EventsQuery
    ),
    _get("/metrics", "For Prometheus", answer=None, handler=_metrics),
    _get("/v1/openapi.json", "This description", answer=None, handler=None),
    _post(
        "/v1/plans",
        "Submit a plan",
        answer=TRADE_ANSWER,
        handler=_submit,
        body=schemas.PlanBody,
        needs_key=True,
    ),
    _post(
        "/v1/plans/check",
        "What would become of a plan; nothing is sent",
        answer=schemas.PlanAnswer,
        handler=_check,
        body=schemas.PlanBody,
    ),
    _post(
        f"{ONE}/reduce",
        "Close so many shares; the rest stays covered",
        answer=TRADE_ANSWER,
        handler=_reduce,
        body=schemas.ReduceBody,
        needs_key=True,
    ),
    _post(
        f"{ONE}/flatten",
        "Close this trade",
        answer=schemas.FlatAnswer,
        handler=_flatten_trade,
        body=schemas.FlattenTradeBody,
    ),
    _post(
        f"{ONE}/tighten",
        "Move its stop nearer; a stop only tightens",
        answer=TRADE_ANSWER,
        handler=_tighten,
        body=schemas.TightenBody,
    ),
    _post(
        "/v1/adopt",
        "Cover shares that are there but not ours",
        answer=TRADE_ANSWER,
        handler=_adopt,
        body=schemas.AdoptBody,
        needs_key=True,
    ),
    _post(f"{ONE}/cancel-entry", "End its entry", answer=schemas.Recorded, handler=_cancel_entry),
    _post(
        "/v1/flatten",
        "Close a symbol, or everything",
        answer=schemas.FlatAnswer,
        handler=_flatten,
        body=schemas.FlattenBody,
    ),
    _post(
        "/v1/halt", "Reduce only: no new entries", answer=schemas.Recorded, handler=_act(Act.HALT)
    ),
    _post(
        "/v1/resume",
        "Entries again, after a halt",
        answer=schemas.Recorded,
        handler=_act(Act.RESUME),
    ),
    _post(
        KILL_PATH, "The kill switch", answer=schemas.Recorded, handler=_act(Act.KILL), roles=KILL
    ),
    _post(
        "/v1/unkill",
        "Take the kill switch back",
        answer=schemas.Recorded,
        handler=_unkill,
        body=schemas.UnkillBody,
    ),
)
