"""Mails in the ledger: what is owed, each try, and how it ended.

It knows rows and when a mail is to be tried again. It must not know SMTP, nor what a mail says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from alerts.ledger.chain import extend_chain
from alerts.ledger.rows import add_rows, chunks, next_id
from alerts.tables import DeliveryAttempt, DeliveryOutcome, Notification, NotificationDecision
from rules.hit import Urgency

if TYPE_CHECKING:  # a listing of alerts needs neither SMTP nor templates
    from alerts.mailer import Outcome
    from alerts.message import Mail

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)

SETTLED = ("accepted", "refused")
"""The outcomes after which a mail is not owed any more: the server has it, or will never take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedMail:
    """A mail that no server has taken or refused yet."""

    id: int
    study: str
    purpose: str
    urgency: Urgency
    recipient: str
    subject: str
    owed_at: datetime
    attempts: int
    next_try_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try that has been written and not yet made."""

    id: int
    notification_id: int
    study: str
    mime: bytes  # exactly as frozen


class _Tries(NamedTuple):
    """How often a mail was tried, when the last try ended (began, if it has no end), and whether no relay answered."""

    attempts: int
    last: datetime
    unanswered: bool = False


def owe(session: Session, study: str, sweep_id: int | None, mails: "Sequence[Mail]") -> None:
    """Write down mails that are owed from now on, and which decisions they tell."""
    first = next_id(session, Notification)
    rows = [
        {
            "id": number,
            "study": study,
            "sweep_id": sweep_id,
            "purpose": mail.purpose,
            "urgency": str(mail.urgency),
            "recipient": mail.recipient,
            "subject": mail.subject,
            "message_id": mail.message_id,
            "owed_at": mail.owed_at,
            "mime": mail.mime,
        }
        for number, mail in enumerate(mails, start=first)
    ]
    links = [
        {"notification_id": number, "decision_id": decision_id}
        for number, mail in enumerate(mails, start=first)
        for decision_id in mail.decision_ids
    ]
    add_rows(session, Notification, rows)
    add_rows(session, NotificationDecision, links)


def owed(session: Session, now: datetime) -> list[OwedMail]:
    """Return every mail that is owed, in the order of trying: immediate first, then the oldest.

    A mail is due when its `next_try_at` is not after `now`: at once if it was never tried, else after a wait that
    doubles with every try. An attempt without an outcome counts as a try: it may be in flight, or was cut off. A mail
    that waits only because no relay answered is due once one has taken another.
    """
    found = select(Notification).options(defer(Notification.mime, raiseload=True))  # type: ignore[arg-type]  # a column
    rows = session.exec(found.where(col(Notification.id).not_in(_settled()))).all()
    tries, accepted_at = _tries(session, [row.id for row in rows]), _last_accepted(session)
    mails = []
    for row in rows:
        tried = tries.get(row.id, _Tries(0, row.owed_at))
        mails.append(
            OwedMail(
                id=row.id,
                study=row.study,
                purpose=row.purpose,
                urgency=Urgency(row.urgency),
                recipient=row.recipient,
                subject=row.subject,
                owed_at=row.owed_at,
                attempts=tried.attempts,
                next_try_at=_due_at(tried, accepted_at, now),
            )
        )
    return sorted(mails, key=lambda mail: (-mail.urgency.rank, mail.owed_at, mail.id))


def next_try(attempts: int, last: datetime, now: datetime) -> datetime:
    """Return when a mail is tried next: after its last try plus a wait of 30 s, 1, 2, 4, 8, then 15 min.

    A last try in the future comes from a clock that has been set back since, and must not hold a mail.
    """
    if attempts == 0 or last > now:
        return min(last, now)
    doublings = min(attempts - 1, 10)
    return last + min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def _due_at(tried: _Tries, accepted_at: datetime | None, now: datetime) -> datetime:
    """Return when a mail is tried next: its wait for a relay ends with the first mail that one has taken since."""
    if tried.unanswered and accepted_at is not None and tried.last < accepted_at <= now:
        return accepted_at
    return next_try(tried.attempts, tried.last, now)


def begin_attempt(session: Session, notification_id: int, now: datetime, relay: str) -> Attempt | None:
    """Write down a try before it is made; None if somebody else has settled the mail, or begun a try, meanwhile."""
    if session.exec(_settled().where(DeliveryOutcome.notification_id == notification_id)).first() is not None:
        return None
    mail = session.exec(select(Notification).where(Notification.id == notification_id)).one()
    tried = _tries(session, [notification_id]).get(notification_id, _Tries(0, mail.owed_at))
    if _due_at(tried, _last_accepted(session), now) > now:
        return None
    attempt_id = next_id(session, DeliveryAttempt)
    row = {
        "id": attempt_id,
        "notification_id": mail.id,
        "number": tried.attempts + 1,
        "started_at": now,
        "relay": relay,
    }
    add_rows(session, DeliveryAttempt, [row])
    return Attempt(id=attempt_id, notification_id=mail.id, study=mail.study, mime=mail.mime)


def end_attempt(session: Session, attempt: Attempt, now: datetime, outcome: "Outcome") -> None:
    """Write down how a try ended, as a second row and a link of the study's chain."""
    row = {
        "attempt_id": attempt.id,
        "notification_id": attempt.notification_id,
        "ended_at": now,
        "outcome": outcome.outcome,
        "code": outcome.code,
        "reply": outcome.reply,
    }
    add_rows(session, DeliveryOutcome, [row])
    extend_chain(session, attempt.study, "outcome", [(attempt.id, row)])


def _settled() -> SelectOfScalar[int]:
    return select(DeliveryOutcome.notification_id).where(col(DeliveryOutcome.outcome).in_(SETTLED))


def _last_accepted(session: Session) -> datetime | None:
    """Return when a relay last took a mail."""
    newest = select(func.max(col(DeliveryOutcome.ended_at))).where(DeliveryOutcome.outcome == "accepted")
    return session.exec(newest).one()


def _tries(session: Session, notification_ids: Sequence[int]) -> Mapping[int, _Tries]:
    """Return how the mails that were tried have fared."""
    tries: dict[int, _Tries] = {}
    for piece in chunks(notification_ids):
        found = (
            select(
                DeliveryAttempt.notification_id,
                DeliveryAttempt.number,
                func.coalesce(col(DeliveryOutcome.ended_at), col(DeliveryAttempt.started_at)),
                (col(DeliveryOutcome.outcome) == "deferred") & col(DeliveryOutcome.code).is_(None),
            )
            .join(DeliveryOutcome, col(DeliveryOutcome.attempt_id) == DeliveryAttempt.id, isouter=True)
            .where(col(DeliveryAttempt.notification_id).in_(piece))
            .order_by(col(DeliveryAttempt.number))
        )
        for notification_id, number, last, unanswered in session.exec(found):
            tries[notification_id] = _Tries(number, last, bool(unanswered))
    return tries
