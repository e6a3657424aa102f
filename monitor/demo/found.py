"""What the ledger holds of a replay: the decisions, in the order they were made, with whom a server took a mail for.

It asks with plain SELECTs, as an auditor would. It must not know the script.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import distinct, func
from sqlmodel import Session, col, select

from alerts.decide import CALLING, Action
from alerts.tables import Decision, DeliveryOutcome, Notification, NotificationDecision, RecordVersion, Sweep
from rules.hit import Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One decision. `day` is the day of the replay; `taken`: a mail that tells it was accepted by the server."""

    id: int
    alert_id: int | None
    day: int
    rule: str
    usubjid: str
    scope: str
    action: Action
    urgency: str
    summary: str
    reason: str
    evidence: str  # the values of the newest record, and how many records more
    taken: bool


def found_since(session: Session, decision_id: int, first_day: date, zone: ZoneInfo) -> Iterator[Found]:
    """Yield the decisions with a higher id."""
    accepted = (
        select(NotificationDecision.decision_id)
        .join(DeliveryOutcome, col(DeliveryOutcome.notification_id) == col(NotificationDecision.notification_id))
        .where(DeliveryOutcome.outcome == "accepted", col(NotificationDecision.decision_id) > decision_id)
    )
    taken = set(session.exec(accepted))
    for row in session.exec(select(Decision).where(col(Decision.id) > decision_id).order_by(col(Decision.id))):
        yield Found(
            id=row.id,
            alert_id=row.alert_id,
            day=_day(row.decided_at, first_day, zone),
            rule=row.rule_id,
            usubjid=row.usubjid,
            scope=row.scope,
            action=Action(row.action),
            urgency=row.urgency,
            summary=row.summary,
            reason=row.reason,
            evidence=_in_short(row.evidence),
            taken=row.id in taken,
        )


def _in_short(evidence: str) -> str:
    """Return the values of the newest record of a decision's evidence, but for seriousness denied."""
    records = json.loads(evidence)
    if not records:
        return ""
    said = [f"{name}={value}" for name, value in records[-1]["values"] if value and (name[:3], value) != ("aes", "N")]
    more = len(records) - 1
    return " ".join(said) + (f" (and {more} record{'s' if more > 1 else ''} more)" if more else "")


def mails_by_purpose(session: Session) -> Counter[tuple[str, str]]:
    """Count the mails that the server took, by purpose and urgency."""
    accepted = select(DeliveryOutcome.notification_id).where(DeliveryOutcome.outcome == "accepted")
    mails = session.exec(select(Notification.purpose, Notification.urgency).where(col(Notification.id).in_(accepted)))
    return Counter(mails)


def immediate_mails(session: Session, decision_ids: set[int]) -> int:
    """Count the immediate mails that tell any of these decisions; copies to several officers count once."""
    telling = (
        select(func.count(distinct(col(Notification.sweep_id))))
        .join(NotificationDecision, col(NotificationDecision.notification_id) == col(Notification.id))
        .where(col(NotificationDecision.decision_id).in_(decision_ids), Notification.urgency == Urgency.IMMEDIATE)
    )
    return session.exec(telling).one()


def serious_events_told(session: Session, now: datetime) -> dict[int, str]:
    """Return the alerts by which a sweep called somebody to a serious event, with the participant of each."""
    told = select(Decision.alert_id, Decision.usubjid).where(
        Decision.rule_id == "SAE-01", Decision.decided_at == now, col(Decision.action).in_(CALLING)
    )
    return {alert: usubjid for alert, usubjid in session.exec(told) if alert is not None}


def withdrawn_rows(session: Session, first_day: date, zone: ZoneInfo) -> dict[int, int]:
    """Count the rows that were withdrawn, by day of the replay."""
    sweeps = session.exec(select(Sweep.now, Sweep.rows_withdrawn).where(Sweep.rows_withdrawn > 0))
    return {_day(now, first_day, zone): rows for now, rows in sweeps}


def _day(at: datetime, first_day: date, zone: ZoneInfo) -> int:
    return (at.astimezone(zone).date() - first_day).days


def figures(session: Session) -> dict[str, int]:
    """Count what was seen and kept."""
    sums = ("rows_read", "rows_rejected", "rows_withdrawn")
    totals = session.exec(select(*(func.coalesce(func.sum(col(getattr(Sweep, name))), 0) for name in sums))).one()
    return dict(zip(sums, totals, strict=True)) | {
        "sweeps": session.exec(select(func.count()).select_from(Sweep)).one(),
        "failed sweeps": session.exec(select(func.count()).select_from(Sweep).where(Sweep.status == "failed")).one(),
        "record versions": session.exec(select(func.count()).select_from(RecordVersion)).one(),
        "decisions": session.exec(select(func.count()).select_from(Decision)).one(),
    }
