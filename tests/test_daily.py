"""The daily mail: once a day at the study's own hour, with what the ledger holds of that day."""

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select

from alerts import ledger
from alerts.batch import Batch, SeenFile
from alerts.decide import Action, Decision, Sight, StandingAlert, decide
from alerts.ledger.daily import daily_facts
from alerts.ledger.mails import begin_attempt, end_attempt, owe
from alerts.mailer import Outcome
from alerts.store import Store
from alerts.tables import Notification, NotificationDecision, RuleFailure, StandingAnswer, Sweep
from monitor.daily import owe_daily
from monitor.study import Study
from rules.hit import Answer, Urgency
from tests.told import AUDIENCE, DEPUTY, LIVER, MISSED, OFFICER, OPERATOR, PLATELETS, RULEBOOK, STALE, mails_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)


class NoSource:
    """A source that is never asked."""

    def read(self, seen: list[SeenFile]) -> Batch:
        raise AssertionError("a daily mail looks at no source")

    def check(self) -> list[str]:
        return []


STUDY = Study(
    id=AUDIENCE.study, zone=SHANGHAI, rulebook=RULEBOOK, source=NoSource(), audience=AUDIENCE, daily_at=time(8, 0)
)


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2014, 3, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


def sweep_row(number: int, now: datetime, status: str = "done", **others: object) -> Sweep:
    fates = {"rows_unchanged": 90, "rows_new": 10, "rows_withdrawn": 2}
    return Sweep(
        id=number,
        status=status,
        now=now,
        seconds=1.0,
        rulebook_sha256=RULEBOOK.sha256,
        is_first=False,
        is_full=False,
        **({"rows_read": 100, **fates} if status == "done" else {}),
        **{"study": STUDY.id, **others},
    )


def decide_and_owe(store: Store, now: datetime, *made: Decision, mail: bool = True) -> None:
    """Save decisions as a sweep does, and owe their mails."""
    with store.write() as session:
        sweep = ledger.open_sweep(session, STUDY.id, now, RULEBOOK, SHANGHAI)
        decisions = ledger.save_decisions(session, sweep, made)
        if mail:
            owe(session, STUDY.id, sweep.id, mails_of(*decisions, now=now))
        session.add(sweep_row(sweep.id, now))


def notify(judgement: object) -> Decision:
    return Decision(action=Action.NOTIFY, reason=judgement.reason, judgement=judgement)


def daily_mails(store: Store) -> list[Notification]:
    with store.read() as session:
        found = select(Notification).where(Notification.purpose == "daily").order_by(col(Notification.id))
        return list(session.exec(found))


def text_of(mail: Notification) -> str:
    return message_from_bytes(mail.mime, policy=policy.default).get_body(("plain",)).get_content().replace("\r", "")


def told_of(store: Store, mail: Notification) -> set[int]:
    with store.read() as session:
        links = select(NotificationDecision.decision_id).where(NotificationDecision.notification_id == mail.id)
        return set(session.exec(links))


# ------------------------------------------------------------------------------------------------ when


@pytest.mark.parametrize(
    ("now", "owed"),
    [
        (local(12, 0, 0), False),
        (local(12, 7, 59), False),
        (local(12, 8, 0), True),
        (local(12, 8, 1), True),
        (local(12, 23, 59), True),  # started late: better late than never
    ],
)
def test_a_daily_mail_is_owed_from_the_studys_own_hour_on(store, now, owed):
    assert owe_daily(store, STUDY, now) is owed
    assert [mail.recipient for mail in daily_mails(store)] == ([OFFICER, DEPUTY, OPERATOR] if owed else [])


def test_it_is_owed_once_a_day_however_often_one_asks(store):
    asked = [owe_daily(store, STUDY, local(12, 7) + timedelta(minutes=30 * step)) for step in range(60)]
    assert asked.count(True) == 2  # on the 12th and on the 13th
    assert len(daily_mails(store)) == 6


