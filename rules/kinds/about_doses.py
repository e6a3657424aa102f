"""What the kinds that look at recorded doses answer with, how they read an amount, and what a book may ask of one.

It knows dose records. It must not know a criterion, nor tell an amount, a treatment or a lot.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel

from rules.dose_amount import convert_amount, international_units
from rules.exposure import ZeroDose, evidence_of_doses
from rules.hit import Answer, Due, Judgement
from rules.kinds.amounts import Amount
from rules.records import Dose, Participant
from rules.regimen import DoseFate, Fate

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule


def _is_international(amount: Amount) -> Amount:
    """Insist on a unit that amounts of study drug are read in."""
    if international_units(amount.unit) is None:
        raise ValueError(f"unit '{amount.unit}' is no multiple of the international unit (such as IU, 万IU, MIU)")
    return amount


DoseAmount = Annotated[Amount, AfterValidator(_is_international)]
"""An amount of study drug, as a rulebook names one."""


def faults_of_amounts(whens: Mapping[str, BaseModel], zero_dose: ZeroDose) -> Iterator[tuple[str, str]]:
    """Name each rule of a book that asks for a least amount it must not ask for, and why not."""
    most = [when.max_per_day for when in whens.values() if hasattr(when, "max_per_day")]
    for rule_id, when in whens.items():
        least: Amount | None = getattr(when, "least_per_day", None)
        if least is None:
            continue
        if zero_dose == "placebo":  # whoever gets a smaller dose than another arm would be named by a mail
            yield rule_id, "would tell who is given the lower dose, in a book whose zero_dose is 'placebo'"
        for limit in most:
            converted = convert_amount(limit.value, limit.unit, least.unit)
            if converted is not None and least.value > converted:
                yield rule_id, f"{least} is more than the max_per_day of {limit} of this book"


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
