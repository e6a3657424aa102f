"""What makes a pattern of kind `criteria_count`, and the findings and events of a participant that can be part of it.

It knows the criteria and what single findings and events answer to them. It must not know windows of days.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.ctcae.grade import Ungraded
from rules.ctcae.identity import lab_tests
from rules.dtc import Dtc
from rules.event_groups import recognise_group
from rules.events import Event, Fact, events_of, grade_of
from rules.events import evidence_of as event_evidence
from rules.graded import GradedFinding
from rules.hit import Evidence, Extent
from rules.kinds import limits
from rules.kinds.asked import Groups
from rules.kinds.dose_timing import is_emergent
from rules.kinds.lab_episodes import Judged
from rules.kinds.lab_samples import evidence_of, sample_words
from rules.kinds.limit_checks import judge_samples
from rules.records import Participant

if TYPE_CHECKING:
    from rules.context import Context


_WITHOUT_MEANING = (
    "confirm_samples", "hold_at_least", "expected_of", "either", "baseline_too", "recovers_at_least",
    "recovers_at_most", "recovers_at_times_uln", "recovers_at_times_baseline",
)  # fmt: skip
"""What a limit may say as a rule of its own, and not as a criterion of a pattern."""


class When(BaseModel):
    """Which criteria make the pattern, how many of them, and within how many days."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    within_days: Annotated[int, Field(ge=0)]
    all_of: tuple[limits.When, ...] = ()
    at_least: Annotated[int, Field(ge=1)]  # so many of `of`
    of: Annotated[tuple[limits.When, ...], Field(min_length=1)]
    of_events: Groups = ()  # an adverse event of any of these groups is one more of `of`

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        optional = self.size - len(self.all_of)
        if self.at_least > optional:
            raise ValueError(f"at_least {self.at_least} is more than the {optional} criteria of 'of'")
        if len(self.all_of) + self.at_least < 2:
            raise ValueError("a pattern needs two criteria: one alone is a rule of kind value_limit")
        for name in _WITHOUT_MEANING:
            if any(name in one.model_fields_set for one in self.criteria):
                raise ValueError(f"{name} has no meaning in a criterion of a pattern")
        if any(one in self.criteria[:place] for place, one in enumerate(self.criteria)):
            raise ValueError("a criterion stands twice: one finding would make the pattern")
        return self

    @property
    def criteria(self) -> tuple[limits.When, ...]:
        """Every criterion of findings, those of `all_of` first; events, where they count, come last."""
        return self.all_of + self.of

    @property
    def size(self) -> int:
        """The number of all criteria."""
        return len(self.criteria) + bool(self.of_events)

    @property
    def domains(self) -> frozenset[str]:
        """The domains that bring the tests and the events."""
        events = frozenset({"AE"} if self.of_events else ())
        return events.union(*(criterion.domains for criterion in self.criteria))

    @property
    def scope(self) -> str:
        """The pattern named by its tests and groups of events."""
        return "+".join("/".join(names) for names in (*(one.tests for one in self.criteria), self.of_events) if names)

    def name(self, place: int) -> str:
        """Name a criterion for people."""
        if place == len(self.criteria):
            return f"adverse event ({' or '.join(self.of_events)})"
        return " or ".join(lab_tests()[test].name for test in self.criteria[place].tests)

    def is_met_by(self, met: Set[int]) -> bool:
        """Whether criteria, named by their places, complete the pattern."""
        needed = len(self.all_of)
        return met >= set(range(needed)) and sum(place >= needed for place in met) >= self.at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One finding or event as one criterion sees it, from its first to its last day."""

    place: int
    key: str
    first: date | None  # of a partial date, the first day that it allows; None where there is no date
    last: date | None
    met: bool
    test: str = ""  # of a finding
    passes: bool = False  # is a change within hours, which is over after them
    doubt: str = ""  # why nobody can tell whether it meets its criterion, or when
    words: str = ""  # which it is
    because: str = ""  # what it meets
    at: Dtc | None = None
    grade: int | None = None
    extent: tuple[Extent, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    is_event: bool = False


def parts_of(when: When, participant: Participant, context: "Context") -> Iterator[Part]:
    """Return every finding and event after the first dose that a criterion asks about."""
    findings = context.findings(participant)
    for place, criterion in enumerate(when.criteria):
        for test in criterion.tests:
            labs: Sequence[GradedFinding] = [finding for finding in findings if finding.test == test]
            samples = judge_samples(criterion, labs)
            yield from (_of_sample(place, sample, passes=criterion.is_momentary) for sample in samples)
    for event in events_of(participant) if when.of_events else ():
        yield from _of_event(when, event, participant, context)


def _of_sample(place: int, sample: Judged, *, passes: bool) -> Part:
    """See a sample as a part."""
    taken, told = sample.lab.adt, sample.hit or bool(sample.unknown)  # of the many others nothing is said
    dated = taken is not None and taken.has_day
    return Part(
        place=place,
        key=sample.lab.record.key,
        first=taken.earliest.date() if taken is not None else None,
        last=taken.latest.date() if taken is not None else None,
        met=sample.hit and dated,
        test=sample.lab.test,
        passes=passes,
        doubt="" if sample.hit and dated else Ungraded.NO_DAY if sample.hit else sample.unknown,
        words=sample_words(sample.lab) if told else "",
        because=", ".join(sample.because),
        at=taken,
        grade=sample.grade,
        extent=tuple(replace(extent, place=place) for extent in sample.extent),
        evidence=evidence_of([sample.start, sample.lab]) if told else (),
    )


def _of_event(when: When, event: Event, participant: Participant, context: "Context") -> Iterator[Part]:
    """See an event as a part from its onset to its end, where it may belong and may have begun after the first dose.

    With a partial onset it is certainly there from the last day of it on, and in doubt from the first.
    """
    match, emergent = recognise_group(event.rows, when.of_events), is_emergent(event, participant, context)
    if match.belongs is False or emergent.holds is False:
        return
    onset, ends = event.onset, [row.aeendtc for row in event.rows]
    doubt = next((fact.why for fact in (Fact(match.belongs, match.why), emergent) if fact.holds is None), "")
    undated = "; ".join(filter(None, ("its onset is not known to the day", emergent.why)))
    place = len(when.criteria)
    part = Part(
        place=place,
        key=event.key,
        first=onset.earliest.date() if onset is not None else None,
        last=max(date.max if end is None else end.latest.date() for end in ends),
        met=False,
        doubt=doubt or undated,
        words=f"adverse event {event.term} from {onset}",  # told of those with a date only
        because="; ".join(filter(None, (match.why, emergent.why))),
        at=onset,
        grade=grade_of(event),
        extent=(Extent(test="AE", side="once", value=Decimal(0), said=f"adverse event {event.term}", place=place),),
        evidence=event_evidence(event, also=match.variables),
        is_event=True,
    )
    if doubt or onset is None or not onset.has_day:
        yield part
    if not doubt and onset is not None:
        yield replace(part, first=onset.latest.date(), met=True, doubt="")
