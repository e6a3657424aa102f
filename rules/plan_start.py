"""The day from which a dosing plan counts, and what makes that day doubtful.

It knows dose records, DM and the days of the plan. It must not know what follows from a doubt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from rules.dose_records import covers, day_of, given_records
from rules.dtc import Dtc
from rules.exposure import ZeroDose, first_dose, is_scheduled, may_be_dosed
from rules.records import Dose, Participant
from rules.regimen import PlannedDose, in_window, planned_doses

if TYPE_CHECKING:
    from rules.rulebook import DosingPlan

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
    """Return the day of the first dose, and what makes it doubtful; without a day or a doubt nobody was dosed.

    A date that is mistyped by months would make a miss of every planned dose until the second dose recorded. Records
    of what was not given confirm a date as those of doses do.
    """
    first = first_dose(participant, zero_dose)
    if first is None:
        dosed = bool(participant.doses) and may_be_dosed(participant, zero_dose)
        return PlanStart(doubt="a dose was given, and no date tells when the first one was" if dosed else "")
    if not first.has_day:
        return PlanStart(doubt=f"the first dose has no day: {first}")
    start = first.earliest.date()
    given = sorted(filter(day_of, given_records(participant, zero_dose)), key=lambda record: day_of(record) or start)
    told = [record for record in participant.doses if day_of(record) is not None and not is_scheduled(record)]
    planned = planned_doses(plan, start)
    if _all_outside(planned, given, told, start):
        doubt = f"every later dose lies outside the plan as counted from the first dose on {start}: is that date right?"
        return PlanStart(start, doubt, tuple(given))
    expected = [dose for dose in planned if dose.cycle <= plan.cycles]
    for name, on in _known_of(participant):
        if unrecorded := _alone_before(on, expected, told, start):
            doubt = (
                f"the first dose on {start} lies before {name} {on}, with {unrecorded} planned doses between and "
                "nothing recorded of them: is that date right?"
            )
            return PlanStart(start, doubt, tuple(record for record in given if day_of(record) == start))
    return PlanStart(start)


def _all_outside(planned: Sequence[PlannedDose], given: Sequence[Dose], told: Sequence[Dose], start: date) -> bool:
    """Whether all that is recorded lies outside the plan, so that the first day is the likelier mistake.

    One later dose is enough where only DM tells of that day, or where the whole plan is over before the second dose.
    """
    later = {day for record in given if (day := day_of(record)) is not None and day > start}
    only_dm = not any(day_of(record) == start for record in given)
    enough = 1 if only_dm or min(later, default=start) > planned[-1].closes else _TOO_MANY
    if len(later) < enough:
        return False
    rest = [record for record in told if day_of(record) != start]
    return not any(in_window(dose, record) or covers(record, dose.on) for dose in planned for record in rest)


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
