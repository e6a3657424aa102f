"""The quiet cohort through whole sweeps: asked of everybody, and not taken back by a look at some."""

from datetime import timedelta

import pytest
from sqlmodel import select

from alerts.tables import Decision, RuleRun
from rules.rulebook import RulebookError, load_rulebook, parse_rulebook
from tests.trial import Trial, at

BOOK = load_rulebook("low_dose_il2_sle").text
START = at("2025-12-01")
ASKED = START + timedelta(days=161)


def silent_trial(tmp_path, store, people: int = 12) -> Trial:
    trial = Trial(tmp_path / "in", store)
    for number in range(people):
        who = f"SYN-{number:03}"
        trial.add("dm", USUBJID=who, RFSTDTC="2025-12-01", RFXSTDTC="2025-12-01")
        trial.add("ec", USUBJID=who, ECOCCUR="Y", ECPRESP="Y", ECSTDTC="2025-12-01")
    trial.add("ae", USUBJID="SYN-000", AESPID="E1", AETERM="Headache", AESER="N", AESTDTC="2025-12-04")
    return trial


def decided(store) -> list[Decision]:
    with store.read() as session:
        return list(session.exec(select(Decision).where(Decision.rule_id == "SIG-04").order_by(Decision.id)))


def test_it_is_told_once_for_the_daily_mail_and_taken_back_when_events_are_entered(tmp_path, store):
    trial = silent_trial(tmp_path, store)
    trial.sweep(START)
    trial.sweep(ASKED - timedelta(days=1))
    assert [(one.action, one.told) for one in decided(store)] == [("cannot tell", False)]
    asked = trial.sweep(ASKED)
    (told,) = [one for one in decided(store) if one.action == "notify"]
    assert (told.urgency, told.told, told.usubjid) == ("routine", True, "")
    assert told.summary == "Data query: 1 of 12 participants have any adverse event"
    assert told.reason.endswith("This asks whether events are collected and entered, and says nothing about safety")
    with store.read() as session:
        assert session.get_one(RuleRun, (asked.sweep_id, "SIG-04")).hits == 1
    for number in range(1, 11):
        trial.add("ae", USUBJID=f"SYN-{number:03}", AESPID="E1", AETERM="Headache", AESER="N", AESTDTC="2026-01-04")
    some = trial.sweep(ASKED + timedelta(minutes=15))  # a look at those whom the data touched
    assert some.judged == 10
    assert [one.action for one in decided(store)] == ["cannot tell", "notify", "resolve"]
    with store.read() as session:
        assert session.get(RuleRun, (some.sweep_id, "SIG-04")) is None
    trial.sweep(ASKED + timedelta(days=1))
    assert [one.action for one in decided(store)] == ["cannot tell", "notify", "resolve", "retract"]


def test_a_look_at_some_says_nothing_of_a_cohort_that_cannot_be_judged_yet(tmp_path, store):
    trial = silent_trial(tmp_path, store)
    trial.sweep(START)
    trial.add("ae", USUBJID="SYN-001", AESPID="E1", AETERM="Headache", AESER="N", AESTDTC="2025-12-04")
    trial.sweep(START + timedelta(minutes=15))
    assert [one.action for one in decided(store)] == ["cannot tell"]


@pytest.mark.parametrize(
    ("sound", "broken", "said"),
    [
        ("with_event = 68", "with_event = 106", "when: comparable.0: with_event 106 is more than participants 105"),
        ("observed_days = 161", "observed_days = 0", "when: observed_days: must be greater than or equal to 1, not 0"),
        ("correlation = 0.05", "correlation = 0", "when: correlation: must be greater than 0, not 0"),
        ("probability = 0.01\ncomp", "probability = 0.5\ncomp", "when: probability: must be less than 0.5, not 0.5"),
        ('"placebo, 24 weeks, Wallace 2018, Lancet 392:222"', '" "', "when: comparable.0.source: must not be empty"),
    ],
)
def test_a_fault_is_one_sentence(sound, broken, said):
    assert sound in BOOK
    with pytest.raises(RulebookError) as error:
        parse_rulebook(BOOK.replace(sound, broken, 1), "book.toml")
    assert str(error.value).startswith(f"rulebook book.toml: rule SIG-04: {said}"), error.value


def test_cohorts_without_or_with_nothing_but_events_are_comparable_with_nothing():
    text = BOOK.replace("with_event = 68", "with_event = 105").replace("with_event = 28", "with_event = 42")
    with pytest.raises(RulebookError, match="SIG-04: when: comparable: some participants must have had an event"):
        parse_rulebook(text, "book.toml")
