"""Planned doses and what became of each, at the edges of windows, grace, cycles and the end of dosing."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations, permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.context import Context
from rules.dose_records import given_records
from rules.dosing_plan import DosingPlan
from rules.dtc import Dtc
from rules.planned_dose import planned_doses
from rules.records import Disposition, Dose, Participant, Subject
from rules.regimen import Fate, _assign, fates_as_collected, fates_by_plan, runs_of_missed
from rules.rulebook import Header

PLAN = DosingPlan(days=(1, 3, 5, 7, 9, 11, 13), cycle_days=28, cycles=3, max_cycles=6)
FIRST = date(2026, 1, 1)


def dose(on: str, occur: str = "Y", end: str = "", **fields) -> Dose:
    parsed = Dtc.parse(on) if on else None
    return Dose(key=f"{on}{occur}", occur=occur, stdtc=parsed, endtc=Dtc.parse(end) if end else None, **fields)


def at(now: str, zero_dose: str = "not-given") -> Context:
    """The circumstances of a study in UTC."""
    header = Header(name="test", version="1", title="test", ctcae="5.0", zero_dose=zero_dose)
    return Context(now=datetime.fromisoformat(now).replace(tzinfo=UTC), zone=ZoneInfo("UTC"), header=header)


def study_day(day: int) -> str:
    return str(FIRST + timedelta(days=day - 1))


def fates(doses, now="2026-12-31T00:00", dispositions=(), plan=PLAN):
    participant = Participant(usubjid="P1", doses=tuple(doses), dispositions=tuple(dispositions))
    answers = fates_by_plan(plan, participant, FIRST, at(now))
    return {answer.name: answer.fate for answer in answers}


def test_the_plan_of_the_founding_study():
    planned = planned_doses(PLAN, FIRST)
    assert len(planned) == 42
    in_minimum = [dose for dose in planned if dose.cycle <= 3]
    assert len(in_minimum) == 21
    assert in_minimum[-1].on == FIRST + timedelta(days=69 - 1)
    assert planned[-1].on == FIRST + timedelta(days=153 - 1)
    assert (planned[0].name, planned[-1].name) == ("C1D1", "C6D13")


@pytest.mark.parametrize(
    ("now", "fate"),
    [("2026-01-06T23:59:59", Fate.NOT_DUE), ("2026-01-07T00:00", Fate.NO_RECORD)],
)
def test_an_unrecorded_dose_is_missed_at_the_end_of_window_and_grace(now, fate):
    assert fates([dose(study_day(1))], now)["C1D3"] is fate


@pytest.mark.parametrize(("day", "fate"), [(1, Fate.NO_RECORD), (2, Fate.GIVEN), (4, Fate.GIVEN), (6, Fate.NO_RECORD)])
def test_a_dose_counts_within_its_window(day, fate):
    assert fates([dose(study_day(1)), dose(study_day(day), end=study_day(day))])["C1D3"] is fate


def test_neighbouring_windows_never_share_a_dose_and_one_midway_counts_for_the_earlier():
    one_for_two = fates([dose(study_day(1)), dose(study_day(4))])
    assert (one_for_two["C1D3"], one_for_two["C1D5"]) == (Fate.GIVEN, Fate.NO_RECORD)


def test_of_two_doses_as_near_to_a_planned_day_the_earlier_is_the_planned_one():
    one_a_week = DosingPlan(days=(8,), cycle_days=28, cycles=1)
    participant = Participant(usubjid="P1", doses=(dose(study_day(9)), dose(study_day(7))))
    (answer,) = fates_by_plan(one_a_week, participant, FIRST, at("2026-12-31"))
    assert (answer.record.stdtc.text, answer.fate) == (study_day(7), Fate.GIVEN)


def test_every_dose_a_day_late_is_no_miss():
    answers = fates([dose(study_day(1))] + [dose(study_day(day + 1)) for day in PLAN.days[1:]])
    assert {answers[f"C1D{day}"] for day in PLAN.days} == {Fate.GIVEN}


def test_a_dose_given_later_in_the_window_outweighs_the_record_of_the_missed_day():
    answers = fates([dose(study_day(1)), dose(study_day(3), "N"), dose(study_day(4))], "2026-01-04T12:00")
    assert answers["C1D3"] is Fate.GIVEN
    assert Fate.NOT_GIVEN not in answers.values()


@pytest.mark.parametrize(("day", "told"), [(0, False), (-1, True), (14, False), (15, True)])
def test_a_record_not_given_within_the_window_of_a_dose_that_was_given_is_no_miss(day, told):
    answers = fates([*(dose(study_day(on)) for on in PLAN.days), dose(study_day(day), "N")], "2026-01-16T12:00")
    assert (f"dose of {study_day(day)}" in answers) is told


@pytest.mark.parametrize(("day", "told"), [(17, True), (18, True), (19, False)])
def test_a_record_not_given_after_the_end_of_dosing_was_not_expected(day, told):
    ended = Disposition(dsdecod="ADVERSE EVENT", dscat="DISPOSITION EVENT", dsstdtc=Dtc.parse(study_day(18)))
    doses = [*(dose(study_day(on)) for on in PLAN.days), dose(study_day(day), "N")]
    assert (f"dose of {study_day(day)}" in fates(doses, dispositions=[ended])) is told
    participant = Participant(usubjid="P1", doses=tuple(doses), dispositions=(ended,))
    collected = fates_as_collected(participant, 2, at("2026-12-31"))
    assert collected[-1].fate is (Fate.NOT_GIVEN if told else Fate.NOT_EXPECTED)


def test_a_record_not_given_that_fits_no_planned_day_is_still_told():
    answers = fates([dose(study_day(1)), dose(study_day(20), "N")], "2026-01-20T12:00")
    assert answers["dose of 2026-01-20"] is Fate.NOT_GIVEN


def test_a_record_of_several_days_covers_the_planned_days_within():
    answers = fates([dose(study_day(1), end=study_day(13))])
    assert {answers[f"C1D{day}"] for day in PLAN.days} == {Fate.GIVEN}
    assert answers["C2D1"] is Fate.NO_RECORD


def test_an_optional_cycle_is_expected_once_begun():
    through_three = [dose(study_day(28 * c + day)) for c in range(3) for day in PLAN.days]
    assert set(fates(through_three).values()) == {Fate.GIVEN, Fate.NOT_EXPECTED}
    begun = fates([*through_three, dose(study_day(28 * 3 + 1))])
    assert [begun[f"C4D{day}"] for day in PLAN.days] == [Fate.GIVEN] + [Fate.NO_RECORD] * 6
    assert begun["C5D1"] is Fate.NOT_EXPECTED


@pytest.mark.parametrize(
    ("decod", "category", "on", "fate"),
    [
        ("WITHDRAWAL BY SUBJECT", "DISPOSITION EVENT", 2, Fate.NOT_EXPECTED),
        ("DEATH", "DISPOSITION EVENT", 2, Fate.NOT_EXPECTED),
        ("COMPLETED", "DISPOSITION EVENT", 3, Fate.NO_RECORD),  # the planned day itself is still expected
        ("COMPLETED", "DISPOSITION EVENT", 1, Fate.NO_RECORD),  # the screening
        ("RANDOMIZED", "PROTOCOL MILESTONE", 2, Fate.NO_RECORD),
        ("ADVERSE EVENT", "DISPOSITION EVENT", 1, Fate.NOT_EXPECTED),  # on the day of the first dose
        ("ADVERSE EVENT", "DISPOSITION EVENT", 0, Fate.NO_RECORD),  # before it
        ("WITHDRAWN", "", 2, Fate.NOT_EXPECTED),
        ("已停止治疗", "", 2, Fate.NOT_EXPECTED),
    ],
)
def test_the_end_of_dosing(decod, category, on, fate):
    ended = Disposition(dsdecod=decod, dscat=category, dsstdtc=Dtc.parse(study_day(on)))
    assert fates([dose(study_day(1))], dispositions=[ended])["C1D3"] is fate


@pytest.mark.parametrize(("on", "fate"), [("2026-01", Fate.MAY_HAVE_ENDED), ("", Fate.MAY_HAVE_ENDED)])
def test_nothing_is_missed_where_dosing_may_have_ended_before(on, fate):
    ended = Disposition(dsdecod="ADVERSE EVENT", dscat="DISPOSITION EVENT", dsstdtc=Dtc.parse(on) if on else None)
    answers = fates([dose(study_day(1)), dose(study_day(5))], dispositions=[ended])
    assert answers["C1D3"] is Fate.NO_RECORD  # a dose was given after it
    assert answers["C1D7"] is fate


def test_a_death_without_a_date_ends_dosing_at_an_unknown_time():
    died = Participant(usubjid="P1", subject=Subject(dthfl="Y"), doses=(dose(study_day(1)),))
    answers = fates_by_plan(PLAN, died, FIRST, at("2026-12-31"))
    assert {answer.fate for answer in answers[1:21]} == {Fate.MAY_HAVE_ENDED}


@pytest.mark.parametrize(
    ("decod", "fate"),
    [("DEATH", Fate.NO_RECORD), ("死亡", Fate.NO_RECORD), ("ADVERSE EVENT", Fate.MAY_HAVE_ENDED)],
)
def test_a_death_whose_date_ds_gives_is_not_undated_for_a_mere_flag_in_dm(decod, fate):
    doses = [dose(study_day(1))]
    ended = Disposition(key="DS1", dsdecod=decod, dscat="DISPOSITION EVENT", dsstdtc=Dtc.parse(study_day(20)))
    subject = Subject(usubjid="P1", dthfl="Y")
    participant = Participant(usubjid="P1", subject=subject, doses=tuple(doses), dispositions=(ended,))
    answers = {one.name: one.fate for one in fates_by_plan(PLAN, participant, FIRST, at("2026-12-31T00:00"))}
    assert answers["C1D3"] is fate


def test_a_dose_without_a_day_leaves_unclear_only_the_doses_it_could_be():
    planned = [dose(study_day(day)) for day in (1, 3, 5, 7, 9, 11, 13, 29)]
    answers = fates([*planned, dose("2026-01"), dose("2026-01")])
    assert answers["C2D3"] is Fate.UNCLEAR  # planned for 31 January
    assert answers["C2D5"] is Fate.NO_RECORD  # its window opens on 1 February


def test_each_dose_without_a_day_may_be_one_planned_dose_the_earliest_that_it_fits():
    undated, in_february = dose(""), dose("2026-02")
    for records in permutations([dose(study_day(1)), undated, in_february]):
        answers = fates(records)
        assert [name for name, fate in answers.items() if fate is Fate.UNCLEAR] == ["C1D3", "C2D3"]
        assert answers["C1D5"] is answers["C2D5"] is Fate.NO_RECORD  # C2D3 is planned for 31 January
    answers = fates([dose(study_day(1)), undated, dose("2026-01")])
    assert [name for name, fate in answers.items() if fate is Fate.UNCLEAR] == ["C1D3", "C1D5"]


def test_two_records_of_several_days_that_begin_in_one_minute_cover_the_days_of_both():
    short, long = dose("2026-01-05T09:00", end="2026-01-07"), dose("2026-01-05T09:00", end="2026-01-13")
    for records in permutations([dose(study_day(1)), dose(study_day(3)), short, long]):
        answers = fates(records, now="2026-01-20T00:00")
        assert Fate.NO_RECORD not in answers.values()


@pytest.mark.parametrize(
    ("record", "fate"),
    [
        ({"occur": "", "presp": "Y"}, Fate.UNCLEAR),  # asked, and not answered
        ({"occur": "", "presp": "Y", "dose": Decimal(1)}, Fate.GIVEN),
        ({"occur": ""}, Fate.GIVEN),
        ({"occur": "U", "presp": "Y"}, Fate.UNCLEAR),
        ({"occur": "", "presp": "Y", "mood": "SCHEDULED"}, Fate.NO_RECORD),
        ({"occur": "", "mood": "PLANNED"}, Fate.NO_RECORD),
    ],
)
def test_a_record_that_does_not_say_whether_is_neither_given_nor_missed(record, fate):
    doses = [dose(study_day(1)), dose(study_day(3), **record)]
    assert fates(doses)["C1D3"] is fate
    participant = Participant(usubjid="P1", doses=tuple(doses))
    assert fates_as_collected(participant, 2, at("2026-06-01"))[1].fate is fate


def test_a_dose_refused_twice_is_missed_once():
    answers = fates(
        [dose(study_day(1)), dose(study_day(3), "N"), dose(study_day(3), "N", dosu="x"), dose(study_day(5))]
    )
    assert [name for name, fate in answers.items() if fate is Fate.NOT_GIVEN] == ["C1D3"]


def test_as_collected_goes_by_ec_alone():
    participant = Participant(
        usubjid="P1",
        doses=(
            dose("2026-01-01"),
            dose("2026-01-02", "N"),
            dose("2026-01-03", "", mood="SCHEDULED"),
            dose("2026-01-04", "", mood="SCHEDULED"),
            dose("2026-01-04"),
            Dose(domain="EX", stdtc=Dtc.parse("2026-01-05"), key="EX"),
        ),
    )
    answers = fates_as_collected(participant, 2, at("2026-01-06", "placebo"))
    assert [(answer.name, answer.fate) for answer in answers if answer.fate is not Fate.GIVEN] == [
        ("dose of 2026-01-02", Fate.NOT_GIVEN),
        ("dose of 2026-01-03", Fate.NO_RECORD),
    ]
    earlier = fates_as_collected(participant, 2, at("2026-01-05T23:59", "placebo"))
    assert earlier[2].fate is Fate.NOT_DUE


def collected(*doses, ended="2026-02", decod="ADVERSE EVENT", zero_dose="not-given"):
    """The fates by date of doses as EC tells of them, of somebody whose dosing ended."""
    left = Disposition(dsdecod=decod, dscat="DISPOSITION EVENT", dsstdtc=Dtc.parse(ended) if ended else None)
    participant = Participant(usubjid="P1", doses=doses, dispositions=(left,))
    answers = fates_as_collected(participant, 2, at("2026-12-31", zero_dose))
    return {answer.name.removeprefix("dose of "): answer.fate for answer in answers}


@pytest.mark.parametrize(
    ("ended", "fates"),
    [
        ("2026-02-02", [Fate.NO_RECORD, Fate.NO_RECORD, Fate.NO_RECORD, None]),  # that day is still expected
        ("2026-02-01", [Fate.NO_RECORD, Fate.NO_RECORD, None, None]),
        ("2026-02", [Fate.NO_RECORD, Fate.NO_RECORD, Fate.MAY_HAVE_ENDED, Fate.MAY_HAVE_ENDED]),
        ("", [Fate.MAY_HAVE_ENDED] * 4),
    ],
)
def test_what_was_scheduled_is_expected_until_dosing_ended(ended, fates):
    days = ["2026-01-31", "2026-02-01", "2026-02-02", "2026-02-03"]
    scheduled = [dose(day, "", mood="SCHEDULED") for day in days]
    answers = collected(dose("2026-01-30"), *scheduled, ended=ended)
    assert [answers.get(day) for day in days] == fates
    given_since = collected(dose("2026-01-30"), *scheduled, dose("2026-02-04"), ended=ended)
    assert given_since["2026-01-31"] is Fate.NO_RECORD


def test_placebo_begins_dosing_so_that_a_screening_completed_on_that_day_ends_nothing():
    doses = (dose("2026-01-01", dose=Decimal(0)), dose("2026-01-02", "N"))
    after = {"ended": "2026-01-01", "decod": "COMPLETED"}
    assert collected(*doses, **after, zero_dose="placebo")["2026-01-02"] is Fate.NOT_GIVEN


@pytest.mark.parametrize(
    ("decod", "fate"),
    [("COMPLETED", Fate.NOT_GIVEN), ("完成", Fate.NOT_GIVEN), ("WITHDRAWAL BY SUBJECT", Fate.NOT_EXPECTED)],
)
def test_whoever_completed_the_screening_and_was_given_nothing_has_missed_it(decod, fate):
    refused = dose("2026-01-02", "N")
    assert collected(refused, ended="2025-12-30", decod=decod)["2026-01-02"] is fate


def test_whoever_was_dosed_after_the_screening_was_completed_goes_on():
    scheduled = dose("2026-01-03", "", mood="SCHEDULED")
    answers = collected(dose("2026-01-01"), scheduled, ended="2025-12-30", decod="LOST TO FOLLOW-UP")
    assert answers["2026-01-03"] is Fate.NO_RECORD


def test_placebo_shows_that_dosing_had_not_ended():
    doses = (dose("2026-01-01"), dose("2026-01-02", "", mood="SCHEDULED"), dose("2026-01-03", dose=Decimal(0)))
    assert collected(*doses, ended="", zero_dose="placebo")["2026-01-02"] is Fate.NO_RECORD
    assert collected(*doses, ended="")["2026-01-02"] is Fate.MAY_HAVE_ENDED


@pytest.mark.parametrize(
    ("period", "missed"),
    [
        (dose("2026-01-02", end="2026-01-04"), ["2026-01-01", "2026-01-05"]),
        (dose("2026-01-02", "U", end="2026-01-04"), ["2026-01-01", "2026-01-03", "2026-01-04", "2026-01-05"]),
        (dose("2026-01-02", "N", end="2026-01-04"), ["2026-01-01", "2026-01-03", "2026-01-04", "2026-01-05"]),
    ],
)
def test_doses_given_on_several_days_are_those_scheduled_within_them(period, missed):
    scheduled = [dose(f"2026-01-0{day}", "", mood="SCHEDULED") for day in range(1, 6)]
    participant = Participant(usubjid="P1", doses=(*scheduled, period))
    answers = fates_as_collected(participant, 2, at("2026-12-31"))
    assert [str(answer.on) for answer in answers if answer.fate is Fate.NO_RECORD] == missed


def test_on_the_day_of_the_first_dose_dosing_cannot_have_ended_before():
    left = Disposition(dsdecod="ADVERSE EVENT", dscat="DISPOSITION EVENT")
    answers = fates([], dispositions=[left])  # the first dose is known from DM alone
    assert (answers["C1D1"], answers["C1D3"]) == (Fate.NO_RECORD, Fate.MAY_HAVE_ENDED)


@pytest.mark.parametrize(
    ("ex", "counts"),
    [
        ({"on": "2026-01-03"}, False),
        ({"on": "2026-01-04"}, True),
        ({"on": "2026-01-01", "end": "2026-01-05"}, False),  # a period around it
        ({"on": "2026-01-01", "end": "2026-01-03"}, False),
        ({"on": "2026-01-01", "end": "2026-01-02"}, True),
        ({"on": "2026-01-03", "end": "2026-01-01"}, False),  # an end before its begin is a slip
        ({"on": "2026-01"}, False),
        ({"on": "2025-12"}, True),
        ({"on": ""}, False),
    ],
)
def test_a_dose_of_ex_counts_where_ec_tells_of_none_on_its_days(ex, counts):
    ec, other = dose("2026-01-03"), dose(**ex, domain="EX")
    participant = Participant(usubjid="P1", doses=(other, ec))
    assert given_records(participant, "not-given") == ((other, ec) if counts else (ec,))


def test_a_period_of_ec_hides_the_doses_of_ex_within_it():
    ec = dose("2026-01-03", end="2026-01-05")
    inside, beyond = (dose(on, domain="EX") for on in ("2026-01-05", "2026-01-06"))
    assert given_records(Participant(usubjid="P1", doses=(ec, inside, beyond)), "not-given") == (ec, beyond)


def test_runs_are_broken_by_a_dose_given_or_not_due_and_not_by_one_not_expected():
    participant = Participant(
        usubjid="P1", doses=tuple(dose(f"2026-01-{d:02}", o) for d, o in enumerate("NYNNYNNN", 1))
    )
    answers = fates_as_collected(participant, 2, at("2026-02-01", "placebo"))
    assert [len(run) for run in runs_of_missed(answers, 2)] == [2, 3]
    assert [len(run) for run in runs_of_missed(answers, 1)] == [1, 2, 3]
    assert list(runs_of_missed(answers, 4)) == []


@given(st.lists(st.integers(1, 90), max_size=30))
def test_assignment_is_one_to_one_within_windows_and_as_large_as_can_be(days):
    planned = planned_doses(PLAN, FIRST)
    records = [dose(study_day(day), occur=str(number)) for number, day in enumerate(days)]
    assigned = _assign(planned, records)
    assert len({id(record) for record in assigned.values()}) == len(assigned)
    for plan, record in assigned.items():
        assert plan.opens <= record.stdtc.earliest.date() <= plan.closes
    # greedy by earliest closing window is optimal in number for equal windows: an independent count
    free, count = sorted(days), 0
    for plan in planned:
        fitting = [d for d in free if plan.opens <= FIRST + timedelta(days=d - 1) <= plan.closes]
        if fitting:
            free.remove(fitting[0])
            count += 1
    assert len(assigned) == count


@pytest.mark.parametrize(
    "plan",
    [
        DosingPlan(days=(1, 3, 5), cycle_days=28, cycles=1),
        DosingPlan(days=(1, 2, 3), cycle_days=28, cycles=1, window_days={"early": 2, "late": 1}),
        DosingPlan(days=(1, 5), cycle_days=28, cycles=1, window_days=3),
    ],
)
def test_every_few_doses_are_assigned_as_well_as_by_trying_every_way(plan: DosingPlan):
    planned = planned_doses(plan, FIRST)
    for days in (days for number in (1, 2, 3) for days in combinations(range(-1, 8), number)):
        records = [dose(study_day(day)) for day in days]
        found = _assign(planned, records)
        ways = [
            [(one, other) for one, other in zip(planned, way, strict=True) if other is not None]
            for way in set(permutations([*records, *[None] * len(planned)], len(planned)))
        ]
        fits = [way for way in ways if all(one.opens <= on(record) <= one.closes for one, record in way)]
        best = max((len(way), -sum(abs((on(record) - one.on).days) for one, record in way)) for way in fits)
        assert len(set(map(id, found.values()))) == len(found), days
        assert all(one.opens <= on(record) <= one.closes for one, record in found.items()), days
        assert (len(found), -sum(abs((on(record) - one.on).days) for one, record in found.items())) == best, days


def on(record: Dose) -> date:
    assert record.stdtc is not None
    return record.stdtc.earliest.date()
