"""Kind `missed_dose`: expected doses that were not given, one by one or so many in a row.

A miss comes from EC (ECOCCUR = N, or nothing recorded by the end of a window); EX stands in against a plan only where
a participant has no EC at all. It must not tell amounts, treatments or lots.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.dose_records import dose_records, says_whether
from rules.exposure import evidence_of_doses, first_dose
from rules.hit import EVERYTHING, Answer, Due, Judgement
from rules.kinds.about_doses import about_doses, next_due
from rules.on_hold import alerts_of
from rules.plan_start import plan_start
from rules.records import Dose, Participant
from rules.regimen import MISSED, DoseFate, Fate, fates_as_collected, fates_by_plan, runs_of_missed

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

_ONLY_EX = "no EC record: EX tells of doses given only"
"""How some studies record doses: counted, nobody is asked about it."""


class When(BaseModel):
    """Where the expectation comes from, and how many missed doses in a row make a hit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    against: Literal["plan", "as collected"]
    consecutive: Annotated[int, Field(ge=1)]
    entry_grace_days: Annotated[int, Field(ge=0)] | None = None  # "as collected" only; a plan brings its own

    @model_validator(mode="after")
    def _one_grace(self) -> Self:
        if (self.entry_grace_days is None) is (self.against == "as collected"):
            raise ValueError("entry_grace_days belongs to against = 'as collected', and only there")
        return self


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement | Due]:
    """Answer for each missed dose or run of them, and name the next moment at which a dose becomes missed."""
    fates, unknown = _fates(when, participant, context)
    if unknown:
        yield about_doses(rule, participant, EVERYTHING, unknown, told=unknown != _ONLY_EX)
    yield from next_due(fates, context)
    if ended := [fate for fate in fates if fate.fate is Fate.MAY_HAVE_ENDED]:
        reason = f"dosing may have ended before {ended[0].name}, and nothing is recorded of it or later"
        yield about_doses(rule, participant, "end of dosing", reason)
    if when.consecutive == 1:
        yield from _single(rule, participant, fates)
    else:
        yield from _in_a_row(rule, when, participant, fates)


def _fates(when: When, participant: Participant, context: "Context") -> tuple[tuple[DoseFate, ...], str]:
    """What became of the expected doses, and why the rest of them cannot be known, '' where nothing is left open."""
    zero_dose, plan = context.header.zero_dose, context.dosing
    dosed = participant.subject is not None and participant.subject.rfxstdtc is not None
    if when.against == "as collected":
        only_ex = not any(dose.domain == "EC" for dose in participant.doses) and (dosed or participant.doses)
        grace = when.entry_grace_days or 0
        return fates_as_collected(participant, grace, context), _ONLY_EX if only_ex else ""
    if plan is None:
        raise ValueError("the rulebook has no dosing plan")
    start = plan_start(plan, participant, zero_dose)
    never = plan.anchor == "randomisation" and not participant.doses and not dosed  # randomised, and never dosed
    if start.on is not None and not start.doubt and (dose_records(participant) or never):
        return fates_by_plan(plan, participant, start.on, context), ""
    unknown = start.doubt
    if not dose_records(participant):
        unknown = f"no dose record, although RFXSTDTC is {first_dose(participant, zero_dose)}" if dosed else ""
    return fates_as_collected(participant, plan.entry_grace_days, context), unknown


def _single(rule: "Rule", participant: Participant, fates: Sequence[DoseFate]) -> Iterator[Judgement]:
    """Answer for each missed dose; records that share a name are one dose, missed if one of them says so."""
    by_name: dict[str, list[DoseFate]] = {}
    for fate in fates:
        if fate.fate in MISSED | {Fate.UNCLEAR, Fate.ON_HOLD}:
            by_name.setdefault(fate.name, []).append(fate)
    for name, same in by_name.items():
        missed = [fate for fate in same if fate.fate in MISSED]
        unclear = [fate for fate in same if fate.fate is Fate.UNCLEAR]
        if missed:
            yield _hit(rule, participant, name, same, f"Planned dose missed: {name}", _why(missed[0]))
        elif unclear:
            yield about_doses(rule, participant, name, _unclear(unclear[0]), _records(same))
        else:
            yield _on_hold(rule, participant, name, same)


