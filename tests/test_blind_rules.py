"""A rule whose domain the study does not bring: said once, counted for everybody, told when the data comes."""

from datetime import timedelta

from sqlmodel import select

from alerts.decide import Action
from alerts.ledger.daily import daily_facts
from alerts.ledger.figures import read_figures
from alerts.tables import Notification, RuleRun
from rules.hit import WHOLE_STUDY
from tests.trial import Trial, at

PLATELETS = {"LBTESTCD": "PLAT", "LBORRESU": "10^9/L", "LBORNRLO": "125", "LBORNRHI": "350"}


def trial_without_labs(tmp_path, store) -> Trial:
    trial = Trial(tmp_path / "in", store)
    for number in (1, 2, 3):
        who = f"SYN-{number:03}"
        trial.add("dm", USUBJID=who, RFSTDTC="2014-03-03")
        trial.add("ae", USUBJID=who, AESPID="E1", AETERM="Headache", AESER="N", AESTDTC="2014-03-04")
        trial.add("ec", USUBJID=who, ECOCCUR="Y", ECPRESP="Y", ECSTDTC="2014-03-03")
    return trial


def about(trial: Trial, rule_id: str):
    return [d for d in trial.decisions() if d.rule_id == rule_id]


def mails(trial: Trial) -> list[str]:
    """The purposes of the officer's mails, in order; the operator has his own about the feed."""
    with trial.store.read() as session:
        found = select(Notification).where(Notification.recipient == "officer@example.org")
        return [row.purpose for row in session.exec(found.order_by(Notification.id))]


def test_it_is_said_once_in_the_first_digest_and_a_later_sweep_adds_nothing(tmp_path, store):
    trial = trial_without_labs(tmp_path, store)
    first = trial.sweep(at("2014-03-03", 20))
    (said,) = about(trial, "CYT-02")
    assert (said.action, said.usubjid, said.scope, said.told) == (Action.CANNOT_TELL, "", WHOLE_STUDY, True)
    assert said.reason == "the source holds no LB data"
    assert mails(trial) == ["digest"]
    for _ in range(2):  # as after a restart: all that is known stands in the ledger
        again = trial.sweep(at("2014-03-03", 21))
        assert (again.status, again.decisions) == ("done", ())
    assert len(about(trial, "CYT-02")) == 1
    assert first.status == "done"


def test_it_counts_for_everybody(tmp_path, store):
    trial = trial_without_labs(tmp_path, store)
    trial.sweep(at("2014-03-03", 20))
    with store.read() as session:
        assert session.get_one(RuleRun, (1, "CYT-02")).not_evaluable == 3
        assert read_figures(session).not_evaluable["SYN", "CYT-02"] == 3
        facts = daily_facts(session, "SYN", at("2014-03-03", 1), at("2014-03-03", 21))
    assert facts.not_evaluable["CYT-02"] == 3


def test_when_the_data_comes_that_is_told_and_what_was_there_goes_into_one_digest(tmp_path, store):
    trial = trial_without_labs(tmp_path, store)
    trial.sweep(at("2014-03-03", 20))
    before = len(mails(trial))
    for who in ("SYN-001", "SYN-002"):
        for taken, result in (("2014-03-01", "210"), ("2014-03-05", "12")):
            trial.add("lb", USUBJID=who, LBDTC=taken, LBORRES=result, **PLATELETS)
    trial.sweep(at("2014-03-05", 20))
    actions = [(d.action, d.usubjid, d.told) for d in about(trial, "CYT-02")[1:]]
    assert ("resolve", "", True) in actions
    assert {("notify", "SYN-001", True), ("notify", "SYN-002", True)} <= set(actions)
    assert mails(trial)[before:] == ["digest"]
    with store.read() as session:
        facts = daily_facts(session, "SYN", at("2014-03-05"), at("2014-03-05", 20) + timedelta(hours=1))
    assert "CYT-02" in {one.saved.decision.judgement.rule_id for one in facts.untold}
    assert "CYT-02" not in facts.not_evaluable or facts.not_evaluable["CYT-02"] < 3
