"""The life of an alert: how each decision changes it, as one pure function.

    action          state                            rule still hits   what was told
    notify          open (a new life)                yes               this
    notify again    open, whatever it was            yes               this
    reinstate       open, whatever it was            yes               this
    reopen          open, whatever it was            yes               this
    amend           open if it was closed            yes               this
    extend          -                                -                 - (but the anchors)
    recovery        -                                -                 that it has ended (and the anchors)
    retract         -                                no                -
    acknowledge     acknowledged; refused if closed  -                 -
    close           closed; refused if closed        -                 -
    note, submitted, not owed: nothing

Only a person closes. It knows nothing of SQL, mail or the clock; replaying all decisions gives every alert as it is.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from alerts.decide import Action


class LifecycleError(Exception):
    """An act that the alert's state does not allow; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A decision as far as the life of its alert is concerned."""

    id: int
    alert_id: int
    study: str
    decided_at: datetime
    action: Action
    rule_id: str
    usubjid: str
    scope: str
    anchors: str
    summary: str
    grade: int | None
    urgency: str
    consequence: str
    evidence: str
    recovery: str | None = None
    extent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """An alert as its decisions leave it: the columns of its row."""

    id: int
    study: str
    rule_id: str
    usubjid: str
    scope: str
    anchors: str
    state: str
    standing: bool
    summary: str
    grade: int | None
    urgency: str
    consequence: str
    evidence: str
    recovery: str | None
    extent: str | None
    opened_at: datetime
    acknowledged_at: datetime | None  # the last time
    closed_at: datetime | None  # the last time
    last_decision_id: int
    revision: int


def advance(life: Life | None, step: Step) -> Life:
    """Return the alert after a decision about it; raise LifecycleError where its state does not allow the act."""
    if step.action is Action.NOTIFY:
        if life is not None:
            raise LifecycleError(f"alert {step.alert_id} is opened already")
        return _born(step)
    if life is None:
        raise LifecycleError(f"there is no alert {step.alert_id}")
    if life.state == "closed" and step.action in (Action.ACKNOWLEDGE, Action.CLOSE):
        raise LifecycleError(f"alert {life.id} is closed already")
    match step.action:
        case Action.RENOTIFY | Action.REINSTATE | Action.REOPEN:
            after = _told(replace(life, state="open"), step)
        case Action.AMEND:
            after = _told(replace(life, state="open" if life.state == "closed" else life.state), step)
        case Action.EXTEND | Action.RECOVERED:
            extent = life.extent or step.extent  # None of an alert told before extents were written: from here on
            after = replace(life, anchors=step.anchors, recovery=step.recovery, extent=extent)
        case Action.RETRACT:
            after = replace(life, standing=False)
        case Action.ACKNOWLEDGE:
            after = replace(life, state="acknowledged", acknowledged_at=step.decided_at)
        case Action.CLOSE:
            after = replace(life, state="closed", closed_at=step.decided_at)
        case Action.NOTE | Action.SUBMITTED | Action.NOT_OWED:
            after = life
        case _:
            raise LifecycleError(f"'{step.action}' is not done to an alert")
    return replace(after, last_decision_id=step.id, revision=life.revision + 1)


def _told(life: Life, step: Step) -> Life:
    """Return the alert with what this decision tells."""
    return replace(
        life,
        standing=True,
        anchors=step.anchors,
        summary=step.summary,
        grade=step.grade,
        urgency=step.urgency,
        consequence=step.consequence,
        evidence=step.evidence,
        recovery=step.recovery,
        extent=step.extent,
    )


def _born(step: Step) -> Life:
    """Return the alert that a first notification opens."""
    return Life(
        id=step.alert_id,
        study=step.study,
        rule_id=step.rule_id,
        usubjid=step.usubjid,
        scope=step.scope,
        anchors=step.anchors,
        state="open",
        standing=True,
        summary=step.summary,
        grade=step.grade,
        urgency=step.urgency,
        consequence=step.consequence,
        evidence=step.evidence,
        recovery=step.recovery,
        extent=step.extent,
        opened_at=step.decided_at,
        acknowledged_at=None,
        closed_at=None,
        last_decision_id=step.id,
        revision=1,
    )
