"""What kind `off_plan_dose` says beyond its rule cases: one concern a day, nothing that unblinds, each fault alone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rules.evaluate import evaluate
from rules.hit import Answer
from rules.kinds import KINDS
from rules.kinds.off_plan_dose import When
from rules.reading import read_record
from rules.records import Feed, Participant, StudyView
from rules.rulebook import RulebookError, load_rulebook, parse_rulebook

BOOK = load_rulebook("low_dose_il2_sle")
LEAST = 'least_per_day = { value = 0.9, unit = "MIU" }'
FAULTS = BOOK.text.split('kind = "off_plan_dose"')[1].split("[rule.when]\n")[1].split("\n\n")[0]
DAYS = ("2026-01-01", "2026-01-03", "2026-01-05")
PERFORMED = {"ECTRT": "ALDESLEUKIN", "ECLOT": "LOT7", "ECDOSE": "37", "ECDOSU": "MIU", "ECOCCUR": "Y"}


def judge(*days: str, book=BOOK, **values: str):
    doses = tuple(
        read_record("EC", {"USUBJID": "P1", **PERFORMED, **values, "ECSTDTC": day}, version=number, key=f"EC{number}")
        for number, day in enumerate(days, 1)
    )
    left = read_record("DS", {"DSDECOD": "LOST TO FOLLOW-UP", "DSSTDTC": "2026-01-10"}, version=99, key="DS1")
    participant = Participant(usubjid="P1", doses=doses, dispositions=(left,))
    view = StudyView(participants=(participant,), feed=Feed(domains=frozenset({"EC", "DS"})))
    evaluation = evaluate(book, view, datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
    assert not evaluation.failures
    return [judgement for judgement in evaluation.judgements if judgement.rule_id == "DOS-04"]


def test_all_that_is_wrong_with_a_day_is_one_concern():
    (hit,) = judge("2026-01-01", "2026-01-16T08:00", "2026-01-16T09:00")[:1]
    assert (hit.answer, hit.scope, hit.at.text) == (Answer.HIT, "dose of 2026-01-16", "2026-01-16T08:00")
    assert hit.reason == (
        "after the end of dosing on 2026-01-10; day 16 of cycle 1, in no window of a planned dose; "
        "less than 36 hours after that of 2026-01-16T08:00"
    )
    assert [record.key for record in hit.evidence] == ["EC2", "EC3"]


def test_a_corrected_time_of_day_is_the_same_concern():
    before, after = (judge("2026-01-01", f"2026-01-16{time}")[0] for time in ("", "T08:30"))
    assert (before.scope, before.anchors) == (after.scope, after.anchors)


@pytest.mark.parametrize("day", ["2026-01-16", "2026-01", "2026-01-02"])
def test_no_answer_tells_amount_unit_treatment_or_lot(day):
    (said,) = judge("2026-01-01", day)
    told = repr((said.summary, said.reason, said.scope, said.anchors, said.evidence))
    assert not any(word in told for word in ("37", "MIU", "ALDESLEUKIN", "LOT7"))


@pytest.mark.parametrize(
    ("only", "days"),
    [
        ("outside_windows = true", ["2026-01-16", "2026-01-17"]),
        ("after_end = true", ["2026-01-13", "2026-01-16", "2026-01-17"]),
        ("min_gap_hours = 24", ["2026-01-17"]),
        (LEAST, []),
    ],
)
def test_each_fault_is_looked_for_alone(only, days):
    book = parse_rulebook(BOOK.text.replace(FAULTS, only), "book.toml")
    doses = ["2026-01-01T08:00", "2026-01-13T08:00", "2026-01-16T08:00", "2026-01-17T07:59"]
    assert [said.scope.removeprefix("dose of ") for said in judge(*doses, book=book)] == days


@pytest.mark.parametrize(
    ("hours", "days", "answers"),
    [
        (49, ("2026-01-16", "2026-01-18"), [Answer.NOT_EVALUABLE]),
        (49, ("2026-01-16", "2026-01-19"), []),
        (48, ("2026-01-16", "2026-01-18"), []),
        (48, ("2026-01-16T09:00", "2026-01-18T08:59"), [Answer.HIT]),
        (48, ("2026-01-16T09:00", "2026-01-18T09:00"), []),
    ],
)
def test_days_without_times_are_far_enough_apart_from_the_gap_rounded_up_on(hours, days, answers):
    book = parse_rulebook(BOOK.text.replace(FAULTS, f"min_gap_hours = {hours}"), "book.toml")
    assert [said.answer for said in judge(*days, book=book)] == answers


@pytest.mark.parametrize("unsaid", [0, 1])
def test_a_dose_soon_after_one_that_may_not_have_been_given_is_no_hit(unsaid: int):
    book = parse_rulebook(BOOK.text.replace(FAULTS, "min_gap_hours = 36"), "book.toml")
    days = ["2026-01-16T09:00", "2026-01-17T09:00"]
    blank = {"ECOCCUR": "", "ECPRESP": "Y", "ECDOSE": ""}
    doses = tuple(
        read_record("EC", PERFORMED | {"ECSTDTC": day} | (blank if n == unsaid else {}), version=n, key=f"EC{n}")
        for n, day in enumerate(days)
    )
    view = StudyView(participants=(Participant(usubjid="P1", doses=doses),), feed=Feed(domains=frozenset({"EC"})))
    evaluation = evaluate(book, view, datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
    said = [judgement.answer for judgement in evaluation.judgements if judgement.rule_id == "DOS-04"]
    assert said == [Answer.NOT_EVALUABLE]


def test_a_rule_that_looks_for_nothing_does_not_load():
    with pytest.raises(RulebookError, match="name at least one of outside_windows, after_end, min_gap_hours, rec"):
        parse_rulebook(BOOK.text.replace(FAULTS, "after_end = false"), "book.toml")


def test_too_little_that_goes_on_is_the_same_concern_and_tells_no_amount():
    (two,), (three,) = (judge(*days, ECDOSE="0.37") for days in (DAYS[:2], DAYS))
    assert (two.answer, two.scope, three.scope) == (Answer.HIT, "amount", "amount")
    assert (two.anchors, three.anchors) == ({*DAYS[:2]}, {*DAYS})
    assert two.summary == "Dose outside the plan: too little from 2026-01-01"
    assert [record.key for record in three.evidence] == ["EC1", "EC2", "EC3"]
    told = repr((three.summary, three.reason, three.scope, three.anchors, three.evidence))
    assert not any(word in told for word in ("37", "MIU", "ALDESLEUKIN", "LOT7"))


def test_a_dose_of_zero_is_no_dose_and_never_too_little():
    assert judge(*DAYS, ECDOSE="0") == []


def test_another_route_in_a_book_with_placebo_does_not_load_for_it_would_tell_the_arm():
    placebo = BOOK.text.replace('zero_dose = "not-given"', 'zero_dose = "placebo"').replace(LEAST, "")
    with pytest.raises(RulebookError, match="rule DOS-04: when: wrong_route: would tell whose arm is given by another"):
        parse_rulebook(placebo, "book.toml")


def test_a_least_amount_in_a_book_with_placebo_does_not_load_for_it_would_tell_the_arm():
    placebo = BOOK.text.replace('zero_dose = "not-given"', 'zero_dose = "placebo"').replace("wrong_route = true", "")
    with pytest.raises(RulebookError, match="rule DOS-04: when: least_per_day: would tell who is given the lower dose"):
        parse_rulebook(placebo, "book.toml")
    assert parse_rulebook(placebo.replace(LEAST, ""), "book.toml").header.zero_dose == "placebo"


@pytest.mark.parametrize(
    ("least", "unit", "loads"),
    [("1", "MIU", True), ("1.0001", "MIU", False), ("1000000", "IU", True), ("1000001", "IU", False)],
)
def test_a_least_amount_above_the_most_of_a_day_does_not_load(least, unit, loads):
    text = BOOK.text.replace(LEAST, f'least_per_day = {{ value = {least}, unit = "{unit}" }}')
    assert BOOK.text.count('max_per_day = { value = 1, unit = "MIU" }') == 1
    if loads:
        parse_rulebook(text, "book.toml")
        return
    with pytest.raises(RulebookError, match=f"least_per_day: {least} {unit} is more than the planned dose of 1 MIU"):
        parse_rulebook(text, "book.toml")
    without = text.replace('amount = { value = 1, unit = "MIU" }\n', "")
    with pytest.raises(RulebookError, match=f"least_per_day: {least} {unit} is more than the max_per_day of 1 MIU"):
        parse_rulebook(without, "book.toml")


def test_a_least_amount_in_a_unit_that_does_not_convert_does_not_load():
    with pytest.raises(RulebookError, match="least_per_day: unit 'mL' is no multiple of the international unit"):
        parse_rulebook(BOOK.text.replace(LEAST, LEAST.replace("MIU", "mL")), "book.toml")
    with pytest.raises(RulebookError, match=r"DOS-04: when: least_per_day: 0\.9 mg does not compare with 1 MIU"):
        parse_rulebook(BOOK.text.replace(LEAST, LEAST.replace("MIU", "mg")), "book.toml")


def test_only_windows_need_a_plan():
    schedules = KINDS["off_plan_dose"].schedules
    assert schedules(BOOK.whens["DOS-04"]) == {"cycles", "daily", "weekly"}
    assert not schedules(When(after_end=True, min_gap_hours=36))


@pytest.mark.parametrize(
    ("only", "answers"),
    [
        ("recorded_twice = true", [Answer.HIT]),
        ("min_gap_hours = 36", [Answer.NOT_EVALUABLE]),
        ("min_gap_hours = 36\nrecorded_twice = true", [Answer.HIT]),
        ("after_end = true", []),
    ],
)
def test_two_records_of_one_minute_are_never_taken_for_two_doses_too_soon(only, answers):
    book = parse_rulebook(BOOK.text.replace(FAULTS, only), "book.toml")
    said = judge("2026-01-01T08:00", "2026-01-01T08:00:30", book=book)
    assert [judgement.answer for judgement in said] == answers
    assert all(judgement.reason.startswith("two records tell of one moment") for judgement in said)


def test_another_route_is_one_concern_and_is_not_named():
    (said,) = judge(*DAYS, ECROUTE="INTRAVENOUS", ECDOSE="1")
    assert (said.answer, said.scope, said.anchors) == (Answer.HIT, "route", {*DAYS})
    assert said.summary == "Dose outside the plan: by another route"
    assert "INTRAVENOUS" not in repr((said.summary, said.reason, said.evidence))


@pytest.mark.parametrize(
    ("route", "answers"),
    [
        ("SUBCUTANEOUS", []),
        ("s.c.", []),
        ("Subcutaneous injection", []),
        ("皮下注射", []),
        ("", []),
        ("ORAL", [Answer.HIT]),
        ("静脉注射", [Answer.HIT]),
        ("left thigh", [Answer.NOT_EVALUABLE]),
    ],
)
def test_a_route_is_known_by_its_words_in_english_and_chinese(route, answers):
    assert [said.answer for said in judge(DAYS[0], ECROUTE=route, ECDOSE="1")] == answers
