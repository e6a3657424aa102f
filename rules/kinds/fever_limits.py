"""When a temperature is a concern: the limits of kind `fever`, and the judging of one reading beside doses and others.

A fever shortly after a dose is expected as long as it settles. What dates without a time cannot tell is told, and of a
record that spans several days only the start is known to be a dose. It must not know what is said of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.ctcae.grade import Ungraded
from rules.graded import GradedFinding
from rules.hit import Consequence, Urgency
from rules.kinds.amounts import Amount, Number, amount_in, check_unit
from rules.kinds.comparison import passes, undercuts, why_not_compared
from rules.kinds.lab_episodes import Judged
from rules.kinds.lab_samples import sample_words
from rules.kinds.together import elapsed
from rules.records import Dose
from rules.units import convert

TEMPERATURE = "TEMP"
NEUTROPHILS = "NEUT"
NOW = timedelta(0)


class Neutropenia(BaseModel):
    """Few neutrophils and a temperature, together within hours; what that asks for, where the rule asks for less."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    neutrophils_below: Amount
    above: Amount  # one reading is enough
    sustained_at_least: Amount  # several readings, none lower between
    sustained_hours: Annotated[int, Field(ge=1)]  # from the first of them to the last
    within_hours: Annotated[int, Field(ge=0)]  # between count and temperature, in either order
    urgency: Urgency = Urgency.IMMEDIATE
    consequence: Consequence = Consequence.HOLD


