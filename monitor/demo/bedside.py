"""What a synthetic site enters beside blood and doses: vital signs, the electrocardiogram, lupus activity, treatment.

It knows tests, units and how such values move. It must not know days, rows' fates or rules.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A person's own weight, blood pressure, QTcF and SLEDAI before treatment."""

    weight: float
    systolic: float
    qtcf: float
    sledai: int


def draw_body(chance: random.Random) -> Body:
    """Draw one person's body and lupus activity: active, as inclusion asks."""
    return Body(
        weight=chance.uniform(46, 74),
        systolic=chance.uniform(108, 124),
        qtcf=chance.uniform(390, 425),
        sledai=chance.randint(8, 14),
    )


def visit_values(chance: random.Random, body: Body, *, week: int, dosing: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield domain and values of what is measured in one visit beside the labs; activity with every fourth week."""
    yield "VS", temperature(f"{min(37.2, chance.gauss(36.6, 0.15)):.1f}")
    yield "VS", _vital_sign("WEIGHT", "Weight", f"{body.weight + chance.uniform(-0.4, 0.4):.1f}", "kg")
    yield "VS", _vital_sign("SYSBP", "Systolic Blood Pressure", f"{body.systolic + chance.uniform(-8, 8):.0f}", "mmHg")
    yield "VS", _vital_sign("OXYSAT", "Oxygen Saturation", str(chance.randint(96, 99)), "%")
    if not dosing:
        qtcf = f"{body.qtcf + chance.uniform(-10, 10):.0f}"
        yield "EG", {"EGTESTCD": "QTCF", "EGTEST": "QTcF Interval", "EGORRES": qtcf, "EGORRESU": "msec"}
        score = str(max(0, body.sledai - max(week, 0) // 4 + chance.choice((-1, 0, 0, 1))))
        sledai = {"QSTESTCD": "SLEDAI", "QSTEST": "SLEDAI Total Score", "QSCAT": "SLEDAI"}
        yield "QS", sledai | {"QSORRES": score, "QSSTRESC": score, "QSSTRESN": score}


def temperature(degrees: str) -> dict[str, str]:
    """Return the VS values of a temperature in degrees Celsius."""
    return _vital_sign("TEMP", "Temperature", degrees, "C")


def at_the_bed(degrees: str) -> tuple[dict[str, str], ...]:
    """Return the VS values that are taken with a fever; all but the temperature are as they should be."""
    pressure = _vital_sign("SYSBP", "Systolic Blood Pressure", "114", "mmHg")
    return temperature(degrees), pressure, _vital_sign("OXYSAT", "Oxygen Saturation", "97", "%")


def _vital_sign(code: str, name: str, result: str, unit: str) -> dict[str, str]:
    return {"VSTESTCD": code, "VSTEST": name, "VSORRES": result, "VSORRESU": unit}


STANDARD = (
    ("硫酸羟氯喹", "Hydroxychloroquine sulfate", "Antimalarials", (120, 2000)),
    ("泼尼松", "Prednisone", "Corticosteroids for systemic use", (30, 900)),
)
"""The treatment of lupus that goes on during the study, and between how many days before the first dose it began."""


def medication(cmspid: str, name: str, decod: str, group: str, why: str, **values: str) -> dict[str, str]:
    """Return a CM row of something taken by mouth; `values` by lower-case variable name overrule that."""
    row = {"CMSPID": cmspid, "CMTRT": name, "CMDECOD": decod, "CMCLAS": group, "CMINDC": why, "CMROUTE": "ORAL"}
    return row | {name.upper(): value for name, value in values.items()}


CRITERIA = {
    "INCL02": ("INCLUSION", "SLEDAI of 8 or more"),
    "EXCL03": ("EXCLUSION", "Hepatitis B surface antigen positive"),
    "EXCL05": ("EXCLUSION", "PPD induration of more than 10 mm"),
}
"""Criteria that people failed, by code: category and text."""


def failed_criterion(code: str, **values: str) -> dict[str, str]:
    """Return the IE row of a criterion that fails; `values` by lower-case variable name are its date."""
    category, text = CRITERIA[code]
    answer = "Y" if category == "EXCLUSION" else "N"
    row = {"IETESTCD": code, "IETEST": text, "IECAT": category, "IEORRES": answer, "IESTRESC": answer}
    return row | {name.upper(): value for name, value in values.items()}


def encounter(hospid: str, name: str, **values: str) -> dict[str, str]:
    """Return an HO row; `values` by lower-case variable name are its dates."""
    return {"HOSPID": hospid, "HOTERM": name} | {name.upper(): value for name, value in values.items()}
