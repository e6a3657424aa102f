"""What was told once must not hide what comes months later: stories through real sweeps, each to the mail."""

from pathlib import Path

import pytest

from alerts.store import Store
from tests.trial import Trial, at

RANGES = {
    "CREAT": ("umol/L", "45", "84"),
    "PLAT": ("10^9/L", "125", "350"),
    "CK": ("U/L", "30", "200"),
    "TSH": ("mU/L", "0.4", "4.0"),
    "ALB": ("g/L", "35", "52"),
    "EOS": ("10^9/L", "0", "0.5"),
    "HCG": ("U/L", "0", "5"),
    "HGB": ("g/L", "120", "160"),
    "SYSBP": ("mmHg", "", ""),
    "WEIGHT": ("kg", "", ""),
    "QTCF": ("ms", "", ""),
    "QTCB": ("ms", "", ""),
}
DOMAINS = {"SYSBP": "vs", "WEIGHT": "vs", "QTCF": "eg", "QTCB": "eg"}


def row(test: str, day: str, result: object, **more: str) -> dict[str, str]:
    """A result of 2026, the day as "02-14"."""
    domain, (unit, low, high) = DOMAINS.get(test, "lb"), RANGES[test]
    own = {"TESTCD": test, "DTC": f"2026-{day}", "ORRES": str(result), "ORRESU": unit} | more
    own |= {} if domain != "lb" or "ORNRLO" in more else {"ORNRLO": low, "ORNRHI": high}
    return {"domain": domain, **{f"{domain.upper()}{name}": text for name, text in own.items()}}


NO_RANGE = {"ORNRLO": "", "ORNRHI": ""}
URINE = {"SPEC": "URINE", "ORRESU": "", **NO_RANGE}
STORIES = {
    "a rise of creatinine without a baseline": (
        "REN-01",
        [row("CREAT", "01-12T08:00", 70), row("CREAT", "01-14T08:00", 100)],
        [row("CREAT", "02-08T08:00", 60)],
        [row("CREAT", "03-09T08:00", 60), row("CREAT", "03-11T08:00", 98)],
    ),
    "platelets that came back in a laboratory that sends no range": (
        "CYT-02",
        [row("PLAT", "01-01", 200), row("PLAT", "01-12", 20)],
        [row("PLAT", "02-01", 180, **NO_RANGE)],
        [row("PLAT", "03-01", 19)],
    ),
    "platelets that hung between two grades": (
        "CYT-02",
        [row("PLAT", "01-01", 90), row("PLAT", "01-12", 20)],
        [row("PLAT", "02-01", 74)],
        [row("PLAT", "03-01", 15)],
    ),
    "QTcB that nobody measured again": (
        "QT-01",
        [row("QTCB", "01-01", 430), row("QTCB", "01-12", 520)],
        [row("QTCF", "02-01", 400)],
        [row("QTCF", "03-01", 510)],
    ),
    "QTcB that stays above 450": (
        "QT-01",
        [row("QTCF", "01-12", 505), row("QTCB", "01-12", 520)],
        [row("QTCF", "02-01", 425), row("QTCB", "02-01", 455)],
        [row("QTCF", "03-01", 505)],
    ),
    "a positive urine that serum did not bear out": (
        "PRG-02",
        [row("HCG", "01-12", "POSITIVE", **URINE)],
        [row("HCG", "02-01", "<1", SPEC="SERUM")],
        [row("HCG", "03-01", "POSITIVE", **URINE)],
    ),
    "a leak of January, with albumin still low in February": (
        "CLS-02",
        [
            row("ALB", "01-01", 45),
            row("WEIGHT", "01-01", 60),
            row("WEIGHT", "01-11", 60),
            row("WEIGHT", "01-12", 62.5),
            row("ALB", "01-12", 33),
        ],
        [row("ALB", "02-09", 34.5), row("WEIGHT", "02-09", 60.5), row("SYSBP", "02-09", 118)],
        [row("WEIGHT", "03-08", 60.5), row("WEIGHT", "03-09", 63), row("ALB", "03-09", 33)],
    ),
    "creatine kinase that hung above its range": (
        "CK-01",
        [row("CK", "01-01", 150), row("CK", "01-12", 1900)],
        [row("CK", "02-12", 240)],
        [row("CK", "04-12", 1900)],
    ),
    "eosinophils at the hold that hung above their range": (
        "EOS-01",
        [row("EOS", "01-01", 0.2), row("EOS", "01-12", 5.2)],
        [row("EOS", "02-12", 1.2)],
        [row("EOS", "03-12", 5.2)],
    ),
    "hypothyroidism after thyrotoxicosis": (
        "THY-01",
        [row("TSH", "01-01", 2), row("TSH", "01-12", 0.02), row("TSH", "01-19", 0.01)],
        [row("TSH", "02-12", 0.02)],
        [row("TSH", "03-12", 90), row("TSH", "04-09", 100)],
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_the_next_one_calls_again(name: str, tmp_path: Path, store: Store):
    """The first is told, what lies between calls nobody, and the same again is an alert of its own."""
    rule, *looks = STORIES[name]
    trial = Trial(tmp_path / "in", store)
    trial.add("dm", USUBJID="P1", SEX="F", RFSTDTC="2026-01-05", RFXSTDTC="2026-01-05")
    trial.add("ec", USUBJID="P1", ECTRT="X", ECOCCUR="Y", ECSTDTC="2026-01-05")
    trial.sweep(at("2026-01-06"))
    opened = []
    for day, rows in zip(("2026-01-20", "2026-02-15", "2026-04-15"), looks, strict=True):
        for values in rows:
            trial.add(**values, USUBJID="P1")
        trial.sweep(at(day))
        opened.append(sum(alert.rule_id == rule for alert in trial.alerts()))
    calls = [d.told for d in trial.decisions() if d.rule_id == rule and d.action == "notify"]
    assert (opened, calls) == ([1, 1, 2], [True, True])


@pytest.mark.parametrize(("baseline", "result"), [("75", "50"), ("75", "55")])
def test_a_fall_from_the_last_grade_is_told(baseline: str, result: str, tmp_path: Path, store: Store):
    trial = Trial(tmp_path / "in", store)
    trial.add("dm", USUBJID="P1", RFSTDTC="2026-01-05", RFXSTDTC="2026-01-05")
    for day, value in (("01-01", baseline), ("01-12", result)):
        trial.add(**row("HGB", day, value), USUBJID="P1")
    trial.sweep(at("2026-01-13"))
    assert [alert.summary.split(":")[0] for alert in trial.alerts() if alert.rule_id == "CYT-05"] == [
        f"Haemoglobin {result} g/L on 2026-01-12"
    ]
