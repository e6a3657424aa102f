"""Holds and stops of dosing, as the decisions tell of them: from when one was decided until a person closed its alert.

What the data say later releases nothing: an alert that was retracted, or that calls for less now, holds on.
"""

from collections.abc import Iterable, Iterator, Sequence

from sqlmodel import Session, col, select

from alerts.decide import CALLING, Action
from alerts.tables import Alert, Decision
from rules.hit import Consequence
from rules.records import Hold

_HOLDING = frozenset({str(Consequence.HOLD), str(Consequence.STOP)})
_OPENING = CALLING | {Action.AMEND}
"""What opens an alert, or leaves it open: a retraction of a closed one names its consequence, and holds nothing."""


def holds(session: Session, study: str, usubjids: Sequence[str]) -> dict[str, tuple[Hold, ...]]:
    """Return the holds of some participants, released ones too, by usubjid."""
    mine = select(Alert.id).where(Alert.study == study, col(Alert.usubjid).in_(usubjids))
    decisions = select(Decision).where(col(Decision.alert_id).in_(mine)).order_by(col(Decision.id))
    by_alert: dict[int | None, list[Decision]] = {}
    for decision in session.exec(decisions):
        by_alert.setdefault(decision.alert_id, []).append(decision)
    found: dict[str, tuple[Hold, ...]] = {}
    for life in by_alert.values():
        found[life[0].usubjid] = (*found.get(life[0].usubjid, ()), *_holds_of(life))
    return found


def _holds_of(life: Iterable[Decision]) -> Iterator[Hold]:
    """Yield the holds of one alert: one, or, where it was closed and called for a hold again, several."""
    begun: Decision | None = None
    for decision in life:
        if begun is None and Action(decision.action) in _OPENING and decision.consequence in _HOLDING:
            begun = decision
        elif Action(decision.action) is Action.CLOSE and begun is not None:
            yield _hold(begun, decision)
            begun = None
    if begun is not None:
        yield _hold(begun, None)


def _hold(begun: Decision, closed: Decision | None) -> Hold:
    return Hold(
        rule_id=begun.rule_id,
        alert=begun.alert_id or 0,
        consequence=begun.consequence,
        summary=begun.summary,
        since=begun.decided_at,
        until=closed.decided_at if closed is not None else None,
    )


def released_by_closing(session: Session, alert_id: int) -> str:
    """Say what the closing of an alert has released, and which holds are left; '' where it held nothing."""
    alert = session.get_one(Alert, alert_id)
    of_participant = holds(session, alert.study, [alert.usubjid]).get(alert.usubjid, ())
    if not any(hold.alert == alert_id for hold in of_participant):
        return ""
    left = ", ".join(str(hold.alert) for hold in of_participant if hold.until is None)
    still = f"dosing is still on hold by alert {left}" if left else "no other alert holds dosing"
    return f"this releases the hold on {alert.usubjid}; {still}"
