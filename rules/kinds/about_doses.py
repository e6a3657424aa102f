"""What the kinds that look at recorded doses answer with.

It knows dose records. It must not know a criterion, nor tell an amount, a treatment or a lot.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rules.exposure import evidence_of_doses
from rules.hit import Answer, Judgement
from rules.records import Dose, Participant

if TYPE_CHECKING:
    from rules.rulebook import Rule


def about_doses(
    rule: "Rule",
    participant: Participant,
    scope: str,
    reason: str,
    records: Sequence[Dose] = (),
    *,
    hit: bool = False,
    told: bool = True,
) -> Judgement:
    """Answer about a concern of some dose records: a hit, or not evaluable."""
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope=scope,
        anchors=frozenset({scope}),
        answer=Answer.HIT if hit else Answer.NOT_EVALUABLE,
        summary=f"{rule.title}: {scope if hit else 'cannot be evaluated'}",
        reason=reason,
        urgency=rule.urgency,
        consequence=rule.consequence,
        told=told,
        at=records[0].stdtc if records else None,
        evidence=evidence_of_doses(records),
    )