def test_a_late_mail_of_one_day_does_not_stand_for_the_next(store):
    assert owe_daily(store, STUDY, local(12, 23, 59))
    assert not owe_daily(store, STUDY, local(13, 7, 59))
    assert owe_daily(store, STUDY, local(13, 8, 0))


@pytest.mark.parametrize("month_day", [(3, 30), (10, 26)])
def test_a_day_of_23_or_25_hours_has_one_mail_too(store, month_day):
    berlin = ZoneInfo("Europe/Berlin")
    study = replace(STUDY, zone=berlin, daily_at=time(2, 30))  # an hour that is missing, or comes twice
    midnight = datetime(2014, *month_day, tzinfo=berlin).astimezone(UTC)
    asked = [owe_daily(store, study, midnight + timedelta(minutes=15 * step)) for step in range(4 * 22)]
    assert asked.count(True) == 1


def test_one_studys_mail_does_not_stand_for_anothers(store):
    other = replace(STUDY, id="OTHER", audience=replace(AUDIENCE, study="OTHER"))
    assert owe_daily(store, STUDY, local(12, 9))
    assert owe_daily(store, other, local(12, 9))


# ------------------------------------------------------------------------------------------------ what


def test_a_day_without_a_sweep_is_said_first_and_in_the_subject(store):
    owe_daily(store, STUDY, local(12, 8))
    mail = daily_mails(store)[0]
    assert "daily: LOOK, 0 alerts open" in mail.subject
    assert "!!!   THE STUDY WAS NOT WATCHED" in text_of(mail)
    assert "The last one done: never." in text_of(mail)


def test_a_quiet_day_is_alive_and_needs_no_look(store):
    with store.write() as session:
        session.add_all(sweep_row(number, local(12, 8) - timedelta(hours=number)) for number in (3, 2, 1))
    owe_daily(store, STUDY, local(12, 8))
    mail = daily_mails(store)[0]
    assert mail.subject.endswith("daily: alive, 0 alerts open, 0 not acknowledged")
    said = text_of(mail)
    assert "3 sweeps done, 0 failed." in said
    assert re.search(r"unchanged +270\n +new +30\n +withdrawn +6\n", said)
    assert "!!!" not in said


def test_the_day_is_the_last_24_hours_and_the_figures_are_this_studys(store):
    now = local(12, 8)
    with store.write() as session:
        session.add(sweep_row(1, now - DAY))  # exactly a day ago: told yesterday
        session.add(sweep_row(2, now - DAY + timedelta(seconds=1)))
        session.add(sweep_row(3, now - timedelta(hours=1), "failed", error="OSError: disk full\nrow ('PLACEBO')"))
        session.add(sweep_row(4, now, study="OTHER"))
        for number, (sweep, study) in enumerate(((1, STUDY.id), (2, STUDY.id), (3, STUDY.id), (2, "OTHER")), start=1):
            failure = {"sweep_id": sweep, "study": study, "rule_id": "CYT-02", "usubjid": "S", "error": "x"}
            session.add(RuleFailure(id=number, **failure))
        for number, answer in enumerate((Answer.NOT_EVALUABLE, Answer.NOT_EVALUABLE, Answer.CLEAR)):
            key = {"study": STUDY.id, "rule_id": "HEP-02", "usubjid": f"S{number}", "scope": "ALT"}
            session.add(StandingAnswer(**key, answer=answer, reason="x", decision_id=1))
    with store.read() as session:
        facts = daily_facts(session, STUDY.id, now - DAY, now)
    assert (facts.sweeps_done, facts.sweeps_failed) == (1, 1)
    assert facts.rows["new"] == 10
    assert facts.failures == {"CYT-02": 2}
    assert facts.not_evaluable == {"HEP-02": 2}
    owe_daily(store, STUDY, now)
    said = text_of(daily_mails(store)[0])
    assert "1 sweep failed. The last error: OSError: disk full\n" in said
    assert "PLACEBO" not in said
    assert "Rules failed where they should have judged: CYT-02 (2)." in said
    assert re.search(r"HEP-02 ALT or AST rise +2\n", said)


