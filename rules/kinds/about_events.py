"""What the kinds that judge adverse events one by one answer with.

It knows events. It must not know a criterion.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rules.events import Event, evidence_of, grade_of
from rules.hit import Answer, Judgement
from rules.records import Participant

if TYPE_CHECKING:
    from rules.rulebook import Rule


def about_event(
    rule: "Rule",
    participant: Participant,
    event: Event,
    summary: str,
    reasons: Iterable[str],
    *,
    hit: bool,
    told: bool,
    also: Iterable[str] = (),
) -> Judgement:
    """Answer about one event: a hit, or not evaluable; `also` names variables to show beside the usual ones."""
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope=event.key,
        anchors=frozenset({event.key}),
        answer=Answer.HIT if hit else Answer.NOT_EVALUABLE,
        summary=f"{summary}: {event.term}",
        reason="; ".join(filter(None, dict.fromkeys(reasons))),
        urgency=rule.urgency,
        consequence=rule.consequence,
        grade=grade_of(event),
        told=told,
        at=event.onset,
        evidence=evidence_of(event, also=also),
    )
