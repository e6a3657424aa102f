"""What surrounds an event or a sample in time: study day, dosing phase, days since the last dose. Shown, never judged.

It knows when doses were given and the dosing plan. It must not know amounts, treatments, or what a rule makes of it.
What partial dates leave open is said as a range, never imputed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from rules.dosing_plan import DosingPlan
from rules.dtc import Dtc
from rules.exposure import ZeroDose, dosing_ended, first_dose, may_be_dosed, was_given
from rules.plan_start import plan_start
from rules.planned_dose import PlannedDose, doses_planned_for
from rules.records import Participant


class _Period(NamedTuple):
    """From when to when a record says that doses were given; most records tell of one moment."""

    first: Dtc
    last: Dtc

    def surely_holds(self, at: Dtc) -> bool:
        """Whether a moment certainly lies between two days of dosing."""
        return self.first is not self.last and self.first.latest <= at.earliest and at.latest <= self.last.latest


def _periods(participant: Participant, zero_dose: ZeroDose) -> Iterator[_Period]:
    """Yield when the doses on record were given, but for those without any date."""
    for dose in participant.doses:
        if dose.stdtc is not None and was_given(dose, zero_dose):
            end = dose.endtc
            spans = end is not None and end.has_day and end.earliest.date() > dose.stdtc.latest.date()
            yield _Period(dose.stdtc, end if spans and end is not None else dose.stdtc)


def circumstances(participant: Participant, at: Dtc, plan: DosingPlan | None, zero_dose: ZeroDose) -> tuple[str, ...]:
    """Say, in a few words each, where in the participant's treatment a moment lies."""
    first = first_dose(participant, zero_dose)
    if first is None:
        unknown = may_be_dosed(participant, zero_dose)
        return ("before or after the first dose: no date of a dose is known",) if unknown else ("no dose recorded",)
    said = [_study_day(at, first)]
    if at.latest < first.earliest:
        return (*said, "before the first dose")
    given = list(_periods(participant, zero_dose))
    if plan is not None and first.has_day:
        last = max((period.last.latest.date() for period in given), default=first.earliest.date())
        course = _course(plan, participant, first.earliest.date(), last, zero_dose)
        said += [course.phase(at)] if course is not None else []
    if words := _since_last_dose(at, given):
        said.append(words)
    return tuple(said)


def _study_day(at: Dtc, first: Dtc) -> str:
    """Name the study day, or the days it may be; the day of the first dose is day 1, the day before it -1."""
    low = _day_number(at.earliest.date(), first.latest.date())
    high = _day_number(at.latest.date(), first.earliest.date())
    return f"study day {low}" if low == high else f"between study days {low} and {high}"


def _day_number(day: date, first: date) -> int:
    days = (day - first).days
    return days + 1 if days >= 0 else days


@dataclass(frozen=True, slots=True)
class _Course:
    """A participant's way through the plan: one dose of each cycle, the first and last days of doses, and the end."""

    plan: DosingPlan
    cycles: tuple[PlannedDose, ...]
    first: date
    last: date
    ended: date | None

    def phase(self, at: Dtc) -> str:
        """Name the phase of the plan, or the two between which a moment lies."""
        low, high = self._on(at.earliest.date()), self._on(at.latest.date())
        return low if low == high else f"between {low} and {high}"

    def _on(self, day: date) -> str:
        """Name the phase of the plan on a day."""
        if day < self.first:
            return "before the first dose"
        if self.ended is not None and day > self.ended:
            return "after the end of dosing"
        cycle = max((dose for dose in self.cycles if dose.begins <= day), key=lambda dose: dose.begins, default=None)
        return "before the first planned dose" if cycle is None else self._within(cycle, (day - cycle.begins).days)

    def _within(self, cycle: PlannedDose, into: int) -> str:
        """Name the phase so many days into a cycle; an optional cycle that no dose has begun is none."""
        number, schedule = cycle.cycle, self.plan.schedule
        is_over = number == self.plan.most_cycles and into >= self.plan.cycle_days
        if is_over or (number > self.plan.cycles and self.last < cycle.begins):
            return "after the last cycle" if schedule == "cycles" else "after the last planned dose"
        if schedule != "cycles":
            return f"{'day' if schedule == 'daily' else 'week'} {number} of the plan"
        if not cycle.begun:
            return f"cycle {number}, not begun"
        return f"cycle {number}, {'dosing' if into < self.plan.days[-1] else 'rest'} phase"


def _course(plan: DosingPlan, participant: Participant, first: date, last: date, zero_dose: ZeroDose) -> _Course | None:
    """Return the way through the plan, None where the plan is not one of days or its first day is in doubt."""
    start = plan_start(plan, participant, zero_dose)
    if start.on is None or start.doubt:
        return None
    one_of_each = {dose.cycle: dose for dose in doses_planned_for(plan, participant, start.on, zero_dose)}
    end = dosing_ended(participant, first)
    return _Course(plan, tuple(one_of_each.values()), first, last, None if end is None else end.latest)


def _since_last_dose(at: Dtc, given: list[_Period]) -> str:
    """Say how many days before the moment a dose was last given, '' where no record tells."""
    if not given:
        return ""
    if any(period.surely_holds(at) for period in given):
        return "within a recorded period of dosing"
    before = [period for period in given if period.first.earliest <= at.latest]
    if not before:
        return "no dose recorded before it"
    surely = [period.last for period in before if period.last.latest <= at.earliest]
    if not surely:
        return "before or after the first recorded dose: the dates cannot tell"
    least = min(max(0, (at.earliest.date() - period.last.latest.date()).days) for period in before)
    most = min((at.latest.date() - last.earliest.date()).days for last in surely)
    if least < most:
        return f"between {least} and {most} days after the last dose"
    return f"{least} day{'' if least == 1 else 's'} after the last dose" if least else "on the day of a dose, after it"
