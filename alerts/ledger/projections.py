"""What the decisions leave behind: alerts and standing answers, kept beside the decisions and rebuilt from them.

A decision changes these tables only through `project`, so that `rebuild` gives the same rows again.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from decimal import Decimal

from sqlalchemy import bindparam, delete
from sqlmodel import Session, col, select

from alerts.decide import Action, StandingAlert
from alerts.ledger.rows import add_rows, chunks, table_of
from alerts.lifecycle import Life, Step, advance
from alerts.tables import Alert, Decision, StandingAnswer
from rules.hit import Consequence, Evidence, Extent, Urgency

_WRITES_ANSWER = (Action.HOLD_BACK, Action.CANNOT_TELL)
_ABOUT_ANSWERS = (*_WRITES_ANSWER, Action.RESOLVE)


def project(session: Session, decisions: Sequence[Decision]) -> None:
    """Carry decisions, in the order they were made, into alerts and standing answers."""
    about_alerts = [decision for decision in decisions if Action(decision.action) not in _ABOUT_ANSWERS]
    _project_alerts(session, about_alerts)
    _project_answers(session, [d for d in decisions if Action(d.action) in _ABOUT_ANSWERS])
    session.expire_all()  # rows were written past the session, which must not answer from memory


def rebuild(session: Session, study: str) -> None:
    """Make a study's alerts and standing answers anew from all its decisions."""
    session.execute(delete(Alert).where(col(Alert.study) == study))
    session.execute(delete(StandingAnswer).where(col(StandingAnswer.study) == study))
    ids = session.exec(select(Decision.id).where(Decision.study == study).order_by(col(Decision.id))).all()
    for piece in chunks(ids):
        found = session.exec(select(Decision).where(col(Decision.id).in_(piece)).order_by(col(Decision.id)))
        project(session, found.all())


def _project_alerts(session: Session, decisions: Sequence[Decision]) -> None:
    steps = [_step(decision) for decision in decisions]
    before = _lives(session, {step.alert_id for step in steps})
    lives = dict(before)
    for step in steps:
        lives[step.alert_id] = advance(lives.get(step.alert_id), step)
    _remove(session, Alert, [{"id": number} for number in before])
    add_rows(session, Alert, [asdict(life) for life in lives.values()])


def _project_answers(session: Session, decisions: Sequence[Decision]) -> None:
    answers: dict[tuple[str, str, str, str], Decision] = {}
    for decision in decisions:
        answers[(decision.study, decision.rule_id, decision.usubjid, decision.scope)] = decision
    key_names = ("study", "rule_id", "usubjid", "scope")
    _remove(session, StandingAnswer, [dict(zip(key_names, key, strict=True)) for key in answers])
    written = [
        {
            **dict(zip(key_names, key, strict=True)),
            "answer": decision.answer,
            "reason": decision.reason,
            "decision_id": decision.id,
        }
        for key, decision in answers.items()
        if Action(decision.action) in _WRITES_ANSWER
    ]
    add_rows(session, StandingAnswer, written)


def _remove(session: Session, model: type[Alert] | type[StandingAnswer], keys: list[dict[str, object]]) -> None:
    """Delete projected rows by key, to be written anew."""
    if not keys:
        return
    table = table_of(model)
    statement = table.delete().where(*(table.c[name] == bindparam(f"_{name}") for name in keys[0]))
    session.connection().execute(statement, [{f"_{name}": value for name, value in key.items()} for key in keys])


def _lives(session: Session, numbers: Iterable[int]) -> dict[int, Life]:
    names = [spec.name for spec in fields(Life)]
    return {
        alert.id: Life(**{name: getattr(alert, name) for name in names})
        for piece in chunks(sorted(numbers))
        for alert in session.execute(table_of(Alert).select().where(col(Alert.id).in_(piece)))
    }


def _step(decision: Decision) -> Step:
    values = {spec.name: getattr(decision, spec.name) for spec in fields(Step)}
    return Step(**{**values, "action": Action(decision.action)})


def as_standing(alert: Alert) -> StandingAlert:
    """Return an alert's row as deciding needs it."""
    return StandingAlert(
        id=alert.id,
        rule_id=alert.rule_id,
        usubjid=alert.usubjid,
        scope=alert.scope,
        anchors=frozenset(json.loads(alert.anchors)),
        state=alert.state,
        standing=alert.standing,
        summary=alert.summary,
        grade=alert.grade,
        urgency=Urgency(alert.urgency),
        consequence=Consequence(alert.consequence),
        evidence=evidence_from_json(alert.evidence),
        recovery=alert.recovery or "",
        extent=extent_from_json(alert.extent),
        opened_at=alert.opened_at,
    )


def evidence_to_json(evidence: Iterable[Evidence]) -> str:
    """Write evidence as JSON with sorted keys; values are [name, value] pairs, in the order the rule gave them."""
    return json.dumps([asdict(item) for item in evidence], sort_keys=True, ensure_ascii=False)


def evidence_from_json(text: str) -> tuple[Evidence, ...]:
    """Read back what `evidence_to_json` wrote, exactly."""
    return tuple(
        Evidence(**{**item, "values": tuple((name, value) for name, value in item["values"])})
        for item in json.loads(text)
    )


def extent_to_json(extents: Iterable[Extent]) -> str | None:
    """Write extents as JSON with sorted keys, None where there are none."""
    rows = [{**asdict(extent), "value": str(extent.value)} for extent in extents]
    return json.dumps(rows, sort_keys=True, ensure_ascii=False) if rows else None


def extent_from_json(text: str | None) -> tuple[Extent, ...]:
    """Read back what `extent_to_json` wrote, exactly."""
    return tuple(Extent(**{**row, "value": Decimal(row["value"])}) for row in json.loads(text or "[]"))
