"""Decisions: what stands before them, and how they are written, chained and projected."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from sqlalchemy import func
from sqlmodel import Session, col, select

from alerts.decide import Action, SavedDecision, Standing, StandingAlert
from alerts.decide import Decision as Made
from alerts.ledger.chain import Link, extend_chain
from alerts.ledger.projections import as_standing, evidence_to_json, extent_to_json, project
from alerts.ledger.rows import add_rows, chunks, next_id
from alerts.ledger.sweeps import OpenSweep
from alerts.ledger.versions import withdrawn_keys
from alerts.tables import Alert, Decision, RecordVersion, StandingAnswer
from rules.hit import Answer, Evidence
from rules.reading import read_record
from rules.records import DOMAINS, Dose, Record

AUTHOR = "vigil"
"""Who decides where no person does."""


def standing(session: Session, sweep: OpenSweep, usubjids: Sequence[str]) -> Standing:
    """Return what was told and written before about participants and the feed, and what the source took back since."""
    alerts: list[StandingAlert] = []
    answers: dict[tuple[str, str, str], tuple[Answer, str]] = {}
    told_blind: dict[tuple[str, str, str], str] = {}
    for piece in chunks(["", *usubjids]):
        found = select(Alert).where(Alert.study == sweep.study, col(Alert.usubjid).in_(piece))
        alerts += [as_standing(alert) for alert in session.exec(found.order_by(col(Alert.id)))]
        written = (
            select(StandingAnswer, Decision.told, Decision.summary)
            .join(Decision, col(Decision.id) == StandingAnswer.decision_id)
            .where(StandingAnswer.study == sweep.study, col(StandingAnswer.usubjid).in_(piece))
        )
        for row, was_told, summary in session.exec(written):
            key = (row.rule_id, row.usubjid, row.scope)
            answers[key] = (Answer(row.answer), row.reason)
            if was_told and answers[key][0] is Answer.NOT_EVALUABLE:
                told_blind[key] = summary
    told = [item for alert in alerts for item in alert.evidence]
    return Standing(
        alerts=tuple(alerts),
        answers=answers,
        told_blind=told_blind,
        withdrawn=frozenset(withdrawn_keys(session, sweep.study, {(item.domain, item.key) for item in told})),
        current=_current(session, sweep.study, told),
    )


def _current(session: Session, study: str, told: Iterable[Evidence]) -> dict[tuple[str, str], Mapping[str, str]]:
    """Return what the rows behind evidence say now, where that is another version than the told one."""
    versions: dict[str, dict[str, set[int]]] = {}
    for item in told:
        if item.domain in DOMAINS:
            versions.setdefault(item.domain, {}).setdefault(item.key, set()).add(item.version)
    current: dict[tuple[str, str], Mapping[str, str]] = {}
    for domain, by_key in versions.items():
        for piece in chunks(sorted(by_key)):
            newest = (
                select(func.max(col(RecordVersion.id)))
                .where(RecordVersion.study == study, RecordVersion.domain == domain)
                .where(col(RecordVersion.record_key).in_(piece))
                .group_by(col(RecordVersion.record_key))
            )
            found = select(RecordVersion).where(col(RecordVersion.id).in_(newest), RecordVersion.change != "withdrawn")
            for row in session.exec(found):
                if by_key[row.record_key] != {row.id}:
                    current[domain, row.record_key] = _values(row)
    return current


def _values(row: RecordVersion) -> dict[str, str]:
    """Return a row's values under lower-case names, spelled as evidence spells them; '' for those it does not have.

    What cannot be read, a mistyped date say, is given as it stands.
    """
    content = {name.lower(): text.strip() for name, text in json.loads(row.content).items()}
    record = read_record(row.domain, json.loads(row.content), version=row.id, key=row.record_key)
    prefix = row.domain.lower() if isinstance(record, Dose) else ""
    own = {spec.name for spec in fields(record)} - {spec.name for spec in fields(Record)}
    read = {f"{prefix}{name}": str(getattr(record, name) or "") for name in own}
    return {**content, **{name: text or content.get(name, "") for name, text in read.items()}}


def open_alerts(session: Session, study: str) -> tuple[StandingAlert, ...]:
    """Return the alerts of a study that no person has closed, oldest first."""
    found = select(Alert).where(Alert.study == study, Alert.state != "closed").order_by(col(Alert.id))
    return tuple(as_standing(alert) for alert in session.exec(found))


def no_longer_judged(session: Session, alerts: Iterable[Alert]) -> frozenset[int]:
    """Return the ids of those alerts that were last retracted because their concern can no longer be judged."""
    blind: set[int] = set()
    for piece in chunks([alert.id for alert in alerts if not alert.standing]):
        last = (
            select(func.max(col(Decision.id)))
            .where(col(Decision.alert_id).in_(piece), Decision.action == str(Action.RETRACT))
            .group_by(col(Decision.alert_id))
        )
        found = select(Decision.alert_id).where(
            col(Decision.id).in_(last), Decision.answer == str(Answer.NOT_EVALUABLE)
        )
        blind.update(number for number in session.exec(found) if number is not None)
    return frozenset(blind)


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
        circumstances=json.dumps(judgement.circumstances, ensure_ascii=False) if judgement.circumstances else None,
        recovery=judgement.recovery or None,
        extent=extent_to_json(judgement.extent),
    )
