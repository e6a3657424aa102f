"""Kind `infection`: an adverse event that is an infection, serious or of special interest.

It joins what `rules.infection` recognises with what `rules.events` says of seriousness; it must not know any term.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.events import GRADE_IN_WORDS, Event, Fact, events_of, has_grade, seriousness_of
from rules.hit import Judgement
from rules.infection import Recognition, recognise, special_interest
from rules.kinds.about_events import about_event
from rules.kinds.antimicrobials import treated
from rules.kinds.asked import known_to
from rules.kinds.dose_timing import emergence_doubt
from rules.medications import medication_evidence
from rules.records import Medication, Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


class When(BaseModel):
    """Which infections: serious ones only or whatever their seriousness; of the named groups, or of any kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    serious_only: bool
    groups: Annotated[tuple[str, ...], known_to(special_interest)] = ()
    min_grade: Annotated[int, Field(ge=1, le=5)] | None = None
    not_serious: bool = False
    antimicrobial_within_days: Annotated[int, Field(ge=0, le=365)] | None = None

    @model_validator(mode="after")
    def _chooses(self) -> Self:
        narrowed = self.serious_only or self.min_grade is not None or self.antimicrobial_within_days is not None
        if not narrowed and not self.groups:
            raise ValueError("name groups of special interest, or ask for serious ones, a grade or an antimicrobial")
        if self.serious_only and self.not_serious:
            raise ValueError("serious_only and not_serious exclude each other")
        return self


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each event; an event of which too little is known is not evaluable, never clear."""
    for event in events_of(participant):
        recognition = recognise(event.rows)
        wanted = _is_wanted(when, recognition)
        if wanted is False:
            continue
        facts = list(_facts(when, event))
        medications: tuple[Medication, ...] = ()
        if when.antimicrobial_within_days is not None:
            treatment, medications = treated(event, participant, context, when.antimicrobial_within_days)
            facts.append(treatment)
        if any(fact.holds is False for fact in facts):
            continue
        hit = wanted is True and all(fact.holds for fact in facts)
        # Half of the answer known (an infection, or what else is asked for) needs a person; with neither it is counted.
        half_known = wanted is True or any(fact.unreadable or fact.holds for fact in facts if fact.why)
        blind = when.antimicrobial_within_days is not None and "CM" not in context.domains  # of everybody: only counted
        doubt = emergence_doubt(event, participant, context)
        said = about_event(
            rule,
            participant,
            event,
            _summary(when, recognition, event, hit=hit),
            (recognition.why, *(fact.why for fact in facts), doubt),
            hit=hit,
            told=hit or (half_known and not blind),
            also=(*recognition.variables, *(("aesev",) if when.min_grade is not None else ())),
        )
        yield replace(said, evidence=(*said.evidence, *medication_evidence(medications)))


def _facts(when: When, event: Event) -> Iterator[Fact]:
    """Say of each further criterion whether the event meets it."""
    seriousness = seriousness_of(event)
    if when.serious_only:
        yield Fact(seriousness.serious, seriousness.why)
    if when.not_serious:
        unknown = seriousness.serious is None
        yield Fact(None if unknown else not seriousness.serious, seriousness.why if unknown else "")
    if when.min_grade is not None:
        yield has_grade(event, when.min_grade)


def _is_wanted(when: When, recognition: Recognition) -> bool | None:
    """Whether the event is an infection that the rule looks for; None where that cannot be known."""
    if recognition.infection is not True or not when.groups:
        return recognition.infection
    return bool(recognition.groups & set(when.groups))


def _summary(when: When, recognition: Recognition, event: Event, *, hit: bool) -> str:
    if not hit:
        what = "a serious infection" if when.serious_only else "an infection"
        what += " of special interest" if when.groups else ""
        return f"May be {what}"
    ended = ", fatal" if event.fatal else ""
    what = "Serious infection" if when.serious_only else "Infection"
    what += " with systemic antimicrobials" if when.antimicrobial_within_days is not None else ""
    names = ", ".join(sorted(recognition.groups & set(when.groups)))
    return f"{what}{f' of special interest ({names})' if names else ''}{ended}"


def describe(when: When) -> str:
    """Say the criterion in words."""
    which = f"of special interest ({', '.join(when.groups)})" if when.groups else "of any kind"
    how = "that is serious (as for a serious adverse event)" if when.serious_only else "whatever its seriousness"
    if when.not_serious:
        how = "that is not serious"
    if when.min_grade is not None:
        how += f", of grade {when.min_grade} or higher ({GRADE_IN_WORDS})"
    if when.antimicrobial_within_days is not None:
        how += (
            ", treated with a systemic antimicrobial (CM) whose indication names an infection or that began within "
            f"{when.antimicrobial_within_days} days of the onset"
        )
    return (
        f"An adverse event that is an infection {which}, {how}. Infections are recognised by the coded system organ "
        "class, then by the term list, then by text patterns, and the answer says which. "
        "An event that is not recognised and not coded with its class is reported as not evaluable."
    )
