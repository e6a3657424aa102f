"""Kind value_limit: multiples of the upper limit or of the baseline, and rises, told in days."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.dtc import Dtc
from rules.hit import Answer, Consequence, Judgement
from rules.kinds import KINDS
from rules.kinds.value_limit import _is_expected
from rules.qualitative import STEPS, read_word
from rules.records import Participant, Subject
from tests.agreed import GOLDEN, held_to
from tests.lab_stories import judged, on, sample

LIVER = {
    "tests": ["ALT", "AST"],
    "above_uln": 5,
    "when_baseline_above_uln": {"times_baseline": 2, "times_uln": 3},
}
KIDNEY = {"tests": ["CREAT"], "times_baseline": 1.5, "rise": {"by": {"value": 26.5, "unit": "umol/L"}, "hours": 48}}

SATURATION = {"tests": ["OXYSAT"], "below": {"value": 90, "unit": "%"}}
CELLS = {"value": 1.5, "unit": "10^9/L"}
NEW_CELLS = {"tests": ["EOS"], "at_least": CELLS, "new_only": True}


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


def test_a_word_is_no_answer_to_a_limit_in_numbers():
    (cannot,) = told("CK", {"times_baseline": 2}, (-3, 50), (8, "negative"), unit="U/L")
    assert (cannot.answer, cannot.reason) == (Answer.NOT_EVALUABLE, "Creatine kinase: the result is not a number")


def test_every_doubt_about_a_result_is_said():
    when = {"at_least": {"value": 100, "unit": "U/L"}, "above_uln": 3}
    (cannot,) = told("ALT", when, (8, 50), unit="")
    assert (cannot.answer, cannot.reason) == (Answer.NOT_EVALUABLE, "ALT: no reference range; no unit")


@pytest.mark.parametrize(
    ("result", "why"), [(20, "this version has no criterion"), ("x", "the result is not a number")]
)
def test_a_grade_that_the_version_does_not_give_cannot_be_told(result: object, why: str):
    (cannot,) = judged(
        "value_limit", {"tests": ["BICARB"], "min_grade": 1}, [sample("BICARB", 8, result, "mmol/L", 22)], ctcae="4.03"
    )
    assert (cannot.answer, cannot.reason) == (Answer.NOT_EVALUABLE, f"Bicarbonate: {why}")


def test_the_baseline_of_a_word_may_be_a_number():
    rows = [sample("HCG", day, n, "U/L") for day, n in ((-9, "negative"), (-3, 3), (8, "positive"))]
    (hit,) = judged("value_limit", {"tests": ["HCG"], "at_least": {"value": 5, "unit": "U/L"}, "positive": "1+"}, rows)
    assert [evidence.key for evidence in hit.evidence] == ["HCG/-3/3", "HCG/8/positive"]


@pytest.mark.parametrize(
    ("when", "results", "reason"),
    [
        (
            {"above_uln": 3, "times_baseline": 2, "confirm_samples": 2},
            (30, 200),
            "ALT: more than 3 x ULN, at least 2 x baseline, and the rule asks for 2 such samples in a row",
        ),
        (
            {"at_least": {"value": 100, "unit": "U/L"}, "above_uln": 1, "times_baseline": 2, "new_only": True},
            (190, 200),
            "ALT: at least 100 U/L, above ULN, as the baseline was, and not changed enough from it",
        ),
    ],
)
def test_every_limit_of_a_result_that_is_not_told_is_written_down(when, results: tuple[int, int], reason: str):
    (clear,) = told("ALT", when, (-3, results[0]), (8, results[1]), unit="U/L", low=5, high=40)
    assert (clear.answer, clear.reason) == (Answer.CLEAR, reason)


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
        ("2014-03-10", "2014-03-10", [Answer.NOT_EVALUABLE]),  # of one day, in whatever order
        ("2014-03-10T08:00", "2014-03-10", [Answer.NOT_EVALUABLE]),  # perhaps after 08:00
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
    ("before", "after", "expected"),
    [
        (50, "<20", []),
        ("<20", "<20", []),
        (50, "<76.5", [Answer.NOT_EVALUABLE]),
        (50, "<76.4", []),
        (50, ">60", [Answer.NOT_EVALUABLE]),
    ],
)
def test_a_result_below_a_limit_that_cannot_have_risen_is_clear(before: object, after: object, expected: list[Answer]):
    assert answers(kidney((-9, 100), (8, before), (9, after))) == expected


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
    assert answers(judged("value_limit", KIDNEY, rows("2014-03-12T08:00:59"))) == [Answer.HIT]  # 48 h to the second


def test_a_rise_in_other_units_is_converted():
    (hit,) = kidney((-9, 1.2), (8, 0.8), (9, 1.1), unit="mg/dL")  # 0.3 mg/dL is 26.52 umol/L
    assert hit.reason == "up by 0.3 mg/dL within 48 h"


def test_kidney_without_a_baseline_cannot_tell():
    (zero,) = kidney((-9, 0), (8, 90))
    said = "Creatinine: no usable baseline: 0 umol/L is not believable"
    assert (zero.answer, zero.reason) == (Answer.NOT_EVALUABLE, said)
    (cannot,) = kidney((8, 90))
    assert (cannot.answer, cannot.reason) == (Answer.NOT_EVALUABLE, "Creatinine: no baseline")


MMOL, MG = {"value": 3, "unit": "mmol/L"}, {"unit": "mg/dL"}
POTASSIUM = {"tests": ["K"], "below": MMOL, "at_least": MMOL | {"value": 6}}
QT = {"tests": ["QTCF", "QTCB"], "either": True, "min_grade": 3, "recovers_at_most": {"value": 450, "unit": "ms"}}
REFUSED: list[tuple[dict[str, object], str]] = [
    ({"tests": []}, "at least 1 item"),
    ({"tests": ["PLAT"], "rise": {"percent": 25, "only_low": True}}, "for a fall"),
    (SATURATION | {"recovers_at_least": {"value": 89.9, "unit": "%"}}, "not lie beyond"),
    ({"tests": ["EOS"], "at_least": CELLS, "recovers_at_most": CELLS | {"value": 1.51}}, "not lie beyond"),
    ({"tests": ["EOS"], "above_uln": 2, "recovers_at_least": CELLS}, "for a high one: there is none"),
    (SATURATION | {"recovers_at_most": {"value": 95, "unit": "%"}}, "for a high one: there is none"),
    ({"tests": ["CREAT"], "times_baseline": 1.5, "recovers_at_times_baseline": 1.51}, "a times_baseline above it"),
    ({"tests": ["CREAT"], "rise": {"percent": 50}, "recovers_at_times_baseline": 1}, "above it"),
    (NEW_CELLS | {"times_baseline": 2, "recovers_at_times_baseline": 1}, "no other limit"),
    ({"tests": ["XYZ"], "above_uln": 5}, "'XYZ' is unknown"),
    ({"tests": ["ALT"]}, "give at_least, below, above_uln"),
    ({"tests": ["EOS"], "above_uln": 1, "hold_at_least": CELLS}, "beside at_least, which is missing"),
    ({"tests": ["ALT"], "times_baseline": 2, "new_only": True} | LIVER, "not with new_only"),
    (
        {"tests": ["ALT"], "times_baseline": 2, "when_baseline_above_uln": {"times_baseline": 2, "times_uln": 3}},
        "missing",
    ),
    ({"tests": ["ALT"], "rise": {"by": {"value": 1, "unit": "umol/L"}, "hours": 48}}, "does not fit ALT"),
    ({"tests": ["ALT"], "rise": {"hours": 48}}, "either by or percent"),
    ({"tests": ["HGB"], "fall": {"percent": 101}}, "not be above 100"),
    ({"tests": ["HGB"], "fall": {"percent": 20}, "new_only": True}, "always new"),
    ({"tests": ["HCG"], "positive": "1+", "new_only": True, "baseline_too": True}, "contradict"),
    (NEW_CELLS, "needs times_baseline"),
    (NEW_CELLS | {"rise": {"percent": 100, "hours": 48}}, "needs times_baseline"),
    ({"tests": ["CK"], "above_uln": 5, "new_only": True}, "needs times_baseline"),
    ({"tests": ["TSH"], "out_of_range": True, "new_only": True, "part_of_baseline": 0.5}, "needs times_baseline"),
    ({"tests": ["TSH"], "out_of_range": True, "new_only": True, "times_baseline": 2}, "needs part_of_baseline"),
    ({"tests": ["ALB"], "below_lln": 1, "new_only": True}, "needs part_of_baseline"),
    ({"tests": ["OXYSAT"], "new_only": True} | SATURATION, "needs part_of_baseline"),
    ({"tests": ["TSH"], "out_of_range": True, "part_of_baseline": 0.5}, "beside new_only"),
    ({"tests": ["LIPASE"], "min_grade": 4, "new_only": True}, "a graver one"),
    ({"tests": ["PROTU"], "positive": "4+", "new_only": True}, "a graver one"),
    ({"tests": ["HGB"], "min_grade": 3, "new_only": True}, "a graver one"),  # anaemia has no number for grade 4
    ({"tests": ["QTCF"], "min_grade": 3, "new_only": True}, "a graver one"),
    ({"tests": ["TSH"], "min_grade": 1}, "no CTCAE version grades TSH"),
    ({"tests": ["CHOL", "TRIG"], "at_least": MMOL, "recovers_at_most": MG | {"value": 117}}, "not lie beyond"),
    ({"tests": ["TRIG", "CHOL"], "at_least": MMOL, "recovers_at_most": MG | {"value": 117}}, "not lie beyond"),
    (POTASSIUM | {"recovers_at_least": MMOL | {"value": 6.1}}, "or the other one"),
    (POTASSIUM | {"recovers_at_most": MMOL | {"value": 2.9}}, "or the other one"),
    (POTASSIUM | {"at_least": MMOL | {"value": 2.9}}, "every result would be a concern"),
    (QT | {"recovers_at_most": {"value": 501, "unit": "ms"}}, "where min_grade begins"),
    (QT | {"min_grade": 1, "recovers_at_most": {"value": 450, "unit": "ms"}}, "where min_grade begins"),
    (QT | {"recovers_at_most": None, "recovers_at_least": {"value": 400, "unit": "ms"}}, "there is none"),
    ({"tests": ["K"], "min_grade": 3, "recovers_at_least": MMOL | {"value": 2.9}}, "where min_grade begins"),
    (QT | {"tests": ["QTCF"]}, "either is for several tests"),
    (QT | {"tests": ["QTCF", "PLAT"], "recovers_at_most": None}, "of one domain"),
    (QT | {"tests": ["QTCF", "QTCF"]}, "stands twice"),
    (SATURATION | {"recovers_at_least": {"value": 100.1, "unit": "%"}}, "nobody has such a result of OXYSAT"),
    ({"tests": ["CREAT"], "above_uln": 2, "recovers_at_most": {"value": 4.9, "unit": "umol/L"}}, "nobody has such"),
    ({"tests": ["HCG"], "positive": "1+", "recovers_at_most": {"value": 5, "unit": "U/L"}}, "there is none"),
    ({"tests": ["CREAT"], "times_baseline": 1}, "must be above 1"),
    ({"tests": ["CREAT"], "times_baseline": 1.5, "recovers_at_times_baseline": 1.5}, "a times_baseline above it"),
    ({"tests": ["CREAT"], "times_baseline": 1.5, "recovers_at_times_baseline": 0.9}, "from 1 on"),
    (KIDNEY | {"recovers_at_times_baseline": 1.2, "recovers_at_most": {"value": 90, "unit": "umol/L"}}, "give one of"),
    ({"tests": ["CK"], "above_uln": 5, "recovers_at_times_uln": 5.1}, "up to it"),
    ({"tests": ["CK"], "above_uln": 5, "recovers_at_times_uln": 0.9}, "from 1"),
    ({"tests": ["CK"], "times_baseline": 5, "recovers_at_times_uln": 2}, "goes beside above_uln"),
    (NEW_CELLS | {"times_baseline": 2, "hold_at_least": CELLS}, "must lie above at_least"),
]
SENSIBLE: list[dict[str, object]] = [
    {"tests": ["CHOL", "TRIG"], "at_least": MMOL, "recovers_at_most": MG | {"value": 116}},
    POTASSIUM | {"recovers_at_least": MMOL, "recovers_at_most": MMOL | {"value": 6}},
    POTASSIUM | {"recovers_at_least": MMOL | {"value": 6}, "recovers_at_most": MMOL},
    POTASSIUM | {"at_least": MMOL},
    QT | {"recovers_at_most": {"value": 500, "unit": "ms"}},
    QT | {"min_grade": 1, "recovers_at_most": {"value": 449, "unit": "ms"}},
    {"tests": ["K"], "min_grade": 3, "recovers_at_least": MMOL},
    SATURATION | {"recovers_at_least": {"value": 100, "unit": "%"}},
    {"tests": ["CREAT"], "times_baseline": 1.5, "recovers_at_times_baseline": 1},
    {"tests": ["CK"], "above_uln": 5, "recovers_at_times_uln": 5},
    {"tests": ["CK"], "above_uln": 5, "recovers_at_times_uln": 1},
    {"tests": ["K"], "min_grade": 3, "new_only": True},
    {"tests": ["HGB"], "min_grade": 2, "new_only": True},
]


@pytest.mark.parametrize("when", SENSIBLE)
def test_one_step_on_the_healthy_side_is_taken(when: dict[str, object]):
    KINDS["value_limit"].when.model_validate(when)


@pytest.mark.parametrize(("ctcae", "fits"), [("5.0", True), ("6.0", False)])
def test_the_version_of_the_rulebook_says_which_grade_is_the_last(ctcae: str, fits: bool):
    when = {"tests": ["ALP"], "min_grade": 1, "new_only": True}
    if fits:
        KINDS["value_limit"].when.model_validate(when, context={"ctcae": ctcae})
    else:
        with pytest.raises(ValidationError, match="a graver one"):
            KINDS["value_limit"].when.model_validate(when, context={"ctcae": ctcae})


@pytest.mark.parametrize(("when", "words"), REFUSED)
def test_a_rule_that_makes_no_sense_is_refused(when: dict[str, object], words: str):
    with pytest.raises(ValidationError, match=words):
        KINDS["value_limit"].when.model_validate(when)


def test_every_refusal_is_the_sentence_agreed():
    said = []
    for when, _ in REFUSED:
        with pytest.raises(ValidationError) as refused:
            KINDS["value_limit"].when.model_validate(when)
        said += [f"{when}\n  {error['msg']}\n" for error in refused.value.errors() if error["type"] == "value_error"]
    held_to(GOLDEN / "kinds" / "refused_limits.txt", "\n".join(said))


def test_the_description_names_every_threshold():
    kind = KINDS["value_limit"]
    liver_words = kind.describe(kind.when.model_validate(LIVER))
    assert all(word in liver_words for word in ("ALT or AST", "5 times", "2 times the baseline", "3 times"))
    kidney_words = kind.describe(kind.when.model_validate(KIDNEY))
    assert all(word in kidney_words for word in ("Creatinine", "1.5 times the baseline", "26.5 umol/L", "48 hours"))


@pytest.mark.parametrize(("between", "episodes"), [(1.4, 1), (1.1, 1), (1.0, 2), ("<1.0", 2), ("<2", 1)])
@pytest.mark.parametrize("high", ["", 0.5])
def test_an_upper_limit_with_room_for_recovery(high: object, between: object, episodes: int):
    """Where the rule says how far back, the range says nothing."""
    when = {"tests": ["EOS"], "at_least": CELLS, "recovers_at_most": CELLS | {"value": 1}}
    hits = told("EOS", when, (8, 1.6), (9, between), (10, 1.6), unit="10^9/L", high=high)
    assert [hit.answer for hit in hits].count(Answer.HIT) == episodes


@pytest.mark.parametrize(
    ("between", "episodes"), [(74.9, 1), (62.6, 1), (62.5, 2), ("<62.5", 2), ("<=62.6", 1), (50, 2)]
)
def test_a_multiple_of_the_baseline_with_room_for_recovery(between: object, episodes: int):
    when = {"times_baseline": 1.5, "recovers_at_times_baseline": 1.25}
    hits = told("CREAT", when, (-3, 50), (8, 75), (9, between), (10, 75), unit="umol/L", high=110)
    assert [hit.answer for hit in hits].count(Answer.HIT) == episodes


@pytest.mark.parametrize(("baseline", "between", "episodes"), [(420, 451, 1), (420, 450, 2), (470, 470, 2)])
def test_a_grade_with_room_for_recovery(baseline: int, between: int, episodes: int):
    when = {"min_grade": 3, "recovers_at_most": {"value": 450, "unit": "ms"}}
    days = [(-3, baseline), (8, 501), (9, between), (10, 501)]
    rows = [sample("QTCF", day, result, "ms", domain="EG") for day, result in days]
    assert answers(judged("value_limit", {"tests": ["QTCF"]} | when, rows)) == [Answer.HIT] * episodes


@pytest.mark.parametrize(("low", "between", "episodes"), [("", 91, 1), ("", 92, 2), (95, 92, 2), (95, 91, 1)])
def test_a_lower_limit_with_room_for_recovery(low: object, between: int, episodes: int):
    when = SATURATION | {"tests": ["OXYSAT"], "recovers_at_least": {"value": 92, "unit": "%"}}
    rows = [sample("OXYSAT", day, n, "%", low, domain="VS") for day, n in ((8, 89), (9, between), (10, 89))]
    assert answers(judged("value_limit", when, rows)) == [Answer.HIT] * episodes


@pytest.mark.parametrize(
    ("test", "when", "results", "extent"),
    [
        ("TSH", {"above_uln": 1}, (5, 90), [("high", 90)]),
        ("TSH", {"above_uln": 1}, (90, 5), [("high", 90)]),
        ("TSH", {"out_of_range": True}, (0.01, 0.02), [("low", 0.01)]),
        ("PROTU", {"positive": "1+"}, ("2+", "1+"), [("words", 3)]),
        ("PROTU", {"positive": "1+"}, ("positive", "1+"), [("words", 2)]),  # at its mildest
        ("HCG", {"positive": "1+", "at_least": {"value": 5, "unit": "U/L"}}, (50, 5000), [("once", 0)]),
        ("ALT", {"above_uln": 1}, (">900", 50), [("high", 900)]),
    ],
)
def test_how_far_out_an_episode_went_is_said_of_each_test(test: str, when, results, extent):
    unit, spec = {"TSH": "mU/L", "PROTU": ""}.get(test, "U/L"), "URINE" if test == "PROTU" else ""
    rows = [sample(test, day, n, unit, 0.1, 4, spec=spec) for day, n in zip((8, 15), results, strict=True)]
    (hit,) = judged("value_limit", {"tests": [test]} | when, rows)
    assert (hit.answer, [(one.side, float(one.value)) for one in hit.extent]) == (Answer.HIT, extent)


def test_a_result_that_rose_to_the_lower_end_of_its_range_is_told_by_the_upper():
    when = {"below_lln": 1, "rise": {"percent": 100}}
    (hit,) = told("K", when, (-3, 1.5), (8, 3.5), unit="mmol/L", low=3.5, high=5)
    assert hit.summary == f"Potassium 3.5 mmol/L on {on(8)}: 0.70 x ULN, baseline 1.5"


def test_a_change_within_hours_is_over_with_the_first_result_that_shows_none():
    days = ((8, 200), (9, 100), (20, 90), (21, 200), (22, 100))
    hits = told("PLAT", {"fall": {"percent": 50, "hours": 48}}, *days, unit="10^9/L")
    assert [hit.anchors for hit in hits] == [{"PLAT/9/100"}, {"PLAT/22/100"}]


def test_what_is_worst_is_compared_in_one_unit():
    rows = [sample("UPCR", day, n, unit, spec="URINE") for day, n, unit in ((8, 200, "mg/mmol"), (15, 9, "g/g"))]
    (hit,) = judged("value_limit", {"tests": ["UPCR"], "at_least": {"value": 0.5, "unit": "g/g"}}, rows)
    assert hit.summary.startswith("Urine protein/creatinine 9 g/g")
    assert [(one.unit, one.said) for one in hit.extent] == [("g/g", "9 g/g")]


def interval(*rows: tuple[Any, ...], when: dict[str, object] = QT) -> list[Judgement]:
    before = [sample(test, -3, 430, "ms", domain="EG") for test in ("QTCF", "QTCB")]
    taken = [sample(t, day, n, "ms", domain="EG", dtc=on(day, *time)) for t, day, n, *time in rows]
    return judged("value_limit", when, before + taken)


def test_two_tests_of_which_one_is_enough_are_one_concern_with_both_results():
    (hit,) = interval(("QTCF", 8, 505), ("QTCB", 8, 520), ("QTCB", 9, 510))
    assert (hit.scope, hit.anchors) == ("QTCF/QTCB", {"QTCF/8/505", "QTCB/8/520", "QTCB/9/510"})
    assert hit.summary == (
        f"QTcF interval 505 ms on {on(8)}: baseline 430, latest 510 on {on(9)}; QTcB interval 520 ms on {on(8)}"
    )
    assert [dict(e.values)["egorres"] for e in hit.evidence] == ["430", "505", "520", "510"]
    (hit,) = interval(("QTCF", 8, 455), ("QTCB", 8, 520), when=QT | {"min_grade": 1, "recovers_at_most": None})
    assert (hit.summary.startswith("QTcB interval 520"), hit.grade) == (True, 3)
    apart = interval(("QTCF", 8, 505), ("QTCB", 8, 520), when=QT | {"either": False})
    assert [hit.scope for hit in apart] == ["QTCF", "QTCB"]


@pytest.mark.parametrize(
    ("between", "episodes"),
    [
        ([("QTCF", 9, 440)], 2),  # nobody repeats the other
        ([("QTCF", 8, 440)], 1),  # of the same day
        ([("QTCF", 9, 451)], 1),
        ([("QTCF", 9, 440), ("QTCB", 9, "x")], 2),  # what cannot be read says nothing
        ([("QTCF", 9, 440), ("QTCB", 9, 505)], 1),  # one day is one look
        ([("QTCF", 9, 440), ("QTCB", 9, 451)], 1),
        ([("QTCF", 9, 440), ("QTCB", 9, 450)], 2),
        ([("QTCF", 9, 440, "08:00"), ("QTCB", 9, 505, "09:00")], 1),  # whatever their times
        ([("QTCB", 9, 510), ("QTCF", 9, 440), ("QTCB", 10, 450)], 2),  # each is compared with its own
        ([("QTCF", 9, 451), ("QTCB", 9, 450), ("QTCB", 10, 450)], 2),
        ([("QTCB", 9, 440), ("QTCF", 9, 451), ("QTCF", 10, 505), ("QTCF", 10, 440)], 1),
    ],
)
def test_one_concern_of_two_tests_lasts_until_all_that_a_day_measured_is_back(
    between: list[tuple[Any, ...]], episodes: int
):
    hits = interval(("QTCF", 8, 505), ("QTCB", 8, 520), *between, ("QTCB", 12, 515))
    assert [hit.recovery != "" for hit in hits if hit.answer is Answer.HIT] == [True, False][-episodes:]


def test_one_concern_of_two_tests_is_confirmed_by_two_samples_of_one_test():
    twice = QT | {"confirm_samples": 2}
    assert answers(interval(("QTCF", 8, 505), ("QTCB", 9, 505), when=twice)) == [Answer.CLEAR]
    hits = interval(("QTCF", 8, 505), ("QTCB", 8, 440), ("QTCF", 9, 505), when=twice)
    assert answers(hits) == [Answer.HIT]


@pytest.mark.parametrize(("uln", "back", "episodes"), [(84, 84, 2), (84, 85, 1), ("", 85, 2)])
def test_without_a_baseline_a_creatinine_is_back_within_its_range_and_without_that_after_the_rise(uln, back, episodes):
    days = [(8, 70), (10, 100), (30, back), (32, back + 30)]
    hits = told("CREAT", {k: v for k, v in KIDNEY.items() if k != "tests"}, *days, unit="umol/L", high=uln)
    assert answers(hits).count(Answer.HIT) == episodes


@pytest.mark.parametrize(
    ("when", "baseline", "first", "between", "episodes"),
    [
        ({"above_uln": 5}, 150, 1001, 150, 2),
        ({"above_uln": 5}, 150, 1001, 151, 1),
        ({"above_uln": 5, "recovers_at_times_uln": 2}, 150, 1001, 150, 2),
        ({"above_uln": 5, "recovers_at_times_uln": 2}, 150, 1001, 151, 1),
        ({"above_uln": 5}, None, 1001, 150, 1),  # nothing to compare with
        ({"below_lln": 0.5}, 60, 10, 60, 2),
        ({"below_lln": 0.5}, 60, 10, 59, 1),
        ({"out_of_range": True}, 60, 10, 60, 2),
        ({"out_of_range": True}, 60, 10, 59, 1),
        ({"out_of_range": True}, 60, 10, 61, 2),
        ({"out_of_range": True}, 60, 300, 60, 2),
        ({"out_of_range": True}, 60, 300, 61, 1),
        ({"out_of_range": True}, 60, 300, 59, 2),
    ],
)
def test_without_a_range_the_baseline_alone_is_recovery(when, baseline, first: int, between: int, episodes: int):
    days = ((-3, baseline, True), (8, first, True), (9, between, False), (10, first, True))
    rows = [sample("CK", day, n, "U/L", 30 if r else "", 200 if r else "") for day, n, r in days if n is not None]
    assert answers(judged("value_limit", {"tests": ["CK"]} | when, rows)).count(Answer.HIT) == episodes


@pytest.mark.parametrize("keys", [("a", "b"), ("b", "a")])
def test_of_two_results_of_a_day_one_that_is_a_concern_keeps_it_open_though_its_hold_is_in_doubt(keys):
    cells = [(8, 1.6, "8"), (9, 0.3, keys[0]), (9, ">2", keys[1]), (10, 1.6, "10")]
    rows = [sample("EOS", day, n, high=0.5, key=key) for day, n, key in cells]
    hits = [hit for hit in judged("value_limit", EOSINOPHILS, rows) if hit.answer is Answer.HIT]
    assert [len(hit.anchors) for hit in hits] == [3]


@pytest.mark.parametrize(
    ("between", "episodes"),
    [
        ([("BASO", 9, 1.2)], 1),
        ([("EOS", 9, 1.2)], 2),
        ([("EOS", 9, "clotted")], 1),
        ([("BASO", 9, 1.6), ("EOS", 9, 1.2)], 1),  # of one day, beside one that is a concern
    ],
)
def test_a_hold_is_news_after_its_own_test_met_nothing(between: list[tuple[str, int, object]], episodes: int):
    room = {"either": True, "recovers_at_most": CELLS | {"value": 1}}
    rows = [sample(test, day, n, high=0.5) for test, day, n in (("EOS", 8, 5), *between, ("EOS", 10, 5.1))]
    hits = judged("value_limit", EOSINOPHILS | room | {"tests": ["EOS", "BASO"]}, rows)
    assert answers(hits).count(Answer.HIT) == episodes


def test_what_cannot_be_told_of_either_test_is_said_once_and_by_name():
    (cannot,) = interval(("QTCF", 8, "x"), ("QTCB", 8, ">400"))
    assert (cannot.answer, cannot.scope) == (Answer.NOT_EVALUABLE, "QTCF/QTCB")
    assert (
        cannot.reason
        == "QTcB interval: the result is a limit that spans grades; QTcF interval: the result is not a number"
    )


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


def told(test: str, when: dict[str, object], *days: tuple[int, object], unit: str, low="", high="") -> list[Judgement]:
    rows = [sample(test, day, result, unit, low, high) for day, result in days]
    return judged("value_limit", {"tests": [test]} | when, rows)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("90", []),
        ("89.9", [Answer.HIT]),
        ("89", [Answer.HIT]),
        ("<90", [Answer.HIT]),
        ("<=90", [Answer.NOT_EVALUABLE]),
        (">88", [Answer.NOT_EVALUABLE]),
        (">90", []),
        ("low", [Answer.NOT_EVALUABLE]),
    ],
)
def test_below_a_limit(result: str, expected: list[Answer]):
    rows = [sample("OXYSAT", 8, result, "%", domain="VS")]
    assert answers(judged("value_limit", {"tests": ["OXYSAT"]} | SATURATION, rows)) == expected


def test_a_low_episode_is_told_by_its_lowest_and_ends_where_the_limit_is_no_longer_met():
    rows = [sample("OXYSAT", day, result, "%", domain="VS") for day, result in ((8, 88), (9, 85), (10, 89), (11, 90))]
    (hit,) = judged("value_limit", {"tests": ["OXYSAT"]} | SATURATION, rows)
    assert (hit.at, hit.recovery) == (on(9), f"recovered: 90 % on {on(11)}, grade 0")
    assert hit.summary == f"Oxygen saturation 85 % on {on(9)}: no usable baseline, latest 89 on {on(10)}"


def test_a_fall_of_a_multiple_of_the_lower_limit():
    half = {"below_lln": 0.5}
    assert told("ALB", half, (8, 17.5), unit="g/L", low=35, high=50) == []
    (hit,) = told("ALB", half, (8, 17.4), unit="g/L", low=35, high=50)
    assert (hit.reason, hit.summary.split(": ")[1]) == ("less than 0.5 x LLN", "0.50 x LLN, no usable baseline")
    assert answers(told("ALB", half, (8, 17), unit="g/L", high=50)) == [Answer.NOT_EVALUABLE]


TWICE = {"out_of_range": True, "confirm_samples": 2}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([(8, 4.3), (22, 4.3)], [Answer.HIT]),
        ([(8, 4.2), (22, 4.3)], [Answer.CLEAR]),
        ([(8, 0.26), (22, 0.26)], [Answer.HIT]),
        ([(8, 0.27), (22, 4.2)], []),
        ([(8, 0.26), (22, 4.3)], [Answer.HIT]),  # out on either side is out
        ([(8, 4.3), (15, 3), (22, 4.3)], [Answer.CLEAR]),
        ([(8, 4.3), (15, "haemolysed"), (22, 4.3)], [Answer.HIT, Answer.NOT_EVALUABLE]),
    ],
)
def test_out_of_range_in_consecutive_samples(days: list[tuple[int, object]], expected: list[Answer]):
    assert answers(told("TSH", TWICE, *days, unit="mIU/L", low=0.27, high=4.2)) == expected


def test_half_a_range_tells_half():
    once = {"out_of_range": True}
    assert answers(told("TSH", once, (8, 5), unit="mIU/L", high=4.2)) == [Answer.HIT]
    assert answers(told("TSH", once, (8, 4), unit="mIU/L", high=4.2)) == [Answer.NOT_EVALUABLE]


def test_a_result_out_on_one_side_confirms_the_next_one_out_on_the_other():
    (hit,) = told("TSH", TWICE, (8, 5), (9, 0.01), unit="mIU/L", low=0.27, high=4.2)
    assert (hit.at, hit.reason) == (on(9), "below LLN")


NEW = EOSINOPHILS | {"new_only": True, "times_baseline": 4}


@pytest.mark.parametrize("change", [{"rise": {"percent": 100}}, {"times_baseline": 2}])
def test_a_limit_that_the_baseline_met_asks_what_counts_as_worse(change: dict[str, object]):
    when = KINDS["value_limit"].when.model_validate(NEW_CELLS | change)
    assert when.new_only
    assert answers(told("EOS", NEW_CELLS | change, (-3, 2), (8, 4), unit="10^9/L")) == [Answer.HIT]
    assert answers(told("EOS", NEW_CELLS | change, (-3, 2), (8, 3.9), unit="10^9/L")) == [Answer.CLEAR]


@pytest.mark.parametrize("change", [{"fall": {"percent": 50}}, {"part_of_baseline": 0.5}])
@pytest.mark.parametrize(
    ("baseline", "result", "expected"),
    [
        (20, 10, [Answer.HIT]),
        (20, 10.1, [Answer.CLEAR]),
        (20, "<10", [Answer.HIT]),
        (20, "<11", [Answer.NOT_EVALUABLE]),
        (20, ">9", [Answer.NOT_EVALUABLE]),
    ],
)
def test_a_low_limit_that_the_baseline_met_asks_for_a_part_of_it(change, baseline, result, expected):
    when = {"below": {"value": 30, "unit": "g/L"}, "new_only": True} | change
    assert answers(told("ALB", when, (-3, baseline), (8, result), unit="g/L")) == expected


def test_a_part_of_a_low_baseline_is_of_the_low_side():
    when = {"out_of_range": True, "new_only": True, "part_of_baseline": 0.5, "times_baseline": 2}
    high, low = told("K", when, (-3, 2), (8, 0.9), (9, 5.5), unit="mmol/L", low=3.5, high=5)
    assert (low.answer, low.at, high.answer, high.at) == (Answer.HIT, on(8), Answer.HIT, on(9))


@pytest.mark.parametrize(
    ("baseline", "unit", "reason"),
    [
        (None, "", "Albumin: no baseline"),
        ("30 g", "g/L", "Albumin: no baseline"),
        (30, "", "Albumin: no unit"),
    ],
)
def test_why_a_change_from_baseline_cannot_be_told(baseline: object, unit: str, reason: str):
    rows = [] if baseline is None else [sample("ALB", -3, baseline, "g/L")]
    (unknown,) = judged("value_limit", {"tests": ["ALB"], "fall": {"percent": 50}}, [*rows, sample("ALB", 8, 10, unit)])
    assert unknown.reason == reason


def test_a_baseline_that_is_not_believed_is_named_beside_the_hit():
    (hit,) = told("EOS", {"at_least": CELLS}, (-3, 900), (8, 2), unit="10^9/L")
    assert hit.summary.endswith("no usable baseline: 900 10^9/L is not believable")


def test_a_baseline_of_0_cannot_fall():
    when = {"below_lln": 1, "new_only": True, "part_of_baseline": 0.5}
    assert answers(told("TSH", when, (-3, 0), (8, 0), unit="mU/L", low=0.3)) == [Answer.CLEAR]


def test_a_part_of_a_baseline_in_another_unit_is_converted_or_not_evaluable():
    when = {"tests": ["ALB"], "below_lln": 1, "new_only": True, "part_of_baseline": 0.5}
    for unit, result, low, expected in (("g/dL", 1.0, 3.5, Answer.HIT), ("", 10, 35, Answer.NOT_EVALUABLE)):
        rows = [sample("ALB", -3, 20, "g/L", 35), sample("ALB", 8, result, unit, low)]
        assert answers(judged("value_limit", when, rows)) == [expected]


def test_a_grade_on_the_other_side_is_new():
    when = {"min_grade": 3, "new_only": True}
    assert answers(told("K", when, (-3, 2.6), (8, 2.6), unit="mmol/L", low=3.5, high=5)) == [Answer.CLEAR]
    assert answers(told("K", when, (-3, 2.6), (8, 6.1), unit="mmol/L", low=3.5, high=5)) == [Answer.HIT]


@pytest.mark.parametrize(
    ("baseline", "result", "expected", "consequence"),
    [
        (1.49, 1.5, Answer.HIT, Consequence.WATCH),
        (1.5, 4.99, Answer.CLEAR, Consequence.WATCH),
        (1.5, 5.0, Answer.HIT, Consequence.HOLD),
        (6.0, 5.0, Answer.HIT, Consequence.HOLD),
        (None, 1.5, Answer.HIT, Consequence.WATCH),
    ],
)
def test_what_the_baseline_met_is_history_but_never_a_hold(
    baseline: float | None, result: float, expected: Answer, consequence: Consequence
):
    days = [(8, result)] if baseline is None else [(-3, baseline), (8, result)]
    (said,) = told("EOS", NEW, *days, unit="10^9/L", low=0, high=0.5)
    assert (said.answer, said.consequence) == (expected, consequence)
    assert said.told is (expected is Answer.HIT)
    assert ("as the baseline was" in said.reason) is (expected is Answer.CLEAR)


def test_out_of_range_on_the_other_side_is_new():
    new = {"out_of_range": True, "new_only": True, "times_baseline": 2, "part_of_baseline": 0.5}
    assert answers(told("TSH", new, (-3, 9), (8, 9), unit="mIU/L", low=0.27, high=4.2)) == [Answer.CLEAR]
    assert answers(told("TSH", new, (-3, 9), (8, 0.1), unit="mIU/L", low=0.27, high=4.2)) == [Answer.HIT]


@pytest.mark.parametrize(
    ("baseline", "result", "expected"),
    [(2, 3.01, Answer.HIT), (3.01, 4.9, Answer.CLEAR), (3.01, 5.01, Answer.HIT), (5.01, 5.01, Answer.CLEAR)],
)
def test_a_grade_that_is_worse_than_the_baselines_is_new(baseline: float, result: float, expected: Answer):
    when = {"min_grade": 3, "new_only": True}  # lipase: grade 3 above 2 and grade 4 above 5 times ULN
    (said,) = told("LIPASE", when, (-3, baseline * 60), (8, result * 60), unit="U/L", low=0, high=60)
    assert said.answer is expected


def test_a_grade_in_doubt_is_said():
    when = {"min_grade": 3}
    assert answers(told("LIPASE", when, (8, ">100"), unit="U/L", low=0, high=60)) == [Answer.NOT_EVALUABLE]


@pytest.mark.parametrize(
    ("change", "before", "at", "short"),
    [
        ({"fall": {"by": {"value": 20, "unit": "g/L"}}}, 120, 100, 100.1),
        ({"fall": {"percent": 25}}, 120, 90, 90.1),
        ({"rise": {"by": {"value": 20, "unit": "g/L"}}}, 120, 140, 139.9),
        ({"rise": {"percent": 25}}, 120, 150, 149.9),
        ({"fall": {"by": {"value": 2, "unit": "g/dL"}}}, 120, 100, 100.1),
        ({"rise": {"by": {"value": 0.5, "unit": "g/L"}}}, 120, 120.5, 120.4),
    ],
)
def test_a_change_from_baseline(change: dict[str, object], before: float, at: float, short: float):
    assert told("HGB", change, (-3, before), (8, short), unit="g/L") == []
    assert answers(told("HGB", change, (-3, before), (8, at), unit="g/L")) == [Answer.HIT]
    assert answers(told("HGB", change, (8, at), unit="g/L")) == [Answer.NOT_EVALUABLE]


@pytest.mark.parametrize(
    ("before", "result", "expected"),
    [
        ("<70", 96.5, [Answer.HIT]),  # from 70 at most
        ("<70", 96.4, [Answer.NOT_EVALUABLE]),  # from anything below 70
        ("<10", 26.4, []),  # not even from 0
        (">70", 96.5, [Answer.NOT_EVALUABLE]),  # perhaps from 96
        (">70", 96.4, []),
    ],
)
def test_a_rise_from_a_limit(before: object, result: float, expected: list[Answer]):
    rise = {"rise": {"by": {"value": 26.5, "unit": "umol/L"}, "hours": 48}}
    assert answers(told("CREAT", rise, (-1, before), (2, result), unit="umol/L")) == expected


def test_a_fall_from_a_limit():
    fall = {"fall": {"percent": 50, "hours": 48}}
    assert answers(told("PLAT", fall, (-1, ">200"), (2, 100), unit="10^9/L")) == [Answer.HIT]
    assert answers(told("PLAT", fall, (-1, ">200"), (2, 101), unit="10^9/L")) == [Answer.NOT_EVALUABLE]
    assert answers(told("PLAT", fall, (-1, "<200"), (2, 100), unit="10^9/L")) == [Answer.NOT_EVALUABLE]
    assert told("PLAT", fall, (-1, "<200"), (2, 101), unit="10^9/L") == []


@pytest.mark.parametrize("when", [{"times_baseline": 2}, {"rise": {"percent": 50}}, {"fall": {"percent": 50}}])
def test_a_baseline_of_0_is_no_change_by_itself(when: dict[str, object]):
    assert told("CK", when, (-3, 0), (8, 0), unit="U/L") == []
    assert answers(told("CK", when, (-3, 0), (8, 1), unit="U/L")) == {
        "times_baseline": [Answer.NOT_EVALUABLE], "rise": [Answer.HIT], "fall": [],
    }[next(iter(when))]  # fmt: skip


@pytest.mark.parametrize(
    ("result", "low", "expected"),
    [
        (149, 150, [Answer.HIT]),
        (150, 150, []),
        (150, "", [Answer.NOT_EVALUABLE]),
        (160, "", []),
        ("<150", 150, [Answer.HIT]),
        ("<151", 150, [Answer.NOT_EVALUABLE]),
        (74, "", [Answer.HIT]),
    ],
)
def test_a_fall_that_counts_only_where_it_ends_low(result: object, low: object, expected: list[Answer]):
    when = {"tests": ["PLAT"], "fall": {"percent": 25, "only_low": True}}
    rows = [sample("PLAT", -3, 200, "10^9/L", low, 350), sample("PLAT", 8, result, "10^9/L", low, 350)]
    assert answers(judged("value_limit", when, rows)) == expected


def test_a_fall_within_hours_in_percent():
    fall = {"fall": {"percent": 50, "hours": 72}}
    assert told("PLAT", fall, (8, 200), (11, 101), unit="10^9/L") == []
    (hit,) = told("PLAT", fall, (8, 200), (11, 100), unit="10^9/L")
    assert hit.reason == "down by 100 10^9/L within 72 h"
    assert [extent.side for extent in hit.extent] == ["low"]
    assert told("PLAT", fall, (8, 200), (13, 100), unit="10^9/L") == []
    assert told("PLAT", fall, (8, 100), (9, 200), unit="10^9/L") == []  # a rise


PROTEIN = {"at_least": {"value": 0.5, "unit": "g/L"}, "times_baseline": 2, "new_only": True}


@pytest.mark.parametrize(
    ("baseline", "result", "expected"),
    [
        (0.1, 0.49, []),  # more than doubled, and below the limit
        (0.1, 0.5, [Answer.HIT]),
        (0.5, 0.99, [Answer.CLEAR]),
        (0.5, 1.0, [Answer.HIT]),
        (None, 0.5, [Answer.HIT]),
        (None, 0.49, []),
    ],
)
def test_new_or_doubled_where_it_was_there_already(baseline: float | None, result: float, expected: list[Answer]):
    days = [(8, result)] if baseline is None else [(-3, baseline), (8, result)]
    assert answers(told("HAPTOG", PROTEIN, *days, unit="g/L")) == expected


def test_every_new_limit_is_in_the_description():
    kind = KINDS["value_limit"]
    when = PROTEIN | {
        "tests": ["HAPTOG"], "below_lln": 0.4, "out_of_range": True, "min_grade": 3, "confirm_samples": 4,
        "fall": {"percent": 33}, "rise": {"by": {"value": 7, "unit": "g/L"}, "hours": 11},
    }  # fmt: skip
    when |= {
        "part_of_baseline": 0.25, "recovers_at_least": {"value": 0.4, "unit": "g/L"},
        "recovers_at_most": {"value": 0.3, "unit": "g/L"},
    }  # fmt: skip
    words = kind.describe(kind.when.model_validate(when))
    for said in ("at least 0.5 g/L", "0.4 times the lower", "outside the reference", "grade 3", "4 such samples",
                 "33 % from baseline", "7 g/L within 11 hours", "only 2 times it", "0.25 times it or less",
                 "a graver grade", "at 0.3 g/L or less, or no higher", "at 0.4 g/L or more, or no lower"):  # fmt: skip
        assert said in words


@pytest.mark.parametrize(
    ("text", "lowest", "highest"),
    [
        ("NEGATIVE", "NEGATIVE", "NEGATIVE"), (" neg ", "NEGATIVE", "NEGATIVE"), ("阴性", "NEGATIVE", "NEGATIVE"),
        ("－", "NEGATIVE", "NEGATIVE"), ("(-)", "NEGATIVE", "NEGATIVE"), ("Not detected", "NEGATIVE", "NEGATIVE"),
        ("Trace", "TRACE", "TRACE"), ("±", "TRACE", "TRACE"), ("+/-", "TRACE", "TRACE"), ("弱阳性", "TRACE", "TRACE"),
        ("+", "1+", "1+"), ("1+", "1+", "1+"), ("+1", "1+", "1+"), ("（＋＋）", "2+", "2+"), ("3 +", "3+", "3+"),
        ("++++", "4+", "4+"), ("POSITIVE", "1+", "4+"), ("阳性", "1+", "4+"), ("Equivocal", "NEGATIVE", "1+"),
        ("positive (+)", "1+", "4+"), ("Pos.", "1+", "4+"), ("阳性(+)", "1+", "4+"), ("Positiv", "1+", "4+"),
        ("Pregnant", "1+", "4+"), ("Not pregnant", "NEGATIVE", "NEGATIVE"), ("negativ (-).", "NEGATIVE", "NEGATIVE"),
        ("Positive (3+)", "3+", "4+"), ("neg. (-)", "NEGATIVE", "NEGATIVE"),
    ],
)  # fmt: skip
def test_words_are_steps(text: str, lowest: str, highest: str):
    assert read_word(text) == (STEPS.index(lowest), STEPS.index(highest))


@pytest.mark.parametrize(
    "text", ["", "1", "5+", "see comment", "not positive", "阳性?", "negative (+)", "positive (-)", "."]
)
def test_what_is_no_known_word_is_not_guessed(text: str):
    assert read_word(text) is None


@pytest.mark.parametrize(
    ("step", "result", "expected"),
    [
        ("2+", "1+", []),
        ("2+", "2+", [Answer.HIT]),
        ("2+", "3+", [Answer.HIT]),
        ("2+", "POSITIVE", [Answer.NOT_EVALUABLE]),
        ("1+", "POSITIVE", [Answer.HIT]),
        ("1+", "5", [Answer.NOT_EVALUABLE]),  # a number where only words are asked for
        ("1+", "NOT DONE", []),
    ],
)
def test_a_word_from_a_step_on(step: str, result: str, expected: list[Answer]):
    rows = [sample("OCCBLD", 8, result, "", spec="URINE")]
    assert answers(judged("value_limit", {"tests": ["OCCBLDU"], "positive": step}, rows)) == expected


def test_an_episode_of_words_is_told_by_its_worst_and_ends_with_a_normal_word():
    days = ((-9, "2+"), (-3, "-"), (8, "1+"), (9, "3+"), (10, "1+"), (11, "neg"), (12, "1+"))
    rows = [sample("OCCBLD", day, word, "", spec="URINE") for day, word in days]
    first, second = judged("value_limit", {"tests": ["OCCBLDU"], "positive": "1+", "new_only": True}, rows)
    assert first.summary == f"Urine blood 3+ on {on(9)}: baseline -, latest 1+ on {on(10)}"
    assert (first.at, first.recovery) == (on(9), f"recovered: neg on {on(11)}")
    assert (second.at, second.recovery) == (on(12), "")
    assert [e.values[1] for e in first.evidence if e.key.endswith("/-3/-")] == [("lborres", "-")]


def test_a_result_that_meets_limits_of_both_sides_is_of_the_one_where_it_lies():
    both = {"rise": {"percent": 50, "hours": 48}, "fall": {"percent": 50}}
    hits = told("HCG", both, (-3, 6), (2, 1), (3, 3), unit="U/L", low=2, high=5)
    assert [(hit.anchors, hit.reason) for hit in hits] == [
        ({"HCG/2/1", "HCG/3/3"}, "down by at least 50 % from baseline")
    ]


WHENS = [
    {"at_least": {"value": 5, "unit": "U/L"}, "positive": "TRACE", "baseline_too": True},
    {"at_least": {"value": 5, "unit": "U/L"}, "positive": "1+", "new_only": True, "times_baseline": 2},
    {"out_of_range": True, "confirm_samples": 2},
    {"times_baseline": 2, "recovers_at_times_baseline": 1.1},
    {"at_least": {"value": 6, "unit": "U/L"}, "recovers_at_most": {"value": 4, "unit": "U/L"}},
    {"below": {"value": 4, "unit": "U/L"}, "new_only": True, "part_of_baseline": 0.5},
    {"rise": {"percent": 50, "hours": 48}, "fall": {"percent": 50}},
]


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(
        st.sampled_from(["1", "3", "4", "6", "10", "<5", ">3", "-", "1+", "POSITIVE", "x", ""]), max_size=8
    ),
    baseline=st.sampled_from([None, "3", "6", "-", "1+"]),
    when=st.sampled_from(WHENS),
)
def test_looking_every_day_and_once_at_the_end_find_the_same_episodes(values: list[str], baseline, when):
    rows = [] if baseline is None else [sample("HCG", -3, baseline, "U/L", 2, 5)]
    seen: list[Judgement] = []
    for day, value in enumerate(values, start=2):
        rows.append(sample("HCG", day, value, "U/L", 2, 5))
        hits = [j for j in judged("value_limit", {"tests": ["HCG"]} | when, rows) if j.answer is Answer.HIT]
        for old in seen:  # each goes on as exactly one, with all its anchors and never milder
            (new,) = [hit for hit in hits if hit.anchors & old.anchors]
            assert new.anchors >= old.anchors
            assert new.consequence.rank >= old.consequence.rank
        seen = hits
    assert len({anchor for hit in seen for anchor in hit.anchors}) == sum(len(hit.anchors) for hit in seen)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["QTCF", "QTCB"]), st.sampled_from([440, 451, 505, 520, "x", "<510"])), max_size=9
    )
)
def test_one_concern_of_two_tests_only_grows(values: list[tuple[str, object]]):
    rows: list[tuple[str, int, object]] = []
    seen: list[Judgement] = []
    for day, (test, value) in enumerate(values, start=2):
        rows.append((test, day, value))
        hits = [j for j in interval(*rows) if j.answer is Answer.HIT]
        for old in seen:
            (new,) = [hit for hit in hits if hit.anchors & old.anchors]
            assert new.anchors >= old.anchors
            assert not old.recovery or new.recovery == old.recovery
        seen = hits


@pytest.mark.parametrize(
    ("baseline", "uln_then", "result", "uln", "expected"),
    [
        (50, 60, 121, 40, None),  # normal by its own range: five times ULN alone counts
        (60, 60, 121, 40, None),
        (61, 60, 123, 40, "more than 2 x baseline, which was above ULN, and more than 3 x ULN"),
        (50, "", 121, 40, "more than 2 x baseline, which was above ULN, and more than 3 x ULN"),  # by the later range
        (50, "", 120, 40, None),
        (40, "", 121, 40, None),
        (50, 40, 300, "", "ALT: no reference range"),
        (50, 40, "lost", "", "ALT: the result is not a number"),
        (50, 40, "<150", 40, "ALT: the result is a limit that spans grades"),
        (150, 40, "<250", 40, "ALT: the result is a limit that spans grades"),  # no doubling, perhaps five times ULN
        (150, 40, ">=201", 40, "more than 5 x ULN"),  # whether or not it doubled
        (201, 40, 150, 40, None),
        (201, 40, "<250", 40, None),  # no worse than it was, whatever it is
        (201, 40, ">=300", 40, "ALT: the result is a limit that spans grades"),  # perhaps doubled
    ],
)
def test_a_baseline_is_high_by_its_own_range(baseline, uln_then, result, uln, expected: str | None):
    rows = [sample("ALT", -3, baseline, "U/L", 5, uln_then), sample("ALT", 8, result, "U/L", 5, uln)]
    said = judged("value_limit", LIVER | {"tests": ["ALT"]}, rows)
    assert [judgement.reason for judgement in said] == ([expected] if expected else [])


THYROTROPIN = {"out_of_range": True, "times_baseline": 2, "new_only": True, "part_of_baseline": 0.5}


@pytest.mark.parametrize(
    ("baseline", "result", "answer", "reason"),
    [
        (0.1, 0.2, Answer.CLEAR, "Thyrotropin: below LLN, as the baseline was, and not changed enough from it"),
        (0.1, 0.05, Answer.HIT, "at most 0.5 x baseline"),
        (0.1, 4.3, Answer.HIT, "above ULN"),
        (10, 6, Answer.CLEAR, "Thyrotropin: above ULN, as the baseline was, and not changed enough from it"),
        (10, 5, Answer.CLEAR, "Thyrotropin: above ULN, as the baseline was, and not changed enough from it"),
        (10, 20, Answer.HIT, "at least 2 x baseline"),
        (10, 0.2, Answer.HIT, "below LLN"),
        (1, 2, None, ""),  # a change within the range says nothing
        (2, 1, None, ""),
    ],
)
def test_what_is_history_on_one_side_is_new_on_the_other(baseline, result, answer: Answer | None, reason: str):
    said = told("TSH", THYROTROPIN, (-3, baseline), (8, result), unit="mIU/L", low=0.27, high=4.2)
    assert [(judgement.answer, judgement.reason) for judgement in said] == ([(answer, reason)] if answer else [])


def test_limits_are_computed_to_15_digits():
    third = {"below": {"value": 30, "unit": "g/L"}, "new_only": True, "part_of_baseline": "0.3333333333333333"}
    assert answers(told("ALB", third, (-3, 21), (8, "7"), unit="g/L")) == [Answer.HIT]
    rise = {"percent": "66.66666666666666667"}
    assert answers(told("CK", {"rise": rise}, (-3, 3), (8, 5), unit="U/L")) == [Answer.HIT]
    assert answers(told("CK", {"rise": rise | {"hours": 48}}, (8, 3), (9, 5), unit="U/L")) == [Answer.HIT]


@pytest.mark.parametrize(
    ("result", "unit", "low", "reason"),
    [
        (100, "", 150, "Platelets: no unit"),
        (100, "%", 150, "Platelets: the unit does not fit the test"),
        ("<=150", "10^9/L", 150, "Platelets: the result is a limit that spans grades"),  # a fall, and perhaps not low
        (140, "10^9/L", "", "Platelets: no reference range"),
        (75, "10^9/L", "", "Platelets: no reference range"),  # grade 1 asks for a range
        ("clotted", "10^9/L", "", "Platelets: the result is not a number"),
    ],
)
def test_why_a_fall_that_must_end_low_cannot_be_told(result: object, unit: str, low: object, reason: str):
    when = {"tests": ["PLAT"], "fall": {"by": {"value": 50, "unit": "10^9/L"}, "only_low": True}}
    rows = [sample("PLAT", -3, 200, "10^9/L", low, 350), sample("PLAT", 8, result, unit, low, 350)]
    (said,) = judged("value_limit", when, rows)
    assert (said.answer, said.reason) == (Answer.NOT_EVALUABLE, reason)


@pytest.mark.parametrize(
    ("fall", "result", "expected"),
    [
        ({"percent": 100}, 0, [Answer.HIT]),
        ({"by": {"value": 30, "unit": "g/L"}}, 0, [Answer.HIT]),
        ({"by": {"value": 31, "unit": "g/L"}}, 0, []),  # nobody falls so far from 30
        ({"by": {"value": 31, "unit": "g/L"}}, "<5", []),
        ({"percent": 100}, "<5", [Answer.NOT_EVALUABLE]),
        ({"percent": 50}, ">=15", [Answer.NOT_EVALUABLE]),  # perhaps 15
        ({"percent": 50}, ">15", []),
        ({"percent": 50}, ">=16", []),
    ],
)
def test_a_fall_to_a_limit_or_to_nothing(fall: dict[str, object], result: object, expected: list[Answer]):
    assert answers(told("ALB", {"fall": fall}, (-3, 30), (8, result), unit="g/L")) == expected


RISE = {"rise": {"by": {"value": 26.5, "unit": "umol/L"}, "hours": 48}}
RISE_BY_HALF = {"rise": {"percent": 50, "hours": 48}}
FALL = {"fall": {"by": {"value": 100, "unit": "10^9/L"}, "hours": 48}}


@pytest.mark.parametrize(
    ("test", "when", "before", "after", "expected"),
    [
        ("CREAT", RISE, 70, "<=96.5", [Answer.NOT_EVALUABLE]),
        ("CREAT", RISE, 70, "<=96.4", []),
        ("CREAT", RISE, 70, ">96.5", [Answer.NOT_EVALUABLE]),  # so far at least, and by how much is not known
        ("CREAT", RISE, 70, ">=70", [Answer.NOT_EVALUABLE]),
        ("CREAT", RISE, "<=70", 96.5, [Answer.HIT]),
        ("CREAT", RISE, "<=70", 96.4, [Answer.NOT_EVALUABLE]),
        ("CREAT", RISE, "<10", 26.5, [Answer.NOT_EVALUABLE]),  # from 0, it may be
        ("CREAT", RISE, ">=70", 96.5, [Answer.NOT_EVALUABLE]),
        ("CREAT", RISE, ">=70", 96.4, []),
        ("CREAT", RISE_BY_HALF, 70, 105, [Answer.HIT]),
        ("CREAT", RISE_BY_HALF, 70, 104.9, []),
        ("CREAT", RISE_BY_HALF, "<10", 5, [Answer.NOT_EVALUABLE]),  # half more than a third of it
        ("CREAT", RISE_BY_HALF, "<10", 0, []),  # no rise ends at 0
        ("CREAT", RISE_BY_HALF, "<10", 0.9, [Answer.NOT_EVALUABLE]),
        ("CK", RISE_BY_HALF, 0, 0.5, [Answer.HIT]),
        ("CK", RISE_BY_HALF, 0, 0, []),
        ("CK", RISE_BY_HALF, 0, 1, [Answer.HIT]),  # from 0, as from a baseline of 0, any rise is as large as can be
        ("CK", {"fall": {"percent": 50, "hours": 48}}, 0, 0, []),
        ("PLAT", FALL, 200, ">=100", [Answer.NOT_EVALUABLE]),
        ("PLAT", FALL, 200, ">100.1", []),
        ("PLAT", FALL, 200, ">99", [Answer.NOT_EVALUABLE]),
        ("PLAT", FALL, 200, ">=100.1", []),
        ("PLAT", FALL, 200, "<100", [Answer.NOT_EVALUABLE]),
        ("PLAT", FALL, ">=200", 100, [Answer.HIT]),
        ("PLAT", FALL, ">=200", 101, [Answer.NOT_EVALUABLE]),
        ("PLAT", FALL, ">20", 50, [Answer.NOT_EVALUABLE]),  # from however much it was
        ("PLAT", FALL, "<=200", 100, [Answer.NOT_EVALUABLE]),
        ("PLAT", FALL, "<=200", 101, []),
    ],
)
def test_a_change_to_or_from_a_limit_within_hours(test: str, when, before, after, expected: list[Answer]):
    unit = {"CREAT": "umol/L", "PLAT": "10^9/L", "CK": "U/L"}[test]
    assert answers(told(test, when, (-1, before), (2, after), unit=unit)) == expected


@pytest.mark.parametrize(
    ("unit_before", "unit", "expected"),
    [
        ("umol/L", "umol/L", ["up by 30 umol/L within 48 h"]),
        ("", "umol/L", []),  # not compared with what has no unit
        ("umol/L", "", ["Creatinine: no unit"]),
        ("umol/L", "%", ["Creatinine: the unit does not fit the test"]),
    ],
)
def test_a_change_within_hours_needs_units(unit_before: str, unit: str, expected: list[str]):
    rows = [sample("CREAT", -1, 70, unit_before), sample("CREAT", 2, 100, unit)]
    assert [judgement.reason for judgement in judged("value_limit", {"tests": ["CREAT"]} | RISE, rows)] == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("2014-03-10T08:00", "2014-03-12T08:00", ["up by 30 umol/L within 48 h"]),
        ("2014-03-10", "2014-03-11", ["up by 30 umol/L within 48 h"]),  # midnight to midnight is no order in doubt
        ("2014-03", "2014-03", ["Creatinine: the day of a sample is not known"]),
        ("2014-03", "2014-03-10", ["Creatinine: the day of a sample is not known"]),
        ("2014-03-10T00:00:00", "2014-03-10", ["up by 30 umol/L within 48 h"]),  # nothing of a day is before it
        ("2014-03-10", "2014-03-10", ["Creatinine: which of two samples of one day came first is not known"]),
        ("2014-03-10T08:00", "2014-03-10", ["Creatinine: which of two samples of one day came first is not known"]),
        ("2014-03-10T23:59:59", "2014-03-11", ["up by 30 umol/L within 48 h"]),
    ],
)
def test_the_order_of_two_samples_is_known_or_said_to_be_in_doubt(first: str, second: str, expected: list[str]):
    days = zip((first, second), (70, 100), strict=True)
    rows = [sample("CREAT", None, n, "umol/L", dtc=Dtc.parse(text)) for text, n in days]
    said = [judgement.reason for judgement in judged("value_limit", {"tests": ["CREAT"]} | RISE, rows)]
    assert said == expected


def test_degrees_fahrenheit_are_not_compared_by_a_difference_in_celsius():
    rise = {"tests": ["TEMP"], "rise": {"by": {"value": 1, "unit": "C"}}}
    rows = [sample("TEMP", day, n, "F", domain="VS") for day, n in ((-3, 98.6), (8, 104))]
    assert [j.reason for j in judged("value_limit", rise, rows)] == ["Temperature: the unit does not fit the test"]


def test_a_grade_1_of_its_own_number_is_low_without_a_range():
    when = {"tests": ["NEUT"], "fall": {"percent": 25, "only_low": True}}
    rows = [sample("NEUT", -3, 2), sample("NEUT", 8, 1.4)]
    assert answers(judged("value_limit", when, rows, ctcae="6.0")) == [Answer.HIT]


def test_the_others_of_one_concern_are_told_one_after_the_other():
    when = QT | {"tests": ["QTCF", "QTCB", "QTC"]}
    rows = [sample(test, 8, n, "ms", domain="EG") for test, n in (("QTCF", 505), ("QTCB", 520), ("QTC", 510))]
    (hit,) = judged("value_limit", when, rows)
    assert hit.summary.split("; ")[1:] == [f"QTcB interval 520 ms on {on(8)}", f"QTc interval 510 ms on {on(8)}"]


@pytest.mark.parametrize(("results", "worst"), [((0.4, 0.3), 9), ((0.3, 0.4), 8), ((0.4, 0), 9)])
def test_of_low_results_without_a_grade_the_lowest_is_told(results: tuple[float, float], worst: int):
    days = zip((8, 9), results, strict=True)
    (hit,) = told("C3", {"below": {"value": 0.5, "unit": "g/L"}}, *days, unit="g/L", low=0.9, high=1.8)
    assert hit.at == on(worst)


@pytest.mark.parametrize("value", [True, "five", "", [5], 0, -1, "NaN"])
def test_a_threshold_that_is_no_number_above_0_is_refused(value: object):
    with pytest.raises(ValidationError):
        KINDS["value_limit"].when.model_validate({"tests": ["CK"], "above_uln": value})


@pytest.mark.parametrize(
    ("results", "worst", "words"),
    [
        ((0.1, 0.01, 0.2), 9, "0.04 x LLN"),
        ((0.01, 0, 0.2), 9, "0.00 x LLN"),
        ((5, 9, 4.3), 9, "2.14 x ULN"),
    ],
)
def test_out_of_range_is_told_by_the_result_furthest_out(results: tuple[float, ...], worst: int, words: str):
    days = zip((8, 9, 10), results, strict=True)
    (hit,) = told("TSH", {"out_of_range": True}, *days, unit="mIU/L", low=0.27, high=4.2)
    assert hit.at == on(worst)
    assert f": {words}, no usable baseline" in hit.summary


@pytest.mark.parametrize(
    ("result", "low", "reason"),
    [
        (30, "", "no reference range"),
        ("lost", "", "the result is not a number"),
        ("lost", 35, "the result is not a number"),
        ("<18", 35, "the result is a limit that spans grades"),
    ],
)
def test_why_a_part_of_the_lower_limit_cannot_be_told(result: object, low: object, reason: str):
    (said,) = told("ALB", {"below_lln": 0.5}, (8, result), unit="g/L", low=low)
    assert (said.answer, said.reason) == (Answer.NOT_EVALUABLE, f"Albumin: {reason}")


@pytest.mark.parametrize(
    ("of", "sex", "expected"),
    [
        (None, "M", True), ("F", "F", True), ("F", "M", False), ("F", "", True), ("F", "U", True), ("F", None, True),
        ("M", "F", False), ("M", "M", True), ("M", " f ", False),
    ],
)  # fmt: skip
def test_whom_a_test_is_expected_of_by_sex(of: str | None, sex: str | None, expected: bool):
    when = KINDS["value_limit"].when.model_validate(SATURATION | ({"expected_of": of} if of else {}))
    subject = None if sex is None else Subject(usubjid="S-1", sex=sex)
    assert _is_expected(when, Participant(usubjid="S-1", subject=subject)) is expected


def test_what_cannot_be_told_of_two_tests_and_for_two_reasons_is_told_together():
    when = {"tests": ["ALT", "AST"], "either": True, "above_uln": 5, "at_least": {"value": 300, "unit": "U/L"}}
    rows = [sample("ALT", 8, 100, "", 5, ""), sample("AST", 8, 100, "U/L", 5, "")]
    (unknown,) = judged("value_limit", when, rows)
    assert unknown.summary == "ALT and AST: some results cannot be evaluated"
    assert unknown.reason == "ALT: no reference range; no unit; AST: no reference range"
