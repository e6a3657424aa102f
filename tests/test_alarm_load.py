"""Alarm load as a figure: what is counted, and that the founding study's rulebook stays quiet without a drug."""

from datetime import UTC, datetime
from functools import cache
from statistics import mean

import pytest

from alerts.decide import CALLING
from monitor.alarm_load import load_of_background
from monitor.demo.background import DAYS, FIRST_DAY, background, moment, view_on
from monitor.demo.place import ZONE
from monitor.demo.script import SCRIPT
from monitor.demo.stage import first_good_look, staged_cohort
from monitor.demo.swings import REALISTIC, STEROID, Variability
from rules.dtc import Dtc
from rules.evaluate import Evaluation, evaluate
from rules.hit import Answer, Failure, Judgement, Urgency
from rules.load import MONTH_DAYS, Load, alarm_load, months_at_risk, together
from rules.records import AdverseEvent, Dose, Finding, MedicalHistory, Participant
from rules.rulebook import load_rulebook

BOOK = load_rulebook("low_dose_il2_sle")
UNTIL = datetime(2014, 6, 30, 12, tzinfo=UTC)
SEEDS = range(1, 16)


def finding(day: str) -> Finding:
    return Finding(dtc=Dtc.parse(day))


def dose(day: str) -> Dose:
    return Dose(stdtc=Dtc.parse(day))


@pytest.mark.parametrize(
    ("records", "days"),
    [
        ({"doses": (dose("2014-03-03"),)}, 1),
        ({"doses": (dose("2014-03-03"),), "findings": (finding("2014-02-20"), finding("2014-03-31"))}, 29),
        ({"findings": (finding("2014-02-20"), finding("2014-02-28"))}, 9),  # never dosed: from the first record
        ({"doses": (dose("2014-03-03"),), "findings": (finding("2041-03-31"),)}, 1),  # a mistyped year is no risk
        ({"findings": (finding("2014-06-30"), finding("2014-07-01"))}, 1),  # nothing after the day of looking
        ({"findings": (finding("2014-02-20"), finding("2014-03"))}, 1),  # a month is no day
        ({"history": (MedicalHistory(mhstdtc=Dtc.parse("1990-01-01")),)}, 0),
        ({"adverse_events": (AdverseEvent(aestdtc=Dtc.parse("2014-03-01"), aeendtc=Dtc.parse("2014-03-04")),)}, 1),
        ({}, 0),
    ],
)
def test_a_participant_is_at_risk_from_the_first_dose_to_the_last_dated_record(records, days):
    found = months_at_risk(Participant(usubjid="01", **records), "not-given", UNTIL)
    assert found == pytest.approx(days / MONTH_DAYS)


def said(answer: Answer, usubjid: str = "01", *, rule: str = "SAE-01", anchors: str = "a", **more) -> Judgement:
    values = {"scope": "s", "summary": "", "reason": "", "urgency": Urgency.IMMEDIATE} | more
    return Judgement(rule_id=rule, usubjid=usubjid, answer=answer, anchors=frozenset(anchors), **values)


def load_of(*judgements: Judgement) -> Load:
    evaluation = Evaluation(judgements=judgements, failures=(), runs=(), due={})
    people = tuple(Participant(usubjid=f"0{n}", findings=(finding("2014-03-03"),)) for n in (1, 2))
    return alarm_load(BOOK, people, evaluation, UNTIL)


def test_an_episode_is_one_alert_whatever_it_holds():
    load = load_of(
        said(Answer.HIT, anchors="ab"),
        said(Answer.HIT, anchors="cd", each_anchor_is_news=True),
        said(Answer.HIT, "02", recovery="recovered"),
        said(Answer.HIT, "02", urgency=Urgency.ROUTINE),
        said(Answer.CLEAR, "02"),
    )
    (rule,) = (rule for rule in load.rules if rule.total)
    assert (rule.rule_id, rule.total, rule.alerts[Urgency.IMMEDIATE]) == ("SAE-01", 4, 3)
    assert load.alerts(Urgency.IMMEDIATE) == 3
    assert load.rate(1) == pytest.approx(40 * MONTH_DAYS / 2)


