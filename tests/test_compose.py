"""Who is mailed what: the policy of telling, one table per question."""

import re
from collections import Counter
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from alerts.compose import MANY_AMENDMENTS, MANY_CARDS, compose_failure, compose_refused, compose_test
from alerts.decide import Action
from alerts.message import Mail
from rules.hit import Answer, Consequence, Failure, Urgency
from tests.told import (
    AUDIENCE,
    DEPUTY,
    LIVER,
    MISSED,
    NOW,
    OFFICER,
    OPERATOR,
    PLATELETS,
    PNEUMONIA,
    STALE,
    first_sweep,
    mails_of,
    saved,
    standing,
)


def text_of(mail: Mail) -> str:
    return message_from_bytes(mail.mime, policy=policy.default).get_body(("plain",)).get_content()


def shape(mails: tuple[Mail, ...]) -> list[tuple[str, str, str, tuple[int, ...]]]:
    """What was owed to whom: purpose, urgency, recipient, alert numbers."""
    return [
        (mail.purpose, str(mail.urgency), mail.recipient, tuple(number - 1000 for number in mail.decision_ids))
        for mail in mails
    ]


def to(*officers: str, **lists: tuple[str, ...]) -> dict[Urgency, tuple[str, ...]]:
    """Officers by urgency: the same for all, or by the urgency's name."""
    if officers:
        return dict.fromkeys(Urgency, officers)
    return {Urgency[name.upper()]: addresses for name, addresses in lists.items()}


# ------------------------------------------------------------------------------------------------ which mail


def test_nothing_decided_owes_nothing():
    assert mails_of() == ()


def test_what_is_not_told_is_not_mailed():
    assert mails_of(saved(PLATELETS, Action.EXTEND, told=False), saved(LIVER, Action.HOLD_BACK, told=False)) == ()


def test_each_immediate_decision_goes_alone_and_the_same_days_go_together():
    mails = mails_of(
        saved(LIVER, number=1), saved(PLATELETS, number=2), saved(PNEUMONIA, number=3), saved(LIVER, number=4)
    )
    assert shape(mails) == [
        ("alert", "immediate", OFFICER, (2,)),  # asks for a hold
        ("alert", "immediate", OFFICER, (3,)),
        ("alert", "same-day", OFFICER, (1, 4)),
    ]


def test_a_routine_decision_waits_for_the_daily_mail():
    assert mails_of(saved(MISSED)) == ()


def test_every_recipient_gets_a_mail_of_his_own():
    mails = mails_of(saved(PLATELETS), audience=replace(AUDIENCE, officers=to("a@x.example", "b@x.example")))
    assert [mail.recipient for mail in mails] == ["a@x.example", "b@x.example"]
    assert [message_from_bytes(mail.mime)["To"] for mail in mails] == ["a@x.example", "b@x.example"]


def test_an_address_that_stands_twice_gets_one_mail():
    mails = mails_of(saved(PLATELETS), audience=replace(AUDIENCE, officers=to("a@x.example", "a@x.example")))
    assert len(mails) == 1


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Action.NOTIFY, "1 alert, no. 17 - act now"),
        (Action.RENOTIFY, "alert no. 17, worse - act now"),
        (Action.REINSTATE, "alert no. 17, stands again - act now"),
        (Action.AMEND, "alert no. 17, amended"),
        (Action.RETRACT, "alert no. 17, no longer met and still open"),
        (Action.CANNOT_TELL, "cannot be evaluated - look now"),
    ],
)
def test_the_subject_says_what_to_do(action, words):
    (mail,) = mails_of(saved(PLATELETS, action, alert=standing(PLATELETS)))
    assert mail.subject == f"[vigil IL2-SLE] immediate: {words}"


