"""The OpenAPI document, made from the route table and the schemas: it cannot lag behind.

What: `document`. Why by msgspec: the very types that decode a request describe it.
Invariants: every route with its roles, its body, its query, its answer and the shape of an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import msgspec

from surefill import __version__
from surefill.runtime.result import TradeResult
from surefill.service.routes import ROUTES, TRADE_ANSWER, Route

TEXTS = {"/v1/events": "text/event-stream", "/metrics": "text/plain"}
"""Routes that do not answer with JSON."""
REF = "#/components/schemas/{name}"
TEXT_OR_NULL = {"type": ["string", "null"]}
REASON = {
    "type": "object",
    "properties": {
        "code": {"type": "string"},
        "sentence": {"type": "string"},
        "context": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
PROBLEM = {
    "type": "object",
    "required": ["code", "sentence", "problems"],
    "properties": {
        "code": {"type": "string", "description": "to branch on"},
        "sentence": {"type": "string", "description": "to read"},
        "problems": {"type": "array", "items": {"$ref": REF.format(name="Reason")}},
    },
}


def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    bodies = [route.body for route in ROUTES if route.body is not None]
    answers = [route.answer for route in ROUTES if not _is_trade(route.answer)]
    kinds = [*bodies, *(kind for kind in answers if kind is not None)]
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Surefill", "version": __version__},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas
            | {TRADE_ANSWER: _trade_schema(), "Reason": REASON, "Problem": PROBLEM},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    roles = ", ".join(sorted(role.value for role in route.roles))
    answer = {"description": "done", "content": _content(route)}
    problem = {"schema": {"$ref": REF.format(name="Problem")}}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "description": f"Roles: {roles}.",
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": {
            "200": answer,
            "default": {"description": "not done", "content": {"application/json": problem}},
        },
    }
    if route.body is not None:
        schema = {"$ref": REF.format(name=route.body.__name__)}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _content(route: Route) -> dict[str, Any]:
    if route.path in TEXTS:
        return {TEXTS[route.path]: {"schema": {"type": "string"}}}
    return {"application/json": {"schema": _answer_schema(route.answer)}}


def _answer_schema(answer: Any) -> dict[str, Any]:
    trade = {"$ref": REF.format(name=TRADE_ANSWER)}
    if answer is None:
        return {"type": "object"}
    if _is_trade(answer):
        return trade if answer == TRADE_ANSWER else {"type": "array", "items": trade}
    (schema,), _ = msgspec.json.schema_components([answer], ref_template=REF)
    return dict(schema)


def _is_trade(answer: Any) -> bool:
    return answer in (TRADE_ANSWER, [TRADE_ANSWER])


def _path_parameters(route: Route) -> Iterable[dict[str, Any]]:
    if "{plan_id}" in route.path:
        yield _parameter("plan_id", "path", {"type": "string"}, is_required=True)


def _query_parameters(route: Route) -> Iterable[dict[str, Any]]:
    (_,), found = msgspec.json.schema_components([route.query])
    for name, schema in found[route.query.__name__].get("properties", {}).items():
        yield _parameter(name, "query", schema, is_required=False)


def _headers(route: Route) -> Iterable[dict[str, Any]]:
    if route.needs_key:
        schema = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"}
        yield _parameter("Idempotency-Key", "header", schema, is_required=True)
    if route.path == "/v1/events":
        yield _parameter("Last-Event-ID", "header", {"type": "integer"}, is_required=False)


def _parameter(
    name: str, where: str, schema: dict[str, Any], *, is_required: bool
) -> dict[str, Any]:
    return {"name": name, "in": where, "required": is_required, "schema": schema}


def _trade_schema() -> dict[str, Any]:
    hints = get_type_hints(TradeResult)
    properties = {field.name: _field_schema(field.name, hints) for field in fields(TradeResult)}
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _field_schema(name: str, hints: dict[str, Any]) -> dict[str, Any]:
    hint = hints[name]
    if name in ("reasons", "notes"):
        return {"type": "array", "items": {"$ref": REF.format(name="Reason")}}
    if name == "orders":
        return {"type": "array", "items": {"type": "object"}}
    if name in ("alarms", "targets_px"):
        return {"type": "array", "items": {"type": "string"}}
    if hint is bool:
        return {"type": "boolean"}
    if name.endswith("_ns"):
        return {"type": ["integer", "null"] if type(None) in get_args(hint) else "integer"}
    return TEXT_OR_NULL if type(None) in get_args(hint) else {"type": "string"}
