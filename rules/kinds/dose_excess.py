"""Kind `dose_excess`: more than the planned amount in one calendar day, or more doses in it than planned.

From EC, and from EX for days of which EC tells of no dose; where both tell of one, the larger amount counts. An amount
whose unit does not convert, or that is off by orders of magnitude, is refused and told, never scaled. It must not tell
amounts, units, treatments or lots.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from rules.dose_records import day_of, dose_records, given_records, once, says_whether, spans_days
from rules.exposure import ZeroDose, was_given
from rules.hit import EVERYTHING, Judgement, Urgency
from rules.kinds.about_doses import DoseAmount, about_doses, amount_of
from rules.records import Dose, Participant
from rules.units import round15

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

_TWICE = "two records tell of one moment: one dose recorded twice, or two doses"
_NO_AMOUNT = "no amount is recorded"
_NO_DAYS = "a record covers several days and does not say what was given on each"


class When(BaseModel):
    """How much and how many doses a calendar day of the plan has at most, and what is too far off to be an amount."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_per_day: DoseAmount
    max_doses_per_day: Annotated[int, Field(ge=1)]
    refused_from_times: Annotated[int, Field(ge=2)]


@dataclass(frozen=True, slots=True)
class _Given:
    """A record of a dose that was given, or may have been, with its amount in the plan's unit."""

    record: Dose
    certain: bool  # that it was given, on the day that it is judged with
    amount: Decimal | None
    refused: str = ""  # why what stands there is no amount; '' also where nothing stands there
    filled: bool = False  # EX tells the amount of its day


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Answer for each day on which a dose was given, and for each dose of which the day is not known."""
    zero_dose = context.header.zero_dose
    given = [_given(when, dose) for dose in given_records(participant, zero_dose)]
    beside = _beside(when, [dose.record for dose in given], participant, zero_dose)
    spans = [dose for dose in given if spans_days(dose.record)]
    singles = [dose for dose in given if not spans_days(dose.record)]
    singles = [replace(dose, filled=_day(dose) in beside) for dose in singles]
    if unknown := _not_collected(participant, singles, spans):
        yield about_doses(rule, participant, EVERYTHING, unknown, told=False)
    else:
        singles = [replace(dose, refused=_NO_AMOUNT) if _is_blank(dose) else dose for dose in singles]
    by_day: dict[date, list[_Given]] = {}
    for dose in singles:
        day = day_of(dose.record)
        if day is not None:
            by_day.setdefault(day, []).append(dose)
            continue
        near = [_Given(d.record, False, d.amount) for d in singles if d is not dose and _may_be_of_one_day(d, dose)]
        yield from _about(rule, when, participant, f"dose of {dose.record.stdtc or 'unknown date'}", [dose, *near])
    for day, doses in sorted(by_day.items()):
        blinded = zero_dose == "placebo"
        yield from _about(rule, when, participant, str(day), doses, beside.get(day, ()), blinded=blinded)
    for span in spans if singles else ():
        yield about_doses(rule, participant, f"doses from {span.record.stdtc}", _NO_DAYS, [span.record])


def _beside(
    when: When, told: Sequence[Dose], participant: Participant, zero_dose: ZeroDose
) -> dict[date, list[_Given]]:
    """Return by day what EX tells beside EC; an amount of 0 may be placebo and is compared with nothing."""
    found: dict[date, list[_Given]] = {}
    for record in participant.doses:
        day = day_of(record)
        if record.domain == "EX" and record not in told and was_given(record, zero_dose) and day is not None:
            dose = _given(when, record)
            if not spans_days(record) and dose.amount:
                found.setdefault(day, []).append(dose)
    return found


def _day(dose: _Given) -> date | None:
    return day_of(dose.record)


def _not_collected(participant: Participant, singles: Sequence[_Given], spans: Sequence[_Given]) -> str:
    """Say what all of a participant's records leave out, as in some studies; '' where nothing is."""
    subject = participant.subject
    if not dose_records(participant) and subject is not None and subject.rfxstdtc is not None:
        return f"no dose record, although RFXSTDTC is {subject.rfxstdtc}"
    if spans and not singles:
        return _NO_DAYS
    return _NO_AMOUNT if singles and all(_is_blank(dose) for dose in singles) else ""