def test_open_alerts_owed_mails_and_dead_ones_are_counted(store):
    now = local(12, 8)
    decide_and_owe(store, now - timedelta(hours=3), notify(PLATELETS), notify(LIVER))
    with store.write() as session:
        attempt = begin_attempt(session, 1, now, "relay:25")
        end_attempt(session, attempt, now - timedelta(minutes=1), Outcome("refused", 550, "550 no such user"))
        ledger.acknowledge(session, 2, "Dr. Li", "", now - timedelta(hours=1))
    owe_daily(store, STUDY, now)
    mail = daily_mails(store)[0]
    assert mail.subject.endswith("daily: LOOK, 2 alerts open, 1 not acknowledged")
    said = text_of(mail)
    assert "1 immediate alert not acknowledged." in said
    assert "1 mail refused for good: the recipient has not been told." in said
    assert "1 mail not delivered, the oldest since 2014-03-12 05:00." in said
    assert re.search(r"immediate +1 +0\n +same-day +0 +1\n", said)
    assert re.search(r"acknowledge +1\n +notify +2\n", said)
    with store.read() as session:
        seq, head = ledger.chain_head(session, STUDY.id)
    assert f"The ledger ends at link {seq} {head[:12]}." in said


# ------------------------------------------------------------------------------------------------ routine decisions


def test_a_routine_decision_is_told_in_the_daily_mail_with_its_evidence_and_only_once(store):
    decide_and_owe(store, local(11, 20), notify(MISSED), notify(LIVER))
    assert owe_daily(store, STUDY, local(12, 8))
    officer, deputy, operator = daily_mails(store)
    assert told_of(store, officer) == told_of(store, deputy) == {1}
    assert told_of(store, operator) == set()
    said = text_of(officer)
    assert "The dose planned for 2014-03-09 was not given" in said
    assert re.search(r"Date +2014-03-09\n +Given +N\n", said)
    assert "2014-03-11 12:00 UTC (2014-03-11 20:00 Asia/Shanghai)" in said, "when it was decided, not when it was told"
    assert "ALT 260" not in said, "told the same day, and not again"
    assert "SLE-002" not in text_of(operator)
    assert owe_daily(store, STUDY, local(13, 8))
    assert "2014-03-09 was not given" not in text_of(daily_mails(store)[3])


def test_a_decision_that_reached_no_mail_is_told_in_the_daily_mail_whatever_its_urgency(store):
    decide_and_owe(store, local(11, 20), notify(PLATELETS), mail=False)
    owe_daily(store, STUDY, local(12, 8))
    assert "Platelets 28 x 10^9/L" in text_of(daily_mails(store)[0])
    assert told_of(store, daily_mails(store)[0]) == {1}


def test_a_decision_of_another_rulebook_names_the_one_that_took_it(store):
    decide_and_owe(store, local(11, 20), notify(MISSED))
    newer = replace(RULEBOOK, text=RULEBOOK.text + "# a newer edition\n")
    owe_daily(store, replace(STUDY, rulebook=newer), local(12, 8))
    assert f"sha256 {RULEBOOK.sha256[:12]}, not the one now in force" in text_of(daily_mails(store)[0])


@pytest.mark.parametrize("action", [Action.EXTEND, Action.HOLD_BACK, Action.CANNOT_TELL, Action.RESOLVE])
def test_what_is_only_written_down_is_not_listed(store, action):
    decide_and_owe(store, local(11, 19), notify(LIVER))
    with store.read() as session:
        (alert,) = ledger.open_alerts(session, STUDY.id)
    about: StandingAlert | None = alert if action is Action.EXTEND else None
    quiet = Decision(
        action=action, reason="x", judgement=replace(LIVER, urgency=Urgency.ROUTINE), alert=about, told=False
    )
    decide_and_owe(store, local(11, 20), quiet)
    owe_daily(store, STUDY, local(12, 8))
    assert told_of(store, daily_mails(store)[0]) == set()