def test_what_cannot_be_evaluated_is_told_without_an_alert_number():
    blind = replace(PLATELETS, answer=Answer.NOT_EVALUABLE, urgency=Urgency.SAME_DAY, consequence=Consequence.WATCH)
    (mail,) = mails_of(saved(blind, Action.CANNOT_TELL))
    assert shape((mail,)) == [("alert", "same-day", OFFICER, (17,))]
    assert "The rule is blind here, which is not the same as all clear" in text_of(mail)
    assert "vigil alerts ack" not in text_of(mail)


@pytest.mark.parametrize("consequence", [Consequence.STOP, Consequence.HOLD])
@pytest.mark.parametrize("first_sight", [True, False])
def test_what_nobody_can_tell_orders_nothing(consequence, first_sight):
    blind = replace(PLATELETS, answer=Answer.NOT_EVALUABLE, consequence=consequence)
    (mail,) = mails_of(saved(blind, Action.CANNOT_TELL, at_first_sight=first_sight))
    html = message_from_bytes(mail.mime, policy=policy.default).get_body(("html",)).get_content()
    for said in (text_of(mail), html):
        assert f"would be a {consequence.upper()} if" in said
        assert f"{consequence.upper()}: " not in said
        assert "To do: Hold" not in said


# ------------------------------------------------------------------------------------------------ amendments


@pytest.mark.parametrize("action", [Action.AMEND, Action.RETRACT])
@pytest.mark.parametrize(
    ("now", "told", "owed"),
    [
        (Urgency.IMMEDIATE, Urgency.IMMEDIATE, "immediate"),
        (Urgency.SAME_DAY, Urgency.IMMEDIATE, "immediate"),  # told at once, so corrected at once
        (Urgency.ROUTINE, Urgency.SAME_DAY, "same-day"),
        (Urgency.ROUTINE, Urgency.ROUTINE, None),
    ],
)
def test_an_amendment_is_as_urgent_as_its_alert(action, now, told, owed):
    alert = standing(replace(PLATELETS, urgency=told))
    mails = mails_of(saved(replace(PLATELETS, urgency=now), action, alert=alert))
    assert [(mail.purpose, mail.urgency) for mail in mails] == ([("amendment", owed)] if owed else [])


CLOSE_17 = 'vigil alerts close 17 --by "YOUR NAME" --assessment "YOUR ASSESSMENT"'
BLIND = replace(PLATELETS, answer=Answer.NOT_EVALUABLE)


@pytest.mark.parametrize(
    ("judgement", "words"),
    [(replace(PLATELETS, answer=Answer.CLEAR), "no longer met"), (BLIND, "can no longer be judged")],
)
def test_a_retraction_asks_for_a_check_and_a_closing_and_never_again_for_what_was_asked_before(judgement, words):
    (mail,) = mails_of(saved(judgement, Action.RETRACT, alert=standing(PLATELETS), reason="corrected at source"))
    said = text_of(mail)
    assert mail.subject.endswith(f"alert no. 17, {words} and still open")
    assert f"IMMEDIATE: Alert no. 17: {words}" in said
    assert f"{words.capitalize()}: Platelets 28" in said
    assert "The alert stays open until a person closes it." in said
    assert "A hold given for this alert stands until a person releases it." in said
    assert "Check with the site whether the correction is right" in said
    assert f", then close the alert: {CLOSE_17}" in said
    for old in ("Hold the next dose", "HOLD:", ">>>", "vigil alerts ack", "act now", "section 8.2"):
        assert old not in said + mail.subject
    assert ("no longer met" in said.lower()) is (words == "no longer met")


def test_trouble_with_the_source_that_is_over_asks_for_nothing_but_a_closing():
    over = replace(STALE, answer=Answer.CLEAR)
    said = text_of(mails_of(saved(over, Action.RETRACT, alert=standing(STALE), reason="over"))[0])
    assert f"\n  Nothing to do if it is over, then close the alert: {CLOSE_17}\n" in said.replace("\r", "")


