"""Kind `listed_event`: an adverse event of given groups, terms or classes, narrowed by what the rows say of it.

It joins what `rules.event_groups` recognises with what `rules.events` and `rules.exposure` say of grade, relatedness,
action, seriousness and doses; it must not know any term.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.event_groups import Match, class_among, recognise_group
from rules.events import (
    GRADE_IN_WORDS,
    Event,
    Fact,
    events_of,
    has_action,
    has_grade,
    may_be_related,
    seriousness_of,
)
from rules.hit import Judgement, Urgency
from rules.kinds.about_events import about_event
from rules.kinds.asked import Groups, Terms
from rules.kinds.dose_timing import emergence_doubt, is_emergent, soon_after_dose
from rules.records import Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


class When(BaseModel):
    """Which events: any of the groups, terms, classes or flags (any event where none is named), and all of the rest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    groups: Groups = ()
    terms: Terms = ()
    socs: Terms = ()
    review_socs: Terms = ()  # a grave event of such a class that these lists do not know is not evaluable, never clear
    flags: tuple[Literal["AESCAN", "AESOD"], ...] = ()
    within_hours_after_dose: Annotated[int, Field(ge=1)] | None = None
    min_grade: Annotated[int, Field(ge=1, le=5)] | None = None
    related_only: bool = False
    actions: Terms = ()
    not_serious: bool = False
    treatment_emergent_only: bool = False

    @model_validator(mode="after")
    def _chooses(self) -> Self:
        if not self.names_events and self.min_grade is None and not self.actions:
            raise ValueError("name groups, terms, socs or flags, or ask for a grade or an action")
        return self

    @property
    def names_events(self) -> bool:
        """Whether only some events are looked for, not any."""
        return bool(self.groups or self.terms or self.socs or self.flags)


