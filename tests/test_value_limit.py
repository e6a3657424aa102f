"""Kind value_limit: multiples of the upper limit or of the baseline, and rises, told in days."""

import pytest
from pydantic import ValidationError

from rules.dtc import Dtc
from rules.hit import Answer, Consequence, Judgement
from rules.kinds import KINDS
from tests.lab_stories import judged, on, sample

LIVER = {
    "tests": ["ALT", "AST"],
    "above_uln": 5,
    "when_baseline_above_uln": {"times_baseline": 2, "times_uln": 3},
}
KIDNEY = {"tests": ["CREAT"], "times_baseline": 1.5, "rise": {"by": {"value": 26.5, "unit": "umol/L"}, "hours": 48}}


def liver(*days: tuple[int, object], **more) -> list[Judgement]:
    rows = [sample("ALT", day, result, "U/L", 5, more.get("uln", 40)) for day, result in days]
    return judged("value_limit", LIVER | {"tests": ["ALT"]}, rows, consequence="hold", dosed=more.get("dosed", True))


def kidney(*days: tuple[int, object], unit: str = "umol/L") -> list[Judgement]:
    return judged("value_limit", KIDNEY, [sample("CREAT", day, result, unit, 50, 110) for day, result in days])


def answers(judgements: list[Judgement]) -> list[Answer]:
    return [judgement.answer for judgement in judgements]


def test_more_than_five_times_uln():
    assert liver((-3, 30), (8, 200)) == []
    (hit,) = liver((-3, 30), (8, 200.1))
    assert (hit.answer, hit.scope, hit.consequence, hit.grade) == (Answer.HIT, "ALT", Consequence.HOLD, 3)
    assert hit.summary == f"ALT 200.1 U/L on {on(8)}: 5.00 x ULN, baseline 30"
    assert hit.reason == "more than 5 x ULN"


@pytest.mark.parametrize(
    ("value", "expected"), [(120, []), (121, [Answer.HIT]), (201, [Answer.HIT])]
)  # baseline 50: twice it is 100, three times ULN is 120
def test_a_high_baseline_takes_both_limits(value: int, expected: list[Answer]):
    assert answers(liver((-3, 50), (8, value))) == expected


@pytest.mark.parametrize(("baseline", "value"), [(150, 200.1), (200, 200.1), (200, 250)])
def test_a_high_baseline_does_not_lift_the_limit_that_holds_for_everybody(baseline: float, value: float):
    (hit,) = liver((-3, baseline), (8, value))
    assert (hit.answer, hit.reason) == (Answer.HIT, "more than 5 x ULN")


def test_a_baseline_above_the_limit_itself_is_history_and_says_so():
    (clear,) = liver((-3, 200.1), (8, 400.2))
    assert (clear.answer, clear.told) == (Answer.CLEAR, False)
    assert "as the baseline was" in clear.reason
    assert answers(liver((-3, 200.1), (8, 400.3))) == [Answer.HIT]


def test_without_a_baseline_uln_stands():
    assert answers(liver((8, 201))) == [Answer.HIT]


def test_history_is_not_told():
    assert liver((-9, 30), (-3, 900)) == []
    assert liver((8, 900), dosed=False) == []


def test_one_episode_until_back_to_the_range():
    hits = liver((-3, 30), (8, 250), (15, 150), (22, 260), (29, 40), (36, 300))
    assert [hit.anchors for hit in hits] == [{"ALT/8/250", "ALT/22/260"}, {"ALT/36/300"}]


def test_each_test_is_its_own_concern():
    rows = [sample(test, 8, 300, "U/L", 5, 40) for test in ("ALT", "AST")]
    assert [hit.scope for hit in judged("value_limit", LIVER, rows)] == ["ALT", "AST"]
    said = judged("value_limit", LIVER, rows[:1])
    assert [(j.scope, j.answer) for j in said] == [("ALT", Answer.HIT), ("AST", Answer.NOT_EVALUABLE)]


def test_limits_and_what_is_missing():
    assert answers(liver((8, ">200"))) == [Answer.HIT]
    assert answers(liver((8, ">=200"))) == [Answer.NOT_EVALUABLE]
    assert liver((8, "<200")) == []
    assert answers(liver((8, "<300"))) == [Answer.NOT_EVALUABLE]
    (cannot,) = liver((8, "900"), uln="")
    assert (cannot.answer, cannot.reason, cannot.told) == (Answer.NOT_EVALUABLE, "ALT: no reference range", True)
    assert answers(liver((8, "see comment"))) == [Answer.NOT_EVALUABLE]


def test_a_multiple_of_uln_needs_no_unit():
    rows = [sample("ALT", 8, 300, "", 5, 40)]
    assert answers(judged("value_limit", LIVER | {"tests": ["ALT"]}, rows)) == [Answer.HIT]


def test_at_least_half_more_than_the_baseline():
    assert kidney((-9, 80), (8, 119)) == []
    (hit,) = kidney((-9, 80), (8, 120))
    assert (hit.answer, hit.reason) == (Answer.HIT, "at least 1.5 x baseline")


