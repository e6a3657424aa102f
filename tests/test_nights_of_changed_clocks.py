"""Nights in which clocks are changed, leap days, and times from elsewhere: which moment falls where, as tables."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from alerts.decide import CALLING
from alerts.store import Store
from alerts.tables import Notification
from monitor.daily import owe_daily
from rules.dtc import Dtc
from rules.evaluate import evaluate
from rules.planned_dose import planned_doses
from rules.reading import read_record
from rules.records import Feed, Participant, StudyView
from rules.rulebook import load_rulebook
from rules.wall_clock import instant_of, passed, wall_of
from tests.trial import Trial, make_study

BOOK = load_rulebook("low_dose_il2_sle")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The instant from which on a local moment is over: skipped ones when the clocks go forward, those that come twice the
# second time, and the last before and the first after either.
MOMENTS = [
    ("Europe/Amsterdam", "2026-03-29T01:59:59", "2026-03-29T00:59:59"),
    ("Europe/Amsterdam", "2026-03-29T02:00:00", "2026-03-29T01:00:00"),
    ("Europe/Amsterdam", "2026-03-29T02:30:59", "2026-03-29T01:00:00"),
    ("Europe/Amsterdam", "2026-03-29T03:00:00", "2026-03-29T01:00:00"),
    ("Europe/Amsterdam", "2026-10-25T01:59:59", "2026-10-24T23:59:59"),
    ("Europe/Amsterdam", "2026-10-25T02:00:00", "2026-10-25T01:00:00"),
    ("Europe/Amsterdam", "2026-10-25T02:30:00", "2026-10-25T01:30:00"),
    ("Europe/Amsterdam", "2026-10-25T03:00:00", "2026-10-25T02:00:00"),
    ("America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:00:00"),
    ("America/New_York", "2026-03-08T03:00:00", "2026-03-08T07:00:00"),
    ("America/New_York", "2026-11-01T00:59:59", "2026-11-01T04:59:59"),
    ("America/New_York", "2026-11-01T01:00:00", "2026-11-01T06:00:00"),
    ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T06:30:00"),
    ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:30:00"),
    ("Australia/Lord_Howe", "2026-10-04T02:30:00", "2026-10-03T15:30:00"),
    ("Australia/Lord_Howe", "2026-04-05T01:29:59", "2026-04-04T14:29:59"),
    ("Australia/Lord_Howe", "2026-04-05T01:30:00", "2026-04-04T15:00:00"),
    ("Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T15:15:00"),
    ("Pacific/Chatham", "2026-09-27T02:45:00", "2026-09-26T14:00:00"),
    ("Pacific/Chatham", "2026-09-27T03:30:00", "2026-09-26T14:00:00"),
    ("Pacific/Chatham", "2026-04-05T02:44:59", "2026-04-04T12:59:59"),
    ("Pacific/Chatham", "2026-04-05T02:45:00", "2026-04-04T14:00:00"),
    ("Pacific/Chatham", "2026-04-05T03:30:00", "2026-04-04T14:45:00"),
    ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T10:00:00"),  # a whole day that never was
    ("Asia/Shanghai", "2026-10-01T00:00:00", "2026-09-30T16:00:00"),
]


@pytest.mark.parametrize(("zone", "local", "instant"), MOMENTS)
def test_a_local_moment_is_over_at_one_instant(zone, local, instant):
    assert instant_of(datetime.fromisoformat(local), ZoneInfo(zone)) == utc(instant)


# What the wall clock shows, and up to which local moment time has come: they differ while an hour will come again.
SHOWN = [
    ("Europe/Amsterdam", "2026-03-29T00:59:59", "2026-03-29T01:59:59", "2026-03-29T01:59:59"),
    ("Europe/Amsterdam", "2026-03-29T01:00:00", "2026-03-29T03:00:00", "2026-03-29T03:00:00"),
    ("Europe/Amsterdam", "2026-10-25T00:30:00", "2026-10-25T02:30:00", "2026-10-25T01:59:59.999999"),
    ("Europe/Amsterdam", "2026-10-25T01:00:00", "2026-10-25T02:00:00", "2026-10-25T02:00:00"),
    ("America/New_York", "2026-11-01T05:59:00", "2026-11-01T01:59:00", "2026-11-01T00:59:59.999999"),
    ("America/New_York", "2026-11-01T06:10:00", "2026-11-01T01:10:00", "2026-11-01T01:10:00"),
    ("Australia/Lord_Howe", "2026-04-04T14:45:00", "2026-04-05T01:45:00", "2026-04-05T01:29:59.999999"),
    ("Australia/Lord_Howe", "2026-04-04T15:15:00", "2026-04-05T01:45:00", "2026-04-05T01:45:00"),
    ("Pacific/Chatham", "2026-04-04T13:15:00", "2026-04-05T03:00:00", "2026-04-05T02:44:59.999999"),
    ("Pacific/Chatham", "2026-04-04T14:15:00", "2026-04-05T03:00:00", "2026-04-05T03:00:00"),
]


@pytest.mark.parametrize(("zone", "instant", "shown", "come"), SHOWN)
def test_time_comes_to_no_local_moment_twice(zone, instant, shown, come):
    here = ZoneInfo(zone)
    assert wall_of(utc(instant), here) == datetime.fromisoformat(shown)
    assert passed(utc(instant), here) == datetime.fromisoformat(come)


NIGHTS = [
    ("Europe/Amsterdam", "2026-03-29T01:00"), ("Europe/Amsterdam", "2026-10-25T01:00"),
    ("America/New_York", "2026-03-08T07:00"), ("America/New_York", "2026-11-01T06:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"), ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("Pacific/Chatham", "2026-04-04T14:00"), ("Pacific/Chatham", "2026-09-26T14:00"),
    ("America/Havana", "2026-03-08T05:00"), ("America/Havana", "2026-11-01T05:00"),
]  # fmt: skip
around = st.integers(-3 * 3600, 3 * 3600)


@given(st.sampled_from(NIGHTS), around, around)
def test_whatever_is_due_at_a_local_moment_is_due_from_its_instant_on(night, to_local, to_instant):
    zone, change = ZoneInfo(night[0]), utc(night[1])
    local = wall_of(change, zone) + timedelta(seconds=to_local)
    instant = change + timedelta(seconds=to_instant)
    assert (passed(instant, zone) >= local) is (instant >= instant_of(local, zone))
    assert passed(instant, zone) <= passed(instant + timedelta(seconds=1), zone)


# When C1D3 of a participant first dosed on a day counts as missed: six days later at midnight, on the morning before
# the clocks are changed and on the next.
MISSED = [
    ("Europe/Amsterdam", "2026-03-23", "2026-03-28T23:00"), ("Europe/Amsterdam", "2026-03-24", "2026-03-29T22:00"),
    ("Europe/Amsterdam", "2026-10-19", "2026-10-24T22:00"), ("Europe/Amsterdam", "2026-10-20", "2026-10-25T23:00"),
    ("America/New_York", "2026-03-02", "2026-03-08T05:00"), ("America/New_York", "2026-03-03", "2026-03-09T04:00"),
    ("America/New_York", "2026-10-26", "2026-11-01T04:00"), ("America/New_York", "2026-10-27", "2026-11-02T05:00"),
    ("Australia/Lord_Howe", "2026-09-28", "2026-10-03T13:30"),
    ("Australia/Lord_Howe", "2026-09-29", "2026-10-04T13:00"),
    ("Australia/Lord_Howe", "2026-03-30", "2026-04-04T13:00"),
    ("Australia/Lord_Howe", "2026-03-31", "2026-04-05T13:30"),
    ("Pacific/Chatham", "2026-09-21", "2026-09-26T11:15"), ("Pacific/Chatham", "2026-09-22", "2026-09-27T10:15"),
    ("Pacific/Chatham", "2026-03-30", "2026-04-04T10:15"), ("Pacific/Chatham", "2026-03-31", "2026-04-05T11:15"),
    ("America/Havana", "2026-03-02", "2026-03-08T05:00"), ("America/Havana", "2026-10-26", "2026-11-01T05:00"),
]  # fmt: skip


def judged(rule_id: str, zone: str, now: datetime, rows: dict[str, list[dict[str, str]]]):
    """Return what one rule says of a participant, and when it asks to be asked again."""
    rule = BOOK.rule(rule_id)
    asked = {rule_id, *BOOK.kind_of(rule).follows(BOOK.whens[rule_id])}
    book = replace(BOOK, rules=tuple(rule for rule in BOOK.rules if rule.id in asked))
    here = ZoneInfo(zone)
    records = {
        domain: tuple(
            read_record(domain, {"USUBJID": "P1", **row}, version=number, key=f"{domain}{number}", zone=here)
            for number, row in enumerate(entries, start=1)
        )
        for domain, entries in rows.items()
    }
    participant = Participant(usubjid="P1", doses=records.get("EC", ()), findings=records.get("LB", ()))
    view = StudyView(participants=(participant,), feed=Feed(domains=frozenset({"EC", "LB"})))
    evaluation = evaluate(book, view, now, here)
    assert not evaluation.failures
    return [j for j in evaluation.judgements if j.rule_id == rule_id and j.usubjid], evaluation.due.get("P1")


@pytest.mark.parametrize(("zone", "first", "due"), MISSED)
def test_a_missed_dose_is_due_at_the_midnight_of_the_study(zone, first, due):
    rows = {"EC": [{"ECOCCUR": "Y", "ECSTDTC": f"{first}T09:00"}]}
    before, named = judged("DOS-01", zone, utc(due) - timedelta(seconds=1), rows)
    assert (before, named) == ([], utc(due))
    at_due, then = judged("DOS-01", zone, utc(due), rows)
    assert [judgement.scope for judgement in at_due] == ["C1D3"]
    assert then is not None
    assert then > utc(due)


# 72 hours are 72 hours in any night: the wall clock shows another time of day after it.
REPEATED = [
    ("Europe/Amsterdam", "2026-03-27T08:00", "2026-03-30 09:00"),
    ("Europe/Amsterdam", "2026-10-23T08:00", "2026-10-26 07:00"),
    ("America/New_York", "2026-03-06T08:00", "2026-03-09 09:00"),
    ("America/New_York", "2026-10-30T08:00", "2026-11-02 07:00"),
    ("Australia/Lord_Howe", "2026-10-02T08:00", "2026-10-05 08:30"),
    ("Australia/Lord_Howe", "2026-04-03T08:00", "2026-04-06 07:30"),
    ("Pacific/Chatham", "2026-09-25T08:00", "2026-09-28 09:00"),
    ("Pacific/Chatham", "2026-04-03T08:00", "2026-04-06 07:00"),
    ("Asia/Shanghai", "2024-02-27T08:00", "2024-03-01 08:00"),
    ("Asia/Shanghai", "2026-02-26T08:00", "2026-03-01 08:00"),
]


@pytest.mark.parametrize(("zone", "drawn", "due"), REPEATED)
def test_hours_for_a_repeat_are_hours(zone, drawn, due):
    low = {"LBTESTCD": "PLAT", "LBORRES": "38", "LBORRESU": "10^9/L", "LBDTC": drawn}
    dosed = {"EC": [{"ECOCCUR": "Y", "ECSTDTC": "2023-01-05"}], "LB": [low]}
    (told,), _ = judged("LAB-03", zone, utc("2026-12-31"), dosed)
    assert told.reason.startswith(f"due by {due} study time")


# Days are calendar days: a planned dose on a leap day, and one a day after 28 February where there is none.
PLANNED = [("2024-02-27", ["2024-02-27", "2024-02-29", "2024-03-02"]),
           ("2023-02-27", ["2023-02-27", "2023-03-01", "2023-03-03"]),
           ("2026-03-27", ["2026-03-27", "2026-03-29", "2026-03-31"])]  # fmt: skip


@pytest.mark.parametrize(("first", "days"), PLANNED)
def test_planned_days_are_calendar_days(first, days):
    planned = planned_doses(BOOK.dosing, date.fromisoformat(first))
    assert [str(dose.on) for dose in planned[:3]] == days
    assert [(dose.opens, dose.closes) for dose in planned[:3]] == [
        (date.fromisoformat(day) - timedelta(days=1), date.fromisoformat(day) + timedelta(days=1)) for day in days
    ]


# Times with an offset, as a participant who travels brings them, on the wall clock of the study.
ELSEWHERE = [
    ("2026-01-05T09:00+09:00", "Asia/Shanghai", "2026-01-05T08:00"),
    ("2026-01-05T20:00-05:00", "Asia/Shanghai", "2026-01-06T09:00"),
    ("2026-01-05T23:30Z", "Asia/Shanghai", "2026-01-06T07:30"),
    ("2026-01-05T23:30:15Z", "Asia/Shanghai", "2026-01-06T07:30:15"),
    ("2024-02-28T20:00-05:00", "Asia/Shanghai", "2024-02-29T09:00"),
    ("2026-03-29T01:30+01:00", "Europe/Amsterdam", "2026-03-29T01:30"),
    ("2026-03-29T02:30+01:00", "Europe/Amsterdam", "2026-03-29T03:30"),
    ("2026-10-25T02:30+02:00", "Europe/Amsterdam", "2026-10-25T02:30"),
    ("2026-10-25T02:30+01:00", "Europe/Amsterdam", "2026-10-25T02:30"),
    ("2026-01-05T09:00+09:00", None, "2026-01-05T09:00"),
]


@pytest.mark.parametrize(("text", "zone", "local"), ELSEWHERE)
def test_a_time_from_elsewhere_is_put_on_the_study_s_wall_clock(text, zone, local):
    dtc = Dtc.parse(text, ZoneInfo(zone) if zone else None)
    assert dtc.earliest == datetime.fromisoformat(local)
    assert dtc.has_time
    assert str(dtc) == text


@pytest.mark.parametrize("text", ["2026-01-05+08:00", "2026-01-05T09+08:00", "2026-01-05T09:00+8", "2026-01Z"])
def test_an_offset_belongs_to_a_time_of_day(text):
    with pytest.raises(ValueError, match="is not an ISO 8601 date"):
        Dtc.parse(text)


def test_an_offset_that_no_place_has_is_refused():
    with pytest.raises(ValueError, match="has no offset of a place on earth"):
        Dtc.parse("2026-01-05T09:00+25:00", ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(("measured", "told"), [("2026-01-06T01:30+01:00", []), ("2026-01-06T03:30+01:00", ["notify"])])
def test_a_fever_measured_elsewhere_is_placed_after_the_dose_given_at_home(tmp_path, store, measured, told):
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1", RFXSTDTC="2026-01-05T09:00")
    trial.add("EC", USUBJID="P1", ECOCCUR="Y", ECSTDTC="2026-01-05T09:00")
    trial.add("VS", USUBJID="P1", VSTESTCD="TEMP", VSORRES="39.0", VSORRESU="C", VSDTC=measured)
    trial.sweep(utc("2026-01-06T04:00"))
    hits = [found.action for found in trial.decisions() if found.rule_id == "INF-03" and found.action in CALLING]
    assert hits == told
    assert not [decision for decision in trial.decisions() if decision.scope == "VS VSDTC"]


# When the daily mail of an hour that is skipped or comes twice is owed: the day before, that day, the day after.
DAILY = [
    ("Europe/Amsterdam", "02:30", ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]),
    ("Europe/Amsterdam", "02:30", ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
    ("America/New_York", "02:30", ["2026-03-07T07:30", "2026-03-08T07:00", "2026-03-09T06:30"]),
    ("America/New_York", "01:30", ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"]),
    ("Australia/Lord_Howe", "02:15", ["2026-10-02T15:45", "2026-10-03T15:30", "2026-10-04T15:15"]),
    ("Australia/Lord_Howe", "01:45", ["2026-04-03T14:45", "2026-04-04T14:45", "2026-04-05T15:15"]),
    ("Pacific/Chatham", "03:15", ["2026-09-25T14:30", "2026-09-26T14:00", "2026-09-27T13:30"]),
    ("Pacific/Chatham", "03:15", ["2026-04-03T13:30", "2026-04-04T13:30", "2026-04-05T14:30"]),
]


@pytest.mark.parametrize(("zone", "at", "moments"), DAILY)
def test_every_day_has_one_daily_mail_whatever_the_clocks_do(tmp_path, zone, at, moments):
    store = Store(f"sqlite:///{tmp_path / 'vigil.db'}")
    store.upgrade()
    study = replace(make_study(tmp_path), zone=ZoneInfo(zone), daily_at=time.fromisoformat(at))
    start = utc(moments[0])
    owe_daily(store, study, start - timedelta(days=1))
    for quarter in range(-4, 4 * 24 * 2 + 8):
        owe_daily(store, study, start + timedelta(minutes=15 * quarter))
    with store.read() as session:
        owed = session.exec(select(Notification.owed_at).order_by(col(Notification.owed_at)).distinct()).all()
    store.close()
    assert list(owed)[1:] == [utc(moment) for moment in moments]
