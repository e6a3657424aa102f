"""Expected doses and what became of each: given, recorded as not given, unrecorded, not expected, not yet due.

What is expected comes from a dosing plan, or from the dose records themselves ("as collected"). It knows dose records
and dispositions in study-local time; it must not know amounts, treatments or what follows from a missed dose.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from rules.dose_records import certainly_given, covers, day_of, dose_records, once, says_whether, spans_days
from rules.exposure import EndOfDosing, dosing_ended, is_scheduled, was_given
from rules.on_hold import excuses, holds_on
from rules.planned_dose import PlannedDose, doses_planned_for, in_window
from rules.records import Dose, Hold, Participant
from rules.wall_clock import midnight

if TYPE_CHECKING:
    from rules.context import Context
    from rules.dosing_plan import DosingPlan


class Fate(StrEnum):
    """What became of an expected dose."""

    GIVEN = "given"
    EARLY = "taken early"  # before its window, and near enough to be this dose
    LATE = "taken late"
    NOT_GIVEN = "recorded as not given"
    NO_RECORD = "nothing recorded"
    UNCLEAR = "unclear"  # a record that could be this dose has no day, or does not say whether it occurred
    POSTPONED = "recorded as not given: its cycle began later"
    ON_HOLD = "not given: dosing was on hold"  # as recorded, and a person had taken the hold up
    NOT_EXPECTED = "not expected"  # dosing ended before it, or its optional cycle never began
    NOT_DUE = "not due"
    MAY_HAVE_ENDED = "dosing may have ended before it"  # and nothing is recorded of it


TAKEN = frozenset({Fate.GIVEN, Fate.EARLY, Fate.LATE})
MISSED = frozenset({Fate.NOT_GIVEN, Fate.NO_RECORD})
_NOT_ASKED_FOR = frozenset({Fate.NOT_EXPECTED, Fate.POSTPONED, Fate.ON_HOLD})


@dataclass(frozen=True, slots=True)
class DoseFate:
    """An expected dose, what became of it, and the record that says so; `planned` where it is a dose of a plan.

    `holds` are those that stood then, of a dose that was not given.
    `deadline` is the study-local moment from which a dose without a record counts as missed.
    """

    name: str
    on: date | None
    fate: Fate
    record: Dose | None = None
    deadline: datetime | None = None
    planned: PlannedDose | None = None
    holds: tuple[Hold, ...] = ()


def fates_by_plan(
    plan: "DosingPlan", participant: Participant, start: date, context: "Context"
) -> tuple[DoseFate, ...]:
    """Say what became of each planned dose; a record of a dose not given that fits none of them follows at its day.

    A record of several days covers every planned dose within them; the others are assigned one to one within the
    windows, so that neighbouring windows never share a dose, and what is left within the tolerance of the plan. A
    cycle beyond the minimum is expected once begun. `start` is the first day of the plan.
    """
    zero_dose = context.header.zero_dose
    planned = doses_planned_for(plan, participant, start, zero_dose)
    records = dose_records(participant)
    given = once(certainly_given(participant, zero_dose))
    refused = [record for record in records if not was_given(record, zero_dose) and not is_scheduled(record)]
    unsure = [r for r in records if not is_scheduled(r) and (not says_whether(r) or (r in given and day_of(r) is None))]
    begun = [dose for dose in planned if dose.begun]
    given_to = _assign(begun, given)
    given_to |= _assign_beside(begun, given, given_to)
    refused_to = _assign([dose for dose in planned if dose not in given_to], refused)
    told = given_to | refused_to
    last_begun = max((dose.cycle for dose in told), default=0)
    ended = dosing_ended(participant, start)
    last = max((day for record in given if (day := day_of(record)) is not None), default=start)
    answers = []
    for dose in planned:
        expected = dose.cycle <= max(plan.cycles, last_begun) and (ended is None or dose.on <= ended.latest)
        deadline = midnight(dose.latest + timedelta(days=1 + plan.entry_grace_days))
        if dose in given_to:
            fate, record = _when_taken(dose, given_to[dose]), given_to[dose]
        elif not expected:
            fate, record = Fate.NOT_EXPECTED, None
        elif dose in refused_to:
            fate, record = Fate.NOT_GIVEN, refused_to[dose]
        else:
            fate, record = _without_record(dose, deadline, unsure, context.local_now)
            unsure = [one for one in unsure if one is not record]
            fate = _unless_ended(fate, dose.on, ended, last)
        answers.append(DoseFate(dose.name, dose.on, fate, record, deadline, dose))
    strays = [r for r in refused if r not in refused_to.values() and not any(in_window(dose, r) for dose in told)]
    answers += [_as_collected(r, _of_stray(r, planned)) for r in strays if not _is_after(r, ended)]
    return _in_order(answers, participant, context)


def fates_as_collected(participant: Participant, entry_grace_days: int, context: "Context") -> tuple[DoseFate, ...]:
    """Say what EC itself tells of each dose: given, not given (ECOCCUR), or scheduled (ECMOOD) and never performed.

    A record of doses given on several days answers for every day that was scheduled within them.
    """
    zero_dose = context.header.zero_dose
    records = [record for record in participant.doses if record.domain == "EC"]
    performed = [record for record in records if not is_scheduled(record)]
    given = [record for record in performed if was_given(record, zero_dose)]
    days = [day for record in given if (day := day_of(record)) is not None]
    last = max(days, default=date.min)
    ended = dosing_ended(participant, min(days, default=None))
    seen = {day_of(record) for record in performed}
    spans = [record for record in given if spans_days(record) and says_whether(record)]
    answers = []
    for record in performed:
        if not says_whether(record):
            fate = Fate.UNCLEAR
        elif was_given(record, zero_dose):
            fate = Fate.GIVEN
        else:
            fate = Fate.NOT_EXPECTED if _is_after(record, ended) else Fate.NOT_GIVEN
        answers.append(_as_collected(record, fate))
    for record in filter(is_scheduled, records):
        day = day_of(record)
        if day is None or day in seen or _is_after(record, ended) or any(covers(span, day) for span in spans):
            continue
        deadline = midnight(day + timedelta(days=1 + entry_grace_days))
        fate = _unless_ended(Fate.NO_RECORD if context.local_now >= deadline else Fate.NOT_DUE, day, ended, last)
        answers.append(replace(_as_collected(record, fate), deadline=deadline))
    return _in_order(answers, participant, context)


def runs_of_missed(fates: Sequence[DoseFate], at_least: int) -> Iterator[tuple[DoseFate, ...]]:
    """Yield the runs of at least that many consecutive missed doses; those not expected do not break a run.

    Records that share a name tell of one dose.
    """
    run: list[DoseFate] = []
    for fate in (*(f for f in fates if f.fate not in _NOT_ASKED_FOR), None):
        if fate is not None and fate.fate in MISSED:
            run.append(fate)
            continue
        if len({missed.name for missed in run}) >= at_least:
            yield tuple(run)
        run = []


def _unless_ended(fate: Fate, on: date, ended: EndOfDosing | None, last: date) -> Fate:
    """A dose without a record is not missed where dosing may have ended before it and none was given since."""
    may_have_ended = ended is not None and on > last and (ended.undated or on > ended.earliest)
    return Fate.MAY_HAVE_ENDED if fate is Fate.NO_RECORD and may_have_ended else fate


def _without_record(
    dose: PlannedDose, deadline: datetime, unsure: Sequence[Dose], local_now: datetime
) -> tuple[Fate, Dose | None]:
    """The fate of an expected dose to which no record was assigned; the record is the one that may be this dose.

    Each may be one dose only: the earliest that it fits, and of several records the one that fits no later dose.
    """
    if local_now < deadline:
        return Fate.NOT_DUE, None
    fitting = [
        (when.latest.date() if when is not None else date.max, number, record)
        for number, record in enumerate(unsure)
        if (when := record.stdtc) is None or (when.earliest.date() <= dose.closes and dose.opens <= when.latest.date())
    ]
    return (Fate.UNCLEAR, min(fitting)[2]) if fitting else (Fate.NO_RECORD, None)


def _assign(planned: Sequence[PlannedDose], records: Sequence[Dose]) -> dict[PlannedDose, Dose]:
    """Assign records to planned doses within their windows: as many as possible, then the nearest in sum of days."""
    covered = {dose: record for record in records if spans_days(record) for dose in planned if covers(record, dose.on)}
    single = [(day, record) for record in records if not spans_days(record) and (day := day_of(record)) is not None]
    single.sort(key=lambda pair: pair[0])
    free = [dose for dose in planned if dose not in covered]
    by_day = dict(single)
    on_plan = {dose: by_day[dose.on] for dose in free if dose.on in by_day}
    if len(on_plan) == len(single):  # every record on a planned day of its own, as most are: nothing to weigh
        return covered | on_plan
    # best[i][j]: the best way for the first i planned doses and j records, as (assigned, minus days apart, pairs)
    best: list[list[tuple[int, int, tuple[tuple[int, int], ...]]]] = [[(0, 0, ())] * (len(single) + 1)]
    for i, dose in enumerate(free):
        row = [best[i][0]]
        for j, (day, _) in enumerate(single):
            choice = max(best[i][j + 1], row[j], key=lambda way: way[:2])
            if dose.opens <= day <= dose.closes:
                count, nearness, pairs = best[i][j]
                paired = (count + 1, nearness - abs((day - dose.on).days), (*pairs, (i, j)))
                choice = max(choice, paired, key=lambda way: way[:2])
            row.append(choice)
        best.append(row)
    return covered | {free[i]: single[j][1] for i, j in best[-1][-1][2]}


def _assign_beside(
    planned: Sequence[PlannedDose], records: Sequence[Dose], assigned: Mapping[PlannedDose, Dose]
) -> dict[PlannedDose, Dose]:
    """Assign what lies in no window, or in one that another dose has, to the doses left over within their tolerance."""
    used = {id(record) for record in assigned.values()}
    rest = [record for record in records if id(record) not in used and not spans_days(record)]
    left = {replace(dose, opens=dose.earliest, closes=dose.latest): dose for dose in planned if dose not in assigned}
    return {left[wide]: record for wide, record in _assign(list(left), rest).items()} if rest else {}


def _when_taken(dose: PlannedDose, record: Dose) -> Fate:
    """Whether a dose was taken in its window, before or after it."""
    day = day_of(record)
    if day is None or spans_days(record) or dose.opens <= day <= dose.closes:
        return Fate.GIVEN
    return Fate.EARLY if day < dose.opens else Fate.LATE


def _of_stray(record: Dose, planned: Sequence[PlannedDose]) -> Fate:
    """The fate of a record of a dose not given that fits no planned one: it may lie before a cycle that began later."""
    day = day_of(record)
    for dose in planned:
        waited = timedelta(days=max(dose.postponed, 0))
        if day is not None and dose.begins - waited <= day < dose.begins:
            return Fate.POSTPONED
    return Fate.NOT_GIVEN


def _as_collected(record: Dose, fate: Fate) -> DoseFate:
    """What a record says of itself. It is named by its date: record keys may tell the treatment."""
    return DoseFate(f"dose of {record.stdtc or 'unknown date'}", day_of(record), fate, record)


def _in_order(answers: Sequence[DoseFate], participant: Participant, context: "Context") -> tuple[DoseFate, ...]:
    """Order by day, what has none last, and say of each missed dose which holds stood then.

    Where a person had taken one of them up, a dose recorded as not given is not missed. One of which nothing is
    recorded is: a hold does not tell what became of it.
    """
    said = []
    for answer in sorted(answers, key=lambda answer: answer.on or date.max):
        on = answer.on
        holds = holds_on(participant, on, context) if answer.fate in MISSED and on else ()
        excused = answer.fate is Fate.NOT_GIVEN and on and any(excuses(hold, on, context) for hold in holds)
        said.append(replace(answer, fate=Fate.ON_HOLD if excused else answer.fate, holds=holds))
    return tuple(said)


def _is_after(record: Dose, ended: EndOfDosing | None) -> bool:
    """Whether a record certainly lies after the end of dosing."""
    day = day_of(record)
    return ended is not None and day is not None and day > ended.latest
