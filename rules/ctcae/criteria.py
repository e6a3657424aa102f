"""The CTCAE criteria as data: `criteria.csv`, one line per version, term, grade, unit and baseline clause.

Source: NCI CTCAE v4.03, v5.0 and v6.0, with their wording beside the limits. A criterion is written the way it is
read, "3.0*ULN < x <= 5.0*ULN"; this module parses it and knows nothing of results.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Literal

Direction = Literal["L", "H"]


class Reference(StrEnum):
    """What a bound is measured against."""

    ABSOLUTE = ""
    LLN = "LLN"
    ULN = "ULN"
    BASE = "BASE"


class Clause(StrEnum):
    """When a line of the table applies. A clause never sees the baseline sample itself or an earlier one."""

    ALWAYS = ""
    NOT_HIGH = "baseline not above ULN"
    HIGH = "baseline above ULN"
    LOW = "baseline below LLN"
    BESIDE = "worse of both"  # beside the lines that always apply, where a baseline is known
    OR = "or baseline"  # the same, and grade 0 needs the baseline too
    AFTER = "after baseline"  # needs a baseline
    UP_TO = "up to baseline"
    IF_FASTING = "if fasting"  # possible of a sample of which that is not known
    CLINICAL = "clinical"  # the number opens this grade and does not decide it
    NOT_IN_TABLE = "not in table"  # the published book has a criterion, and this table has not


@dataclass(frozen=True, slots=True)
class Bound:
    """One side of a criterion: x is above or below `factor` times the reference plus `offset`."""

    above: bool
    inclusive: bool
    reference: Reference
    factor: Decimal
    offset: Decimal
    percent: Decimal | None = None  # a bound on the fall from baseline, which a reported PCHG decides

    @property
    def is_product(self) -> bool:
        """Whether its limit has to be calculated, and so rounded."""
        return self.reference is not Reference.ABSOLUTE and (self.factor != 1 or self.offset != 0)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the table; without bounds its text has no number, or is not in the table."""

    term: str
    grade: int
    unit: str  # '' where any unit does, because only multiples are compared
    clause: Clause
    bounds: tuple[Bound, ...]
    note: str

    @property
    def absolute(self) -> bool:
        """Whether a number in a unit stands in it."""
        return any(bound.reference is Reference.ABSOLUTE or bound.offset for bound in self.bounds)

    def refers_to(self, reference: Reference) -> bool:
        """Whether a bound is measured against that reference."""
        return any(bound.reference is reference for bound in self.bounds)


@cache
def criteria(version: str) -> Mapping[tuple[str, Direction], tuple[Criterion, ...]]:
    """Return the criteria of a version by test and direction, milder first."""
    found: dict[tuple[str, Direction], list[Criterion]] = defaultdict(list)
    with (resources.files("rules.ctcae") / "criteria.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["version"] == version:
                direction: Direction = "L" if row["direction"] == "L" else "H"
                for test in row["test"].split():
                    found[test, direction].append(_criterion(row))
    return {key: tuple(sorted(lines, key=lambda line: line.grade)) for key, lines in found.items()}


@cache
def last_grade(version: str, test: str, direction: Direction) -> int:
    """Return the gravest grade that a number alone can give a test in a version; 0 where none can."""
    lines = criteria(version).get((test, direction), ())
    return max((line.grade for line in lines if line.bounds and line.clause is not Clause.CLINICAL), default=0)


def _criterion(row: Mapping[str, str]) -> Criterion:
    """Read one line of the table."""
    bounds = tuple(bound for part in row["criterion"].split(" and ") if part for bound in _bounds(part))
    return Criterion(row["term"], int(row["grade"]), row["unit"], Clause(row["baseline"]), bounds, row["note"])


_TERM = (
    r"(?:(?P<{0}_factor>[\d.]+)\*)?(?P<{0}_reference>LLN|ULN|BASE)(?:\+(?P<{0}_offset>[\d.]+))?|(?P<{0}_number>[\d.]+)"
)
_PART = re.compile(
    rf"(?:(?:{_TERM.format('left')}) (?P<left>[<>]=?) )?(?P<subject>x|fall)"
    rf"(?: (?P<right>[<>]=?) (?:{_TERM.format('right')}))?"
)
_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _bounds(part: str) -> list[Bound]:
    """Read one comparison, such as "x > ULN" or "1.5*BASE <= x <= 3.0*BASE"; raise ValueError if it is none.

    "fall" is the fall from baseline in percent: "fall >= 25" is "x <= 0.75*BASE".
    """
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError(f"criterion '{part}' cannot be read")
    found = []
    for side in ("left", "right"):
        if sign := match[side]:
            sign = _MIRROR[sign] if side == "left" else sign
            number = match[f"{side}_number"]
            if match["subject"] == "fall":
                found.append(_fall(sign, Decimal(number)))
                continue
            found.append(
                Bound(
                    above=sign.startswith(">"),
                    inclusive=sign.endswith("="),
                    reference=Reference(match[f"{side}_reference"] or ""),
                    factor=Decimal(match[f"{side}_factor"] or 1),
                    offset=Decimal(number or match[f"{side}_offset"] or 0),
                )
            )
    return found


def _fall(sign: str, percent: Decimal) -> Bound:
    """Return the bound on x that a bound on the fall from baseline means."""
    return Bound(
        above=not sign.startswith(">"),
        inclusive=sign.endswith("="),
        reference=Reference.BASE,
        factor=1 - percent / 100,
        offset=Decimal(0),
        percent=percent,
    )


VERSIONS = ("4.03", "5.0", "6.0")


@dataclass(frozen=True, slots=True)
class Coverage:
    """A term, the tests it is graded from, and by version which grades a number can give, in words."""

    term: str
    direction: Direction
    tests: tuple[str, ...]
    grades: tuple[str, ...]  # in the order of VERSIONS


def coverage() -> tuple[Coverage, ...]:
    """Return what is graded under which version, term by term in the order of the table."""
    found: dict[tuple[str, Direction], dict[str, dict[str, tuple[Criterion, ...]]]] = {}
    for version in VERSIONS:
        for (test, direction), lines in criteria(version).items():
            found.setdefault((lines[0].term, direction), {}).setdefault(version, {})[test] = lines
    return tuple(
        Coverage(
            term,
            direction,
            tuple(dict.fromkeys(test for tests in by_version.values() for test in tests)),
            tuple(_graded_words(by_version.get(version, {})) for version in VERSIONS),
        )
        for (term, direction), by_version in found.items()
    )


def _graded_words(tests: Mapping[str, tuple[Criterion, ...]]) -> str:
    """Say which grades a term has in a version."""
    lines = [line for of_test in tests.values() for line in of_test]
    grades = sorted({line.grade for line in lines if line.bounds and line.clause is not Clause.CLINICAL})
    if grades:
        return " ".join(map(str, grades))
    if any(line.clause is Clause.NOT_IN_TABLE for line in lines):
        return "not in table"
    return "no number" if lines else "-"
