"""Kind criteria_count: several limits met within days of each other, told in days."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.ctcae.grade import Ungraded
from rules.dtc import Dtc
from rules.hit import Answer, Judgement, Urgency
from rules.kinds import KINDS
from rules.records import AdverseEvent, Finding
from tests.lab_stories import judged, on, sample

HAEMOGLOBIN = {"tests": ["HGB"], "fall": {"by": {"value": 20, "unit": "g/L"}}}
LDH = {"tests": ["LDH"], "above_uln": 1.5}
PLATELETS = {"tests": ["PLAT"], "fall": {"percent": 25}}
HAEMOLYSIS = {"within_days": 7, "all_of": [HAEMOGLOBIN], "at_least": 1, "of": [LDH, PLATELETS]}
TWO_OF_THREE = {"within_days": 7, "at_least": 2, "of": [HAEMOGLOBIN, LDH, PLATELETS]}
UNITS = {"HGB": ("g/L", 120, 160), "LDH": ("U/L", 100, 200), "PLAT": ("10^9/L", 125, 350)}
BEFORE = [("HGB", -3, 130), ("LDH", -3, 180), ("PLAT", -3, 200)]


def rows(*days: tuple[str, int, object]) -> list[Finding]:
    return [sample(test, day, result, *UNITS[test]) for test, day, result in (*BEFORE, *days)]


def pattern(when: dict[str, object], *days: tuple[str, int, object]) -> list[Judgement]:
    return judged("criteria_count", when, rows(*days))


def answers(judgements: list[Judgement]) -> list[Answer]:
    return [judgement.answer for judgement in judgements]


def test_a_pattern_is_dated_by_the_sample_that_completed_it_and_shows_every_part():
    (hit,) = pattern(HAEMOLYSIS, ("LDH", 8, 400), ("HGB", 12, 105), ("PLAT", 12, 190), ("LDH", 13, 500))
    assert (hit.answer, hit.at, hit.scope) == (Answer.HIT, on(12), "HGB+LDH+PLAT")
    assert hit.summary == (f"Haemoglobin 105 g/L on {on(12)}; LDH 500 U/L on {on(13)}")
    assert hit.reason == (
        "2 of 3 criteria within 7 days: Haemoglobin: down by at least 20 g/L from baseline; LDH: more than 1.5 x ULN"
    )
    assert [evidence.key for evidence in hit.evidence] == [
        "HGB/-3/130", "HGB/12/105", "LDH/-3/180", "LDH/13/500",
    ]  # fmt: skip
    assert hit.anchors == {"LDH/8/400", "HGB/12/105", "LDH/13/500"}


@pytest.mark.parametrize(
    ("days", "count"),
    [
        ([("HGB", 8, 105), ("LDH", 15, 400)], 1),
        ([("HGB", 8, 105), ("LDH", 8, 180), ("PLAT", 8, 200), ("LDH", 16, 400), ("HGB", 16, 130)], 0),
        ([("HGB", 8, 105), ("LDH", 9, 400), ("HGB", 15, 105), ("LDH", 16, 400)], 1),  # windows that share a sample
        ([("HGB", 8, 105), ("LDH", 9, 400), ("HGB", 40, 105), ("LDH", 41, 400)], 1),  # nothing has recovered
        ([("HGB", 8, 105), ("LDH", 9, 400), ("LDH", 20, 190), ("HGB", 40, 105), ("LDH", 41, 400)], 2),
        ([("HGB", 8, 105), ("LDH", 9, 400), ("LDH", 20, 250), ("HGB", 40, 105), ("LDH", 41, 400)], 2),  # not met
        ([("HGB", 8, 105), ("LDH", 9, 400), ("LDH", 12, 250), ("HGB", 16, 105), ("LDH", 16, 400)], 1),  # near
        ([("HGB", 8, 105), ("LDH", 9, 400), ("LDH", 12, 250), ("HGB", 17, 105), ("LDH", 17, 400)], 2),
        ([("HGB", 8, 105), ("LDH", 9, 400), ("HGB", 20, 105), ("LDH", 20, 400), ("LDH", 20, 90)], 1),  # met on that day
        ([("HGB", 8, 105), ("LDH", 9, 400), ("LDH", 20, "x"), ("HGB", 40, 105), ("LDH", 41, 400)], 1),  # says nothing
        ([("HGB", 8, 105), ("LDH", 9, 400), ("PLAT", 20, 200), ("HGB", 40, 105), ("LDH", 41, 400)], 1),
        ([("HGB", 8, 105), ("LDH", 9, 400), ("HGB", 20, 130), ("HGB", 40, 105), ("LDH", 41, 400)], 2),
        ([("HGB", 8, 105), ("LDH", 8, 400), ("PLAT", 9, 100), ("LDH", 20, 190), ("HGB", 40, 105), ("LDH", 40, 400)], 1),
        ([("LDH", 8, 400), ("PLAT", 8, 100), ("HGB", 8, 130)], 0),  # without the one that must be there
    ],
)  # fmt: skip
def test_windows(days: list[tuple[str, int, object]], count: int):
    assert answers(pattern(HAEMOLYSIS, *days)) == [Answer.HIT] * count


LEAK = {
    "within_days": 3,
    "at_least": 2,
    "of": [
        {"tests": ["SYSBP"], "below": {"value": 90, "unit": "mmHg"}},
        {"tests": ["WEIGHT"], "rise": {"by": {"value": 2, "unit": "kg"}, "hours": 48}},
        {"tests": ["ALB"], "fall": {"by": {"value": 10, "unit": "g/L"}}},
    ],
}


def leak(*days: tuple[str, int, object]) -> list[Judgement]:
    units = {"SYSBP": ("mmHg", "VS"), "WEIGHT": ("kg", "VS"), "ALB": ("g/L", "LB")}
    before = [("SYSBP", -3, 120), ("WEIGHT", -3, 60), ("ALB", -3, 45)]
    return judged(
        "criteria_count",
        LEAK,
        [
            sample(t, day, n, units[t][0], *((35, 52) if t == "ALB" else ()), domain=units[t][1])
            for t, day, n in [*before, *days]
        ],
    )


@pytest.mark.parametrize(("day", "count"), [(11, 1), (12, 2)])
def test_a_rise_within_hours_stands_for_the_days_of_the_rule(day: int, count: int):
    """Whoever is not weighed again has the pattern for as long as a window is, and not for ever."""
    hits = leak(
        ("WEIGHT", 7, 60), ("WEIGHT", 8, 62.5), ("ALB", 8, 33), ("SYSBP", day, 118), ("ALB", 14, 34), ("SYSBP", 14, 85)
    )
    assert answers(hits).count(Answer.HIT) == count


@pytest.mark.parametrize(
    ("between", "count"),
    [
        ([("ALB", 36, 34.5), ("WEIGHT", 36, 60.5), ("SYSBP", 36, 118)], 2),  # of two criteria one still stands
        ([("ALB", 36, 34.5), ("SYSBP", 36, 118)], 2),  # nobody weighed: the rise is over all the same
        ([("ALB", 36, 34.5), ("SYSBP", 36, 85)], 1),  # still two
        ([], 2),  # the weight before the new rise is a look
    ],
)
def test_a_leak_of_january_does_not_hide_that_of_march(between: list[tuple[str, int, object]], count: int):
    hits = leak(
        ("WEIGHT", 7, 60), ("WEIGHT", 8, 62.5), ("ALB", 8, 33), *between,
        ("WEIGHT", 63, 60.5), ("WEIGHT", 64, 63.5), ("ALB", 64, 34.8), ("SYSBP", 64, 62),
    )  # fmt: skip
    assert answers(hits).count(Answer.HIT) == count


def test_of_windows_with_as_many_criteria_the_graver_is_told():
    (hit,) = leak(("WEIGHT", 7, 60), ("WEIGHT", 8, 62.5), ("SYSBP", 8, 85), ("ALB", 12, 34), ("SYSBP", 12, 85))
    assert hit.summary.startswith(f"Systolic blood pressure 85 mmHg on {on(12)}; Albumin 34 g/L")


def test_of_results_as_bad_the_first_is_told():
    (hit,) = pattern(HAEMOLYSIS, ("HGB", 8, 105), ("LDH", 8, 400), ("LDH", 9, 400))
    assert hit.summary == f"Haemoglobin 105 g/L on {on(8)}; LDH 400 U/L on {on(8)}; latest LDH 400 U/L on {on(9)}"


def test_what_lies_on_either_side_of_the_days_makes_no_pattern_together():
    all_three = TWO_OF_THREE | {"at_least": 3}
    assert Answer.HIT not in answers(pattern(all_three, ("LDH", 14, 400), ("HGB", 15, 105), ("PLAT", 22, 100)))
    assert Answer.HIT in answers(pattern(all_three, ("LDH", 15, 400), ("HGB", 15, 105), ("PLAT", 22, 100)))


def test_one_result_may_meet_two_criteria_and_two_limits_of_one():
    when = {"within_days": 7, "at_least": 2, "of": [LDH | {"times_baseline": 2}, {"tests": ["LDH"], "above_uln": 1}]}
    (hit,) = pattern(when, ("LDH", 8, 400))
    assert hit.reason == (
        "2 of 2 criteria within 7 days: LDH: more than 1.5 x ULN, at least 2 x baseline; LDH: above ULN"
    )


def test_an_event_in_a_pattern_is_no_further_out_than_another():
    event = AdverseEvent(usubjid="S-1", key="AE/1", version=1, event_key="S-1|1", aeterm="Oedema", aestdtc=on(8))
    when = {"within_days": 7, "at_least": 2, "of": [LDH, HAEMOGLOBIN], "of_events": ["oedema"]}
    (hit,) = judged("criteria_count", when, rows(("LDH", 8, 400)), events=[event])
    assert [(one.test, one.side, float(one.value), one.said, one.place) for one in hit.extent] == [
        ("LDH", "high", 400, "400 U/L", 0), ("AE", "once", 0, "adverse event Oedema", 2),
    ]  # fmt: skip


def test_a_later_sample_keeps_the_anchors_of_the_episode():
    (first,) = pattern(HAEMOLYSIS, ("HGB", 8, 105), ("LDH", 9, 400))
    (later,) = pattern(HAEMOLYSIS, ("HGB", 8, 105), ("LDH", 9, 400), ("HGB", 14, 100))
    assert first.anchors < later.anchors
    assert first.at == later.at == on(9)
    assert later.summary == f"Haemoglobin 100 g/L on {on(14)}; LDH 400 U/L on {on(9)}"


def test_unchanged_values_at_every_visit_are_one_episode():
    visits = [(test, day, value) for day in (8, 22, 36, 50) for test, value in (("HGB", 105), ("LDH", 400))]
    (hit,) = pattern(HAEMOLYSIS, *visits)
    assert len(hit.anchors) == 8


def test_what_is_told_together_lies_within_the_days():
    (hit,) = pattern(HAEMOLYSIS, ("HGB", 8, 105), ("LDH", 8, 400), ("HGB", 24, 104), ("LDH", 24, 500), ("PLAT", 24, 90))
    assert hit.summary == f"Haemoglobin 104 g/L on {on(24)}; LDH 500 U/L on {on(24)}; Platelets 90 10^9/L on {on(24)}"
    assert (hit.at, hit.reason[:34]) == (on(24), "3 of 3 criteria within 7 days: Hae"[:34])


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([("HGB", 8, 105), ("LDH", 8, 180), ("PLAT", 8, 100)], [Answer.HIT]),
        ([("HGB", 8, 130), ("LDH", 8, 400), ("PLAT", 8, 100)], [Answer.HIT]),
        ([("HGB", 8, 130), ("LDH", 8, 180), ("PLAT", 8, 100)], []),
        ([("HGB", 8, 130), ("LDH", 8, "x"), ("PLAT", 8, 200)], []),  # one in doubt completes nothing
        ([("HGB", 8, "x"), ("LDH", 8, "x"), ("PLAT", 8, 200)], [Answer.NOT_EVALUABLE]),
        ([("HGB", 8, "x"), ("LDH", 8, 180), ("PLAT", 8, 100)], [Answer.NOT_EVALUABLE]),
        ([("HGB", 8, "x"), ("LDH", 8, 400), ("PLAT", 8, 100)], [Answer.HIT]),  # enough without it
        ([("HGB", 8, "x"), ("LDH", 30, "x"), ("HGB", 30, 130), ("PLAT", 30, 200)], []),  # too far apart
    ],
)
def test_any_two_of_three(days: list[tuple[str, int, object]], expected: list[Answer]):
    assert answers(pattern(TWO_OF_THREE, *days)) == expected


def test_what_is_in_doubt_is_told_by_routine_and_what_was_not_measured_is_only_counted():
    (doubt,) = pattern(HAEMOLYSIS, ("HGB", 8, 105), ("LDH", 8, "haemolysed"), ("PLAT", 8, 200))
    assert (doubt.told, doubt.urgency, doubt.reason) == (True, Urgency.ROUTINE, "LDH: the result is not a number")
    assert [evidence.key for evidence in doubt.evidence] == ["LDH/-3/180", "LDH/8/haemolysed"]
    (gap,) = pattern(HAEMOLYSIS, ("HGB", 8, 105), ("PLAT", 8, 200), ("LDH", 16, 180))
    assert (gap.told, gap.reason) == (False, f"LDH: not measured within 7 days of {on(8)}")
    (never,) = pattern(HAEMOLYSIS, ("LDH", 8, 400), ("PLAT", 8, 200))
    assert (never.told, never.reason) == (False, f"Haemoglobin: not measured within 7 days of {on(8)}")
    (never,) = pattern(HAEMOLYSIS, ("LDH", 8, 180), ("PLAT", 8, 200))
    assert (never.told, never.reason) == (False, "Haemoglobin: never measured")
    assert pattern(HAEMOLYSIS) == []  # nothing after the first dose: too early to tell
    assert pattern(HAEMOLYSIS, ("LDH", 8, "")) == []  # nor does a sample without a result say more


@pytest.mark.parametrize(
    ("taken", "near"),
    [("2014-03", True), ("2014-04", False), ("2014", True)],
)
def test_a_sample_of_a_month_is_in_doubt_only_where_one_of_its_days_is_near(taken: str, near: bool):
    measured = rows(("HGB", 8, 105), ("LDH", 8, 180), ("PLAT", 8, 200))
    undated = sample("LDH", None, 400, *UNITS["LDH"], dtc=Dtc.parse(taken))
    said = judged("criteria_count", HAEMOLYSIS, [*measured, undated])
    assert [judgement.reason for judgement in said] == [f"LDH: {Ungraded.NO_DAY}"] * near


@pytest.mark.parametrize(("day", "near"), [(36, True), (37, False)])
def test_the_last_day_of_a_month_opens_the_days_as_well(day: int, near: bool):
    measured = rows(("HGB", day, 105), ("LDH", day, 180), ("PLAT", day, 200))
    undated = sample("LDH", None, 400, *UNITS["LDH"], dtc=Dtc.parse("2014-03"))
    assert len(judged("criteria_count", HAEMOLYSIS, [*measured, undated])) == near


def test_samples_before_the_first_dose_and_of_people_never_dosed_are_history():
    assert pattern(HAEMOLYSIS, ("HGB", -2, 80), ("LDH", -2, 900)) == []
    assert judged("criteria_count", HAEMOLYSIS, rows(("HGB", 8, 80), ("LDH", 8, 900)), dosed=False) == []


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (TWO_OF_THREE | {"at_least": 4}, "more than the 3 criteria"),
        ({"within_days": 7, "at_least": 1, "of": [LDH, PLATELETS]}, "needs two criteria"),
        (
            TWO_OF_THREE | {"of": [LDH, PLATELETS | {"confirm_samples": 2}]},
            "confirm_samples has no meaning in a criterion",
        ),
        (
            TWO_OF_THREE | {"of": [LDH, {"tests": ["LYM", "PLAT"], "above_uln": 9, "either": True}]},
            "either has no meaning",
        ),
        (TWO_OF_THREE | {"of": [LDH, PLATELETS | {"baseline_too": True}]}, "baseline_too has no meaning"),
        (TWO_OF_THREE | {"of": [PLATELETS, LDH | {"recovers_at_times_uln": 1}]}, "recovers_at_times_uln has no"),
        (TWO_OF_THREE | {"of": [LDH, PLATELETS, LDH]}, "stands twice"),
        (HAEMOLYSIS | {"of": [LDH, HAEMOGLOBIN]}, "stands twice"),
        (TWO_OF_THREE | {"of": []}, "at least 1 item"),
        (TWO_OF_THREE | {"within_weeks": 1}, "Extra inputs"),
        (TWO_OF_THREE | {"of_events": ["dropsy"]}, "'dropsy' is unknown"),
    ],
)
def test_a_pattern_that_makes_no_sense_is_refused(when: dict[str, object], words: str):
    with pytest.raises(ValidationError, match=words):
        KINDS["criteria_count"].when.model_validate(when)


def test_the_description_names_every_threshold_and_the_domains_are_those_of_all_tests():
    kind = KINDS["criteria_count"]
    words = kind.describe(kind.when.model_validate(HAEMOLYSIS))
    for said in ("7 days apart", "at least 20 g/L from baseline; and", "at least 1 of", "1.5 times", "25 %"):
        assert said in words
    pressure = {"tests": ["SYSBP"], "below": {"value": 90, "unit": "mmHg"}}
    mixed = kind.when.model_validate({"within_days": 1, "at_least": 2, "of": [pressure, LDH]})
    assert kind.domains(mixed) == {"VS", "LB"}


@settings(max_examples=100, deadline=None)
@given(
    samples=st.lists(
        st.tuples(
            st.sampled_from(["HGB", "LDH", "PLAT"]), st.integers(1, 9), st.sampled_from([105, 130, 200, 400, "x"])
        ),
        max_size=9,
    )
)
def test_episodes_only_grow_as_samples_are_added(samples: list[tuple[str, int, object]]):
    days: list[tuple[str, int, object]] = []
    seen: list[Judgement] = []
    day = 1
    for test, gap, value in samples:
        day += gap
        days.append((test, day, value))
        hits = [j for j in pattern(TWO_OF_THREE, *days) if j.answer is Answer.HIT]
        for old in seen:
            (new,) = [hit for hit in hits if hit.anchors & old.anchors]
            assert new.anchors >= old.anchors
        seen = hits


def test_the_part_that_completed_the_pattern_dates_it_whatever_came_after():
    (hit,) = pattern(TWO_OF_THREE, ("HGB", 8, 105), ("LDH", 9, 400), ("PLAT", 10, 100))
    assert (hit.at, hit.reason[:15]) == (on(9), "3 of 3 criteria")


def test_a_criterion_of_two_tests_is_named_by_both_and_once():
    when = {"within_days": 7, "at_least": 2, "of": [HAEMOGLOBIN, {"tests": ["ALT", "AST"], "above_uln": 3}]}
    high = [sample(test, 8, 200, "U/L", 5, 40) for test in ("ALT", "AST")]
    (hit,) = judged("criteria_count", when, [*rows(("HGB", 8, 105)), *high])
    assert hit.reason == (
        "2 of 2 criteria within 7 days: Haemoglobin: down by at least 20 g/L from baseline; "
        "ALT or AST: more than 3 x ULN"
    )


def test_a_criterion_of_two_tests_stands_until_both_are_back():
    liver = {"tests": ["ALT", "AST"], "above_uln": 3}
    when = {"within_days": 7, "at_least": 2, "of": [HAEMOGLOBIN, liver]}

    def episodes(*between: tuple[str, int]) -> int:
        high = [sample(test, day, 200, "U/L", 5, 40) for day in (8, 40) for test in ("ALT", "AST")]
        back = [sample(test, day, 30, "U/L", 5, 40) for test, day in between]
        low = rows(("HGB", 8, 105), ("HGB", 40, 105))
        return answers(judged("criteria_count", when, [*low, *high, *back])).count(Answer.HIT)

    assert episodes(("ALT", 20)) == 1
    assert episodes(("ALT", 20), ("AST", 21)) == 2


def test_a_sample_without_a_date_is_in_doubt():
    measured = rows(("HGB", 8, 105), ("LDH", 8, 180), ("PLAT", 8, 200))
    (said,) = judged("criteria_count", HAEMOLYSIS, [*measured, sample("LDH", None, 400, *UNITS["LDH"])])
    assert (said.answer, said.reason) == (Answer.NOT_EVALUABLE, f"LDH: {Ungraded.NO_DAY}")
