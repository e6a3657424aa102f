"""The main job over real study data: every row has a fate, every event that matters is a hit, nothing unblinds."""

from collections import Counter
from email import message_from_bytes, policy

import pytest
from sqlmodel import select

from alerts.tables import Alert, Decision, Notification, RecordVersion, StandingAnswer, Sweep
from monitor.sweep import run_sweep
from tests.trial import at, make_study

PILOT = {"DM": "dm.csv", "AE": "ae.csv", "LB": "lb.csv", "EX": "ex.csv", "DS": "ds.csv", "VS": "vs.csv"}
MISFLAGGED_EVENTS, SERIOUS_EVENTS, INFECTION_ROWS = 29, 3, 73
SERIOUS_INFECTIONS = {"01-713-1179/E08", "01-701-1192/E10"}


@pytest.fixture
def pilot(store, data):
    study = make_study(data / "cdiscpilot01", "cdisc_pilot", studyid="CDISCPILOT01", **PILOT)
    result = run_sweep(store, study, at("2015-06-01"))
    assert result.status == "done", result.error
    return study


def test_pilot_every_row_has_a_fate_and_a_second_sweep_adds_nothing(pilot, store):
    with store.read() as session:
        sweep = session.exec(select(Sweep)).one()
        by_domain = Counter(session.exec(select(RecordVersion.domain)))
        decided = len(session.exec(select(Decision.id)).all())
    assert by_domain == {"DM": 306, "AE": 1191, "LB": 59580, "EX": 591, "DS": 850, "VS": 29643}
    assert (sweep.rows_read, sweep.rows_new, sweep.rows_rejected, sweep.rows_duplicate) == (92161, 92161, 0, 0)
    again = run_sweep(store, pilot, at("2015-06-01", 13))
    assert (again.status, len(again.decisions)) == ("done", 0)
    with store.read() as session:
        assert len(session.exec(select(Decision.id)).all()) == decided
        assert session.exec(select(Sweep).order_by(Sweep.id.desc())).first().rows_unchanged == 92161


def test_pilot_the_serious_and_the_misflagged_are_hits(pilot, store):
    with store.read() as session:
        alerts = session.exec(select(Alert)).all()
    by_rule = Counter(alert.rule_id for alert in alerts)
    assert by_rule["SAE-01"] == SERIOUS_EVENTS + MISFLAGGED_EVENTS
    assert by_rule["SAE-02"] >= MISFLAGGED_EVENTS
    assert {alert.scope for alert in alerts if alert.rule_id == "INF-01"} == SERIOUS_INFECTIONS
    assert not [alert for alert in alerts if alert.rule_id.startswith("DOS")]


def test_pilot_is_told_in_one_digest_per_recipient(pilot, store):
    with store.read() as session:
        purposes = Counter(session.exec(select(Notification.recipient, Notification.purpose)))
        told = session.exec(select(Notification).where(Notification.recipient == "officer@example.org")).all()
    assert purposes == {("officer@example.org", "digest"): 1}
    assert [mail.urgency for mail in told] == ["immediate"]


EXAMPLE = {"DM": "dm.json", "AE": "ae.json", "LB": "lb.json", "EC": "ec.json", "EX": "ex.json", "DS": "ds.json"}


@pytest.fixture
def example(store, data):
    study = make_study(data / "sdtm-example", "sdtm_example", studyid="CDISCPILOT01", **EXAMPLE)
    result = run_sweep(store, study, at("2015-06-01"))
    assert result.status == "done", result.error
    return study


def test_example_seven_missed_doses_are_seven_and_one(example, store):
    with store.read() as session:
        missed = session.exec(select(Alert).where(Alert.rule_id.startswith("DOS"))).all()
    assert Counter((alert.rule_id, alert.usubjid) for alert in missed) == {
        ("DOS-01", "CDISC009"): 7,
        ("DOS-02", "CDISC009"): 1,
    }


def test_example_uncoded_serious_events_are_not_lost(example, store):
    with store.read() as session:
        serious = session.exec(select(Alert).where(Alert.rule_id == "SAE-01")).all()
        infection = session.exec(select(Alert).where(Alert.rule_id == "INF-01")).all()
        unknown = session.exec(select(StandingAnswer).where(StandingAnswer.rule_id == "INF-01")).all()
    events = {(alert.usubjid, alert.scope) for alert in serious}
    assert len(events) >= 4
    assert {(a.usubjid, a.scope) for a in infection} | {(a.usubjid, a.scope) for a in unknown} >= events


UNBLINDING = ["zanomaline", "zan_low", "zan_high", "placebo", "sds580", "54 mg", "81 mg", "10.8"]


def test_example_no_arm_treatment_or_lot_in_any_mail(example, store):
    with store.read() as session:
        mails = session.exec(select(Notification)).all()
    assert mails
    for mail in mails:
        message = message_from_bytes(mail.mime, policy=policy.default)
        text = "\n".join(part.get_content() for part in message.walk() if not part.is_multipart()).lower()
        found = [word for word in UNBLINDING if word in text + str(message["subject"]).lower()]
        assert not found, (mail.subject, found)