_GRAVE = 3
"""The grade from which an event of a class for review needs a person."""


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each event; an event of which too little is known is not evaluable, never clear."""
    for event in events_of(participant):
        match = _match(when, event)
        grave, urgency = _grave(event), rule.urgency
        if match.belongs is None:  # never at once: nobody can code an event at 3 a.m., and each rule would call
            urgency = min(urgency, Urgency.SAME_DAY, key=lambda one: one.rank)
        if match.belongs is False and grave:
            match = _for_review(when, event, match, grave)
        if match.belongs is False:
            continue
        facts = [Fact(match.belongs, match.why), *_facts(when, event, participant, context)]
        if any(fact.holds is False for fact in facts):
            continue
        doubt = emergence_doubt(event, participant, context)
        hit = all(fact.holds for fact in facts)
        unread = any(fact.unreadable for fact in facts)  # what was entered and cannot be read needs a person too
        # An event that is looked for, or a grave one that may be, needs a person; any other is only counted, as is
        # one without a class that another list knows all of: it is nothing else, and the rules of that list tell of it.
        looked_for = when.names_events and match.belongs is True
        needs_look = grave if when.names_events else seriousness_of(event).serious
        told = hit or looked_for or unread or bool(needs_look and not match.known_otherwise)
        said = about_event(
            rule,
            participant,
            event,
            _summary(rule, match, event, hit=hit),
            (*(fact.why for fact in facts), doubt),
            hit=hit,
            told=told,
            also=(*match.variables, *_variables(when)),
        )
        yield replace(said, urgency=urgency)


def _match(when: When, event: Event) -> Match:
    """Say whether the event is one that is looked for."""
    if not when.names_events:
        return Match(True, "")
    for flag in when.flags:
        if any(getattr(row, flag.lower()) == "Y" for row in event.rows):
            return Match(True, f"{flag} = Y")
    if when.groups or when.terms or when.socs:
        match, read = recognise_group(event.rows, when.groups, when.terms, when.socs), {"", "N"}
    else:
        match, read = Match(False, "not flagged"), {"N"}
    texts = [(flag, getattr(row, flag.lower())) for flag in when.flags for row in event.rows]
    unread = next((f"{flag} is '{text}', neither Y nor N" for flag, text in texts if text not in read), "")
    return Match(None, f"{match.why}; {unread}") if unread and not match.belongs else match


def _grave(event: Event) -> str:
    """Say in what an event is so grave that a person must look where a rule cannot; '' where in nothing."""
    severe = has_grade(event, _GRAVE)
    return "serious" if seriousness_of(event).serious else severe.why if severe.holds else ""


def _for_review(when: When, event: Event, match: Match, grave: str) -> Match:
    """Return why a person must look at a grave event that is coded and in no list; its match where nobody need."""
    for row in event.rows:
        if name := class_among(row, when.review_socs):
            why = f"{match.why}, which no list of this rule knows, of the class {getattr(row, name)}, and {grave}"
            return Match(None, why, variables=tuple(dict.fromkeys((*match.variables, name))))
    return match


def _facts(when: When, event: Event, participant: Participant, context: "Context") -> Iterator[Fact]:
    """Say of each further criterion whether the event meets it."""
    if when.min_grade is not None:
        yield has_grade(event, when.min_grade)
    if when.related_only:
        yield may_be_related(event)
    if when.actions:
        yield has_action(event, when.actions)
    if when.within_hours_after_dose is not None:
        yield soon_after_dose(when.within_hours_after_dose, event, participant, context)
    if when.treatment_emergent_only:
        yield is_emergent(event, participant, context)
    if when.not_serious:
        seriousness = seriousness_of(event)
        holds = None if seriousness.serious is None else not seriousness.serious
        yield Fact(holds, seriousness.why if holds is None else "not serious")


def _variables(when: When) -> Iterator[str]:
    """Name the variables beside the term that the criterion reads; not AEACN, whose free text may tell an amount."""
    yield from (flag.lower() for flag in when.flags)
    if when.min_grade is not None:
        yield "aesev"
    if when.related_only:
        yield "aerel"


def _summary(rule: "Rule", match: Match, event: Event, *, hit: bool) -> str:
    if not hit:
        return f"Cannot tell ({rule.title})"
    what = ", ".join(sorted(match.groups)).replace("-", " ").capitalize() or rule.title
    return f"{what}{', fatal' if event.fatal else ''}"


def describe(when: When) -> str:
    """Say the criterion in words."""
    recognised = (
        "Groups and terms are recognised in AEDECOD, AELLT and AETERM by the term lists, and the answer says which. "
        "An event that is not recognised and not coded with its class is reported as not evaluable."
    )
    return " ".join((_which(when), *_how(when), *([recognised] if when.groups or when.terms else [])))


def _which(when: When) -> str:
    """Say which events are looked for."""
    named = [
        f"{words} ({', '.join(names)})"
        for words, names in (
            ("of the groups" if len(when.groups) > 1 else "of the group", when.groups),
            ("that names one of these terms", when.terms),
            ("coded to a system organ class that begins with one of these words", when.socs),
            ("flagged by the site", tuple(f"{flag} = Y" for flag in when.flags)),
        )
        if names
    ]
    if not named:
        return "Any adverse event of which all of the following is true."
    return f"An adverse event {', or '.join(named)}."


def _how(when: When) -> Iterator[str]:
    """Say each further criterion in a sentence."""
    if when.review_socs:
        yield (
            f"An event coded as what no list of this rule knows is not evaluable, not clear, where it is serious or of "
            f"grade {_GRAVE} or higher and its class begins with one of these words ({', '.join(when.review_socs)}), "
            "whatever another rule knows of it."
        )
    if when.within_hours_after_dose is not None:
        yield (
            f"It began within {when.within_hours_after_dose} h after a dose; where a date or time is partial, "
            "it counts if it may have; where a planned dose is not recorded yet, it is not evaluable."
        )
    if when.min_grade is not None:
        yield f"It reached grade {when.min_grade} or higher ({GRADE_IN_WORDS})."
    if when.related_only:
        yield "It may be related to the study drug: AEREL does not clearly say that it is not; an empty AEREL may be."
    if when.actions:
        yield f"What was done about the study drug (AEACN) is {' or '.join(when.actions)}."
    if when.treatment_emergent_only:
        yield "It is treatment-emergent: it did not begin before the first dose."
    if when.not_serious:
        yield "It is not serious."
