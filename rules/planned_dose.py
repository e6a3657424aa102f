"""The doses that a plan lays out from its first day on, and the days on which each may be given.

It knows the plan and on which days doses were given, which is when a cycle began. It must not know what became of each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from rules.dose_records import certainly_given, day_of, end_of
from rules.exposure import ZeroDose
from rules.records import Dose, Participant

if TYPE_CHECKING:
    from rules.dosing_plan import DosingPlan


OWN_START = "each cycle's own start"
"""The anchor of a plan whose cycles count each from its own first dose, so that one can be postponed as a whole."""

_KEPT = 256
"""How many first days a plan is remembered for."""


@dataclass(frozen=True, slots=True)
class PlannedDose:
    """One dose of the plan: its day, and the first and last day on which it may be given."""

    cycle: int
    on: date
    name: str  # what the protocol calls it, such as C2D5; D5 and W5 in daily and weekly plans
    opens: date
    closes: date
    earliest: date  # from here to its window it was taken early
    latest: date  # from its window to here it was taken late
    begins: date  # the first day of its cycle
    postponed: int = 0  # by how many days its cycle began later than planned
    begun: bool = True  # False: its cycle may be postponed, and no dose recorded has begun it


@dataclass(frozen=True, slots=True)
class _Cycle:
    """A cycle of the plan: its number, the first day that is planned, and that of its first dose, if there is one."""

    number: int
    planned: date
    begun: date | None


def doses_planned_for(
    plan: "DosingPlan", participant: Participant, start: date, zero_dose: ZeroDose
) -> tuple[PlannedDose, ...]:
    """Lay the plan out from its first day for a participant, cycles postponed as the doses given show."""
    if plan.anchor != OWN_START:
        return _as_planned(plan, start)
    given = map(_days_of, certainly_given(participant, zero_dose))
    return planned_doses(plan, start, [days for days in given if days is not None])


@lru_cache(maxsize=_KEPT)
def _as_planned(plan: "DosingPlan", start: date) -> tuple[PlannedDose, ...]:
    """Lay out a plan in which no cycle moves: every rule about doses asks for it, and it never changes."""
    return planned_doses(plan, start)


def _days_of(record: Dose) -> tuple[date, date] | None:
    """The first and last day of a record, None where the first is not known."""
    day = day_of(record)
    return None if day is None or record.stdtc is None else (day, end_of(record, record.stdtc).latest.date())


def planned_doses(plan: "DosingPlan", start: date, given: Sequence[tuple[date, date]] = ()) -> tuple[PlannedDose, ...]:
    """Lay the plan out from its first day, optional cycles included.

    Where each cycle counts from its own start, that is the first day on which a dose was given and on which the cycle
    may begin; as long as there is none, its doses may come later by as much as a cycle may be postponed. `given` are
    the first and last day of each record of doses.
    """
    return tuple(dose for cycle in _cycles(plan, start, given) for dose in _doses_of(plan, cycle))


def _cycles(plan: "DosingPlan", start: date, given: Sequence[tuple[date, date]]) -> Iterator[_Cycle]:
    """Yield the cycles of a plan."""
    planned, last = start, start
    for number in range(1, plan.most_cycles + 1):
        begun: date | None = planned
        if plan.anchor == OWN_START and number > 1:
            opens = max(planned - timedelta(days=plan.reach.early), last + timedelta(days=1))
            closes = planned + timedelta(days=plan.cycle_delay_days + plan.reach.late)
            nearest = (min(max(planned, begin), end) for begin, end in given)  # of a record of several days
            begun = min((day for day in nearest if opens <= day <= closes), default=None)
        yield _Cycle(number, planned, begun)
        last = (begun or planned) + timedelta(days=plan.days[-1] - 1 if plan.days else 0)
        planned = (begun or planned) + timedelta(days=plan.cycle_days)


def _doses_of(plan: "DosingPlan", cycle: _Cycle) -> Iterator[PlannedDose]:
    """Yield the doses of a cycle."""
    begins = cycle.begun or cycle.planned
    delay = timedelta(days=plan.cycle_delay_days)
    slack = timedelta(0) if cycle.begun is not None else delay
    window, reach = plan.window_days, plan.reach
    for day in plan.days:
        on = begins + timedelta(days=day - 1)
        if plan.anchor == OWN_START and day == 1:  # a cycle may begin beside the days on which it should
            on = min(max(begins, cycle.planned), cycle.planned + delay)
        yield PlannedDose(
            cycle=cycle.number,
            on=on,
            name=_name(plan, cycle.number, day),
            opens=on - timedelta(days=window.early),
            closes=on + timedelta(days=window.late) + slack,
            earliest=on - timedelta(days=reach.early),
            latest=on + timedelta(days=reach.late) + slack,
            begins=begins,
            postponed=(begins - cycle.planned).days,
            begun=cycle.begun is not None,
        )


def _name(plan: "DosingPlan", cycle: int, day: int) -> str:
    """Name a dose as a protocol does."""
    match plan.schedule:
        case "daily":
            return f"D{cycle}"
        case "weekly":
            return f"W{cycle}"
        case _:
            return f"C{cycle}D{day}"


def in_window(dose: PlannedDose, record: Dose) -> bool:
    """Whether a record lies in a planned dose's window."""
    day = day_of(record)
    return day is not None and dose.opens <= day <= dose.closes
