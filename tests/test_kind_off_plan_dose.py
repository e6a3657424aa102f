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
FAULTS = "outside_windows = true\nafter_end = true\nmin_gap_hours = 36"
PERFORMED = {"ECTRT": "ALDESLEUKIN", "ECLOT": "LOT7", "ECDOSE": "37", "ECDOSU": "MIU", "ECOCCUR": "Y"}


def judge(*days: str, book=BOOK):
    doses = tuple(
        read_record("EC", {"USUBJID": "P1", **PERFORMED, "ECSTDTC": day}, version=number, key=f"EC{number}")
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
    ],
)
def test_each_fault_is_looked_for_alone(only, days):
    book = parse_rulebook(BOOK.text.replace(FAULTS, only), "book.toml")
    doses = ["2026-01-01T08:00", "2026-01-13T08:00", "2026-01-16T08:00", "2026-01-17T07:59"]
    assert [said.scope.removeprefix("dose of ") for said in judge(*doses, book=book)] == days


def test_a_rule_that_looks_for_nothing_does_not_load():
    with pytest.raises(RulebookError, match="name at least one of outside_windows, after_end, min_gap_hours"):
        parse_rulebook(BOOK.text.replace(FAULTS, "after_end = false"), "book.toml")


def test_only_windows_need_a_plan():
    needs = KINDS["off_plan_dose"].needs_dosing_plan
    assert needs(BOOK.whens["DOS-04"])
    assert not needs(When(after_end=True, min_gap_hours=36))
