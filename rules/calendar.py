"""A participant's calendar: each planned dose and sample with what became of it, the repeats that abnormal results ask
for, the times on hold, and the reporting clocks.

It asks what the rules ask, so that it never says otherwise. It must not tell amounts, treatments or lots.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from rules.clocks import clocks_of, courses_of
from rules.context import Context
from rules.dose_records import day_of, given_records, moment_of, spans_days
from rules.exposure import first_dose
from rules.kinds import expected_sample, repeat_sample, reporting_clock
from rules.kinds.adherence import by_cycle, counted, share_words
from rules.on_hold import alerts_of
from rules.plan_start import PlanStart, plan_start
from rules.records import Dose, Hold, Participant
from rules.regimen import TAKEN, DoseFate, Fate, fates_as_collected, fates_by_plan
from rules.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a calendar: what is or was expected when, and what became of it."""

    on: date | None  # None where nobody can tell
    days: str  # on or between which it is expected
    what: str
    became: str


def calendar(participant: Participant, rulebook: Rulebook, context: Context) -> tuple[Line, ...]:
    """Return the lines of a participant's calendar in order of time, those without a day last.

    The context must hold the hits of the rulebook (`rules.evaluate.context_with_hits`): repeats are asked for by them.
    """
    lines = [
        *_doses(participant, context),
        *_samples(participant, rulebook, context),
        *_repeats(participant, rulebook, context),
        *_holds(participant, context),
        *_clocks(participant, rulebook, context),
    ]
    return tuple(sorted(lines, key=lambda line: (line.on or date.max, line.what)))


def _doses(participant: Participant, context: Context) -> Iterator[Line]:
    """Yield the planned doses, where there is a plan and a day from which it counts, and what else was given."""
    on_hold = tuple(hold for hold in participant.holds if hold.until is None)
    zero_dose, plan = context.header.zero_dose, context.dosing
    start = plan_start(plan, participant, zero_dose) if plan is not None else PlanStart()
    if start.doubt:
        yield Line(on=None, days="", what="planned doses", became=f"not known: {start.doubt}")
    if plan is not None and start.on is not None and not start.doubt:
        fates = fates_by_plan(plan, participant, start.on, context)
    else:
        fates = fates_as_collected(participant, plan.entry_grace_days if plan else 0, context)
    for fate in fates:
        if fate.fate is not Fate.NOT_EXPECTED:
            yield Line(
                on=fate.on,
                days=str(fate.on or ""),
                what=_name(fate),
                became=_of(fate, on_hold),
            )
    yield from _shares(fates, context)
    yield from _beside(fates, given_records(participant, zero_dose))


def _beside(fates: Sequence[DoseFate], given: Sequence[Dose]) -> Iterator[Line]:
    """Yield the doses given that are none of the plan, and the records that may tell of one of it once more."""
    told = [fate.record for fate in fates if fate.record is not None]
    moments = {moment for record in told if (moment := moment_of(record)) is not None}
    for dose in given:
        if dose not in told and not spans_days(dose):
            again = moment_of(dose) in moments
            yield Line(
                on=day_of(dose),
                days="",
                what="dose recorded twice, or two doses" if again else "dose outside the plan",
                became=f"given {dose.stdtc or 'on no known date'}",
            )


def _shares(fates: Sequence[DoseFate], context: Context) -> Iterator[Line]:
    """Yield the share of doses given of each cycle, at its last dose, and of the whole plan."""
    plan = context.dosing
    cycles = by_cycle(fates) if plan is not None and plan.schedule == "cycles" else {}
    for number, doses in cycles.items():
        if over := counted(doses):
            held = sum(fate.fate is Fate.ON_HOLD for fate in doses)
            apart = f"; {held} on hold, not counted" if held else ""
            became = f"{share_words(over)}{apart}"
            yield Line(on=doses[-1].on, days="", what=f"doses of cycle {number}", became=became)
    if over := counted([fate for fate in fates if fate.planned is not None]):
        yield Line(on=None, days="", what="doses of the plan so far", became=share_words(over))


def _name(fate: DoseFate) -> str:
    """Name a dose; what follows no plan is named by its date already."""
    return fate.name if fate.name.startswith("dose ") else f"dose {fate.name}"


def _of(fate: DoseFate, on_hold: tuple[Hold, ...]) -> str:
    """Say what became of a dose; `on_hold` are the holds that stand now."""
    day = day_of(fate.record) if fate.record is not None else None
    if fate.fate in TAKEN and fate.on is not None and day is not None:
        return f"{_when_given(fate, fate.on, day)}{_postponed(fate)}"
    if fate.fate is Fate.NOT_DUE and fate.deadline is not None:
        planned = f"ON HOLD ({alerts_of(on_hold)})" if on_hold else "planned"
        planned += "" if not on_hold or any(one.acknowledged for one in on_hold) else ", which nobody has acknowledged"
        waits = "" if fate.planned is None or fate.planned.begun else f", on {fate.planned.closes} at the latest"
        return f"{planned}{waits}; missed if nothing is recorded by {fate.deadline:%Y-%m-%d %H:%M}"
    return f"{fate.fate} ({alerts_of(fate.holds)})" if fate.fate is Fate.ON_HOLD else str(fate.fate)


