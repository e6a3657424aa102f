"""Kind `adherence`: too small a share of the planned doses was given, over all whose time is over.

It counts doses of the plan only; what was given outside it makes up for nothing. It must not tell amounts, treatments
or lots.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from rules.dose_records import dose_records
from rules.exposure import evidence_of_doses
from rules.hit import EVERYTHING, Answer, Due, Judgement
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
    """Which share is too small, after how many doses it is asked for, and whether of each cycle or over all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    below_percent: Annotated[int, Field(ge=1, le=100)]
    after_doses: Annotated[int, Field(ge=1)]
    each_cycle: bool = False


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement | Due]:
    """Answer from the first dose on after which the share was too small; what brings it back is told as recovery."""
    plan = context.dosing
    if plan is None:
        raise ValueError("the rulebook has no dosing plan")
    doubt = plan_start(plan, participant, context.header.zero_dose).doubt
    if doubt and dose_records(participant):
        yield about_doses(rule, participant, EVERYTHING, doubt)
        return
    planned = _planned(plan, participant, context)
    yield from next_due(planned, context)
    parts = {f"{_SCOPE} in cycle {n}": doses for n, doses in by_cycle(planned).items()} if when.each_cycle else {}
    for scope, doses in (parts or {_SCOPE: planned}).items():
        yield from _about(rule, when, participant, scope, doses)


def _about(
    rule: "Rule", when: When, participant: Participant, scope: str, planned: Sequence[DoseFate]
) -> Iterator[Judgement]:
    """Answer for the planned doses of one cycle, or for all."""
    over = counted(planned)
    shares = [_share(over[: number + 1]) for number in range(len(over))]
    small = [number + 1 >= when.after_doses and share < when.below_percent for number, share in enumerate(shares)]
    if True in small:
        yield _hit(rule, participant, scope, planned, over[small.index(True)], recovered=not small[-1])
        return
    unclear = [fate for fate in planned if fate.fate in {Fate.UNCLEAR, Fate.MAY_HAVE_ENDED}]
    if unclear and len(over) + len(unclear) >= when.after_doses and _share([*over, *unclear]) < when.below_percent:
        names = ", ".join(fate.name for fate in unclear)
        yield about_doses(rule, participant, scope, f"what became of these doses is not known: {names}", told=False)


def counted(planned: Sequence[DoseFate]) -> list[DoseFate]:
    """Return the planned doses whose time is over and that were to be given."""
    return [fate for fate in planned if fate.fate in TAKEN or fate.fate in MISSED]


def by_cycle(planned: Sequence[DoseFate]) -> dict[int, list[DoseFate]]:
    """Return the doses of a plan by cycle."""
    found: dict[int, list[DoseFate]] = {}
    for fate in planned:
        if fate.planned is not None:
            found.setdefault(fate.planned.cycle, []).append(fate)
    return found


def share_words(over: Sequence[DoseFate]) -> str:
    """Say how many of the doses whose time is over were given, as "5 of 7 planned doses given (71 %)"."""
    given = sum(fate.fate in TAKEN for fate in over)
    return f"{given} of {len(over)} planned doses given ({_share(over):.0f} %)"


def _planned(plan: "DosingPlan", participant: Participant, context: "Context") -> list[DoseFate]:
    """The doses of the plan: a record of another day is none, but in a plan that is as collected each one is.

    Rules of kind `missed_dose` say what is not known of the plan.
    """
    zero_dose = context.header.zero_dose
    if plan.schedule == "as collected":
        return _once(fates_as_collected(participant, plan.entry_grace_days, context))
    start = plan_start(plan, participant, zero_dose)
    if start.on is None or not dose_records(participant):
        return []
    fates = fates_by_plan(plan, participant, start.on, context)
    return [fate for fate in fates if fate.planned is not None]


def _once(fates: Sequence[DoseFate]) -> list[DoseFate]:
    """Let records that share a name, and so a date, tell of one dose, which was given if one of them says so."""
    found: dict[str, DoseFate] = {}
    for fate in fates:
        if fate.name not in found or fate.fate in TAKEN:
            found[fate.name] = fate
    return list(found.values())


def _share(fates: Sequence[DoseFate]) -> Decimal:
    """Return the share of doses given, in percent."""
    return Decimal(100 * sum(fate.fate in TAKEN for fate in fates)) / len(fates)


def _hit(
    rule: "Rule",
    participant: Participant,
    scope: str,
    planned: Sequence[DoseFate],
    began: DoseFate,
    *,
    recovered: bool,
) -> Judgement:
    over = counted(planned)
    missed = [fate for fate in over if fate.fate in MISSED]
    now = share_words(over)
    where, names = scope.removeprefix(_SCOPE), ", ".join(fate.name for fate in missed)
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope=scope,
        anchors=frozenset({began.name}),
        answer=Answer.HIT,
        summary=f"{rule.title}{where}: {now}",
        reason=f"{now}; missed: {names}{_by_cycle_words(over)}{_not_counted(planned)}",
        urgency=rule.urgency,
        consequence=rule.consequence,
        recovery=now if recovered else "",
        evidence=evidence_of_doses([fate.record for fate in missed if fate.record is not None]),
    )


def _by_cycle_words(over: Sequence[DoseFate]) -> str:
    """Say the share of each cycle, where there are several of more than one dose."""
    cycles = by_cycle(over)
    if len(cycles) < 2 or all(len(doses) == 1 for doses in cycles.values()):
        return ""
    words = (f"cycle {n} {sum(f.fate in TAKEN for f in d)} of {len(d)} ({_share(d):.0f} %)" for n, d in cycles.items())
    return f"; {', '.join(words)}"


def _not_counted(planned: Sequence[DoseFate]) -> str:
    """Name the doses that were not given because dosing was on hold."""
    names = ", ".join(fate.name for fate in planned if fate.fate is Fate.ON_HOLD)
    return f"; not counted, because dosing was on hold: {names}" if names else ""


def describe(when: When) -> str:
    """Say the criterion in words."""
    of_which = "of one cycle" if when.each_cycle else "over all cycles"
    return (
        f"Of the planned doses whose time is over, {of_which}, once they are {when.after_doses} or more, fewer than "
        f"{when.below_percent} % were given. The time of a dose is over when it is recorded as given or not given, or "
        "when nothing is recorded by the end of its window and the days of grace. Doses outside the plan make up for "
        "nothing; none is expected after discontinuation, completion or death. A dose recorded as not given while "
        "dosing was on a hold that a person has acknowledged is not counted, and is named; one taken late or early "
        "counts as given. It ends when the share is reached again."
    )
