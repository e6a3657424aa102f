"""The thresholds of kind `lab_toxicity`: when a falling count is a concern, and when that is over.

It must not know how a sample is judged by them: that is `rules.kinds.lab_fall`.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from rules.ctcae.criteria import VERSIONS, last_grade
from rules.kinds.amounts import Amount, Number, Percent, check_unit
from rules.kinds.limit_sense import insist_on_possible
from rules.units import convert


class Hold(BaseModel):
    """A value below which the protocol holds the drug, alone or together with a fall from baseline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    below: Amount
    min_fall_percent: Percent | None = None

    def __str__(self) -> str:
        """The criterion in words."""
        fall = f" and at least {self.min_fall_percent} % below baseline" if self.min_fall_percent else ""
        return f"below {self.below}{fall}"


class CutOffs(BaseModel):
    """Fixed grades for a test that the CTCAE version gives no numbers for: a value below a number has that grade."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: str
    grade_2: Number
    grade_3: Number
    grade_4: Number

    @model_validator(mode="after")
    def _worsen(self) -> Self:
        if not self.grade_2 > self.grade_3 > self.grade_4:
            raise ValueError("grade_2 must lie above grade_3, and grade_3 above grade_4")
        return self

    @property
    def grades(self) -> tuple[tuple[int, Amount], ...]:
        """The cut-offs, worst first."""
        by_grade = ((4, self.grade_4), (3, self.grade_3), (2, self.grade_2))
        return tuple((grade, Amount(value=value, unit=self.unit)) for grade, value in by_grade)


MILD = 1
"""The grade at which an episode is over, or at the baseline's: CTCAE asks for no intervention there."""

Level = Annotated[int, Field(ge=1, le=4)]


class When(BaseModel):
    """Which count, and what makes a fall of it a concern."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    test: str
    min_fall_percent: Percent | None = None  # beside a grade above the baseline's; either this...
    min_fall: Amount | None = None  # ...or this
    new_grade: Level = 3
    crash_fall_percent: Percent | None = None
    immediate_grade: Level = 4
    hold: tuple[Hold, ...] = ()
    recovers_at_least: Amount | None = None  # an episode goes on until here, or until a baseline that was lower
    cut_offs: CutOffs | None = None
    confirm_samples: Annotated[int, Field(ge=1)] = 1  # samples in a row that a fall short of (b), (c), (d) needs
    immediate_samples: Annotated[int, Field(ge=2)] | None = None  # in a row, of a new high grade with the fall of (a)

    @model_validator(mode="after")
    def _makes_sense(self, info: ValidationInfo) -> Self:
        check_unit(self.test, "")
        if (self.min_fall_percent is None) is (self.min_fall is None):
            raise ValueError("give either min_fall_percent or min_fall")
        amounts = [hold.below for hold in self.hold] + ([self.min_fall] if self.min_fall else [])
        for unit in [amount.unit for amount in amounts] + ([self.cut_offs.unit] if self.cut_offs else []):
            check_unit(self.test, unit)
        if self.immediate_grade < self.new_grade:
            raise ValueError("immediate_grade must not be milder than new_grade")
        versions = (info.context["ctcae"],) if info.context else VERSIONS
        if self.cut_offs is None and not any(last_grade(version, self.test, "L") for version in versions):
            raise ValueError(f"CTCAE grades no low {self.test} by a number: give cut_offs")
        self._check_recovery()
        return self

    def _check_recovery(self) -> None:
        """Raise ValueError, in one sentence, unless recovery can be reached and lies above every hold criterion."""
        if self.recovers_at_least is None:
            return
        check_unit(self.test, self.recovers_at_least.unit)
        insist_on_possible(self.test, self.recovers_at_least)
        for limit in (hold.below for hold in self.hold):
            least = convert(self.test, limit.value, limit.unit, self.recovers_at_least.unit)
            if least is None or least > self.recovers_at_least.value:
                raise ValueError("recovers_at_least must not lie below a hold criterion")

    @property
    def unit(self) -> str:
        """The unit in which the limits are given, '' where none is."""
        amounts = (self.min_fall, self.recovers_at_least, *(hold.below for hold in self.hold))
        return next((amount.unit for amount in amounts if amount is not None), "")

    @property
    def fall_words(self) -> str:
        """The fall that (a) asks for, in words."""
        return f"{self.min_fall_percent} %" if self.min_fall_percent is not None else str(self.min_fall)
