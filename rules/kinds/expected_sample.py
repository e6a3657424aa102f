"""Kind `expected_sample`: a planned sample of which no result has come, and the rules that are blind for want of it.

A sample is expected at study weeks, or before the first dose of each cycle. It must not know what a result means.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rules.ctcae.grade import Ungraded
from rules.ctcae.identity import lab_tests
from rules.dose_records import day_of
from rules.exposure import dosing_ended, first_dose, left_study, may_be_dosed
from rules.graded import GradedFinding
from rules.hit import EVERYTHING, Answer, Due, Judgement
from rules.plan_start import plan_start
from rules.planned_dose import PlannedDose
from rules.records import Dose, Participant
from rules.regimen import TAKEN, DoseFate, Fate, fates_by_plan
from rules.wall_clock import midnight

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

_END_UNCLEAR = "no date tells when dosing ended"


def are_known(tests: tuple[str, ...]) -> tuple[str, ...]:
    """Return some tests as they are; raise ValueError for one that is not in the table of tests."""
    for test in tests:
        if test not in lab_tests():
            raise ValueError(f"'{test}' is no known test")
    return tests


class When(BaseModel):
    """Which tests are expected, at which weeks or how long before a cycle, and how long is waited for them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tests: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(are_known)]
    at_weeks: tuple[Annotated[int, Field(ge=1)], ...] = ()
    window_days: Annotated[int, Field(ge=0)] | None = None  # either side of the day, at weeks
    before_cycles_days: Annotated[int, Field(ge=0)] | None = None  # so many days at most before a cycle's first dose
    entry_grace_days: Annotated[int, Field(ge=0)]
    after_end_days: Annotated[int, Field(ge=0)] = 0  # samples at weeks are expected so long after the end of dosing

    @model_validator(mode="after")
    def _one_schedule(self) -> Self:
        if bool(self.at_weeks) is (self.before_cycles_days is not None):
            raise ValueError("needs either at_weeks or before_cycles_days")
        if bool(self.at_weeks) is (self.window_days is None):
            raise ValueError("window_days belongs to at_weeks, and only there")
        if self.window_days is not None:
            weeks = sorted(self.at_weeks)
            if any(7 * (later - week) <= 2 * self.window_days for week, later in pairwise(weeks)):
                raise ValueError(f"at_weeks: windows of {self.window_days} days either side overlap")
        return self


@dataclass(frozen=True, slots=True)
class Expected:
    """A sample that the plan asks for: its days, and the study-local moment from which it counts as missing."""

    name: str
    opens: date
    closes: date
    deadline: datetime
    dose: Dose | None = None  # before which it must be taken
    doubt: str = ""  # what leaves open whether it was expected at all


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement | Due]:
    """Answer for each expected sample whose time is over, and name the next moment at which one becomes overdue."""
    first = first_dose(participant, context.header.zero_dose)
    if first is None or not first.has_day:
        if first is not None or (participant.doses and may_be_dosed(participant, context.header.zero_dose)):
            reason = f"the first dose has no day: {first}" if first else "no date tells when the first dose was"
            yield _answer(rule, participant, EVERYTHING, Answer.NOT_EVALUABLE, reason)
        return
    plan = context.dosing
    if plan is not None and (doubt := plan_start(plan, participant, context.header.zero_dose).doubt):
        yield _answer(rule, participant, EVERYTHING, Answer.NOT_EVALUABLE, doubt)
        return
    expected = expected_samples(when, participant, first.earliest.date(), context)
    if pending := [sample.deadline for sample in expected if context.local_now < sample.deadline]:
        yield Due(context.instant(min(pending)))
    over = [sample for sample in expected if context.local_now >= sample.deadline]
    for sample in over:
        if not sample.doubt:
            yield from _about(rule, when, participant, context, sample)
    open_ = [s for s in over if s.doubt and not all(results_of(when, participant, context, s).values())]
    if open_:
        names, doubts = ", ".join(s.name for s in open_), "; ".join(dict.fromkeys(s.doubt for s in open_))
        reason = f"whether samples were expected is not known ({doubts}), and not all came: {names}"
        yield _answer(rule, participant, EVERYTHING, Answer.NOT_EVALUABLE, reason)


def expected_samples(when: When, participant: Participant, first: date, context: "Context") -> list[Expected]:
    """Return the samples that the plan asks for while the participant takes part; `first` is the day of first dose."""
    grace = timedelta(days=1 + when.entry_grace_days)
    found: list[Expected] = []
    if when.window_days is not None:
        ended, window = dosing_ended(participant, first), timedelta(days=when.window_days)
        for week in sorted(when.at_weeks):
            on = first + timedelta(weeks=week)
            if ended is None or (on - ended.latest).days <= when.after_end_days:
                certain = ended is None or (on - ended.earliest).days <= when.after_end_days
                doubt = "" if certain else _END_UNCLEAR
                closes = on + window
                found.append(Expected(f"week {week}", on - window, closes, midnight(closes + grace), doubt=doubt))
    elif when.before_cycles_days is not None:
        for cycle, dose, on in _cycles_begun(participant, context):
            opens = on - timedelta(days=when.before_cycles_days)
            found.append(Expected(f"before cycle {cycle}", opens, on, midnight(on + grace), dose))
    left = left_study(participant)
    if left is None:
        return found
    owed = [sample for sample in found if sample.closes < left.latest]
    return [s if s.closes < left.earliest else replace(s, doubt=left.unclear) for s in owed]


