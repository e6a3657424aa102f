"""Which test a finding is about: domain, --TESTCD, specimen and name together, and the units it is measured in.

The table is `identity.csv`. A urine creatinine is no blood creatinine, a pH is blood's only where the row says so, and
an oxygen pressure is arterial only where the row or its code does. A code that is not in the table is no test, unless
the study says which one it means.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class LabTest:
    """A test that criteria or rules are written for, of LB, VS, EG or QS."""

    code: str
    name: str  # for people
    units: tuple[str, ...]  # that fit it, the usual one first; "1" where it has none
    domain: str
    least: Decimal | None = None  # in the usual unit: nobody who enters a trial lies beyond, whatever the disease
    most: Decimal | None = None
    worse_by: Decimal | None = None  # what is told again; None: half as much again; infinite: nothing further is worse


@cache
def lab_tests() -> Mapping[str, LabTest]:
    """Return every known test by its own code."""
    return {
        row["test"]: LabTest(
            code=row["test"],
            name=row["name"],
            units=tuple(row["units"].split()),
            domain=row["domain"],
            least=Decimal(row["least"]) if row["least"] else None,
            most=Decimal(row["most"]) if row["most"] else None,
            worse_by=Decimal(row["worse_by"].replace("never", "Infinity")) if row["worse_by"] else None,
        )
        for row in _rows()
    }


NO_CODES: Mapping[str, str] = MappingProxyType({})


def identify(domain: str, testcd: str, spec: str, name: str, codes: Mapping[str, str] = NO_CODES) -> str | None:
    """Return the test that a row with this --TESTCD, --SPEC and --TEST reports; None where the table has none.

    `name` may be followed by the category (--CAT). A blank specimen is taken as blood unless the name says otherwise;
    one that is not known (`has_known_specimen`) as whatever the code is measured in, so that the row is not lost.
    `codes` are a study's own test codes and the tests they mean: of these, too, the specimen must be right.
    """
    code = testcd.strip().upper()
    return _identify(domain, codes.get(code, code), spec, name)


@cache
def _identify(domain: str, code: str, spec: str, name: str) -> str | None:
    if domain != "LB":
        return _codes().get((domain, "", code))
    said = _specimen(spec) or ("unknown" if spec.strip() else _specimen(name))
    fitting = _FITTING.get(said, (said,))
    return next((test for specimen in fitting if (test := _codes().get(("LB", specimen, code)))), None)


def has_known_specimen(domain: str, spec: str) -> bool:
    """Whether a specimen (--SPEC) is one that is known here, blank included: else nobody can tell what was measured."""
    return domain != "LB" or not spec.strip() or bool(_specimen(spec))


_SPECIMENS = {
    "other": ("CSF", "CEREBROSPINAL", "FAECES", "FECES", "STOOL", "SALIVA", "PLEURAL", "SYNOVIAL", "FLUID", "ASCIT",
              "PERITONEAL", "LAVAGE", "MARROW", "SPUTUM", "SWAB", "SWEAT", "TISSUE", "BIOPSY", "MILK", "脑脊液", "便",
              "骨髓", "痰", "拭子", "胸水", "腹水", "组织"),
    "urine": ("URINE", "URINARY", "URINALYSIS", "尿"),
    "arterial": ("ARTERIAL", "动脉"),
    "blood": ("BLOOD", "SERUM", "PLASMA", "WHOLE", "VENOUS", "CAPILLARY", "EDTA", "HEPARIN", "CITRATE", "血", "静脉"),
}  # fmt: skip
_FITTING = {
    "": ("blood",),
    "blood": ("blood", "blood only"),
    "arterial": ("arterial", "blood", "blood only"),
    "unknown": ("blood", "blood only", "arterial", "urine"),
}
"""Which specimens of the table a row's specimen may be, where that is not itself alone."""

_NOT_ABOUT_URINE = ("尿酸", "尿素")
"""Urate and urea hold the sign for urine in their Chinese names, wherever they were measured."""


def _specimen(text: str) -> str:
    """Return the specimen that a text names, '' where it names none."""
    said = text.upper()
    for word in _NOT_ABOUT_URINE:
        said = said.replace(word, "")
    return next((kind for kind, words in _SPECIMENS.items() if any(word in said for word in words)), "")


@cache
def _codes() -> Mapping[tuple[str, str, str], str]:
    return {(row["domain"], row["specimen"], code): row["test"] for row in _rows() for code in row["codes"].split()}


@cache
def _rows() -> tuple[Mapping[str, str], ...]:
    with (resources.files("rules.ctcae") / "identity.csv").open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))
