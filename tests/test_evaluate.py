"""Evaluation: every rule speaks about every participant, and what breaks breaks alone."""

from collections import Counter
from dataclasses import replace
from zoneinfo import ZoneInfo

from rules.evaluate import Evaluation, evaluate
from rules.hit import WHOLE_STUDY, Answer, Urgency
from rules.kinds import KINDS
from rules.records import AdverseEvent, Feed, Finding, Participant, StudyView
from rules.rulebook import load_rulebook
from tests.lab_stories import participant, sample
from tests.trial import at

BOOK = load_rulebook("low_dose_il2_sle")
LAB_RULES = {rule.id for rule in BOOK.rules if BOOK.kind_of(rule).domains(BOOK.whens[rule.id]) == {"LB"}}


def judged(*participants: Participant, domains: frozenset[str] = frozenset({"AE", "LB", "EC", "DM"})) -> Evaluation:
    view = StudyView(participants=participants, feed=Feed(domains=domains, participants=len(participants)))
    return evaluate(BOOK, view, at("2014-06-01"), ZoneInfo("Asia/Shanghai"))


def crashed(usubjid: str) -> Participant:
    """A participant whose platelets fell to grade 4, and who had a serious event."""
    labs = [sample("PLAT", day, value, low=125, high=350) for day, value in ((-3, 210), (8, 20))]
    event = AdverseEvent(usubjid=usubjid, key="AE/1", event_key="E1", aeterm="Syncope", aeser="Y")
    return replace(participant(labs), usubjid=usubjid, adverse_events=(event,), findings=tuple(of(labs, usubjid)))


def of(labs: list[Finding], usubjid: str) -> list[Finding]:
    return [replace(lab, usubjid=usubjid, key=f"{usubjid}/{lab.key}") for lab in labs]


def hits(evaluation: Evaluation) -> set[tuple[str, str]]:
    return {(j.rule_id, j.usubjid) for j in evaluation.judgements if j.answer is Answer.HIT and j.usubjid}


def test_every_answer_is_counted():
    evaluation = judged(crashed("P1"), crashed("P2"))
    assert {("CYT-02", "P1"), ("CYT-02", "P2"), ("SAE-01", "P1"), ("SAE-01", "P2")} <= hits(evaluation)
    assert {run.rule_id for run in evaluation.runs} == {rule.id for rule in BOOK.rules}
    for run in evaluation.runs:
        assert run.judged == run.hits + run.clear + run.not_evaluable + run.failed
        assert run.judged == (1 if KINDS[BOOK.rule(run.rule_id).kind].level != "participant" else 2)


def test_labs_that_break_grading_fail_each_lab_rule_for_that_participant_and_nothing_else():
    broken = crashed("P1")
    nothing = replace(broken.findings[0], orres=None)  # type: ignore[arg-type]  what no reader makes
    evaluation = judged(replace(broken, findings=(nothing, *broken.findings[1:])), crashed("P2"))
    assert {failure.usubjid for failure in evaluation.failures} == {"P1"}
    failed = {failure.rule_id for failure in evaluation.failures}
    assert failed >= LAB_RULES
    assert all("LB" in BOOK.kind_of(rule).domains(BOOK.whens[rule.id]) for rule in BOOK.rules if rule.id in failed)
    assert all("grading broke off" in failure.error for failure in evaluation.failures)
    assert {("SAE-01", "P1"), ("SAE-01", "P2"), ("CYT-02", "P2")} <= hits(evaluation)
    assert Counter(run.failed for run in evaluation.runs if run.rule_id in LAB_RULES) == {1: len(LAB_RULES)}


def test_a_rule_that_raises_for_one_participant_hides_no_other():
    broken = replace(crashed("P1"), adverse_events=(None,))  # type: ignore[arg-type]  what no reader makes
    evaluation = judged(broken, crashed("P2"))
    failed = {failure.rule_id for failure in evaluation.failures}
    assert {"SAE-01", "INF-01"} <= failed
    assert not failed & LAB_RULES
    assert {("CYT-02", "P1"), ("CYT-02", "P2"), ("SAE-01", "P2")} <= hits(evaluation)


def test_a_rule_without_any_data_of_its_domain_says_so_once_aloud_and_counts_everybody():
    evaluation = judged(crashed("P1"), crashed("P2"), domains=frozenset({"AE", "EC", "DM"}))
    blind = [j for j in evaluation.judgements if j.reason == "the source holds no LB data"]
    assert {(j.rule_id, j.usubjid, j.scope, j.told) for j in blind} == {(r, "", WHOLE_STUDY, True) for r in LAB_RULES}
    assert len(blind) == len(LAB_RULES)
    counted = {(run.judged, run.not_evaluable) for run in evaluation.runs if run.rule_id in LAB_RULES}
    assert counted == {(2, 2)}
    assert ("SAE-01", "P1") in hits(evaluation)


def test_a_sweep_that_judges_nobody_still_says_which_rules_have_no_data():
    evaluation = judged(domains=frozenset({"AE", "EC", "DM"}))
    assert {j.rule_id for j in evaluation.judgements if j.scope == WHOLE_STUDY} == {
        rule.id for rule in BOOK.rules if (needed := BOOK.kind_of(rule).domains(BOOK.whens[rule.id]))
        and not needed & {"AE", "EC", "DM"}
    }  # fmt: skip


def test_lab_codes_that_no_test_is_known_for_are_one_concern_of_the_feed():
    odd = sample("PLAT", 8, 1, low=0, high=1)
    odd = replace(odd, usubjid="P1", testcd="MORPH", test="Morphology", spec="BLOOD")
    vital = replace(odd, domain="VS", testcd="ODD")
    first, second = crashed("P1"), crashed("P2")
    evaluation = judged(replace(first, findings=(*first.findings, odd, vital)), second)
    (said,) = [j for j in evaluation.judgements if j.rule_id == "FEED-05"]
    assert (said.answer, said.anchors, said.each_anchor_is_news) == (Answer.HIT, {"MORPH in blood"}, True)
    assert said.reason == "MORPH in blood: 1 row of 1 participant"


def test_the_feed_is_not_judged_again_by_rules_that_said_they_are_blind_for_the_whole_study():
    evaluation = judged(crashed("P1"), crashed("P2"), domains=frozenset({"AE"}))
    said = [j.anchors for j in evaluation.judgements if j.rule_id == "FEED-03" and j.answer is Answer.HIT]
    assert not frozenset(LAB_RULES) & frozenset().union(*said)


def test_the_feed_is_judged_by_what_the_other_rules_could_not_tell_now():
    no_unit = replace(crashed("P1"), findings=tuple(replace(f, orresu="") for f in crashed("P1").findings))
    evaluation = judged(no_unit)
    said = [j.anchors for j in evaluation.judgements if j.rule_id == "FEED-03" and j.answer is Answer.HIT]
    assert any("CYT-02" in rule_ids for rule_ids in said)


def test_a_rule_without_any_data_wakes_nobody():
    evaluation = judged(crashed("P1"), domains=frozenset({"AE", "DM"}))  # neither LB nor EC
    blind = {j.rule_id: j for j in evaluation.judgements if j.scope == WHOLE_STUDY}
    assert blind["HEP-02"].urgency is Urgency.SAME_DAY  # an immediate rule
    assert blind["DOS-01"].urgency is Urgency.ROUTINE
    assert blind["HEP-02"].summary == "Transaminases above the limit: the source holds no LB data"
