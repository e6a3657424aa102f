"""Kind `dosed_on_hold`: a dose was given while a hold or stop of dosing stood.

A hold counts from when it was decided, which is when its result was known here, not from the day of the sample; it
ends when a person closes its alert, whatever the data say later. It must not tell amounts, treatments or lots.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from rules.dose_records import day_of, end_of, given_records, says_whether
from rules.exposure import evidence_of_doses
from rules.hit import Answer, Judgement
from rules.records import Dose, Hold, Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


class When(BaseModel):
    """Nothing to choose: which rules hold or stop dosing is said where they stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each time on hold in which a dose was given, or may have been."""
    given = given_records(participant, context.header.zero_dose)
    for holds in _without_gap([hold for hold in participant.holds if hold.rule_id != rule.id]):
        certain, possible = [], []
        for dose in given:
            within = {_within(dose, hold, context) for hold in holds}
            if True in within and says_whether(dose):
                certain.append(dose)
            elif within != {False}:
                possible.append(dose)
        if certain:
            yield _answer(rule, participant, context, holds, certain, Answer.HIT)
        if possible:
            yield _answer(rule, participant, context, holds, possible, Answer.NOT_EVALUABLE)


def _without_gap(holds: Sequence[Hold]) -> Iterator[list[Hold]]:
    """Yield the holds that followed each other without a gap: one time on hold, however many rules called for it."""
    together: list[Hold] = []
    for hold in sorted(holds, key=lambda hold: hold.since):
        if together and all(other.until is not None and other.until <= hold.since for other in together):
            yield together
            together = []
        together.append(hold)
    if together:
        yield together


def _within(dose: Dose, hold: Hold, context: "Context") -> bool | None:
    """Whether a dose was given while a hold stood, None where its date leaves that open."""
    if dose.stdtc is None:
        return None
    begin, end = dose.stdtc, end_of(dose, dose.stdtc)
    since = context.local(hold.since)
    until = context.local(hold.until) if hold.until is not None else None
    if end.latest < since or (until is not None and begin.earliest >= until):
        return False
    return True if end.earliest >= since and (until is None or begin.latest < until) else None


def _answer(
    rule: "Rule",
    participant: Participant,
    context: "Context",
    holds: Sequence[Hold],
    doses: Sequence[Dose],
    answer: Answer,
) -> Judgement:
    """Answer for the doses of one time on hold; its begin names it, since more doses and holds may come."""
    named = ", ".join(dict.fromkeys(str(dose.stdtc or "unknown date") for dose in doses))
    hit = answer is Answer.HIT
    stood = [hold for hold in holds if any(_within(dose, hold, context) is not False for dose in doses)]
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope=f"{'on' if hit else 'perhaps on'} hold since {context.local(holds[0].since):%Y-%m-%dT%H:%M}",
        anchors=frozenset(str(day_of(dose) or dose.stdtc or "unknown date") for dose in doses),
        answer=answer,
        summary=f"{rule.title if hit else 'May have been dosed on hold'}: {named}",
        reason="; ".join(_words(hold, context) for hold in stood),
        urgency=rule.urgency,
        consequence=rule.consequence,
        each_anchor_is_news=True,
        at=doses[-1].stdtc,
        evidence=evidence_of_doses(doses),
    )


def _words(hold: Hold, context: "Context") -> str:
    until = f", released {context.local(hold.until):%Y-%m-%d %H:%M}" if hold.until is not None else ""
    since = f"{context.local(hold.since):%Y-%m-%d %H:%M}"
    return f"{hold.rule_id} ({hold.consequence}, alert {hold.alert}), known {since}{until}: {hold.summary}"


def describe(when: When) -> str:
    """Say the criterion in words."""
    return (
        "A dose was given after another rule had called for a hold or stop of dosing, and before a person closed that "
        "alert. What counts is when the result was known here, not when the sample was taken. A result that is "
        "corrected or becomes normal releases nothing. Where the date of a dose leaves open whether it was given "
        "before or after, it is not evaluable."
    )
