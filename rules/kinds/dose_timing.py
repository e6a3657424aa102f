"""Whether an adverse event began after the first dose, or soon after any, in words for the kinds that ask.

It joins the doses recorded with those that the plan expects and nobody has recorded yet.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from rules.dtc import Dtc
from rules.events import Event, Fact, grade_of, severity_of, signs_of_seriousness
from rules.exposure import (
    ZeroDose,
    after_dose,
    began_after_first_dose,
    first_dose,
    has_undated_dose,
    last_dose,
    may_be_dosed,
)
from rules.plan_start import plan_start
from rules.records import AdverseEvent, Participant
from rules.regimen import Fate, fates_by_plan

if TYPE_CHECKING:
    from rules.context import Context

_MAY_HAVE_BEEN = frozenset({Fate.NO_RECORD, Fate.UNCLEAR, Fate.NOT_DUE, Fate.MAY_HAVE_ENDED})


def emerged(event: Event, participant: Participant, zero_dose: ZeroDose) -> bool | None:
    """Say whether an event began, began again or became worse after the first dose, None where that cannot be told."""
    said = [began_after_first_dose(start, participant, zero_dose) for start in _starts(event) or (None,)]
    first = first_dose(participant, zero_dose)
    if first is not None:
        said += [_became_worse_after(first, row, event.rows) for row in event.rows]
    return True if True in said else None if None in said else False


def emergence_doubt(event: Event, participant: Participant, context: "Context") -> str:
    """Say why it cannot be told whether an event began after the first dose; '' where it can."""
    zero_dose = context.header.zero_dose
    if emerged(event, participant, zero_dose) is not None:
        return ""
    first = first_dose(participant, zero_dose)
    what = "become worse" if began_after_first_dose(event.onset, participant, zero_dose) is False else "begun"
    onset_words = "onset not known" if event.onset is None else f"onset {event.onset}"
    first_words = "date of the first dose not known" if first is None else f"first dose {first}"
    return f"may have {what} before or after the first dose ({onset_words}, {first_words})"


def is_emergent(event: Event, participant: Participant, context: "Context") -> Fact:
    """Say whether an event is treatment-emergent; what may be is, unless the book is strict about it."""
    doubt = emergence_doubt(event, participant, context)
    if doubt:
        return Fact(None if context.header.emergence == "strict" else True, doubt)
    return Fact(emerged(event, participant, context.header.zero_dose), "")


def soon_after_dose(hours: int, event: Event, participant: Participant, context: "Context") -> Fact:
    """Say whether an event began, by any of its rows, or may have begun, within so many hours after a dose."""
    zero_dose = context.header.zero_dose
    if not {"EC", "EX"} & context.domains:
        return Fact(None, "the source holds no EC or EX data, so its time after a dose is not known")
    starts = _starts(event)
    if not starts:
        return Fact(None if _is_or_may_be_dosed(participant, zero_dose) else False, "its onset is not known")
    possible = None
    for onset in starts:
        dose = after_dose(onset, participant, zero_dose, hours)
        if dose is not None:
            how = "within" if dose.certain else "which may be within"
            fact = Fact(True, f"began {onset}, {how} {hours} h after the dose of {dose.on}")
            if dose.certain:
                return fact
            possible = possible or fact
    if possible is not None:
        return possible
    hidden = next(filter(None, (_hidden_dose(onset, participant, context, hours) for onset in starts)), "")
    return Fact(None if hidden else False, hidden)


def _starts(event: Event) -> tuple[Dtc, ...]:
    """The distinct starts that an event's rows report: a row may tell of it beginning again."""
    starts = {row.aestdtc for row in event.rows if row.aestdtc is not None}
    return tuple(sorted(starts, key=lambda start: (start.earliest, start.latest)))


def _became_worse_after(first: Dtc, row: AdverseEvent, rows: Sequence[AdverseEvent]) -> bool | None:
    """Whether a row is worse than all before it and was collected after the first dose, None where it may be so."""
    if row.aedtc is not None and row.aedtc.latest < first.earliest:
        return False
    before = [other for other in rows if other is not row and not _collected_before(row, other)]
    levels = [level for other in before if (level := _level(other)) is not None]
    level = _level(row)
    worse = level is not None and (not levels or level > max(levels))
    newly_serious = bool(signs_of_seriousness(row)) and not any(signs_of_seriousness(other) for other in before)
    if not before or not (worse or newly_serious):
        return False
    after = row.aedtc is not None and row.aedtc.earliest >= first.latest
    follows = any(_collected_before(other, row) for other in before)
    return True if after and follows and (levels or newly_serious) else None


def _level(row: AdverseEvent) -> int | None:
    """How bad a row says that its event is, None where it does not say."""
    levels = (grade_of(Event(row.key, (row,))), severity_of(row))
    return max((level for level in levels if level is not None), default=None)


def _collected_before(row: AdverseEvent, other: AdverseEvent) -> bool:
    """Whether a row was certainly collected before another."""
    return row.aedtc is not None and other.aedtc is not None and row.aedtc.latest < other.aedtc.earliest


def _hidden_dose(onset: Dtc, participant: Participant, context: "Context", hours: int) -> str:
    """Say why a dose may have been given before an onset although no record dates one; '' where none may have been."""
    zero_dose = context.header.zero_dose
    if has_undated_dose(participant, zero_dose):
        return "a dose was given of which the date is not known"
    if _is_or_may_be_dosed(participant, zero_dose) and last_dose(participant, zero_dose) is None:
        return "no dose is recorded with a date that can be read"
    planned = _unrecorded(onset, participant, context, hours)
    return f"began {onset}; whether planned dose {planned} was given before it is not recorded" if planned else ""


def _is_or_may_be_dosed(participant: Participant, zero_dose: ZeroDose) -> bool:
    """Whether a participant was dosed, by any date or record, or may have been."""
    return first_dose(participant, zero_dose) is not None or may_be_dosed(participant, zero_dose)


def _unrecorded(onset: Dtc, participant: Participant, context: "Context", hours: int) -> str:
    """Name a planned dose without a record that may have been given within so many hours before an onset."""
    plan, zero_dose = context.dosing, context.header.zero_dose
    start = plan_start(plan, participant, zero_dose).on if plan is not None else None
    if plan is None or start is None:
        return ""
    earliest, latest = (onset.earliest - timedelta(hours=hours)).date(), onset.latest.date()
    for fate in fates_by_plan(plan, participant, start, context):
        dose = fate.planned
        if fate.fate in _MAY_HAVE_BEEN and dose and dose.earliest <= latest and earliest <= dose.latest:
            return fate.name
    return ""