def coming_samples(when: When, participant: Participant, context: "Context") -> list[Expected]:
    """Return the samples before planned cycles that have not begun: when to draw them, if dosing goes as planned."""
    if when.before_cycles_days is None:
        return []
    fates = _doses_of_cycles(participant, context)
    begun = {dose.cycle for dose, fate in fates if fate.fate in TAKEN}
    openings = [next(doses) for _, doses in groupby(fates, lambda pair: pair[0].cycle)]
    before = timedelta(days=when.before_cycles_days)
    return [
        Expected(f"before cycle {dose.cycle}", dose.on - before, dose.on, midnight(dose.on))
        for dose, fate in openings
        if dose.cycle not in begun and fate.fate is Fate.NOT_DUE
    ]


def _doses_of_cycles(participant: Participant, context: "Context") -> list[tuple[PlannedDose, DoseFate]]:
    """Return the doses of the plan with what became of each."""
    plan = context.dosing
    if plan is None:
        raise ValueError("the rulebook has no dosing plan")
    zero_dose = context.header.zero_dose
    start = plan_start(plan, participant, zero_dose)
    if start.on is None:
        return []
    fates = fates_by_plan(plan, participant, start.on, context)
    return [(fate.planned, fate) for fate in fates if fate.planned is not None]


def _cycles_begun(participant: Participant, context: "Context") -> Iterator[tuple[int, Dose, date]]:
    """Yield each cycle in which a planned dose was given, with the first such dose and its day."""
    begun: set[int] = set()
    for dose, fate in _doses_of_cycles(participant, context):
        day = day_of(fate.record) if fate.record is not None else None
        if fate.fate in TAKEN and fate.record is not None and day is not None and dose.cycle not in begun:
            begun.add(dose.cycle)
            yield dose.cycle, fate.record, day


def results_of(when: When, participant: Participant, context: "Context", sample: Expected) -> dict[str, bool | None]:
    """Say of each test whether a result of an expected sample is there, None where a date leaves that open."""
    fits: dict[str, set[bool | None]] = {test: set() for test in when.tests}
    for lab in context.findings(participant):
        if lab.test in fits and lab.fault is not Ungraded.NO_RESULT:
            fits[lab.test].add(_fits(lab, sample))
    return {test: True if True in said else None if None in said else False for test, said in fits.items()}


def _about(
    rule: "Rule", when: When, participant: Participant, context: "Context", sample: Expected
) -> Iterator[Judgement]:
    """Answer for one expected sample whose time is over."""
    there = results_of(when, participant, context, sample)
    missing = [test for test, received in there.items() if not received]
    if not missing:
        return
    names = ", ".join(lab_tests()[test].name for test in missing)
    if None in there.values():
        reason = f"{names}: whether a result is of {days_of(sample)} its date does not tell"
        yield _answer(rule, participant, sample.name, Answer.NOT_EVALUABLE, reason)
        return
    reason = f"{names}: no result of {days_of(sample)} by {sample.deadline:%Y-%m-%d %H:%M} study time"
    blind = sorted({rule_id for test in missing for rule_id in context.asked_by.get(test, ())})
    reason += f"; blind for want of it: {', '.join(blind)}" if blind else ""
    yield _answer(rule, participant, sample.name, Answer.HIT, reason, names)


def _fits(lab: GradedFinding, sample: Expected) -> bool | None:
    """Whether a result is of an expected sample, None where its date leaves that open."""
    if lab.adt is None:
        return None
    first, last = lab.adt.earliest.date(), lab.adt.latest.date()
    if last < sample.opens or first > sample.closes:
        return False
    dose = sample.dose
    if dose is not None and dose.stdtc is not None and lab.adt.has_time and lab.adt.earliest > dose.stdtc.latest:
        return False
    return True if sample.opens <= first and last <= sample.closes else None


def days_of(sample: Expected) -> str:
    """Name the days on which a sample is expected."""
    return f"{sample.opens} to {sample.closes}" if sample.opens < sample.closes else str(sample.closes)


def _answer(
    rule: "Rule", participant: Participant, scope: str, answer: Answer, reason: str, names: str = ""
) -> Judgement:
    hit = answer is Answer.HIT
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope=scope,
        anchors=frozenset({scope}),
        answer=answer,
        summary=f"{rule.title}: {scope}: {names}" if hit else f"{rule.title}: cannot be evaluated: {scope}",
        reason=reason,
        urgency=rule.urgency,
        consequence=rule.consequence,
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    names = ", ".join(lab_tests()[test].name for test in when.tests)
    grace = f"{when.entry_grace_days} day{'' if when.entry_grace_days == 1 else 's'}"
    if when.at_weeks:
        weeks = ", ".join(map(str, sorted(when.at_weeks)))
        asked = (
            f"No result has come of a sample of weeks {weeks} after the first dose, {when.window_days} days either "
            f"side, by {grace} after its last day"
        )
        end = f"None is expected later than {when.after_end_days} days after dosing has ended"
    else:
        asked = (
            f"No result has come of a sample of at most {when.before_cycles_days} days before the first dose of a "
            f"cycle, nor of its day unless taken after that dose, by {grace} after the dose"
        )
        end = "A cycle of which no dose is recorded asks for none"
    return (
        f"{asked}, of each of: {names}. {end}, nor of who has died, withdrawn consent or been lost. Where no date "
        "tells since when, a sample that did not come cannot be evaluated; of the dead none is. The rules that ask for "
        "a missing test are named."
    )
