"""What can be asked about alerts afterwards: what was decided, who was told, and whether the server took it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from alerts.tables import Alert, Decision, DeliveryAttempt, DeliveryOutcome, Notification, NotificationDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A notification that tells a decision, and how far it got."""

    notification_id: int
    purpose: str
    recipient: str
    subject: str
    message_id: str
    owed_at: datetime
    attempts: int
    outcome: str  # of the last attempt: accepted, deferred, refused, unknown; '' while none has ended
    ended_at: datetime | None = None
    code: int | None = None
    reply: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One decision of an alert's life, with the notifications that tell it."""

    decision: Decision
    told: tuple[Told, ...]


def list_alerts(session: Session, study: str | None = None, state: str | None = None) -> tuple[Alert, ...]:
    """Return the alerts that match everything asked for, oldest first."""
    asked = {"study": study, "state": state}
    where = [col(getattr(Alert, name)) == value for name, value in asked.items() if value is not None]
    return tuple(session.exec(select(Alert).where(*where).order_by(col(Alert.id))))


def alert_history(session: Session, alert_id: int) -> tuple[Entry, ...]:
    """Return all that was decided about an alert, by vigil and by people, oldest first."""
    decisions = select(Decision).where(Decision.alert_id == alert_id).order_by(col(Decision.id))
    return tuple(Entry(decision=row, told=_told(session, row.id)) for row in session.exec(decisions).all())


def _told(session: Session, decision_id: int) -> tuple[Told, ...]:
    telling = (
        select(Notification)
        .join(NotificationDecision, col(NotificationDecision.notification_id) == col(Notification.id))
        .where(NotificationDecision.decision_id == decision_id)
        .order_by(col(Notification.id))
    )
    return tuple(_how_far(session, row) for row in session.exec(telling).all())


def _how_far(session: Session, row: Notification) -> Told:
    attempts: Sequence[int] = session.exec(
        select(DeliveryAttempt.id).where(DeliveryAttempt.notification_id == row.id)
    ).all()
    ended = select(DeliveryOutcome).where(DeliveryOutcome.notification_id == row.id)
    last = session.exec(ended.order_by(col(DeliveryOutcome.attempt_id).desc()).limit(1)).first()
    return Told(
        notification_id=row.id,
        purpose=row.purpose,
        recipient=row.recipient,
        subject=row.subject,
        message_id=row.message_id,
        owed_at=row.owed_at,
        attempts=len(attempts),
        outcome=last.outcome if last else "",
        ended_at=last.ended_at if last else None,
        code=last.code if last else None,
        reply=last.reply if last else "",
    )
