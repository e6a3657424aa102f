"""When a report is due: tables of deadlines by zone, over holidays and in nights in which clocks are changed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules.clocks import Course, clocks_of
from rules.records import AdverseEvent
from rules.reporting import Report, regimes


def _report(name: str) -> Report:
    regime, report = name.split()
    return next(found for found in regimes()[regime].report if found.id == report)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Golden Week 2026 is from 1 to 8 October. Shanghai is eight hours ahead of UTC all year.
GOLDEN_WEEK = [
    ("2026-09-24T15:59", "china-2018 susar-7d", "2026-10-01", "2026-10-01T16:00"),
    ("2026-09-24T16:00", "china-2018 susar-7d", "2026-10-02", "2026-10-02T16:00"),
    ("2026-10-01T02:00", "china-2018 susar-7d", "2026-10-08", "2026-10-08T16:00"),
    ("2026-10-02T02:00", "china-2018 susar-7d", "2026-10-09", "2026-10-09T16:00"),
    ("2026-09-16T02:00", "china-2018 susar-15d", "2026-10-01", "2026-10-01T16:00"),
    ("2026-09-23T02:00", "china-2018 susar-15d", "2026-10-08", "2026-10-08T16:00"),
    ("2026-09-30T15:59", "china-2020 sponsor-24h", "2026-10-01", "2026-10-01T15:59"),
    ("2026-10-03T10:30", "china-2020 sponsor-24h", "2026-10-04", "2026-10-04T10:30"),
]


@pytest.mark.parametrize(("known", "report", "day", "over"), GOLDEN_WEEK)
def test_golden_week_moves_no_deadline(known: str, report: str, day: str, over: str) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    found = _report(report)
    assert (found.due_day(_utc(known), zone), found.due(_utc(known), zone)) == (date.fromisoformat(day), _utc(over))


# Each zone in the night in which its clocks go forward, and in that in which they go back: known a week before, due at
# the end of the day of the change, and at the end of the day before it.
DST_NIGHTS = [
    ("Europe/Amsterdam", "2026-03-22T12:00", "2026-03-29", "2026-03-29T22:00"),
    ("Europe/Amsterdam", "2026-03-21T12:00", "2026-03-28", "2026-03-28T23:00"),
    ("Europe/Amsterdam", "2026-10-18T12:00", "2026-10-25", "2026-10-25T23:00"),
    ("Europe/Amsterdam", "2026-10-17T12:00", "2026-10-24", "2026-10-24T22:00"),
    ("America/New_York", "2026-03-01T17:00", "2026-03-08", "2026-03-09T04:00"),
    ("America/New_York", "2026-02-28T17:00", "2026-03-07", "2026-03-08T05:00"),
    ("America/New_York", "2026-10-25T17:00", "2026-11-01", "2026-11-02T05:00"),
    ("America/New_York", "2026-10-24T17:00", "2026-10-31", "2026-11-01T04:00"),
    ("Australia/Lord_Howe", "2026-09-27T01:00", "2026-10-04", "2026-10-04T13:00"),
    ("Australia/Lord_Howe", "2026-09-26T01:00", "2026-10-03", "2026-10-03T13:30"),
    ("Australia/Lord_Howe", "2026-03-29T01:00", "2026-04-05", "2026-04-05T13:30"),
    ("Australia/Lord_Howe", "2026-03-28T01:00", "2026-04-04", "2026-04-04T13:00"),
    ("Pacific/Chatham", "2026-09-20T01:00", "2026-09-27", "2026-09-27T10:15"),
    ("Pacific/Chatham", "2026-09-19T01:00", "2026-09-26", "2026-09-26T11:15"),
    ("Pacific/Chatham", "2026-03-29T01:00", "2026-04-05", "2026-04-05T11:15"),
    ("Pacific/Chatham", "2026-03-28T01:00", "2026-04-04", "2026-04-04T10:15"),
    ("America/Havana", "2026-03-01T17:00", "2026-03-08", "2026-03-09T04:00"),
    ("America/Havana", "2026-02-28T17:00", "2026-03-07", "2026-03-08T05:00"),  # 00:00 is skipped: over at 01:00
    ("America/Havana", "2026-10-24T17:00", "2026-10-31", "2026-11-01T04:00"),  # 00:00 comes twice: over at the first
]


@pytest.mark.parametrize(("zone", "known", "day", "over"), DST_NIGHTS)
def test_a_day_ends_when_it_ends_in_the_zone(zone: str, known: str, day: str, over: str) -> None:
    found = _report("ich-e2a susar-7d")
    here = ZoneInfo(zone)
    assert (found.due_day(_utc(known), here), found.due(_utc(known), here)) == (date.fromisoformat(day), _utc(over))


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham"])
def test_24_hours_are_24_hours_in_any_night(zone: str) -> None:
    for hour in range(365 * 24):
        known = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        assert _report("eu-ctr sponsor-24h").due(known, ZoneInfo(zone)) - known == timedelta(hours=24)


@pytest.mark.parametrize(("known", "regime"), [("2020-06-30T15:59", "china-2007"), ("2020-06-30T16:00", "china-2020")])
def test_a_regime_begins_and_ends_on_days_of_the_study(known: str, regime: str) -> None:
    row = AdverseEvent(key="AE1", aeser="Y", known_at=_utc(known))
    course = Course(key="AE1", rows=(row,), versions=(row,))
    (clock,) = clocks_of(course, ("china-2007", "china-2020"), (), ZoneInfo("Asia/Shanghai"))
    assert clock.regime.id == regime


# What the law of each regime says, clause by clause; the first and the last day in force.
REGIMES = {
    "china-2007": ("2007-10-01", "2020-06-30", {"authority-24h": ("serious", 24, None)}),
    "china-2018": ("2018-05-01", None, {"susar-7d": ("grave", None, 7), "susar-15d": ("other", None, 15),
                                        "follow-up-8d": ("follow-up", None, 8)}),
    "china-2020": ("2020-07-01", None, {"sponsor-24h": ("serious", 24, None)}),
    "ich-e2a": ("1994-10-27", None, {"sponsor-24h": ("serious", 24, None), "susar-7d": ("grave", None, 7),
                                     "susar-15d": ("other", None, 15), "follow-up-8d": ("follow-up", None, 8)}),
    "us-ind": ("2011-03-28", None, {"sponsor-24h": ("serious", 24, None), "ind-7d": ("grave", None, 7),
                                    "ind-15d": ("serious", None, 15)}),
    "eu-ctr": ("2022-01-31", None, {"sponsor-24h": ("serious", 24, None), "susar-7d": ("grave", None, 7),
                                    "susar-15d": ("other", None, 15), "follow-up-8d": ("follow-up", None, 8)}),
    "uk": ("2004-05-01", None, {"sponsor-24h": ("serious", 24, None), "susar-7d": ("grave", None, 7),
                                "susar-15d": ("other", None, 15), "follow-up-8d": ("follow-up", None, 8)}),
}  # fmt: skip


def test_the_regimes_are_as_agreed() -> None:
    found = {
        name: (
            str(regime.since),
            str(regime.until) if regime.until else None,
            {report.id: (report.of, report.hours, report.days) for report in regime.report},
        )
        for name, regime in regimes().items()
    }
    assert found == REGIMES


def test_every_report_names_its_clause_and_its_day_0_and_every_follow_up_its_report() -> None:
    for regime in regimes().values():
        ids = [report.id for report in regime.report]
        assert len(set(ids)) == len(ids)
        for report in regime.report:
            assert report.source.strip() and report.day_0.strip()
            assert not report.after or report.after in ids
