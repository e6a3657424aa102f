"""What a recorded amount of 0 is to each kind that asks about doses: placebo in one study, no dose in another."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rules.evaluate import evaluate
from rules.hit import Answer, Judgement
from rules.reading import read_record
from rules.records import DOMAINS, PLACES, Feed, Participant, StudyView
from rules.rulebook import load_rulebook, parse_rulebook

BOOK = load_rulebook("low_dose_il2_sle")
NOW = datetime(2026, 5, 20, 20, tzinfo=UTC)
TEXT = BOOK.text.replace('least_per_day = { value = 0.9, unit = "MIU" }', "").replace("wrong_route = true", "")
"""No book with placebo may ask for either."""

BOOKS = {
    meaning: parse_rulebook(TEXT.replace('zero_dose = "not-given"', f'zero_dose = "{meaning}"'), "book.toml")
    for meaning in ("placebo", "not-given")
}
FIRST, ZERO = {"ECSTDTC": "2026-05-04T09:00", "ECDOSE": "1"}, {"ECSTDTC": "2026-05-04T09:00", "ECDOSE": "0"}
UNDATED = ZERO | {"ECSTDTC": ""}
HEADACHE = {"AETERM": "Headache", "AETOXGR": "3", "AEREL": "Y"}
MILD = HEADACHE | {"AESPID": "E1", "AETOXGR": "1", "AESTDTC": "2026-05-01", "AEDTC": "2026-05-02"}
URTICARIA = {"AETERM": "Urticaria"}
SHARED = {"EC": {"ECDOSU": "MIU", "ECOCCUR": "Y"}, "AE": {"AESER": "N"}}


def judge(meaning: str, rule_id: str, rows: dict[str, list[dict[str, str]]]) -> list[Judgement]:
    """What a rule says of a participant whose row in DM tells of no dose."""
    records: dict[str, Any] = {"subject": read_record("DM", {"SUBJID": "1"}, version=0, key="DM")}
    version = 0
    for domain, given in rows.items():
        read = []
        for values in given:
            version += 1
            key, event = f"{domain}{version}", values.get("AESPID", f"{version}")
            read.append(read_record(domain, SHARED.get(domain, {}) | values, version=version, key=key, event_key=event))
        records[PLACES[domain]] = (*records.get(PLACES[domain], ()), *read)
    view = StudyView(participants=(Participant(usubjid="P1", **records),), feed=Feed(domains=frozenset(DOMAINS)))
    evaluation = evaluate(BOOKS[meaning], view, NOW, ZoneInfo("Asia/Shanghai"))
    assert not evaluation.failures
    return [judgement for judgement in evaluation.judgements if judgement.rule_id == rule_id]


@pytest.mark.parametrize(
    ("says", "rule_id", "rows", "placebo", "not_given"),
    [
        (
            "a planned dose of 0 is missed unless it was placebo",
            "DOS-01",
            {"EC": [FIRST | {"ECSTDTC": "2026-05-17"}, ZERO | {"ECSTDTC": "2026-05-19"}]},
            [],
            [Answer.HIT],
        ),
        (
            "somebody whose doses were all placebo follows the plan too",
            "DOS-01",
            {"EC": [ZERO | {"ECSTDTC": "2026-05-13"}]},
            [Answer.HIT, Answer.HIT],  # the two that followed
            [Answer.HIT],  # the record itself
        ),
        (
            "that a dose was placebo says nothing of when the first one was",
            "DOS-01",
            {"EC": [UNDATED]},
            [Answer.NOT_EVALUABLE],
            [Answer.HIT],
        ),
        (
            "two placebos in a day are two doses",
            "OVD-01",
            {"EC": [ZERO, ZERO | {"ECSTDTC": "2026-05-04T20:00"}]},
            [Answer.HIT],
            [],
        ),
        (
            "placebo in a rest phase is a dose outside the plan",
            "DOS-04",
            {"EC": [FIRST, ZERO | {"ECSTDTC": "2026-05-20T09:00"}]},
            [Answer.HIT],
            [],
        ),
        (
            "whoever got placebo was treated, and must have been eligible",
            "ELG-01",
            {"EC": [ZERO], "IE": [{"IETESTCD": "EXCL05", "IECAT": "EXCLUSION", "IEORRES": "Y"}]},
            [Answer.HIT],
            [],
        ),
        (
            "urticaria an hour after an injection of placebo may be a reaction to it",
            "HYP-01",
            {"EC": [ZERO], "AE": [URTICARIA | {"AESTDTC": "2026-05-04T10:00"}]},
            [Answer.HIT],
            [],
        ),
        (
            "a placebo of no known date may have come before any urticaria",
            "HYP-01",
            {"EC": [UNDATED], "AE": [URTICARIA | {"AESTDTC": "2026-05-04T10:00"}]},
            [Answer.NOT_EVALUABLE],
            [],
        ),
        (
            "a placebo of a known date was the only dose, and came after the urticaria",
            "HYP-01",
            {"EC": [ZERO], "AE": [URTICARIA | {"AESTDTC": "2026-05-03T10:00"}]},
            [],
            [],
        ),
        (
            "nor is its date known where that of another dose is",
            "HYP-01",
            {"EC": [FIRST, UNDATED], "AE": [URTICARIA | {"AESTDTC": "2026-05-25T10:00"}]},
            [Answer.NOT_EVALUABLE],
            [],
        ),
        (
            "a placebo that was given takes its place in the plan, so that no dose is left unrecorded",
            "HYP-01",
            {
                "EC": [
                    *(FIRST | {"ECSTDTC": f"2026-05-{day:02}T08:00"} for day in (4, 6, 8, 10, 12, 15)),
                    ZERO | {"ECSTDTC": "2026-05-14T08:00"},
                ],
                "AE": [URTICARIA | {"AESTDTC": "2026-05-17T10:00"}],
            },
            [],
            [Answer.NOT_EVALUABLE],
        ),
        (
            "what began between placebo and a first dose of the drug began under treatment",
            "AE-02",
            {
                "EC": [ZERO, FIRST | {"ECSTDTC": "2026-05-06"}],
                "AE": [HEADACHE | {"AESTDTC": "2026-05-05"}],
            },
            [Answer.HIT],
            [],
        ),
        (
            "what became worse after a placebo became worse under treatment",
            "AE-02",
            {"EC": [ZERO], "AE": [MILD, MILD | {"AETOXGR": "3", "AEDTC": "2026-05-10"}]},
            [Answer.HIT],
            [],
        ),
        (
            "what began before or after a placebo of no known date may have begun under treatment",
            "AE-02",
            {"EC": [UNDATED], "AE": [HEADACHE | {"AESTDTC": "2026-05-05"}]},
            [Answer.HIT],
            [],
        ),
    ],
)  # fmt: skip
def test_zero_is_a_dose_only_where_it_means_placebo(says, rule_id, rows, placebo, not_given):
    found = {
        meaning: [said.answer for said in judge(meaning, rule_id, rows) if said.answer is not Answer.CLEAR]
        for meaning in BOOKS
    }
    assert found == {"placebo": placebo, "not-given": not_given}, says


@pytest.mark.parametrize(
    ("events", "doubt"),
    [
        ([HEADACHE | {"AESTDTC": "2026-05-04"}], "begun before or after the first dose (onset 2026-05-04"),
        (
            [MILD, MILD | {"AETOXGR": "3", "AEDTC": "2026-05-04"}],
            "become worse before or after the first dose (onset 2026-05-01",
        ),
    ],
)
def test_a_doubt_names_the_placebo_that_was_the_first_dose(events, doubt):
    (hit,) = judge("placebo", "AE-02", {"EC": [ZERO], "AE": events})
    assert hit.reason.endswith(f"may have {doubt}, first dose 2026-05-04T09:00)")


def test_the_plan_is_laid_out_from_the_placebo_that_was_the_first_dose():
    doses = [ZERO, FIRST | {"ECSTDTC": "2026-05-06T08:00"}]
    (unknown,) = judge("placebo", "HYP-01", {"EC": doses, "AE": [URTICARIA | {"AESTDTC": "2026-05-08T10:00"}]})
    assert "whether planned dose C1D5 was given before it is not recorded" in unknown.reason


@pytest.mark.parametrize(("meaning", "answers"), [("placebo", []), ("not-given", [Answer.NOT_EVALUABLE])])
def test_that_ec_and_ex_differ_about_an_amount_is_said_only_where_it_tells_no_arm(meaning, answers):
    smaller = {"EXSTDTC": "2026-05-04T09:00", "EXDOSE": "0.5", "EXDOSU": "MIU"}
    said = judge(meaning, "OVD-01", {"EC": [FIRST], "EX": [smaller]})
    assert [one.answer for one in said if one.answer is not Answer.CLEAR] == answers
