"""The main job over real study data: every row has a fate, every event that matters is a hit, nothing unblinds."""

from collections import Counter
from email import message_from_bytes, policy
from typing import NamedTuple

from sqlmodel import select

from alerts.store import Store
from alerts.tables import Alert, Decision, Notification, RecordVersion, StandingAnswer, Sweep
from monitor.study import Study
from monitor.sweep import run_sweep
from tests.trial import at, make_study

PILOT = {"DM": "dm.csv", "AE": "ae.csv", "LB": "lb.csv", "EX": "ex.csv", "DS": "ds.csv", "VS": "vs.csv"}
PILOT_ROWS = {"DM": 306, "AE": 1191, "LB": 59580, "EX": 591, "DS": 850, "VS": 29643}
MISFLAGGED_EVENTS, SERIOUS_EVENTS = 29, 3
SERIOUS_INFECTIONS = {"01-713-1179/E08", "01-701-1192/E10"}
CHOLESTATIC = {("01-705-1186", "LIVER")}  # alkaline phosphatase was five times ULN at screening
EXAMPLE = {"DM": "dm.json", "AE": "ae.json", "LB": "lb.json", "EC": "ec.json", "EX": "ex.json", "DS": "ds.json"}
UNBLINDING = ["zanomaline", "zan_low", "zan_high", "placebo", "sds580", "54 mg", "81 mg", "10.8"]


class Kept(NamedTuple):
    """What a sweep left in SQL."""

    sweeps: list[Sweep]
    records: Counter[str]
    alerts: list[Alert]
    answers: list[StandingAnswer]
    decisions: list[Decision]
    mails: list[Notification]

    def of(self, *rules: str) -> list[Alert]:
        return [alert for alert in self.alerts if alert.rule_id in rules]


def sweep(store: Store, study: Study, hour: int) -> Kept:
    result = run_sweep(store, study, at("2015-06-01", hour))
    assert result.status == "done", result.error
    with store.read() as session:
        return Kept(
            list(session.exec(select(Sweep).order_by(Sweep.id))),
            Counter(session.exec(select(RecordVersion.domain))),
            list(session.exec(select(Alert))),
            list(session.exec(select(StandingAnswer))),
            list(session.exec(select(Decision))),
            list(session.exec(select(Notification))),
        )


def words(mail: Notification) -> str:
    """Everything a reader of the mail can see, in lower case."""
    message = message_from_bytes(mail.mime, policy=policy.default)
    parts = [part.get_content() for part in message.walk() if not part.is_multipart()]
    return "\n".join([str(message["subject"]), *parts]).lower()


def test_cdisc_pilot(store, data):
    study = make_study(data / "cdiscpilot01", "cdisc_pilot", studyid="CDISCPILOT01", **PILOT)
    first = sweep(store, study, 1)

    # every row has a fate
    assert first.records == PILOT_ROWS
    (row,) = first.sweeps
    total = sum(PILOT_ROWS.values())
    assert (row.rows_read, row.rows_new, row.rows_rejected, row.rows_duplicate) == (total, total, 0, 0)

    # the serious and the misflagged are hits; no dose of 0 is
    assert len(first.of("SAE-01")) == SERIOUS_EVENTS + MISFLAGGED_EVENTS
    assert len(first.of("SAE-02")) == MISFLAGGED_EVENTS
    assert {alert.scope for alert in first.of("INF-01")} == SERIOUS_INFECTIONS
    assert {(alert.usubjid, alert.scope) for alert in first.of("HEP-01")} == CHOLESTATIC
    assert all(alert.summary.startswith("Cholestatic pattern") for alert in first.of("HEP-01"))
    assert not [alert for alert in first.alerts if alert.rule_id.startswith("DOS")]
    assert not [decision for decision in first.decisions if '"domain": "EX"' in decision.evidence]

    # one digest each, immediate because something in it is
    told = Counter((mail.recipient, mail.purpose, mail.urgency) for mail in first.mails)
    assert told[("officer@example.org", "digest", "immediate")] == 1
    assert {recipient for recipient, _, _ in told} == {"officer@example.org", "operator@example.org"}
    assert set(told.values()) == {1}

    # the same look again adds no version, decision or mail
    second = sweep(store, study, 2)
    assert second.sweeps[-1].rows_unchanged == total
    assert [len(kept) for kept in second[2:]] == [len(kept) for kept in first[2:]]


def test_sdtm_example(store, data):
    study = make_study(data / "sdtm-example", "sdtm_example", studyid="CDISCPILOT01", **EXAMPLE)
    kept = sweep(store, study, 1)
    assert kept.records == {"DM": 18, "AE": 74, "LB": 3488, "EC": 1590, "EX": 1583, "DS": 53}

    # seven missed doses in a row are seven and one
    missed = Counter((alert.rule_id, alert.usubjid) for alert in kept.of("DOS-01", "DOS-02"))
    assert missed == {("DOS-01", "CDISC009"): 7, ("DOS-02", "CDISC009"): 1}

    # an uncoded serious event is an infection or unknown, never "no"
    serious = {(alert.usubjid, alert.scope) for alert in kept.of("SAE-01")}
    unknown = {(answer.usubjid, answer.scope) for answer in kept.answers if answer.rule_id == "INF-01"}
    assert len(serious) == 4
    assert serious <= unknown | {(alert.usubjid, alert.scope) for alert in kept.of("INF-01")}
    (digest,) = [mail for mail in kept.mails if mail.recipient == "officer@example.org"]
    assert "epistaxis" in words(digest)
    assert words(digest).count("(cannot be evaluated)") >= len(serious)

    # nobody is unblinded
    for mail in kept.mails:
        assert not [word for word in UNBLINDING if word in words(mail)], mail.subject
