"""What kind `dose_excess` says beyond its rule cases: nothing that unblinds, one concern a day, no unknown unit."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.evaluate import evaluate
from rules.hit import Answer
from rules.reading import read_record
from rules.records import Feed, Participant, StudyView
from rules.rulebook import RulebookError, load_rulebook, parse_rulebook

BOOK = load_rulebook("low_dose_il2_sle")


def judge(*rows: dict[str, str], book=BOOK):
    doses = tuple(
        read_record("EC", {"USUBJID": "P1", **row}, version=number, key=f"EC{number}")
        for number, row in enumerate(rows, 1)
    )
    view = StudyView(participants=(Participant(usubjid="P1", doses=doses),), feed=Feed(domains=frozenset({"EC"})))
    evaluation = evaluate(book, view, datetime(2026, 1, 2, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
    assert not evaluation.failures
    return [judgement for judgement in evaluation.judgements if judgement.rule_id == "OVD-01"]


@pytest.mark.parametrize(
    "row",
    [
        {"ECDOSE": "37", "ECDOSU": "MIU"},
        {"ECDOSE": "3700", "ECDOSU": "MIU"},
        {"ECDOSE": "37", "ECDOSU": "mg"},
        {"ECDOSE": "37 MIU"},
        {"ECDOSE": "0.037", "ECDOSU": "IU"},
    ],
)
def test_no_answer_tells_amount_unit_treatment_or_lot(row):
    (said,) = judge({"ECTRT": "ALDESLEUKIN", "ECLOT": "LOT7", "ECSTDTC": "2026-01-01", **row})
    told = repr((said.summary, said.reason, said.scope, said.anchors, said.evidence))
    assert not any(word in told for word in ("37", "MIU", "mg", "ALDESLEUKIN", "LOT7"))


def test_a_day_is_one_concern_whatever_is_entered_later():
    rows = [{"ECDOSE": "1", "ECDOSU": "MIU", "ECSTDTC": f"2026-01-01T{hour}:00"} for hour in ("08", "10", "12")]
    two, three = (judge(*rows[:times]) for times in (2, 3))
    assert [(j.answer, j.scope, j.at.text) for j in two] == [(Answer.HIT, "2026-01-01", "2026-01-01T08:00")]
    assert two[0].anchors == three[0].anchors
    assert two[0].summary == "More than the plan of a day: 2026-01-01"


def test_a_plan_in_a_unit_that_does_not_convert_does_not_load():
    with pytest.raises(RulebookError, match="'mIU' is no multiple of the international unit"):
        parse_rulebook(BOOK.text.replace('unit = "MIU"', 'unit = "mIU"'), "book.toml")


ANY_DAY = {
    "2026-01": ["2026-01-01", "2026-01-02", "2026-01-30"],
    "": ["2026-01-01", "2026-01-02", "2026-01-30", "2026-02-01"],
}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["0.5", "1", "1.5", "0"]),
            st.sampled_from(["2026-01-01", "2026-01-01T20:00", "2026-01-02", "2026-01", "2026-02-01", ""]),
            st.sampled_from(["Y", "U", "N", ""]),
        ),
        max_size=4,
    )
)
def test_a_hit_exceeds_the_plan_whatever_is_not_known_and_silence_never(told):
    choices = []
    for amount, on, occur in told:
        given_or_not = {"N": [False], "U": [True, False]}.get(occur, [True]) if amount != "0" else [False]
        choices.append([(Decimal(amount), d, g) for d in ANY_DAY.get(on, [on[:10]]) for g in given_or_not])
    exceeds = set()
    for world in product(*choices):
        doses = Counter(day for _, day, was_given in world if was_given)
        amounts = [sum(a for a, d, was_given in world if d == day and was_given) for day in doses]
        exceeds.add(any(number > 1 for number in doses.values()) or any(amount > 1 for amount in amounts))
    rows = [{"ECDOSE": a, "ECDOSU": "MIU", "ECSTDTC": on, "ECOCCUR": occur} for a, on, occur in told]
    answers = {judgement.answer for judgement in judge(*rows)}
    if Answer.HIT in answers:
        assert exceeds == {True}
    elif not answers:
        assert exceeds == {False}


def test_where_two_doses_a_day_are_planned_an_undated_one_may_make_the_amount_too_large():
    book = parse_rulebook(BOOK.text.replace("max_doses_per_day = 1", "max_doses_per_day = 2"), "book.toml")
    dated, undated = {"ECDOSE": "0.6", "ECDOSU": "MIU", "ECSTDTC": "2026-01-01"}, {"ECDOSE": "0.6", "ECDOSU": "MIU"}
    (said,) = judge(dated, undated, book=book)
    assert (said.answer, said.scope) == (Answer.NOT_EVALUABLE, "dose of unknown date")
    assert not judge(dated, undated | {"ECDOSE": "0.4"}, book=book)