def test_what_is_said_of_the_feed_or_of_the_whole_study_is_nobodys_alert():
    load = load_of(said(Answer.HIT, "", rule="FEED-01"), said(Answer.NOT_EVALUABLE, "", rule="QT-01"))
    assert not any(rule.total for rule in load.rules)
    assert "FEED-01" not in {rule.rule_id for rule in load.rules}
    assert {rule.rule_id for rule in load.rules if rule.not_evaluable_share == 1} == {"QT-01"}


def test_who_is_not_evaluable_is_a_share_of_the_participants():
    load = load_of(said(Answer.NOT_EVALUABLE), said(Answer.NOT_EVALUABLE, scope="other"), said(Answer.HIT))
    (rule,) = (rule for rule in load.rules if rule.rule_id == "SAE-01")
    assert (rule.not_evaluable, rule.not_evaluable_share) == (1, 0.5)


def test_nobody_at_risk_has_no_rate():
    assert alarm_load(BOOK, (), Evaluation(judgements=(), failures=(), runs=(), due={}), UNTIL).rate(0) is None


@cache
def quiet(seed: int, variability: Variability) -> Load:
    cohort = background(seed, variability)
    view, now = view_on(cohort, DAYS), moment(cohort, DAYS)
    evaluation = evaluate(BOOK, view, now, ZONE)
    assert not evaluation.failures
    return alarm_load(BOOK, view.participants, evaluation, now)


def rate(seed: int, variability: Variability) -> float:
    load = quiet(seed, variability)
    found = load.rate(load.alerts(Urgency.IMMEDIATE))
    assert found is not None
    return found


def test_several_cohorts_are_counted_as_one():
    one, other, both = quiet(1, REALISTIC), quiet(2, REALISTIC), load_of_background(BOOK, REALISTIC, 2)
    assert (both.participants, both.months) == (80, pytest.approx(one.months + other.months))
    for urgency in Urgency:
        assert both.alerts(urgency) == one.alerts(urgency) + other.alerts(urgency)
    for rule, first, second in zip(both.rules, one.rules, other.rules, strict=True):
        assert rule.rule_id == first.rule_id == second.rule_id
        assert rule.not_evaluable_share == pytest.approx((first.not_evaluable + second.not_evaluable) / 80)


def test_a_rule_that_broke_is_counted_so_that_nobody_believes_the_figure():
    broken = Failure(rule_id="SAE-01", usubjid="01", error="ValueError: no")
    load = alarm_load(BOOK, (), Evaluation(judgements=(), failures=(broken,), runs=(), due={}), UNTIL)
    assert (load.failed, together([load, load]).failed) == (1, 2)


def test_without_drug_effect_fewer_than_one_immediate_mail_in_forty_participant_months():
    assert 0 < mean(rate(seed, REALISTIC) for seed in SEEDS) < 1


def test_swings_as_of_steroids_alarm_more_but_do_not_flood():
    assert rate(1, REALISTIC) < mean(rate(seed, STEROID) for seed in SEEDS[:5]) < 3


def test_falls_that_are_not_immediate_are_told_in_the_days_mail():
    """Quiet, not silent: what is kept from the night is not hidden."""
    assert sum(quiet(seed, REALISTIC).alerts(Urgency.SAME_DAY) for seed in SEEDS) > 100


ASK_THE_LEDGER = {"dosed_on_hold", "reporting_clock"}
"""Kinds that ask what was known when, which records alone do not tell."""


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_no_incident_is_lost_in_the_swings(seed: int):
    cohort = staged_cohort(seed, FIRST_DAY, REALISTIC)
    asked = [
        (incident, must)
        for incident in SCRIPT
        if incident.who
        for must in incident.must
        if must.actions & CALLING and BOOK.rule(must.rule).kind not in ASK_THE_LEDGER
    ]
    assert len(asked) > 15
    for incident, must in asked:
        person = cohort.person(incident.who)
        day = first_good_look(person.day(must.day))
        evaluation = evaluate(BOOK, view_on(cohort, day, [person.usubjid]), moment(cohort, day), ZONE)
        hits = {j.rule_id for j in evaluation.judgements if j.answer is Answer.HIT and j.usubjid}
        assert must.rule in hits, f"{incident.title}: no {must.rule} on day {day}"