def _is_blank(dose: _Given) -> bool:
    """Whether no amount stands in a record."""
    return dose.amount is None and not dose.refused and not dose.filled


def _about(
    rule: "Rule",
    when: When,
    participant: Participant,
    scope: str,
    doses: Sequence[_Given],
    beside: Sequence[_Given] = (),
    *,
    blinded: bool = False,
) -> Iterator[Judgement]:
    """Answer for the doses of one day, and what EX tells of it beside EC.

    Where arms may differ by the amount, that EC and EX do would tell the arm of whoever it is said of.
    """
    limit = when.max_per_day.value
    certain = [dose for dose in doses if dose.certain]
    apart = _once(certain)
    if len(certain) - len(apart) > 1:  # a dose is recorded twice by mistake, not three times
        apart = certain
    too_much = "more than the planned amount of a day is recorded"
    excess = [f"{len(apart)} doses are recorded as given"] if len(apart) > when.max_doses_per_day else []
    excess += [too_much] if max(_total(apart), _total(_once(d for d in beside if d.certain))) > limit else []
    open_questions = list(dict.fromkeys(dose.refused for dose in doses if dose.refused))
    if len(certain) < len(doses) and (len(doses) > when.max_doses_per_day or _total(doses) > limit):
        open_questions.append("another dose, or a larger one, may have been given on that day")
    if len(apart) < len(certain) and (len(certain) > when.max_doses_per_day or _total(certain) > limit):
        open_questions.append(_TWICE)
    if beside and not blinded and _total(doses) and _total(_once(doses)) != _total(_once(beside)):
        open_questions.append("EC and EX differ about the amount")
    if len(beside) > max(when.max_doses_per_day, len(doses)):
        open_questions.append("EX tells of more doses than EC")
    if excess or open_questions:
        reason = "; ".join((*excess, *open_questions))
        records = [dose.record for dose in (*doses, *beside)]
        said = about_doses(rule, participant, scope, reason, records, hit=bool(excess))
        if [*excess, *open_questions] == [_TWICE]:  # a query of data, which nobody can answer at 3 a.m.
            said = replace(said, urgency=min(rule.urgency, Urgency.SAME_DAY, key=lambda urgency: urgency.rank))
        yield said


def _once(doses: Iterable[_Given]) -> list[_Given]:
    """Leave out, of doses of one minute, all but the largest: they may be one dose recorded more than once."""
    largest_first = sorted(doses, key=lambda dose: -1 if dose.amount is None else dose.amount, reverse=True)
    kept = {id(record) for record in once(dose.record for dose in largest_first)}
    return [dose for dose in largest_first if id(dose.record) in kept]


def _given(when: When, record: Dose) -> _Given:
    """Read the amount of a record, or refuse it."""
    certain = says_whether(record)
    amount, refused = amount_of(record, when.max_per_day.unit)
    plan, times = when.max_per_day.value, when.refused_from_times
    if amount and (amount >= plan * times or amount * times <= plan):
        return _Given(record, certain, None, "an amount is off by orders of magnitude, so it or its unit is mistyped")
    return _Given(record, certain, amount, refused)


def _total(doses: Iterable[_Given]) -> Decimal:
    """The amounts that are known, together."""
    return round15(sum((dose.amount for dose in doses if dose.amount is not None), Decimal(0)))


def _may_be_of_one_day(one: _Given, other: _Given) -> bool:
    """Whether two records may be of one day, as far as their dates tell."""
    first, second = one.record.stdtc, other.record.stdtc
    if first is None or second is None:
        return True
    return first.earliest.date() <= second.latest.date() and second.earliest.date() <= first.latest.date()


def describe(when: When) -> str:
    """Say the criterion in words."""
    doses = "one dose" if when.max_doses_per_day == 1 else f"{when.max_doses_per_day} doses"
    return (
        f"More than {when.max_per_day} or more than {doses} recorded as given in one calendar day, in EC, or in EX for "
        "days of which EC tells of no dose; where both do, the larger amount counts. An amount "
        f"{when.refused_from_times} times the plan's or more, or as small a part of it or less, or in a unit that does "
        "not convert, is not evaluable. Nor is it known whether two records of one minute are one dose or two: that is "
        "asked, and the larger counts until it is answered."
    )
