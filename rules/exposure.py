"""When a participant was first dosed, what came soon after a dose, when dosing ended, and what of a dose may be shown.

It knows EC, EX, DM and DS records. It must not know a dosing plan: what should have been given is `rules.regimen`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from rules.dtc import Dtc
from rules.hit import Evidence
from rules.records import Disposition, Dose, Participant

ZeroDose = Literal["placebo", "not-given"]
"""What a dose of 0 means in a study: placebo was given, or nothing was."""

_NOT_PERFORMED = frozenset({"SCHEDULED", "PLANNED"})
_NOT_AN_END = frozenset({"PROTOCOL MILESTONE", "OTHER EVENT"})
_RANDOMISED = frozenset({"RANDOMIZED", "RANDOMISED", "随机", "随机化", "已随机"})
_MILESTONES = _RANDOMISED | {"INFORMED CONSENT OBTAINED", "ENROLLED", "ELIGIBILITY CRITERIA MET"}
_ENDS = frozenset(
    {
        "ADVERSE EVENT", "COMPLETED", "CONSENT WITHDRAWN", "DEAD", "DEATH", "DIED", "DISCONTINUED", "DISEASE RELAPSE",
        "LACK OF EFFICACY", "LOST TO FOLLOW-UP", "NON-COMPLIANCE WITH STUDY DRUG", "PHYSICIAN DECISION", "PREGNANCY",
        "PROGRESSIVE DISEASE", "PROTOCOL DEVIATION", "PROTOCOL VIOLATION", "SITE TERMINATED BY SPONSOR",
        "STUDY TERMINATED BY SPONSOR", "TREATMENT DISCONTINUED", "WITHDRAWAL BY SUBJECT", "WITHDRAWAL OF CONSENT",
        "WITHDRAWN", "不良事件", "停止治疗", "失访", "完成", "已停止治疗", "撤回知情同意", "死亡", "终止治疗", "退出",
        "退出研究",
    }
)  # fmt: skip
"""What ends dosing in a row without DSCAT; anything else might be a milestone, and doses are expected on."""

_DEATHS = frozenset({"DEAD", "DEATH", "DIED", "死亡"})
_LEAVES = _DEATHS | {
    "CONSENT WITHDRAWN", "LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT", "WITHDRAWAL OF CONSENT", "失访", "撤回知情同意",
    "退出研究",
}  # fmt: skip
"""Whom nothing more can be asked of."""

_COMPLETED = frozenset({"COMPLETED", "完成"})
"""What may be said of the screening on the day of the first dose."""


def is_scheduled(dose: Dose) -> bool:
    """Whether a record tells of a plan, not of what happened (ECMOOD)."""
    return dose.mood.upper() in _NOT_PERFORMED


def was_given(dose: Dose, zero_dose: ZeroDose) -> bool:
    """Whether an EC or EX record tells of a dose that was really given."""
    if dose.occur == "N" or is_scheduled(dose):
        return False
    return dose.dose is None or dose.dose != 0 or zero_dose == "placebo"


def first_dose(participant: Participant, zero_dose: ZeroDose) -> Dtc | None:
    """Return when the first dose was given, or None where no date tells.

    The earliest of EC, EX and RFXSTDTC, because a late or mistyped record of one must not turn what came after the
    first dose into history. RFSTDTC stands in only where there is no dose record at all, because it may be the date of
    consent.
    """
    subject = participant.subject
    dates = [dose.stdtc for dose in participant.doses if dose.stdtc is not None and was_given(dose, zero_dose)]
    if subject is not None and subject.rfxstdtc is not None:
        first = subject.rfxstdtc
        # A dose with a partial date that may lie after the first one says nothing of the first.
        dates = [on for on in dates if on.has_day or not first.has_day or on.latest < first.earliest]
        dates.append(first)
    if dates:
        return min(dates, key=_order)
    return None if subject is None or participant.doses else subject.rfstdtc


def may_be_dosed(participant: Participant, zero_dose: ZeroDose) -> bool:
    """Whether a participant of whom no date of a first dose is known may have been dosed nevertheless."""
    subject = participant.subject
    if subject is None:
        return not participant.doses or any(was_given(dose, zero_dose) for dose in participant.doses)
    unread = any(problem.startswith(("RFXSTDTC:", "RFSTDTC:")) for problem in subject.problems)
    return unread or any(was_given(dose, zero_dose) for dose in participant.doses)


def evidence_of_doses(doses: Iterable[Dose]) -> tuple[Evidence, ...]:
    """Return dose records as evidence: whether and when, never what or how much."""
    return tuple(
        Evidence(
            domain=dose.domain,
            key=dose.key,
            version=dose.version,
            values=tuple(
                (f"{dose.domain.lower()}{name}", str(value))
                for name in ("presp", "occur", "mood", "stdtc")
                if (value := getattr(dose, name))
            ),
        )
        for dose in doses
    )


def last_dose(participant: Participant, zero_dose: ZeroDose) -> Dtc | None:
    """Return when the last dose so far may have been given or have ended, or None where no date tells."""
    return max((end for _, end in _dated_doses(participant, zero_dose)), key=lambda end: end.latest, default=None)


@dataclass(frozen=True, slots=True)
class EndOfDosing:
    """The first and last day on which dosing may have ended by the dates, and whether an end has none."""

    earliest: date
    latest: date
    on: Dtc | None  # the date that says so, None where none does
    undated: bool


def dosing_ended(participant: Participant, first: date | None) -> EndOfDosing | None:
    """Return when dosing ended after it began on a day: by discontinuation, completion or death; None while it goes on.

    What certainly ended before, such as a screening that was completed on the first day, ends nothing. `first` is None
    where nothing was given: then only what was completed, which was no dosing, ends nothing.
    """
    ends = list(_ends_of(participant, first))
    if not ends:
        return None
    dated = [end for end in ends if end is not None]
    earliest = min((end.earliest.date() for end in dated), default=date.min)
    on = min(dated, key=lambda end: (end.latest, end.earliest), default=None)
    return EndOfDosing(earliest, date.max if on is None else on.latest.date(), on, None in ends)


def randomised(participant: Participant) -> Dtc | None:
    """Return when DS says that a participant was randomised, the first time; None where no date tells."""
    rows = [row for row in participant.dispositions if _decod(row) in _RANDOMISED]
    return min((row.dsstdtc for row in rows if row.dsstdtc is not None), key=_order, default=None)


@dataclass(frozen=True, slots=True)
class Leaving:
    """The first and last day on which somebody may have left the study, and what does not tell the day, in words."""

    earliest: date
    latest: date
    unclear: str = ""


def left_study(participant: Participant) -> Leaving | None:
    """Return when a participant died, withdrew consent or was lost; None who has not.

    A death counts from the first day that its dates allow, and without a date from ever: of the dead nothing is owed.
    """
    said = [(decod, row.dsstdtc) for row in participant.dispositions if (decod := _decod(row)) in _LEAVES]
    deaths = [on for decod, on in said if decod in _DEATHS]
    subject = participant.subject
    if subject is not None and (subject.dthdtc is not None or subject.dthfl == "Y"):
        deaths.append(subject.dthdtc)
    spans: list[Leaving] = []
    if deaths:
        died = min((on.earliest.date() for on in deaths if on is not None), default=date.min)
        spans.append(Leaving(died, died))
    for decod, on in said:
        if decod not in _DEATHS and on is None:
            spans.append(Leaving(date.min, date.max, f"{decod} without a date"))
        elif decod not in _DEATHS and on is not None:
            spans.append(Leaving(on.earliest.date(), on.latest.date(), "" if on.has_day else f"{decod} on {on}"))
    if not spans:
        return None
    unclear = sorted({span.unclear for span in spans if span.unclear})
    earliest, latest = min(span.earliest for span in spans), min(span.latest for span in spans)
    return Leaving(earliest, latest, "; ".join(unclear))


def _decod(row: Disposition) -> str:
    """Return what a disposition says, in capitals."""
    return (row.dsdecod or row.dsterm).upper()


def _ends_of(participant: Participant, first: date | None) -> Iterable[Dtc | None]:
    """Yield the dates of what ends dosing, None for one without."""
    died = False
    for row in participant.dispositions:
        decod = _decod(row)
        if not _ends_dosing(row.dscat.upper(), decod):
            continue
        died = died or decod in _DEATHS
        on = row.dsstdtc
        if on is None or not _came_before(on, first, completed=decod in _COMPLETED):
            yield on
    subject = participant.subject
    if subject is not None and (subject.dthdtc is not None or (subject.dthfl == "Y" and not died)):
        yield subject.dthdtc


def _came_before(on: Dtc, first: date | None, *, completed: bool) -> bool:
    """Whether something ended before dosing began: what was completed on the first day or without a dose did."""
    if first is None:
        return completed
    return on.latest.date() < first or (completed and on.latest.date() == first)


def _ends_dosing(category: str, decod: str) -> bool:
    """Whether a disposition of that category ends dosing."""
    if not category:
        return decod in _ENDS
    return category not in _NOT_AN_END and decod not in _MILESTONES


def _order(when: Dtc) -> tuple[date, timedelta, datetime]:
    """Order dates by the first day they allow, of one day the one that tells most, then the earliest moment."""
    return when.earliest.date(), when.latest - when.earliest, when.earliest


def began_after_first_dose(onset: Dtc | None, participant: Participant, zero_dose: ZeroDose) -> bool | None:
    """Say whether something began after the first dose (treatment-emergent), or None where the dates cannot tell."""
    first = first_dose(participant, zero_dose)
    if first is None:
        return None if may_be_dosed(participant, zero_dose) else False
    if onset is None:
        return None
    if onset.latest < first.earliest:
        return False
    return True if onset.earliest >= first.latest else None


@dataclass(frozen=True, slots=True)
class AfterDose:
    """The dose after which something began: certainly within the hours asked for, or possibly."""

    on: Dtc
    certain: bool


def after_dose(onset: Dtc, participant: Participant, zero_dose: ZeroDose, hours: int) -> AfterDose | None:
    """Return the dose within so many hours before an onset, a certain one first; None where none can be.

    A date without a time allows its whole day, and a dose with an end may have gone on until then.
    """
    span = timedelta(hours=hours)
    possible = None
    for start, end in _dated_doses(participant, zero_dose):
        if onset.earliest >= start.latest and onset.latest - start.earliest <= span:
            return AfterDose(start, certain=True)
        if onset.latest >= start.earliest and onset.earliest - end.latest <= span:
            possible = AfterDose(start, certain=False)
    return possible


def _dated_doses(participant: Participant, zero_dose: ZeroDose) -> Iterable[tuple[Dtc, Dtc]]:
    """Yield start and end of each dose given, and the first dose of DM as one more."""
    for dose in participant.doses:
        if dose.stdtc is not None and was_given(dose, zero_dose):
            yield dose.stdtc, max(dose.stdtc, dose.endtc or dose.stdtc, key=lambda on: on.latest)
    if participant.subject is not None and participant.subject.rfxstdtc is not None:
        yield participant.subject.rfxstdtc, participant.subject.rfxstdtc


def has_undated_dose(participant: Participant, zero_dose: ZeroDose) -> bool:
    """Whether a dose was given of which no date can be read."""
    return any(dose.stdtc is None and was_given(dose, zero_dose) for dose in participant.doses)
