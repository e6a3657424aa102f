"""One row of a finding as read: which of its results, what that is in its own range, and when it was taken."""

from decimal import Decimal

import pytest

from rules.ctcae.grade import HIGH, LOW, NORMAL, UNKNOWN
from rules.dtc import Dtc
from rules.finding_reading import Texts, is_predose, read_texts

STANDARD = {"stresc": "38", "stresn": "38", "stresu": "10^9/L"}


@pytest.mark.parametrize(
    ("texts", "told", "value"),
    [
        ({"orres": "40", "orresu": "10^9/L"} | STANDARD, "40", Decimal(40)),
        ({"orres": ""} | STANDARD, "38", Decimal(38)),
        ({"orres": "clumped"} | STANDARD, "38", Decimal(38)),
        ({"orres": "40", "orresu": "Stk/cmm3"} | STANDARD, "38", Decimal(38)),
        ({"orres": "40"} | STANDARD, "38", Decimal(38)),  # without its unit
        ({"orres": "40", "orresu": "10^9/L", "stresc": "38"}, "40", Decimal(40)),
        ({"orres": "clumped"}, "clumped", None),
        ({"orres": "clumped", "stresc": "aggregated"}, "clumped", None),
        ({"orres": "", "stresc": "aggregated"}, "aggregated", None),
        ({"orres": "", "stresc": "", "stresn": "38"}, "38", Decimal(38)),
        ({"orres": ""}, "", None),
    ],
)
def test_the_result_of_the_laboratory_is_told_and_the_standard_one_where_it_says_nothing(texts, told, value):
    reading = read_texts("PLAT", Texts(**texts))
    assert (reading.result, reading.value) == (told, value)


@pytest.mark.parametrize(
    ("result", "low", "high", "flag", "state"),
    [
        ("149", "150", "400", "", LOW),
        ("150", "150", "400", "", NORMAL),
        ("400", "150", "400", "", NORMAL),
        ("401", "150", "400", "", HIGH),
        ("401", "150", "", "", NORMAL),
        ("149", "", "400", "", NORMAL),
        ("149", "", "", " low ", LOW),
        ("149", "", "", "HIGH", HIGH),
        ("149", "", "", "N", NORMAL),
        ("149", "", "", "ABNORMAL", UNKNOWN),
        ("149", "", "", "", UNKNOWN),
        ("149", "150", "400", "HIGH", LOW),  # the number decides
        ("<150", "150", "400", "LOW", LOW),  # a limit is no number
        ("<150", "150", "400", "", UNKNOWN),
        ("149", "400", "150", "", UNKNOWN),  # no range
        ("150", "150", "150", "", NORMAL),
    ],
)
def test_where_a_result_lies_in_its_own_range(result, low, high, flag, state):
    texts = Texts(orres=result, orresu="10^9/L", ornrlo=low, ornrhi=high, nrind=flag)
    assert read_texts("PLAT", texts).state == state


@pytest.mark.parametrize(
    ("taken", "dosed", "predose"),
    [
        ("2014-03-03T09:00", "2014-03-03T09:00", True),
        ("2014-03-03T09:01", "2014-03-03T09:00", False),
        ("2014-03-03", "2014-03-03T09:00", True),  # sample first
        ("2014-03-03T20:00", "2014-03-03", True),
        ("2014-03-04", "2014-03-03T09:00", False),
        ("2014-02", "2014-03-03", True),
        ("2014-03", "2014-03-03", None),
        ("2014-04", "2014-03-03", False),
        ("2014-02-28", "2014-03", True),
        ("2014-03-01T00:00:00", "2014-03", True),  # the first moment at which the dose can have been
        ("2014-03-31", "2014-03", None),
        ("2014-03-31T23:59:59", "2014-03", None),  # the last one
        ("2014-04-01", "2014-03", False),
        ("", "2014-03-03", None),
        ("2014-03-03", "", True),  # never dosed
    ],
)
def test_a_sample_is_before_the_first_dose_or_after_it_or_nobody_can_tell(taken, dosed, predose):
    when, first = (Dtc.parse(text) if text else None for text in (taken, dosed))
    assert is_predose(when, first) is predose


def test_where_standard_results_are_asked_for_the_text_stands_before_the_number_and_both_before_the_original():
    texts = Texts(orres="3.6", orresu="mg/dL", stresc="140", stresn="141", stresu="umol/L")
    assert read_texts("CREAT", texts, "standard").value == 140
    assert read_texts("CREAT", texts._replace(stresc="high"), "standard").value == 141
    assert read_texts("CREAT", texts._replace(stresc="", stresn=""), "standard").value == Decimal("3.6")


def test_a_test_that_has_no_unit_needs_none():
    texts = Texts(orres="1.5", stresc="1.6", stresn="1.6", stresu="RATIO")
    assert read_texts("INR", texts).value == Decimal("1.5")
