"""Synthetic safety labs: reference ranges as Chinese laboratories print them, personal levels, and single samples.

It knows tests, units, ranges and how counts move in a treatment cycle. It must not know days, rows' fates or rules.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.demo.swings import Walk

COUNT = "10^9/L"


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """A laboratory test: ranges by sex (WS/T 404 and 405 of the Chinese health commission), and its variation.

    `spread` is the within-person coefficient of variation; a sample never strays further than twice that.
    """

    name: str
    unit: str
    female: tuple[str, str]
    male: tuple[str, str]
    decimals: int
    spread: float
    dosing: float = 1.0  # the level at the end of a dosing phase, relative to the level at rest
    drift: float = 0.0  # relative rise a week
    spec: str = "SERUM"
    rare: bool = False  # looked at in screening, the first time on treatment and every eighth week


TESTS: Mapping[str, Test] = {
    "NEUT": Test(name="Neutrophils", unit=COUNT, female=("1.8", "6.3"), male=("1.8", "6.3"), decimals=2, spread=0.07,
                 dosing=1.05, drift=0.006),
    "LYM": Test(name="Lymphocytes", unit=COUNT, female=("1.1", "3.2"), male=("1.1", "3.2"), decimals=2, spread=0.07,
                dosing=1.15, drift=0.008),
    "EOS": Test(name="Eosinophils", unit=COUNT, female=("0.02", "0.52"), male=("0.02", "0.52"), decimals=2, spread=0.15,
                dosing=1.9),
    "PLAT": Test(name="Platelets", unit=COUNT, female=("125", "350"), male=("125", "350"), decimals=0, spread=0.045,
                 drift=0.005),
    "HGB": Test(name="Hemoglobin", unit="g/L", female=("115", "150"), male=("130", "175"), decimals=0, spread=0.02),
    "ALT": Test(name="Alanine Aminotransferase", unit="U/L", female=("7", "40"), male=("9", "50"), decimals=0,
                spread=0.12),
    "AST": Test(name="Aspartate Aminotransferase", unit="U/L", female=("13", "35"), male=("15", "40"), decimals=0,
                spread=0.10),
    "ALP": Test(name="Alkaline Phosphatase", unit="U/L", female=("35", "100"), male=("45", "125"), decimals=0,
                spread=0.06),
    "BILI": Test(name="Bilirubin", unit="umol/L", female=("0", "21"), male=("0", "26"), decimals=1, spread=0.12),
    "CREAT": Test(name="Creatinine", unit="umol/L", female=("41", "73"), male=("57", "97"), decimals=0, spread=0.05),
    "ALB": Test(name="Albumin", unit="g/L", female=("40", "55"), male=("40", "55"), decimals=1, spread=0.025,
                rare=True),
    "LDH": Test(name="Lactate Dehydrogenase", unit="U/L", female=("120", "250"), male=("120", "250"), decimals=0,
                spread=0.06, rare=True),
    "C3": Test(name="Complement C3", unit="g/L", female=("0.70", "1.40"), male=("0.70", "1.40"), decimals=2,
               spread=0.04, rare=True),
    "C4": Test(name="Complement C4", unit="g/L", female=("0.10", "0.40"), male=("0.10", "0.40"), decimals=3,
               spread=0.04, rare=True),
    "CK": Test(name="Creatine Kinase", unit="U/L", female=("40", "200"), male=("50", "310"), decimals=0, spread=0.15,
               rare=True),
    "LIPASE": Test(name="Lipase", unit="U/L", female=("13", "60"), male=("13", "60"), decimals=0, spread=0.10,
                   rare=True),
    "TSH": Test(name="Thyrotropin", unit="mU/L", female=("0.35", "4.94"), male=("0.35", "4.94"), decimals=2,
                spread=0.15, rare=True),
    "PROT24H": Test(name="Protein in 24 hours", unit="g/24h", female=("0", "0.15"), male=("0", "0.15"), decimals=2,
                    spread=0.10, spec="URINE", rare=True),
    "UPCR": Test(name="Protein/Creatinine", unit="g/g", female=("0", "0.20"), male=("0", "0.20"), decimals=2,
                 spread=0.10, spec="URINE", rare=True),
    # White cells are the sum of their kinds and have no variation of their own.
    "WBC": Test(name="Leukocytes", unit=COUNT, female=("3.5", "9.5"), male=("3.5", "9.5"), decimals=2, spread=0.0),
}  # fmt: skip

STRIPS: Mapping[str, str] = {
    "PROTU": "Protein", "OCCBLD": "Occult Blood", "HCG": "Choriogonadotropin Beta",
}  # fmt: skip
"""Urine test strips, read as words; that for pregnancy is for women."""

Levels = Mapping[str, float]
"""A person's own level of each test at rest before treatment, in the test's unit; MONO stands for the other cells."""

_GRADE_3_AND_4 = (
    ("WBC", 2.0), ("WBC", 1.0), ("NEUT", 1.0), ("NEUT", 0.5), ("LYM", 0.5), ("LYM", 0.2), ("PLAT", 50), ("PLAT", 25),
)  # fmt: skip
"""Where CTCAE 5.0 begins these grades."""

_ROOM = {"WBC": 1.12, "NEUT": 1.2, "LYM": 1.2, "PLAT": 1.15}
"""By what factor a level keeps away from them, so that chance does not carry a sample across."""


def draw_levels(
    chance: random.Random,
    *,
    leukopenic: bool,
    neutropenic: bool,
    lymphopenic: bool,
    thrombocytopenic: bool,
    keep_away: bool = True,
) -> Levels:
    """Draw one person's levels with the asked cytopenias and no others; `keep_away`: from grades 3 and 4."""
    while True:
        levels = {
            "NEUT": _neutrophils(chance, leukopenic=leukopenic, neutropenic=neutropenic),
            "LYM": _lymphocytes(chance, leukopenic=leukopenic, lymphopenic=lymphopenic),
            "MONO": chance.uniform(0.18, 0.26) if leukopenic else chance.uniform(0.30, 0.55),
            "EOS": chance.uniform(0.03, 0.08) if leukopenic else chance.uniform(0.05, 0.18),
            "PLAT": chance.uniform(38, 96) if thrombocytopenic else chance.uniform(160, 290),
            "HGB": chance.uniform(98, 142),
            "ALT": chance.uniform(10, 34),
            "AST": chance.uniform(14, 32),
            "ALP": chance.uniform(45, 95),
            "BILI": chance.uniform(5, 15),
            "CREAT": chance.uniform(48, 72),
            "ALB": chance.uniform(36, 44),
            "LDH": chance.uniform(140, 210),
            "C3": chance.uniform(0.50, 0.90),  # low in active lupus
            "C4": chance.uniform(0.08, 0.20),
            "CK": chance.uniform(55, 130),
            "LIPASE": chance.uniform(18, 45),
            "TSH": chance.uniform(1.0, 3.0),
            "PROT24H": chance.uniform(0.08, 0.25),
            "UPCR": chance.uniform(0.08, 0.25),
        }
        counts = levels | {"WBC": _white_cells(levels)}
        near = any(limit / _ROOM[test] < counts[test] < limit * _ROOM[test] for test, limit in _GRADE_3_AND_4)
        if not (keep_away and near):
            return levels


