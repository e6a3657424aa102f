"""Samples that the plan asks for, through the sweep: overdue by time alone, and taken back when the result comes."""

from zoneinfo import ZoneInfo

import pytest

from rules.context import Context
from rules.dtc import Dtc
from rules.kinds import expected_sample
from rules.records import Participant, Subject
from rules.rulebook import Rule, load_rulebook
from tests.trial import Trial, at

PLAN = {"tests": ["PLAT"], "entry_grace_days": 2}


def test_a_missing_sample_is_told_when_its_time_is_over_and_taken_back_when_the_result_comes(tmp_path, store):
    trial = Trial(tmp_path / "in", store)
    trial.add("DM", USUBJID="P1", RFXSTDTC="2026-01-05")
    trial.add("EC", USUBJID="P1", ECOCCUR="Y", ECSTDTC="2026-01-05T09:00")
    for test in ("WBC", "NEUT", "LYM", "HGB"):
        trial.add("LB", USUBJID="P1", LBTESTCD=test, LBORRES="5", LBORRESU="10^9/L", LBDTC="2026-01-05T08:00")

    def told() -> list[tuple[str, str]]:
        return [(found.action, found.scope) for found in trial.decisions() if found.rule_id == "LAB-01"]

    trial.sweep(at("2026-01-06"))
    trial.sweep(at("2026-01-07"))
    assert told() == []
    trial.sweep(at("2026-01-08"))  # nothing has changed in the files
    assert told() == [("notify", "before cycle 1")]
    trial.add("LB", USUBJID="P1", LBTESTCD="PLAT", LBORRES="200", LBORRESU="10^9/L", LBDTC="2026-01-05T08:00")
    trial.sweep(at("2026-01-09"))
    assert told() == [("notify", "before cycle 1"), ("retract", "before cycle 1")]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "needs either at_weeks or before_cycles_days"),
        ({"at_weeks": [2], "window_days": 3, "before_cycles_days": 3}, "needs either at_weeks or before_cycles_days"),
        ({"at_weeks": [2]}, "window_days belongs to at_weeks"),
        ({"before_cycles_days": 3, "window_days": 3}, "window_days belongs to at_weeks"),
        ({"at_weeks": [4, 2, 3], "window_days": 4}, "windows of 4 days either side overlap"),
        ({"before_cycles_days": 3, "tests": ["PLT2"]}, "'PLT2' is no known test"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(given, why):
    with pytest.raises(ValueError, match=why):
        expected_sample.When.model_validate(PLAN | given)


def test_windows_that_touch_without_a_day_in_common_are_taken():
    expected_sample.When.model_validate(PLAN | {"at_weeks": [2, 3], "window_days": 3})


def test_a_sample_of_one_day_is_named_by_it_and_a_test_that_no_rule_asks_for_leaves_none_blind():
    when = expected_sample.When.model_validate(PLAN | {"at_weeks": [2], "window_days": 0})
    rule = Rule.model_validate(
        {"id": "LAB-99", "title": "t", "kind": "expected_sample", "protocol_section": "1", "urgency": "routine",
         "action": "look"}
    )  # fmt: skip
    dosed = Subject(usubjid="P1", rfxstdtc=Dtc.parse("2026-01-05"))
    header = load_rulebook("low_dose_il2_sle").header
    context = Context(now=at("2026-02-01"), zone=ZoneInfo("UTC"), header=header, graded={})
    (hit,) = expected_sample.judge(rule, when, Participant(usubjid="P1", subject=dosed), context)
    assert hit.reason == "Platelets: no result of 2026-01-19 by 2026-01-22 00:00 study time"
