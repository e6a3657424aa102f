"""Amounts in international units or grams, by the spellings of sites, and what is refused rather than scaled."""

from decimal import Decimal

import pytest

from rules.dose_amount import convert_amount, grams, international_units
from rules.kinds.about_doses import amount_of
from rules.records import Dose


@pytest.mark.parametrize(
    ("times", "spellings"),
    [
        (1, ["IU", "iu", " I.U. ", "[iU]", "U", "units", "International Units", "国际单位", "单位", "ＩＵ"]),
        (10**3, ["kIU", "10^3 IU", "千单位", "thousand units"]),
        (10**4, ["万IU", "万单位", "万国际单位", "万 U", "10^4 IU", "×10⁴ IU"]),
        (10**6, ["MIU", "M IU", "MU", "Miu", "10^6 IU", "10*6 IU", "10E6 IU", "x10^6 IU", "×10⁶IU", "10⁶ U",
                 "million IU", "Million units", "million international units", "Mio. IE",
                 "百万单位", "百万国际单位", "百万IU", "100万IU", "100万单位"]),
    ],
)  # fmt: skip
def test_spellings(times, spellings):
    assert {spelling: international_units(spelling) for spelling in spellings} == dict.fromkeys(spellings, times)


@pytest.mark.parametrize(
    "unit",
    ["", "mg", "ug", "mL", "mIU", "miu", "mU", "m IU", "IU/mL", "MIU/m2", "IU/kg", "106 IU", "10^5 IU", "DOSE", "支"],
)
def test_what_is_no_amount_in_international_units_or_may_be_two_is_refused(unit):
    assert international_units(unit) is None


@pytest.mark.parametrize(
    ("value", "unit", "to", "result"),
    [
        ("1", "MIU", "IU", "1000000"),
        ("1000000", "IU", "MIU", "1"),
        ("100", "万IU", "MIU", "1"),
        ("1", "MIU", "万单位", "100"),
        ("1.1000000000000001", "10^6 IU", "MIU", "1.1"),
        ("54", "mg", "g", "0.054"),
        ("0.25", "mg", "µg", "250"),
        ("250", "微克", "mg", "0.25"),
        ("1", "ng", "mcg", "0.001"),
    ],
)
def test_conversion(value, unit, to, result):
    assert convert_amount(Decimal(value), unit, to) == Decimal(result)


@pytest.mark.parametrize("unit", ["", "mg/kg", "mg/m2", "mL", "IU", "m", "毫升"])
def test_what_is_no_mass_is_refused(unit):
    assert grams(unit) is None


def test_what_does_not_convert_is_none():
    assert convert_amount(Decimal(1), "mg", "MIU") is None
    assert convert_amount(Decimal(1), "MIU", "mg") is None


def test_a_recorded_0_is_an_amount_in_any_unit():
    assert amount_of(Dose(dose=Decimal(0)), "MIU") == (0, "")
    assert amount_of(Dose(dose=Decimal(0), dosu="mg"), "MIU") == (0, "")
    assert amount_of(Dose(dose=Decimal(1), dosu="mg"), "MIU")[0] is None
