"""Kind `seriousness_disagreement`: what AESER says against what its criteria, the outcome, DM and DS say.

It must not decide which of them is right: it asks for a query.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, model_validator

from rules.events import (
    CRITERIA,
    Event,
    events_of,
    has_fatal_outcome,
    is_fatal,
    signs_of_seriousness,
    tells_of_death,
)
from rules.evidence import shown
from rules.hit import Answer, Judgement
from rules.kinds.about_events import about_event
from rules.records import AdverseEvent, Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

_DEATH = "death"


class When(BaseModel):
    """Which disagreements are looked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    criterion_without_aeser: bool = False
    aeser_without_criterion: bool = False
    fatal_without_aesdth: bool = False
    death_without_fatal_event: bool = False

    @model_validator(mode="after")
    def _looks_for_something(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError(f"at least one of {', '.join(type(self).model_fields)} must be true")
        return self


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each event that disagrees with itself, and for a death that no event tells of."""
    events = events_of(participant)
    for event in events:
        faults = dict.fromkeys(fault for row in event.rows for fault in _faults(when, row))
        unread = dict.fromkeys(fault for row in event.rows for fault in _unread(when, row))
        if faults or unread:
            summary = f"Seriousness {'disagrees with itself' if faults else 'cannot be checked'}"
            hit = bool(faults)
            yield about_event(rule, participant, event, summary, faults or unread, hit=hit, told=hit)
    if when.death_without_fatal_event:
        yield from _about_death(rule, participant, events)


def _faults(when: When, row: AdverseEvent) -> Iterator[str]:
    """Name the disagreements of one row."""
    criteria = [sign for sign in signs_of_seriousness(row) if not sign.startswith("AESER")]
    if when.criterion_without_aeser and criteria and row.aeser != "Y":
        yield f"AESER is {row.aeser or 'empty'} although {', '.join(criteria)}"
    if when.aeser_without_criterion and row.aeser == "Y" and not criteria and _answered(row):
        missing = "" if row.aesmie else " (AESMIE, other medically important event, is not recorded)"
        yield f"AESER is Y although no criterion is{missing}"
    if when.fatal_without_aesdth and has_fatal_outcome(row) and row.aesdth != "Y":
        yield f"AEOUT is {row.aeout.upper()} although AESDTH is {row.aesdth or 'empty'}"


def _unread(when: When, row: AdverseEvent) -> Iterator[str]:
    """Say why a row without a fault cannot be cleared."""
    if not (when.criterion_without_aeser or when.aeser_without_criterion):
        return
    if not row.aeser:
        yield "AESER is empty"
    for name in ("aeser", *CRITERIA):
        if getattr(row, name) not in {"", "Y", "N"}:
            yield f"{name.upper()} is '{getattr(row, name)}', neither Y nor N"


def _answered(row: AdverseEvent) -> bool:
    """Whether any criterion was answered, so that the study collects them at all."""
    return any(getattr(row, name) for name in CRITERIA)


def _about_death(rule: "Rule", participant: Participant, events: tuple[Event, ...]) -> Iterator[Judgement]:
    """Answer for a death known to DM or DS that no adverse event tells of."""
    subject = participant.subject
    deaths = [
        shown(d, ("dsdecod" if d.dsdecod else "dsterm", "dsstdtc"))
        for d in participant.dispositions
        if tells_of_death(d)
    ]
    if subject is not None and (subject.dthfl == "Y" or subject.dthdtc is not None):
        deaths.insert(0, shown(subject, ("dthfl", "dthdtc")))
    unread = subject is not None and subject.dthfl not in {"", "Y", "N"}
    if any(is_fatal(row) for event in events for row in event.rows) or not (deaths or unread):
        return
    said = " and ".join(dict.fromkeys(death.domain for death in deaths))
    yield Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope=_DEATH,
        anchors=frozenset({_DEATH}),
        answer=Answer.HIT if deaths else Answer.NOT_EVALUABLE,
        summary="Death without a fatal adverse event" if deaths else "Whether the participant died cannot be read",
        reason=f"{said} {'tell' if len(deaths) > 1 else 'tells'} of a death and no adverse event is fatal"
        if deaths
        else f"DTHFL is '{subject.dthfl if subject else ''}', neither Y nor N",
        urgency=rule.urgency,
        consequence=rule.consequence,
        grade=5 if deaths else None,
        evidence=tuple(deaths),
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    chosen = {
        "AESER is not Y although a criterion of seriousness is Y or the event was fatal": when.criterion_without_aeser,
        "AESER is Y although no criterion is": when.aeser_without_criterion,
        "the outcome is FATAL although AESDTH is not Y": when.fatal_without_aesdth,
        "DM or DS tells of a death and no adverse event is fatal": when.death_without_fatal_event,
    }
    words = "; or ".join(text for text, wanted in chosen.items() if wanted)
    return f"{words[0].upper()}{words[1:]}."