def _neutrophils(chance: random.Random, *, leukopenic: bool, neutropenic: bool) -> float:
    if neutropenic:
        return chance.uniform(0.65, 1.55)
    return chance.uniform(1.95, 2.1) if leukopenic else chance.uniform(2.8, 5.0)


def _lymphocytes(chance: random.Random, *, leukopenic: bool, lymphopenic: bool) -> float:
    if lymphopenic:
        return chance.uniform(0.30, 0.78) if leukopenic else chance.uniform(0.65, 0.95)
    return chance.uniform(1.28, 1.35) if leukopenic else chance.uniform(1.3, 2.4)


def _white_cells(levels: Mapping[str, float]) -> float:
    return levels["NEUT"] + levels["LYM"] + levels["MONO"] + levels["EOS"]


COUNTS = ("WBC", "NEUT", "LYM", "EOS", "PLAT", "HGB")

FIRST_ON_TREATMENT = 2
"""The week of the first sample on treatment, in which everything is looked at."""


def sample(
    chance: random.Random, levels: Levels, sex: str, *, week: int, dosing: bool, walk: Walk | None = None
) -> Iterator[dict[str, str]]:
    """Yield the LB values of one blood sample: counts drift up over the weeks and saw-tooth with the dosing phase.

    At the end of a dosing phase, but for the first, only blood is counted; liver and kidney are looked at with every
    fourth week, and urine and what is rare with every eighth. With `walk` the drug moves nothing, and the values swing
    as that person's do.
    """
    found = {"MONO": levels["MONO"]}
    for code, level in levels.items():
        if code == "MONO":
            continue
        if walk is not None:
            found[code] = level * walk.factor(code)
            continue
        test = TESTS[code]
        stray = max(-2 * test.spread, min(2 * test.spread, chance.gauss(0, test.spread)))
        moved = (test.dosing if dosing else 1.0) * (1 + test.drift * max(week, 0))
        found[code] = level * moved * (1 + stray)
    found["WBC"] = _white_cells(found)
    thorough = week < 0 or week == FIRST_ON_TREATMENT or (week > 0 and week % 8 == 0)
    counts_only = dosing and not thorough
    for code in COUNTS if counts_only else TESTS:
        if thorough or not TESTS[code].rare:
            yield reported(code, f"{found[code]:.{TESTS[code].decimals}f}", sex)
    if thorough:
        yield from (_strip(code) for code in STRIPS if code != "HCG" or sex == "F")


def reported(code: str, result: str, sex: str) -> dict[str, str]:
    """Return the LB values of one result as the laboratory reports it; what is standard is what was reported."""
    test = TESTS[code]
    low, high = test.female if sex == "F" else test.male
    return {
        "LBTESTCD": code, "LBTEST": test.name, "LBSPEC": "BLOOD" if code in COUNTS else test.spec,
        "LBORRES": result, "LBORRESU": test.unit, "LBORNRLO": low, "LBORNRHI": high,
        "LBSTRESC": result, "LBSTRESN": result, "LBSTRESU": test.unit, "LBSTNRLO": low, "LBSTNRHI": high,
    }  # fmt: skip


def _strip(code: str) -> dict[str, str]:
    """Return the LB values of a urine test strip, on which nothing shows."""
    values = {"LBTESTCD": code, "LBTEST": STRIPS[code], "LBSPEC": "URINE"}
    return values | {"LBORRES": "NEGATIVE", "LBSTRESC": "NEGATIVE"}