def _when_given(fate: DoseFate, on: date, day: date) -> str:
    """Say on which day a dose was given, where it was not the planned one."""
    apart = (day - on).days
    if not apart:
        return "given"
    outside = "" if fate.fate is Fate.GIVEN else ", outside its window"
    return f"given {abs(apart)} day{'' if abs(apart) == 1 else 's'} {'late' if apart > 0 else 'early'}, {day}{outside}"


def _postponed(fate: DoseFate) -> str:
    """Say at the first dose of a cycle by how much that began later than planned."""
    dose = fate.planned
    if dose is None or dose.on != dose.begins or dose.postponed <= 0:
        return ""
    return f"; its cycle began {dose.postponed} day{'' if dose.postponed == 1 else 's'} later than planned"


def _samples(participant: Participant, rulebook: Rulebook, context: Context) -> Iterator[Line]:
    """Yield the samples that rules of kind `expected_sample` wait for."""
    first, plan = first_dose(participant, context.header.zero_dose), context.dosing
    doubtful = plan is not None and plan_start(plan, participant, context.header.zero_dose).doubt
    if first is None or not first.has_day or doubtful:
        return
    for rule in rulebook.rules:
        when = rulebook.whens[rule.id]
        if isinstance(when, expected_sample.When):
            for sample in expected_sample.expected_samples(when, participant, first.earliest.date(), context):
                there = expected_sample.results_of(when, participant, context, sample)
                missing = ", ".join(test for test, received in there.items() if not received)
                overdue = context.local_now >= sample.deadline
                owed = f"not known whether it is expected ({sample.doubt})" if sample.doubt else "awaited"
                owed = "not received" if overdue and not sample.doubt else owed
                became = f"{owed}: {missing}" if missing else "received"
                days = expected_sample.days_of(sample)
                yield Line(on=sample.opens, days=days, what=f"sample {sample.name} ({rule.id})", became=became)
            for sample in expected_sample.coming_samples(when, participant, context):
                days = expected_sample.days_of(sample)
                yield Line(on=sample.opens, days=days, what=f"sample {sample.name} ({rule.id})", became="to be drawn")


_REPEATED: Mapping[repeat_sample.Came, str] = {
    repeat_sample.Came.IN_TIME: "received",
    repeat_sample.Came.OPEN: "not known whether it was repeated",
    repeat_sample.Came.LATE: "repeated late",
}


def _repeats(participant: Participant, rulebook: Rulebook, context: Context) -> Iterator[Line]:
    """Yield the repeats that rules of kind `repeat_sample` wait for, on the day by which each is due."""
    for rule in rulebook.rules:
        when = rulebook.whens[rule.id]
        if isinstance(when, repeat_sample.When):
            for repeat in repeat_sample.repeats(when, participant, context):
                deadline = repeat.deadline(when, context)
                yield Line(
                    on=None if deadline is None else deadline.date(),
                    days="" if deadline is None else f"by {deadline:%Y-%m-%d %H:%M}",
                    what=f"repeat of {repeat_sample.names_of(repeat.tests)} ({rule.id})",
                    became="" if deadline is None else _of_repeat(repeat, participant, context, deadline),
                )


def _of_repeat(repeat: repeat_sample.Repeat, participant: Participant, context: Context, deadline: datetime) -> str:
    """Say what became of a repeat."""
    labs = context.findings(participant)
    worst = max(repeat_sample.came_of(test, repeat, labs, deadline, context)[0] for test in repeat.tests)
    return _REPEATED.get(worst, "overdue" if context.local_now > deadline else "to be drawn")


def _holds(participant: Participant, context: Context) -> Iterator[Line]:
    """Yield the times on hold, at their begin."""
    for hold in participant.holds:
        since = context.local(hold.since)
        until = f"released {context.local(hold.until):%Y-%m-%d %H:%M}" if hold.until is not None else "not released"
        yield Line(
            on=since.date(),
            days=f"from {since:%Y-%m-%d %H:%M}",
            what=f"{hold.consequence} ({hold.rule_id}, alert {hold.alert})",
            became=until,
        )


def _clocks(participant: Participant, rulebook: Rulebook, context: Context) -> Iterator[Line]:
    """Yield the clocks of reports about serious events, on the day on which each is due."""
    for rule in rulebook.rules:
        when = rulebook.whens[rule.id]
        if isinstance(when, reporting_clock.When):
            for course in courses_of(participant):
                for clock in clocks_of(course, when.regimes, participant.submissions, context.zone):
                    running = "overdue" if clock.due <= context.now else "no submission entered"
                    yield Line(
                        on=clock.due_day,
                        days=f"by {reporting_clock.due_words(clock, context)}",
                        what=f"{clock.report.name} ({rule.id}), if one is owed",
                        became=reporting_clock.stopped_words(clock, context) or running,
                    )
