"""Where in the plan a dose lies that is none of its doses, in words for the kind that tells of it.

It knows the plan and what became of its doses. It must not tell amounts, treatments or lots.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from rules.dose_records import certainly_given, covers, day_of, spans_days
from rules.planned_dose import PlannedDose, doses_planned_for
from rules.records import Participant
from rules.regimen import TAKEN, DoseFate, Fate, fates_by_plan

if TYPE_CHECKING:
    from rules.context import Context
    from rules.dosing_plan import DosingPlan


def beside_plan(
    plan: "DosingPlan", participant: Participant, days: Iterable[date], start: date, context: "Context"
) -> Iterator[tuple[date, str]]:
    """Yield the days of doses in no window of the plan, or of more than are planned in one, and say where each lies.

    What else is recorded on the day of a planned dose that was given is a question of that day, not of the plan.
    """
    zero_dose = context.header.zero_dose
    planned = [dose for dose in doses_planned_for(plan, participant, start, zero_dose) if dose.begun]
    fates = fates_by_plan(plan, participant, start, context)
    taken = {day_of(fate.record): fate for fate in fates if fate.record and fate.fate in {Fate.EARLY, Fate.LATE}}
    told = {day_of(fate.record) for fate in fates if fate.record and fate.fate in TAKEN}
    given = certainly_given(participant, zero_dose)
    more = {day_of(dose) for dose in given if not spans_days(dose)} - told
    spans = [dose for dose in given if spans_days(dose)]
    for day in days:
        if day in taken:
            yield day, _late_words(taken[day], day)
        elif not any(dose.opens <= day <= dose.closes for dose in planned):
            yield day, _place_words(plan, planned, start, day)
        elif day in more and not any(covers(span, day) for span in spans):
            yield day, "more doses than planned in its window"


def _late_words(fate: DoseFate, day: date) -> str:
    """Say how far from its day a dose was taken."""
    apart = abs((day - (fate.on or day)).days)
    when = "before" if fate.fate is Fate.EARLY else "after"
    return f"{fate.name} taken {apart} day{'' if apart == 1 else 's'} {when} its planned day, outside its window"


def _place_words(plan: "DosingPlan", planned: Sequence[PlannedDose], start: date, day: date) -> str:
    """Say where in the plan a day lies that is in no window."""
    cycle = max((dose for dose in planned if dose.begins <= day), key=lambda dose: dose.begins, default=None)
    if cycle is None:
        return f"before the plan begins on {start}"
    into = (day - cycle.begins).days
    if into >= plan.cycle_days and cycle.cycle == plan.most_cycles:
        return "after the last cycle of the plan"
    if plan.schedule != "cycles":
        return f"day {(day - start).days + 1} of the plan, in no window of a planned dose"
    return f"day {into + 1} of cycle {cycle.cycle}, in no window of a planned dose"
