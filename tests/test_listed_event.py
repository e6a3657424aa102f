"""What a rulebook may ask of an adverse event beyond the shipped rules, and how it is said."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rules.evaluate import evaluate
from rules.hit import Answer, Judgement
from rules.kinds.listed_event import When, describe
from rules.reading import read_record
from rules.records import DOMAINS, Feed, Participant, StudyView
from rules.rulebook import load_rulebook, parse_rulebook

BOOK = load_rulebook("low_dose_il2_sle").text
ASKED = 'groups = ["capillary-leak"]'
ANSWERED = dict.fromkeys(("AESER", "AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG"), "N")


def judged(criterion: str, *rows: dict[str, str]) -> list[Judgement]:
    """Judge one event, told by some rows, by rule CLS-01 with another criterion."""
    assert BOOK.count(ASKED) == 1
    book = parse_rulebook(BOOK.replace(ASKED, criterion), "x")
    records = [
        read_record("AE", {"USUBJID": "P1", **ANSWERED, **row}, version=n, key=f"AE{n}", event_key="E1")
        for n, row in enumerate(rows)
    ]
    view = StudyView(
        participants=(Participant(usubjid="P1", adverse_events=tuple(records)),),
        feed=Feed(domains=frozenset(DOMAINS)),
    )
    said = evaluate(book, view, datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
    assert said.failures == ()
    return [judgement for judgement in said.judgements if judgement.rule_id == "CLS-01"]


@pytest.mark.parametrize(
    ("criterion", "row", "answer"),
    [
        ('groups = ["oedema"]\nnot_serious = true', {"AETERM": "Oedema"}, Answer.HIT),
        ('groups = ["oedema"]\nnot_serious = true', {"AETERM": "Oedema", "AESER": "Y"}, None),
        ('groups = ["oedema"]\nnot_serious = true', {"AETERM": "Oedema", "AESER": ""}, Answer.HIT),
        ('groups = ["oedema"]\nnot_serious = true', {"AETERM": "Oedema", "AESER": "?"}, Answer.NOT_EVALUABLE),
        ('groups = ["oedema"]\nmin_grade = 2', {"AETERM": "Oedema", "AETOXGR": "2"}, Answer.HIT),
        ('groups = ["oedema"]\nmin_grade = 2', {"AETERM": "Oedema", "AETOXGR": "1"}, None),
        ('groups = ["oedema"]\nmin_grade = 4', {"AETERM": "Oedema", "AESLIFE": "Y"}, Answer.HIT),
        ('groups = ["oedema"]\nmin_grade = 5', {"AETERM": "Oedema", "AEOUT": "FATAL"}, Answer.HIT),
        ('groups = ["haemolysis"]', {"AETERM": "Haemolytic anaemia"}, Answer.HIT),
        ('terms = ["cherry angioma", "cat scratch"]', {"AETERM": "CAT-SCRATCH, left arm"}, Answer.HIT),
        ('terms = ["cherry angioma", "cat scratch"]', {"AETERM": "Bite", "AEDECOD": "BITE", "AESOC": "Injury"}, None),
        ('terms = ["cherry angioma", "cat scratch"]', {"AETERM": "Dog bite", "AEDECOD": "BITE"}, Answer.NOT_EVALUABLE),
        ('socs = ["Eye disorders"]', {"AETERM": "X", "AESOC": "Eye disorders (10015919)"}, Answer.HIT),
        ('socs = ["Eye disorders"]', {"AETERM": "X", "AESOC": "Ear disorders"}, None),
        ('socs = ["Eye disorders"]', {"AETERM": "X", "AESOC": "UNCODED"}, Answer.NOT_EVALUABLE),
        ('flags = ["AESCAN"]', {"AETERM": "X", "AEDECOD": "X", "AESCAN": "N"}, None),
        ('flags = ["AESCAN"]', {"AETERM": "X", "AESCAN": "N"}, None),
        ('flags = ["AESCAN"]', {"AETERM": "X", "AESCAN": ""}, Answer.NOT_EVALUABLE),
        ('actions = ["DRUG INTERRUPTED"]\nrelated_only = true', {"AEACN": "drug interrupted"}, Answer.HIT),
        ('actions = ["DRUG INTERRUPTED"]\nrelated_only = true', {"AEACN": "DRUG INTERRUPTED", "AEREL": "N"}, None),
    ],
)
def test_every_criterion_narrows(criterion, row, answer):
    said = judged(criterion, row)
    assert [judgement.answer for judgement in said] == ([answer] if answer else [])


def test_rows_of_one_event_are_judged_together():
    said = judged(
        'groups = ["oedema"]\nmin_grade = 3', {"AETERM": "Swollen legs"}, {"AETERM": "Oedema", "AETOXGR": "3"}
    )
    assert [judgement.answer for judgement in said] == [Answer.HIT]
    assert said[0].anchors == {"E1"}
    assert {evidence.key for evidence in said[0].evidence} == {"AE0", "AE1"}


def test_the_answer_says_what_matched_and_every_reason():
    (said,) = judged('groups = ["oedema"]\nmin_grade = 3\nrelated_only = true', {"AETERM": "水肿", "AESEV": "severe"})
    assert said.summary == "Oedema: 水肿"
    assert said.reason == (
        "AETERM '水肿' matches '水肿' of oedema (term list: vigil); AESEV = SEVERE counts as grade 3; "
        "AEREL is empty, so it may be related; "
        "may have begun before or after the first dose (onset not known, date of the first dose not known)"
    )


def test_every_criterion_is_in_the_words_to_be_signed():
    when = When(
        groups=("oedema",), terms=("cat scratch",), socs=("Eye",), flags=("AESOD",), within_hours_after_dose=36,
        min_grade=2, related_only=True, actions=("DRUG INTERRUPTED",), not_serious=True, treatment_emergent_only=True,
    )  # fmt: skip
    words = describe(when)
    for said in ("(oedema)", "(cat scratch)", "(Eye)", "AESOD = Y", "36 h", "grade 2", "AEREL", "DRUG INTERRUPTED",
                 "not serious", "treatment-emergent"):  # fmt: skip
        assert said in words


def test_a_seriousness_that_nobody_can_read_is_said():
    (said,) = judged('groups = ["oedema"]\nnot_serious = true', {"AETERM": "Oedema", "AESER": "?"})
    assert "AESER" in said.reason
    assert "not serious" not in said.reason
    (said,) = judged('groups = ["oedema"]\nnot_serious = true', {"AETERM": "Oedema"})
    assert "; not serious" in said.reason


def test_what_a_flag_says_that_cannot_be_read_is_quoted():
    (said,) = judged('flags = ["AESCAN"]', {"AETERM": "X", "AESCAN": "U"})
    assert said.reason.startswith("not flagged; AESCAN is 'U', neither Y nor N")
