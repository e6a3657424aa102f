"""Kind `unmatched_admission`: HO tells of an admission that no serious adverse event accounts for.

Only an event that is serious for hospitalisation or fatal, and whose dates certainly meet those of the admission,
accounts for it. What ended before the first dose is history. It compares calendar days and must not know any word for
an admission: the rulebook names them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from rules.dtc import Dtc
from rules.events import Event, events_of, evidence_of, seriousness_of
from rules.evidence import shown
from rules.exposure import first_dose
from rules.hit import Answer, Judgement
from rules.kinds.asked import Terms
from rules.records import AdverseEvent, HealthcareEncounter, Participant
from rules.terms import Role, Vocabulary, find, make_entry

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

_FAR = 10**7
"""A day, as an ordinal, beyond every calendar: where a begin or an end is not known."""

_ADMISSION = "admission"
_OTHER = "other"
_ONGOING = frozenset({"ONGOING", "CONTINUING", "AFTER", "持续"})
_UNRESOLVED = frozenset({"NOT RECOVERED/NOT RESOLVED", "NOT RECOVERED", "NOT RESOLVED", "未恢复", "未痊愈"})
_NAMED = 5
"""How many events a reason names."""


class When(BaseModel):
    """Which words tell of an admission, which of another encounter, and how many days apart still belong together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    admissions: Annotated[Terms, Field(min_length=1)]
    other_encounters: Terms = ()
    denials: Terms = ()  # right before an admission's words they say that there was none
    planned: Terms = ()  # right before an admission's words they say that it was arranged, before consent or after
    unplanned: Terms = ()  # holds a word of `planned` and says the contrary
    slack_days: Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class _Period:
    """The first and last day on which something may have begun, and on which it may have ended, as ordinals."""

    begins: tuple[int, int]
    ends: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Met:
    """An adverse event that meets an admission in time: certainly, or as far as its dates tell."""

    event: Event
    serious: bool | None
    accounts: bool  # it is recorded as needing a stay in hospital, or as fatal
    why: str
    certain: bool


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each admission, and for each encounter that may be one."""
    first = first_dose(participant, context.header.zero_dose)
    for row in participant.encounters:
        admission = _is_admission(when, row)
        if row.hooccur == "N" or admission is False or _is_history(row, first):
            continue
        met = _events_met(participant, row, when.slack_days)
        if any(one.accounts and one.certain for one in met):
            continue
        unknown = [*_unknown(row, admission, met)]
        if admission and _is_planned(when, row):
            unknown.append("by its words it was planned: it makes an event serious unless it was so before consent")
        if "AE" not in context.domains:
            unknown.append("the source holds no AE data")
        yield Judgement(
            rule_id=rule.id,
            usubjid=participant.usubjid,
            scope=row.key,
            anchors=frozenset({row.key}),
            answer=Answer.NOT_EVALUABLE if unknown else Answer.HIT,
            summary=f"{'May be an' if unknown else 'An'} admission without a serious adverse event: {_name(row)}",
            reason="; ".join(unknown) or _why(met),
            urgency=rule.urgency,
            consequence=rule.consequence,
            at=row.hostdtc,
            evidence=(
                shown(row, ("hoterm", "hodecod", "hostdtc", "hoendtc")),
                *(evidence for one in met[:_NAMED] for evidence in evidence_of(one.event, also=("aeendtc",))),
            ),
        )


@cache
def _vocabulary(when: When, *, planned_is_none: bool = False) -> Vocabulary:
    """The words of a rule as a vocabulary; on demand one in which a planned admission is none."""
    # A denial of something else, "fever not improving hospitalised", must not make an admission go unseen.
    words = (
        (Role.TERM, _ADMISSION, when.admissions),
        (Role.TERM, _OTHER, when.other_encounters),
        (Role.OTHER, "", when.unplanned),
        (Role.ABSENT_RIGHT_BEFORE, "", (*when.denials, *(when.planned if planned_is_none else ()))),
    )
    return Vocabulary(make_entry(term, role, group, "rulebook") for role, group, terms in words for term in terms)


def _is_admission(when: When, row: HealthcareEncounter) -> bool | None:
    """Whether an encounter is an admission by its words, None where they say neither or both."""
    coded, verbatim = (find(_vocabulary(when), text) for text in (row.hodecod, row.hoterm))
    if (verbatim or coded) and all(one.denied for one in verbatim or coded):
        return False  # what the site wrote denies it, whatever it was coded to
    said = {one.entry.group for one in (*coded, *verbatim) if not one.denied}
    return _ADMISSION in said if len(said) == 1 else None


def _is_planned(when: When, row: HealthcareEncounter) -> bool:
    """Whether an admission was planned, by each mention of it in what the site wrote, or else in its code."""
    vocabulary = _vocabulary(when, planned_is_none=True)
    return all(one.denied for one in find(vocabulary, row.hoterm) or find(vocabulary, row.hodecod))


def _is_history(row: HealthcareEncounter, first: Dtc | None) -> bool:
    """Whether an encounter certainly ended before the first dose."""
    return first is not None and row.hoendtc is not None and row.hoendtc.latest < first.earliest


def _events_met(participant: Participant, row: HealthcareEncounter, slack: int) -> list[_Met]:
    """Return the events whose days meet those of an encounter or may do so, the certain ones first."""
    stay = _period(row.hostdtc, row.hoendtc)
    met = []
    for event in events_of(participant):
        period = _period_of(event)
        if _may_meet(stay, period, slack):
            seriousness = seriousness_of(event)
            accounts = event.fatal or any(row.aeshosp == "Y" for row in event.rows)
            certain = _must_meet(stay, period, slack)
            met.append(_Met(event, seriousness.serious, accounts, seriousness.why, certain))
    return sorted(met, key=lambda one: not one.certain)


def _period_of(event: Event) -> _Period:
    """The days of an event: without an end it lasted at least until it was last collected."""
    ends = [row.aeendtc for row in event.rows if row.aeendtc is not None]
    if not ends and any(_is_open(row) for row in event.rows):
        begins = _days(event.onset)
        return _Period(begins, (_FAR, _FAR))
    period = _period(event.onset, max(ends, key=lambda end: (end.latest, end.earliest), default=None))
    seen = [row.aedtc.earliest.date().toordinal() for row in event.rows if row.aedtc is not None]
    if ends or not seen:
        return period
    return _Period(period.begins, (max(period.ends[0], *seen), _FAR))


def _is_open(row: AdverseEvent) -> bool:
    """Whether a row says that its event goes on."""
    return row.aeenrtpt.upper() in _ONGOING or row.aeout.upper() in _UNRESOLVED


def _period(begin: Dtc | None, end: Dtc | None) -> _Period:
    """The days that two dates allow; an end before its begin is mistyped and counts as not known."""
    begins = _days(begin)
    if end is None or _days(end)[1] < begins[0]:
        return _Period(begins, (begins[0], _FAR))
    ends = _days(end)
    return _Period((begins[0], min(begins[1], ends[1])), (max(begins[0], ends[0]), ends[1]))


def _days(date: Dtc | None) -> tuple[int, int]:
    """The first and last day that a date allows."""
    return (-_FAR, _FAR) if date is None else (date.earliest.date().toordinal(), date.latest.date().toordinal())


def _may_meet(one: _Period, other: _Period, slack: int) -> bool:
    """Whether two periods overlap or lie at most so many days apart, for some of the days that their dates allow."""
    return one.begins[0] - slack <= other.ends[1] and other.begins[0] - slack <= one.ends[1]


def _must_meet(one: _Period, other: _Period, slack: int) -> bool:
    """Whether they do for all of the days that their dates allow."""
    return one.begins[1] - slack <= other.ends[0] and other.begins[1] - slack <= one.ends[0]


def _unknown(row: HealthcareEncounter, admission: bool | None, met: Sequence[_Met]) -> Iterator[str]:
    """Say what keeps an encounter from being told as an unmatched admission."""
    if admission is None:
        yield f"'{_name(row)}' does not say whether it was an admission"
    if row.hooccur not in {"", "Y"}:
        yield f"HOOCCUR is '{row.hooccur}', neither Y nor N"
    for one in met[:_NAMED]:
        if one.serious and one.certain:
            yield f"'{one.event.term}' of that time is serious, and not recorded as needing a stay in hospital"
        elif one.serious:
            yield f"'{one.event.term}' is serious, and its dates or those of the stay leave open whether they meet"
        elif one.serious is None:
            yield f"'{one.event.term}' may be serious: {one.why}"


def _why(met: Sequence[_Met]) -> str:
    """Say what there is in the place of a serious event."""
    certain = [one.event.term for one in met if one.certain]
    named = ", ".join(f"'{term}'" for term in (certain or [one.event.term for one in met])[:_NAMED])
    if certain:
        return f"recorded at that time and not as serious: {named}"
    if met:
        return f"no adverse event is certainly of that time; not serious and with dates that may be: {named}"
    return "no adverse event of that time is recorded"


def _name(row: HealthcareEncounter) -> str:
    """An encounter as the site named it, with its day."""
    name = row.hoterm or row.hodecod or "encounter without a name"
    return f"{name} on {row.hostdtc}" if row.hostdtc is not None else f"{name}, date unknown"


def describe(when: When) -> str:
    """Say the criterion in words."""
    others = f" No admission is: {', '.join(when.other_encounters)}." if when.other_encounters else ""
    denials = f" None is what stands right after: {', '.join(when.denials)}." if when.denials else ""
    contrary = f" (but not {', '.join(when.unplanned)})" if when.unplanned else ""
    planned = (
        f" What stands right after {', '.join(when.planned)}{contrary} is not evaluable: only what was planned before "
        "consent makes no event serious."
        if when.planned
        else ""
    )
    days = "1 day" if when.slack_days == 1 else f"{when.slack_days} days"
    return (
        f"HO tells of an admission ({', '.join(when.admissions)}) and no adverse event that needed "
        f"hospitalisation (AESHOSP = Y) or was fatal certainly overlaps with it or lies within {days} of it; another "
        f"one that is serious is not evaluable, one that is not does not account for it.{others}{denials}{planned} "
        "What ended before the first dose is history. Where words or dates leave it open, it is not evaluable."
    )
