"""Real studies: what their labs are graded, and that nothing that can be graded is left ungraded in silence."""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from rules.ctcae.grade import Ungraded
from rules.graded import GradedFinding, grade_participants
from rules.reading import read_record
from rules.records import Participant
from tests.lab_stories import header


def _participants(domains: Mapping[str, Iterable[Mapping[str, str]]]) -> list[Participant]:
    rows: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for domain, content in domains.items():
        for number, row in enumerate(content):
            record = read_record(domain, row, version=number, key=f"{domain}{number}")
            rows[row["USUBJID"]][domain].append(record)
    return [
        Participant(
            usubjid=usubjid,
            subject=next(iter(of["DM"]), None),
            findings=tuple(of["LB"]),
            doses=tuple(of["EC"] + of["EX"]),
        )
        for usubjid, of in rows.items()
    ]


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _json(path: Path) -> list[dict[str, str]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    names = [column["name"] for column in content["columns"]]
    return [{n: "" if v is None else str(v) for n, v in zip(names, row, strict=True)} for row in content["rows"]]


def _high(graded: Mapping[str, tuple[GradedFinding, ...]]) -> Counter:
    return Counter(
        (lab.test, direction, grade.grade)
        for labs in graded.values()
        for lab in labs
        if lab.predose is False
        for direction, grade in (("L", lab.low), ("H", lab.high))
        if grade.grade is not None and grade.grade >= 3
    )


@pytest.fixture(scope="module")
def pilot(data: Path) -> list[Participant]:
    folder = data / "cdiscpilot01"
    return _participants({domain: _csv(folder / f"{domain.lower()}.csv") for domain in ("DM", "LB", "EX")})


def test_the_pilot_study_after_the_first_dose(pilot: list[Participant]):
    assert _high(grade_participants(pilot, header("5.0", zero_dose="placebo"))) == {
        ("ALP", "H", 3): 1, ("BILI", "H", 3): 4, ("CK", "H", 3): 3, ("LYM", "L", 3): 2, ("SODIUM", "L", 3): 2,
        ("URATE", "H", 3): 44,  # number only: the text has grade 3 where there are physiologic consequences
    }  # fmt: skip
    assert _high(grade_participants(pilot, header("6.0", zero_dose="placebo"))) == {
        ("ALT", "H", 3): 2, ("AST", "H", 3): 5, ("BILI", "H", 3): 5, ("GLUC", "H", 3): 20, ("SODIUM", "L", 3): 2,
        ("URATE", "H", 3): 44,
    }  # fmt: skip


def test_the_pilot_study_leaves_one_result_ungraded_and_names_it(pilot: list[Participant]):
    undecided = [
        (lab.test, lab.result, str(grade.ungraded), grade.lowest, grade.highest)
        for labs in grade_participants(pilot, header("5.0", zero_dose="placebo")).values()
        for lab in labs
        for grade in (lab.low, lab.high)
        if grade.ungraded not in (None, Ungraded.NO_CRITERION, Ungraded.NO_NUMBER)
    ]
    assert undecided == [("GLUC", "<40", "the result is a limit that spans grades", 3, 4)]


def test_every_baseline_of_the_pilot_study_is_believed(pilot: list[Participant]):
    graded = grade_participants(pilot, header("5.0", zero_dose="placebo"))
    assert not [(lab.test, lab.refused) for labs in graded.values() for lab in labs if lab.refused]


def test_the_last_predose_result_is_not_the_flagged_one_for_many(pilot: list[Participant]):
    last, flagged = (
        grade_participants(pilot, header("5.0", zero_dose="placebo", baseline=definition))
        for definition in ("last-predose", "flag")
    )

    def baselines(graded):
        return {(u, lab.test): lab.baseline and lab.baseline.key for u, labs in graded.items() for lab in labs}

    ours, theirs = baselines(last), baselines(flagged)
    assert sum(ours[place] != theirs[place] for place in ours) > 300


def test_haemoglobin_of_the_example_study_is_graded_in_its_original_unit(data: Path):
    folder = data / "sdtm-example"
    people = _participants({domain: _json(folder / f"{domain.lower()}.json") for domain in ("DM", "LB", "EC")})
    labs = [lab for labs in grade_participants(people, header("5.0", zero_dose="placebo")).values() for lab in labs]
    haemoglobin = [lab for lab in labs if lab.test == "HGB"]
    assert len(haemoglobin) == 106
    assert all(lab.low.grade is not None for lab in haemoglobin if lab.lln is not None)
    assert Counter(lab.unit for lab in haemoglobin) == {"g/dL": 106}


def test_haemoglobin_in_the_standard_unit_is_graded_too(data: Path):
    rows = [
        {**row, "LBORRES": "", "LBORRESU": ""}
        for row in _json(data / "sdtm-example" / "lb.json")
        if row["LBTESTCD"] == "HGB"
    ]
    (labs,) = [sum(grade_participants(_participants({"LB": rows}), header()).values(), ())]
    assert Counter(lab.unit for lab in labs) == {"mmol/L": 106}
    assert all(lab.low.grade is not None for lab in labs if lab.lln is not None)
