"""Published boundary cases: every one of them must agree."""

import csv
from collections import Counter
from decimal import Decimal
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from rules.ctcae.columns import EXACT, Samples, code
from rules.ctcae.criteria import criteria
from rules.ctcae.grade import HIGH, LOW, NORMAL, UNKNOWN, UNKNOWN_UNIT
from rules.ctcae.grading import grade
from rules.ctcae.identity import lab_tests
from rules.units import UNITY, canonical

VERSIONS = {"v4": "4.03", "v5": "5.0", "v6": "6.0"}
CASES = {"v4": 387, "v5": 468, "v6": 430}
FASTING = {"Hyperglycemia (Fasting)": 1, "Hyperglycemia": 0}
"""The cases tell a fasting sample from another by the term."""


def _number(text: str) -> float:
    return float(text) if text else np.nan


def _unit(test: str, reported: str) -> str:
    fitting = lab_tests()[test].units
    if not reported:
        return UNITY if UNITY in fitting else ""
    return canonical(reported, fitting) or UNKNOWN_UNIT


@pytest.mark.parametrize("version", VERSIONS)
def test_every_case_agrees(reference: Path, version: str):
    test_of = {
        (line.term, direction): test
        for (test, direction), lines in reversed(criteria(VERSIONS[version]).items())
        for line in lines
    }
    with (reference / "ctcae_cases.csv").open(encoding="utf-8-sig", newline="") as file:
        cases = [row for row in csv.DictReader(file) if row["VERSION"] == version]
    groups: dict[tuple[str, str], int] = {}
    numbers = []
    for row in cases:
        test = test_of[row["TERM"].removesuffix(" (Fasting)"), row["DIRECTION"]]
        numbers.append(groups.setdefault((test, _unit(test, row["AVALU"])), len(groups)))
    size = len(cases)
    states = {"HIGH": HIGH, "LOW": LOW, "NORMAL": NORMAL, "": UNKNOWN}
    samples = Samples(
        groups=list(groups),
        group=np.array(numbers, np.intp),
        value=np.array([_number(row["AVAL"]) for row in cases]),
        censor=np.full(size, EXACT, np.int8),
        fault=np.full(size, code(None), np.int8),
        lln=np.array([_number(row["ANRLO"]) for row in cases]),
        uln=np.array([_number(row["ANRHI"]) for row in cases]),
        base=np.array([_number(row["BASE"]) for row in cases]),
        base_state=np.array([states[row["BNRIND"]] for row in cases], np.int8),
        after=np.ones(size, np.bool_),
        fasting=np.array([FASTING.get(row["TERM"], -1) for row in cases], np.int8),
        pchg=np.array([_number(row["PCHG"]) for row in cases]),
    )
    answers = {direction: grade(VERSIONS[version], direction, samples) for direction in ("L", "H")}
    wrong = [
        (row, given)
        for number, row in enumerate(cases)
        if (given := answers[row["DIRECTION"]].at(number)).grade != (int(row["GRADE"]) if row["GRADE"] else None)
    ]
    assert not wrong, f"{len(wrong)} of {size} cases differ: {Counter(row['TERM'] for row, _ in wrong)}, {wrong[0]}"
    assert size == CASES[version]


def test_the_table_says_what_the_reference_says(reference: Path):
    """Each criterion stands word for word in the reference table, but for the few that were put in other words."""
    with (reference / "ctcae.csv").open(encoding="utf-8-sig", newline="") as file:
        published = {(r["term"], VERSIONS.get(r["version"]), r["grade"], r["criterion"].replace("1.0*BASE", "BASE"))
                     for r in csv.DictReader(file)}  # fmt: skip
    with (resources.files("rules.ctcae") / "criteria.csv").open(encoding="utf-8") as file:
        reworded = {
            row["term"]
            for row in csv.DictReader(file)
            if (row["term"], row["version"], row["grade"], row["criterion"]) not in published
        }
    assert reworded <= REWORDED, reworded - REWORDED


REWORDED = {
    # the same numbers, written as bounds on x
    "Hemoglobin increased", "Eosinophilia", "Alkaline phosphatase increased", "Fibrinogen decreased",
    "Weight loss", "Weight gain", "Electrocardiogram QT corrected interval prolonged", "Hypertension", "Hypoxia",
    "INR increased", "Hyperglycemia", "Fever", "Hypothermia",
    # a condition that no number tells, or no number at all
    "Lymphopenia", "Hyponatremia", "Hypokalemia", "Hyperuricemia", "Blood bicarbonate decreased",
    "Hypophosphatemia", "Hyperphosphatemia",
    # gaps closed
    "Chronic kidney disease", "Creatinine clearance decreased", "Proteinuria",
    # in the book, not in the reference
    "Cardiac troponin I increased", "Cardiac troponin T increased",
}  # fmt: skip


def test_every_term_of_the_reference_is_in_the_table(reference: Path):
    """But febrile neutropenia, which no single number meets: kind `fever` joins the two."""
    with (reference / "ctcae.csv").open(encoding="utf-8-sig", newline="") as file:
        published = {(r["term"].removesuffix(" (Fasting)"), VERSIONS[r["version"]]) for r in csv.DictReader(file)}
    graded = {(line.term, v) for v in VERSIONS.values() for lines in criteria(v).values() for line in lines}
    assert published - graded == {("Febrile neutropenia", "5.0"), ("Febrile neutropenia", "6.0")}


def test_no_two_lines_of_the_table_are_the_same():
    for version in VERSIONS.values():
        for key, lines in criteria(version).items():
            places = [(line.grade, line.unit, line.clause, line.bounds) for line in lines]
            assert len(set(places)) == len(places), (version, key)
            assert all(isinstance(bound.factor, Decimal) for line in lines for bound in line.bounds)