@pytest.mark.parametrize("action", [Action.CANNOT_TELL, Action.HOLD_BACK])
def test_a_routine_answer_that_must_be_told_is_told_in_the_daily_mail(store, action):
    blind = replace(MISSED, answer=Answer.NOT_EVALUABLE, reason="ECOCCUR is 'U', neither Y nor N")
    decide_and_owe(store, local(11, 20), Decision(action=action, reason=blind.reason, judgement=blind))
    owe_daily(store, STUDY, local(12, 8))
    assert told_of(store, daily_mails(store)[0]) == {1}
    assert "ECOCCUR is 'U', neither Y nor N" in text_of(daily_mails(store)[0])


@pytest.mark.parametrize("told", [True, False])
def test_what_was_told_as_not_evaluable_is_told_in_one_line_when_it_can_be_judged(store, told):
    blind = replace(PLATELETS, answer=Answer.NOT_EVALUABLE, summary="Cannot tell: Platelets", reason="no unit")
    decide_and_owe(
        store, local(11, 19), Decision(action=Action.CANNOT_TELL, reason="no unit", judgement=blind, told=told)
    )
    sight = Sight(usubjids=frozenset({blind.usubjid}), rule_ids=frozenset({blind.rule_id}))
    with store.write() as session:
        sweep = ledger.open_sweep(session, STUDY.id, local(11, 20), RULEBOOK, SHANGHAI)
        made = decide((), ledger.standing(session, sweep, [blind.usubjid]), sight)
        ledger.save_decisions(session, sweep, made)
        session.add(sweep_row(sweep.id, local(11, 20)))
    owe_daily(store, STUDY, local(12, 8))
    said = text_of(daily_mails(store)[0])
    assert (f"{blind.usubjid}      Can be judged now, told before as: Cannot tell: Platelets" in said) is told
    assert "HOLD" not in said


def test_a_closed_alert_that_no_longer_hits_is_not_listed(store):
    decide_and_owe(store, local(11, 19), notify(LIVER))
    with store.write() as session:
        (alert,) = ledger.open_alerts(session, STUDY.id)
        ledger.close_alert(session, alert.id, "Dr Li", "expected", "", local(11, 20))
    taken_back = Decision(action=Action.RETRACT, reason="x", judgement=LIVER, alert=alert, told=False)
    decide_and_owe(store, local(11, 21), taken_back)
    owe_daily(store, STUDY, local(12, 8))
    assert told_of(store, daily_mails(store)[0]) == set()


def test_a_clock_that_was_ahead_for_a_while_silences_no_later_daily_mail(store):
    assert owe_daily(store, STUDY, local(12, 8) + timedelta(days=400))
    assert owe_daily(store, STUDY, local(12, 8))
    assert not owe_daily(store, STUDY, local(12, 9))
    assert owe_daily(store, STUDY, local(13, 8))


def test_routine_trouble_with_the_source_is_listed_for_the_operators_only(store):
    decide_and_owe(store, local(11, 20), notify(replace(STALE, urgency=Urgency.ROUTINE)))
    owe_daily(store, STUDY, local(12, 8))
    officer, _, operator = daily_mails(store)
    assert told_of(store, operator) == {1}
    assert told_of(store, officer) == set()


def test_very_many_routine_decisions_are_listed_one_line_each(store):
    missed = [notify(replace(MISSED, usubjid=f"SLE-{n:03}")) for n in range(1, 41)]
    decide_and_owe(store, local(11, 20), *missed)
    owe_daily(store, STUDY, local(12, 8))
    mail = daily_mails(store)[0]
    said = text_of(mail)
    assert told_of(store, mail) == set(range(1, 41))
    assert all(f"SLE-{n:03}" in said for n in range(1, 41))
    assert "TO ACKNOWLEDGE" not in said
