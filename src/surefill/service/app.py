"""The HTTP API as an ASGI application: the guard, the routes, the feed.

What: `application`. Why so little: the guard decides who, the table what, the handlers how.
Invariants: a role that a route does not name is refused before its body is looked at; every answer
is JSON or the feed; an unknown path or method is a coded answer.
Must never: answer with a traceback, or begin anything for a request that does not fit its schema.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route as Served

from surefill.core.plan import PlanError
from surefill.ports import JournalError
from surefill.service.feed import LISTENERS_MAX, stream
from surefill.service.guard import BODY, IS_CURRENT, ROLE, Guard, Names
from surefill.service.openapi import document
from surefill.service.pacing import NowNs
from surefill.service.problems import ApiProblem, problem_of
from surefill.service.routes import ROUTES, Call, Desk, Route, plan_id_of
from surefill.service.schemas import EventsQuery, read, read_query
from surefill.service.tokens import Role, TokenFile

JSON = "application/json"
METRICS = "text/plain; version=0.0.4"
Endpoint = Callable[[Request], Awaitable[Response]]


def application(desk: Desk, *, tokens: TokenFile, names: Names, now_ns: NowNs) -> Guard:
    """The whole of it; closes the desk at its end."""
    api = _Api(desk)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await desk.door.close()
            await desk.reader.close()

    app = Starlette(
        routes=[Served(one.path, api.endpoint(one), methods=[one.method]) for one in ROUTES],
        lifespan=lifespan,
        exception_handlers={
            HTTPException: _http_problem,
            ApiProblem: _api_problem,
            JournalError: _engine_problem,
            PlanError: _engine_problem,
            500: _bug,
        },
    )
    app.router.redirect_slashes = False
    return Guard(app, tokens=tokens, names=names, now_ns=now_ns)


class _Api:
    """Routes as Starlette calls them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._document = msgspec.json.encode(document())
        self._listeners = 0

    def endpoint(self, route: Route) -> Endpoint:
        """Check role, key, query and body of a route; then do it."""

        async def endpoint(request: Request) -> Response:
            role: Role = request.scope[ROLE]
            if role not in route.roles:
                raise ApiProblem(403, "ROLE_REFUSED", f"the role {role} may not do this")
            query: Any = read_query(request.query_params.multi_items(), route.query)
            if route.path == "/v1/events":
                return await self._feed(request, query)
            if route.handler is None:
                return Response(self._document, media_type=JSON)
            call = Call(
                desk=self._desk,
                role=role,
                name=_name(request),
                key=_key(request, route),
                body=None if route.body is None else read(request.scope[BODY], route.body),
                query=query,
            )
            return _done(await route.handler(call))

        return endpoint

    async def _feed(self, request: Request, query: EventsQuery) -> Response:
        if self._listeners >= LISTENERS_MAX:
            later = (("retry-after", "5"),)
            sentence = f"{LISTENERS_MAX} listeners are connected"
            raise ApiProblem(503, "LISTENERS_FULL", sentence, headers=later)
        after = query.after
        last = request.headers.get("last-event-id")
        if last is not None:
            if not (last.isascii() and last.isdecimal() and len(last) < 19):
                raise ApiProblem(422, "EVENT_ID_INVALID", "Last-Event-ID is a record's number")
            after = int(last)
        head = await self._desk.reader.head()
        if after is not None and after > head:
            sentence = f"the last record is {head}: this is another journal; begin at 0"
            raise ApiProblem(409, "EVENT_ID_AHEAD", sentence)

        async def counted() -> AsyncIterator[bytes]:
            self._listeners += 1
            try:
                async for text in stream(self._desk.reader, head if after is None else after):
                    if not request.scope[IS_CURRENT]():
                        return  # rotated: who has the new one comes back and misses nothing
                    yield text
            finally:
                self._listeners -= 1

        return StreamingResponse(counted(), media_type="text/event-stream")


def _name(request: Request) -> str:
    found = request.path_params.get("plan_id")
    return "" if found is None else plan_id_of(found)


def _key(request: Request, route: Route) -> str:
    if not route.needs_key:
        return ""
    found = request.headers.get("idempotency-key")
    if found is None:
        sentence = "send an Idempotency-Key: the same again gives the first result"
        raise ApiProblem(428, "KEY_MISSING", sentence)
    return plan_id_of(found)


def _done(value: object) -> Response:
    """JSON, or a text for Prometheus as it is."""
    if isinstance(value, bytes):
        return Response(value, media_type=METRICS)
    return Response(msgspec.json.encode(value), media_type=JSON)


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "PATH_UNKNOWN", 405: "METHOD_UNKNOWN"}.get(error.status_code, "REQUEST_INVALID")
    problem = ApiProblem(error.status_code, code, "see /v1/openapi.json")
    return _answer(problem, dict(error.headers or {}))


async def _api_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiProblem)
    return _answer(error, dict(error.headers))


async def _engine_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, JournalError | PlanError)
    return _answer(problem_of(error), {})


async def _bug(_: Request, error: Exception) -> Response:
    """Starlette raises it again after this answer, and uvicorn logs it."""
    sentence = f"a bug of ours ({type(error).__name__}); the engine goes on"
    return _answer(ApiProblem(500, "BUG", sentence), {})


def _answer(problem: ApiProblem, headers: dict[str, Any]) -> Response:
    return Response(problem.body(), problem.status, headers=headers, media_type=JSON)
