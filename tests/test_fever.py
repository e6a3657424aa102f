"""Kind fever: temperatures beside doses, and beside neutrophils, told in days and hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from rules.context import Context
from rules.dtc import Dtc
from rules.graded import grade_participants
from rules.hit import Answer, Consequence, Due, Judgement, Urgency
from rules.kinds import KINDS
from rules.kinds.together import elapsed
from rules.records import Dose, Participant, Subject
from rules.rulebook import Rule
from tests.lab_stories import header, judged, on, sample

WHEN: dict[str, object] = {
    "at_least": {"value": 38.5, "unit": "C"},
    "expected_hours": 24,
    "settled_below": {"value": 38.0, "unit": "C"},
    "settled_slack_hours": 24,
    "plausible": {"least": 30, "most": 45, "unit": "C"},
}
NEUTROPENIA: dict[str, object] = {
    "neutrophils_below": {"value": 1.0, "unit": "10^9/L"},
    "above": {"value": 38.3, "unit": "C"},
    "sustained_at_least": {"value": 38.0, "unit": "C"},
    "sustained_hours": 1,
    "within_hours": 48,
}
DOSES = (on(1, "09:00"), on(3, "09:00"))
LATE = datetime(2014, 6, 1, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def temp(value: object, day: int | None, time: str = "", unit: str = "C", **more):
    taken = None if day is None else on(day, time)
    return sample("TEMP", day, value, unit, domain="VS", dtc=taken, key=f"TEMP/{day}/{time}/{value}", **more)


def count(value: object, day: int, time: str = "", unit: str = "10^9/L"):
    return sample("NEUT", day, value, unit, dtc=on(day, time), key=f"NEUT/{day}/{value}")


def said(
    *rows, doses=DOSES, now=LATE, neutropenia=None, zero_dose="not-given", ctcae="5.0", **more
) -> list[Judgement | Due]:
    given = tuple(
        Dose(
            key=f"EC/{number}",
            version=number + 100,
            usubjid="S-1",
            **({"occur": "Y", "stdtc": dose} if not isinstance(dose, dict) else dose),
        )
        for number, dose in enumerate(doses)
    )
    subject = Subject(usubjid="S-1", key="DM/S-1", rfxstdtc=more.pop("rfxstdtc", None))
    who = Participant(usubjid="S-1", subject=subject, findings=tuple(rows), doses=given)
    book = header(ctcae, zero_dose=zero_dose)
    rule = Rule.model_validate(
        {
            "id": "INF-99",
            "title": "t",
            "kind": "fever",
            "protocol_section": "1",
            "urgency": "same-day",
            "action": "look",
        }
    )
    context = Context(now=now, zone=SHANGHAI, header=book, graded=grade_participants([who], book))
    when = KINDS["fever"].when.model_validate(WHEN | ({"neutropenia": neutropenia} if neutropenia else {}) | more)
    return list(KINDS["fever"].judge(rule, when, who, context))


def febrile(*rows, **limits) -> list[Judgement]:
    """What is said of neutrophils with temperatures."""
    everything = said(*rows, neutropenia=NEUTROPENIA | limits)
    return [j for j in everything if isinstance(j, Judgement) and j.scope == "NEUT+TEMP"]


def answers(judgements: list[Judgement | Due]) -> list[Answer]:
    return [judgement.answer for judgement in judgements if isinstance(judgement, Judgement)]


def test_a_fever_without_a_dose_before_is_told():
    (hit,) = said(temp("38.5", 2, "10:00"), temp("39.1", 2, "12:00"), temp("37.0", 3, "08:00"))
    assert (hit.answer, hit.urgency, hit.consequence) == (Answer.HIT, Urgency.SAME_DAY, Consequence.WATCH)
    assert hit.summary == f"Temperature 39.1 C on {on(2, '12:00')}: no dose less than 24 h before"
    assert hit.anchors == {"TEMP/2/10:00/38.5", "TEMP/2/12:00/39.1"}
    assert (hit.at, hit.scope) == (on(2, "12:00"), "TEMP")
    assert hit.recovery.startswith(f"recovered: 37.0 C on {on(3, '08:00')}")
    assert [evidence.domain for evidence in hit.evidence] == ["VS"]


def test_an_episode_names_each_of_its_reasons_once():
    (hit,) = said(temp("39.1", 2, "10:00"), temp("39", 2), temp("38.9", 2, "11:00"))
    assert hit.reason == (
        "no dose less than 24 h before; "
        "whether a dose came less than 24 h before cannot be told without their times"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("38.5", "C", [Answer.HIT]),
        ("38.4", "C", []),
        ("101.3", "F", [Answer.HIT]),
        ("101.2", "F", []),
        (">38.5", "C", [Answer.HIT]),
        ("<39", "C", [Answer.NOT_EVALUABLE]),
        (">38", "C", [Answer.NOT_EVALUABLE]),
        ("38.9", "", [Answer.NOT_EVALUABLE]),
        ("38.9", "kg", [Answer.NOT_EVALUABLE]),
        ("warm", "C", [Answer.NOT_EVALUABLE]),
        ("warm", "F", [Answer.NOT_EVALUABLE]),
        ("", "C", []),
    ],
)
def test_the_limit_one_step_either_side(value: str, unit: str, expected: list[Answer]):
    assert answers(said(temp(value, 2, "10:00", unit))) == expected


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [
        (1, "09:01", Answer.CLEAR),
        (2, "08:59", Answer.CLEAR),
        (2, "09:00", Answer.HIT),  # 24 hours have passed
        (3, "09:00", Answer.HIT),  # at the very time of the next dose
        (3, "09:01", Answer.CLEAR),
        (2, "", Answer.HIT),  # without its time
        (4, "", Answer.HIT),
    ],
)
def test_a_dose_explains_a_fever_of_less_than_a_day(day: int, time: str, expected: Answer):
    settled = (temp("36.8", 2, "12:00"), temp("36.8", 4, "09:00"))
    assert answers(said(temp("39.0", day, time), *settled)) == [expected]


def test_a_dose_on_the_first_day_is_the_first_dose():
    assert said(temp("39.0", 1, "08:59")) == []


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([temp("37.9", 2, "09:00")], Answer.CLEAR),
        ([temp("37.9", 3, "09:00")], Answer.CLEAR),
        ([temp("37.9", 3, "09:01")], Answer.NOT_EVALUABLE),  # too late to show anything
        ([temp("37.9", 3)], Answer.NOT_EVALUABLE),  # perhaps too late
        ([temp("36.8", 21, "09:00"), temp("38.2", 21, "12:00")], Answer.NOT_EVALUABLE),
        ([temp("38.0", 2, "08:59"), temp("37.9", 2, "10:00")], Answer.CLEAR),  # warm, but within 24 h
        ([temp("38.0", 2, "09:00"), temp("37.9", 2, "10:00")], Answer.HIT),  # warm at 24 h
        ([temp("38.0", 3, "10:00"), temp("37.9", 4, "08:00")], Answer.NOT_EVALUABLE),  # after the next dose
        ([temp("38.0", 3, "10:00")], Answer.NOT_EVALUABLE),
        ([temp("37.9", 1, "10:00")], Answer.NOT_EVALUABLE),  # before it
        ([temp("37.9", 1)], Answer.NOT_EVALUABLE),  # nobody knows whether before or after
        ([temp("37.9", None)], Answer.NOT_EVALUABLE),
        ([temp("37.9", 2)], Answer.CLEAR),
        ([], Answer.NOT_EVALUABLE),
    ],
)
def test_an_expected_fever_must_settle(later, expected: Answer):
    assert answers(said(temp("39.0", 1, "15:00"), *later)) == [expected]


def test_a_warm_reading_after_the_next_dose_says_nothing_of_the_one_before():
    later = (temp("38.0", 3, "10:00"), temp("37.9", 4, "08:00"))
    assert answers(said(temp("39.0", 1, "15:00"), *later, settled_slack_hours=48)) == [Answer.CLEAR]


def test_an_expected_fever_waits_for_24_hours():
    site = on(2, "09:00").earliest.replace(tzinfo=SHANGHAI)
    clear, due = said(temp("39.0", 1, "15:00"), now=site - timedelta(minutes=1))
    assert isinstance(clear, Judgement)
    assert (clear.answer, clear.told, clear.scope) == (Answer.CLEAR, False, "TEMP/EXPECTED")
    assert isinstance(due, Due)
    assert timedelta(0) <= due.at - site < timedelta(minutes=1)
    (open_,) = said(temp("39.0", 1, "15:00"), now=due.at)
    assert isinstance(open_, Judgement)
    assert (open_.answer, open_.told, open_.urgency) == (Answer.NOT_EVALUABLE, True, Urgency.SAME_DAY)


def test_an_unsettled_fever_names_the_reading_and_the_dose():
    (hit,) = said(temp("39.0", 1, "15:00"), temp("38.2", 2, "11:00"))
    assert isinstance(hit, Judgement)
    assert hit.reason == f"not settled 24 h after a dose: Temperature 38.2 C on {on(2, '11:00')}"
    assert [(evidence.domain, evidence.key) for evidence in hit.evidence] == [
        ("VS", "TEMP/1/15:00/39.0"), ("VS", "TEMP/2/11:00/38.2"), ("EC", "EC/0"),
    ]  # fmt: skip
    assert dict(hit.evidence[-1].values) == {"ecoccur": "Y", "ecstdtc": on(1, "09:00").text}
    assert hit.evidence[-1].version == 100


def test_an_expected_fever_names_the_dose_and_the_reading_by_which_it_settled():
    site = on(1, "20:00").earliest.replace(tzinfo=SHANGHAI)
    fever, settled = temp("39.0", 1, "15:00"), temp("37.2", 2, "08:00")
    (clear,) = said(fever, settled)
    waiting, _ = said(fever, now=site)
    assert isinstance(clear, Judgement)
    assert isinstance(waiting, Judgement)
    keys = ["TEMP/1/15:00/39.0", "TEMP/2/08:00/37.2", "EC/0"]
    assert [evidence.key for evidence in clear.evidence] == keys
    assert clear.reason.endswith(f"less than 24 h after a dose, and settled: Temperature 37.2 C on {on(2, '08:00')}")
    assert [evidence.key for evidence in waiting.evidence] == [keys[0], keys[2]]


def test_a_low_reading_of_the_same_moment_does_not_show_that_a_fever_settled():
    (unknown,) = said(temp("39.0", 1, "15:00"), temp("36.8", 1, "15:00"))
    assert isinstance(unknown, Judgement)
    assert unknown.reason.endswith("nothing shows that it settled")


@pytest.mark.parametrize(
    ("time", "words"), [("23:59:58", "whether a dose came"), ("23:59:59", "no dose less than 24 h before")]
)
def test_a_dose_of_some_time_of_the_day_before_may_explain_a_fever_for_a_day(time: str, words: str):
    (hit,) = said(temp("39.0", 2, time), doses=(on(1),))
    assert isinstance(hit, Judgement)
    assert hit.reason.startswith(words)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (temp("38.6", 7, "08:00"), f"; 38.6 on {on(7, '08:00')}"),
        (temp("38.6", None), "; 38.6 on an unknown date"),
    ],
)
def test_a_fever_that_goes_on_is_told_by_its_highest_reading_and_its_latest(last, words):
    (hit,) = said(temp("39.4", 6, "08:00"), last)
    assert isinstance(hit, Judgement)
    assert hit.summary.startswith(f"Temperature 39.4 C on {on(6, '08:00')}: no dose less than 24 h before")
    assert hit.summary.endswith(words.replace("; ", ", latest "))
    (alone,) = said(temp("39.4", 6, "08:00"))
    assert isinstance(alone, Judgement)
    assert "latest" not in alone.summary


def test_how_far_out_a_fever_is_is_said_of_its_highest_reading():
    (hit,) = [j for j in said(temp(38.6, 8, "09:00"), temp(41, 8, "15:00"), temp(39, 8, "20:00")) if j.answer == "hit"]
    assert [(one.test, one.side, float(one.value)) for one in hit.extent] == [("TEMP", "high", 41)]


def test_how_far_out_a_febrile_neutropenia_is_is_said_of_both_halves():
    (hit,) = febrile(
        count(0.9, 8), temp(38.6, 8, "09:00"), count(0.1, 9), temp(39.9, 9, "09:00"), temp(38.4, 9, "20:00")
    )
    assert {(one.test, one.side, float(one.value)) for one in hit.extent} == {
        ("NEUT", "low", 0.1), ("TEMP", "high", 39.9),
    }  # fmt: skip


def test_a_fever_at_the_very_time_of_a_dose_is_not_explained_by_it():
    (hit,) = said(temp("39.0", 3, "09:00"))
    assert isinstance(hit, Judgement)
    assert hit.reason == "no dose less than 24 h before"


def test_a_reading_that_is_no_number_is_less_urgent_than_one_that_may_be_a_fever():
    (words,), (fever,) = said(temp("warm", 6)), said(temp(">38", 6))
    assert isinstance(words, Judgement)
    assert isinstance(fever, Judgement)
    assert (words.urgency, fever.urgency) == (Urgency.ROUTINE, Urgency.SAME_DAY)


def test_a_fever_is_told_where_the_criteria_have_no_grade_for_it():
    (graded,), (ungraded,) = said(temp("39.5", 6)), said(temp("39.5", 6), ctcae="4.03")
    assert isinstance(graded, Judgement)
    assert isinstance(ungraded, Judgement)
    assert (graded.grade, ungraded.grade) == (2, None)


@pytest.mark.parametrize(
    ("doses", "reason"),
    [
        ([on(1)], "cannot be told without their times"),
        ([Dtc.parse("2014-03")], "cannot be told without their times"),
        ([on(1, "09:00"), {"occur": "Y"}], "cannot be told without their times"),
        ([on(1, "09:00"), {"occur": "N", "stdtc": on(2, "09:00")}], "no dose less than 24 h before"),
        ([on(1, "09:00"), {"mood": "SCHEDULED", "stdtc": on(2, "09:00")}], "no dose less than 24 h before"),
    ],
)
def test_only_a_dose_that_was_given_with_its_time_explains(doses, reason: str):
    (hit,) = said(temp("39.0", 2, "12:00"), temp("36.8", 4), doses=doses, rfxstdtc=on(1, "09:00"))
    assert isinstance(hit, Judgement)
    assert hit.answer is Answer.HIT
    assert reason in hit.reason


def test_of_doses_that_may_explain_a_fever_the_last_with_a_date_is_shown():
    (hit,) = said(temp("39.0", 2, "12:00"), doses=({"occur": "Y"}, on(2)), rfxstdtc=on(1, "09:00"))
    assert isinstance(hit, Judgement)
    assert [evidence.key for evidence in hit.evidence] == ["TEMP/2/12:00/39.0", "EC/1"]


@pytest.mark.parametrize("doses", [[], [{"occur": "Y"}], [{"occur": "N", "stdtc": on(2, "09:00")}]])
def test_a_fever_without_any_dated_dose_is_told_as_unknown(doses):
    (open_,) = said(temp("39.0", 2, "12:00"), doses=doses, rfxstdtc=on(1, "09:00"))
    assert isinstance(open_, Judgement)
    assert (open_.answer, open_.told, open_.urgency) == (Answer.NOT_EVALUABLE, True, Urgency.SAME_DAY)
    assert "no dose has a date" in open_.reason


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("4.2", "C", [Answer.NOT_EVALUABLE]),
        ("39.5", "F", [Answer.NOT_EVALUABLE]),
        ("101.3", "C", [Answer.NOT_EVALUABLE]),
        ("29.9", "C", [Answer.NOT_EVALUABLE]),
        ("30", "C", []),
        ("45", "C", [Answer.HIT]),
        ("45.1", "C", [Answer.NOT_EVALUABLE]),
    ],
)
def test_an_implausible_temperature_is_told_as_unknown(value: str, unit: str, expected: list[Answer]):
    told = said(temp(value, 2, "10:00", unit))
    assert answers(told) == expected
    if expected == [Answer.NOT_EVALUABLE]:
        assert isinstance(told[0], Judgement)
        assert (told[0].told, told[0].urgency) == (True, Urgency.SAME_DAY)
        assert "not plausible (outside 30 to 45 C)" in told[0].reason


def test_an_implausible_temperature_ends_no_fever_and_answers_for_no_count():
    hit, open_ = said(temp("39.5", 6, "08:00"), temp("3.65", 7, "08:00"))
    assert isinstance(hit, Judgement)
    assert isinstance(open_, Judgement)
    assert (hit.answer, hit.recovery, open_.answer) == (Answer.HIT, "", Answer.NOT_EVALUABLE)
    assert answers(said(temp("39.0", 1, "15:00"), temp("3.65", 2, "08:00"))) == [Answer.NOT_EVALUABLE]
    assert answers(febrile(count("0.5", 6, "08:00"), temp("3.65", 6, "09:00"))) == [Answer.NOT_EVALUABLE]


def test_history_and_the_undosed_are_silent():
    assert said(temp("39.0", -2, "12:00")) == []
    assert said(temp("39.0", 2, "12:00"), doses=[]) == []


def test_an_episode_ends_where_the_fever_settled():
    hits = said(temp("39.0", 6, "08:00"), temp("38.2", 6, "12:00"), temp("38.6", 7, "08:00"), temp("37.5", 8, "08:00"),
                temp("38.9", 12, "08:00"))  # fmt: skip
    assert [len(hit.anchors) for hit in hits if isinstance(hit, Judgement)] == [2, 1]


@pytest.mark.parametrize(
    ("neutrophils", "temperature", "expected"),
    [
        (("0.99", 6, "08:00"), ("38.4", 6, "08:00"), [Answer.HIT]),
        (("1.0", 6, "08:00"), ("38.4", 6, "08:00"), []),
        (("0.99", 6, "08:00"), ("38.3", 6, "08:00"), []),
        (("990", 6, "08:00", "/uL"), ("38.4", 6, "08:00"), [Answer.HIT]),
        (("0.99", 6, "08:00"), ("101.0", 6, "08:00", "F"), [Answer.HIT]),
        (("0.99", 8, "08:00"), ("38.4", 6, "08:00"), [Answer.HIT]),
        (("0.99", 6, "08:00"), ("38.4", 8, "08:00"), [Answer.HIT]),
        (("0.99", 8, "08:01"), ("38.4", 6, "08:00"), [Answer.NOT_EVALUABLE]),  # each lacks the other
        (("0.99", 8), ("38.4", 6), [Answer.HIT]),  # without times they can be 48 h apart
        (("0.99", 9), ("38.4", 6), [Answer.NOT_EVALUABLE]),
        (("<1.0", 6), ("38.4", 6), [Answer.HIT]),
        (("<1.1", 6), ("38.4", 6), [Answer.NOT_EVALUABLE]),
        (("0.5", 6, "", ""), ("38.4", 6), [Answer.NOT_EVALUABLE]),
        (("0.5", 6), ("38.4", 6, "", ""), [Answer.NOT_EVALUABLE]),
        (("0.5", 6), ("<=38.4", 6), [Answer.NOT_EVALUABLE]),
        (("0.5", 6), ("<=38.3", 6), []),  # not above 38.3, whatever it was
        (("0.5", -1), ("38.4", -1), []),
        (("0.5", -1), ("38.4", 2), [Answer.HIT]),
    ],
)
def test_few_neutrophils_with_one_high_temperature(neutrophils, temperature, expected: list[Answer]):
    assert answers(febrile(count(*neutrophils), temp(*temperature))) == expected


def test_febrile_neutropenia_holds_at_once_whatever_the_doses():
    (hit,) = febrile(count("0.4", 1, "15:00"), temp("38.8", 1, "16:00"), temp("37.0", 2, "08:00"))
    assert (hit.urgency, hit.consequence) == (Urgency.IMMEDIATE, Consequence.HOLD)
    assert (hit.at, hit.anchors) == (on(1, "16:00"), {"NEUT/1/0.4", "TEMP/1/16:00/38.8"})
    assert hit.summary.startswith("Febrile neutropenia: Neutrophils 0.4 10^9/L")
    (milder,) = febrile(count("0.4", 6), temp("38.8", 6), consequence="watch", urgency="routine")
    assert (milder.urgency, milder.consequence) == (Urgency.SAME_DAY, Consequence.WATCH)  # never less than the rule


def test_an_episode_of_febrile_neutropenia_is_told_by_its_latest_pair_and_worst_grade():
    fever = temp("40.5", 6, "10:00")
    (hit,) = febrile(count("0.4", 6, "08:00"), fever, count("0.9", 7, "08:00"), temp("38.4", 7, "09:00"))
    assert hit.summary.startswith(f"Febrile neutropenia: Neutrophils 0.9 10^9/L on {on(7, '08:00')}")
    assert hit.summary.endswith(f"; Temperature 38.4 C on {on(7, '09:00')}")
    assert (hit.at, hit.grade, len(hit.anchors)) == (on(7, "09:00"), 4, 4)
    assert [evidence.key for evidence in hit.evidence] == ["NEUT/7/0.9", "TEMP/7/09:00/38.4"]


@pytest.mark.parametrize(
    ("readings", "hits"),
    [
        ([("38.0", "08:00"), ("38.0", "09:00")], 1),
        ([("38.0", "08:00"), ("38.0", "08:59")], 0),
        ([("38.0", "08:00"), ("37.9", "08:30"), ("38.0", "09:00")], 0),
        ([("38.0", "08:00"), ("38.1", "08:30"), ("38.0", "09:00")], 1),
        ([("38.0", "08:00"), ("37.9", "09:00")], 0),
        ([("38.0", "08:00"), ("warm", "08:30"), ("38.0", "09:00")], 1),  # nobody can say that it was lower
        ([("38.0", ""), ("38.1", "")], 1),  # without times they can be an hour apart
        ([("38.0", "")], 0),  # one is no duration
        ([("38.0", "08:00"), ("warm", "09:00")], 0),
    ],
)
def test_a_lower_temperature_counts_when_it_lasts(readings, hits: int):
    rows = [temp(value, 6, time) for value, time in readings]
    assert answers(febrile(count("0.9", 6, "08:00"), *rows)).count(Answer.HIT) == hits


def test_a_high_temperature_counts_beside_a_lower_one_that_lasts():
    readings = (("39.0", "04:00"), ("37.0", "05:00"), ("38.0", "08:00"), ("38.0", "09:00"))
    (hit,) = febrile(count("0.9", 6, "08:00"), *(temp(value, 6, time) for value, time in readings))
    assert hit.anchors == {"NEUT/6/0.9", "TEMP/6/04:00/39.0", "TEMP/6/08:00/38.0", "TEMP/6/09:00/38.0"}


def test_a_fever_before_the_first_dose_does_not_hide_that_a_later_one_lacks_its_count():
    (open_,) = febrile(temp("39.0", -2), temp("38.4", 6))
    assert open_.anchors == {"TEMP/6//38.4"}


def test_what_lacks_its_other_half_is_written_and_what_cannot_be_read_is_told():
    (alone,) = febrile(temp("38.4", 6))
    assert (alone.answer, alone.told) == (Answer.NOT_EVALUABLE, False)
    assert alone.reason.endswith("neutrophils not measured within 48 h")
    (low,) = febrile(count("0.5", 6))
    assert (low.told, low.reason.endswith("not measured within 48 h from then on")) == (False, True)
    (undated,) = febrile(temp("38.4", None), count("0.5", 6))
    assert undated.told
    assert "the day of a sample is not known" in undated.reason
    (unread,) = febrile(temp("38.4", 6), count("0.5", 6, "", "%"))
    assert unread.told
    assert "the unit does not fit the test" in unread.reason


@pytest.mark.parametrize(
    ("day", "time", "expected"),
    [
        (5, "20:00", [Answer.NOT_EVALUABLE]),
        (6, "07:59", [Answer.NOT_EVALUABLE]),
        (6, "08:00", []),
        (6, "", []),  # at the same visit
        (8, "08:00", []),
        (8, "08:01", [Answer.NOT_EVALUABLE]),
    ],
)
def test_a_normal_temperature_answers_only_for_a_low_count_before_it(day: int, time: str, expected: list[Answer]):
    assert answers(febrile(count("0.5", 6, "08:00"), temp("36.8", day, time))) == expected


def test_other_vital_signs_without_a_temperature_are_said():
    (blind,) = said(sample("OXYSAT", 6, "97", "%", domain="VS"))
    assert isinstance(blind, Judgement)
    assert (blind.answer, blind.told, blind.summary) == (Answer.NOT_EVALUABLE, False, "Temperature: never measured")


def test_a_temperature_does_not_make_a_laboratory_late():
    assert judged("value_limit", {"tests": ["CREAT"], "above_uln": 5}, [temp("36.6", 8)]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"at_least": {"value": 38.5, "unit": "mg/L"}},
        {"settled_below": {"value": 38.6, "unit": "C"}},
        {"expected_hours": 0},
        {"plausible": {"least": 45, "most": 30, "unit": "C"}},
        {"plausible": {"least": 30, "most": 45, "unit": "mg/L"}},
        {"neutropenia": NEUTROPENIA | {"neutrophils_below": {"value": 1, "unit": "C"}}},
        {"neutropenia": NEUTROPENIA | {"limit": 1}},
        {"fever": 1},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        KINDS["fever"].when.model_validate(WHEN | wrong)


def test_the_limit_for_settling_may_be_in_another_unit():
    when = KINDS["fever"].when.model_validate(WHEN | {"settled_below": {"value": 100.4, "unit": "F"}})
    assert str(when.settled_below) == "100.4 F"


def test_time_between_dates_is_a_range():
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    assert elapsed(on(1, "09:00"), on(1, "10:00")) == (hour, hour)
    least, most = elapsed(on(1), on(2, "00:30"))
    assert (least < hour, timedelta(hours=24) < most) == (True, True)
    assert elapsed(on(1, "10:00"), on(1, "09:59")) == (-minute, -minute)