def test_a_rise_within_two_days():
    assert kidney((-9, 100), (8, 70), (10, 96.4)) == []
    (hit,) = kidney((-9, 100), (8, 70), (10, 96.5))
    assert hit.reason == "up by 26.5 umol/L within 48 h"
    assert kidney((-9, 100), (8, 70), (12, 99)) == []  # no less than 72 h apart


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("2014-03-10", "2014-03-10", [Answer.HIT]),  # of one day, in whatever order
        ("2014-03-10T08:00", "2014-03-10", [Answer.HIT]),  # perhaps after 08:00
        ("2014-03-10T08:00", "2014-03-10T08:00", []),  # two results of one moment are no rise
        ("2014-03-10T08:00", "2014-03-10T07:59", []),  # a fall
        ("2014-03-10", "2014-03-09", []),
        ("2014-03-10", "2014-03-12", [Answer.HIT]),
        ("2014-03-10", "2014-03-14", []),
        ("2014-03-10", "2014-03", [Answer.NOT_EVALUABLE]),
        ("2014-03", "2014-03-10", [Answer.NOT_EVALUABLE]),
        ("2014-03-10", "", [Answer.NOT_EVALUABLE]),
        ("2014-03-10", "2014-04", []),  # certainly later than two days
    ],
)
def test_a_rise_is_rather_told_than_missed(first: str, second: str, expected: list[Answer]):
    def row(text: str, result: int):
        dtc = Dtc.parse(text) if text else None
        return sample("CREAT", None, result, "umol/L", 50, 110, dtc=dtc)

    baseline = sample("CREAT", -9, 100, "umol/L", 50, 110)
    assert answers(judged("value_limit", KIDNEY, [baseline, row(first, 70), row(second, 97)])) == expected
    undated = answers(judged("value_limit", KIDNEY, [baseline, row(first, 70), row(second, 96)]))
    assert undated == []  # no such rise, whenever it was


@pytest.mark.parametrize(
    ("result", "expected"),
    [("<=119", []), ("<120", []), ("<=120", [Answer.NOT_EVALUABLE]), (">=120", [Answer.HIT]), ("120", [Answer.HIT])],
)
def test_a_limit_that_is_just_reached(result: str, expected: list[Answer]):
    assert answers(judged("value_limit", {"tests": ["CREAT"], "times_baseline": 1.5}, [
        sample("CREAT", -9, 80, "umol/L"), sample("CREAT", 8, result, "umol/L")
    ])) == expected  # fmt: skip


def test_times_decide_where_both_are_known():
    def rows(second: str):
        first = sample("CREAT", 8, 70, "umol/L", 50, 110, dtc=Dtc.parse("2014-03-10T08:00"))
        later = sample("CREAT", 9, 97, "umol/L", 50, 110, dtc=Dtc.parse(second))
        return [sample("CREAT", -9, 100, "umol/L", 50, 110), first, later]

    assert answers(judged("value_limit", KIDNEY, rows("2014-03-12T08:00"))) == [Answer.HIT]
    assert judged("value_limit", KIDNEY, rows("2014-03-12T08:01")) == []


def test_a_rise_in_other_units_is_converted():
    (hit,) = kidney((-9, 1.2), (8, 0.8), (9, 1.1), unit="mg/dL")  # 0.3 mg/dL is 26.52 umol/L
    assert hit.reason == "up by 0.3 mg/dL within 48 h"


def test_kidney_without_a_baseline_cannot_tell():
    (cannot,) = kidney((8, 90))
    assert (cannot.answer, cannot.reason) == (Answer.NOT_EVALUABLE, "Creatinine: no baseline")


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"tests": []}, "at least 1 item"),
        ({"tests": ["XYZ"], "above_uln": 5}, "'XYZ' is unknown"),
        ({"tests": ["ALT"]}, "give at_least, above_uln"),
        (
            {"tests": ["ALT"], "times_baseline": 2, "when_baseline_above_uln": {"times_baseline": 2, "times_uln": 3}},
            "missing",
        ),
        ({"tests": ["ALT"], "rise": {"by": {"value": 1, "unit": "umol/L"}, "hours": 48}}, "does not fit ALT"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(when: dict[str, object], words: str):
    with pytest.raises(ValidationError, match=words):
        KINDS["value_limit"].when.model_validate(when)


def test_the_description_names_every_threshold():
    kind = KINDS["value_limit"]
    liver_words = kind.describe(kind.when.model_validate(LIVER))
    assert all(word in liver_words for word in ("ALT or AST", "5 times", "2 times the baseline", "3 times"))
    kidney_words = kind.describe(kind.when.model_validate(KIDNEY))
    assert all(word in kidney_words for word in ("Creatinine", "1.5 times the baseline", "26.5 umol/L", "48 hours"))


EOSINOPHILS = {
    "tests": ["EOS"],
    "at_least": {"value": 1.5, "unit": "10^9/L"},
    "hold_at_least": {"value": 5.0, "unit": "10^9/L"},
}


def eosinophils(*days: tuple[int, object]) -> list[Judgement]:
    return judged("value_limit", EOSINOPHILS, [sample("EOS", day, result, "10^9/L", 0, 0.5) for day, result in days])


def test_a_hold_in_the_middle_of_an_episode_holds():
    (hit,) = eosinophils((-3, 0.2), (8, 1.6), (10, 5.0), (12, 2.0))
    assert (hit.consequence, hit.at, hit.recovery) == (Consequence.HOLD, on(10), "")


def test_recovery_is_told_with_the_result_that_ended_the_episode():
    first, second = eosinophils((-3, 0.2), (8, 1.6), (10, 0.6), (12, 0.5), (14, 1.5))
    assert first.recovery == f"recovered: 0.5 10^9/L on {on(12)}, grade 0"
    assert (second.at, second.recovery) == (on(14), "")


def test_a_hold_that_may_be_reached_is_told_beside_the_hit():
    assert answers(eosinophils((-3, 0.2), (8, ">2.0"))) == [Answer.HIT, Answer.NOT_EVALUABLE]
