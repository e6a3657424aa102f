"""What the kinds that look at recorded doses answer with, how they read an amount, and what a book may ask of one.

It knows dose records. It must not know a criterion, nor tell an amount, a treatment or a lot.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel

from rules.dose_amount import convert_amount, grams, international_units
from rules.exposure import ZeroDose, evidence_of_doses
from rules.hit import Answer, Due, Judgement
from rules.kinds.amounts import Amount
from rules.records import Dose, Participant
from rules.regimen import DoseFate, Fate

if TYPE_CHECKING:
    from rules.context import Context
    from rules.dosing_plan import DosingPlan
    from rules.rulebook import Rule


def _is_known(amount: Amount) -> Amount:
    """Insist on a unit that amounts of study drug are read in."""
    if international_units(amount.unit) is None and grams(amount.unit) is None:
        raise ValueError(
            f"unit '{amount.unit}' is no multiple of the international unit (such as IU, 万IU, MIU), nor of the gram"
        )
    return amount


DoseAmount = Annotated[Amount, AfterValidator(_is_known)]
"""An amount of study drug, as a rulebook names one."""


def faults_of_doses(
    whens: Mapping[str, BaseModel], zero_dose: ZeroDose, plan: "DosingPlan | None"
) -> Iterator[tuple[str, str, str]]:
    """Name each rule of a book that asks of doses what it must not, or what the plan does not say: field and why."""
    planned = plan.amount if plan is not None else None
    most = [when.max_per_day for when in whens.values() if hasattr(when, "max_per_day")]
    for rule_id, when in whens.items():
        for field in ("max_per_day", "least_per_day"):
            amount: Amount | None = getattr(when, field, None)
            other = next((one for one in (planned, *most) if one is not None), amount)
            if amount is not None and other is not None and convert_amount(Decimal(1), amount.unit, other.unit) is None:
                yield rule_id, field, f"{amount} does not compare with {other}, which stands in this book too"
        limit: Amount | None = getattr(when, "max_per_day", None)
        if limit is not None and planned is not None and _is_less(limit, planned):
            yield rule_id, "max_per_day", f"{limit} is less than the planned dose of {planned}"
        if getattr(when, "wrong_route", False) and not (plan is not None and plan.route):
            yield rule_id, "wrong_route", "needs the route of the [dosing] plan"
        if getattr(when, "wrong_route", False) and zero_dose == "placebo":
            why = "would tell whose arm is given by another route, in a book whose zero_dose is 'placebo'"
            yield rule_id, "wrong_route", why
        least: Amount | None = getattr(when, "least_per_day", None)
        if least is None:
            continue
        if zero_dose == "placebo":  # whoever gets a smaller dose than another arm would be named by a mail
            why = "would tell who is given the lower dose, in a book whose zero_dose is 'placebo'"
            yield rule_id, "least_per_day", why
        if planned is not None and _is_less(planned, least):
            yield rule_id, "least_per_day", f"{least} is more than the planned dose of {planned}"
        for other in most:
            if _is_less(other, least):
                yield rule_id, "least_per_day", f"{least} is more than the max_per_day of {other} of this book"


def _is_less(one: Amount, other: Amount) -> bool:
    """Whether an amount is less than another, as far as their units convert."""
    converted = convert_amount(one.value, one.unit, other.unit)
    return converted is not None and converted < other.value


def amount_of(record: Dose, unit: str) -> tuple[Decimal | None, str]:
    """Return the amount of a record in a unit, None and why where what stands there is none; '' where nothing does."""
    if record.dose is None:
        unread = any(problem.startswith(f"{record.domain}DOSE:") for problem in record.problems)
        return None, "an amount cannot be read" if unread else ""
    if record.dose == 0:
        return Decimal(0), ""
    amount = convert_amount(record.dose, record.dosu, unit)
    return amount, "an amount has no unit that converts into that of the plan" if amount is None else ""


def next_due(fates: Iterable[DoseFate], context: "Context") -> Iterator[Due]:
    """Name the next moment at which a dose becomes missed, if there is one."""
    pending = [fate.deadline for fate in fates if fate.fate is Fate.NOT_DUE and fate.deadline is not None]
    if pending:
        yield Due(context.instant(min(pending)))


def about_doses(
    rule: "Rule",
    participant: Participant,
    scope: str,
    reason: str,
    records: Sequence[Dose] = (),
    *,
    hit: bool = False,
    told: bool = True,
) -> Judgement:
    """Answer about a concern of some dose records: a hit, or not evaluable."""
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope=scope,
        anchors=frozenset({scope}),
        answer=Answer.HIT if hit else Answer.NOT_EVALUABLE,
        summary=f"{rule.title}: {scope if hit else 'cannot be evaluated'}",
        reason=reason,
        urgency=rule.urgency,
        consequence=rule.consequence,
        told=told,
        at=records[0].stdtc if records else None,
        evidence=evidence_of_doses(records),
    )
