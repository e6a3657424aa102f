"""Kind `off_plan_dose`: a dose outside its window, too soon, after the end, of too little, by another route, or twice.

From EC, and from EX for days of which EC tells of no dose. It must not tell amounts, routes, treatments or lots, nor
judge whether too much was given: another kind does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.dose_records import day_of, dose_records, given_records, moment_of, once, says_whether, spans_days
from rules.exposure import EndOfDosing, ZeroDose, dosing_ended, first_dose, was_given
from rules.hit import EVERYTHING, Judgement
from rules.kinds.about_doses import DoseAmount, about_doses, amount_of
from rules.kinds.amounts import Amount
from rules.kinds.beside_plan import beside_plan
from rules.plan_start import PlanStart, plan_start
from rules.records import Dose, Participant
from rules.routes import is_by_route
from rules.units import round15

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


_TWICE = "two records tell of one moment, one dose recorded twice or two doses"


class When(BaseModel):
    """What is outside the plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outside_windows: bool = False
    after_end: bool = False
    min_gap_hours: Annotated[int, Field(ge=1)] | None = None
    recorded_twice: bool = False
    wrong_route: bool = False
    least_per_day: DoseAmount | None = None

    @model_validator(mode="after")
    def _looks_for_something(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise ValueError(f"name at least one of {', '.join(type(self).model_fields)}")
        return self


@dataclass(frozen=True, slots=True)
class _Fault:
    """In what a dose is outside the plan, or may be."""

    certain: bool
    words: str


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each day on which a dose was given, and for what cannot be compared with the plan."""
    zero_dose = context.header.zero_dose
    given = given_records(participant, zero_dose)
    first = first_dose(participant, zero_dose)
    for scope, reason, doses, told in _not_comparable(participant, given):
        yield about_doses(rule, participant, scope, reason, doses, told=told)
    by_day = _by_day(given)
    start = first.earliest.date() if first is not None and first.has_day else None
    ended = dosing_ended(participant, start or min(by_day, default=date.min)) if when.after_end else None
    if ended is not None and ended.undated and given:
        reason = "an end of dosing has no date: whether a dose was given after it is not known"
        yield about_doses(rule, participant, "end of dosing", reason)
    plan = context.dosing if when.outside_windows else None
    counted = plan_start(plan, participant, zero_dose) if plan is not None and any(map(day_of, given)) else PlanStart()
    if counted.doubt:
        yield about_doses(rule, participant, "plan", counted.doubt, counted.records)
    beside: dict[date, str] = {}
    if plan is not None and counted.on is not None and not counted.doubt:
        beside = dict(beside_plan(plan, participant, by_day, counted.on, context))
    before: Dose | None = None
    for day, doses in by_day.items():
        faults = [fault for fault in [_after_end(day, ended)] if fault]
        faults += [_Fault(True, beside[day])] if day in beside else []
        for dose in doses:
            if before is not None and (fault := _too_soon(when, before, dose)):
                faults.append(fault)
            before = dose
        if faults:
            yield from _about_day(rule, participant, day, doses, faults)
    if when.wrong_route and context.dosing is not None:
        yield from _about_routes(rule, context.dosing.route, participant, given)
    if when.least_per_day is not None:
        yield from _about_amounts(rule, when.least_per_day, participant, _with_amounts(by_day, participant, zero_dose))


def _not_comparable(participant: Participant, given: Sequence[Dose]) -> Iterator[tuple[str, str, list[Dose], bool]]:
    """Say of which doses the days are not known: scope, reason, records, and whether somebody must be told."""
    subject = participant.subject
    if not dose_records(participant) and subject is not None and subject.rfxstdtc is not None:
        yield EVERYTHING, f"no dose record, although RFXSTDTC is {subject.rfxstdtc}", [], False
    spans = [dose for dose in given if spans_days(dose)]
    if spans:  # how some studies record doses, unless the participant has others: then somebody is asked
        reason = "a record covers several days and does not say on which of them doses were given"
        yield "doses of several days", reason, spans, len(spans) < len(given)
    for dose in given:
        if not spans_days(dose) and day_of(dose) is None:
            yield f"dose of {dose.stdtc or 'unknown date'}", "the day of a dose is not known", [dose], True


def _by_day(given: Sequence[Dose]) -> dict[date, list[Dose]]:
    """Group the doses of one known day by it, in order of time."""
    found: dict[date, list[Dose]] = {}
    for dose in sorted((d for d in given if not spans_days(d) and day_of(d) is not None), key=_moments):
        found.setdefault(_moments(dose)[0].date(), []).append(dose)
    return found


def _moments(dose: Dose) -> tuple[datetime, datetime]:
    """The first and last moment, to the minute, at which a dose of a known day may have been given."""
    if dose.stdtc is None:
        raise ValueError("a dose without a date")
    earliest = dose.stdtc.earliest.replace(second=0)
    return earliest, earliest if dose.stdtc.has_time else dose.stdtc.latest


def _after_end(day: date, ended: EndOfDosing | None) -> _Fault | None:
    """Whether a day lies after the end of dosing; an end without any date is told once, not of each day."""
    if ended is None or ended.on is None or day <= ended.earliest:
        return None
    certain = day > ended.latest
    return _Fault(certain, f"{'after' if certain else 'it may be after'} the end of dosing on {ended.on}")


def _too_soon(when: When, before: Dose, dose: Dose) -> _Fault | None:
    """Whether a dose came too soon after the one before, or is the same one recorded twice.

    Times are compared to the minute. Without them, as many days apart as the gap has, rounded up, are far enough.
    """
    if moment_of(dose) is not None and moment_of(dose) == moment_of(before):
        wanted = when.recorded_twice or when.min_gap_hours
        return _Fault(when.recorded_twice, f"{_TWICE}, {before.stdtc}") if wanted else None
    if when.min_gap_hours is None:
        return None
    gap, words = (
        timedelta(hours=when.min_gap_hours),
        f"less than {when.min_gap_hours} hours after that of {before.stdtc}",
    )
    (earliest_before, latest_before), (earliest, latest) = _moments(before), _moments(dose)
    if latest - earliest_before < gap:
        return _Fault(says_whether(before) and says_whether(dose), words)
    enough = (earliest.date() - earliest_before.date()).days >= ceil(when.min_gap_hours / 24)
    return None if enough or earliest - latest_before >= gap else _Fault(False, f"it may be {words}")


def _about_day(
    rule: "Rule", participant: Participant, day: date, doses: list[Dose], faults: Sequence[_Fault]
) -> Iterator[Judgement]:
    """Answer for the doses of one day, given what is wrong with it."""
    sure_of_dose = any(says_whether(dose) for dose in doses)
    hit = sure_of_dose and any(fault.certain for fault in faults)
    reasons = [fault.words for fault in faults if fault.certain or not hit]
    reasons += [] if sure_of_dose else ["whether the dose was given cannot be read"]
    yield about_doses(rule, participant, f"dose of {day}", "; ".join(dict.fromkeys(reasons)), doses, hit=hit)


def _with_amounts(
    by_day: Mapping[date, list[Dose]], participant: Participant, zero_dose: ZeroDose
) -> Mapping[date, list[Dose]]:
    """Let the doses of EX stand in on the days of which EC tells no amount."""
    told: dict[date | None, list[Dose]] = {}
    for dose in participant.doses:
        if dose.domain == "EX" and was_given(dose, zero_dose) and not spans_days(dose):
            told.setdefault(day_of(dose), []).append(dose)
    blank = {day for day, doses in by_day.items() if all(dose.dose is None for dose in doses)}
    return {day: told.get(day, doses) if day in blank else doses for day, doses in by_day.items()}


def _runs_of_too_little(by_day: Mapping[date, Sequence[Dose]], least: Amount) -> Iterator[tuple[Dose, ...]]:
    """Yield the doses of each run of days with too little; enough ends a run, and an unknown amount does not."""
    run: list[Dose] = []
    for doses in by_day.values():
        enough = _is_enough(doses, least)
        if enough is False:
            run += doses
        elif enough and run:
            yield tuple(run)
            run = []
    if run:
        yield tuple(run)


def _is_enough(doses: Sequence[Dose], least: Amount) -> bool | None:
    """Whether the doses of a day come up to an amount, None where that is not known."""
    read = {id(dose): amount_of(dose, least.unit)[0] for dose in doses}
    largest_first = sorted(doses, key=lambda dose: read[id(dose)] or 0, reverse=True)
    apart, all_of_it = (
        round15(sum((read[id(dose)] or Decimal(0) for dose in counted), Decimal(0)))
        for counted in (once(largest_first), largest_first)
    )
    if apart >= least.value:
        return True
    known = None not in read.values() and all(says_whether(dose) for dose in doses) and all_of_it < least.value
    return False if known else None


def _about_amounts(
    rule: "Rule", least: Amount, participant: Participant, by_day: Mapping[date, Sequence[Dose]]
) -> Iterator[Judgement]:
    """Answer for each run of days with too little, and once for all days of which the amount is not known."""
    for run in _runs_of_too_little(by_day, least):
        days = list(dict.fromkeys(str(day_of(dose)) for dose in run))
        reason = f"less than the planned amount of a day is recorded, or its unit is wrong: {', '.join(days)}"
        said = about_doses(rule, participant, "amount", reason, run, hit=True)
        since = f"{'from' if days[1:] else 'on'} {days[0]}"
        yield replace(said, summary=f"{rule.title}: too little {since}", anchors=frozenset(days))
    unknown = [dose for doses in by_day.values() if _is_enough(doses, least) is None for dose in doses]
    if unknown:  # untold: who asks whether too much was given is told of each
        reason = "an amount is not recorded or not in a unit of the plan, or its dose may not have been given"
        yield about_doses(rule, participant, "amounts not known", reason, unknown, told=False)


def _about_routes(
    rule: "Rule", planned: Sequence[str], participant: Participant, given: Sequence[Dose]
) -> Iterator[Judgement]:
    """Answer once for all doses of which another route is recorded, and once for those whose route is not known."""
    by_answer: dict[bool | None, list[Dose]] = {}
    for dose in given:
        if dose.route:
            by_answer.setdefault(is_by_route(dose.route, planned), []).append(dose)
    if wrong := by_answer.get(False):
        days = list(dict.fromkeys(str(dose.stdtc or "unknown date") for dose in wrong))
        said = about_doses(rule, participant, "route", f"another route is recorded: {', '.join(days)}", wrong, hit=True)
        yield replace(said, summary=f"{rule.title}: by another route", anchors=frozenset(days))
    if unknown := by_answer.get(None):
        reason = "what is recorded as the route is no route that is known"
        yield about_doses(rule, participant, "routes not known", reason, unknown)


def describe(when: When) -> str:
    """Say the criterion in words."""
    beside = "on a day in no window of a planned dose, such as in a rest phase, or one more than planned in a window"
    chosen = {
        beside: when.outside_windows,
        "after discontinuation, completion or death": when.after_end,
        f"less than {when.min_gap_hours} hours after the dose before": when.min_gap_hours,
        "recorded twice for one minute, which may be one dose or two": when.recorded_twice,
        "by another route than planned": when.wrong_route,
        f"of less than {when.least_per_day} in a day": when.least_per_day,
    }
    words = f"A dose recorded as given {'; or '.join(text for text, wanted in chosen.items() if wanted)}."
    if when.min_gap_hours:
        words += f" Without times of day, {ceil(when.min_gap_hours / 24)} days apart are far enough."
    if when.least_per_day:
        words += " Too little on consecutive days of dosing is one concern; an amount of 0 is no dose."
    return words