def _in_a_row(rule: "Rule", when: When, participant: Participant, fates: Sequence[DoseFate]) -> Iterator[Judgement]:
    """Answer for each run of missed doses; a run that goes on is the same concern."""
    runs = list(runs_of_missed(fates, when.consecutive))
    for run in runs:
        names = list(dict.fromkeys(fate.name for fate in run))
        summary = f"{len(names)} consecutive planned doses missed: {names[0]} to {names[-1]}"
        why = "; ".join(f"{fate.name}: {_why(fate)}" for fate in run)
        yield _hit(rule, participant, "doses", run, summary, why)
    unclear = [fate for fate in fates if fate.fate is Fate.UNCLEAR]
    on_hold = [fate for fate in fates if fate.fate is Fate.ON_HOLD]
    if unclear and not runs:
        yield about_doses(rule, participant, "doses", _unclear(unclear[0]), _records(unclear))
    elif on_hold and not runs:
        yield _on_hold(rule, participant, "doses", on_hold)


def _why(fate: DoseFate) -> str:
    hold = f"; dosing was on hold then ({alerts_of(fate.holds)})" if fate.holds else ""
    hold += "" if not hold or any(one.acknowledged for one in fate.holds) else ", and nobody has acknowledged it"
    if fate.fate is Fate.NOT_GIVEN:
        return f"recorded as not given{f' on {fate.on}' if fate.on else ''}{hold}"
    return f"planned for {fate.on}, nothing recorded by {fate.deadline:%Y-%m-%d %H:%M} study time{hold}"


def _on_hold(rule: "Rule", participant: Participant, scope: str, fates: Sequence[DoseFate]) -> Judgement:
    """Say, for whoever asks why nobody was told, which holds kept doses from being given."""
    why = "; ".join(f"{fate.name} not given: dosing was on hold ({alerts_of(fate.holds)})" for fate in fates)
    said = about_doses(rule, participant, scope, why, _records(fates), told=False)
    return replace(said, answer=Answer.CLEAR, summary=f"{rule.title}: not missed, on hold")


def _unclear(fate: DoseFate) -> str:
    record = fate.record
    if record is not None and not says_whether(record):
        return f"{fate.name}: {record.domain}OCCUR is '{record.occur}', neither Y nor N"
    when = record.stdtc if record is not None else None
    return f"{fate.name}: a dose record with the date {when or 'missing'} may or may not be this dose"


def _records(fates: Sequence[DoseFate]) -> list[Dose]:
    """The records behind the fates, each once."""
    return list({record.version: record for fate in fates if (record := fate.record) is not None}.values())


def _hit(
    rule: "Rule", participant: Participant, scope: str, fates: Sequence[DoseFate], summary: str, reason: str
) -> Judgement:
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope=scope,
        anchors=frozenset(fate.name for fate in fates),
        answer=Answer.HIT,
        summary=summary,
        reason=reason,
        urgency=rule.urgency,
        consequence=rule.consequence,
        evidence=evidence_of_doses(_records(fates)),
    )


def describe(when: When) -> str:
    """Say the criterion in words."""
    number = (
        f"{when.consecutive} or more consecutive planned doses are" if when.consecutive > 1 else "A planned dose is"
    )
    doubt = ""
    if when.against == "plan":
        how = "EC says that it did not occur, or nothing is recorded by the end of its window and the days of grace"
        doubt = (
            " Where the date of the first dose is doubtful, because all that follows lies outside the plan or because "
            "it lies alone and long before a date of DM, only what EC says did not occur is missed, and the rest is "
            "not evaluable."
        )
    else:
        how = (
            "EC says that it did not occur (ECOCCUR = N), or it was scheduled (ECMOOD) and nothing is recorded "
            f"{when.entry_grace_days} days after its day"
        )
    return (
        f"{number} missed: {how}. No dose is expected after discontinuation, completion or death; where dosing may "
        "have ended before, it is not evaluable. A dose recorded as not given on a day at whose end dosing stood on a "
        "hold that a person has acknowledged, and that was not retracted by then, is not missed; one of which nothing "
        f"is recorded is.{doubt}"
    )