@pytest.mark.parametrize(
    ("action", "importance"), [(Action.NOTIFY, "high"), (Action.AMEND, "high"), (Action.RETRACT, None)]
)
@pytest.mark.parametrize("count", [1, MANY_AMENDMENTS + 1])
def test_a_retraction_is_not_marked_as_important(action, importance, count):
    decisions = [saved(PLATELETS, action, number=n, alert=standing(PLATELETS, n)) for n in range(1, count + 1)]
    assert {message_from_bytes(mail.mime)["Importance"] for mail in mails_of(*decisions)} == {importance}


@pytest.mark.parametrize(
    ("state", "command"), [("open", 'vigil alerts ack 17 --by "YOUR NAME"'), ("acknowledged", CLOSE_17)]
)
def test_a_mail_prints_the_command_that_answers_the_alert_in_its_state(state, command):
    alert = standing(PLATELETS, 17, state)
    (mail,) = mails_of(saved(PLATELETS, Action.AMEND, alert=alert), open_alerts=[alert])
    said = text_of(mail)
    assert command in said
    assert ("vigil alerts ack" in said, "vigil alerts close" in said) == (state == "open", state == "acknowledged")


def test_a_list_of_amendments_does_not_order_again_what_was_taken_back():
    retracted = [
        saved(judgement, Action.RETRACT, number=n, alert=standing(PLATELETS, n))
        for n, judgement in enumerate([BLIND, replace(PLATELETS, answer=Answer.CLEAR)] * 16, start=1)
    ]
    (mail,) = mails_of(*retracted, saved(PLATELETS, Action.AMEND, number=40, alert=standing(PLATELETS, 40)))
    tables = text_of(mail).split("CYT-02")[1:]
    (amended,) = [table for table in tables if "Hold the next dose" in table]
    (blind,) = [table for table in tables if "is right and what holds now, then close the alert" in table]
    (clear,) = [table for table in tables if "is right, then close the alert" in table]
    assert (len(tables), "HOLD: " in amended) == (3, True)
    assert blind.count("(can no longer be judged, open until closed)") == 16
    assert clear.count("(no longer met, open until closed)") == 16
    assert "HOLD: " not in blind + clear
    assert "A hold given for this alert stands until a person releases it." in clear
    assert "Among them: 1 immediate, 1 hold criteria." in text_of(mail)


@pytest.mark.parametrize(("count", "mails"), [(MANY_AMENDMENTS, MANY_AMENDMENTS), (MANY_AMENDMENTS + 1, 1)])
def test_very_many_amendments_of_one_sweep_go_as_one_list(count, mails):
    decisions = [saved(PLATELETS, Action.RETRACT, number=n, alert=standing(PLATELETS, n)) for n in range(1, count + 1)]
    owed = mails_of(*decisions)
    assert len(owed) == mails
    assert {mail.purpose for mail in owed} == {"amendment"}
    assert sorted(number for mail in owed for number in mail.decision_ids) == [one.id for one in decisions]
    if mails == 1:  # nothing was amended: the subject must not say so
        assert owed[0].subject == f"[vigil IL2-SLE] immediate: {count} alerts not as told before"


# ------------------------------------------------------------------------------------------------ the first sweep


def test_a_first_sweep_owes_one_digest_per_recipient_as_urgent_as_its_most_urgent_entry():
    mails = mails_of(*first_sweep(9))
    assert shape(mails) == [
        ("digest", "immediate", OFFICER, (1, 4, 7, 2, 5, 8)),
        ("digest", "routine", DEPUTY, (3, 6, 9)),
    ]


def test_a_digest_does_not_swallow_what_is_new():
    mails = mails_of(*first_sweep(3), saved(PNEUMONIA, number=70))
    assert ("alert", "immediate", OFFICER, (70,)) in shape(mails)


