"""Holds and stops of dosing, as the decisions tell of them: from when one was decided until a person closed its alert.

A person who acknowledges the alert in between takes the hold up; that closing it releases it shows the same.

What the data say later releases nothing: an alert that was retracted, or that calls for less now, holds on.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from alerts.decide import CALLING, Action
from alerts.ledger.rows import table_of
from alerts.ledger.set_back import SetBacks, known_at
from alerts.tables import Alert, Decision
from rules.hit import Consequence
from rules.records import Hold

_DECISION = table_of(Decision)
_HOLDING = tuple(map(str, (Consequence.HOLD, Consequence.STOP)))
_OPENING = tuple(map(str, (*CALLING, Action.AMEND)))
"""What opens an alert, or leaves it open: a retraction of a closed one names its consequence, and holds nothing."""
_BY_A_PERSON = tuple(map(str, (Action.ACKNOWLEDGE, Action.CLOSE)))


def holds(session: Session, study: str, usubjids: Sequence[str], backs: SetBacks = ()) -> dict[str, tuple[Hold, ...]]:
    """Return the holds of some participants, released ones too, by usubjid; `backs` say when the clock was set back."""
    mine = select(Alert.id).where(Alert.study == study, col(Alert.usubjid).in_(usubjids))
    begins = and_(_DECISION.c.action.in_(_OPENING), _DECISION.c.consequence.in_(_HOLDING))
    by_a_person = _DECISION.c.action.in_(_BY_A_PERSON)
    names = ("alert_id", "usubjid", "rule_id", "action", "consequence", "summary", "decided_at", "sweep_id")
    decisions = (
        select_columns(*(_DECISION.c[name] for name in names))
        .where(_DECISION.c.alert_id.in_(mine), or_(begins, by_a_person))
        .order_by(_DECISION.c.id)
    )
    by_alert: dict[int, list[Any]] = {}
    for decision in session.execute(decisions):
        by_alert.setdefault(decision.alert_id, []).append(decision)
    found: dict[str, tuple[Hold, ...]] = {}
    for life in by_alert.values():
        found[life[0].usubjid] = (*found.get(life[0].usubjid, ()), *_holds_of(life, backs))
    return found


def _holds_of(life: Iterable[Any], backs: SetBacks) -> Iterator[Hold]:
    """Yield the holds of one alert: one, or, where it was closed and called for a hold again, several."""
    begun: Any = None
    acknowledged: datetime | None = None
    for decision in life:
        if decision.action not in _BY_A_PERSON:
            begun = begun or decision
        elif begun is not None and decision.action == str(Action.ACKNOWLEDGE):
            acknowledged = acknowledged or decision.decided_at
        elif begun is not None:
            yield _hold(begun, backs, acknowledged, decision.decided_at)
            begun = acknowledged = None
    if begun is not None:
        yield _hold(begun, backs, acknowledged, None)


def _hold(begun: Any, backs: SetBacks, acknowledged: datetime | None, until: datetime | None) -> Hold:
    return Hold(
        rule_id=begun.rule_id,
        alert=begun.alert_id,
        consequence=begun.consequence,
        summary=begun.summary,
        since=known_at(begun.decided_at, begun.sweep_id, backs),
        until=until,
        acknowledged=acknowledged,
    )


def has_held(session: Session, alert: Alert) -> bool:
    """Whether an alert holds dosing, or has done so."""
    of_participant = holds(session, alert.study, [alert.usubjid]).get(alert.usubjid, ())
    return any(hold.alert == alert.id for hold in of_participant)


def kept_by_acknowledging(session: Session, alert_id: int) -> str:
    """Say what the acknowledgment of an alert means for dosing; '' where it holds nothing now."""
    alert = session.get_one(Alert, alert_id)
    of_participant = holds(session, alert.study, [alert.usubjid]).get(alert.usubjid, ())
    if not any(hold.alert == alert_id and hold.until is None for hold in of_participant):
        return ""
    return f"the hold on {alert.usubjid} stands until this alert is closed; a dose not given meanwhile is not missed"


def released_by_closing(session: Session, alert_id: int) -> str:
    """Say what the closing of an alert has released, and which holds are left; '' where it held nothing."""
    alert = session.get_one(Alert, alert_id)
    if not has_held(session, alert):
        return ""
    of_participant = holds(session, alert.study, [alert.usubjid]).get(alert.usubjid, ())
    left = ", ".join(str(hold.alert) for hold in of_participant if hold.until is None)
    still = f"dosing is still on hold by alert {left}" if left else "no other alert holds dosing"
    return f"this releases the hold on {alert.usubjid}; {still}"
