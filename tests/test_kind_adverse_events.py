"""What the kinds about adverse events say beyond the rule cases: one alert per event, its grade, its evidence."""

import csv
from collections import Counter, defaultdict
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rules.dtc import Dtc
from rules.evaluate import evaluate
from rules.events import events_of, grade_of, has_grade, seriousness_of
from rules.hit import Answer, Urgency
from rules.reading import read_record
from rules.records import AdverseEvent, Disposition, Feed, Participant, StudyView, Subject
from rules.rulebook import load_rulebook, parse_rulebook

BOOK = load_rulebook("cdisc_pilot")
ALL = frozenset({"AE", "DM", "DS", "LB"})


def judge(*participants, book=BOOK):
    view = StudyView(participants=participants, feed=Feed(domains=ALL))
    evaluation = evaluate(book, view, datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))
    assert not evaluation.failures
    said = defaultdict(list)
    for judgement in evaluation.judgements:
        said[judgement.rule_id].append(judgement)
    return said


def event(version=1, **values) -> AdverseEvent:
    return AdverseEvent(
        version=version, key=f"AE{version}", event_key="P1|E1", usubjid="P1", aeterm="HEADACHE", **values
    )


def test_an_event_that_becomes_fatal_is_the_same_concern_at_a_greater_grade():
    before = judge(Participant(usubjid="P1", adverse_events=(event(1, aeshosp="Y"),)))["SAE-01"][0]
    rows = (event(1, aeshosp="Y"), event(2, aeout="FATAL"))
    after = judge(Participant(usubjid="P1", adverse_events=rows))["SAE-01"][0]
    assert before.scope == after.scope
    assert before.anchors < after.anchors
    assert (before.grade, after.grade) == (None, 5)


def test_a_further_criterion_of_a_told_event_is_news():
    rows = (event(1, aeser="Y"), event(2, aeser="Y", aeshosp="Y"))
    before, after = (judge(Participant(usubjid="P1", adverse_events=rows[:n]))["SAE-01"][0] for n in (1, 2))
    assert (before.grade, after.grade) == (None, None)
    assert len(after.anchors - before.anchors) == 1
    assert after.each_anchor_is_news


@pytest.mark.parametrize(
    ("rows", "grade"),
    [
        ([{}], None),
        ([{"aetoxgr": "2"}, {"aetoxgr": "3"}], 3),
        ([{"aetoxgr": "3", "aeslife": "Y"}], 4),
        ([{"aetoxgr": "4", "aesdth": "Y"}], 5),
        ([{"aetoxgr": "Grade 3"}], 3),
        ([{"aetoxgr": "GRADE 5"}], 5),
        ([{"aetoxgr": "SEVERE"}], None),
    ],
)
def test_the_grade_is_the_worst_reported(rows, grade):
    participant = Participant(usubjid="P1", adverse_events=tuple(event(n, **row) for n, row in enumerate(rows, 1)))
    assert grade_of(events_of(participant)[0]) == grade


def test_evidence_holds_the_rows_of_the_event_and_the_values_used():
    hit = judge(
        Participant(usubjid="P1", adverse_events=(event(aeser="N", aeshosp="Y", aerel="RELATED", aeacn="DRUG"),))
    )
    (evidence,) = hit["SAE-01"][0].evidence
    assert (evidence.domain, evidence.key, evidence.version) == ("AE", "AE1", 1)
    assert dict(evidence.values) == {"aeterm": "HEADACHE", "aeser": "N", "aeshosp": "Y"}


@pytest.mark.parametrize(
    ("starts", "onset"),
    [
        (["2014-03-10", "2014-03-08"], "2014-03-08"),
        (["2014-03-10", "2014-03"], "2014-03"),  # may be earlier
        (["2014-04", "2014-03-31"], "2014-03-31"),
        ([None, "2014-03-10"], "2014-03-10"),
        ([None], None),
    ],
)
def test_an_answer_happened_at_the_earliest_onset_of_its_event(starts, onset):
    rows = tuple(
        event(n, aeser="Y", aedecod="SEPSIS", aestdtc=start and Dtc.parse(start)) for n, start in enumerate(starts, 1)
    )
    said = judge(Participant(usubjid="P1", adverse_events=rows))
    for rule in ("SAE-01", "SAE-02", "INF-01", "INF-02"):
        assert [j.at and j.at.text for j in said[rule]] in ([onset], []), rule
    assert said["SAE-01"]


def test_rows_without_an_event_key_are_events_of_their_own():
    rows = tuple(AdverseEvent(key=f"AE{n}", usubjid="P1", aeser="Y") for n in (1, 2))
    assert {hit.scope for hit in judge(Participant(usubjid="P1", adverse_events=rows))["SAE-01"]} == {"AE1", "AE2"}


