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
from rules.records import AdverseEvent, Feed, HealthcareEncounter, Participant, StudyView, Subject
from rules.rulebook import RulebookError, load_rulebook, parse_rulebook

BOOK = load_rulebook("low_dose_il2_sle")
SLACK = 1  # as the book has it
NOT_SERIOUS = dict.fromkeys(("aeser", "aesdth", "aeslife", "aeshosp", "aesdisab", "aescong"), "N")
OPEN = timedelta(days=120)  # longer than anything here lasts


def judge(stay: tuple[str, str], *events: AdverseEvent, subject: Subject | None = None, **values: str):
    begin, end = (Dtc.parse(text) if text else None for text in stay)
    dated = {"version": 9, "key": "HO1", "usubjid": "P1", "hoterm": "Hospital", "hostdtc": begin, "hoendtc": end}
    row = HealthcareEncounter(**dated | values)
    participant = Participant(usubjid="P1", subject=subject, encounters=(row,), adverse_events=events)
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


def expected_of(stay: tuple[str, str], illness: tuple[str, str]) -> list[Answer]:
    """What the rule answers, by trying all the days that the dates of a stay and of an illness allow."""
    slack = timedelta(days=SLACK)
    meets = {
        first <= end + slack and begin <= last + slack
        for (first, last), (begin, end) in product(courses(*stay), courses(*illness))
    }
    return {(True,): [], (False,): [Answer.HIT], (False, True): [Answer.NOT_EVALUABLE]}[tuple(sorted(meets))]


texts = st.sampled_from(
    ["2026-01", "2026-02", *(f"2026-0{month}-{day:02}" for month in (1, 2) for day in (1, 2, 15, 28))]
)
periods = st.tuples(texts, st.one_of(st.just(""), texts)).filter(lambda period: courses(*period))


@settings(max_examples=200, deadline=None)
@given(periods, periods)
@example(("2026-01-02", "2026-01-02"), ("2026-01-15", "2026-01-28"))  # a stay of one day has its end
@example(("2026-01-02", "2026-01"), ("2026-01-15", "2026-01-15"))  # an end of a month may be on its first day
def test_only_an_event_that_meets_the_stay_whatever_its_days_silences_the_rule(stay, illness):
    answers = [said.answer for said in judge(stay, event(*illness, aeser="Y", aeshosp="Y"))]
    assert answers == expected_of(stay, illness)


def test_an_end_before_its_begin_is_mistyped_and_counts_as_not_known():
    (said,) = judge(("2026-01-10", "2025-01-12"), event("2026-01-20", "2026-01-21", aeser="Y"))
    assert said.answer is Answer.NOT_EVALUABLE


def test_evidence_is_the_stay_and_what_was_recorded_at_that_time():
    later = event("2026-03-01", "2026-03-02", **NOT_SERIOUS, key="AE2")
    (said,) = judge(("2026-01-10", "2026-01-12"), event("2026-01-09", "2026-01-11", **NOT_SERIOUS), later)
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
    partial = event("2026-01", "2026-01", **NOT_SERIOUS, key="AE1")
    certain = event("2026-01-11", "2026-01-11", **NOT_SERIOUS, key="AE2")
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


@pytest.mark.parametrize(
    ("stay", "illness"),
    [
        (("2026-01-15", "2026-01-20"), ("2026-01", "2026-01")),
        (("2026-01-15", "2026-02"), ("2026-02-20", "2026-02-21")),
        (("2026-01", "2026-01-20"), ("2026-01-25", "2026-01-26")),
        (("2026-01", ""), ("2026-01-15", "2026-01-15")),
        (("2026-01", "2026-02"), ("2026-01-15", "2026-02-15")),
        (("2026-01", "2026-02"), ("2026-02-01", "2026-02-01")),
        (("2026-01", "2026-02"), ("2026-02-02", "2026-02-02")),
        (("2026-01-15", "2026-01"), ("2026-01-17", "2026-01-17")),
        (("2026-01-15", "2026-01"), ("2026-01-16", "2026-01-16")),
    ],
)
def test_partial_dates_leave_open_just_what_they_do(stay, illness):
    answers = [said.answer for said in judge(stay, event(*illness, aeser="Y", aeshosp="Y"))]
    assert answers == expected_of(stay, illness)


def test_the_last_end_of_an_events_records_is_its_end():
    rows = [event("2026-01-01", end, key=f"AE{n}", aespid="E1", aeser="Y", aeshosp="Y")
            for n, end in enumerate(("2026-01", "2026-02-20", "2026-02-03"))]  # fmt: skip
    assert judge(("2026-02-10", "2026-02-12"), *rows) == []
    assert [said.answer for said in judge(("2026-02-25", "2026-02-26"), *rows)] == [Answer.HIT]


def test_a_stay_that_ended_with_the_first_dose_is_no_history():
    dosed = Subject(rfxstdtc=Dtc.parse("2026-01-12T09:00:00"))
    assert judge(("2026-01-10", "2026-01-12T09:00:00"), subject=dosed)
    assert not judge(("2026-01-10", "2026-01-12T08:59:59"), subject=dosed)


def test_a_stay_of_which_ho_says_that_it_occurred_is_one():
    assert [said.answer for said in judge(("2026-01-10", "2026-01-12"), hooccur="Y")] == [Answer.HIT]
    (said,) = judge(("2026-01-10", "2026-01-12"), hooccur="U")
    assert (said.answer, said.reason) == (Answer.NOT_EVALUABLE, "HOOCCUR is 'U', neither Y nor N")


def test_what_was_recorded_at_that_time_is_named():
    rows = [event("2026-01-11", "2026-01-11", **NOT_SERIOUS, key=f"AE{n}", aeterm=name)
            for n, name in enumerate(("COUGH", "FEVER"))]  # fmt: skip
    (said,) = judge(("2026-01-10", "2026-01-12"), event("2026-01", "2026-01", **NOT_SERIOUS, key="AE9"), *rows)
    assert said.reason == "recorded at that time and not as serious: 'COUGH', 'FEVER'"
    (said,) = judge(("2026-01-10", "2026-01-12"), event("2026-01", "2026-01", **NOT_SERIOUS))
    assert said.reason == (
        "no adverse event is certainly of that time; not serious and with dates that may be: 'COLITIS'"
    )
