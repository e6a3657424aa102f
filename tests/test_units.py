"""Unit spellings as laboratories write them, and conversions."""

import csv
from decimal import Decimal
from importlib import resources

import pytest

from rules.ctcae.identity import lab_tests
from rules.units import canonical, convert, factor, fold

COUNT = lab_tests()["PLAT"].units


@pytest.mark.parametrize(
    "spelling",
    ["THOU/uL", "GI/L", "10^9/L", "10*9/L", "10^3/uL", "K/uL", "×10⁹/L", "x10^9/L", "X 10E9/L", "10**9/L", "×109/L",
     "10⁹／Ｌ", "G/L", "10^3/mm3", "x10(9)/L", "10 9/L", "10^3/µL", "10^3/μL", " 10^9 / L ", "K/CUMM", "10e3/ul",
     "*10^9/L", "10³/µL", "10^3/mcL", "thou/ul", "1000/uL", "/nL",
     "Tsd/µL", "bil/L", "E9/L", "Gpt/L"],
)  # fmt: skip
def test_thousands_per_microlitre_however_written(spelling: str):
    assert canonical(spelling, COUNT) == "10^9/L"


@pytest.mark.parametrize(
    "spelling", ["/mm3", "/uL", "1/µL", "cells/mm3", "cells/uL", "个/μL", "/mm³", "10^3/mL", "10^6/L"]
)
def test_cells_per_microlitre_however_written(spelling: str):
    assert canonical(spelling, COUNT) == "/mm3"


@pytest.mark.parametrize(
    "spelling", ["%", "FRACTION", "", "109/L", "10^12/L", "g/dL", "NO UNITS", "10^10/L", "10^99/L", "g/L", " g/l"]
)
def test_what_is_not_a_count_is_none(spelling: str):
    assert canonical(spelling, COUNT) is None


@pytest.mark.parametrize(
    ("test", "spelling", "unit"),
    [
        ("HGB", "g/L", "g/L"),  # for a count "G/L" is giga per litre, and "g/L" is refused
        ("HGB", "G/DL", "g/dL"),
        ("HGB", "mmol/L", "mmol/L"),
        ("HGB", "%", None),
        ("ALT", "IU/L", "U/L"),
        ("ALT", "[iU]/L", "U/L"),
        ("ALT", "µkat/L", "ukat/L"),
        ("CREAT", "μmol/L", "umol/L"),
        ("CREAT", "µmol/L", "umol/L"),
        ("CREAT", "mg／dL", "mg/dL"),
        ("SODIUM", "mEq/L", "mEq/L"),
        ("CREAT", "mEq/L", None),
        ("ALB", "mmol/L", None),
    ],
)
def test_test_and_spelling_together_decide(test: str, spelling: str, unit: str | None):
    assert canonical(spelling, lab_tests()[test].units) == unit


@pytest.mark.parametrize(
    ("test", "value", "unit", "to", "result"),
    [
        ("PLAT", "49.9", "10^9/L", "/mm3", "49900"),
        ("PLAT", "49900", "/mm3", "10^9/L", "49.9"),
        ("HGB", "12.5", "g/dL", "g/L", "125"),
        ("HGB", "20", "g/L", "mmol/L", "1.2412"),
        ("CREAT", "1", "mg/dL", "umol/L", "88.4"),
        ("SODIUM", "140", "mEq/L", "mmol/L", "140"),
        ("ALT", "1", "ukat/L", "U/L", "60"),
    ],
)
def test_conversions(test: str, value: str, unit: str, to: str, result: str):
    assert convert(test, Decimal(value), unit, to) == Decimal(result)


@pytest.mark.parametrize(("celsius", "fahrenheit"), [("0", "32"), ("37", "98.6"), ("38.5", "101.3"), ("-40", "-40")])
def test_a_scale_with_another_zero(celsius: str, fahrenheit: str):
    assert convert("TEMP", Decimal(celsius), "C", "F") == Decimal(fahrenheit)
    assert convert("TEMP", Decimal(fahrenheit), "F", "C") == Decimal(celsius)
    assert factor("TEMP", "C", "F") is None


def test_what_does_not_convert_is_none():
    assert convert("SODIUM", Decimal(1), "mg/dL", "mmol/L") is None
    assert convert("K", Decimal(1), "mmol/L", "g/L") is None
    assert convert("BILI", Decimal(1), "mEq/L", "umol/L") is None


def test_every_unit_of_every_test_has_a_spelling_and_converts_into_the_first():
    for test in lab_tests().values():
        for unit in test.units:
            assert canonical(unit, test.units) == unit
            assert convert(test.code, Decimal(1), unit, test.units[0]) is not None, (test.code, unit)


def test_every_conversion_has_a_source():
    with (resources.files("rules") / "conversions.csv").open(encoding="utf-8") as file:
        assert all(row["source"] for row in csv.DictReader(file))


def test_folding_twice_changes_nothing():
    for spelling in ("×10⁹/L", "10*9/L", "µmol/L", "cells/mm3", "X 10E9/L"):
        assert fold(fold(spelling)) == fold(spelling)
