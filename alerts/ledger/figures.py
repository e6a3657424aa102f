"""What the ledger can be counted by: the figures behind metrics and health.

Plain numbers by study, rule, urgency and the like. No participant and no arm is ever among the labels. Counts over
append-only rows only grow, also across restarts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import SQLColumnExpression, and_, distinct, func, or_, select, true
from sqlmodel import Session, col

from alerts.decide import CALLING, Action
from alerts.ledger.mails import SETTLED
from alerts.ledger.runs import participants
from alerts.tables import (
    Alert,
    Decision,
    DeliveryOutcome,
    Notification,
    RuleFailure,
    SourceFile,
    StandingAnswer,
    Sweep,
)
from rules.hit import WHOLE_STUDY, Answer

Labels = tuple[str, ...]
Column = SQLColumnExpression[str]
Condition = SQLColumnExpression[bool]
EVERYTHING: Condition = true()

FATES = ("unchanged", "new", "changed", "reappeared", "duplicate", "rejected", "withdrawn", "withheld")
"""What can become of a row, in the words of the sweep's columns."""

FRESH = ("new", "changed", "reappeared", "withdrawn")
"""Those that mean that the source has brought something."""

_TELLING = (*CALLING, Action.AMEND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One look at the ledger. Every mapping goes from label values, in the order its comment names, to a number."""

    alerts_open: Mapping[Labels, int] = field(default_factory=dict)  # study, rule, urgency, state
    oldest_unacknowledged: Mapping[Labels, datetime] = field(default_factory=dict)  # study, urgency
    sweeps: Mapping[Labels, int] = field(default_factory=dict)  # study, status
    rows: Mapping[Labels, int] = field(default_factory=dict)  # study, fate: of all sweeps
    last_success: Mapping[Labels, datetime] = field(default_factory=dict)  # study
    last_seconds: Mapping[Labels, float] = field(default_factory=dict)  # study
    newest_data: Mapping[Labels, datetime] = field(default_factory=dict)  # study
    files_refused: Mapping[Labels, int] = field(default_factory=dict)  # study, domain
    participants: Mapping[Labels, int] = field(default_factory=dict)  # study
    not_evaluable: Mapping[Labels, int] = field(default_factory=dict)  # study, rule: participants
    rule_failures: Mapping[Labels, int] = field(default_factory=dict)  # study, rule
    mails_owed: Mapping[Labels, int] = field(default_factory=dict)  # study, urgency
    oldest_owed: Mapping[Labels, datetime] = field(default_factory=dict)  # study, urgency
    mail_outcomes: Mapping[Labels, int] = field(default_factory=dict)  # study, outcome


def read_figures(session: Session) -> Figures:
    """Count the whole ledger once."""
    last = _last_sweeps(session, col(Sweep.status) == "done")
    fresh = _last_sweeps(session, and_(col(Sweep.status) == "done", or_(*(_rows(fate) > 0 for fate in FRESH))))
    owed = _owed(session)
    return Figures(
        alerts_open=_alerts_open(session),
        oldest_unacknowledged=_oldest_unacknowledged(session),
        sweeps=_count(session, (col(Sweep.study), col(Sweep.status))),
        rows=_rows_by_fate(session),
        last_success={study: sweep.now for study, sweep in last.items()},
        last_seconds={study: sweep.seconds for study, sweep in last.items()},
        newest_data={study: sweep.now for study, sweep in fresh.items()},
        files_refused=_count(
            session, (col(SourceFile.study), col(SourceFile.domain)), col(SourceFile.state) == "refused"
        ),
        participants={(study,): len(participants(session, study)) for (study,) in last},
        not_evaluable=_not_evaluable(session),
        rule_failures=_count(session, (col(RuleFailure.study), col(RuleFailure.rule_id))),
        mails_owed={key: number for key, (number, _) in owed.items()},
        oldest_owed={key: oldest for key, (_, oldest) in owed.items()},
        mail_outcomes=_mail_outcomes(session),
    )


def _count(session: Session, labels: tuple[Column, ...], where: Condition = EVERYTHING) -> dict[Labels, int]:
    """Count rows by labels."""
    rows = session.execute(select(*labels, func.count()).where(where).group_by(*labels))
    return {tuple(key): number for *key, number in rows}


def _rows(fate: str) -> SQLColumnExpression[int]:
    """Return the sweep's column for a fate."""
    column: SQLColumnExpression[int] = col(getattr(Sweep, f"rows_{fate}"))
    return column


def _rows_by_fate(session: Session) -> dict[Labels, int]:
    """Add up what became of the rows of all sweeps."""
    sums = (func.sum(_rows(fate)) for fate in FATES)
    found = session.execute(select(col(Sweep.study), *sums).group_by(col(Sweep.study)))
    return {
        (study, fate): int(number) for study, *numbers in found for fate, number in zip(FATES, numbers, strict=True)
    }


def _last_sweeps(session: Session, where: Condition) -> dict[Labels, Sweep]:
    """Return the last sweep of each study that meets a condition: last by id, since a clock can be set back."""
    last = select(func.max(col(Sweep.id))).where(where).group_by(col(Sweep.study))
    return {(sweep.study,): sweep for sweep in session.scalars(select(Sweep).where(col(Sweep.id).in_(last)))}


def _alerts_open(session: Session) -> dict[Labels, int]:
    """Count the alerts that are not closed, acknowledged or not."""
    labels = (col(Alert.study), col(Alert.rule_id), col(Alert.urgency), col(Alert.state))
    return _count(session, labels, col(Alert.state) != "closed")


def _oldest_unacknowledged(session: Session) -> dict[Labels, datetime]:
    """Return when the longest unacknowledged alert was told, a person's last act about it being older than that."""
    labels = (col(Alert.study), col(Alert.urgency))
    acts = (col(Alert.acknowledged_at), col(Alert.closed_at))
    since = (or_(act.is_(None), col(Decision.decided_at) > act) for act in acts)
    told = and_(col(Decision.alert_id) == col(Alert.id), col(Decision.action).in_(_TELLING), *since)
    rows = session.execute(
        select(*labels, func.min(col(Decision.decided_at)))
        .join(Decision, told)
        .where(col(Alert.state) == "open")
        .group_by(*labels)
    )
    return {(study, urgency): oldest for study, urgency, oldest in rows}


def _not_evaluable(session: Session) -> dict[Labels, int]:
    """Count the participants about whom a rule cannot tell now: all, where the study brings no data for the rule."""
    labels = (col(StandingAnswer.study), col(StandingAnswer.rule_id))
    whole = col(StandingAnswer.scope) == WHOLE_STUDY
    rows = session.execute(
        select(*labels, func.count(distinct(col(StandingAnswer.usubjid))))
        .where(col(StandingAnswer.answer) == Answer.NOT_EVALUABLE)
        .group_by(*labels)
    )
    blind = {(study, rule) for study, rule in session.execute(select(*labels).where(whole))}
    everybody = {study: len(participants(session, study)) for study, _ in blind}
    return {(study, rule): everybody[study] if (study, rule) in blind else number for study, rule, number in rows}


def _owed(session: Session) -> dict[Labels, tuple[int, datetime]]:
    """Count the mails that no server has taken or refused for good, and say since when the oldest waits."""
    labels = (col(Notification.study), col(Notification.urgency))
    settled = select(col(DeliveryOutcome.notification_id)).where(col(DeliveryOutcome.outcome).in_(SETTLED))
    rows = session.execute(
        select(*labels, func.count(), func.min(col(Notification.owed_at)))
        .where(col(Notification.id).not_in(settled))
        .group_by(*labels)
    )
    return {(study, urgency): (number, oldest) for study, urgency, number, oldest in rows}


def _mail_outcomes(session: Session) -> dict[Labels, int]:
    """Count the delivery attempts by how they ended."""
    labels = (col(Notification.study), col(DeliveryOutcome.outcome))
    rows = session.execute(
        select(*labels, func.count())
        .join(Notification, col(Notification.id) == col(DeliveryOutcome.notification_id))
        .group_by(*labels)
    )
    return {(study, outcome): number for study, outcome, number in rows}
