"""Deciding: what is told, told again, amended, retracted, held back; and what changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alerts.decide import Action, Sight, Standing, StandingAlert, decide
from rules.hit import WHOLE_STUDY, Answer, Consequence, Evidence, Extent, Judgement, Urgency

LOW = Evidence(domain="LB", key="P1/PLAT/d8", version=11, values=(("lborres", "45"), ("atoxgrl", "3")))
HIT = Judgement(
    rule_id="CYT-02",
    usubjid="P1",
    scope="PLAT",
    anchors=frozenset({"P1/PLAT/d8"}),
    answer=Answer.HIT,
    summary="Platelets 45: grade 3",
    reason="new grade 3",
    urgency=Urgency.SAME_DAY,
    consequence=Consequence.WATCH,
    grade=3,
    evidence=(LOW,),
)
ALERT = StandingAlert(
    id=7,
    rule_id="CYT-02",
    usubjid="P1",
    scope="PLAT",
    anchors=HIT.anchors,
    state="open",
    standing=True,
    summary=HIT.summary,
    grade=3,
    urgency=HIT.urgency,
    consequence=HIT.consequence,
    evidence=HIT.evidence,
    opened_at=datetime(2014, 3, 9, tzinfo=UTC),
)
SIGHT = Sight(usubjids=frozenset({"P1", ""}), rule_ids=frozenset({"CYT-02"}))
TOLD = Standing(alerts=(ALERT,))


def corrected(**values):
    return replace(LOW, version=12, values=tuple(values.items()))


def only(decisions):
    assert len(decisions) == 1, decisions
    return decisions[0]


def test_a_new_hit_is_told():
    decision = only(decide([HIT], Standing(), SIGHT))
    assert (decision.action, decision.told, decision.alert, decision.reason) == (
        Action.NOTIFY,
        True,
        None,
        "new grade 3",
    )


@pytest.mark.parametrize("state", ["open", "acknowledged", "closed"])
def test_an_unchanged_hit_adds_nothing_whatever_the_alerts_state(state):
    assert decide([HIT], Standing(alerts=(replace(ALERT, state=state),)), SIGHT) == ()


HITS = [
    # what is judged now, action, told, what the reason names
    (replace(HIT, grade=4), Action.RENOTIFY, True, "grade 4, told before as grade 3"),
    (replace(HIT, consequence=Consequence.HOLD), Action.RENOTIFY, True, "now a hold criterion"),
    (replace(HIT, urgency=Urgency.IMMEDIATE), Action.RENOTIFY, True, "now immediate"),
    (replace(HIT, grade=2), Action.AMEND, True, "now grade 2, told before as grade 3"),
    (replace(HIT, evidence=(corrected(lborres="44", atoxgrl="3"),)), Action.AMEND, True, "lborres 44, was 45"),
    (replace(HIT, anchors=HIT.anchors | {"P1/PLAT/d15"}), Action.EXTEND, False, "goes on"),
]


@pytest.mark.parametrize(("hit", "action", "told", "named"), HITS)
def test_a_hit_that_differs_from_what_was_told(hit, action, told, named):
    decision = only(decide([hit], TOLD, SIGHT))
    assert (decision.action, decision.told, decision.alert) == (action, told, ALERT)
    assert named in decision.reason


def test_where_each_anchor_is_news_a_further_one_is_told():
    more = replace(HIT, anchors=HIT.anchors | {"P1/PLAT/d15"}, each_anchor_is_news=True)
    decision = only(decide([more], TOLD, SIGHT))
    assert (decision.action, decision.told) == (Action.RENOTIFY, True)


def out(value: object, said: str = "", test: str = "PLAT", side: str = "low") -> Extent:
    return Extent(test=test, side=side, unit="10^9/L", value=Decimal(value), said=said or f"{value} 10^9/L")


@pytest.mark.parametrize("state", ["open", "acknowledged", "closed"])
@pytest.mark.parametrize(
    ("told", "now", "worse"),
    [
        ([out(45)], [out(30)], "further out than told: Platelets 30 10^9/L, told before as 45 10^9/L"),
        ([out(45)], [out("30.1")], ""),
        ([out(45)], [out(45)], ""),
        ([out(45)], [out(45), out(20, test="NEUT")], "not told yet: Neutrophils 20 10^9/L"),
        ([], [out(1)], ""),  # told before extents were written
        ([out(45)], [], ""),
    ],
)
def test_what_is_a_step_further_out_than_told_is_told_again_within_one_grade(told, now, worse: str, state: str):
    alert = replace(ALERT, state=state, extent=tuple(told))
    decisions = decide([replace(HIT, extent=tuple(now))], Standing(alerts=(alert,)), SIGHT)
    assert [(d.action, d.told, d.reason) for d in decisions] == (
        [(Action.RENOTIFY, True, f"{worse}: new grade 3")] if worse else []
    )


def test_further_out_by_a_correction_is_told_again_with_the_correction():
    alert = replace(ALERT, extent=(out(45),))
    hit = replace(HIT, extent=(out(20),), evidence=(corrected(lborres="20", atoxgrl="3"),))
    decision = only(decide([hit], Standing(alerts=(alert,)), SIGHT))
    assert decision.action is Action.RENOTIFY
    assert decision.reason.endswith("new grade 3; corrected at source: LB record P1/PLAT/d8: lborres 20, was 45")


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ([out(68)], "corrected at source: now Platelets 68 10^9/L, told before as 45 10^9/L"),
        ([out(2, test="NEUT")], "not told yet: Neutrophils 2 10^9/L: new grade 3"),
        ([out(45)], ""),
        ([out(67)], ""),
    ],
)
def test_what_is_less_far_out_than_told_by_a_correction_is_amended(now, reason: str):
    """Of a record that was not the evidence told, too: else what comes next would be compared with what never was."""
    alert = replace(ALERT, extent=(out(45),))
    hit = replace(HIT, extent=tuple(now))
    decisions = decide([hit], Standing(alerts=(alert,)), SIGHT)
    assert [d.reason.split("; corrected")[0] for d in decisions] == ([reason] if reason else [])
    assert {d.action for d in decisions} <= {Action.AMEND, Action.RENOTIFY}


def test_a_correction_beside_news_does_not_hide_the_news():
    more = replace(
        HIT,
        anchors=HIT.anchors | {"P1/PLAT/d15"},
        each_anchor_is_news=True,
        evidence=(corrected(lborres="44", atoxgrl="3"),),
    )
    both = "new grade 3; corrected at source: LB record P1/PLAT/d8: lborres 44, was 45"
    decision = only(decide([more], TOLD, SIGHT))
    assert (decision.action, decision.reason) == (Action.RENOTIFY, f"more than told before: {both}")
    decision = only(decide([more], Standing(alerts=(replace(ALERT, state="closed"),)), SIGHT))
    assert (decision.action, decision.reason.endswith(f": {both}")) == (Action.REOPEN, True)


def test_a_new_version_with_the_same_values_adds_nothing():
    again = replace(HIT, evidence=(replace(LOW, version=99),))
    assert decide([again], TOLD, SIGHT) == ()


def test_less_urgent_alone_adds_nothing():
    assert decide([replace(HIT, urgency=Urgency.ROUTINE)], TOLD, SIGHT) == ()


def test_withdrawn_evidence_of_a_hit_that_stands_is_amended():
    decision = only(decide([replace(HIT, evidence=())], replace(TOLD, withdrawn=frozenset({("LB", LOW.key)})), SIGHT))
    assert (decision.action, decision.reason) == (Action.AMEND, "withdrawn at source: LB record P1/PLAT/d8")


@pytest.mark.parametrize(
    ("hit", "action"),
    [
        (HIT, None),
        (replace(HIT, anchors=frozenset({"P1/PLAT/d8", "P1/PLAT/d15"})), Action.REOPEN),
        (replace(HIT, anchors=frozenset({"P1/PLAT/d15"})), Action.NOTIFY),
        (replace(HIT, anchors=frozenset({"P1/PLAT/d8", "P1/PLAT/d15"}), grade=4), Action.RENOTIFY),
    ],
)
def test_a_closed_alert_is_told_again_on_evidence_that_was_not_there_at_closing(hit, action):
    closed = replace(ALERT, state="closed")
    told = [d for d in decide([hit], Standing(alerts=(closed,)), SIGHT) if d.told]
    assert [(d.action, d.alert is closed) for d in told] == ([(action, action is not Action.NOTIFY)] if action else [])


UNGRADED = replace(HIT, answer=Answer.NOT_EVALUABLE, reason="no unit", told=False)
NOW_128 = replace(TOLD, current={("LB", LOW.key): {"lborres": "128", "lborresu": "10^9/L"}})
SILENCES = [
    # how the alert came to silence, standing, sight, others, reason
    (TOLD, SIGHT, [], "corrected at source: does not meet the criterion any more"),
    (replace(TOLD, withdrawn=frozenset({("LB", LOW.key)})), SIGHT, [], "withdrawn at source: LB record P1/PLAT/d8"),
    (
        NOW_128,
        SIGHT,
        [],
        "corrected at source: LB record P1/PLAT/d8: lborres 128, was 45: does not meet the criterion any more",
    ),
    (
        replace(NOW_128, current={("LB", LOW.key): {"lborres": "", "lborresu": "g/L"}}),
        SIGHT,
        [UNGRADED],
        "corrected at source: LB record P1/PLAT/d8: lborres empty, was 45: can no longer be evaluated: no unit",
    ),
    (
        NOW_128,
        SIGHT,
        [replace(UNGRADED, answer=Answer.CLEAR, reason="met by history")],
        "corrected at source: LB record P1/PLAT/d8: lborres 128, was 45: no longer an alert: met by history",
    ),
    (
        replace(TOLD, current={("LB", LOW.key): {"lborres": "45"}}),
        SIGHT,
        [],
        "corrected at source: does not meet the criterion any more",
    ),
    (TOLD, replace(SIGHT, rule_ids=frozenset()), [], "rule CYT-02 is not in the rulebook now in force"),
    (TOLD, replace(SIGHT, rulebook_changed=True), [], "does not meet the criterion of the rulebook now in force"),
    (TOLD, SIGHT, [UNGRADED], "can no longer be evaluated: no unit"),
]


@pytest.mark.parametrize(("standing", "sight", "others", "reason"), SILENCES)
def test_a_told_alert_that_is_no_longer_a_hit_is_retracted_and_told(standing, sight, others, reason):
    decision = next(d for d in decide(others, standing, sight) if d.action is Action.RETRACT)
    assert (decision.told, decision.alert, decision.reason) == (True, ALERT, reason)
    blind = "evaluated" in reason or "not in the rulebook" in reason
    assert decision.judgement.answer is (Answer.NOT_EVALUABLE if blind else Answer.CLEAR)
    assert decision.judgement.evidence == ALERT.evidence
    assert bool(decision.corrected) is (", was " in reason)


def test_what_a_correction_says_now_is_kept_beside_what_was_told_and_a_derived_value_stays():
    decision = only(decide([], NOW_128, SIGHT))
    assert [record.values for record in decision.corrected] == [(("lborres", "128"), ("atoxgrl", "3"))]


def test_a_closed_alert_is_retracted_without_a_mail():
    decision = only(decide([], Standing(alerts=(replace(ALERT, state="closed"),)), SIGHT))
    assert (decision.action, decision.told) == (Action.RETRACT, False)


UNSEEN = [
    replace(SIGHT, usubjids=frozenset({"P2", ""})),  # the participant was not judged
    replace(SIGHT, failed=frozenset({("CYT-02", "P1")})),  # the rule raised
]


@pytest.mark.parametrize("sight", UNSEEN)
def test_silence_of_who_did_not_look_means_nothing(sight):
    assert decide([], TOLD, sight) == ()


def test_a_retracted_alert_is_told_once():
    assert decide([], Standing(alerts=(replace(ALERT, standing=False),)), SIGHT) == ()


def test_a_retracted_hit_that_returns_is_told():
    decision = only(decide([HIT], Standing(alerts=(replace(ALERT, standing=False),)), SIGHT))
    assert (decision.action, decision.told) == (Action.REINSTATE, True)


def test_another_rule_participant_or_scope_is_another_concern():
    for other in (replace(HIT, rule_id="CYT-01"), replace(HIT, usubjid="P2"), replace(HIT, scope="NEUT")):
        sight = Sight(usubjids=frozenset({"P1", "P2", ""}), rule_ids=frozenset({"CYT-01", "CYT-02"}))
        actions = {d.action for d in decide([HIT, other], TOLD, sight)}
        assert actions == {Action.NOTIFY}


def test_two_episodes_find_each_its_own_alert():
    later = replace(HIT, anchors=frozenset({"P1/PLAT/d40", "P1/PLAT/d43"}), evidence=())
    second = replace(ALERT, id=9, anchors=frozenset({"P1/PLAT/d40"}), evidence=())
    decision = only(decide([later, HIT], Standing(alerts=(ALERT, second)), SIGHT))
    assert (decision.action, decision.alert) == (Action.EXTEND, second)


def test_a_late_sample_that_joins_two_episodes_retracts_neither():
    joined = replace(HIT, anchors=frozenset({"P1/PLAT/d8", "P1/PLAT/d20", "P1/PLAT/d40"}), evidence=())
    second = replace(ALERT, id=9, anchors=frozenset({"P1/PLAT/d40"}), evidence=())
    decision = only(decide([joined], Standing(alerts=(replace(ALERT, evidence=()), second)), SIGHT))
    assert (decision.action, decision.alert.id) == (Action.EXTEND, 7)


def test_an_episode_split_by_a_correction_keeps_its_alert_and_opens_one_more():
    alert = replace(ALERT, anchors=frozenset({"a", "b", "c"}), evidence=())
    first, second = replace(HIT, anchors=frozenset({"a", "b"}), evidence=()), replace(HIT, anchors=frozenset({"c"}))
    decisions = decide([first, second], Standing(alerts=(alert,)), SIGHT)
    assert [d.action for d in decisions] == [Action.NOTIFY]
    both = (alert, replace(ALERT, id=9, anchors=frozenset({"c"})))
    assert decide([first, second], Standing(alerts=both), SIGHT) == ()


@pytest.mark.parametrize("words", ["present at first sweep", "present when the rule came into force"])
def test_what_a_rule_finds_at_first_sight_is_marked_for_the_digest(words):
    decision = only(decide([HIT], Standing(), replace(SIGHT, new_rules={"CYT-02": words})))
    assert (decision.action, decision.at_first_sight, decision.reason) == (Action.NOTIFY, True, f"{words}: new grade 3")


KEY = ("CYT-02", "P1", "PLAT")


@pytest.mark.parametrize(
    ("answer", "action"), [(Answer.NOT_EVALUABLE, Action.CANNOT_TELL), (Answer.CLEAR, Action.HOLD_BACK)]
)
def test_another_answer_is_written_once_and_again_when_it_changes(answer, action):
    judgement = replace(UNGRADED, answer=answer)
    assert only(decide([judgement], Standing(), SIGHT)).action is action
    assert decide([judgement], Standing(answers={KEY: (answer, "no unit")}), SIGHT) == ()
    assert only(decide([judgement], Standing(answers={KEY: (answer, "text result")}), SIGHT)).action is action


def test_a_not_evaluable_answer_is_told_where_its_kind_says_so():
    assert [only(decide([replace(UNGRADED, told=told)], Standing(), SIGHT)).told for told in (True, False)] == [
        True,
        False,
    ]


def test_an_answer_that_no_longer_holds_is_resolved_when_its_rule_looked():
    standing = Standing(answers={KEY: (Answer.NOT_EVALUABLE, "no unit")})
    decision = only(decide([], standing, SIGHT))
    assert (decision.action, decision.told, decision.reason) == (
        Action.RESOLVE,
        False,
        "no longer not evaluable: no unit",
    )
    assert [decide([], standing, sight) for sight in UNSEEN] == [(), ()]


def test_a_feed_that_recovers_says_it_is_over():
    alert = replace(ALERT, rule_id="FEED-01", usubjid="", scope="feed", evidence=())
    sight = Sight(usubjids=frozenset({""}), rule_ids=frozenset({"FEED-01"}))
    assert only(decide([], Standing(alerts=(alert,)), sight)).reason == "over: the criterion is no longer met"


BLIND = replace(UNGRADED, usubjid="", scope=WHOLE_STUDY, reason="the source holds no LB data", told=True)
WAS_BLIND = Standing(answers={("CYT-02", "", WHOLE_STUDY): (Answer.NOT_EVALUABLE, BLIND.reason)})


def test_a_rule_that_is_blind_for_the_whole_study_is_told_once():
    decision = only(decide([BLIND], Standing(), SIGHT))
    assert (decision.action, decision.told, decision.reason) == (Action.CANNOT_TELL, True, BLIND.reason)
    assert decide([BLIND], WAS_BLIND, SIGHT) == ()


def test_when_its_data_comes_that_is_told_and_what_it_finds_goes_into_the_digest():
    told, resolved = decide([HIT], WAS_BLIND, SIGHT)
    assert (told.action, told.at_first_sight) == (Action.NOTIFY, True)
    assert told.reason == "present when its data first came: new grade 3"
    assert (resolved.action, resolved.told, resolved.judgement.urgency) == (Action.RESOLVE, True, Urgency.ROUTINE)
    assert resolved.reason == "no longer not evaluable: the source holds no LB data"


def test_a_blind_rule_that_leaves_the_rulebook_is_resolved_without_a_word():
    decision = only(decide([], WAS_BLIND, replace(SIGHT, rule_ids=frozenset())))
    assert (decision.action, decision.told) == (Action.RESOLVE, False)


def test_an_alert_of_a_rule_that_is_blind_now_can_no_longer_be_evaluated():
    retracted = next(d for d in decide([BLIND], TOLD, SIGHT) if d.action is Action.RETRACT)
    assert retracted.judgement.answer is Answer.NOT_EVALUABLE
    assert retracted.reason == "can no longer be evaluated: the source holds no LB data"


RECOVERED = replace(HIT, recovery="recovered: Platelets 180 on day 22")
OVER = replace(ALERT, recovery="recovered: Platelets 180 on day 22")
GROWN = frozenset({*HIT.anchors, "P1/PLAT/d15"})
RECOVERIES = [
    # what is judged now, the alert before, action, told
    (RECOVERED, ALERT, Action.RECOVERED, True),
    (replace(RECOVERED, anchors=GROWN), ALERT, Action.RECOVERED, True),  # went on and ended since the last look
    (RECOVERED, replace(ALERT, state="acknowledged"), Action.RECOVERED, True),
    (RECOVERED, replace(ALERT, state="closed"), Action.RECOVERED, False),  # who closed it has nothing to do
    (replace(RECOVERED, anchors=GROWN), replace(ALERT, state="closed"), Action.REOPEN, True),
    (replace(RECOVERED, grade=4), ALERT, Action.RENOTIFY, True),
    (replace(RECOVERED, anchors=GROWN), OVER, Action.EXTEND, False),  # an older sample, entered late
    (HIT, OVER, Action.AMEND, True),  # the recovery was corrected away
    (replace(HIT, anchors=GROWN), OVER, Action.AMEND, True),
    (HIT, replace(OVER, state="closed"), Action.AMEND, True),
]


@pytest.mark.parametrize(("hit", "alert", "action", "told"), RECOVERIES)
def test_a_recovery_is_told_once_and_taken_back_when_it_is_corrected_away(hit, alert, action, told):
    decision = only(decide([hit], Standing(alerts=(alert,)), SIGHT))
    assert (decision.action, decision.told, decision.alert) == (action, told, alert)
    if action is Action.AMEND:
        assert (
            decision.reason == "goes on: the recovery told before no longer stands (recovered: Platelets 180 on day 22)"
        )


@pytest.mark.parametrize("state", ["open", "acknowledged", "closed"])
def test_a_recovery_that_was_told_adds_nothing(state):
    assert decide([RECOVERED], Standing(alerts=(replace(OVER, state=state),)), SIGHT) == ()


def test_an_episode_that_was_over_when_first_seen_is_told_once_with_its_recovery():
    decision = only(decide([RECOVERED], Standing(), SIGHT))
    assert (decision.action, decision.judgement.recovery) == (Action.NOTIFY, RECOVERED.recovery)


def test_what_surrounds_a_hit_in_time_is_never_news():
    assert decide([replace(HIT, circumstances=("cycle 1, rest phase",))], TOLD, SIGHT) == ()


UNTOLD_KEY = {KEY: (Answer.NOT_EVALUABLE, "no unit")}
TOLD_BLIND = Standing(answers=UNTOLD_KEY, told_blind={KEY: "Cannot tell (Pregnancy): HEADACHE"})


def test_what_was_told_as_not_evaluable_is_told_when_it_can_be_judged():
    decision = only(decide([], TOLD_BLIND, SIGHT))
    assert (decision.action, decision.told, decision.judgement.urgency) == (Action.RESOLVE, True, Urgency.ROUTINE)
    assert decision.judgement.summary == "Can be judged now, told before as: Cannot tell (Pregnancy): HEADACHE"
    assert decision.judgement.consequence is Consequence.WATCH
    assert not only(decide([], TOLD_BLIND, replace(SIGHT, rule_ids=frozenset()))).told  # nobody judges it


def test_what_was_told_as_not_evaluable_and_is_clear_now_for_a_reason_is_told_too():
    cleared = replace(UNGRADED, answer=Answer.CLEAR, reason="by history", told=False)
    assert [(d.action, d.told) for d in decide([cleared], TOLD_BLIND, SIGHT)] == [
        (Action.RESOLVE, True),
        (Action.HOLD_BACK, False),
    ]


def test_who_was_told_of_a_blindness_is_told_when_it_has_another_reason():
    assert only(decide([replace(UNGRADED, reason="no range")], TOLD_BLIND, SIGHT)).told
    assert not only(decide([replace(UNGRADED, reason="no range")], Standing(answers=UNTOLD_KEY), SIGHT)).told
