"""A stored row becomes a record; what cannot be read is missing and said, and never loses the record."""

from decimal import Decimal

import pytest

from rules.reading import read_record


def read(domain, **row):
    return read_record(domain, row, version=1, key="k", event_key="e")


def test_reads_an_adverse_event():
    event = read("AE", USUBJID="P1", AETERM="Pneumonia", AESER="y", AESTDTC="2014-03", AESEQ="4")
    assert (event.usubjid, event.aeterm, event.aeser, str(event.aestdtc)) == (
        "P1",
        "Pneumonia",
        "Y",
        "2014-03 (day unknown)",
    )
    assert (event.key, event.event_key, event.version, event.problems) == ("k", "e", 1, ())


@pytest.mark.parametrize("domain", ["EC", "EX"])
def test_ec_and_ex_are_read_under_one_set_of_names(domain):
    dose = read(domain, USUBJID="P1", **{f"{domain}OCCUR": "N", f"{domain}DOSE": "1.0", f"{domain}STDTC": "2014-03-01"})
    assert (dose.domain, dose.occur, dose.dose, str(dose.stdtc)) == (domain, "N", Decimal("1.0"), "2014-03-01")


def test_a_dose_takes_no_value_of_the_other_domain():
    assert read("EX", USUBJID="P1", ECDOSE="5").dose is None


BAD = [
    ("AE", "AESTDTC", "2014-13-45", "aestdtc", None, "'2014-13-45' is not a date of the calendar"),
    ("AE", "AESER", "YES", "aeser", "YES", "'YES' is neither Y nor N"),
    ("EC", "ECDOSE", "5,3", "dose", None, "'5,3' is not a number"),
    ("EC", "ECDOSE", "NaN", "dose", None, "'NaN' is not a usable number"),
    ("EC", "ECDOSE", "1e-300", "dose", None, "'1e-300' is not a usable number"),
    ("EC", "ECDOSE", "5E-79", "dose", None, "'5E-79' is not a usable number"),
]


@pytest.mark.parametrize(("domain", "variable", "text", "attribute", "value", "problem"), BAD)
def test_a_value_that_cannot_be_read_is_said_and_the_record_stays(domain, variable, text, attribute, value, problem):
    record = read(domain, USUBJID="P1", **{variable: text})
    assert getattr(record, attribute) == value
    assert len(record.problems) == 1
    assert record.problems[0].startswith(f"{variable}: {problem}")


def test_zero_is_a_number():
    assert read("EX", USUBJID="P1", EXDOSE="0").dose == 0
