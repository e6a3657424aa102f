"""Partial dates are read as intervals and never imputed."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.dtc import Dtc

CASES = [
    # text, earliest, latest, printed
    ("2014", "2014-01-01T00:00:00", "2014-12-31T23:59:59", "2014 (month and day unknown)"),
    ("2014-03", "2014-03-01T00:00:00", "2014-03-31T23:59:59", "2014-03 (day unknown)"),
    ("2016-02", "2016-02-01T00:00:00", "2016-02-29T23:59:59", "2016-02 (day unknown)"),
    ("2014-03-09", "2014-03-09T00:00:00", "2014-03-09T23:59:59", "2014-03-09"),
    ("2014-03-09T14", "2014-03-09T14:00:00", "2014-03-09T14:59:59", "2014-03-09T14"),
    ("2014-03-09T14:05", "2014-03-09T14:05:00", "2014-03-09T14:05:59", "2014-03-09T14:05"),
    ("2014-03-09T14:05:07", "2014-03-09T14:05:07", "2014-03-09T14:05:07", "2014-03-09T14:05:07"),
    ("2014-03-09T14:05:07.25", "2014-03-09T14:05:07", "2014-03-09T14:05:07", "2014-03-09T14:05:07.25"),
]


@pytest.mark.parametrize(("text", "earliest", "latest", "printed"), CASES)
def test_reads_as_the_interval_its_text_allows(text, earliest, latest, printed):
    dtc = Dtc.parse(text)
    assert (dtc.earliest, dtc.latest) == (datetime.fromisoformat(earliest), datetime.fromisoformat(latest))
    assert str(dtc) == printed


KNOWN = [
    ("2014-03", False, False),
    ("2014-03-09", True, False),
    ("2014-03-09T14", True, False),
    ("2014-03-09T14:05", True, True),
]


@pytest.mark.parametrize(("text", "day", "time"), KNOWN)
def test_knows_what_is_known(text, day, time):
    dtc = Dtc.parse(text)
    assert (dtc.has_day, dtc.has_time) == (day, time)


NOT_DATES = ["14-03-09", "2014-13", "2014-02-30", "2014/03/09", "09MAR2014", "2014-3-9", "-----09"]
PLACEHOLDERS = ["0000-01-01", "0001-01-01", "1849", "2200-01-01", "9999", "9999-12-31", "9999-12-31T23:59"]
NOT_TIMES = ["2014-03-09 14:05", "2014-03-09T24:00", "2014-03-09T14:60"]


@pytest.mark.parametrize("text", ["", *NOT_DATES, *NOT_TIMES])
def test_refuses_in_one_sentence(text):
    with pytest.raises(ValueError, match=r"^'.*' is not (an ISO 8601 date|a date of the calendar)"):
        Dtc.parse(text)


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)),
    st.sampled_from([4, 7, 10, 13, 16, 19]),
)
def test_cutting_a_moment_short_only_widens_it(moment, length):
    whole = moment.replace(microsecond=0)
    dtc = Dtc.parse(whole.isoformat()[:length])
    assert dtc.earliest <= whole <= dtc.latest


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_a_year_that_stands_for_unknown_is_no_date(text):
    with pytest.raises(ValueError, match=r"^'.*' is not a date of a study$"):
        Dtc.parse(text)


@pytest.mark.parametrize("text", ["1850-01-01", "2199-12-31", "2199"])
def test_years_of_people_are_dates(text):
    assert Dtc.parse(text).text == text
