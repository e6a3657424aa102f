"""What people do about alerts. Each act is a decision with its author, chained like any other."""

from datetime import UTC, date, datetime, timedelta

from sqlmodel import Session, col, or_, select

from alerts.decide import Action
from alerts.ledger.decisions import AUTHOR, write_decisions
from alerts.ledger.holds import has_held
from alerts.ledger.rows import next_id
from alerts.lifecycle import LifecycleError
from alerts.tables import Alert, Decision, ParticipantDue, RecordVersion
from rules.clocks import event_of

_FURTHEST_AHEAD = timedelta(hours=14)
"""No zone's clock is further ahead of UTC."""


def acknowledge(session: Session, alert_id: int, author: str, text: str, now: datetime) -> int:
    """Write that a person has seen an alert and takes care of it; return the decision's id.

    Raises LifecycleError, in one sentence, for an unknown or closed alert and for an act without an author.
    """
    return _about_hold(session, alert_id, _act(session, Action.ACKNOWLEDGE, alert_id, author, text, now), now)


def close_alert(session: Session, alert_id: int, author: str, assessment: str, text: str, now: datetime) -> int:
    """Write that a person has closed an alert, and how they assess it; return the decision's id.

    Raises LifecycleError as `acknowledge` does, and without an assessment.
    """
    if not assessment.strip():
        raise LifecycleError(f"alert {alert_id} cannot be closed without an assessment")
    said = f"{assessment.strip()}: {text.strip()}" if text.strip() else assessment.strip()
    return _about_hold(session, alert_id, _act(session, Action.CLOSE, alert_id, author, said, now), now)


def add_note(session: Session, alert_id: int, author: str, text: str, now: datetime) -> int:
    """Write a person's note to an alert in whatever state; return the decision's id.

    Raises LifecycleError for an unknown alert, and without an author or a text.
    """
    if not text.strip():
        raise LifecycleError(f"a note to alert {alert_id} needs a text")
    return _act(session, Action.NOTE, alert_id, author, text, now)


def enter_submission(session: Session, alert_id: int, author: str, on: date, text: str, now: datetime) -> int:
    """Write that a report about an alert's adverse event was submitted on a day; return the decision's id.

    At the alert of a reporting clock it stops that clock, at another alert about the event the one that runs and is due
    first; the next sweep sees it. Raises LifecycleError for an unknown alert, one that is about no adverse event, an
    act without an author, and a day to come.
    """
    if on > (now.astimezone(UTC) + _FURTHEST_AHEAD).date():
        raise LifecycleError(f"{on} is still to come: a report is entered when it was submitted")
    alert = session.get(Alert, alert_id)
    if alert is not None and not _is_about_event(session, alert):
        raise LifecycleError(f"alert {alert_id} is not about one adverse event, so no reporting clock is stopped there")
    decision = _act(session, Action.SUBMITTED, alert_id, author, text, now, submitted_on=on.isoformat())
    if alert is not None:
        _judge_next(session, alert, now)
    return decision


def enter_not_owed(session: Session, alert_id: int, author: str, reason: str, now: datetime) -> int:
    """Write that a person found that the report of a clock is not owed, and why; return the decision's id.

    It stops the clock of that alert; the next sweep sees it. Raises LifecycleError for an unknown alert, one that is of
    no reporting clock, and without an author or a reason.
    """
    if not reason.strip():
        raise LifecycleError(f"that no report is owed at alert {alert_id} needs a reason")
    alert = session.get(Alert, alert_id)
    if alert is not None and event_of(alert.scope) is None:
        raise LifecycleError(
            f"alert {alert_id} is of no reporting clock: what is not owed is entered at the clock's own"
        )
    decision = _act(session, Action.NOT_OWED, alert_id, author, reason, now)
    if alert is not None:
        _judge_next(session, alert, now)
    return decision


def _about_hold(session: Session, alert_id: int, decision: int, now: datetime) -> int:
    """Have a participant judged whose hold a person took up: it excuses doses recorded as not given."""
    alert = session.get_one(Alert, alert_id)
    if alert.usubjid and has_held(session, alert):
        _judge_next(session, alert, now)
    return decision


def _judge_next(session: Session, alert: Alert, now: datetime) -> None:
    """Have the next sweep judge the participant of an alert."""
    session.merge(ParticipantDue(study=alert.study, usubjid=alert.usubjid, due_at=now.astimezone(UTC)))


def _is_about_event(session: Session, alert: Alert) -> bool:
    """Whether an alert is about one adverse event, or about a reporting clock of one."""
    event = event_of(alert.scope) or alert.scope
    row = select(RecordVersion.id).where(
        RecordVersion.study == alert.study,
        RecordVersion.domain == "AE",
        RecordVersion.usubjid == alert.usubjid,
        or_(col(RecordVersion.event_key) == event, col(RecordVersion.record_key) == event),
    )
    return session.exec(row.limit(1)).first() is not None


def _act(
    session: Session,
    action: Action,
    alert_id: int,
    author: str,
    text: str,
    now: datetime,
    *,
    submitted_on: str | None = None,
) -> int:
    person = author.strip()
    if not person or person.lower() == AUTHOR:
        raise LifecycleError("an act needs the name of the person who does it")
    alert = session.get(Alert, alert_id)
    if alert is None:
        raise LifecycleError(f"there is no alert {alert_id}")
    last = session.get_one(Decision, alert.last_decision_id)
    row = Decision(
        id=next_id(session, Decision),
        study=alert.study,
        alert_id=alert.id,
        decided_at=now.astimezone(UTC),
        author=person,
        action=str(action),
        answer="",
        reason=text.strip(),
        rule_id=alert.rule_id,
        rulebook_sha256=last.rulebook_sha256,
        ctcae=last.ctcae,
        usubjid=alert.usubjid,
        scope=alert.scope,
        submitted_on=submitted_on,
    )
    write_decisions(session, alert.study, [row])
    return row.id
