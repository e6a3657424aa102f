"""The day from which a dosing plan counts, and what makes that day doubtful.

It knows dose records, DM and the days of the plan. It must not know what follows from a doubt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from rules.dose_records import covers, day_of, given_records
from rules.dtc import Dtc
from rules.exposure import ZeroDose, first_dose, is_scheduled, may_be_dosed, randomised
from rules.planned_dose import PlannedDose, doses_planned_for, in_window
from rules.records import Dose, Participant

if TYPE_CHECKING:
    from rules.dosing_plan import DosingPlan

_TOO_MANY = 3
"""Of how many later doses, all outside the plan, the date of the first dose is the likelier mistake."""

_FAR = 2
"""How many planned doses without any record must lie between a lone first date and one that DM gives."""


@dataclass(frozen=True, slots=True)
class PlanStart:
    """The day from which a plan counts, None where no date tells; why it cannot be counted so, and what shows it."""

    on: date | None = None
    doubt: str = ""
    records: tuple[Dose, ...] = ()


def plan_start(plan: "DosingPlan", participant: Participant, zero_dose: ZeroDose) -> PlanStart:
    """Return the first day of a participant's plan, and what makes it doubtful; without either nothing is planned."""
    if plan.schedule == "as collected":
        return PlanStart()
    of = _Records(
        tuple(filter(day_of, given_records(participant, zero_dose))),
        tuple(dose for dose in participant.doses if day_of(dose) is not None and not is_scheduled(dose)),
    )
    if plan.anchor == "randomisation":
        return _from_randomisation(plan, participant, zero_dose, of)
    return _from_first_dose(plan, participant, zero_dose, of)


@dataclass(frozen=True, slots=True)
class _Records:
    """A participant's dose records of known days: of what was given, and of all that is told of."""

    given: tuple[Dose, ...]
    told: tuple[Dose, ...]

    def days_given(self, after: date = date.min) -> set[date]:
        """Return the days after a day on which doses were given."""
        return {day for record in self.given if (day := day_of(record)) is not None and day > after}

    def lie_outside(self, planned: Sequence[PlannedDose], but: date | None = None) -> bool:
        """Whether no record, but for those of one day, fits a planned dose; those of what was not given count too."""
        rest = [record for record in self.told if day_of(record) != but]
        return not any(in_window(dose, record) or covers(record, dose.on) for dose in planned for record in rest)


def _from_randomisation(plan: "DosingPlan", participant: Participant, zero_dose: ZeroDose, of: _Records) -> PlanStart:
    """Count from the day of randomisation."""
    on = randomised(participant)
    if on is None:
        return PlanStart(doubt="DS gives no date of randomisation" if of.given else "")
    if not on.has_day:
        return PlanStart(doubt=f"randomisation has no day: {on}")
    start = on.earliest.date()
    planned = doses_planned_for(plan, participant, start, zero_dose)
    if len(of.days_given()) >= _TOO_MANY and of.lie_outside(planned):
        doubt = f"every dose lies outside the plan as counted from randomisation on {start}: is that date right?"
        return PlanStart(start, doubt, of.given)
    return PlanStart(start)


def _from_first_dose(plan: "DosingPlan", participant: Participant, zero_dose: ZeroDose, of: _Records) -> PlanStart:
    """Count from the day of the first dose.

    A date that is mistyped by months would make a miss of every planned dose until the second dose recorded.
    """
    first, subject = first_dose(participant, zero_dose), participant.subject
    if first is None:
        dosed = bool(participant.doses) and may_be_dosed(participant, zero_dose)
        return PlanStart(doubt="a dose was given, and no date tells when the first one was" if dosed else "")
    if not first.has_day:
        return PlanStart(doubt=f"the first dose has no day: {first}")
    start = first.earliest.date()
    planned = doses_planned_for(plan, participant, start, zero_dose)
    later = of.days_given(after=start)
    # One later dose is enough where only DM tells of the first day, or where the whole plan was over before it.
    lone = start not in of.days_given() or min(later, default=start) > planned[-1].closes
    vouched = subject is not None and subject.rfxstdtc is not None and _is_of(subject.rfxstdtc, start)
    doubtful = bool(later) if lone else len(later) >= _TOO_MANY and not vouched
    if doubtful and of.lie_outside(planned, but=start):
        doubt = f"every later dose lies outside the plan as counted from the first dose on {start}: is that date right?"
        return PlanStart(start, doubt, tuple(sorted(of.given, key=lambda record: day_of(record) or start)))
    expected = [dose for dose in planned if dose.cycle <= plan.cycles]
    for name, on in _known_of(participant):
        if unrecorded := _alone_before(on, expected, of.told, start):
            doubt = (
                f"the first dose on {start} lies before {name} {on}, with {unrecorded} planned doses between and "
                "nothing recorded of them: is that date right?"
            )
            return PlanStart(start, doubt, tuple(record for record in of.given if day_of(record) == start))
    return PlanStart(start)


def _is_of(on: Dtc, day: date) -> bool:
    """Whether a date is certainly of a day."""
    return on.earliest.date() == on.latest.date() == day


def _known_of(participant: Participant) -> Iterator[tuple[str, Dtc]]:
    """Yield the dates of DM before which nobody is dosed."""
    subject = participant.subject
    if subject is not None:
        for name, on in (
            ("informed consent (RFICDTC)", subject.rficdtc),
            ("RFSTDTC", subject.rfstdtc),
            ("RFXSTDTC", subject.rfxstdtc),
        ):
            if on is not None:
                yield name, on


def _alone_before(on: Dtc, expected: Sequence[PlannedDose], told: Sequence[Dose], start: date) -> int:
    """Count the planned doses between a first day that stands alone and a date of DM; 0 where it is not far before."""
    until = on.earliest.date()
    if any(start < day < until for record in told if (day := day_of(record)) is not None):
        return 0
    between = sum(start < dose.opens and dose.closes < until for dose in expected)
    return between if between >= _FAR else 0
