"""Kind liver_injury: potential Hy's law, told in days; whatever cannot be paired is said."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from alerts.decide import Action, Sight, Standing, StandingAlert, decide
from rules.hit import Answer, Consequence, Judgement, Urgency
from rules.kinds import KINDS
from tests.lab_stories import judged, on, sample

WHEN: dict[str, object] = {"transaminase_uln": 3, "bilirubin_uln": 2, "days": 30, "alp_uln": 2, "alp_days": 7}
ULN = {"ALT": 40, "AST": 40, "BILI": 20, "ALP": 100}
UNIT = {"BILI": "umol/L"}

SIGHT = Sight(usubjids=frozenset({"S-1"}), rule_ids=frozenset({"CYT-99"}))


def told_by(hit: Judgement) -> StandingAlert:
    """The alert that a hit has opened."""
    same = {name: getattr(hit, name) for name in ("rule_id", "usubjid", "scope", "anchors", "summary", "grade",
            "urgency", "consequence", "evidence")}  # fmt: skip
    return StandingAlert(id=1, state="open", standing=True, opened_at=datetime(2014, 3, 10, tzinfo=UTC), **same)


def at(test: str, day: int | None, result: object, **more):
    return sample(test, day, result, more.pop("unit", UNIT.get(test, "U/L")), 1, more.pop("uln", ULN[test]), **more)


def liver(*rows, dosed: bool = True, **when) -> list[Judgement]:
    return judged("liver_injury", WHEN | when, rows, dosed=dosed, urgency="immediate", consequence="hold")


def answers(judgements: list[Judgement]) -> list[Answer]:
    return [judgement.answer for judgement in judgements]


def test_a_hit_says_what_when_and_how_much():
    (hit,) = liver(at("ALT", -3, 30), at("ALT", 8, 130), at("BILI", 10, 45), at("ALP", 8, 80), at("ALT", 20, 40),
                   at("BILI", 20, 20))  # fmt: skip
    assert (hit.answer, hit.urgency, hit.consequence) == (Answer.HIT, Urgency.IMMEDIATE, Consequence.HOLD)
    assert hit.summary == (
        f"Potential Hy's law: ALT 130 U/L on {on(8)} (3.25 x ULN), baseline 30; Bilirubin 45 umol/L on {on(10)} "
        f"(2.25 x ULN); Alkaline phosphatase 80 U/L on {on(8)} (0.80 x ULN), below 2 x ULN"
    )
    assert (hit.at, hit.grade) == (on(10), 2)
    assert hit.anchors == {"ALT/8/130", "BILI/10/45"}
    assert [evidence.key for evidence in hit.evidence] == ["ALT/-3/30", "ALT/8/130", "BILI/10/45", "ALP/8/80"]
    assert (
        hit.recovery == f"recovered: ALT 40 U/L on {on(20)} (1.00 x ULN); Bilirubin 20 umol/L on {on(20)} (1.00 x ULN)"
    )


def test_a_baseline_that_is_not_believed_is_named_beside_the_hit():
    (hit,) = liver(at("ALT", -3, 60000), at("ALT", 8, 130), at("BILI", 10, 45), at("ALP", 8, 80))
    assert "no usable baseline: 60000 U/L is not believable" in hit.summary


@pytest.mark.parametrize(
    ("later", "recovered"),
    [
        ([at("ALT", 20, 35), at("BILI", 20, 300)], False),
        ([at("ALT", 20, 35)], False),
        ([at("BILI", 20, 15)], False),
        ([at("ALT", 20, 35), at("BILI", 20, 300), at("BILI", 30, 20)], True),
        ([at("BILI", 20, 15), at("ALT", 25, 35)], True),
        ([at("BILI", 15, 15), at("BILI", 25, 30), at("ALT", 25, 35)], False),  # not at the same time
        ([at("BILI", 15, 15), at("BILI", 20, 30), at("ALT", 25, 35)], False),
        ([at("ALT", 15, 35), at("ALT", 25, 50), at("BILI", 25, 15)], False),
        ([at("BILI", 20, 15), at("BILI", 20, 30), at("ALT", 20, 35)], False),  # two answers of one day
        ([at("ALT", 20, 35), at("BILI", 20, 15, uln="")], False),
        ([at("ALT", 20, 41), at("BILI", 20, 20)], False),
    ],
)
def test_the_liver_has_recovered_when_bilirubin_is_back_too(later, recovered: bool):
    (hit,) = (j for j in liver(at("ALT", 8, 130), at("BILI", 8, 45), *later) if j.answer is Answer.HIT)
    assert bool(hit.recovery) is recovered


def test_what_was_normal_before_is_no_recovery():
    (hit,) = liver(at("ALT", 7, 35), at("BILI", 7, 15), at("ALT", 8, 130), at("BILI", 8, 45))
    assert not hit.recovery


@pytest.mark.parametrize(
    ("alt", "uln", "expected"),
    [
        (100, 40, []),  # twice a high baseline, and not three times ULN
        (120, 40, [Answer.HIT]),
        (130, "", [Answer.NOT_EVALUABLE]),
        (">99", 40, [Answer.NOT_EVALUABLE]),
        (">119", 40, [Answer.NOT_EVALUABLE]),
    ],
)
def test_beside_a_high_baseline_both_limits_must_be_met(alt: object, uln: object, expected: list[Answer]):
    rows = (at("ALT", -3, 50), at("ALT", 8, alt, uln=uln), at("BILI", 8, 45))
    assert answers(liver(*rows, times_high_baseline=2)) == expected


@pytest.mark.parametrize(
    ("bilirubin", "urgency"), [([], Urgency.ROUTINE), ([45], Urgency.SAME_DAY), ([45, 20], Urgency.SAME_DAY)]
)
def test_what_may_be_half_of_a_pair_is_looked_at_the_same_day_where_the_other_half_is_there(bilirubin, urgency):
    (unknown,) = liver(at("ALT", 8, "clumped"), *(at("BILI", 8, result) for result in bilirubin))
    assert (unknown.answer, unknown.urgency) == (Answer.NOT_EVALUABLE, urgency)
    assert unknown.reason.startswith("ALT clumped")


def test_a_limit_that_has_to_be_passed_is_said_so():
    (hit,) = liver(at("ALT", 8, 130), at("BILI", 8, 45), transaminase_or_equal=False)
    assert "ALT or AST more than 3 x ULN and" in hit.reason


@pytest.mark.parametrize(
    ("alt", "bili", "apart", "expected"),
    [
        (120, 40.1, 0, Answer.HIT),
        (120, 40.1, 30, Answer.HIT),
        (119.9, 40.1, 0, None),
        (120, 40, 0, Answer.CLEAR),
        (120, 40.1, 31, Answer.NOT_EVALUABLE),
        ("<120", 40.1, 0, None),
        ("<200", 40.1, 0, Answer.NOT_EVALUABLE),
        (">119", 40.1, 0, Answer.NOT_EVALUABLE),
        (">120", ">40", 0, Answer.HIT),
        (120, ">39", 0, Answer.NOT_EVALUABLE),
        ("clumped", 40.1, 0, Answer.NOT_EVALUABLE),
        ("clumped", 20, 0, None),
        (120, 40, 30, Answer.CLEAR),  # measured on the last of the days, and not above
        (120, 40, 31, Answer.NOT_EVALUABLE),
    ],
)
def test_the_limits_one_step_either_side(alt: object, bili: object, apart: int, expected: Answer | None):
    wanted = [] if expected is None else [expected]
    assert answers(liver(at("ALT", 40, alt), at("BILI", 40 + apart, bili))) == wanted
    if expected is not Answer.CLEAR:  # in either order
        assert answers(liver(at("ALT", 40, alt), at("BILI", 40 - apart, bili))) == wanted


@pytest.mark.parametrize(
    ("change", "rows", "expected"),
    [
        ({"transaminase_or_equal": False}, (120, 41), []),
        ({"transaminase_or_equal": False}, (120.1, 41), [Answer.HIT]),
        ({"transaminase_uln": 5}, (199, 41), []),
        ({"bilirubin_uln": 1.5}, (120, 30.1), [Answer.HIT]),
    ],
)
def test_every_limit_can_be_set(change: dict[str, object], rows: tuple[object, object], expected: list[Answer]):
    assert answers(liver(at("ALT", 8, rows[0]), at("BILI", 8, rows[1]), **change)) == expected


@pytest.mark.parametrize(
    ("alp", "decides", "name", "words"),
    [
        ([at("ALP", 8, 199)], True, "Potential Hy's law", "below 2 x ULN"),
        ([at("ALP", 8, 200)], True, "Cholestatic pattern", "at least 2 x ULN"),
        ([at("ALP", 8, 200)], False, "Potential Hy's law", "at least 2 x ULN"),
        ([at("ALP", -2, 101), at("ALP", 8, 90)], True, "Cholestatic pattern", "already at baseline"),
        ([at("ALP", -2, 100), at("ALP", 8, 90)], True, "Potential Hy's law", "below 2 x ULN"),
        ([at("ALP", 7, 90), at("ALP", 12, 300)], True, "Potential Hy's law", "below 2 x ULN"),  # the nearest tells
        ([at("ALP", 16, 300)], True, "Potential Hy's law", "unknown: not measured within 7 days"),
        ([at("ALP", 15, 300)], True, "Cholestatic pattern", "at least 2 x ULN"),
        ([at("ALP", 8, 300, uln="")], True, "Potential Hy's law", "not comparable with ULN: pattern unknown"),
        ([at("ALP", None, 300)], True, "Potential Hy's law", "unknown"),
        ([], True, "Potential Hy's law", "unknown"),
    ],
)
def test_alkaline_phosphatase_names_the_pattern_and_hides_nothing(alp, decides: bool, name: str, words: str):
    (hit,) = liver(at("ALT", 8, 130), at("BILI", 8, 45), *alp, alp_decides=decides)
    assert hit.answer is Answer.HIT
    assert hit.reason.startswith(name)
    assert words in hit.reason


def test_a_cholestatic_pattern_that_turns_into_potential_hys_law_is_mailed_in_its_alert():
    cholestatic = [at("ALT", 8, 130), at("BILI", 8, 45), at("ALP", 8, 300)]
    (before,) = liver(*cholestatic)
    assert (before.scope, before.each_anchor_is_news) == ("LIVER", False)
    (after,) = liver(*cholestatic, at("ALT", 16, 125), at("ALP", 16, 90))
    assert (after.scope, after.reason.startswith("Potential Hy's law")) == (before.scope, True)
    assert (after.each_anchor_is_news, before.anchors < after.anchors) == (True, True)
    decided = [decide([hit], Standing(alerts=(told_by(before),)), SIGHT) for hit in (before, after)]
    assert [[one.action for one in some] for some in decided] == [[], [Action.RENOTIFY]]


def test_a_later_alkaline_phosphatase_takes_no_hys_law_back():
    pair = [at("ALT", 8, 130), at("BILI", 8, 45), at("ALP", 8, "")]
    (before,) = liver(*pair)
    (named,) = liver(*pair, at("ALP", 12, 300))
    (later,) = liver(*pair, at("ALP", 20, 300))
    assert (before.scope, before.anchors) == (named.scope, named.anchors) == (later.scope, later.anchors)
    assert (named.reason[:11], later.reason[:9]) == ("Cholestatic", "Potential")


def test_alt_alone_is_written_down_or_told_as_the_rulebook_asks():
    rows = (at("ALT", 8, 130), at("BILI", 8, 20))
    (clear,) = liver(*rows)
    assert (clear.answer, clear.told, clear.scope) == (Answer.CLEAR, False, "LIVER/ALONE")
    (hit,) = liver(*rows, temple="tell")
    assert (hit.answer, hit.urgency, hit.consequence) == (Answer.HIT, Urgency.SAME_DAY, Consequence.WATCH)
    (worse,) = liver(*rows, at("BILI", 15, 45), temple="tell")
    assert (worse.scope, worse.urgency) == (hit.scope, Urgency.IMMEDIATE)
    assert worse.anchors & hit.anchors  # the same alert, worse


def test_how_far_out_the_liver_is_is_said_of_every_pair_of_an_episode():
    rows = (at("ALT", 8, 230), at("BILI", 9, 45), at("ALT", 15, 700), at("AST", 15, 300), at("BILI", 16, 200))
    (hit,) = liver(*rows)
    assert {one.test: (one.side, float(one.value)) for one in hit.extent} == {
        "ALT": ("high", 700), "AST": ("high", 300), "BILI": ("high", 200),
    }  # fmt: skip
    (alone,) = liver(at("ALT", 8, 230), at("ALT", 15, 700), at("BILI", 15, 20), temple="tell")
    assert [(one.test, float(one.value)) for one in alone.extent] == [("ALT", 700)]


def test_an_earlier_normal_bilirubin_does_not_answer_for_later():
    (open_,) = liver(at("ALT", 8, 130), at("BILI", 7, 20))
    assert (open_.answer, open_.told, open_.urgency) == (Answer.NOT_EVALUABLE, True, Urgency.SAME_DAY)
    assert open_.reason.endswith("Bilirubin not measured on that day or within 30 days after")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([at("ALT", 8, 130), at("BILI", 8, 80, uln="")], "Bilirubin: no reference range"),
        ([at("ALT", 8, 130, uln=""), at("BILI", 8, 80)], "no reference range"),
        ([at("ALT", 8, 130), at("BILI", None, 80)], "Bilirubin: the day of a sample is not known"),
        ([at("ALT", 8, 130), at("BILI", 8, "", stat="NOT DONE")], "Bilirubin not measured"),
        ([at("BILI", 8, 80), at("ALP", 8, 80), at("ALT", 70, 30)], "ALT or AST not measured"),
    ],
)
def test_what_cannot_be_paired_is_told(rows, reason: str):
    (open_,) = liver(*rows)
    assert (open_.answer, open_.told) == (Answer.NOT_EVALUABLE, True)
    assert reason in open_.reason


def test_pairs_that_share_samples_are_one_episode_that_grows():
    first = [at("ALT", 8, 130), at("BILI", 8, 45)]
    (before,) = liver(*first)
    (after,) = liver(*first, at("AST", 15, 400), at("BILI", 15, 60), at("ALT", 36, 140))
    assert before.anchors < after.anchors
    assert "AST 400" in after.summary
    assert answers(liver(*first, at("ALT", 90, 130), at("BILI", 91, 45))) == [Answer.HIT, Answer.HIT]


def test_history_is_silent_and_its_later_half_is_not():
    assert liver(at("ALT", -3, 130), at("BILI", -3, 45)) == []
    assert liver(at("ALT", -3, 130), at("BILI", -3, 45), dosed=False) == []
    assert liver(at("ALT", -3, 130)) == []
    assert answers(liver(at("ALT", -3, 130), at("BILI", 8, 45))) == [Answer.HIT]


def test_a_high_baseline_can_ask_for_a_rise():
    rows = [at("ALT", -3, 70), at("ALT", 8, 130), at("BILI", 8, 45)]
    assert answers(liver(*rows)) == [Answer.HIT]
    (clear,) = liver(*rows, times_high_baseline=2)
    assert (clear.answer, clear.told) == (Answer.CLEAR, False)
    assert "not risen enough from a raised baseline" in clear.reason
    assert answers(liver(*rows, at("ALT", 9, 140), times_high_baseline=2))[0] is Answer.HIT


def test_a_participant_without_alt_and_ast_is_said_to_be_unseen():
    (blind,) = liver(at("ALP", 8, 90))
    assert (blind.answer, blind.told) == (Answer.NOT_EVALUABLE, False)
    assert "never measured" in blind.summary


def test_a_vital_sign_does_not_make_a_laboratory_late():
    temperature = sample("TEMP", 8, "36.6", "C", domain="VS")
    assert liver(temperature) == []
    assert judged("value_limit", {"tests": ["CREAT"], "times_baseline": 1.5}, [temperature]) == []


def test_a_limit_that_is_missing_or_unknown_is_refused():
    when = KINDS["liver_injury"].when
    for wrong in ({"days": -1}, {"alp_uln": 0}, {"temple": "hide"}, {"limit": 3}):
        with pytest.raises(ValidationError):
            when.model_validate(WHEN | wrong)


def test_a_baseline_of_alkaline_phosphatase_or_one_without_range_is_shown_beside_the_hit():
    pair = [at("ALT", 8, 130), at("BILI", 8, 45)]
    (hit,) = liver(*pair, at("ALP", -2, 101), at("ALP", 8, 90))
    assert [evidence.key for evidence in hit.evidence] == ["ALT/8/130", "BILI/8/45", "ALP/-2/101"]
    (hit,) = liver(*pair, at("ALP", 8, 300, uln=""))
    assert [evidence.key for evidence in hit.evidence] == ["ALT/8/130", "BILI/8/45", "ALP/8/300"]
    assert hit.summary.endswith(f"Alkaline phosphatase 300 U/L on {on(8)}, not comparable with ULN: pattern unknown")


@pytest.mark.parametrize("days", [(8, 8), (7, 9), (9, 7)])
@pytest.mark.parametrize("values", [(90, 300), (300, 90)])
def test_of_two_alkaline_phosphatases_as_near_the_lower_one_names_the_pattern(days, values):
    (hit,) = liver(at("ALT", 8, 130), at("BILI", 8, 45), *(at("ALP", *one) for one in zip(days, values, strict=True)))
    assert hit.reason.startswith("Potential Hy's law")
    assert "Alkaline phosphatase 90" in hit.reason


@pytest.mark.parametrize(
    ("baseline", "uln", "after", "expected"),
    [
        (30, 40, 130, Answer.HIT),  # not raised before
        (50, 60, 130, Answer.HIT),  # not by its own range
        (70, "", 130, Answer.CLEAR),  # by the later range, where it came with none
        (70, 40, 139, Answer.CLEAR),
        (70, 40, 140, Answer.HIT),
        (70, 40, "<150", Answer.NOT_EVALUABLE),
        (130, 40, None, Answer.HIT),  # the raised baseline itself, with a bilirubin that rose later
    ],
)
def test_a_rise_is_asked_for_where_the_baseline_was_above_its_range(baseline, uln, after, expected: Answer):
    later = [] if after is None else [at("ALT", 8, after)]
    day = -3 if after is None else -40  # else it would itself be near the bilirubin
    said = liver(at("ALT", day, baseline, uln=uln), *later, at("BILI", 8, 45), times_high_baseline=2)
    assert said[0].answer is expected
    if expected is Answer.HIT:
        assert "at least 3 x ULN (and 2 x a baseline above ULN) and bilirubin" in said[0].reason


def test_alt_alone_is_told_by_its_highest_with_its_baseline_and_what_ended_it():
    rows = [at("ALT", -3, 30), at("ALT", 8, 130), at("ALT", 15, 260), at("ALT", 22, 40)]
    bilirubin = [at("BILI", day, 20) for day in (8, 15, 22)]
    (hit,) = liver(*rows, *bilirubin, temple="tell")
    assert hit.summary == (
        f"Temple's corollary: ALT 260 U/L on {on(15)} (6.50 x ULN), bilirubin measured and not above"
    )
    assert hit.reason == "Temple's corollary: ALT or AST at least 3 x ULN, bilirubin measured and not above"
    assert (hit.at, hit.grade, hit.scope) == (on(15), 3, "LIVER")
    assert hit.recovery == f"recovered: ALT 40 U/L on {on(22)} (1.00 x ULN)"
    assert [evidence.key for evidence in hit.evidence] == ["ALT/-3/30", "ALT/15/260"]
    (clear,) = liver(*rows, *bilirubin)
    assert (clear.answer, clear.recovery, clear.summary) == (Answer.CLEAR, "", hit.summary)


def test_alt_raised_as_at_baseline_is_written_down_with_why():
    (clear,) = liver(at("ALT", -3, 70), at("ALT", 8, 130), at("BILI", 8, 45), times_high_baseline=2)
    assert clear.summary == (
        f"Raised as at baseline: ALT 130 U/L on {on(8)} (3.25 x ULN), not risen enough from a raised baseline"
    )


@pytest.mark.parametrize(("day", "alerts"), [(38, 1), (39, 2)])
def test_alt_alone_is_one_alert_while_it_is_as_near_as_a_pair(day: int, alerts: int):
    rows = (at("ALT", 8, 130), at("BILI", 8, 20), at("ALT", day, 130), at("BILI", day, 20))
    assert answers(liver(*rows, temple="tell")) == [Answer.HIT] * alerts


def test_every_reason_that_a_pair_cannot_be_told_is_named_once():
    rows = [at("BILI", 8, 80, uln=""), at("BILI", 9, "lost", uln=""), at("BILI", 10, "lost")]
    (said,) = liver(at("ALT", 8, 130), *rows)
    assert said.reason == (
        f"ALT 130 U/L on {on(8)} (3.25 x ULN): Bilirubin: no reference range; Bilirubin: the result is not a number"
    )


def test_the_same_day_can_be_asked_for():
    rows = [at("ALT", 8, 130), at("BILI", 8, 45)]
    assert answers(liver(*rows, days=0, alp_days=0)) == [Answer.HIT]
    assert answers(liver(rows[0], at("BILI", 9, 45), days=0)) == [Answer.NOT_EVALUABLE]
    (hit,) = liver(*rows, at("ALP", 8, 300), at("ALP", 9, 90), days=0, alp_days=0)
    assert hit.reason.startswith("Cholestatic")


@pytest.mark.parametrize("uln", ["", 40])
def test_a_result_that_is_no_number_is_said_as_that_with_or_without_a_range(uln: object):
    (said,) = liver(at("ALT", 8, "clumped", uln=uln), at("BILI", 8, 45))
    assert said.reason.startswith(f"ALT clumped U/L on {on(8)}: the result is not a number")
