"""What the ledger says of one study's day: the figures of the daily mail, and the decisions no mail has told.

It knows rows. It must not know what a mail says of them, nor when a day begins.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from alerts.daily_mail import DailyFacts, Untold
from alerts.decide import Action, SavedDecision
from alerts.decide import Decision as Made
from alerts.ledger.chain import chain_head
from alerts.ledger.decisions import open_alerts
from alerts.ledger.figures import FATES
from alerts.ledger.mails import owed
from alerts.ledger.projections import evidence_from_json, extent_from_json
from alerts.ledger.runs import participants
from alerts.tables import (
    Chain,
    Decision,
    DeliveryOutcome,
    Notification,
    NotificationDecision,
    RuleFailure,
    StandingAnswer,
    Sweep,
)
from rules.hit import WHOLE_STUDY, Answer, Consequence, Judgement, Urgency


def last_daily(session: Session, study: str) -> datetime | None:
    """Return when the last daily mail of a study was owed: last by id, since a clock can be set back."""
    found = select(Notification.owed_at).where(Notification.study == study, Notification.purpose == "daily")
    return session.exec(found.order_by(col(Notification.id).desc()).limit(1)).first()


def daily_facts(session: Session, study: str, since: datetime, now: datetime) -> DailyFacts:
    """Count a study's day, from `since` up to `now`, and what is open and owed at this moment."""
    sweeps = session.exec(
        select(Sweep).where(Sweep.study == study, col(Sweep.now) > since, col(Sweep.now) <= now).order_by(col(Sweep.id))
    ).all()
    done = [sweep for sweep in sweeps if sweep.status == "done"]
    failed = [sweep for sweep in sweeps if sweep.status == "failed"]
    waiting = [mail for mail in owed(session, now) if mail.study == study]
    alerts = open_alerts(session, study)
    return DailyFacts(
        since=since,
        sweeps_done=len(done),
        sweeps_failed=len(failed),
        last_done=last_done(session, study),
        last_error=failed[-1].error if failed else "",
        rows={fate: sum(getattr(sweep, f"rows_{fate}") for sweep in done) for fate in FATES},
        actions=_actions(session, study, since),
        alerts={
            (urgency, state): sum(alert.urgency is urgency and alert.state == state for alert in alerts)
            for urgency in Urgency
            for state in ("open", "acknowledged")
        },
        mails_owed=len(waiting),
        oldest_owed=min((mail.owed_at for mail in waiting), default=None),
        mails_dead=_dead(session, study, None),
        mails_dead_new=_dead(session, study, since),
        not_evaluable=_not_evaluable(session, study),
        failures=_failures(session, study, sweeps),
        untold=_untold(session, study),
        open_alerts=alerts,
        head=chain_head(session, study),
    )


def last_done(session: Session, study: str) -> datetime | None:
    """Return the moment of the last sweep of a study that was done, None before any."""
    found = select(Sweep.now).where(Sweep.study == study, Sweep.status == "done").order_by(col(Sweep.id).desc())
    return session.exec(found.limit(1)).first()


def _actions(session: Session, study: str, since: datetime) -> Mapping[str, int]:
    counted = select(Decision.action, func.count()).where(Decision.study == study, col(Decision.decided_at) > since)
    return dict(session.exec(counted.group_by(Decision.action).order_by(Decision.action)).all())


def _dead(session: Session, study: str, since: datetime | None) -> int:
    """Count the mails refused for good, of all time or since an instant."""
    counted = (
        select(func.count())
        .select_from(DeliveryOutcome)
        .join(Notification, col(Notification.id) == DeliveryOutcome.notification_id)
        .where(Notification.study == study, DeliveryOutcome.outcome == "refused")
    )
    if since is not None:
        counted = counted.where(col(DeliveryOutcome.ended_at) > since)
    return session.exec(counted).one()


def _not_evaluable(session: Session, study: str) -> Mapping[str, int]:
    """Count, by rule, the participants about whom a rule is blind now: all, where the study brings no data for it."""
    of_study = (StandingAnswer.study == study, StandingAnswer.answer == str(Answer.NOT_EVALUABLE))
    counted = (
        select(StandingAnswer.rule_id, func.count(func.distinct(StandingAnswer.usubjid)))
        .where(*of_study)
        .group_by(StandingAnswer.rule_id)
    )
    for_all = select(StandingAnswer.rule_id).where(*of_study, StandingAnswer.scope == WHOLE_STUDY)
    everybody = len(participants(session, study))
    return dict(session.exec(counted).all()) | dict.fromkeys(session.exec(for_all), everybody)


def _failures(session: Session, study: str, sweeps: Sequence[Sweep]) -> Mapping[str, int]:
    """Count, by rule, how often it raised in the given sweeps, which follow each other."""
    if not sweeps:
        return {}
    counted = select(RuleFailure.rule_id, func.count()).where(
        RuleFailure.study == study, col(RuleFailure.sweep_id).between(sweeps[0].id, sweeps[-1].id)
    )
    return dict(session.exec(counted.group_by(RuleFailure.rule_id)).all())


def _untold(session: Session, study: str) -> tuple[Untold, ...]:
    """Return the decisions that somebody must be told of and that stand in no mail, oldest first."""
    told = select(NotificationDecision.decision_id)
    found = (
        select(Decision, Chain)
        .join(Chain, (col(Chain.entry) == "decision") & (col(Chain.entry_id) == Decision.id))
        .where(Decision.study == study, col(Decision.told).is_(True), col(Decision.id).not_in(told))
        .order_by(col(Decision.id))
    )
    return tuple(
        Untold(saved=_saved(row, link), decided_at=row.decided_at, rulebook_sha256=row.rulebook_sha256)
        for row, link in session.exec(found)
    )


def _saved(row: Decision, link: Chain) -> SavedDecision:
    """Read a decision back as it was made, without the alert as it stood before."""
    judgement = Judgement(
        rule_id=row.rule_id,
        usubjid=row.usubjid,
        scope=row.scope,
        anchors=frozenset(json.loads(row.anchors)),
        answer=Answer(row.answer),
        summary=row.summary,
        reason=row.reason,
        urgency=Urgency(row.urgency),
        consequence=Consequence(row.consequence),
        grade=row.grade,
        evidence=evidence_from_json(row.evidence),
        ctcae=row.ctcae,
        circumstances=tuple(json.loads(row.circumstances or "[]")),
        recovery=row.recovery or "",
        extent=extent_from_json(row.extent),
    )
    made = Made(action=Action(row.action), reason=row.reason, judgement=judgement)
    return SavedDecision(decision=made, id=row.id, alert_id=row.alert_id, seq=link.seq, hash=link.hash)
