"""When a participant was first and last dosed, and when dosing ended for good.

It knows EC, EX, DM and DS records. It must not know a dosing plan: what should have been given is `rules.regimen`.
"""

from collections.abc import Iterable
from typing import Literal

from rules.dtc import Dtc
from rules.records import Disposition, Dose, Participant

ZeroDose = Literal["placebo", "not-given"]
"""What a dose of 0 means in a study: placebo was given, or nothing was."""

_NOT_GIVEN = frozenset({"N"})
_NOT_PERFORMED = frozenset({"SCHEDULED", "PLANNED"})
_NOT_AN_END = frozenset({"PROTOCOL MILESTONE", "OTHER EVENT"})
_MILESTONES = frozenset(
    {"RANDOMIZED", "RANDOMISED", "INFORMED CONSENT OBTAINED", "ENROLLED", "ELIGIBILITY CRITERIA MET"}
)


def was_given(dose: Dose, zero_dose: ZeroDose) -> bool:
    """Whether an EC or EX record tells of a dose that was really given."""
    if dose.occur.upper() in _NOT_GIVEN or dose.mood.upper() in _NOT_PERFORMED:
        return False
    return dose.dose is None or dose.dose != 0 or zero_dose == "placebo"


def given_doses(participant: Participant, zero_dose: ZeroDose) -> tuple[Dose, ...]:
    """Return the dated doses really given, in order of time: from EC where it has any, else from EX."""
    for domain in ("EC", "EX"):
        given = [d for d in participant.doses if d.domain == domain and d.stdtc is not None and was_given(d, zero_dose)]
        if given:
            return tuple(sorted(given, key=lambda dose: _order(dose.stdtc)))
    return ()


def first_dose(participant: Participant, zero_dose: ZeroDose) -> Dtc | None:
    """Return when the first dose was given, or None for a participant never dosed.

    From EC, else EX, else RFXSTDTC. RFSTDTC stands in only where there is no dose record at all, because it may be the
    date of consent.
    """
    given = given_doses(participant, zero_dose)
    if given:
        return given[0].stdtc
    subject = participant.subject
    if subject is None:
        return None
    return subject.rfxstdtc or (None if participant.doses else subject.rfstdtc)


def last_dose(participant: Participant, zero_dose: ZeroDose) -> Dtc | None:
    """Return when the last dose recorded so far ended, or None for a participant never dosed."""
    ends = [dose.endtc or dose.stdtc for dose in given_doses(participant, zero_dose)]
    if ends:
        return max((end for end in ends if end is not None), key=_order)
    return participant.subject.rfxendtc if participant.subject else None


def dosing_ended(participant: Participant) -> Dtc | None:
    """Return the earliest moment after which no dose is expected: discontinuation, completion or death."""
    ends = list(_disposition_dates(participant.dispositions))
    if participant.subject is not None and participant.subject.dthdtc is not None:
        ends.append(participant.subject.dthdtc)
    return min(ends, key=_order, default=None)


def _disposition_dates(dispositions: Iterable[Disposition]) -> Iterable[Dtc]:
    """Yield the dates of dispositions that end dosing."""
    for disposition in dispositions:
        ends = disposition.dscat.upper() not in _NOT_AN_END and disposition.dsdecod.upper() not in _MILESTONES
        if ends and disposition.dsstdtc is not None:
            yield disposition.dsstdtc


def _order(date: Dtc | None) -> tuple[object, ...]:
    """Order dates by the earliest moment they allow, then the latest; what is missing comes last."""
    return (1,) if date is None else (0, date.earliest, date.latest)
