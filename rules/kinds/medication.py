"""Kind `medication`: a medication of given groups or terms, taken between the first dose and some days after the last.

It joins what `rules.medications` recognises with when the participant was dosed; it must not know any term.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.dtc import Dtc
from rules.exposure import dosing_ended, first_dose, last_dose, may_be_dosed
from rules.hit import Answer, Judgement
from rules.kinds.asked import Terms, known_to
from rules.medications import (
    GIVEN_ONCE,
    may_overlap,
    medication_evidence,
    name_of,
    recognise_medication,
    vocabulary,
    was_taken,
)
from rules.records import Medication, Participant

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

UNKNOWN = "medications not recognised"
"""The scope of the one answer about all medications that are neither coded nor known."""

EXAMPLES = 5
"""How many of them a reason names."""


class When(BaseModel):
    """Which medications, and until how many days after the last dose."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    groups: Annotated[tuple[str, ...], known_to(lambda: vocabulary().groups())] = ()
    terms: Terms = ()
    days_after_last_dose: Annotated[int, Field(ge=0, le=3650)]

    @model_validator(mode="after")
    def _chooses(self) -> Self:
        if not self.groups and not self.terms:
            raise ValueError("name groups or terms")
        return self


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said of one record: whether it meets the criterion, None where that cannot be known."""

    row: Medication
    meets: bool | None
    why: str
    group: str


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each medication by its name, and once for all that nobody can recognise."""
    zero_dose = context.header.zero_dose
    first = first_dose(participant, zero_dose)
    if first is None and not may_be_dosed(participant, zero_dose):
        return
    end = _end(participant, first, when, context)
    by_name: dict[str, list[_Said]] = {}
    unknown: list[Medication] = []
    for row in participant.medications:
        said = _say(row, when, first, end)
        if said is None:
            continue
        if said.meets is None and not said.group:
            unknown.append(row)
        else:
            by_name.setdefault(name_of(row).casefold(), []).append(said)
    for name, records in by_name.items():
        yield _answer(rule, participant, name, [said for said in records if said.meets] or records)
    if unknown:
        yield _unrecognised(rule, participant, unknown)


def _end(participant: Participant, first: Dtc | None, when: When, context: "Context") -> Dtc | None:
    """Return the last day that counts, None while dosing goes on."""
    ended = dosing_ended(participant, date.min if first is None else first.earliest.date())
    last = None if ended is None else last_dose(participant, context.header.zero_dose) or ended.on
    if last is None:
        return None
    days = timedelta(days=when.days_after_last_dose)
    return Dtc(last.text, last.earliest + days, last.latest + days)


def _say(row: Medication, when: When, first: Dtc | None, end: Dtc | None) -> _Said | None:
    """Say what one record tells; None where it is of no interest."""
    taken = was_taken(row)
    recognised = recognise_medication(row, when.groups, when.terms)
    if taken is False or recognised.belongs is False:
        return None
    group = recognised.group or ("" if recognised.belongs is None else "named by this rule")
    if first is None:
        return _Said(row, None, f"{recognised.why}; the date of the first dose is not known", group)
    may, certain = may_overlap(row, first, end, given_once=group in GIVEN_ONCE)
    if not may:
        return None
    whys = [recognised.why]
    if not certain:
        dates = f"start {row.cmstdtc or 'not known'}, end {row.cmendtc or 'not known'}"
        whys.append(f"it may have been taken in the time that counts ({dates})")
    if taken is None:
        whys.append(f"CMOCCUR is '{row.cmoccur}', neither Y nor N")
    return _Said(row, True if recognised.belongs and taken else None, "; ".join(whys), group)


def _answer(rule: "Rule", participant: Participant, name: str, records: Sequence[_Said]) -> Judgement:
    """Answer for one medication; a further record of it is news."""
    first = records[0]
    hit = first.meets is True
    what = f"{first.group.replace('-', ' ').capitalize()}: {name_of(first.row)}"
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        # Coding a name later must not open a second alert: a hit is known by its group and records, not by its name.
        scope=first.group if hit else name,
        anchors=frozenset(said.row.key for said in records),
        each_anchor_is_news=True,
        answer=Answer.HIT if hit else Answer.NOT_EVALUABLE,
        summary=what if hit else f"May be prohibited: {what}",
        reason="; ".join(dict.fromkeys(said.why for said in records)),
        urgency=rule.urgency,
        consequence=rule.consequence,
        at=first.row.cmstdtc,
        evidence=medication_evidence(said.row for said in records),
    )


def _unrecognised(rule: "Rule", participant: Participant, rows: Sequence[Medication]) -> Judgement:
    """Count the medications that are neither coded nor known to the list."""
    names = sorted({name_of(row) for row in rows})
    more = f", and {len(names) - EXAMPLES} more" if len(names) > EXAMPLES else ""
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope=UNKNOWN,
        anchors=frozenset(row.key for row in rows),
        answer=Answer.NOT_EVALUABLE,
        summary=f"{rule.title}: medications not recognised",
        reason=f"neither coded nor known to the list: {', '.join(names[:EXAMPLES])}{more}",
        urgency=rule.urgency,
        consequence=rule.consequence,
        told=False,
        evidence=medication_evidence(rows),
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    named = [f"of the groups ({', '.join(when.groups)})"] if when.groups else []
    named += [f"that names one of these terms ({', '.join(when.terms)})"] if when.terms else []
    return (
        f"A medication {', or '.join(named)}, taken between the first dose and {when.days_after_last_dose} days after "
        "the last; while dosing goes on there is no last. It is recognised in CMDECOD, CMTRT and CMCLAS by the term "
        "list; where a group needs a way of giving, CMROUTE must show it. CMOCCUR = N was not taken. Where dates are "
        "partial or missing it counts if it may have been taken then. A medication that is neither coded nor known is "
        "not evaluable."
    )
