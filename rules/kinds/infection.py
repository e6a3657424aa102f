"""Kind `infection`: an adverse event that is an infection, serious or of special interest.

It joins what `rules.infection` recognises with what `rules.events` says of seriousness; it must not know any term.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from rules.events import Event, Seriousness, events_of, evidence_of, grade_of, seriousness_of
from rules.hit import Answer, Judgement
from rules.infection import Recognition, recognise, special_interest
from rules.records import Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


class When(BaseModel):
    """Which infections: serious ones only or whatever their seriousness; of the named groups, or of any kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    serious_only: bool
    groups: tuple[str, ...] = ()

    @field_validator("groups")
    @classmethod
    def _are_known(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        for group in groups:
            if group not in special_interest():
                raise ValueError(f"'{group}' is unknown (known: {', '.join(sorted(special_interest()))})")
        return groups

    @model_validator(mode="after")
    def _chooses(self) -> Self:
        if not self.serious_only and not self.groups:
            raise ValueError("name groups of special interest, or ask for serious infections only")
        return self


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each event; an event of which too little is known is not evaluable, never clear."""
    for event in events_of(participant):
        recognition = recognise(event.rows)
        seriousness = seriousness_of(event) if when.serious_only else Seriousness(True, "")
        wanted = _is_wanted(when, recognition)
        if wanted is False or seriousness.serious is False:
            continue
        hit = wanted is True and seriousness.serious is True
        # Half of the answer known (serious, or an infection) needs a person; where both are unknown it is only counted.
        half_known = when.serious_only and (wanted is True or seriousness.serious is True)
        yield Judgement(
            rule_id=rule.id,
            usubjid=participant.usubjid,
            scope=event.key,
            anchors=frozenset({event.key}),
            answer=Answer.HIT if hit else Answer.NOT_EVALUABLE,
            summary=_summary(when, recognition, event, hit=hit),
            reason="; ".join(words for words in (recognition.why, seriousness.why) if words),
            urgency=rule.urgency,
            consequence=rule.consequence,
            grade=grade_of(event),
            told=hit or half_known,
            at=event.onset,
            evidence=evidence_of(event, also=recognition.variables),
        )


def _is_wanted(when: When, recognition: Recognition) -> bool | None:
    """Whether the event is an infection that the rule looks for; None where that cannot be known."""
    if recognition.infection is not True or not when.groups:
        return recognition.infection
    return bool(recognition.groups & set(when.groups))


def _summary(when: When, recognition: Recognition, event: Event, *, hit: bool) -> str:
    if not hit:
        what = "a serious infection" if when.serious_only else "an infection of special interest"
        return f"May be {what}: {event.term}"
    ended = ", fatal" if event.fatal else ""
    if when.groups:
        names = ", ".join(sorted(recognition.groups & set(when.groups)))
        what = "Serious infection" if when.serious_only else "Infection"
        return f"{what} of special interest ({names}){ended}: {event.term}"
    return f"Serious infection{ended}: {event.term}"


def describe(when: When) -> str:
    """Say the criterion in words."""
    which = f"of special interest ({', '.join(when.groups)})" if when.groups else "of any kind"
    how = "that is serious (as for a serious adverse event)" if when.serious_only else "whatever its seriousness"
    return (
        f"An adverse event that is an infection {which}, {how}. Infections are recognised by the coded system organ "
        "class, then by the term list, then by text patterns, and the answer says which. "
        "An event neither coded nor recognised is reported as not evaluable."
    )
