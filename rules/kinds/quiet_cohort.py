"""Kind `quiet_cohort`: implausibly few participants with any adverse event. A query about data, no verdict on safety.

It compares shares of participants, never rates of events, and asks it of everybody at once. It must not know what the
events are.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.beta_binomial import lower_tail
from rules.exposure import dosing_ended, first_dose, left_study, may_be_dosed
from rules.hit import Answer, Evidence, Judgement
from rules.records import Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

SCOPE = "any adverse event"


class Comparable(BaseModel):
    """A cohort of which it is published how many had any adverse event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    with_event: Annotated[int, Field(ge=0)]
    participants: Annotated[int, Field(ge=1)]
    source: Annotated[str, Field(min_length=1, pattern=r"\S")]

    @model_validator(mode="after")
    def _is_a_part(self) -> "Comparable":
        if self.with_event > self.participants:
            raise ValueError(f"with_event {self.with_event} is more than participants {self.participants}")
        return self


class When(BaseModel):
    """What is comparable, who counts as observed, and how unlikely is implausible."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    comparable: Annotated[tuple[Comparable, ...], Field(min_length=1)]
    observed_days: Annotated[int, Field(ge=1)]
    least_participants: Annotated[int, Field(ge=1)]
    correlation: Annotated[float, Field(gt=0, lt=1)]
    probability: Annotated[float, Field(gt=0, lt=0.5)]

    @property
    def share(self) -> float:
        """The share of the comparable cohorts taken together."""
        return sum(one.with_event for one in self.comparable) / sum(one.participants for one in self.comparable)

    @model_validator(mode="after")
    def _can_be_quiet(self) -> "When":
        if not 0 < self.share < 1:
            raise ValueError("comparable: some participants must have had an event, and some none")
        return self


def judge(rule: "Rule", when: When, cohort: Sequence[Participant], context: "Context") -> Iterator[Judgement]:
    """Compare the share of those observed long enough who have any adverse event with that of comparable cohorts."""
    observed = {one.usubjid: first for one in cohort if (first := _observed_from(one, when, context))}
    number, affected = len(observed), 0
    for one in cohort:
        if (first := observed.get(one.usubjid)) and _has_event(one, first, when, context):
            affected += 1
    who = f"observed for {when.observed_days} days from the first dose"
    if number < when.least_participants:
        reason = f"fewer than {when.least_participants} participants have been {who}"
        over = sum(_is_over_too_early(one, when, context) for one in cohort)
        if over < when.least_participants:
            yield _said(rule, Answer.NOT_EVALUABLE, "Too early to ask whether the study is too quiet", reason)
            return
        reason += f", and of {over} the time is over: observed_days is longer than participants are observed"
        yield _said(rule, Answer.NOT_EVALUABLE, "Nobody can ask whether the study is too quiet", reason, told=True)
        return
    chance = lower_tail(affected, number, when.share, when.correlation)
    if chance > when.probability:
        return
    unknown = sum(_is_unknown(one, context) for one in cohort)
    apart = f"; of {unknown} more it is not known when dosing began" if unknown else ""
    reason = (
        f"{affected} of {number} participants {who} have any adverse event of that time ({affected / number:.0%}), and "
        f"comparable cohorts had {when.share:.0%} ({_sources(when)}); so few or fewer would be seen by chance with a "
        f"probability of {chance:.2g}, by a beta-binomial with a correlation of {when.correlation:g}{apart}. "
        "This asks whether events are collected and entered, and says nothing about safety"
    )
    values = (("observed", str(number)), ("withevent", str(affected)), ("chance", f"{chance:.2g}"))
    evidence = Evidence(domain="COHORT", key=SCOPE, version=0, values=values)
    summary = f"Data query: {affected} of {number} participants have any adverse event"
    yield _said(rule, Answer.HIT, summary, reason, evidence)


def _said(
    rule: "Rule", answer: Answer, summary: str, reason: str, *evidence: Evidence, told: bool = False
) -> Judgement:
    return Judgement(
        rule_id=rule.id,
        usubjid="",
        scope=SCOPE,
        anchors=frozenset({SCOPE}),
        answer=answer,
        summary=summary,
        reason=reason,
        urgency=rule.urgency,
        consequence=rule.consequence,
        told=told or answer is Answer.HIT,
        evidence=evidence,
    )


def _observed_from(participant: Participant, when: When, context: "Context") -> date | None:
    """Return the day of the first dose of who was observed long enough from it, None of anybody else.

    The latest day that a partial date allows. Who has left the study or ended dosing before counts as no longer
    observed, whatever was entered of them: nobody knows whether events of such people are still collected.
    """
    first = first_dose(participant, context.header.zero_dose)
    if first is None:
        return None
    began = first.latest.date()
    last = min(_last_day(participant, began), context.local_now.date())
    return began if (last - began).days >= when.observed_days else None


def _is_over_too_early(participant: Participant, when: When, context: "Context") -> bool:
    """Whether a participant will never have been observed long enough."""
    first = first_dose(participant, context.header.zero_dose)
    began = first.latest.date() if first is not None else date.max
    return first is not None and (_last_day(participant, began) - began).days < when.observed_days


def _last_day(participant: Participant, began: date) -> date:
    """Return until when a participant who was dosed from a day on was observed, for all that is known."""
    ends = (left_study(participant), dosing_ended(participant, began))
    return min((end.earliest for end in ends if end is not None), default=date.max)


def _has_event(participant: Participant, first: date, when: When, context: "Context") -> bool:
    """Whether any adverse event may have begun in the time observed; one without a date may."""
    start = first_dose(participant, context.header.zero_dose)
    over = first + timedelta(days=when.observed_days)
    return any(
        event.aestdtc is None
        or (start is not None and event.aestdtc.latest >= start.earliest and event.aestdtc.earliest.date() <= over)
        for event in participant.adverse_events
    )


def _is_unknown(participant: Participant, context: "Context") -> bool:
    """Whether a participant may have been dosed, and no date tells when."""
    zero_dose = context.header.zero_dose
    return first_dose(participant, zero_dose) is None and may_be_dosed(participant, zero_dose)


def _sources(when: When) -> str:
    return "; ".join(f"{one.with_event} of {one.participants}: {one.source}" for one in when.comparable)


def describe(when: When) -> str:
    """Say the criterion in words."""
    return (
        f"Of the participants observed for {when.observed_days} days from the first dose so few have any adverse event "
        f"that as few or fewer would be seen by chance with a probability of at most {when.probability:g}. Comparable "
        f"cohorts had {when.share:.0%} ({_sources(when)}); shares vary from one to another (beta-binomial with a "
        f"correlation of {when.correlation:g}). Asked once a day, not before {when.least_participants} participants "
        "were observed that long. It asks whether events are collected and entered; it says nothing about safety."
    )
