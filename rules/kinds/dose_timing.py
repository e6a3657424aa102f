"""Whether an adverse event began after the first dose, or soon after any, in words for the kinds that ask.

It joins the doses recorded with those that the plan expects and nobody has recorded yet.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from rules.dtc import Dtc
from rules.events import Event, Fact
from rules.exposure import after_dose, began_after_first_dose, first_dose, has_undated_dose, last_dose, may_be_dosed
from rules.records import Participant
from rules.regimen import Fate, fates_by_plan

if TYPE_CHECKING:
    from rules.context import Context

_MAY_HAVE_BEEN = frozenset({Fate.NO_RECORD, Fate.UNCLEAR, Fate.NOT_DUE})


def emergence_doubt(event: Event, participant: Participant, context: "Context") -> str:
    """Say why it cannot be told whether an event began after the first dose; '' where it can."""
    zero_dose = context.header.zero_dose
    if began_after_first_dose(event.onset, participant, zero_dose) is not None:
        return ""
    first = first_dose(participant, zero_dose)
    onset_words = "onset not known" if event.onset is None else f"onset {event.onset}"
    first_words = "date of the first dose not known" if first is None else f"first dose {first}"
    return f"may have begun before or after the first dose ({onset_words}, {first_words})"


def is_emergent(event: Event, participant: Participant, context: "Context") -> Fact:
    """Say whether an event is treatment-emergent; what may be is, unless the book is strict about it."""
    doubt = emergence_doubt(event, participant, context)
    if doubt:
        return Fact(None if context.header.emergence == "strict" else True, doubt)
    after = began_after_first_dose(event.onset, participant, context.header.zero_dose)
    return Fact(after, "" if after else "began before the first dose")


def soon_after_dose(hours: int, event: Event, participant: Participant, context: "Context") -> Fact:
    """Say whether an event began, or may have begun, within so many hours after a dose."""
    zero_dose = context.header.zero_dose
    if not {"EC", "EX"} & context.domains:
        return Fact(None, "the source holds no EC or EX data, so its time after a dose is not known")
    onset = event.onset
    if onset is None:
        dosed = bool(participant.doses) or may_be_dosed(participant, zero_dose)
        return Fact(None if dosed else False, "its onset is not known")
    dose = after_dose(onset, participant, zero_dose, hours)
    if dose is not None:
        how = "within" if dose.certain else "which may be within"
        return Fact(True, f"began {onset}, {how} {hours} h after the dose of {dose.on}")
    hidden = _hidden_dose(onset, participant, context, hours)
    return Fact(None, hidden) if hidden else Fact(False, f"no dose within {hours} h before")


def _hidden_dose(onset: Dtc, participant: Participant, context: "Context", hours: int) -> str:
    """Say why a dose may have been given before an onset although no record dates one; '' where none may have been."""
    zero_dose = context.header.zero_dose
    if has_undated_dose(participant, zero_dose):
        return "a dose was given of which the date is not known"
    dosed = first_dose(participant, zero_dose) is not None or may_be_dosed(participant, zero_dose)
    if dosed and last_dose(participant, zero_dose) is None:
        return "no dose is recorded with a date that can be read"
    planned = _unrecorded(onset, participant, context, hours)
    return f"began {onset}; whether planned dose {planned} was given before it is not recorded" if planned else ""


def _unrecorded(onset: Dtc, participant: Participant, context: "Context", hours: int) -> str:
    """Name a planned dose without a record that may have been given within so many hours before an onset."""
    plan, zero_dose = context.dosing, context.header.zero_dose
    first = first_dose(participant, zero_dose)
    if plan is None or first is None or not first.has_day:
        return ""
    window = timedelta(days=plan.window_days)
    earliest, latest = (onset.earliest - timedelta(hours=hours)).date(), onset.latest.date()
    fates = fates_by_plan(plan, participant, first.earliest.date(), zero_dose, context.local_now)
    return next(
        (
            fate.name
            for fate in fates
            if fate.fate in _MAY_HAVE_BEEN and fate.on is not None and earliest - window <= fate.on <= latest + window
        ),
        "",
    )
