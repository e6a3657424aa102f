"""Which test a finding is about: domain, --TESTCD, specimen and name together, and the units it is measured in.

The table is `identity.csv`. A urine creatinine is no blood creatinine, and a pH is blood's only where the row says so;
glucose is another test by whether the participant had fasted. A code that is not in the table is no test.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class LabTest:
    """A test that criteria or rules are written for, of LB, VS, EG or QS."""

    code: str
    name: str  # for people
    units: tuple[str, ...]  # that fit it, the usual one first; "1" where it has none
    domain: str


@cache
def lab_tests() -> Mapping[str, LabTest]:
    """Return every known test by its own code."""
    return {
        row["test"]: LabTest(row["test"], row["name"], tuple(row["units"].split()), row["domain"]) for row in _rows()
    }


_SPECIMENS = {
    "other": ("CSF", "CEREBROSPINAL", "FAECES", "FECES", "STOOL", "SALIVA", "PLEURAL", "SYNOVIAL", "脑脊液", "便"),
    "urine": ("URINE", "URINARY", "URINALYSIS", "尿"),
    "blood": ("BLOOD", "SERUM", "PLASMA", "血"),
}


@cache
def identify(domain: str, testcd: str, spec: str, name: str, fast: str = "") -> str | None:
    """Return the test that a row with this --TESTCD, --SPEC, --TEST and --FAST reports; None where the table has none.

    `name` may be followed by the category (--CAT). A blank specimen is taken as blood unless the name says otherwise.
    """
    code = testcd.strip().upper()
    if domain != "LB":
        return _codes().get((domain, "", code, ""))
    said = _specimen(spec) or ("other" if spec.strip() else _specimen(name))
    return _of(said or "blood", code, fast) or _of(f"{said} only", code, fast)


def _specimen(text: str) -> str:
    """Return the specimen that a text names, '' where it names none."""
    return next((kind for kind, words in _SPECIMENS.items() if any(word in text.upper() for word in words)), "")


def _of(specimen: str, code: str, fast: str) -> str | None:
    """Return the test of a code in a specimen, by whether it was fasting where that makes a difference."""
    known = _codes()
    fasting = known.get(("LB", specimen, code, fast.strip().upper())) if fast else None
    return fasting or known.get(("LB", specimen, code, ""))


@cache
def _codes() -> Mapping[tuple[str, str, str, str], str]:
    return {
        (row["domain"], row["specimen"], code, row["fasting"]): row["test"]
        for row in _rows()
        for code in row["codes"].split()
    }


@cache
def _rows() -> tuple[Mapping[str, str], ...]:
    with (resources.files("rules.ctcae") / "identity.csv").open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))
