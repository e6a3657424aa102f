"""Kind `adherence`: too small a share of the planned doses was given, over all whose time is over.

It counts doses of the plan only; what was given outside it makes up for nothing. It must not tell amounts, treatments
or lots.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from rules.dose_records import dose_records
from rules.exposure import evidence_of_doses
from rules.hit import Answer, Due, Judgement
from rules.kinds.about_doses import about_doses, next_due
from rules.plan_start import plan_start
from rules.records import Participant
from rules.regimen import MISSED, TAKEN, DoseFate, Fate, fates_as_collected, fates_by_plan

if TYPE_CHECKING:
    from rules.context import Context
    from rules.dosing_plan import DosingPlan
    from rules.rulebook import Rule

_SCOPE = "adherence"


class When(BaseModel):
    """Which share is too small, and after how many doses it is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    below_percent: Annotated[int, Field(ge=1, le=100)]
    after_doses: Annotated[int, Field(ge=1)]


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement | Due]:
    """Answer from the first dose on after which the share was too small; what brings it back is told as recovery."""
    plan = context.dosing
    if plan is None:
        raise ValueError("the rulebook has no dosing plan")
    planned = _planned(plan, participant, context)
    yield from next_due(planned, context)
    over = [fate for fate in planned if fate.fate in TAKEN or fate.fate in MISSED]
    shares = [_share(over[: number + 1]) for number in range(len(over))]
    small = [number + 1 >= when.after_doses and share < when.below_percent for number, share in enumerate(shares)]
    if True in small:
        yield _hit(rule, participant, planned, over, shares, over[small.index(True)], recovered=not small[-1])
        return
    unclear = [fate for fate in planned if fate.fate in {Fate.UNCLEAR, Fate.MAY_HAVE_ENDED}]
    if unclear and len(over) + len(unclear) >= when.after_doses and _share([*over, *unclear]) < when.below_percent:
        names = ", ".join(fate.name for fate in unclear)
        yield about_doses(rule, participant, _SCOPE, f"what became of these doses is not known: {names}", told=False)


def _planned(plan: "DosingPlan", participant: Participant, context: "Context") -> list[DoseFate]:
    """The doses of the plan: a record of another day is none, but in a plan that is as collected each one is.

    Rules of kind `missed_dose` say what is not known of the plan.
    """
    zero_dose = context.header.zero_dose
    if plan.schedule == "as collected":
        return list(fates_as_collected(participant, plan.entry_grace_days, context))
    start = plan_start(plan, participant, zero_dose)
    if start.on is None or start.doubt or not dose_records(participant):
        return []
    fates = fates_by_plan(plan, participant, start.on, context)
    return [fate for fate in fates if fate.planned is not None]


def _share(fates: list[DoseFate]) -> Decimal:
    """Return the share of doses given, in percent."""
    return Decimal(100 * sum(fate.fate in TAKEN for fate in fates)) / len(fates)


def _hit(
    rule: "Rule",
    participant: Participant,
    planned: list[DoseFate],
    over: list[DoseFate],
    shares: list[Decimal],
    began: DoseFate,
    *,
    recovered: bool,
) -> Judgement:
    given = sum(fate.fate in TAKEN for fate in over)
    missed = [fate for fate in over if fate.fate in MISSED]
    now = f"{given} of {len(over)} planned doses given ({shares[-1]:.0f} %)"
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope=_SCOPE,
        anchors=frozenset({began.name}),
        answer=Answer.HIT,
        summary=f"{rule.title}: {now}",
        reason=f"{now}; missed: {', '.join(fate.name for fate in missed)}{_not_counted(planned)}",
        urgency=rule.urgency,
        consequence=rule.consequence,
        recovery=now if recovered else "",
        evidence=evidence_of_doses([fate.record for fate in missed if fate.record is not None]),
    )


def _not_counted(planned: list[DoseFate]) -> str:
    """Name the doses that were not given because dosing was on hold."""
    names = ", ".join(fate.name for fate in planned if fate.fate is Fate.ON_HOLD)
    return f"; not counted, because dosing was on hold: {names}" if names else ""


def describe(when: When) -> str:
    """Say the criterion in words."""
    return (
        f"Of the planned doses whose time is over, once they are {when.after_doses} or more, fewer than "
        f"{when.below_percent} % were given. The time of a dose is over when it is recorded as given or not given, or "
        "when nothing is recorded by the end of its window and the days of grace. Doses outside the plan make up for "
        "nothing; none is expected after discontinuation, completion or death. A dose that was not given because "
        "dosing was on a hold that a person has acknowledged or released is not counted, and is named. It ends when "
        "the share is reached again."
    )
