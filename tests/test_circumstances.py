"""What surrounds a hit in time: study day, phase, days since the last dose; partial dates as ranges."""

from decimal import Decimal

import pytest

from rules.circumstances import circumstances
from rules.dosing_plan import DosingPlan
from rules.dtc import Dtc
from rules.records import Disposition, Dose, Participant, Subject

PLAN = DosingPlan(days=(1, 3, 5, 7, 9, 11, 13), cycle_days=28, cycles=2, max_cycles=3)


def given(*dates: str, domain: str = "EC", end: str = "", occur: str = "Y", dose: int = 1) -> tuple[Dose, ...]:
    ends = Dtc.parse(end) if end else None
    return tuple(Dose(domain=domain, occur=occur, dose=Decimal(dose), stdtc=Dtc.parse(on), endtc=ends) for on in dates)


def dosed(*doses: Dose, **others) -> Participant:
    return Participant(usubjid="P1", doses=doses, **others)


TWO = dosed(*given("2014-03-03T10:00", "2014-03-05T10:00"))

WHOLE_DATES = [
    ("2014-03-02", ("study day -1", "before the first dose")),
    ("2014-03-03T08:10", ("study day 1", "before the first dose")),
    ("2014-03-03T12:00", ("study day 1", "cycle 1, dosing phase", "on the day of a dose, after it")),
    ("2014-03-04T09:00", ("study day 2", "cycle 1, dosing phase", "1 day after the last dose")),
    ("2014-03-05T09:00", ("study day 3", "cycle 1, dosing phase", "2 days after the last dose")),
    ("2014-03-15T09:00", ("study day 13", "cycle 1, dosing phase", "10 days after the last dose")),
    ("2014-03-16T09:00", ("study day 14", "cycle 1, rest phase", "11 days after the last dose")),
    ("2014-03-30", ("study day 28", "cycle 1, rest phase", "25 days after the last dose")),
    ("2014-03-31", ("study day 29", "cycle 2, dosing phase", "26 days after the last dose")),
    ("2014-04-27", ("study day 56", "cycle 2, rest phase", "53 days after the last dose")),
    ("2014-04-28", ("study day 57", "after the last cycle", "54 days after the last dose")),  # the third never began
]


@pytest.mark.parametrize(("at", "said"), WHOLE_DATES)
def test_a_whole_date_is_placed(at, said):
    assert circumstances(TWO, Dtc.parse(at), PLAN, "not-given") == said


def test_an_optional_cycle_that_a_dose_began_is_a_cycle_and_none_follows_the_last():
    third = dosed(*given("2014-03-03", "2014-04-28"))
    assert circumstances(third, Dtc.parse("2014-05-24"), PLAN, "not-given")[1] == "cycle 3, rest phase"
    assert circumstances(third, Dtc.parse("2014-05-26"), PLAN, "not-given")[1] == "after the last cycle"


PARTIAL_DATES = [
    # the day of a dose without a time: before or after it is not known
    ("2014-03-05", ("study day 3", "cycle 1, dosing phase", "between 0 and 2 days after the last dose")),
    (
        "2014-03",
        (
            "between study days -2 and 29",
            "between before the first dose and cycle 2, dosing phase",
            "before or after the first recorded dose: the dates cannot tell",
        ),
    ),
    (
        "2014-04",
        ("between study days 30 and 59", "between cycle 2, dosing phase and after the last cycle",
         "between 27 and 56 days after the last dose"),
    ),
    ("2014-02", ("between study days -30 and -3", "before the first dose")),
]  # fmt: skip


@pytest.mark.parametrize(("at", "said"), PARTIAL_DATES)
def test_what_a_partial_date_leaves_open_is_said(at, said):
    assert circumstances(TWO, Dtc.parse(at), PLAN, "not-given") == said


def test_a_dose_with_a_partial_date_widens_the_range():
    unsure = dosed(*given("2014-03-03", "2014-03"))
    assert circumstances(unsure, Dtc.parse("2014-04-02"), None, "not-given")[1] == (
        "between 2 and 30 days after the last dose"
    )


def test_the_end_of_dosing_is_said():
    ended = dosed(
        *given("2014-03-03"),
        dispositions=(Disposition(dsdecod="WITHDRAWAL BY SUBJECT", dsstdtc=Dtc.parse("2014-03-10")),),
    )
    assert circumstances(ended, Dtc.parse("2014-03-10"), PLAN, "not-given")[1] == "cycle 1, dosing phase"
    assert circumstances(ended, Dtc.parse("2014-03-11"), PLAN, "not-given")[1] == "after the end of dosing"


def test_a_dose_not_given_does_not_count_and_a_zero_dose_only_as_placebo():
    missed = dosed(*given("2014-03-03"), *given("2014-03-05", occur="N"), *given("2014-03-07", dose=0))
    at = Dtc.parse("2014-03-08")
    assert circumstances(missed, at, None, "not-given") == ("study day 6", "5 days after the last dose")
    assert circumstances(missed, at, None, "placebo") == ("study day 6", "1 day after the last dose")


def test_a_record_of_several_days_is_a_period():
    period = dosed(*given("2014-03-03", domain="EX", end="2014-03-20"))
    assert circumstances(period, Dtc.parse("2014-03-10"), None, "not-given")[1] == "within a recorded period of dosing"
    assert circumstances(period, Dtc.parse("2014-03-23"), None, "not-given")[1] == "3 days after the last dose"


def test_without_a_first_dose_nothing_is_claimed():
    at = Dtc.parse("2014-03-08")
    never = Participant(usubjid="P1", subject=Subject(usubjid="P1"))
    assert circumstances(never, at, PLAN, "not-given") == ("no dose recorded",)
    undated = dosed(Dose(domain="EC", occur="Y"))
    assert circumstances(undated, at, PLAN, "not-given") == (
        "before or after the first dose: no date of a dose is known",
    )


def test_where_only_dm_tells_of_the_first_dose_days_since_the_last_are_not_claimed():
    known = Participant(usubjid="P1", subject=Subject(usubjid="P1", rfstdtc=Dtc.parse("2014-03-03")))
    assert circumstances(known, Dtc.parse("2014-03-18"), PLAN, "not-given") == ("study day 16", "cycle 1, rest phase")


def test_no_phase_is_claimed_where_the_date_of_the_first_dose_is_doubtful():
    mistyped = dosed(*given("2013-03-03", "2014-03-05"))
    assert circumstances(mistyped, Dtc.parse("2014-03-06"), PLAN, "not-given") == (
        "study day 369", "1 day after the last dose",
    )  # fmt: skip
