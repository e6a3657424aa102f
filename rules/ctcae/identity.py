"""Which test a finding is about: domain, --TESTCD, specimen and name together, and the units it is measured in.

The table is `identity.csv`. A urine creatinine is no blood creatinine; a code that is not in the table is no test.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class LabTest:
    """A test that criteria are written for."""

    code: str
    name: str  # for people
    units: tuple[str, ...]  # that fit it, the usual one first
    domain: str


@cache
def lab_tests() -> Mapping[str, LabTest]:
    """Return every known test by its own code."""
    return {
        row["test"]: LabTest(row["test"], row["name"], tuple(row["units"].split()), row["domain"]) for row in _rows()
    }


_BLOOD = ("BLOOD", "SERUM", "PLASMA", "血")
_NOT_BLOOD = ("URINE", "URINARY", "CSF", "CEREBROSPINAL", "FAECES", "FECES", "STOOL", "SALIVA", "尿", "脑脊液", "便")


@cache
def identify(domain: str, testcd: str, spec: str, name: str) -> str | None:
    """Return the test that a row with this --TESTCD, --SPEC and --TEST reports, None where it is none of the table.

    A blank specimen is taken as blood unless the name says otherwise.
    """
    specimen = spec.strip().upper()
    if specimen and not any(word in specimen for word in _BLOOD):
        return None
    if not specimen and any(word in name.upper() for word in _NOT_BLOOD):
        return None
    return _codes().get((domain, testcd.strip().upper()))


@cache
def _codes() -> Mapping[tuple[str, str], str]:
    return {(row["domain"], code): row["test"] for row in _rows() for code in row["codes"].split()}


@cache
def _rows() -> tuple[Mapping[str, str], ...]:
    with (resources.files("rules.ctcae") / "identity.csv").open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))
