"""The README is held to the code: what it names exists, and what exists is named."""

import re
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from alerts import tables
from alerts.decide import Action
from monitor.cli import app
from monitor.cli.exits import MEANING
from monitor.metrics import METRICS
from rules.ctcae.criteria import coverage
from rules.kinds import KINDS
from rules.rulebook import load_rulebook

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def cells(heading: str, column: int = 0) -> list[str]:
    """Return one column of the table under a heading."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [row[column].strip() for row in rows[2:]]


def test_every_metric_is_listed_as_it_is():
    listed = [tuple(row) for row in zip(*(cells("Metrics", column) for column in range(4)), strict=True)]
    labels = [", ".join(metric.labels) for metric in METRICS]
    assert listed == [(f"`{m.name}`", m.type, names, m.help) for m, names in zip(METRICS, labels, strict=True)]


def commands() -> set[str]:
    """Return every command of the CLI as it is typed."""
    found = set()
    for name, command in get_command(app).commands.items():
        children = getattr(command, "commands", None)
        found |= {f"vigil {name} {child}" for child in children} if children else {f"vigil {name}"}
    return found


def test_every_command_is_listed_and_every_listed_one_exists():
    listed = set(re.findall(r"`(vigil [a-z -]+?)`", " ".join(cells("Run it for your study"))))
    assert listed == commands()


def test_every_table_is_listed():
    named = set(re.findall(r"`(\w+)`", " ".join(cells("The ledger is an interface", 1))))
    models = [thing for thing in vars(tables).values() if getattr(thing, "__module__", "") == tables.__name__]
    assert named == {model.__tablename__ for model in models if hasattr(model, "__tablename__")}


def test_every_action_is_explained():
    named = {name.strip() for cell in cells("What is told") for name in cell.split(",")}
    assert named == {str(action) for action in Action}


def test_every_kind_and_every_rule_of_the_founding_study_is_explained():
    assert {name.strip("`") for name in cells("What is judged")} == set(KINDS)
    said = " ".join(cells("What is judged", 1))
    for rule in load_rulebook("low_dose_il2_sle").rules:
        prefix, number = rule.id[:-1].rsplit("-", 1) if rule.id[-1].isalpha() else rule.id.rsplit("-", 1)
        ranges = re.findall(rf"{prefix}-(\d\d)(?: to {prefix}-(\d\d))?", said)
        assert any(int(low) <= int(number) <= int(high or low) for low, high in ranges), rule.id


def test_what_is_graded_is_listed_as_the_table_has_it():
    listed = list(zip(*(cells("What is graded", column) for column in range(6)), strict=True))
    assert listed == [
        (term.term, term.direction, ", ".join(f"`{test}`" for test in term.tests), *term.grades) for term in coverage()
    ]


def test_exit_codes_are_listed():
    for code, meaning in MEANING.items():
        assert f"{int(code)} {meaning}" in README.replace("\n", " ")


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)", README))
def test_links_lead_somewhere(link):
    assert (ROOT / link).exists()


def test_the_example_of_grading_is_what_the_command_prints(tmp_path):
    given, printed = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "lb.csv"
    file.write_text(given, encoding="utf-8")
    result = CliRunner().invoke(app, ["grade", str(file), "--ctcae", "5.0"])
    assert (result.exit_code, result.stdout) == (0, printed)


def test_what_a_checkout_gathers_when_it_is_used_is_not_among_the_sources():
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/venv/", "/vigil.toml", "/data/", "/incoming/", "vigil-demo/", "/*.db"} <= set(ignored)