def test_four_hundred_entries_are_one_readable_mail():
    (mail,) = mails_of(*first_sweep(400), audience=replace(AUDIENCE, officers=to(OFFICER)))
    said = text_of(mail)
    assert len(mail.decision_ids) == 400
    assert "400 in all, of 134 participants. Among them: 134 immediate, 134 hold criteria." in said
    assert "present at first sweep" in said
    rules = re.findall(r"^([A-Z]{3}-\d\d) .*: (\d+)\. To do: ", said, re.MULTILINE)
    assert rules == [("CYT-02", "134"), ("HEP-02", "133"), ("DOS-01", "133")]
    platelets = said.split("CYT-02")[1].split("HEP-02")[0]
    assert re.findall(r"SLE-(\d+)", platelets) == [f"{number:03}" for number in range(1, 135)]
    for one in first_sweep(400):
        assert f"{one.seq} {one.hash[:12]}" in said
    assert len(message_from_bytes(mail.mime, policy=policy.default).get_body(("html",)).get_content()) < 300_000


@pytest.mark.parametrize(("count", "cards"), [(1, 1), (MANY_CARDS, MANY_CARDS), (MANY_CARDS + 1, 0)])
def test_a_list_shows_whole_decisions_until_there_are_too_many(count, cards):
    (mail,) = mails_of(*(saved(LIVER, number=number) for number in range(1, count + 1)))
    assert text_of(mail).count("TO ACKNOWLEDGE") == cards
    assert len(mail.decision_ids) == count


# ------------------------------------------------------------------------------------------------ to whom


@pytest.mark.parametrize(
    ("officers", "judgement", "recipient"),
    [
        (to(immediate=("i@x.example",), same_day=("s@x.example",)), LIVER, "s@x.example"),
        (to(immediate=("i@x.example",)), LIVER, "i@x.example"),  # to the more urgent list
        (to(immediate=("i@x.example",), same_day=()), LIVER, "i@x.example"),
        (to(same_day=("s@x.example",), routine=("r@x.example",)), PLATELETS, "s@x.example"),  # none more urgent
        (to(routine=("r@x.example",)), LIVER, "r@x.example"),
    ],
)
def test_an_urgency_without_an_officer_falls_to_another_list_never_to_nobody(officers, judgement, recipient):
    (mail,) = mails_of(saved(judgement), audience=replace(AUDIENCE, officers=officers))
    assert mail.recipient == recipient


def test_with_no_officer_at_all_the_operators_are_told_that_nobody_was_and_nothing_more():
    mails = mails_of(saved(PLATELETS), saved(LIVER, number=18), audience=replace(AUDIENCE, officers={}))
    assert shape(mails) == [("operator", "immediate", OPERATOR, ())]
    assert "Nobody to tell" in text_of(mails[0])
    assert "Alert no. 17, Alert no. 18" in text_of(mails[0])
    assert "SLE-017" not in text_of(mails[0])


def test_trouble_with_the_source_goes_to_the_operators():
    assert shape(mails_of(saved(STALE))) == [("alert", "same-day", OPERATOR, (17,))]


def test_trouble_with_the_source_goes_to_the_officers_where_there_is_no_operator():
    assert shape(mails_of(saved(STALE), audience=replace(AUDIENCE, operators=()))) == [
        ("alert", "same-day", OFFICER, (17,))
    ]


def test_an_alert_whose_rule_left_the_rulebook_still_finds_its_officer():
    gone = replace(PLATELETS, rule_id="OLD-01")
    (mail,) = mails_of(saved(gone, Action.RETRACT, alert=standing(gone), reason="rule OLD-01 is not in the rulebook"))
    assert mail.recipient == OFFICER
    assert "OLD-01 (not in the rulebook now in force)" in text_of(mail)


# ------------------------------------------------------------------------------------------------ operators


def test_rules_that_failed_are_one_mail_with_counts():
    failures = [
        Failure(rule_id="CYT-02", usubjid="SLE-001", error="KeyError: 'PLACEBO'"),
        Failure(rule_id="CYT-02", usubjid="SLE-002", error="KeyError: 'ACTIVE'"),
        Failure(rule_id="SAE-01", usubjid="SLE-002", error="ValueError: x"),
    ]
    (mail,) = mails_of(failures=failures)
    assert (mail.purpose, mail.recipient) == ("operator", OPERATOR)
    assert re.search(r"CYT-02 +KeyError +2\n", text_of(mail).replace("\r", ""))
    assert re.search(r"SAE-01 +ValueError +1\n", text_of(mail).replace("\r", ""))


