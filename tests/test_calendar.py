"""A participant's calendar: what is planned, what became of it, in the order in which a nurse would look."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from rules.calendar import Line, calendar
from rules.evaluate import context_with_hits
from rules.reading import read_record
from rules.records import Dose, Finding, Hold, Participant, StudyView, Submission
from rules.rulebook import load_rulebook

BOOK = load_rulebook("low_dose_il2_sle")


def lines_of(now: datetime, doses: list[dict[str, str]], tests: dict[str, str] | None = None, **more) -> list[Line]:
    """Return the calendar of a participant whose blood counts, if any, were drawn on the days given."""
    records = {
        "doses": tuple(
            read_record("EC", {"USUBJID": "P1", "ECOCCUR": "Y"} | dose, version=number, key=f"EC{number}")
            for number, dose in enumerate(doses, 1)
        ),
        "findings": tuple(
            read_record(
                "LB",
                {"USUBJID": "P1", "LBTESTCD": test, "LBORRES": "5", "LBORRESU": "10^9/L", "LBDTC": day},
                version=100 + number,
                key=f"LB{number}",
            )
            for number, (test, day) in enumerate((tests or {}).items(), 1)
        ),
    }
    assert all(isinstance(dose, Dose) for dose in records["doses"])
    assert all(isinstance(finding, Finding) for finding in records["findings"])
    participant = Participant(usubjid="P1", **records, **more)
    view = StudyView(participants=(participant,))
    return list(calendar(participant, BOOK, context_with_hits(BOOK, view, now, ZoneInfo("Asia/Shanghai"))))


def test_every_planned_dose_has_one_line_and_says_what_became_of_it():
    doses = [
        {"ECSTDTC": "2026-01-05T09:00"},
        {"ECSTDTC": "2026-01-08T09:00"},
        {"ECSTDTC": "2026-01-08", "ECOCCUR": "N"},
        {"ECSTDTC": "2026-01-13"},
        {"ECSTDTC": "2026-01-25"},
    ]
    lines = lines_of(datetime(2026, 1, 16, 4, 0, tzinfo=UTC), doses)
    doses_told = [(line.what, line.days, line.became) for line in lines if line.what.startswith("dose C1")]
    assert doses_told == [
        ("dose C1D1", "2026-01-05", "given"),
        ("dose C1D3", "2026-01-07", "given 1 day late, 2026-01-08"),
        ("dose C1D5", "2026-01-09", "recorded as not given"),
        ("dose C1D7", "2026-01-11", "nothing recorded"),
        ("dose C1D9", "2026-01-13", "given"),
        ("dose C1D11", "2026-01-15", "planned; missed if nothing is recorded by 2026-01-19 00:00"),
        ("dose C1D13", "2026-01-17", "planned; missed if nothing is recorded by 2026-01-21 00:00"),
    ]
    assert [(line.what, line.became) for line in lines if "outside" in line.what] == [
        ("dose outside the plan", "given 2026-01-25")
    ]


def test_samples_are_received_awaited_or_not_received():
    lines = lines_of(
        datetime(2026, 1, 16, 4, 0, tzinfo=UTC),
        [{"ECSTDTC": "2026-01-05T09:00"}],
        dict.fromkeys(("WBC", "NEUT", "LYM", "HGB"), "2026-01-05T08:00"),
    )
    samples = {line.what: (line.days, line.became) for line in lines if line.what.startswith("sample")}
    assert samples["sample before cycle 1 (LAB-01)"] == ("2026-01-02 to 2026-01-05", "not received: PLAT")
    days, became = samples["sample week 2 (LAB-02)"]
    assert (days, became[:14]) == ("2026-01-16 to 2026-01-22", "awaited: WBC, ")


def test_holds_stand_at_their_begin_and_what_has_no_day_comes_last():
    hold = Hold(rule_id="CYT-02", alert=3, consequence="hold", summary="", since=datetime(2026, 1, 6, 2, 0, tzinfo=UTC))
    released = Hold(
        rule_id="CLS-01",
        alert=4,
        consequence="stop",
        summary="",
        since=hold.since,
        until=datetime(2026, 1, 7, 2, tzinfo=UTC),
    )
    lines = lines_of(datetime(2026, 1, 16, tzinfo=UTC), [{"ECSTDTC": "2026-01"}], holds=(hold, released))
    assert [(line.days, line.what, line.became) for line in lines] == [
        ("from 2026-01-06 10:00", "hold (CYT-02, alert 3)", "not released"),
        ("from 2026-01-06 10:00", "stop (CLS-01, alert 4)", "released 2026-01-07 10:00"),
        ("", "dose of 2026-01 (day unknown)", "given"),
        ("", "planned doses", "not known: the first dose has no day: 2026-01 (day unknown)"),
    ]


def test_a_clock_stands_on_the_day_on_which_it_is_due():
    known = datetime(2026, 3, 13, 12, tzinfo=UTC)
    event = read_record("AE", {"USUBJID": "P1", "AESER": "Y"}, version=1, key="AE1", event_key="P1|1", known_at=known)
    entry = Submission(scope="P1|1", on=date(2026, 3, 13), by="Dr Li", at=datetime(2026, 3, 13, 13, tzinfo=UTC))
    for now, became in ((27, "no submission entered"), (29, "overdue")):
        lines = lines_of(datetime(2026, 3, now, tzinfo=UTC), [], adverse_events=(event,), submissions=(entry,))
        assert [(str(line.on), line.days, line.what, line.became) for line in lines] == [
            (
                "2026-03-14",
                "by 2026-03-14 20:00",
                "Report of the investigator to the sponsor (SAE-03), if one is owed",
                "submitted on 2026-03-13, as Dr Li entered 2026-03-13 21:00",
            ),
            ("2026-03-28", "by 2026-03-28, end of the day", "SUSAR report (SAE-03), if one is owed", became),
        ]


def test_a_planned_dose_says_that_dosing_is_on_hold():
    hold = Hold(rule_id="CYT-02", alert=3, consequence="hold", summary="", since=datetime(2026, 1, 6, 2, 0, tzinfo=UTC))
    now = datetime(2026, 1, 6, 4, 0, tzinfo=UTC)
    lines = lines_of(now, [{"ECSTDTC": "2026-01-05"}], holds=(hold,))
    became = {line.what: line.became for line in lines}
    assert became["dose C1D3"] == (
        "ON HOLD (alert 3), which nobody has acknowledged; missed if nothing is recorded by 2026-01-11 00:00"
    )
    assert became["dose C1D1"] == "given"
    lines = lines_of(now, [{"ECSTDTC": "2026-01-05"}], holds=(replace(hold, acknowledged=now),))
    assert {line.what: line.became for line in lines}["dose C1D3"] == (
        "ON HOLD (alert 3); missed if nothing is recorded by 2026-01-11 00:00"
    )


def test_a_dose_not_given_on_hold_is_shown_as_that():
    since = datetime(2026, 1, 6, 2, 0, tzinfo=UTC)
    seen = Hold(rule_id="CYT-02", alert=3, consequence="hold", summary="", since=since, acknowledged=since)
    doses = [{"ECSTDTC": "2026-01-05"}, {"ECSTDTC": "2026-01-07", "ECOCCUR": "N"}]
    lines = lines_of(datetime(2026, 1, 16, tzinfo=UTC), doses, holds=(seen,))
    became = {line.what: line.became for line in lines}
    assert became["dose C1D3"] == "not given: dosing was on hold (alert 3)"
    assert became["dose C1D5"] == "nothing recorded"


def test_the_sample_before_the_next_cycle_stands_there_before_that_begins():
    lines = lines_of(datetime(2026, 1, 20, 4, 0, tzinfo=UTC), [{"ECSTDTC": "2026-01-05"}])
    before = {line.what: (line.days, line.became) for line in lines if "before cycle" in line.what}
    assert before["sample before cycle 2 (LAB-01)"] == ("2026-01-30 to 2026-02-02", "to be drawn")
    assert "sample before cycle 4 (LAB-01)" not in before  # a cycle that only begins if somebody begins it


def test_no_planned_dose_is_shown_where_the_date_of_the_first_is_doubtful():
    lines = lines_of(datetime(2026, 1, 20, tzinfo=UTC), [{"ECSTDTC": "2025-01-05"}, {"ECSTDTC": "2026-01-05"}])
    assert [(line.what, line.became) for line in lines] == [
        ("dose of 2025-01-05", "given"),
        ("dose of 2026-01-05", "given"),
        (
            "planned doses",
            "not known: every later dose lies outside the plan as counted from the first dose on 2025-01-05: "
            "is that date right?",
        ),
    ]


def test_each_cycle_and_the_plan_say_how_much_was_given():
    since, until = datetime(2026, 2, 3, tzinfo=UTC), datetime(2026, 2, 5, tzinfo=UTC)
    hold = Hold(rule_id="CYT-02", alert=3, consequence="hold", summary="", since=since, acknowledged=since, until=until)
    given = [5, 7, 9, 11, 13, 15, 33, 37]  # nothing on the 17th; on hold on 4 February, the 35th
    doses = [{"ECSTDTC": str(date(2025, 12, 31) + timedelta(days=day))} for day in given]
    doses.append({"ECSTDTC": "2026-02-04", "ECOCCUR": "N"})
    lines = lines_of(datetime(2026, 2, 10, tzinfo=UTC), doses, holds=(hold,))
    assert [(str(line.on), line.what, line.became) for line in lines if line.what.startswith("doses")] == [
        ("2026-01-17", "doses of cycle 1", "6 of 7 planned doses given (86 %)"),
        ("2026-02-14", "doses of cycle 2", "2 of 2 planned doses given (100 %); 1 on hold, not counted"),
        ("None", "doses of the plan so far", "8 of 9 planned doses given (89 %)"),
    ]


def test_a_dose_recorded_twice_is_shown_as_that():
    doses = [{"ECSTDTC": "2026-01-05T09:00"}, {"ECSTDTC": "2026-01-05T09:00"}, {"ECSTDTC": "2026-01-05T11:00"}]
    lines = lines_of(datetime(2026, 1, 6, tzinfo=UTC), doses)
    assert [(line.what, line.became) for line in lines if str(line.on) == "2026-01-05" and "dose " in line.what][
        1:
    ] == [
        ("dose outside the plan", "given 2026-01-05T11:00"),
        ("dose recorded twice, or two doses", "given 2026-01-05T09:00"),
    ]
