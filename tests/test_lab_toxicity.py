"""Kind lab_toxicity: falling counts told in days."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.dtc import Dtc
from rules.hit import Answer, Consequence, Judgement, Urgency
from rules.kinds import KINDS
from rules.records import Finding
from rules.rulebook import load_rulebook
from tests.lab_stories import judged, on, sample

HOLD = [
    {"below": {"value": 30, "unit": "10^9/L"}},
    {"below": {"value": 50, "unit": "10^9/L"}, "min_fall_percent": 50},
]
ROOM = {"value": 77, "unit": "10^9/L"}
PLAT = {"test": "PLAT", "min_fall_percent": 25, "crash_fall_percent": 50, "hold": HOLD}
WBC = {"test": "WBC", "min_fall_percent": 30, "crash_fall_percent": 50}
HGB = {"test": "HGB", "min_fall": {"value": 20, "unit": "g/L"}}
EIGHTY = {"test": "HGB", "hold": [{"below": {"value": 80, "unit": "g/L"}}]}
LYM = {
    "test": "LYM",
    "min_fall_percent": 30,
    "cut_offs": {"unit": "10^9/L", "grade_2": 0.8, "grade_3": 0.5, "grade_4": 0.2},
}


def plat(*days: tuple[int, object]) -> list[Finding]:
    return [sample("PLAT", day, result, "10^9/L", 150, 400) for day, result in days]


def platelets(*days: tuple[int, object], **more) -> list[Judgement]:
    return judged("lab_toxicity", PLAT | more.pop("when", {}), plat(*days), **more)


def answers(judgements: list[Judgement]) -> list[Answer]:
    return [judgement.answer for judgement in judgements]


def test_normal_counts_say_nothing():
    assert platelets((-3, 200), (8, 180), (15, 151)) == []


def test_a_risen_grade_needs_the_fall_too():
    (hit,) = platelets((-3, 196), (8, 147))  # grade 1, 25 % down
    assert (hit.answer, hit.grade, hit.urgency, hit.scope) == (Answer.HIT, 1, Urgency.SAME_DAY, "PLAT")
    (clear,) = platelets((-3, 195), (8, 147))  # grade 1, 24.6 % down
    assert (clear.answer, clear.told) == (Answer.CLEAR, False)
    assert "below 25 %" in clear.reason


def test_a_fall_needs_the_risen_grade_too():
    assert platelets((-3, 300), (8, 160)) == []  # 46 % down, still normal


def test_a_new_grade_3_is_told_whatever_the_fall():
    (hit,) = judged("lab_toxicity", WBC, [sample("WBC", -3, "2.1", low=4), sample("WBC", 8, "1.9", low=4)])
    assert (hit.answer, hit.grade) == (Answer.HIT, 3)
    assert "new grade 3 (grade 2 at baseline)" in hit.reason


def test_a_grade_that_was_there_at_baseline_stays_silent_and_says_why():
    (clear,) = judged("lab_toxicity", WBC, [sample("WBC", -3, "1.9", low=4), sample("WBC", 8, "1.7", low=4)])
    assert (clear.answer, clear.told, clear.grade) == (Answer.CLEAR, False, 3)
    assert clear.reason == "White blood cells: grade 3 at baseline and no worse"


def test_a_crash_from_baseline_is_told_without_any_grade():
    (hit,) = platelets((-3, 400), (8, 200))
    assert (hit.grade, hit.reason) == (0, "fall of 50 % from baseline; fall of 50 % from the last sample")
    assert platelets((-3, 400), (8, 201)) == []


def test_a_crash_from_the_last_sample_is_seen_where_the_baseline_hides_it():
    hits = platelets((-3, 200), (8, 380), (15, 190))
    assert [hit.reason for hit in hits] == ["fall of 50 % from the last sample"]


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ([(8, "<380")], []),  # nobody knows how much less
        ([(8, 380)], ["fall of 51 % from the last sample"]),
        ([(8, 380), (9, "clumped")], ["fall of 51 % from the last sample"]),
        ([(8, 380), (9, "<385")], ["fall of 51 % from the last sample"]),
    ],
)
def test_the_last_sample_is_the_last_with_a_number(between: list[tuple[int, object]], expected: list[str]):
    said = platelets((-3, 200), *between, (15, 185))
    assert [judgement.reason for judgement in said if judgement.answer is Answer.HIT] == expected


def test_the_last_sample_may_be_in_another_unit():
    rows = [
        sample("PLAT", -3, 200, low=150),
        sample("PLAT", 8, 380000, "/uL", 150000),
        sample("PLAT", 15, 190, low=150),
    ]
    assert answers(judged("lab_toxicity", PLAT, rows)) == [Answer.HIT]


def test_a_nadir_between_two_looks_is_seen():
    (hit,) = platelets((-3, 200), (8, 40), (15, 210))
    assert hit.anchors == {"PLAT/8/40"}
    assert hit.summary == (f"Platelets 40 10^9/L on {on(8)}: grade 3, baseline 200, fell by 16 a day since {on(-3)}")


@pytest.mark.parametrize(
    ("baseline", "value", "held"),
    [(200, 29, True), (200, 30, True), (90, 46, False), (100, 49, True), (90, 50, False), (90, 29.9, True)],
)
def test_hold_criteria(baseline: float, value: float, held: bool):
    hits = platelets((-3, baseline), (8, value))
    assert any(hit.consequence is Consequence.HOLD for hit in hits) is held
    assert all(hit.urgency is Urgency.IMMEDIATE for hit in hits if hit.consequence is Consequence.HOLD)


def test_a_hold_criterion_newly_met_is_told_without_a_new_grade():
    (hit,) = platelets((-3, 40), (8, 29))  # grade 3 before and after, 27 % down
    assert (hit.grade, hit.consequence, hit.urgency) == (3, Consequence.HOLD, Urgency.IMMEDIATE)
    assert answers(platelets((-3, 28), (8, 27))) == [Answer.CLEAR]  # met at baseline: history


def test_a_worse_grade_under_a_hold_that_stood_at_baseline_is_still_a_hold():
    (hit,) = platelets((-3, 28), (8, 24))
    assert (hit.grade, hit.consequence) == (4, Consequence.HOLD)


def test_a_new_grade_4_goes_out_at_once():
    (hit,) = judged("lab_toxicity", WBC, [sample("WBC", -3, "2.0", low=4), sample("WBC", 8, "0.9", low=4)])
    assert (hit.grade, hit.urgency) == (4, Urgency.IMMEDIATE)


@pytest.mark.parametrize(
    ("days", "urgency"),
    [
        ([(8, 48)], Urgency.SAME_DAY),  # new grade 3, 25 % down, once
        ([(8, 48), (15, 47)], Urgency.IMMEDIATE),
        ([(8, 48), (15, 49)], Urgency.SAME_DAY),  # new grade 3, but 23 % down
        ([(8, 48), (15, 49), (22, 48)], Urgency.SAME_DAY),  # not in a row
        ([(8, 48), (15, "CLOTTED"), (22, 48)], Urgency.IMMEDIATE),  # what cannot be told does not part them
    ],
)
def test_two_samples_in_a_row_of_a_new_high_grade_confirm_a_fall_and_make_it_immediate(days, urgency):
    hits = platelets((-3, 64), *days, when={"immediate_samples": 2})
    assert [hit.urgency for hit in hits if hit.answer is Answer.HIT] == [urgency]
    hits = platelets((-3, 64), *days)
    assert [hit.urgency for hit in hits if hit.answer is Answer.HIT] == [Urgency.SAME_DAY]


def test_a_mild_fall_that_lasts_waits_for_the_days_mail():
    (hit,) = platelets((-3, 200), (8, 140), (15, 141), when={"immediate_samples": 2})
    assert (hit.urgency, len(hit.anchors)) == (Urgency.SAME_DAY, 2)
    assert hit.reason.endswith("confirmed in consecutive samples")


def test_a_rule_may_ask_for_two_samples_before_it_tells_a_mere_fall():
    twice = {"confirm_samples": 2}
    (clear,) = platelets((-3, 200), (8, 140), when=twice)
    assert (clear.answer, clear.reason) == (
        Answer.CLEAR,
        "Platelets: met in one sample, and the rule asks for 2 in a row",
    )
    assert answers(platelets((-3, 200), (8, 140), (15, 210), (22, 140), when=twice)) == [Answer.CLEAR]
    assert answers(platelets((-3, 200), (8, 140), (15, 141), when=twice)) == [Answer.HIT]
    assert answers(platelets((-3, 200), (8, 45), when=twice)) == [Answer.HIT]  # grade 3 waits for nobody


def test_a_result_reported_twice_confirms_nothing():
    twice = {"confirm_samples": 2}
    once, again = sample("PLAT", 8, 140, low=150), sample("PLAT", 8, 140, low=150, key="another visit", visit="UNS")
    (clear,) = judged("lab_toxicity", PLAT | twice, [*plat((-3, 200)), once, again])
    assert clear.answer is Answer.CLEAR
    next_day = sample("PLAT", 9, 140, low=150)
    (hit,) = judged("lab_toxicity", PLAT | twice, [*plat((-3, 200)), once, again, next_day])
    assert hit.answer is Answer.HIT
    undated = [sample("PLAT", None, 140, low=150, key=key) for key in "ab"]
    assert Answer.HIT in answers(judged("lab_toxicity", PLAT | twice, [*plat((-3, 200)), *undated]))


def test_recovery_ends_an_episode_and_the_next_fall_is_another():
    hits = platelets((-3, 195), (8, 60), (15, 149), (22, 65), (29, 180), (36, 70))
    assert [hit.anchors for hit in hits] == [{"PLAT/8/60"}, {"PLAT/22/65"}, {"PLAT/36/70"}]  # 149 is grade 1


@pytest.mark.parametrize(
    ("baseline", "between", "episodes"),
    [
        (45, 31, 1),
        (45, 44, 1),
        (45, 45, 2),  # back to the baseline
        (60, 49, 1),
        (60, 50, 2),
        (60, "<51", 1),
        (200, 149, 1),
        (200, 150, 2),  # from a normal baseline only a normal count is recovery
        (None, 60, 1),
        (None, 150, 2),
    ],
)
def test_dips_below_a_hold_are_one_episode_until_there_is_room(baseline: int | None, between: object, episodes: int):
    room = {"recovers_at_least": {"value": 50, "unit": "10^9/L"}}
    days = [(8, 29), (10, between), (12, 29)]
    hits = platelets(*([] if baseline is None else [(-3, baseline)]), *days, when=room)
    assert [hit.consequence for hit in hits if hit.answer is Answer.HIT] == [Consequence.HOLD] * episodes


@pytest.mark.parametrize(
    ("hit", "normal", "episodes"),
    [
        ("2014-03-10", "2014-03-11", 2),
        ("2014-03-10", "2014-03-10", 1),
        ("2014-03-10T08:00", "2014-03-10", 1),
        ("2014-03-10T08:00", "2014-03-10T08:01", 2),
        ("2014-03-10T08:00", "2014-03-10T08:00", 1),
        ("2014-03-10T08:00:30", "2014-03-10T08:00:30", 1),
        ("2014-03-10", "2014-03", 1),
        ("2014-03-10", "", 1),
    ],
)
def test_only_a_sample_certainly_later_ends_an_episode(hit: str, normal: str, episodes: int):
    rows = [sample("PLAT", -3, 200, low=150), sample("PLAT", 20, 61, low=150)]
    rows += [
        sample("PLAT", 8, value, low=150, dtc=Dtc.parse(at) if at else None, key=f"{place}")
        for place, (value, at) in enumerate(((60, hit), (190, normal)))
    ]
    said = judged("lab_toxicity", PLAT, rows)
    assert [j.answer for j in said if j.told] == [Answer.HIT] * episodes
    assert [j.recovery != "" for j in said if j.told] == [True, False][-episodes:]


@pytest.mark.parametrize("keys", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("time", ["08:00:30", "08:00", ""])
def test_of_two_results_of_one_moment_the_normal_one_ends_nothing_in_either_order(time: str, keys: tuple[str, str]):
    rows = plat((-3, 200), (8, 60), (20, 61))
    rows += [sample("PLAT", 9, n, low=150, dtc=on(9, time), key=key) for n, key in zip((190, 62), keys, strict=True)]
    (hit,) = judged("lab_toxicity", PLAT, rows)
    assert (len(hit.anchors), hit.recovery) == (3, "")


@pytest.mark.parametrize(("second", "confirmed"), [("2014-03-10T20:00", False), ("2014-03-11", True)])
def test_two_in_a_row_are_of_two_days(second: str, confirmed: bool):
    rows = [sample("PLAT", -3, 200, low=150)]
    rows += [sample("PLAT", 8, n, low=150, dtc=Dtc.parse(at)) for n, at in ((90, "2014-03-10T08:00"), (91, second))]
    (hit,) = judged("lab_toxicity", PLAT, rows)
    assert ("confirmed in consecutive samples" in hit.reason) is confirmed


def test_the_worst_of_two_samples_is_found_in_one_unit():
    rows = [sample("PLAT", -3, 200, low=150), sample("PLAT", 8, 60, low=150), sample("PLAT", 9, 55000, "/uL", 150000)]
    (hit,) = judged("lab_toxicity", PLAT, rows)
    assert hit.summary.startswith("Platelets 55000 /uL")


def test_what_cannot_be_evaluated_ends_no_episode_even_from_a_grade_4_baseline():
    (hit, cannot) = platelets((-3, 20), (8, 9), (15, "clumped"), (22, 8))
    assert hit.anchors == {"PLAT/8/9", "PLAT/22/8"}
    assert cannot.answer is Answer.NOT_EVALUABLE


def test_the_worst_sample_is_told_and_the_latest_beside_it():
    (hit,) = platelets((-3, 200), (8, 60), (15, 40), (22, 70))
    assert hit.summary == (
        f"Platelets 40 10^9/L on {on(15)}: grade 3, baseline 200, previous 60, fell by 2.9 a day since {on(8)}, "
        f"latest 70 on {on(22)}"
    )
    assert [dict(e.values)["lborres"] for e in hit.evidence] == ["200", "60", "40", "70"]
    worst = dict(hit.evidence[2].values)
    assert (worst["base"], worst["chg"], worst["pchg"], worst["atoxgrl"]) == ("200", "-160", "-80.0", "3")


def test_samples_before_the_dose_and_of_people_never_dosed_are_history():
    (clear,) = platelets((-9, 200), (-3, 40))
    assert (clear.answer, clear.told) == (Answer.CLEAR, False)
    assert answers(platelets((-9, 200), (8, 40), dosed=False)) == [Answer.CLEAR]


def test_without_a_baseline_a_high_grade_is_told_and_a_low_one_cannot_be():
    hit, doubt = platelets((8, 45))
    assert (hit.answer, hit.grade, hit.consequence) == (Answer.HIT, 3, Consequence.WATCH)
    assert (doubt.answer, doubt.reason.startswith("Platelets: whether to hold")) == (Answer.NOT_EVALUABLE, True)
    assert "no usable baseline" in hit.reason
    assert "no usable baseline" in hit.summary
    (cannot,) = platelets((8, 60))
    assert (cannot.answer, cannot.told) == (Answer.NOT_EVALUABLE, True)
    assert platelets((8, 160)) == []


@pytest.mark.parametrize(
    ("result", "unit", "why"),
    [
        ("40", "", "no unit"),
        ("40", "%", "the unit does not fit the test"),
        ("clumped", "10^9/L", "the result is not a number"),
        ("5e-79", "10^9/L", "the value cannot be a result"),
        ("", "10^9/L", ""),
    ],
)
def test_what_cannot_be_graded_is_never_clear(result: str, unit: str, why: str):
    rows = [*plat((-3, 200)), sample("PLAT", 8, result, unit, 150), sample("PLAT", 15, result, unit, 150)]
    said = judged("lab_toxicity", PLAT, rows)
    if why:
        (cannot,) = said
        assert (cannot.answer, cannot.scope, cannot.told) == (Answer.NOT_EVALUABLE, "PLAT", True)
        assert cannot.reason == f"Platelets: {why}"
    else:
        assert said == []  # nothing was measured: that is a missing sample, not a finding


@pytest.mark.parametrize(
    ("rule", "hold", "urgency"),
    [
        ({}, HOLD, Urgency.SAME_DAY),
        ({}, [], Urgency.ROUTINE),
        ({"urgency": "immediate"}, [], Urgency.SAME_DAY),
        ({"consequence": "stop"}, [], Urgency.SAME_DAY),
    ],
)
def test_what_may_hide_a_hold_is_looked_at_the_same_day(rule: dict[str, str], hold: list[object], urgency: Urgency):
    (cannot,) = platelets((-3, 200), (8, "clumped"), when={"hold": hold}, **rule)
    assert (cannot.answer, cannot.urgency) == (Answer.NOT_EVALUABLE, urgency)


def test_a_test_that_was_never_measured_leaves_its_rule_blind():
    (cannot,) = judged("lab_toxicity", PLAT, [sample("WBC", 8, 5)])
    assert (cannot.answer, cannot.scope, cannot.told) == (Answer.NOT_EVALUABLE, "PLAT", False)
    assert judged("lab_toxicity", PLAT, [sample("WBC", -3, 5)]) == []  # nothing measured since the dose: too early
    assert judged("lab_toxicity", PLAT, [sample("WBC", 8, 5)], dosed=False) == []


@pytest.mark.parametrize(
    "rows",
    [
        plat((-3, 200), (1, 190)),
        [*plat((-3, 200)), *(sample("PLAT", day, "", stat="NOT DONE") for day in (15, 29))],
        [*plat((-3, 200)), sample("PLAT", 15, "ND")],
    ],
)
def test_a_test_without_a_result_since_the_first_dose_leaves_its_rule_blind(rows: list[Finding]):
    assert judged("lab_toxicity", PLAT, rows) == []  # nothing else either: too early
    (cannot,) = judged("lab_toxicity", PLAT, [sample("WBC", 15, 5), *rows])
    assert (cannot.answer, cannot.told) == (Answer.NOT_EVALUABLE, False)
    assert cannot.summary == "Platelets: not measured after the first dose"


def test_a_baseline_that_nobody_can_have_is_none_and_is_named():
    rows = [sample("HGB", -3, 14, "g/L", 120), sample("HGB", 8, 70, "g/L", 120), sample("HGB", 15, 9, "g/L", 120)]
    (hit,) = judged("lab_toxicity", HGB, rows)  # 14 g/dL, surely
    assert (hit.answer, hit.grade) == (Answer.HIT, 3)
    assert "no usable baseline: 14 g/L is not believable" in hit.summary
    assert hit.summary.startswith("Haemoglobin 9 g/L")  # what is found later is told, believable or not
    (cannot,) = judged("lab_toxicity", HGB, [*rows[:1], sample("HGB", 8, 90, "g/L", 120)])
    assert cannot.reason == "Haemoglobin: no usable baseline: 14 g/L is not believable"


def test_a_limit_is_told_at_its_mildest():
    (hit,) = platelets((-3, 200), (8, "<30"))
    assert (hit.answer, hit.grade, hit.consequence) == (Answer.HIT, 3, Consequence.HOLD)
    assert "grade 3 to 4" in hit.summary
    (cannot,) = platelets((-3, 120), (8, "<100"))  # grade 1 as at baseline, or as bad as grade 4
    assert (cannot.answer, cannot.reason) == (
        Answer.NOT_EVALUABLE,
        "Platelets: the result is a limit that spans grades",
    )


def test_a_missing_range_does_not_hide_a_large_fall():
    rows = [sample("PLAT", day, value) for day, value in ((-3, 200), (8, 60))]
    (hit,) = judged("lab_toxicity", PLAT, rows)
    assert (hit.answer, hit.grade) == (Answer.HIT, 2)
    assert judged("lab_toxicity", PLAT, [sample("PLAT", -3, 200), sample("PLAT", 8, 190)]) == []


def test_an_unevaluable_sample_does_not_hide_a_hit_beside_it():
    said = platelets((-3, 200), (8, 40), (15, "clotted"))
    assert sorted(answers(said)) == [Answer.HIT, Answer.NOT_EVALUABLE]


def test_haemoglobin_falls_by_grams_in_whatever_unit():
    rows = [sample("HGB", -3, "8.0", "mmol/L", "7.4"), sample("HGB", 8, "6.75", "mmol/L", "7.4")]
    (hit,) = judged("lab_toxicity", HGB, rows)
    assert (hit.answer, hit.grade) == (Answer.HIT, 1)  # 1.25 mmol/L is 20.1 g/L
    rows[1] = sample("HGB", 8, "6.77", "mmol/L", "7.4")
    assert answers(judged("lab_toxicity", HGB, rows)) == [Answer.CLEAR]


@pytest.mark.parametrize(("value", "grade"), [("0.79", 2), ("0.49", 3), ("0.19", 4)])
def test_lymphocytes_under_v6_are_judged_by_fixed_cut_offs(value: str, grade: int):
    (hit,) = judged("lab_toxicity", LYM, [sample("LYM", -3, "1.5"), sample("LYM", 8, value)], ctcae="6.0")
    assert (hit.answer, hit.grade, hit.ctcae) == (Answer.HIT, grade, "6.0")


def test_lymphocytes_under_v6_at_the_cut_off_are_clear():
    assert judged("lab_toxicity", LYM, [sample("LYM", -3, "1.5"), sample("LYM", 8, "0.8")], ctcae="6.0") == []


def test_a_version_without_numbers_and_a_rule_without_cut_offs_cannot_tell():
    bare = {key: value for key, value in LYM.items() if key != "cut_offs"}
    (cannot,) = judged("lab_toxicity", bare, [sample("LYM", -3, "1.5"), sample("LYM", 8, "0.1")], ctcae="6.0")
    assert (cannot.answer, cannot.reason) == (Answer.NOT_EVALUABLE, "Lymphocytes: the criterion has no number")


@pytest.mark.parametrize(
    ("unit", "results", "extent"),
    [
        ("10^9/L", (45, 20), ("10^9/L", "20")),
        ("10^9/L", (20, 45), ("10^9/L", "20")),
        ("10^9/L", ("<50", "<45"), ("10^9/L", "45")),
        ("xx", (80, 20), ("xx", "20")),  # in a unit that nobody can convert: compared as it stands
    ],
)
def test_how_far_out_a_fall_went_is_said(unit: str, results: tuple[object, object], extent: tuple[str, str]):
    rows = [sample("PLAT", day, n, unit, 150) for day, n in ((-3, 200), (8, results[0]), (15, results[1]))]
    (one,) = judged("lab_toxicity", PLAT, rows)[0].extent
    assert (one.side, one.unit, str(one.value)) == ("low", *extent)


def test_clumped_platelets_are_said():
    (hit,) = judged("lab_toxicity", PLAT, [*plat((-3, 200)), sample("PLAT", 8, 20, low=150, spccnd="CLUMPED")])
    assert "specimen clumped" in hit.summary


def test_an_undated_result_is_judged_and_said():
    (hit,) = judged("lab_toxicity", PLAT, [*plat((-3, 200)), sample("PLAT", None, 20, low=150, visit="UNS")])
    assert "on an unknown date" in hit.summary
    values = dict(hit.evidence[-1].values)
    assert (values["visit"], "lbdtc" in values) == ("UNS", False)


@settings(max_examples=120, deadline=None)
@given(
    values=st.lists(
        st.sampled_from(["210", "160", "149", "140", "90", "60", "49", "29", "24", "<50", "text", ""]), max_size=9
    ),
    baseline=st.sampled_from([None, 200, 140, 45, 20]),
    confirm=st.sampled_from([1, 2]),
    room=st.sampled_from([None, ROOM]),
)
def test_looking_every_day_and_once_at_the_end_find_the_same_episodes(values: list[str], baseline, confirm: int, room):
    rows = [] if baseline is None else plat((-3, baseline))
    when = PLAT | {"confirm_samples": confirm, "recovers_at_least": room}
    seen: list[Judgement] = []
    for day, value in enumerate(values, start=2):
        rows.append(sample("PLAT", day, value, "10^9/L", 150, 400))
        hits = [j for j in judged("lab_toxicity", when, rows) if j.answer is Answer.HIT]
        for old in seen:  # each goes on as exactly one, with all its anchors and never milder
            (new,) = [hit for hit in hits if hit.anchors & old.anchors]
            assert new.anchors >= old.anchors
            assert (new.grade, new.consequence.rank, new.urgency.rank) >= (old.grade, 0, 0)
            assert new.consequence.rank >= old.consequence.rank
            assert new.urgency.rank >= old.urgency.rank
        seen = hits
    assert len({anchor for hit in seen for anchor in hit.anchors}) == sum(len(hit.anchors) for hit in seen)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"test": "XYZ"}, "'XYZ' is unknown"),
        ({"min_fall_percent": None}, "either min_fall_percent or min_fall"),
        ({"min_fall": {"value": 20, "unit": "10^9/L"}}, "either min_fall_percent or min_fall"),
        ({"hold": [{"below": {"value": 30, "unit": "g/L"}}]}, "'g/L' does not fit PLAT"),
        ({"new_grade": 5}, "less than or equal to 4"),
        ({"min_fall_percent": 0}, "greater than 0"),
        ({"limit": 3}, "not permitted"),
        ({"recovers_at_least": {"value": 49, "unit": "10^9/L"}}, "not lie below a hold"),
        ({"recovers_at_least": {"value": 50, "unit": "g/L"}}, "'g/L' does not fit PLAT"),
        ({"recovers_at_least": {"value": 5001, "unit": "10^9/L"}}, "nobody has such a result"),
        ({"recovers_at_least": {"value": 0.9, "unit": "10^9/L"}, "hold": []}, "nobody has such a result"),
        ({"new_grade": 4, "immediate_grade": 3}, "not be milder than new_grade"),
        ({"test": "ALT", "hold": []}, "grades no low ALT by a number"),
        ({"cut_offs": {"unit": "10^9/L", "grade_2": 50, "grade_3": 50, "grade_4": 25}}, "must lie above grade_3"),
        ({"cut_offs": {"unit": "10^9/L", "grade_2": 75, "grade_3": 50, "grade_4": 50}}, "grade_3 above grade_4"),
        (EIGHTY | {"recovers_at_least": {"value": 7.9, "unit": "g/dL"}}, "not lie below a hold"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fault: dict[str, object], words: str):
    with pytest.raises(ValidationError, match=words):
        KINDS["lab_toxicity"].when.model_validate(PLAT | fault)


def test_the_description_names_every_threshold():
    kind = KINDS["lab_toxicity"]
    words = kind.describe(kind.when.model_validate(PLAT | {"confirm_samples": 2, "recovers_at_least": ROOM}))
    for threshold in (
        "until 77 10^9/L",
        "Platelets",
        "25 %",
        "grade 3",
        "50 %",
        "30 10^9/L",
        "50 10^9/L",
        "grade 4",
        "2 samples in a row",
    ):
        assert threshold in words


BOOK = load_rulebook("low_dose_il2_sle")
COUNTS = {
    "NEUT": ("CYT-01", "10^9/L", 2), "PLAT": ("CYT-02", "10^9/L", 150), "WBC": ("CYT-03", "10^9/L", 4),
    "LYM": ("CYT-04", "10^9/L", 1), "HGB": ("CYT-05", "g/L", 120),
}  # fmt: skip
WATCH, HELD, CLEAR, SILENT = (Answer.HIT, "watch"), (Answer.HIT, "hold"), (Answer.CLEAR, "watch"), None


@pytest.mark.parametrize(
    ("test", "values", "expected"),
    [
        # a grade above the baseline's and a fall of so much: at it, one step short, one beyond
        ("NEUT", (2.0, 1.4), WATCH), ("NEUT", (2.0, 1.41), CLEAR), ("NEUT", (2.0, 1.39), WATCH),
        ("PLAT", (196, 147), WATCH), ("PLAT", (196, 147.1), CLEAR), ("PLAT", (196, 146.9), WATCH),
        ("WBC", (5.0, 3.5), WATCH), ("WBC", (5.0, 3.51), CLEAR), ("WBC", (5.0, 3.49), WATCH),
        ("LYM", (1.2, 0.84, 0.84), WATCH), ("LYM", (1.2, 0.841, 0.841), CLEAR), ("LYM", (1.2, 0.83, 0.83), WATCH),
        ("HGB", (130, 110), WATCH), ("HGB", (130, 110.1), CLEAR), ("HGB", (130, 109.9), WATCH),
        # the fall alone, with the grade of the baseline: the last value that has it, and the first that has not
        ("NEUT", (3.0, 2.0), SILENT), ("NEUT", (3.0, 1.99), WATCH), ("PLAT", (250, 150), SILENT),
        ("PLAT", (250, 149), WATCH), ("WBC", (6.0, 4.0), SILENT), ("WBC", (6.0, 3.99), WATCH),
        ("LYM", (1.5, 1.0, 1.0), SILENT), ("LYM", (1.5, 0.99, 0.99), WATCH), ("HGB", (145, 120), SILENT),
        ("HGB", (145, 119), WATCH),
        # a new grade 3, whatever the fall
        ("NEUT", (1.1, 1.0), CLEAR), ("NEUT", (1.1, 0.99), WATCH), ("PLAT", (55, 50), CLEAR), ("PLAT", (55, 49), WATCH),
        ("WBC", (2.1, 2.0), CLEAR), ("WBC", (2.1, 1.99), WATCH), ("LYM", (0.55, 0.5), CLEAR),
        ("LYM", (0.55, 0.49), WATCH), ("HGB", (81, 80), CLEAR), ("HGB", (81, 79.9), WATCH),
        # grade 4 where grade 3 was there already
        ("NEUT", (0.55, 0.5), CLEAR), ("NEUT", (0.55, 0.49), HELD), ("PLAT", (29, 25), CLEAR), ("PLAT", (29, 24), HELD),
        ("WBC", (1.1, 1.0), CLEAR), ("WBC", (1.1, 0.99), WATCH), ("LYM", (0.21, 0.2), CLEAR),
        ("LYM", (0.21, 0.19), WATCH),
        # half of the baseline, whatever the grade
        ("NEUT", (6.0, 3.0), WATCH), ("NEUT", (6.0, 3.01), SILENT), ("PLAT", (400, 200), WATCH),
        ("PLAT", (400, 201), SILENT), ("WBC", (10, 5), WATCH), ("WBC", (10, 5.01), SILENT),
        ("LYM", (2.4, 1.2), WATCH), ("LYM", (2.4, 1.21), SILENT), ("HGB", (240, 120), WATCH),
        ("HGB", (240, 120.1), SILENT),
        # half of the last sample, where the baseline hides it
        ("NEUT", (3.0, 7.0, 3.5), WATCH), ("NEUT", (3.0, 7.0, 3.51), SILENT), ("PLAT", (200, 380, 190), WATCH),
        ("PLAT", (200, 380, 191), SILENT), ("WBC", (5, 12, 6), WATCH), ("WBC", (5, 12, 6.01), SILENT),
        ("LYM", (1.2, 3.0, 1.5), WATCH), ("LYM", (1.2, 3.0, 1.51), SILENT), ("HGB", (100, 170, 85), WATCH),
        ("HGB", (100, 170, 85.1), CLEAR),
        # holds: alone, or with half of the baseline gone
        ("PLAT", (59, 30), WATCH), ("PLAT", (59, 29.9), HELD), ("PLAT", (100, 50), WATCH), ("PLAT", (100, 49.9), HELD),
        ("PLAT", (99, 49.9), WATCH), ("NEUT", (0.8, 0.5), CLEAR), ("NEUT", (0.8, 0.49), HELD),
        ("NEUT", (2.0, 1.0), WATCH), ("NEUT", (2.0, 0.99), HELD), ("NEUT", (1.9, 0.99), WATCH),
    ],
)  # fmt: skip
def test_blood_counts_of_the_founding_study_at_every_boundary(
    test: str, values: tuple[float, ...], expected: tuple[Answer, str] | None
):
    rule_id, unit, lln = COUNTS[test]
    days = (-3, 8, 15)
    rows = [sample(test, day, value, unit, lln) for day, value in zip(days, values, strict=False)]
    said = judged("lab_toxicity", BOOK.rule(rule_id).when, rows)
    assert [(j.answer, str(j.consequence)) for j in said] == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        ([(8, 45)], "whether to hold: no usable baseline"),  # below 50, and half of what?
        ([(8, 50)], ""),
        ([(-3, 200), (8, "<60")], "whether to hold: the result is a limit that spans grades"),
        ([(-3, 200), (8, ">20")], "the result is a limit that spans grades"),  # not even a grade is certain
        ([(-3, 110), (8, "<60")], "whether to hold: the result is a limit that spans grades"),  # 45 % below, or more
        ([(-3, 110), (8, "<=60")], "whether to hold: the result is a limit that spans grades"),
        ([(-3, 200), (8, "<30")], ""),  # certainly a hold
        ([(-3, 60), (8, 31)], ""),
    ],
)
def test_a_hold_in_doubt_is_said_beside_what_is_told(days: list[tuple[int, object]], reason: str):
    said = [j.reason for j in platelets(*days) if j.answer is Answer.NOT_EVALUABLE]
    if days == [(8, 50)]:
        assert said == ["Platelets: no usable baseline"]  # grade 2: not told, and no hold either
    else:
        assert said == ([f"Platelets: {reason}"] if reason else [])


def test_an_episode_is_dated_by_its_worst_sample_and_names_what_ended_it():
    first, second = platelets((-3, 195), (8, 60), (15, 40), (22, 149), (29, 180), (36, 70))
    assert (first.at, first.recovery) == (on(15), f"recovered: 149 10^9/L on {on(22)}, grade 1")
    assert (second.at, second.recovery) == (on(36), "")


def test_recovery_to_a_low_baseline_is_recovery_and_an_unreadable_sample_is_none():
    (hit, _) = platelets((-3, 70), (8, 30), (15, "clumped"), (22, 60))
    assert hit.recovery == f"recovered: 60 10^9/L on {on(22)}, grade 2"
    (hit, _) = platelets((-3, 70), (8, 30), (15, "clumped"))
    assert hit.recovery == ""


@pytest.mark.parametrize(
    ("rows", "pace"),
    [
        ([(-3, 200), (8, 400), (15, 190)], f"fell by 30 a day since {on(8)}"),
        ([(-3, 200), (8, 90), (15, 80)], f"fell by 1.4 a day since {on(8)}"),
        ([(-3, 200), (8, "<100"), (15, 80)], ""),
        ([(-3, 200), (8, 190), (15, "<80")], ""),
        ([(-3, 200), (8, 190), (9, 40)], f"fell by 150 a day since {on(8)}"),
        ([(8, 45)], ""),
    ],
)
def test_the_pace_of_a_fall_is_told_where_it_is_known(rows: list[tuple[int, object]], pace: str):
    hit = next(j for j in platelets(*rows) if j.answer is Answer.HIT)
    assert hit.summary.count("fell by") == bool(pace)
    assert pace in hit.summary


def test_two_results_of_one_day_have_no_pace():
    rows = [*plat((-3, 200)), sample("PLAT", 8, 180, low=150, key="a"), sample("PLAT", 8, 40, low=150, key="b")]
    (hit,) = judged("lab_toxicity", PLAT, rows)
    assert hit.summary == f"Platelets 40 10^9/L on {on(8)}: grade 3, baseline 200, previous 180"


def test_recovery_may_be_given_in_another_unit_than_the_hold():
    when = PLAT | EIGHTY | {"recovers_at_least": {"value": 8, "unit": "g/dL"}}
    assert KINDS["lab_toxicity"].when.model_validate(when).recovers_at_least is not None


@pytest.mark.parametrize(
    ("result", "unit", "reason"),
    [
        ("0.1", "", "no unit"),
        ("0.1", "g/L", "the unit does not fit the test"),
        ("clumped", "10^9/L", "the result is not a number"),
        ("<0.6", "10^9/L", "the result is a limit that spans grades"),
        ("<=0.5", "10^9/L", "the result is a limit that spans grades"),
        (">0.4", "10^9/L", "the result is a limit that spans grades"),
    ],
)
def test_why_fixed_cut_offs_cannot_grade(result: str, unit: str, reason: str):
    rows = [sample("LYM", -3, "0.75"), sample("LYM", 8, result, unit)]
    (cannot,) = judged("lab_toxicity", LYM, rows, ctcae="6.0")
    assert (cannot.answer, cannot.reason) == (Answer.NOT_EVALUABLE, f"Lymphocytes: {reason}")


def test_a_grade_by_fixed_cut_offs_that_was_there_before_is_written_down_with_it():
    (clear,) = judged("lab_toxicity", LYM, [sample("LYM", -3, "0.7"), sample("LYM", 8, "0.6")], ctcae="6.0")
    assert (clear.answer, clear.grade) == (Answer.CLEAR, 2)
    assert clear.summary == f"Lymphocytes 0.6 10^9/L on {on(8)}: grade 2"
    assert clear.reason == "Lymphocytes: grade 2 at baseline and no worse"
    (hit,) = judged("lab_toxicity", LYM, [sample("LYM", -3, "1.5"), sample("LYM", 8, "<0.5")], ctcae="6.0")
    assert hit.summary == f"Lymphocytes <0.5 10^9/L on {on(8)}: grade 3 to 4, baseline 1.5"


@pytest.mark.parametrize(
    ("baseline", "result", "expected"),
    [
        (24, 18, [Answer.HIT]), (24, 19, [Answer.CLEAR]), (24, "<18", [Answer.HIT]),
        (24, ">18.1", []), (24, ">10", [Answer.NOT_EVALUABLE]), (24, "<24", [Answer.NOT_EVALUABLE]),
        (24, ">=10", [Answer.NOT_EVALUABLE]), (24, "<=24", [Answer.NOT_EVALUABLE]),
        (30, 26, [Answer.CLEAR]), (34, 25.5, [Answer.CLEAR]),  # grade 3, and grade 4 has a number
        (32, 24, [Answer.HIT]),
    ],
)  # fmt: skip
def test_from_the_last_grade_on_a_fall_alone_counts(baseline: float, result: object, expected: list[Answer]):
    """Nothing is graver than the last grade that a number can give, so a baseline of it hid any fall."""
    said = platelets((-3, baseline), (8, result), when={"hold": [], "crash_fall_percent": None})
    assert answers(said) == expected
    assert expected != [Answer.HIT] or baseline > 25 or "the last that a number can give, with a fall" in said[0].reason
    if expected == [Answer.NOT_EVALUABLE]:
        assert said[0].reason == "Platelets: the result is a limit that spans grades"


@pytest.mark.parametrize(("result", "expected"), [(55, Answer.HIT), (55.1, Answer.CLEAR)])
@pytest.mark.parametrize("ctcae", ["4.03", "5.0", "6.0"])
def test_the_last_grade_of_haemoglobin_is_3_in_every_version(result: float, expected: Answer, ctcae: str):
    when = {"test": "HGB", "min_fall": {"value": 20, "unit": "g/L"}}
    rows = [sample("HGB", -3, 75, "g/L", 120, 160), sample("HGB", 8, result, "g/L", 120, 160)]
    assert answers(judged("lab_toxicity", when, rows, ctcae=ctcae)) == [expected]


@pytest.mark.parametrize(("result", "expected"), [("0.13", Answer.HIT), ("0.14", Answer.CLEAR)])
def test_the_last_grade_may_be_one_of_the_rules_own_cut_offs(result: str, expected: Answer):
    rows = [sample("LYM", -3, "0.19"), sample("LYM", 8, result)]
    assert answers(judged("lab_toxicity", LYM, rows, ctcae="6.0")) == [expected]


@pytest.mark.parametrize(
    ("result", "expected"), [("0.175", Answer.HIT), ("0.176", Answer.CLEAR), ("<0.2", Answer.NOT_EVALUABLE)]
)
def test_the_last_grade_may_be_grade_1(result: str, expected: Answer):
    rows = [sample("HAPTOG", -3, "0.25", "g/L", "0.3"), sample("HAPTOG", 8, result, "g/L", "0.3")]
    (said,) = judged("lab_toxicity", {"test": "HAPTOG", "min_fall_percent": 30}, rows)
    assert said.answer is expected
    if expected is Answer.HIT:
        assert said.reason == "grade 1 at baseline already, the last that a number can give, with a fall of 30 %"


@pytest.mark.parametrize(
    ("baseline", "between", "episodes"),
    [
        (90, (65, 74), 2),  # grade 2, which the baseline was not: no recovery, and yet nothing was met
        (90, (74, 65), 2),  # whatever is mild in between
        (90, (65, 67.5), 1),  # still such a fall
        (90, (65, "x"), 1),
        (45, (44,), 1),  # too near to the hold
    ],
)
def test_what_is_severe_after_nothing_was_met_is_news(baseline: int, between: tuple[object, ...], episodes: int):
    days = [(8, 20), *((9 + n, value) for n, value in enumerate(between)), (20, 15)]
    hits = platelets((-3, baseline), *days, when={"recovers_at_least": {"value": 50, "unit": "10^9/L"}})
    assert [hit.answer for hit in hits].count(Answer.HIT) == episodes
    mild = platelets((-3, 90), (8, 20), (9, 65), (10, 74), (11, 67))
    assert [hit.answer for hit in mild] == [Answer.HIT]  # a fall that is not severe only goes on


@pytest.mark.parametrize(("between", "episodes"), [(75, 2), (74, 1), (200, 2), (">75", 2), (">74", 1)])
def test_a_count_without_a_range_is_recovery_where_it_is_certainly_no_grade_2(between: object, episodes: int):
    counts = {"hold": [], "crash_fall_percent": None, "new_grade": 4}
    days = [sample("PLAT", day, n, low=low) for day, n, low in ((-3, 95, 150), (8, 24, 150), (9, between, ""))]
    said = judged("lab_toxicity", PLAT | counts, [*days, sample("PLAT", 10, 60, low=150)])
    assert answers(said).count(Answer.HIT) == episodes


@pytest.mark.parametrize("result", [">160", ">=160"])
def test_a_result_of_more_than_a_number_is_no_fall_to_it(result: str):
    assert platelets((-3, 400), (8, result)) == []


def test_a_crash_in_a_unit_that_nobody_knows_may_ask_for_a_hold():
    rows = [sample("PLAT", day, n, "xx", 150) for day, n in ((-3, 200), (8, 80))]
    hit, cannot = judged("lab_toxicity", PLAT, rows)
    assert (hit.answer, hit.reason) == (Answer.HIT, "fall of 60 % from baseline")
    assert cannot.answer is Answer.NOT_EVALUABLE
    assert cannot.reason == "Platelets: whether to hold: the unit does not fit the test"


@pytest.mark.parametrize(("baseline", "urgency"), [(None, Urgency.SAME_DAY), (130, Urgency.IMMEDIATE)])
def test_a_fall_that_nobody_can_measure_is_not_confirmed_at_once(baseline: int | None, urgency: Urgency):
    days = [(day, n) for day, n in ((-3, baseline), (8, 78), (15, 77)) if n is not None]
    rows = [sample("HGB", day, n, "g/L", 120) for day, n in days]
    (hit,) = judged("lab_toxicity", HGB | {"immediate_samples": 2}, rows)
    assert (hit.grade, hit.urgency) == (3, urgency)


def test_the_worst_sample_is_that_of_the_worst_grade_by_its_own_range():
    rows = [sample("PLAT", -3, 400, low=150), sample("PLAT", 8, 149, low=150), sample("PLAT", 15, 140, low=130)]
    (hit,) = judged("lab_toxicity", PLAT, rows)
    assert (hit.at, hit.grade) == (on(8), 1)
    assert [evidence.key for evidence in hit.evidence] == ["PLAT/-3/400", "PLAT/8/149", "PLAT/15/140"]


@pytest.mark.parametrize(
    ("result", "unit", "words"),
    [
        ("100", "10^9/L", "previous 100"),
        ("100000", "/uL", "previous 100"),
        ("<100", "10^9/L", "previous <100"),
        ("100", "xx", "previous 100 xx"),
        ("100", "", "previous 100"),
    ],
)
def test_the_sample_before_is_told_as_it_was_reported_or_in_the_unit_of_the_worst(result: str, unit: str, words: str):
    rows = [*plat((-3, 200)), sample("PLAT", 8, result, unit, 150), *plat((15, 40))]
    hit = next(j for j in judged("lab_toxicity", PLAT, rows) if j.answer is Answer.HIT)
    assert f", baseline 200, {words}" in hit.summary
    assert hit.summary.split(", ")[2] == words


def test_a_count_of_0_is_told_and_nothing_falls_from_it():
    (hit,) = platelets((-3, 200), (8, 0), (15, 40))
    assert (hit.at, hit.grade) == (on(8), 4)
    assert hit.summary == (
        f"Platelets 0 10^9/L on {on(8)}: grade 4, baseline 200, fell by 20 a day since {on(-3)}, latest 40 on {on(15)}"
    )


def test_of_counts_of_one_grade_0_is_the_lowest():
    (hit,) = platelets((-3, 200), (8, 0), (15, 0.5))
    assert hit.at == on(8)


def test_a_count_that_has_one_unit_alone_is_compared_in_it():
    rows = [sample("EGFR", day, n, "mL/min/1.73m2", 90) for day, n in ((-3, 100), (8, 50), (15, 40))]
    (hit,) = judged("lab_toxicity", {"test": "EGFR", "min_fall_percent": 25}, rows)
    assert hit.at == on(15)


@pytest.mark.parametrize(
    ("cut_offs", "unit", "grade"), [(True, "10^9/L", "2"), (True, "xx", "0 to 4"), (False, "10^9/L", "0 to 4")]
)
def test_a_hit_says_every_grade_that_its_worst_sample_may_have(cut_offs: bool, unit: str, grade: str):
    when = {key: value for key, value in LYM.items() if cut_offs or key != "cut_offs"} | {"crash_fall_percent": 50}
    rows = [sample("LYM", -3, "1.5", unit), sample("LYM", 8, "0.7", unit)]
    hit = next(j for j in judged("lab_toxicity", when, rows, ctcae="6.0") if j.answer is Answer.HIT)
    assert hit.summary.startswith(f"Lymphocytes 0.7 {unit} on {on(8)}: grade {grade}, baseline 1.5")


def test_a_hold_in_another_sample_than_the_worst_is_told_with_all_that_it_meets():
    when = PLAT | {"hold": [{"below": {"value": 120, "unit": "10^9/L"}, "min_fall_percent": 50}]}
    days = ((-3, 200, 150), (8, 140, 150), (15, 100, 90))  # the second laboratory calls 100 normal
    (hit,) = judged("lab_toxicity", when, [sample("PLAT", day, n, low=low) for day, n, low in days])
    assert (hit.at, hit.consequence) == (on(8), Consequence.HOLD)
    assert hit.reason == (
        f"grade 1, up from 0 at baseline, with a fall of 30 %; on {on(15)}: meets the hold criterion below 120 10^9/L "
        "and at least 50 % below baseline, fall of 50 % from baseline; confirmed in consecutive samples"
    )


def test_a_rule_for_any_grade_says_nothing_of_a_participant_without_results():
    assert platelets(when={"new_grade": 1}) == []


def test_the_pace_of_a_fall_since_some_day_of_a_month_is_not_known():
    rows = [*plat((-3, 200), (40, 40)), sample("PLAT", None, 180, low=150, dtc=Dtc.parse("2014-03"))]
    (hit,) = judged("lab_toxicity", PLAT, rows)
    assert hit.summary == f"Platelets 40 10^9/L on {on(40)}: grade 3, baseline 200, previous 180"


def test_evidence_shows_the_result_that_was_read():
    rows = [*plat((-3, 200)), sample("PLAT", 8, "", "", key="std", stresc="40", stresu="10^9/L", stnrlo="150")]
    (hit,) = judged("lab_toxicity", PLAT, rows)
    values = dict(next(evidence for evidence in hit.evidence if evidence.key == "std").values)
    assert (values["lbstresc"], values["lbstresu"], values["lbstnrlo"]) == ("40", "10^9/L", "150")
    assert "lborres" not in values


@pytest.mark.parametrize(
    ("result", "answer"), [("<81", Answer.NOT_EVALUABLE), ("<80", Answer.HIT), ("80", Answer.CLEAR)]
)
def test_a_limit_that_may_be_a_new_grade_3_is_in_doubt_however_small_the_fall(result: str, answer: Answer):
    said = judged("lab_toxicity", HGB, [sample("HGB", -3, 82, "g/L", 120), sample("HGB", 8, result, "g/L", 120)])
    assert answers(said) == [answer]


@pytest.mark.parametrize("result", [">60", ">=60"])
def test_a_result_of_more_than_a_number_may_have_fallen_far_and_is_in_doubt(result: str):
    (said,) = platelets((-3, 200), (8, result))  # grade 2 at the worst, and nobody knows how far it fell
    reason = "Platelets: the result is a limit that spans grades"
    assert (said.answer, said.reason) == (Answer.NOT_EVALUABLE, reason)


@pytest.mark.parametrize("result", [140, 145])
def test_a_count_no_lower_than_the_one_before_it_is_not_told_as_falling(result: int):
    rows = [sample("PLAT", day, n, low=low) for day, n, low in ((-3, 200, 150), (8, 140, 130), (15, result, 150))]
    (hit,) = judged("lab_toxicity", PLAT, rows)
    assert hit.summary == f"Platelets {result} 10^9/L on {on(15)}: grade 1, baseline 200, previous 140"
