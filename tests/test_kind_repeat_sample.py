"""Repeats of abnormal results through the sweep: chased, told as late, taken back where they were only entered late."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from rules.calendar import calendar
from rules.evaluate import context_with_hits, evaluate
from rules.kinds import KINDS
from rules.kinds.repeat_sample import When
from rules.reading import read_record
from rules.records import Feed, Participant, StudyView
from rules.rulebook import RulebookError, load_rulebook, parse_rulebook
from tests.trial import Trial, at

BOOK = load_rulebook("low_dose_il2_sle")
SHANGHAI = ZoneInfo("Asia/Shanghai")
PLAN = {"after": ["CYT-02"], "within_hours": 72, "entry_grace_days": 2}


def platelets(trial: Trial, result: str, when: str) -> None:
    values = {"LBTESTCD": "PLAT", "LBORRES": result, "LBORRESU": "10^9/L", "LBORNRLO": "125", "LBORNRHI": "350"}
    trial.add("LB", USUBJID="P1", LBDTC=when, **values)


@pytest.fixture
def trial(tmp_path, store) -> Trial:
    """Platelets of grade 3 on 12 January: a repeat is due by 15 January 08:00, its entry by 17 January 08:00."""
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1", RFXSTDTC="2026-01-05")
    trial.add("EC", USUBJID="P1", ECOCCUR="Y", ECSTDTC="2026-01-05T09:00")
    platelets(trial, "200", "2026-01-05T08:00")
    platelets(trial, "38", "2026-01-12T08:00")
    trial.sweep(at("2026-01-12"))
    trial.sweep(at("2026-01-16"))
    assert told(trial) == []
    trial.sweep(at("2026-01-17", 1))  # nothing has changed in the files
    assert told(trial) == [("notify", "same-day")]
    return trial


def told(trial: Trial) -> list[tuple[str, str]]:
    return [(found.action, found.urgency) for found in trial.decisions() if found.rule_id == "LAB-03"]


def test_a_repeat_that_is_drawn_late_is_told_as_late_and_a_person_closes_the_alert(trial):
    platelets(trial, "210", "2026-01-18T08:00")
    trial.sweep(at("2026-01-18"))
    trial.sweep(at("2026-01-19"))
    assert told(trial) == [("notify", "same-day"), ("recovery", "routine")]
    (alert,) = (alert for alert in trial.alerts() if alert.rule_id == "LAB-03")
    assert alert.state == "open"
    assert alert.recovery == "repeated late, due by 2026-01-15 08:00: Platelets 210 10^9/L on 2026-01-18T08:00"


def test_a_repeat_that_was_drawn_in_time_and_entered_late_takes_the_alert_back(trial):
    platelets(trial, "40", "2026-01-14T08:00")
    trial.sweep(at("2026-01-18"))
    assert told(trial) == [("notify", "same-day"), ("retract", "same-day")]


def test_a_correction_of_the_abnormal_result_takes_it_back_too(trial):
    trial.rows["lb"][1]["LBORRES"] = "138"
    trial.sweep(at("2026-01-18"))
    assert told(trial) == [("notify", "same-day"), ("retract", "same-day")]


@pytest.mark.parametrize(
    ("moment", "repeat", "became"),
    [
        (at("2026-01-13"), None, "to be drawn"),
        (at("2026-01-15"), None, "overdue"),
        (at("2026-01-15"), "2026-01-14T08:00", "received"),
        (at("2026-01-17"), "2026-01-16T08:00", "repeated late"),
        (at("2026-01-17"), "2026-01", "not known whether it was repeated"),
    ],
)
def test_the_calendar_shows_a_repeat_on_the_day_by_which_it_is_due(moment, repeat, became):
    view = view_of(("200", "2026-01-05T08:00"), ("38", "2026-01-12T08:00"), repeat)
    lines = calendar(view.participants[0], BOOK, context_with_hits(BOOK, view, moment, SHANGHAI))
    found = [(str(line.on), line.days, line.what, line.became) for line in lines if line.what.startswith("repeat")]
    assert found == [("2026-01-15", "by 2026-01-15 08:00", "repeat of Platelets (LAB-03)", became)]


def view_of(*results) -> StudyView:
    rows = [("210", result) if isinstance(result, str) else result for result in results if result]
    values = {"USUBJID": "P1", "LBTESTCD": "PLAT", "LBORRESU": "10^9/L", "LBORNRLO": "125", "LBORNRHI": "350"}
    labs = (
        read_record("LB", {**values, "LBORRES": result, "LBDTC": when}, version=number, key=f"LB{number}")
        for number, (result, when) in enumerate(rows)
    )
    subject = read_record("DM", {"RFXSTDTC": "2026-01-05"}, version=9, key="DM")
    participant = Participant(usubjid="P1", subject=subject, findings=tuple(labs))
    return StudyView(participants=(participant,), feed=Feed(domains=frozenset({"LB"})))


def test_a_rule_that_failed_fails_what_follows_it_so_that_nothing_is_taken_back(monkeypatch):
    def broken(*_):
        raise ValueError("broken")

    monkeypatch.setitem(KINDS, "lab_toxicity", replace(KINDS["lab_toxicity"], judge=broken))
    evaluation = evaluate(BOOK, view_of(("38", "2026-01-12")), at("2026-02-01"), SHANGHAI)
    failures = {failure.rule_id: failure.error for failure in evaluation.failures}
    assert failures["LAB-03"] == "RuntimeError: rule CYT-01 failed"
    assert "LAB-04" not in failures


@pytest.mark.parametrize(
    ("after", "sentence"),
    [
        ('["HEP-01", "HEP-09"]', "rule LAB-04: when: after: there is no rule 'HEP-09'"),
        ('["HEP-01", "SAE-01"]', "rule LAB-04: when: after: 'SAE-01' is no rule about results of tests"),
        ('["HEP-01", "LAB-04"]', "rule LAB-04: when: after: 'LAB-04' is no rule about results of tests"),
        ("[]", "rule LAB-04: when: after: "),
    ],
)
def test_a_book_whose_repeats_follow_no_rule_about_results_is_refused(after, sentence):
    text = BOOK.text.replace('after = ["HEP-01", "HEP-02"]', f"after = {after}")
    with pytest.raises(RulebookError, match=sentence):
        parse_rulebook(text, "book")


@pytest.mark.parametrize("fault", [{"tests": ["PLT2"]}, {"min_grade": 5}, {"within_hours": 0}, {"min_grades": 3}])
def test_a_repeat_that_makes_no_sense_is_refused(fault):
    When.model_validate(PLAN)
    with pytest.raises(ValueError, match=next(iter(fault))):
        When.model_validate(PLAN | fault)


def test_a_repeat_that_stays_as_abnormal_is_chased_in_its_turn(trial):
    platelets(trial, "26", "2026-01-18T08:00")
    trial.sweep(at("2026-01-18"))
    trial.sweep(at("2026-01-22"))
    assert told(trial) == [("notify", "same-day"), ("recovery", "routine")]
    trial.sweep(at("2026-01-23", 1))  # nothing has changed in the files
    trial.sweep(at("2026-02-28"))
    assert told(trial) == [("notify", "same-day"), ("recovery", "routine"), ("notify", "same-day")]