class Plausible(BaseModel):
    """Between which temperatures a reading is one; another is a slip, such as a comma or a unit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    least: Number
    most: Number
    unit: str

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        check_unit(TEMPERATURE, self.unit)
        if self.least > self.most:
            raise ValueError("least lies above most")
        return self

    def allows(self, lab: GradedFinding) -> bool:
        """Whether a reading can be one; what cannot be compared is not doubted here."""
        known = convert(TEMPERATURE, lab.value, lab.unit, self.unit) if lab.value is not None else None
        return known is None or self.least <= known <= self.most

    def __str__(self) -> str:
        """The range in words."""
        return f"{self.least} to {self.most} {self.unit}"


class When(BaseModel):
    """From when on a temperature is told, and how long after a dose it is expected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_least: Amount
    expected_hours: Annotated[int, Field(ge=1)]  # less than so long after a dose
    settled_below: Amount
    settled_slack_hours: Annotated[int, Field(ge=0)]  # so much later at most is a low reading taken that shows it
    plausible: Plausible
    neutropenia: Neutropenia | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        temperatures = [self.at_least, self.settled_below]
        if self.neutropenia is not None:
            temperatures += [self.neutropenia.above, self.neutropenia.sustained_at_least]
            check_unit(NEUTROPHILS, self.neutropenia.neutrophils_below.unit)
        for amount in temperatures:
            check_unit(TEMPERATURE, amount.unit)
        settled = convert(TEMPERATURE, self.settled_below.value, self.settled_below.unit, self.at_least.unit)
        if settled is None or settled > self.at_least.value:
            raise ValueError("settled_below lies above at_least")
        return self

    @property
    def expected(self) -> timedelta:
        """How long after a dose a fever is expected."""
        return timedelta(hours=self.expected_hours)

    @property
    def shown_within(self) -> timedelta:
        """How long after a dose a low reading still shows that a fever settled."""
        return self.expected + timedelta(hours=self.settled_slack_hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedReading:
    """One reading with what was said of it, and what that rests on."""

    judged: Judged
    dose: Dose | None = None  # after which it is expected, or can be
    later: GradedFinding | None = None  # by which it settled, or did not
    expected: str = ""  # why it is no concern, in words
    due: datetime | None = None  # until when it may settle, study-local


def reaches(lab: GradedFinding, limit: Amount, *, or_equal: bool = True) -> bool | None:
    """Whether a result is at a limit or above, None where that is not certain."""
    return passes(lab, Decimal(1), amount_in(lab, limit), or_equal=or_equal)


def is_below(lab: GradedFinding, limit: Amount) -> bool | None:
    """Whether a result is below a limit, None where that is not certain."""
    amount = amount_in(lab, limit)
    return None if amount is None else undercuts(lab, amount)


def judge_temperatures(
    when: When, readings: Sequence[GradedFinding], doses: Sequence[Dose], now: datetime
) -> list[JudgedReading]:
    """Judge every reading not certainly of the time before the first dose.

    `doses` were given, in order of time; `now` is study-local.
    """
    plausible = [lab for lab in readings if when.plausible.allows(lab)]
    return [
        _judge(when, lab, plausible, doses, now)
        for lab in readings
        if not lab.predose and lab.fault is not Ungraded.NO_RESULT
    ]


def _judge(
    when: When, lab: GradedFinding, readings: Sequence[GradedFinding], doses: Sequence[Dose], now: datetime
) -> JudgedReading:
    """Judge one reading beside the plausible ones."""
    if not when.plausible.allows(lab):
        return _unknown(lab, f"{sample_words(lab)}: not plausible (outside {when.plausible})")
    high = reaches(lab, when.at_least)
    if not high:
        below = reaches(lab, when.settled_below) is False
        unknown = "" if high is False else str(why_not_compared(lab))
        return JudgedReading(judged=Judged(lab=lab, hit=False, recovered=below, unknown=unknown))
    told = sample_words(lab)
    if all(dose.stdtc is None for dose in doses):
        return _unknown(lab, f"{told}: no dose has a date, so that nobody can tell whether one came before")
    before = [dose for dose in doses if _is_expected(when, lab, dose)]
    if before:
        return _after_dose(when, lab, before[-1], readings, doses, now)
    possible = [dose for dose in doses if _can_be_expected(when, lab, dose)]
    why = f"no dose less than {when.expected_hours} h before"
    if possible:
        why = f"whether a dose came less than {when.expected_hours} h before cannot be told without their times"
    return JudgedReading(judged=Judged(lab=lab, hit=True, because=(why,)), dose=possible[-1] if possible else None)


def _after_dose(
    when: When,
    lab: GradedFinding,
    dose: Dose,
    readings: Sequence[GradedFinding],
    doses: Sequence[Dose],
    now: datetime,
) -> JudgedReading:
    """Say whether a fever after a dose settled.

    A later reading after another dose only counts where it is low; a low one long after shows nothing.
    """
    hours = f"{when.expected_hours} h"
    for later in readings:
        if elapsed(lab.adt, later.adt)[0] <= NOW:
            continue
        warm = reaches(later, when.settled_below)
        if warm is False and elapsed(dose.stdtc, later.adt)[1] > when.shown_within:
            break
        if warm is False:
            why = f"less than {hours} after a dose, and settled: {sample_words(later)}"
            return JudgedReading(judged=Judged(lab=lab, hit=False), dose=dose, later=later, expected=why)
        if warm and not any(_is_expected(when, later, other) for other in doses):
            why = f"not settled {hours} after a dose: {sample_words(later)}"
            return JudgedReading(judged=Judged(lab=lab, hit=True, because=(why,)), dose=dose, later=later)
    due = dose.stdtc.latest + when.expected if dose.stdtc is not None else now
    if now < due:
        why = f"less than {hours} after a dose, which have not passed yet"
        return JudgedReading(judged=Judged(lab=lab, hit=False), dose=dose, expected=why, due=due)
    return _unknown(lab, f"{sample_words(lab)}: less than {hours} after a dose, and nothing shows that it settled")


def _unknown(lab: GradedFinding, why: str) -> JudgedReading:
    """Say that a fever cannot be judged."""
    return JudgedReading(judged=Judged(lab=lab, hit=False, unknown=why))


def _is_expected(when: When, lab: GradedFinding, dose: Dose) -> bool:
    """Whether a reading was certainly taken after a dose, and less than the hours after it."""
    least, most = elapsed(dose.stdtc, lab.adt)
    return least > NOW and most < when.expected


def _can_be_expected(when: When, lab: GradedFinding, dose: Dose) -> bool:
    """Whether a reading can have been taken less than the hours after a dose."""
    least, most = elapsed(dose.stdtc, lab.adt)
    return most > NOW and least < when.expected
