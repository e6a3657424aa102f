"""What kind `unmatched_admission` says beyond its rule cases: partial dates by brute force, evidence, words."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.dtc import Dtc
from rules.evaluate import evaluate
from rules.hit import Answer
from rules.records import AdverseEvent, Feed, HealthcareEncounter, Participant, StudyView
from rules.rulebook import RulebookError, load_rulebook, parse_rulebook

BOOK = load_rulebook("low_dose_il2_sle")
SLACK = 1  # as the book has it
OPEN = timedelta(days=120)  # longer than anything here lasts


def judge(stay: tuple[str, str], *events: AdverseEvent):
    begin, end = (Dtc.parse(text) if text else None for text in stay)
    row = HealthcareEncounter(version=9, key="HO1", usubjid="P1", hoterm="Hospital", hostdtc=begin, hoendtc=end)
    participant = Participant(usubjid="P1", encounters=(row,), adverse_events=events)
    view = StudyView(participants=(participant,), feed=Feed(domains=frozenset({"AE", "HO"})))
    evaluation = evaluate(BOOK, view, datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
    assert not evaluation.failures
    return [judgement for judgement in evaluation.judgements if judgement.rule_id == "HO-01"]


def event(begin: str, end: str, **values) -> AdverseEvent:
    dates = {"aestdtc": Dtc.parse(begin) if begin else None, "aeendtc": Dtc.parse(end) if end else None}
    return AdverseEvent(**{"version": 1, "key": "AE1", "usubjid": "P1", "aeterm": "COLITIS"} | dates | values)


def days(text: str) -> list[date]:
    """Every day that a date allows."""
    dtc = Dtc.parse(text)
    first = dtc.earliest.date()
    return [first + timedelta(days=n) for n in range((dtc.latest.date() - first).days + 1)]


def courses(begin: str, end: str) -> set[tuple[date, date]]:
    """Every begin and end that two dates allow; without an end it may last one day or as long as may be."""
    if not end:
        return {(first, first + length) for first in days(begin) for length in (timedelta(), OPEN)}
    return {(first, last) for first, last in product(days(begin), days(end)) if first <= last}


texts = st.sampled_from(
    ["2026-01", "2026-02", *(f"2026-0{month}-{day:02}" for month in (1, 2) for day in (1, 2, 15, 28))]
)
periods = st.tuples(texts, st.one_of(st.just(""), texts)).filter(lambda period: courses(*period))


@settings(max_examples=200, deadline=None)
@given(periods, periods)
@example(("2026-01-02", "2026-01-02"), ("2026-01-15", "2026-01-28"))  # a stay of one day has its end
@example(("2026-01-02", "2026-01"), ("2026-01-15", "2026-01-15"))  # an end of a month may be on its first day
def test_only_an_event_that_meets_the_stay_whatever_its_days_silences_the_rule(stay, illness):
    slack = timedelta(days=SLACK)
    meets = {
        first <= end + slack and begin <= last + slack
        for (first, last), (begin, end) in product(courses(*stay), courses(*illness))
    }
    expected = {(True,): [], (False,): [Answer.HIT], (False, True): [Answer.NOT_EVALUABLE]}[tuple(sorted(meets))]
    assert [said.answer for said in judge(stay, event(*illness, aeser="Y", aeshosp="Y"))] == expected


def test_an_end_before_its_begin_is_mistyped_and_counts_as_not_known():
    (said,) = judge(("2026-01-10", "2025-01-12"), event("2026-01-20", "2026-01-21", aeser="Y"))
    assert said.answer is Answer.NOT_EVALUABLE


def test_evidence_is_the_stay_and_what_was_recorded_at_that_time():
    answers = dict.fromkeys(("aeser", "aesdth", "aeslife", "aeshosp", "aesdisab", "aescong"), "N")
    later = event("2026-03-01", "2026-03-02", **answers, key="AE2")
    (said,) = judge(("2026-01-10", "2026-01-12"), event("2026-01-09", "2026-01-11", **answers), later)
    assert (said.answer, said.scope, said.anchors, said.at.text) == (Answer.HIT, "HO1", {"HO1"}, "2026-01-10")
    assert [(record.domain, record.key, record.version) for record in said.evidence] == [
        ("HO", "HO1", 9),
        ("AE", "AE1", 1),
    ]
    assert dict(said.evidence[0].values) == {"hoterm": "Hospital", "hostdtc": "2026-01-10", "hoendtc": "2026-01-12"}
    assert said.summary == "An admission without a serious adverse event: Hospital on 2026-01-10"


def test_a_term_without_a_word_does_not_load():
    with pytest.raises(RulebookError, match="rule HO-01: when: admissions: '-' holds no word"):
        parse_rulebook(BOOK.text.replace('"inpatient"', '"-"'), "book.toml")


def test_an_event_that_is_certainly_of_that_time_is_shown_first():
    answers = dict.fromkeys(("aeser", "aesdth", "aeslife", "aeshosp", "aesdisab", "aescong"), "N")
    partial = event("2026-01", "2026-01", **answers, key="AE1")
    certain = event("2026-01-11", "2026-01-11", **answers, key="AE2")
    (said,) = judge(("2026-01-10", "2026-01-12"), partial, certain)
    assert [record.key for record in said.evidence] == ["HO1", "AE2", "AE1"]


@pytest.mark.parametrize(
    ("stay", "said", "expected"),
    [
        ("2026-01-06", {}, []),  # it was still there the day before
        ("2026-01-20", {}, [Answer.NOT_EVALUABLE]),
        ("2026-01-20", {"aeout": "RECOVERED/RESOLVED"}, [Answer.NOT_EVALUABLE]),  # nobody knows when
        ("2026-01-20", {"aeout": "Not recovered"}, []),
        ("2026-01-20", {"aeenrtpt": "ongoing"}, []),
        ("2025-12-20", {"aeenrtpt": "ongoing"}, [Answer.HIT]),
    ],
)
def test_an_event_without_an_end_lasted_until_it_was_last_seen(stay: str, said: dict[str, str], expected: list[Answer]):
    illness = event("2026-01-01", "", aedtc=Dtc.parse("2026-01-05"), aeser="Y", aeshosp="Y", **said)
    assert [judgement.answer for judgement in judge((stay, stay), illness)] == expected