def test_infection_evidence_names_what_it_rests_on():
    soc = "INFECTIONS AND INFESTATIONS"
    hit = judge(Participant(usubjid="P1", adverse_events=(event(aeser="Y", aedecod="SEPSIS", aesoc=soc),)))
    for rule in ("INF-01", "INF-02"):
        values = dict(hit[rule][0].evidence[0].values)
        assert (values["aesoc"], values["aedecod"]) == (soc, "SEPSIS")
    assert hit["INF-02"][0].summary == "Infection of special interest (sepsis): HEADACHE"


CHECKS = "criterion_without_aeser = true\naeser_without_criterion = true\nfatal_without_aesdth = true"


@pytest.mark.parametrize(
    ("only", "told"),
    [
        (
            "criterion_without_aeser = true",
            ["AESER is N although AESHOSP = Y (needs or prolongs hospitalisation)", "AESER is 'U', neither Y nor N"],
        ),
        (
            "aeser_without_criterion = true",
            [
                "AESER is Y although no criterion is (AESMIE, other medically important event, is not recorded)",
                "AESER is 'U', neither Y nor N",
            ],
        ),
        ("fatal_without_aesdth = true", ["AEOUT is FATAL although AESDTH is N"]),
    ],
)
def test_each_disagreement_is_looked_for_alone(only, told):
    book = parse_rulebook(BOOK.text.replace(CHECKS, only), "book.toml")
    rows = ({"aeser": "N", "aeshosp": "Y"}, {"aeser": "Y", "aeshosp": "N"}, {"aeser": "U"},
            {"aeser": "Y", "aeshosp": "Y", "aesdth": "N", "aeout": "FATAL"})  # fmt: skip
    events = tuple(AdverseEvent(key=f"AE{n}", usubjid="P1", aeterm="PAIN", **row) for n, row in enumerate(rows, 1))
    said = judge(Participant(usubjid="P1", adverse_events=events), book=book)["SAE-02"]
    assert [judgement.reason for judgement in said] == told


def test_a_death_is_one_alert_from_dm_and_ds():
    subject = Subject(key="DM1", version=1, usubjid="P1", dthfl="Y")
    ended = Disposition(key="DS1", version=2, usubjid="P1", dsdecod="DEATH")
    (hit,) = judge(Participant(usubjid="P1", subject=subject, dispositions=(ended,)))["SAE-02b"]
    assert [evidence.domain for evidence in hit.evidence] == ["DM", "DS"]
    assert hit.reason == "DM and DS tell of a death and no adverse event is fatal"


def _participants(rows):
    by_subject = defaultdict(list)
    for number, row in enumerate(rows):
        by_subject[row["USUBJID"]].append(
            read_record(
                "AE", row, version=number, key=str(number), event_key=f"{row['USUBJID']}|{row.get('AESPID', number)}"
            )
        )
    return [Participant(usubjid=usubjid, adverse_events=tuple(events)) for usubjid, events in by_subject.items()]


def test_cdisc_pilot_serious_events_and_disagreements(data):
    with (data / "cdiscpilot01/ae.csv").open() as file:
        said = judge(*_participants(list(csv.DictReader(file))))
    serious = said["SAE-01"]
    assert {judgement.answer for judgement in serious} == {Answer.HIT}
    assert len(serious) == 3 + 29
    assert sum(judgement.grade == 5 for judgement in serious) == 3
    reasons = Counter(judgement.reason.split(" although")[0] for judgement in said["SAE-02"])
    assert reasons["AESER is N"] == 29
    assert not said["INF-02"]


def test_a_study_without_classes_tells_each_grave_event_that_no_list_knows_and_its_blindness_once(data):
    with (data / "cdiscpilot01/ae.csv").open() as file:
        rows = [{**row, "AEBODSYS": "", "AESOC": ""} for row in csv.DictReader(file)]
    people = _participants(rows)
    said = judge(*people, book=load_rulebook("low_dose_il2_sle"))
    grave = {event.key for one in people for event in events_of(one) if _is_grave(event)}
    told = {judgement.scope for judgement in said["CLS-01"] if judgement.told}
    elsewhere = ("CV-01", "CV-02", "NEU-01", "MAL-01", "INF-01", "INF-04")
    known = {judgement.scope for rule in elsewhere for judgement in said[rule] if judgement.answer is Answer.HIT}
    assert grave - known <= told <= grave  # whichever no rule tells of is told as not evaluable, and none is clear
    assert len(told & known) == 6  # of those another list knows a part only
    assert (len(grave), len(told)) == (55, 41)
    assert {judgement.urgency for judgement in said["CLS-01"]} == {Urgency.SAME_DAY}
    assert any("CLS-01" in judgement.anchors for judgement in said["FEED-03"])


def _is_grave(event):
    return seriousness_of(event).serious is True or has_grade(event, 3).holds is True
