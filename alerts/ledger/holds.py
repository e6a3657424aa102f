"""Holds and stops of dosing, as the decisions tell of them: from when one was decided until a person closed its alert.

A person who acknowledges the alert in between takes the hold up; who only closes it does not.

What the data say later releases nothing: an alert that was retracted, or that calls for less now, holds on. But who
acknowledges it after it was retracted takes up no hold.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from alerts.decide import CALLING, Action
from alerts.ledger.rows import table_of
from alerts.ledger.set_back import DecidedAt, SetBacks, entered_at, known_at
from alerts.tables import Alert, Decision
from rules.hit import Consequence
from rules.records import Hold

_DECISION = table_of(Decision)
_HOLDING = tuple(map(str, (Consequence.HOLD, Consequence.STOP)))
_OPENING = tuple(map(str, (*CALLING, Action.AMEND)))
"""What opens an alert, or leaves it open: a retraction of a closed one names its consequence, and holds nothing."""
_BY_A_PERSON = tuple(map(str, (Action.ACKNOWLEDGE, Action.CLOSE)))
_RETRACT = str(Action.RETRACT)


def holds(
    session: Session, study: str, usubjids: Sequence[str], backs: SetBacks = (), decided: DecidedAt = ()
) -> dict[str, tuple[Hold, ...]]:
    """Return the holds of some participants, released ones too, by usubjid.

    `backs` and `decided` set right what was decided, and what a person did, while the clock stood wrong.
    """
    mine = select(Alert.id).where(Alert.study == study, col(Alert.usubjid).in_(usubjids))
    begins = and_(_DECISION.c.action.in_(_OPENING), _DECISION.c.consequence.in_(_HOLDING))
    changes = _DECISION.c.action.in_((*_BY_A_PERSON, _RETRACT))
    names = ("id", "alert_id", "usubjid", "rule_id", "action", "consequence", "summary", "decided_at", "sweep_id")
    decisions = (
        select_columns(*(_DECISION.c[name] for name in names))
        .where(_DECISION.c.alert_id.in_(mine), or_(begins, changes))
        .order_by(_DECISION.c.id)
    )
    by_alert: dict[int, list[Any]] = {}
    for decision in session.execute(decisions):
        by_alert.setdefault(decision.alert_id, []).append(decision)
    found: dict[str, tuple[Hold, ...]] = {}
    for life in by_alert.values():
        found[life[0].usubjid] = (*found.get(life[0].usubjid, ()), *_holds_of(life, backs, decided))
    return found


def _holds_of(life: Iterable[Any], backs: SetBacks, decided: DecidedAt) -> Iterator[Hold]:
    """Yield the holds of one alert: one, or, where it was closed and called for a hold again, several."""
    hold: Hold | None = None
    for decision in life:
        if decision.action not in (*_BY_A_PERSON, _RETRACT):
            hold = replace(hold, retracted=None) if hold is not None else _begun(decision, backs)
        elif hold is None:
            continue
        elif decision.action == _RETRACT:
            hold = replace(hold, retracted=hold.retracted or known_at(decision.decided_at, decision.sweep_id, backs))
        elif decision.action == str(Action.CLOSE):
            yield replace(hold, until=entered_at(decision.decided_at, decision.id, decided))
            hold = None
        elif hold.retracted is None:
            entered = entered_at(decision.decided_at, decision.id, decided)
            hold = replace(hold, acknowledged=hold.acknowledged or entered)
    if hold is not None:
        yield hold


def _begun(decision: Any, backs: SetBacks) -> Hold:
    """A hold as the decision tells of it that called for it."""
    return Hold(
        rule_id=decision.rule_id,
        alert=decision.alert_id,
        consequence=decision.consequence,
        summary=decision.summary,
        since=known_at(decision.decided_at, decision.sweep_id, backs),
    )


def has_held(session: Session, alert: Alert) -> bool:
    """Whether an alert holds dosing, or has done so."""
    of_participant = holds(session, alert.study, [alert.usubjid]).get(alert.usubjid, ())
    return any(hold.alert == alert.id for hold in of_participant)


def kept_by_acknowledging(session: Session, alert_id: int) -> str:
    """Say what the acknowledgment of an alert means for dosing; '' where it holds nothing now."""
    alert = session.get_one(Alert, alert_id)
    of_participant = holds(session, alert.study, [alert.usubjid]).get(alert.usubjid, ())
    stands = [hold for hold in of_participant if hold.alert == alert_id and hold.until is None]
    if not stands:
        return ""
    said = f"the hold on {alert.usubjid} stands until this alert is closed"
    excused = any(hold.acknowledged and not hold.retracted for hold in stands)
    return f"{said}; a dose recorded as not given meanwhile is not missed" if excused else said


def released_by_closing(session: Session, alert_id: int) -> str:
    """Say what the closing of an alert has released, and which holds are left; '' where it held nothing."""
    alert = session.get_one(Alert, alert_id)
    if not has_held(session, alert):
        return ""
    of_participant = holds(session, alert.study, [alert.usubjid]).get(alert.usubjid, ())
    left = ", ".join(str(hold.alert) for hold in of_participant if hold.until is None)
    still = f"dosing is still on hold by alert {left}" if left else "no other alert holds dosing"
    return f"this releases the hold on {alert.usubjid}; {still}"
