"""Kind `criteria_count`: several findings that together are a pattern, at most so many days apart.

Each criterion is what kind `value_limit` asks of its tests. A pattern is met where, within the days of the rule, every
criterion of `all_of` and enough of `of` are met by samples after the first dose. One that cannot be told, and that
would complete the pattern, makes it not evaluable. It must not know thresholds.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.ctcae.identity import lab_tests
from rules.graded import GradedFinding
from rules.hit import Answer, Judgement, Urgency
from rules.kinds import limits
from rules.kinds.lab_episodes import Judged, evidence_of, sample_words
from rules.kinds.limit_checks import judge_samples
from rules.records import Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


class When(BaseModel):
    """Which criteria make the pattern, how many of them, and within how many days."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    within_days: Annotated[int, Field(ge=0)]
    all_of: tuple[limits.When, ...] = ()
    at_least: Annotated[int, Field(ge=1)]  # so many of `of`
    of: Annotated[tuple[limits.When, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.at_least > len(self.of):
            raise ValueError(f"at_least {self.at_least} is more than the {len(self.of)} criteria of 'of'")
        if len(self.all_of) + self.at_least < 2:
            raise ValueError("a pattern needs two criteria: one alone is a rule of kind value_limit")
        if any(one.confirm_samples > 1 or one.hold_at_least or one.expected_of for one in self.criteria):
            raise ValueError(
                "confirm_samples, hold_at_least and expected_of have no meaning in a criterion of a pattern"
            )
        return self

    @property
    def criteria(self) -> tuple[limits.When, ...]:
        """Every criterion, those of `all_of` first."""
        return self.all_of + self.of

    @property
    def domains(self) -> frozenset[str]:
        """The domains that bring the tests."""
        return frozenset[str]().union(*(criterion.domains for criterion in self.criteria))

    def is_met_by(self, met: Set[int]) -> bool:
        """Whether criteria, named by their places, complete the pattern."""
        needed = len(self.all_of)
        return met >= set(range(needed)) and sum(place >= needed for place in met) >= self.at_least


@dataclass(frozen=True, slots=True)
class Part:
    """One sample judged by one criterion."""

    place: int
    sample: Judged

    @property
    def day(self) -> date | None:
        """The day it was taken, None where that is not known."""
        taken = self.sample.lab.adt
        return taken.earliest.date() if taken is not None and taken.has_day else None

    @property
    def doubt(self) -> str:
        """Why nobody can tell whether it meets its criterion, or when; '' where both are known."""
        if self.sample.hit:
            return "" if self.day is not None else "the day of a sample is not known"
        return self.sample.unknown


Doubt = tuple[Part | None, str]
"""What cannot be told, in words, with its sample where there is one."""


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each episode of the pattern, and for what could have completed it."""
    findings = context.findings(participant)
    parts = [
        Part(place, sample)
        for place, criterion in enumerate(when.criteria)
        for test in criterion.tests
        for sample in judge_samples(criterion, [finding for finding in findings if finding.test == test])
    ]
    certain = sorted((p for p in parts if p.sample.hit and not p.doubt), key=lambda p: (p.day or date.min, p.place))
    episodes = _episodes(when, certain)
    for episode in episodes:
        yield _hit(rule, when, participant.usubjid, episode, context.header.ctcae)
    doubts = list(_doubts(when, parts))
    alone = [part for part in certain if not any(part in episode for episode in episodes)]
    if doubts or (gaps := _gaps(when, alone, parts) or _never_measured(when, parts, findings)):
        yield _cannot_tell(rule, when, participant.usubjid, doubts or gaps, told=bool(doubts))


def _episodes(when: When, certain: Sequence[Part]) -> list[list[Part]]:
    """Return the samples that meet the pattern together; windows that share a sample are one episode."""
    found: list[list[Part]] = []
    for first in certain:
        window = _within(when, first, certain)
        if not when.is_met_by({part.place for part in window}):
            continue
        if found and any(part in found[-1] for part in window):
            found[-1].extend(part for part in window if part not in found[-1])
        else:
            found.append(window)
    return found


def _within(when: When, first: Part, parts: Sequence[Part]) -> list[Part]:
    """Return the samples of the days from one on."""
    return [part for part in parts if part.day and first.day and 0 <= (part.day - first.day).days <= when.within_days]


def _doubts(when: When, parts: Sequence[Part]) -> Iterator[Doubt]:
    """Name what nobody can tell, or what was not measured, where it would complete a pattern that is not met."""
    concerning = [part for part in parts if part.sample.hit or part.doubt]
    for first in concerning:
        near = [part for part in parts if _may_be_near(when, first, part)]
        met = {part.place for part in near if part.sample.hit and not part.doubt}
        doubted = {part.place for part in near if part.doubt}
        if not when.is_met_by(met) and when.is_met_by(met | doubted):
            yield from ((part, _of(when, part.place, part.doubt)) for part in near if part.doubt)


def _may_be_near(when: When, first: Part, other: Part) -> bool:
    """Whether a sample can belong to the window that another one opens; one without a day can."""
    if first.day is None or other.day is None:
        return True
    return timedelta(0) <= other.day - first.day <= timedelta(days=when.within_days)


def _gaps(when: When, alone: Sequence[Part], parts: Sequence[Part]) -> list[Doubt]:
    """Name what was not measured around the latest sample that meets its criterion and that this would complete."""
    for last in reversed(alone):
        near = [part for part in parts if _may_be_near(when, last, part) or _may_be_near(when, part, last)]
        met = {part.place for part in near if part in alone}
        missing = set(range(len(when.criteria))) - {part.place for part in near}
        if when.is_met_by(met | missing):
            words = f"not measured within {when.within_days} days of {last.day}"
            return [(last, _of(when, place, words)) for place in sorted(missing)]
    return []


def _never_measured(when: When, parts: Sequence[Part], findings: Sequence[GradedFinding]) -> list[Doubt]:
    """Name the criteria without a single result, where the others alone cannot make the pattern.

    Silent where nothing of their domains was measured after the first dose: then it is too early to tell.
    """
    measured = {part.place for part in parts}
    if when.is_met_by(measured):
        return []
    seen = {finding.record.domain for finding in findings if not finding.predose}
    missing = sorted(set(range(len(when.criteria))) - measured)
    return [(None, _of(when, place, "never measured")) for place in missing if when.criteria[place].domains & seen]


def _of(when: When, place: int, words: str) -> str:
    return f"{_names(when.criteria[place])}: {words}"


def _names(criterion: limits.When) -> str:
    return " or ".join(lab_tests()[test].name for test in criterion.tests)


def _scope(when: When) -> str:
    """Name the pattern by its tests."""
    return "+".join("/".join(criterion.tests) for criterion in when.criteria)


def _hit(rule: "Rule", when: When, usubjid: str, episode: Sequence[Part], ctcae: str) -> Judgement:
    """Tell an episode by the first sample of each criterion, dated by the one that completed the pattern."""
    ordered = sorted(episode, key=lambda part: (part.day or date.min, part.place))
    first: dict[int, Part] = {}
    completing = ordered[-1]
    for part in ordered:
        if part.place not in first and not when.is_met_by(set(first)):
            completing = part
        first.setdefault(part.place, part)
    told = [first[place] for place in sorted(first)]
    grades = [part.sample.grade for part in episode if part.sample.grade is not None]
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=_scope(when),
        anchors=frozenset(part.sample.lab.record.key for part in episode),
        answer=Answer.HIT,
        summary="; ".join(sample_words(part.sample.lab, "") for part in told),
        reason=f"{len(told)} of {len(when.criteria)} criteria within {when.within_days} days: "
        + "; ".join(_of(when, part.place, ", ".join(part.sample.because)) for part in told),
        urgency=rule.urgency,
        consequence=rule.consequence,
        at=completing.sample.lab.adt,
        grade=max(grades, default=None),
        evidence=evidence_of([lab for part in told for lab in (part.sample.start, part.sample.lab)]),
        ctcae=ctcae,
    )


def _cannot_tell(rule: "Rule", when: When, usubjid: str, doubts: Sequence[Doubt], *, told: bool) -> Judgement:
    """Say what would have completed the pattern and cannot be told, with its samples as evidence."""
    labs = [part.sample.lab for part, _ in doubts if part is not None]
    return Judgement(
        rule_id=rule.id,
        usubjid=usubjid,
        scope=_scope(when),
        anchors=frozenset({lab.record.key for lab in labs} or {_scope(when)}),
        answer=Answer.NOT_EVALUABLE,
        summary=f"{rule.title}: cannot be told",
        reason="; ".join(dict.fromkeys(words for _, words in doubts)),
        urgency=Urgency.ROUTINE,
        told=told,
        evidence=evidence_of(labs),
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    optional = f"at least {when.at_least} of: " if when.at_least < len(when.of) else ""
    words = [*map(_words, when.all_of), f"{optional}{'; '.join(map(_words, when.of))}"]
    return f"After the first dose, at most {when.within_days} days apart: {'; and '.join(words)}."


def _words(criterion: limits.When) -> str:
    history = " (not where the baseline met it)" if criterion.new_only else ""
    return f"{_names(criterion)}: {', or '.join(limits.limit_words(criterion))}{history}"
