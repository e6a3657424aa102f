"""The Prometheus rules: taken by promtool, each shown to fire and not to fire, each with its page in the RUNBOOK."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.metrics import METRICS
from rules.hit import Urgency
from tests.prometheus_server import program

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
FOLDER = DEPLOY / "prometheus"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "vigil.rules.yml").read_text())["groups"] for rule in group["rules"]
]
NAMES = [rule["alert"] for rule in RULES]


def promtool(*arguments: str) -> None:
    tool = program("promtool", "prometheus")
    said = subprocess.run([tool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def test_promtool_takes_the_rules() -> None:
    promtool("check", "rules", "--lint-fatal", "vigil.rules.yml")


def test_promtool_takes_the_scrape_settings() -> None:
    promtool("check", "config", "--lint-fatal", "prometheus.yml")


def test_the_histories_hold() -> None:
    promtool("test", "rules", "vigil.rules.test.yml")


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_is_shown_to_fire_and_not_to_fire(name: str) -> None:
    cases = yaml.safe_load((FOLDER / "vigil.rules.test.yml").read_text())["tests"]
    shown = [
        bool(case["exp_alerts"]) for test in cases for case in test["alert_rule_test"] if case["alertname"] == name
    ]
    assert set(shown) == {True, False}


def test_names_are_given_once() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_a_rule_says_how_fast_and_who_must_look(rule: dict[str, Any]) -> None:
    assert rule["labels"].keys() == {"urgency", "audience"}
    assert rule["labels"]["urgency"] in set(Urgency)
    assert rule["labels"]["audience"] in {"officer", "operator"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_a_rule_has_its_page_in_the_runbook(rule: dict[str, Any]) -> None:
    pages = re.findall(r"^### (\w+)$", (DEPLOY / "RUNBOOK.md").read_text(), re.MULTILINE)
    assert rule["alert"] in pages
    assert rule["annotations"]["runbook"] == f"RUNBOOK.md#{rule['alert'].lower()}"


def test_the_runbook_has_no_page_for_a_rule_that_is_gone() -> None:
    pages = re.findall(r"^### (Vigil\w+)$", (DEPLOY / "RUNBOOK.md").read_text(), re.MULTILINE)
    assert sorted(pages) == sorted(NAMES)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_a_rule_asks_for_metrics_that_vigil_gives(rule: dict[str, Any]) -> None:
    asked = set(re.findall(r"\bvigil_\w+", rule["expr"]))
    assert asked <= {metric.name for metric in METRICS}