@pytest.mark.parametrize(
    ("error", "told", "kept_back"),
    [
        (
            "PermissionError: [Errno 13] Permission denied: 'incoming'",
            "PermissionError: [Errno 13] Permission",
            "nothing",
        ),
        ("OperationalError: (sqlite3.OperationalError) disk is full\n[SQL: x PLACEBO]", "disk is full", "PLACEBO"),
        ("IntegrityError: duplicate PLACEBO\n[parameters: ('SLE-001', 'PLACEBO')]", "IntegrityError (", "PLACEBO"),
        ("ValueError: 'PLACEBO 10 mg' is not a number", "ValueError (", "PLACEBO"),
        ("PLACEBO of SLE-001 cannot be read, and more of the same for very long indeed" * 2, "error", "indeedPLACEBO"),
    ],
)
def test_a_failed_sweep_is_told_without_words_that_may_quote_a_row(error, told, kept_back):
    (mail,) = compose_failure(AUDIENCE, NOW, error)
    assert mail.recipient == OPERATOR
    assert told in text_of(mail)
    assert kept_back not in text_of(mail)


@pytest.mark.parametrize("error", ["", "\n", "x" * 5000])
def test_a_failed_sweep_is_told_whatever_its_error_says(error):
    assert len(compose_failure(AUDIENCE, NOW, error)) == 1


@pytest.mark.parametrize(
    ("operators", "refused", "told"),
    [
        (("o@x.example",), OFFICER, ["o@x.example"]),
        (("o@x.example", "p@x.example"), "o@x.example", ["p@x.example"]),
        (("o@x.example",), "o@x.example", [OFFICER, DEPUTY]),  # no operator left: the officers must know
    ],
)
def test_a_refusal_is_told_to_everybody_but_the_refused(operators, refused, told):
    audience = replace(AUDIENCE, operators=operators)
    mails = compose_refused(audience, NOW, recipient=refused, subject="[vigil IL2-SLE] x", reply="550 no")
    assert [mail.recipient for mail in mails] == told
    assert f"{refused} has NOT been told" in text_of(mails[0])


def test_a_test_mail_goes_to_everybody_once():
    assert [mail.recipient for mail in compose_test(AUDIENCE, NOW)] == [OFFICER, DEPUTY, OPERATOR]


MAILED_AT_ONCE = [
    Action.NOTIFY, Action.RENOTIFY, Action.REINSTATE, Action.REOPEN, Action.EXTEND, Action.AMEND, Action.RETRACT,
    Action.HOLD_BACK, Action.CANNOT_TELL,
]  # fmt: skip


def test_a_recovery_waits_for_the_daily_mail_however_urgent_its_alert_is():
    recovered = replace(PLATELETS, recovery="recovered: Platelets 141 x 10^9/L on 2014-03-20")
    assert mails_of(saved(recovered, Action.RECOVERED, alert=standing(PLATELETS))) == ()


def test_a_mail_about_an_episode_that_is_over_says_so():
    recovered = replace(PLATELETS, recovery="recovered: Platelets 141 x 10^9/L on 2014-03-20")
    (mail,) = mails_of(saved(recovered))
    assert f"WHAT {PLATELETS.summary} SINCE THEN recovered: Platelets 141" in " ".join(text_of(mail).split())


def test_every_told_decision_that_is_not_routine_is_in_a_mail_whatever_was_decided():
    urgencies = (PLATELETS, LIVER)
    decisions = [
        saved(replace(judgement, usubjid=f"P{n}"), action, number=n, alert=standing(judgement, n), at_first_sight=first)
        for n, (judgement, action, first) in enumerate(
            ((j, a, f) for j in urgencies for a in MAILED_AT_ONCE for f in (False, True)), start=1
        )
    ]
    counted = Counter(number for mail in mails_of(*decisions) for number in mail.decision_ids)
    assert counted == Counter(one.id for one in decisions)


