"""The description of the API."""

from __future__ import annotations

import json
import re

from surefill.runtime.result import result_of
from surefill.service.openapi import document
from surefill.service.routes import ROUTES
from tests.support.core import covered_bench


def test_every_route_is_described_and_every_reference_leads_somewhere() -> None:
    described = document()
    found = {
        (method.upper(), path)
        for path, operations in described["paths"].items()
        for method in operations
    }
    assert found == {(one.method, one.path) for one in ROUTES}
    text = json.dumps(described)
    schemas = described["components"]["schemas"]
    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in schemas
    assert described["openapi"] == "3.1.0"


def test_what_a_route_needs_is_said() -> None:
    paths = document()["paths"]
    plan = paths["/v1/plans"]["post"]
    (key,) = plan["parameters"]
    assert (key["name"], key["required"]) == ("Idempotency-Key", True)
    assert plan["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/PlanBody"
    }
    assert document()["components"]["schemas"]["PlanBody"]["additionalProperties"] is False
    names = [one["name"] for one in paths["/v1/events"]["get"]["parameters"]]
    assert names == ["after", "Last-Event-ID"]
    assert paths["/v1/trades/{plan_id}"]["get"]["parameters"][0]["in"] == "path"
    assert "kill-only" in paths["/v1/kill"]["post"]["description"]


def test_the_schema_of_a_trade_is_that_of_a_trade() -> None:
    schema = document()["components"]["schemas"]["Trade"]["properties"]
    row = result_of(covered_bench().trade).to_dict()
    assert set(schema) == set(row)
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "null": type(None)}
    for name, value in row.items():
        allowed = schema[name]["type"]
        names = allowed if isinstance(allowed, list) else [allowed]
        assert type(value) in [kinds[one] for one in names], name
