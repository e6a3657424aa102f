"""Decisions: what stands before them, and how they are written, chained and projected."""

import json
from collections.abc import Sequence

from sqlmodel import Session, col, select

from alerts.decide import Action, SavedDecision, Standing, StandingAlert
from alerts.decide import Decision as Made
from alerts.ledger.chain import Link, extend_chain
from alerts.ledger.projections import as_standing, evidence_to_json, project
from alerts.ledger.rows import add_rows, chunks, next_id
from alerts.ledger.sweeps import OpenSweep
from alerts.ledger.versions import withdrawn_keys
from alerts.tables import Alert, Decision, StandingAnswer
from rules.hit import Answer

AUTHOR = "vigil"
"""Who decides where no person does."""


def standing(session: Session, sweep: OpenSweep, usubjids: Sequence[str]) -> Standing:
    """Return what was told and written before about participants and the feed, and what the source took back since."""
    alerts: list[StandingAlert] = []
    answers: dict[tuple[str, str, str], tuple[Answer, str]] = {}
    for piece in chunks(["", *usubjids]):
        found = select(Alert).where(Alert.study == sweep.study, col(Alert.usubjid).in_(piece))
        alerts += [as_standing(alert) for alert in session.exec(found.order_by(col(Alert.id)))]
        written = select(StandingAnswer).where(
            StandingAnswer.study == sweep.study, col(StandingAnswer.usubjid).in_(piece)
        )
        for row in session.exec(written):
            answers[(row.rule_id, row.usubjid, row.scope)] = (Answer(row.answer), row.reason)
    told = {(item.domain, item.key) for alert in alerts for item in alert.evidence}
    return Standing(
        alerts=tuple(alerts), answers=answers, withdrawn=frozenset(withdrawn_keys(session, sweep.study, told))
    )


def open_alerts(session: Session, study: str) -> tuple[StandingAlert, ...]:
    """Return the alerts of a study that no person has closed, oldest first."""
    found = select(Alert).where(Alert.study == study, Alert.state != "closed").order_by(col(Alert.id))
    return tuple(as_standing(alert) for alert in session.exec(found))


def save_decisions(session: Session, sweep: OpenSweep, decisions: Sequence[Made]) -> tuple[SavedDecision, ...]:
    """Write a sweep's decisions, in order; return them with their ids and places in the study's chain."""
    first = next_id(session, Decision)
    next_alert = next_id(session, Alert)
    rows: list[Decision] = []
    for number, made in enumerate(decisions, start=first):
        alert_id = made.alert.id if made.alert else None
        if made.action is Action.NOTIFY:
            alert_id, next_alert = next_alert, next_alert + 1
        rows.append(_row(sweep, number, alert_id, made))
    return tuple(
        SavedDecision(decision=made, id=row.id, alert_id=row.alert_id, seq=link.seq, hash=link.hash)
        for made, row, link in zip(decisions, rows, write_decisions(session, sweep.study, rows), strict=True)
    )


def write_decisions(session: Session, study: str, rows: Sequence[Decision]) -> list[Link]:
    """Add decision rows to the ledger, its chain and its projections; return their links."""
    columns = [row.model_dump() for row in rows]
    add_rows(session, Decision, columns)
    links = extend_chain(session, study, "decision", [(values["id"], values) for values in columns])
    project(session, rows)
    return links


def _row(sweep: OpenSweep, number: int, alert_id: int | None, made: Made) -> Decision:
    judgement = made.judgement
    return Decision(
        id=number,
        study=sweep.study,
        sweep_id=sweep.id,
        alert_id=alert_id,
        decided_at=sweep.now,
        author=AUTHOR,
        action=str(made.action),
        answer=str(judgement.answer),
        reason=made.reason,
        rule_id=judgement.rule_id,
        rulebook_sha256=sweep.rulebook_sha256,
        ctcae=judgement.ctcae or sweep.ctcae,
        usubjid=judgement.usubjid,
        scope=judgement.scope,
        anchors=json.dumps(sorted(judgement.anchors), ensure_ascii=False),
        summary=judgement.summary,
        grade=judgement.grade,
        urgency=str(judgement.urgency),
        consequence=str(judgement.consequence),
        evidence=evidence_to_json(judgement.evidence),
        told=made.told,
    )