def test_a_digest_says_of_a_value_that_it_has_recovered_since():
    back = replace(PLATELETS, recovery="recovered: 145 10^9/L on 2014-03-20, grade 0")
    (mail,) = mails_of(saved(back, at_first_sight=True))
    assert f"HOLD: {PLATELETS.summary}; SINCE THEN recovered: 145 10^9/L on 2014-03-20, grade 0" in text_of(mail)


def test_what_turned_to_the_other_side_is_not_listed_as_recovered():
    turned = replace(PLATELETS, recovery="out on the other side now: 6.1 mIU/L on 2014-03-20")
    (mail,) = mails_of(saved(turned, Action.RECOVERED, alert=standing(PLATELETS), at_first_sight=True))
    assert "SINCE THEN out on the other side now" in text_of(mail)
    assert "recovered" not in text_of(mail)


def test_other_alerts_of_a_participant_come_gravest_first():
    routine = [
        standing(replace(PLATELETS, urgency=Urgency.ROUTINE, consequence=Consequence.WATCH), n) for n in range(30, 36)
    ]
    stop = standing(replace(PLATELETS, summary="Stopped", urgency=Urgency.SAME_DAY, consequence=Consequence.STOP), 2)
    hold = standing(replace(PLATELETS, summary="Held"), 3)
    urgent = standing(replace(PLATELETS, summary="Urgent", consequence=Consequence.WATCH), 1)
    (mail,) = mails_of(saved(PLATELETS), open_alerts=(*routine, urgent, stop, hold))
    named = re.findall(r"No\. (\d+) \((.*?)\)", text_of(mail))
    assert named == [
        ("2", "STOP, same-day, open"),
        ("3", "HOLD, immediate, open"),
        ("1", "immediate, open"),
        ("35", "routine, open"),
        ("34", "routine, open"),
    ]
    assert "and 4 more, none of them graver" in text_of(mail)


def test_what_cannot_be_evaluated_is_not_counted_as_an_alert():
    blind = replace(PLATELETS, answer=Answer.NOT_EVALUABLE, consequence=Consequence.STOP)
    digest = [
        *(saved(PLATELETS, number=n, at_first_sight=True) for n in (1, 2, 3)),
        *(saved(LIVER, number=n, at_first_sight=True) for n in range(4, 18)),
        *(saved(blind, Action.CANNOT_TELL, number=n, at_first_sight=True) for n in range(18, 22)),
    ]
    (mail,) = mails_of(*digest)
    counts = "17 alerts (3 immediate), 4 cannot be evaluated"
    assert mail.subject == f"[vigil IL2-SLE] immediate: {counts}: present when first looked at - act now"
    assert "Among them: 3 immediate, 3 hold criteria, 4 that cannot be evaluated." in text_of(mail)


def test_a_digest_that_is_blind_only_does_not_say_act():
    blind = replace(PLATELETS, answer=Answer.NOT_EVALUABLE)
    (mail,) = mails_of(
        saved(blind, Action.CANNOT_TELL, at_first_sight=True), saved(LIVER, number=18, at_first_sight=True)
    )
    assert mail.subject.endswith("1 alert, 1 cannot be evaluated: present when first looked at - look now")


def test_a_list_of_the_day_counts_what_cannot_be_evaluated_apart():
    blind = replace(LIVER, answer=Answer.NOT_EVALUABLE)
    (mail,) = mails_of(saved(LIVER), *(saved(blind, Action.CANNOT_TELL, number=n) for n in range(2, 9)))
    assert mail.subject == "[vigil IL2-SLE] same-day: 1 alert, 7 cannot be evaluated: to look at today"
