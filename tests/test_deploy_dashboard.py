"""The Grafana dashboard, without a Grafana: every id once, no panel over another, every query taken by promtool."""

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.metrics import METRICS
from tests.prometheus_server import program

GRAFANA = Path(__file__).resolve().parents[1] / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboard.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel.get("targets", [])]


def test_every_panel_has_an_id_of_its_own_and_says_what_it_shows() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert [panel["title"] for panel in PANELS if panel["type"] != "row" and not panel["description"]] == []


def test_no_panel_lies_over_another_or_outside() -> None:
    def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
        at = panel["gridPos"]
        return {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}

    assert [(one["title"], two["title"]) for one, two in combinations(PANELS, 2) if cells(one) & cells(two)] == []
    assert max(x for panel in PANELS for x, _ in cells(panel)) < 24


def test_promtool_takes_every_query(tmp_path: Path) -> None:
    """A recording rule per query, with Grafana's variables filled in: what promtool takes, Prometheus can answer."""
    tool = program("promtool", "prometheus")
    rules = [{"record": f"query:{i}", "expr": filled_in(expr)} for i, (_, expr) in enumerate(QUERIES)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    said = subprocess.run([tool, "check", "rules", path], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def filled_in(expr: str) -> str:
    text = expr.replace("$__rate_interval", "5m").replace("$study", ".*")
    assert "$" not in text
    return text


@pytest.mark.parametrize(("title", "expr"), QUERIES)
def test_a_query_asks_for_metrics_and_labels_that_vigil_gives(title: str, expr: str) -> None:
    labels_of = {metric.name: set(metric.labels) for metric in METRICS}
    for name, selector in re.findall(r"\b(vigil_\w+)(?:\{(.*?)\})?", expr):
        assert name in labels_of
        assert set(re.findall(r"(\w+)(?:=~|!=|=)", selector)) <= labels_of[name]


def test_the_dashboard_shows_every_metric() -> None:
    shown = {name for _, expr in QUERIES for name in re.findall(r"\bvigil_\w+", expr)}
    assert shown == {metric.name for metric in METRICS}


def test_queries_go_to_the_data_source_that_the_reader_chose() -> None:
    sources = {target["datasource"]["uid"] for panel in PANELS for target in panel.get("targets", [])}
    assert sources == {"${datasource}"}


def test_the_provisioned_folder_is_where_compose_mounts_the_dashboard() -> None:
    provider = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "vigil.yaml").read_text())["providers"][0]
    compose = yaml.safe_load((GRAFANA.parent / "compose.yaml").read_text())
    mounts = [mount.split(":")[1] for mount in compose["services"]["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/vigil.json" in mounts
