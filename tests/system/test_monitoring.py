"""What is shipped for Prometheus and Grafana fits the metrics that there are, by Prometheus' own
checker and by their names."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from surefill.alerts.health import ChannelHealth
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Denial, EngineState, Mode
from surefill.runtime.heartbeat import Beat
from surefill.service.metrics import exposition
from surefill.service.reader import Picture, Pulse
from tests.support.core import covered_bench
from tests.support.promtool import promtool
from tests.support.workplace import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
PAGE = ROOT / "docs" / "monitoring.md"
NAME = re.compile(r"\bsurefill_\w+")
COLUMNS = 24


def every_metric() -> dict[str, set[str]]:
    """Sample name -> names of its labels, of an engine of which everything is known."""
    trade = covered_bench().trade
    reasons = (Reason.of(ReasonCode.RR_BELOW_MIN),)
    denial = Denial(plan=trade.plan, is_legacy=False, reasons=reasons, at_ns=1)
    state = EngineState(mode=Mode.READY, is_stream_up=True, requests_left=180)
    picture = Picture(7, {"p1": trade, "d1": denial}, state)
    channels = {"engine": {"desk": ChannelHealth()}}
    text = exposition(picture, Pulse("somebody", Beat(1, 1, False)), channels).decode()
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(surefill_\w+?)(?:\{(.*?)\})? ", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
    return found


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GRAFANA / "surefill.json").read_text(encoding="utf-8"))
    return found


def panel_expressions() -> Iterator[tuple[str, str]]:
    """(title, expression) of the dashboard."""
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def rules() -> list[dict[str, Any]]:
    text = (PROMETHEUS / "surefill.rules.yml").read_text(encoding="utf-8")
    (group,) = yaml.safe_load(text)["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def run(*words: str, folder: Path) -> str:
    """promtool's words; it must be content."""
    done = subprocess.run(
        [promtool(), *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_name_and_label_in_rules_and_panels_is_one_that_is_exposed() -> None:
    known = every_metric()
    expressions = [*panel_expressions(), *((rule["alert"], rule["expr"]) for rule in rules())]
    assert len(expressions) > 20
    for title, expression in expressions:
        metrics = NAME.findall(re.sub(r"\{.*?\}", "", expression))
        assert metrics or "up{" in expression, title
        assert set(metrics) <= known.keys(), title
        for name, labels in re.findall(r"(surefill_\w+)\{(.*?)\}", expression):
            assert set(re.findall(r"(\w+)=", labels)) <= known[name], title
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            (name, *_) = NAME.findall(target["expr"])
            assert shown <= known[name], panel["title"]


def test_every_metric_is_shown_and_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = " ".join(expression for _, expression in panel_expressions())
    for name in every_metric():
        assert name in shown, f"{name} is in no panel"
        assert f"`{name}`" in page, f"{name} is not documented"
    assert set(re.findall(r"`(surefill_\w+)`", page)) <= every_metric().keys()


def test_promtool_takes_the_rules_and_sees_each_of_them_fire() -> None:
    assert "10 rules found" in run("check", "rules", "surefill.rules.yml", folder=PROMETHEUS)
    assert "SUCCESS" in run("test", "rules", "surefill.rules.test.yml", folder=PROMETHEUS)
    tested = (PROMETHEUS / "surefill.rules.test.yml").read_text(encoding="utf-8")
    assert [rule["alert"] for rule in rules() if rule["alert"] not in tested] == []


def test_promtool_takes_every_expression_of_the_dashboard_and_the_scrape(tmp_path: Path) -> None:
    rows = [
        {"record": f"panel:{n}", "expr": expression.replace("$__rate_interval", "1m")}
        for n, (_, expression) in enumerate(panel_expressions())
    ]
    made = {"groups": [{"name": "panels", "rules": rows}]}
    (tmp_path / "panels.yml").write_text(yaml.safe_dump(made))
    assert f"{len(rows)} rules found" in run("check", "rules", "panels.yml", folder=tmp_path)
    for name in ("prometheus.yml", "surefill.rules.yml"):
        (tmp_path / name).write_text((PROMETHEUS / name).read_text(encoding="utf-8"))
    (tmp_path / "surefill.token").write_text("0" * 64)
    assert "SUCCESS" in run("check", "config", "prometheus.yml", folder=tmp_path)


def test_every_rule_links_to_a_runbook_that_is_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    anchors = {
        f"docs/monitoring.md#{name.lower()}" for name in re.findall(r"^### (\w+)", page, re.M)
    }
    for rule in rules():
        assert rule["annotations"]["runbook"] in anchors, rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_links_of_panels_lead_somewhere() -> None:
    for panel in dashboard()["panels"]:
        for page, anchor in re.findall(r"(docs/\w+\.md)(?:#(\w+))?", panel["description"]):
            text = (ROOT / page).read_text(encoding="utf-8")
            assert re.search(rf"^## {anchor.upper()}$", text, re.M) or not anchor, panel["title"]


def test_the_panels_fit_side_by_side() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    assert all(panel["datasource"]["uid"] == "${source}" for panel in panels)


@pytest.mark.parametrize("name", ["datasources.yml", "dashboards.yml"])
def test_the_provisioning_files_are_of_the_version_that_grafana_reads(name: str) -> None:
    found = yaml.safe_load((GRAFANA / "provisioning" / name).read_text(encoding="utf-8"))
    assert found["apiVersion"] == 1
