"""The ledger over several sweeps: who is judged, what is decided, what people do, what the chain proves."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel, col, select

from alerts import ledger
from alerts.batch import Batch
from alerts.decide import Action
from alerts.ledger import SweepResult
from alerts.ledger.chain import GENESIS, canonical, extend_chain
from alerts.ledger.decisions import no_longer_judged
from alerts.ledger.projections import evidence_from_json, evidence_to_json
from alerts.lifecycle import LifecycleError
from alerts.store import Store
from alerts.tables import Alert, Decision, Notification, ParticipantDue, RuleFailure, RuleRun, StandingAnswer, Sweep
from rules.evaluate import Evaluation
from rules.hit import Answer, Consequence, Evidence, Failure, Judgement, Urgency
from rules.hit import RuleRun as Ran
from tests.looks import START, STUDY, Ledger, ae, look, rulebook, unchanged

DAY = timedelta(days=1)
TWO = look([ae("01", "Pneumonia", AESER="Y"), ae("02", "Rash")])


@pytest.fixture
def desk(store: Store) -> Ledger:
    return Ledger(store)


def said(usubjid: str = "01", answer: Answer = Answer.HIT, **facts: object) -> Judgement:
    defaults = {
        "rule_id": "SAE-01",
        "scope": "Pneumonia",
        "anchors": frozenset({"Pneumonia"}),
        "summary": "Serious adverse event",
        "reason": "AESER is Y",
        "urgency": Urgency.IMMEDIATE,
        "evidence": (Evidence(domain="AE", key=f"{usubjid}|Pneumonia", version=1, values=(("aeser", "Y"),)),),
    }
    return Judgement(usubjid=usubjid, answer=answer, **{**defaults, **facts})


def evaluation(*judgements: Judgement, failures: tuple[Failure, ...] = (), **due: datetime) -> Evaluation:
    return Evaluation(judgements=judgements, failures=failures, runs=(), due=due)


def rows(desk: Ledger, model: type[SQLModel]) -> list[SQLModel]:
    with desk.store.read() as session:
        return list(session.exec(select(model).order_by(*model.__table__.primary_key)))


def only_alert(desk: Ledger) -> Alert:
    (alert,) = rows(desk, Alert)
    return alert


# ------------------------------------------------------------------------------------------------ what a sweep is


def test_the_first_sweep_is_full_and_every_rule_is_new(desk: Ledger) -> None:
    desk.sweep(TWO)
    assert (desk.opened.is_first, desk.opened.is_full, desk.opened.rulebook_changed) == (True, True, False)
    assert desk.opened.new_rules == dict.fromkeys(("SAE-01", "CYT-02"), "present at first sweep")
    desk.sweep(unchanged(TWO))
    assert (desk.opened.is_first, desk.opened.is_full, desk.opened.new_rules) == (False, False, {})


def test_what_the_first_data_bring_is_at_first_sight_though_looks_before_found_nothing(desk: Ledger) -> None:
    for _ in range(2):
        desk.sweep(Batch(trouble="the folder cannot be read"))
    desk.sweep(TWO)
    assert desk.opened.new_rules == dict.fromkeys(("SAE-01", "CYT-02"), "present in the first data")
    desk.sweep(unchanged(TWO))
    assert desk.opened.new_rules == {}


def test_a_clock_that_was_ahead_for_a_while_stops_no_full_sweep(desk: Ledger) -> None:
    desk.sweep(TWO, after=400 * DAY)
    desk.sweep(unchanged(TWO), after=-400 * DAY)
    assert desk.opened.is_full


def test_the_log_is_given_an_errors_class_and_never_its_words() -> None:
    result = SweepResult(sweep_id=1, study="S", status="failed", error="ValueError: 'PLACEBO' is not a number")
    assert result.figures()["error"] == "ValueError"


def test_the_first_sweep_of_a_study_local_day_is_full(desk: Ledger) -> None:
    desk.sweep(TWO)  # 14:15 in Shanghai
    desk.sweep(unchanged(TWO), after=timedelta(hours=9))
    assert (desk.opened.is_full, desk.judged) == (False, ())
    desk.sweep(unchanged(TWO), after=timedelta(hours=1))  # past midnight there, not in UTC
    assert (desk.opened.is_full, desk.judged) == (True, ("01", "02"))
    desk.sweep(unchanged(TWO))
    assert desk.opened.is_full is False


def test_a_changed_rulebook_makes_a_full_sweep_and_names_the_rules_it_brings(desk: Ledger) -> None:
    desk.sweep(TWO)
    desk.book = rulebook("SAE-01", "INF-01", version="2")
    desk.sweep(unchanged(TWO))
    assert (desk.opened.is_full, desk.opened.rulebook_changed, desk.judged) == (True, True, ("01", "02"))
    assert desk.opened.new_rules == {"INF-01": "present when the rule came into force"}
    desk.sweep(unchanged(TWO))
    assert (desk.opened.is_full, desk.opened.rulebook_changed) == (False, False)


def test_a_study_does_not_see_another(desk: Ledger) -> None:
    desk.sweep(TWO, [said()])
    other = Ledger(desk.store, study="ST2", now=desk.now)
    other.sweep(look([ae("99", "Rash")]))
    assert (other.opened.is_first, other.judged, other.open()) == (True, ("99",), ())
    assert other.opened.id == desk.opened.id + 1


# ------------------------------------------------------------------------------------------------ who is judged


def test_those_whom_data_or_time_touches_are_judged(desk: Ledger) -> None:
    desk.sweep(TWO, evaluation=evaluation(**{"02": START + timedelta(hours=1)}))
    desk.sweep(unchanged(TWO))
    assert desk.judged == ()
    desk.sweep(look([ae("01", "Pneumonia", AESER="N"), ae("02", "Rash")]))
    assert desk.judged == ("01",)
    desk.sweep(unchanged(TWO), after=timedelta(minutes=15))  # one hour after the start
    assert desk.judged == ("02",)
    desk.sweep(unchanged(TWO))
    assert desk.judged == ()


def test_a_later_word_on_when_to_look_again_replaces_the_earlier(desk: Ledger) -> None:
    desk.sweep(TWO, evaluation=evaluation(**{"01": START + DAY}))
    desk.sweep(TWO, evaluation=evaluation(**{"01": START + 2 * DAY}))
    assert [(row.usubjid, row.due_at) for row in rows(desk, ParticipantDue)] == [("01", START + 2 * DAY)]


def test_a_participant_without_any_row_left_is_judged_in_a_full_sweep(desk: Ledger) -> None:
    desk.sweep(TWO)
    desk.sweep(look([ae("02", "Rash")]))
    desk.sweep(unchanged(look([ae("02", "Rash")])), after=DAY)
    assert desk.judged == ("01", "02")
    assert desk.view.participants[0].adverse_events == ()


def test_a_failure_is_new_once_a_day_and_tried_again_within_the_hour(desk: Ledger) -> None:
    failure = Failure(rule_id="SAE-01", usubjid="01", error="KeyError: 'x'")
    failing = evaluation(failures=(failure,))
    desk.sweep(TWO, evaluation=failing)
    assert desk.failures == (failure,)
    desk.sweep(unchanged(TWO), evaluation=failing, after=timedelta(hours=1))
    assert (desk.judged, desk.failures) == (("01",), ())
    desk.sweep(unchanged(TWO), evaluation=failing, after=DAY)
    assert desk.failures == (failure,)
    assert len(rows(desk, RuleFailure)) == 3


def test_only_rules_that_judged_anybody_leave_a_run(desk: Ledger) -> None:
    runs = (Ran(rule_id="SAE-01", judged=2, hits=1, clear=1), Ran(rule_id="CYT-02"))
    desk.sweep(TWO, evaluation=Evaluation(judgements=(), failures=(), runs=runs, due={}))
    assert [(run.rule_id, run.judged, run.hits, run.clear) for run in rows(desk, RuleRun)] == [("SAE-01", 2, 1, 1)]


# ------------------------------------------------------------------------------------------------ alerts


def test_the_same_sweep_again_decides_nothing(desk: Ledger) -> None:
    first = desk.sweep(TWO, [said(), said("02", Answer.NOT_EVALUABLE, reason="no date")])
    assert [(d.decision.action, d.alert_id, d.seq) for d in first.decisions] == [
        (Action.NOTIFY, 1, 1),
        (Action.CANNOT_TELL, None, 2),
    ]
    before = {model: len(rows(desk, model)) for model in (Decision, Alert, StandingAnswer)}
    second = desk.sweep(TWO, [said(), said("02", Answer.NOT_EVALUABLE, reason="no date")], after=DAY)
    assert second.judged == 2
    assert second.decisions == ()
    assert {model: len(rows(desk, model)) for model in before} == before


def test_what_stands_comes_back_as_it_was_told(desk: Ledger) -> None:
    judgement = said(
        grade=3,
        consequence=Consequence.HOLD,
        anchors=frozenset({"b", "a"}),
        evidence=(
            Evidence(domain="LB", key="k", version=7, values=(("lborres", "38"), ("base", "120"), ("aval", "≥ 中"))),
        ),
    )
    desk.sweep(TWO, [judgement])
    (alert,) = desk.open()
    assert (alert.grade, alert.consequence, alert.anchors, alert.evidence) == (
        3,
        Consequence.HOLD,
        judgement.anchors,
        judgement.evidence,
    )
    assert (alert.state, alert.standing, alert.opened_at) == ("open", True, desk.now)
    decision = rows(desk, Decision)[0]
    assert (decision.rulebook_sha256, decision.ctcae, decision.author) == (desk.book.sha256, "5.0", "vigil")


def test_evidence_is_json_with_sorted_keys_and_comes_back_whole() -> None:
    evidence = (Evidence(domain="AE", key="k", version=2, values=(("b", "1"), ("a", "2"))),)
    written = evidence_to_json(evidence)
    assert written == '[{"domain": "AE", "key": "k", "values": [["b", "1"], ["a", "2"]], "version": 2}]'
    assert evidence_from_json(written) == evidence


def test_a_withdrawn_record_behind_an_alert_is_told_as_such(desk: Ledger) -> None:
    desk.sweep(TWO, [said()])
    result = desk.sweep(look([ae("02", "Rash")]))
    assert [(d.decision.action, d.decision.reason) for d in result.decisions] == [
        (Action.RETRACT, "withdrawn at source: AE record 01|Pneumonia")
    ]
    alert = only_alert(desk)
    assert (alert.state, alert.standing, alert.revision) == ("open", False, 2)


def test_what_the_source_says_now_stands_beside_what_was_told(desk: Ledger) -> None:
    first = ae("01", "Pneumonia", AESER="Y", AESTDTC="2024-03", AEOUT="FATAL")
    values = (("aeser", "Y"), ("aestdtc", "2024-03 (day unknown)"), ("aeout", "FATAL"))
    told = Evidence(domain="AE", key="01|Pneumonia", version=1, values=values)
    desk.sweep(look([first]), [said(evidence=(told,))])
    with desk.store.read() as session:
        assert ledger.standing(session, desk.opened, ["01"]).current == {}
    result = desk.sweep(look([{**first, "AESER": "n", "AEOUT": None}]), [])
    (decision,) = result.decisions
    assert decision.decision.reason == (
        "corrected at source: AE record 01|Pneumonia: aeser N, was Y; aeout empty, was FATAL: "
        "does not meet the criterion any more"
    )
    with desk.store.read() as session:
        assert ledger.standing(session, desk.opened, ["02"]).current == {}


def test_a_mistyped_date_is_said_as_it_stands(desk: Ledger) -> None:
    told = Evidence(domain="AE", key="01|Pneumonia", version=1, values=(("aestdtc", "2024-03-01"),))
    desk.sweep(look([ae("01", "Pneumonia", AESTDTC="2024-03-01")]), [said(evidence=(told,))])
    (decision,) = desk.sweep(look([ae("01", "Pneumonia", AESTDTC="2024-13-77")]), []).decisions
    assert "aestdtc 2024-13-77, was 2024-03-01" in decision.decision.reason


def test_an_alert_that_can_no_longer_be_judged_is_not_one_that_is_no_longer_met(desk: Ledger) -> None:
    desk.sweep(TWO, [said(), said("02")])
    desk.sweep(TWO, [said(answer=Answer.NOT_EVALUABLE, reason="AESER is '?'")], after=DAY)
    with desk.store.write() as session:
        ledger.acknowledge(session, 1, "Dr Li", "", desk.now)
    with desk.store.read() as session:
        alerts = ledger.list_alerts(session)
        assert [alert.standing for alert in alerts] == [False, False]
        assert no_longer_judged(session, alerts) == {1}
    desk.sweep(TWO, [said()], after=DAY)
    with desk.store.read() as session:
        assert no_longer_judged(session, ledger.list_alerts(session)) == set()


def test_a_recovery_is_kept_told_once_and_the_alert_stays_open(desk: Ledger) -> None:
    over = said(recovery="recovered: Neutrophils 2.9 on 2024-03-20")
    desk.sweep(TWO, [said()])
    desk.sweep(TWO, [over], after=DAY)
    assert [(d.action, d.told, d.recovery) for d in rows(desk, Decision)] == [
        ("notify", True, None),
        ("recovery", True, "recovered: Neutrophils 2.9 on 2024-03-20"),
    ]
    alert = only_alert(desk)
    assert (alert.state, alert.standing, alert.urgency, alert.recovery) == (
        "open", True, "immediate", "recovered: Neutrophils 2.9 on 2024-03-20",
    )  # fmt: skip
    desk.sweep(TWO, [over], after=DAY)
    assert len(rows(desk, Decision)) == 2
    desk.sweep(TWO, [said()], after=DAY)
    assert (rows(desk, Decision)[-1].action, only_alert(desk).recovery) == ("amend", None)
    with desk.store.write() as session:
        before = only_alert(desk).model_dump()
        ledger.rebuild(session, STUDY)
    assert only_alert(desk).model_dump() == before


def test_what_surrounded_a_hit_in_time_is_kept_as_it_was_told(desk: Ledger) -> None:
    desk.sweep(TWO, [said(circumstances=("study day 9", "cycle 1, dosing phase"))])
    assert rows(desk, Decision)[0].circumstances == '["study day 9", "cycle 1, dosing phase"]'
    desk.sweep(TWO, [said(circumstances=("study day 10",))], after=DAY)
    assert len(rows(desk, Decision)) == 1
    with desk.store.read() as session:
        assert ledger.verify_chain(session, STUDY) == []


def test_an_alert_lives_from_notify_to_reopening(desk: Ledger) -> None:
    desk.sweep(TWO, [said(grade=2)])
    with desk.store.write() as session:
        ledger.acknowledge(session, 1, "Dr Li", "seen", desk.now)
    assert only_alert(desk).state == "acknowledged"
    desk.sweep(TWO, [said(grade=4)], after=DAY)  # worse: open again
    assert (only_alert(desk).state, only_alert(desk).grade) == ("open", 4)
    with desk.store.write() as session:
        ledger.close_alert(session, 1, "Dr Li", "unrelated", "pneumonia before dosing", desk.now)
    assert (only_alert(desk).state, desk.open()) == ("closed", ())
    desk.sweep(unchanged(TWO), after=DAY)  # retracted: stays closed
    assert (only_alert(desk).state, only_alert(desk).standing) == ("closed", False)
    desk.sweep(TWO, [said(grade=4)], after=DAY)
    assert (only_alert(desk).state, only_alert(desk).standing) == ("open", True)
    assert [decision.action for decision in rows(desk, Decision)] == [
        *("notify", "acknowledge", "notify again", "close", "retract", "reinstate")
    ]


def test_answers_stand_until_they_change_or_end(desk: Ledger) -> None:
    desk.sweep(TWO, [said("02", Answer.NOT_EVALUABLE, reason="no unit")])
    desk.sweep(TWO, [said("02", Answer.NOT_EVALUABLE, reason="no range")], after=DAY)
    assert [(row.answer, row.reason) for row in rows(desk, StandingAnswer)] == [("not evaluable", "no range")]
    desk.sweep(unchanged(TWO))  # judged nobody, so the answer still counts
    assert (desk.view.feed.not_evaluable, desk.view.feed.participants) == ({"SAE-01": {("02", "Pneumonia")}}, 2)
    desk.sweep(TWO, after=DAY)
    assert desk.view.feed.not_evaluable == {}
    assert rows(desk, StandingAnswer) == []


def test_replaying_the_decisions_gives_the_same_alerts_and_answers(desk: Ledger) -> None:
    desk.sweep(TWO, [said(), said("02", Answer.CLEAR, told=False, reason="history")])
    with desk.store.write() as session:
        ledger.acknowledge(session, 1, "Dr Li", "", desk.now)
        ledger.add_note(session, 1, "Dr Li", "call the site", desk.now)
    desk.sweep(TWO, [said(grade=3), said("02"), said("02", Answer.NOT_EVALUABLE, scope="x")], after=DAY)
    with desk.store.write() as session:
        ledger.close_alert(session, 2, "Dr Li", "related", "", desk.now)
    desk.sweep(TWO, [said(grade=3, anchors=frozenset({"Pneumonia", "Sepsis"}))], after=DAY)
    kept = [row.model_dump() for model in (Alert, StandingAnswer) for row in rows(desk, model)]
    assert {row["state"] for row in kept if "state" in row} == {"open", "closed"}
    with desk.store.write() as session:
        session.execute(text("UPDATE alert SET state = 'closed', grade = 1"))
        session.execute(text("DELETE FROM standing_answer"))
        ledger.rebuild(session, STUDY)
    assert [row.model_dump() for model in (Alert, StandingAnswer) for row in rows(desk, model)] == kept


# ------------------------------------------------------------------------------------------------ people


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda s, now: ledger.acknowledge(s, 9, "Dr Li", "", now), "there is no alert 9"),
        (lambda s, now: ledger.acknowledge(s, 1, " ", "", now), "an act needs the name of the person who does it"),
        (lambda s, now: ledger.acknowledge(s, 1, "Vigil", "", now), "an act needs the name of the person who does it"),
        (lambda s, now: ledger.acknowledge(s, 2, "Dr Li", "", now), "alert 2 is closed already"),
        (lambda s, now: ledger.close_alert(s, 2, "Dr Li", "related", "", now), "alert 2 is closed already"),
        (lambda s, now: ledger.close_alert(s, 1, "Dr Li", " ", "x", now), "alert 1 cannot be closed without"),
        (lambda s, now: ledger.add_note(s, 1, "Dr Li", " ", now), "a note to alert 1 needs a text"),
    ],
)
def test_an_act_that_cannot_be_is_refused_and_leaves_nothing(desk: Ledger, act: object, sentence: str) -> None:
    desk.sweep(TWO, [said(), said("02")])
    with desk.store.write() as session:
        ledger.close_alert(session, 2, "Dr Li", "unrelated", "", desk.now)
    written = len(rows(desk, Decision))
    with pytest.raises(LifecycleError, match=sentence), desk.store.write() as session:
        act(session, desk.now)
    assert len(rows(desk, Decision)) == written


def test_a_closed_alert_still_takes_a_note(desk: Ledger) -> None:
    desk.sweep(TWO, [said()])
    with desk.store.write() as session:
        ledger.close_alert(session, 1, "Dr Li", "related", "reported", desk.now)
        number = ledger.add_note(session, 1, "Dr Li", "SUSAR 17", desk.now)
    with desk.store.read() as session:
        history = ledger.alert_history(session, 1)
        assert [entry.decision.reason for entry in history] == [
            "present at first sweep: AESER is Y",
            "related: reported",
            "SUSAR 17",
        ]
        assert history[-1].decision.id == number
        assert [alert.id for alert in ledger.list_alerts(session, state="closed")] == [1]
        assert ledger.list_alerts(session, study=STUDY, state="open") == ()
        assert ledger.alert_history(session, 77) == ()


# ------------------------------------------------------------------------------------------------ failed sweeps


def fail(desk: Ledger, error: str, after: timedelta = timedelta(minutes=15)) -> int:
    """One failed sweep; return how many mails it owes."""
    from alerts.message import Mail

    desk.now += after
    mail = Mail(
        purpose="operator",
        urgency=Urgency.IMMEDIATE,
        recipient="operator@example.org",
        subject="A sweep failed",
        message_id=f"<{desk.now.timestamp()}@example.org>",
        mime=b"",
        decision_ids=(),
        **({"owed_at": desk.now} if "owed_at" in Mail.__dataclass_fields__ else {}),
    )
    with desk.store.write() as session:
        return ledger.save_failed_sweep(session, STUDY, desk.now, desk.book, error, (mail,), 0.1).mails


def test_a_failure_is_told_first_when_it_differs_and_once_a_day(desk: Ledger) -> None:
    assert fail(desk, "disk full") == 1
    assert fail(desk, "disk full") == 0
    assert fail(desk, "no such table") == 1
    assert fail(desk, "no such table", after=timedelta(hours=23, minutes=59)) == 0
    assert fail(desk, "no such table", after=timedelta(minutes=1)) == 1
    desk.sweep(TWO)
    assert fail(desk, "no such table") == 1
    assert len(rows(desk, Notification)) == 4
    assert [sweep.status for sweep in rows(desk, Sweep)] == ["failed"] * 5 + ["done", "failed"]


def test_a_failed_sweep_is_not_a_first_sweep(desk: Ledger) -> None:
    fail(desk, "disk full")
    desk.sweep(TWO)
    assert desk.opened.is_first
    result = desk.sweep(unchanged(TWO))
    assert result.figures()["status"] == "done"
    assert "error" not in result.figures()


# ------------------------------------------------------------------------------------------------ the chain


def faults(desk: Ledger, anchor: tuple[int, str] | None = None) -> list[str]:
    with desk.store.read() as session:
        return ledger.verify_chain(session, STUDY, anchor)


def tamper(store: Store, *statements: str) -> None:
    """What an owner of the database can do: take the guards off first."""
    on = "" if "SQLite" in store.describe() else " ON {table}"
    with store.write() as session:
        for table, guard in (
            ("decision", "no_update"),
            ("decision", "no_delete"),
            ("chain", "no_update"),
            ("chain", "no_delete"),
        ):
            session.execute(text(f"DROP TRIGGER {table}_{guard}{on.format(table=table)}"))
        for statement in statements:
            session.execute(text(statement))


def test_an_untouched_chain_proves_every_decision_and_any_kept_link(desk: Ledger) -> None:
    assert faults(desk) == []
    result = desk.sweep(TWO, [said(), said("02")])
    with desk.store.write() as session:
        ledger.acknowledge(session, 1, "Dr Li", "", desk.now.astimezone())
    assert faults(desk) == []
    for saved in result.decisions:
        assert faults(desk, (saved.seq, saved.hash[:12])) == []
    with desk.store.read() as session:
        assert ledger.chain_head(session, STUDY)[0] == 3
        assert ledger.chain_head(session, "") == (0, GENESIS)


SLIPPED_IN_OUTCOME = (
    "INSERT INTO delivery_outcome (attempt_id, notification_id, ended_at, outcome, reply)"
    " SELECT 5, id, owed_at, 'accepted', '' FROM notification"
)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE decision SET reason = 'fine' WHERE id = 2", "link 2 (decision 2): its row is not what was written"),
        ("UPDATE decision SET decided_at = '2020-01-01 00:00:00' WHERE id = 2", "link 2 (decision 2): its row is not"),
        ("UPDATE decision SET grade = 1 WHERE id = 2", "link 2 (decision 2): its row is not"),
        ("DELETE FROM decision WHERE id = 2", "link 2 (decision 2): its row is missing"),
        ("DELETE FROM chain WHERE seq = 2", "link 3 (decision 3): links 2 to 2 are missing"),
        ("UPDATE chain SET hash = 'x' WHERE seq = 2", "link 3 (decision 3): does not continue the link before it"),
        ("INSERT INTO decision SELECT 9, study, sweep_id, alert_id, decided_at, author, action, answer, reason,"
         " rule_id, rulebook_sha256, ctcae, usubjid, scope, anchors, summary, grade, urgency, consequence, evidence,"
         " told, circumstances, recovery, extent, submitted_on FROM decision WHERE id = 2",
         "decision 9 of study 'ST1' is in no chain"),
        (SLIPPED_IN_OUTCOME, "outcome 5 of study 'ST1' is in no chain"),
    ],
)  # fmt: skip
def test_tampering_is_named(desk: Ledger, statement: str, fault: str) -> None:
    fail(desk, "disk full")  # owes a mail, so that an outcome has something to be about
    desk.sweep(TWO, [said(), said("02"), said("02", scope="Sepsis")])
    tamper(desk.store, statement)
    assert any(fault in found for found in faults(desk)), faults(desk)


def test_links_cut_off_the_end_are_noticed_by_whoever_kept_one(desk: Ledger) -> None:
    kept = desk.sweep(TWO, [said(), said("02")]).decisions[-1]
    tamper(desk.store, "DELETE FROM chain WHERE seq = 2", "DELETE FROM decision WHERE id = 2")
    assert faults(desk) == []
    assert faults(desk, (kept.seq, kept.hash[:8])) == [
        "chain of study 'ST1': ends at link 1, and link 2 was written once"
    ]


def test_a_rewritten_chain_is_noticed_by_whoever_kept_a_link(desk: Ledger) -> None:
    kept = desk.sweep(TWO, [said()]).decisions[0]
    tamper(desk.store, "UPDATE decision SET reason = 'fine'", "DELETE FROM chain")
    with desk.store.write() as session:
        row = session.exec(select(Decision).order_by(col(Decision.id))).one()
        extend_chain(session, STUDY, "decision", [(row.id, row.model_dump())])
    assert faults(desk) == []
    assert faults(desk, (kept.seq, kept.hash[:12])) == [
        "chain of study 'ST1': link 1 is not the one that was written once"
    ]


def test_a_row_has_one_canonical_text() -> None:
    from zoneinfo import ZoneInfo

    local = START.astimezone(ZoneInfo("Asia/Shanghai"))
    assert canonical({"b": local, "a": "中", "later": None}) == '{"a":"中","b":"2024-03-04T06:00:00+00:00"}'
