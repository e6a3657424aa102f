"""The limits of kind `value_limit`, of which any one is enough.

It must not know how a sample is judged by them: that is `rules.kinds.limit_checks`.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from rules.ctcae.criteria import VERSIONS, Direction, last_grade
from rules.ctcae.identity import lab_tests
from rules.kinds.amounts import Amount, Number
from rules.kinds.limit_sense import insist_on_sense


class HighBaseline(BaseModel):
    """What is enough as well where the baseline lies above ULN: both multiples passed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    times_baseline: Number
    times_uln: Number


Part = Annotated[Number, Field(lt=1)]


class Change(BaseModel):
    """A change of at least so much, or of so many percent, within so many hours or else from baseline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Amount | None = None
    percent: Number | None = None
    hours: Annotated[int, Field(ge=1)] | None = None
    only_low: bool = False  # of a fall: counts only below LLN or from CTCAE grade 1 on

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.by is None) is (self.percent is None):
            raise ValueError("give either by or percent")
        return self

    def __str__(self) -> str:
        """The change in words, such as "at least 20 g/L from baseline"."""
        much = self.by if self.by is not None else f"{self.percent} %"
        low = " to below the lower limit of normal or a CTCAE grade" if self.only_low else ""
        return f"at least {much} {'from baseline' if self.hours is None else f'within {self.hours} hours'}{low}"


class When(BaseModel):
    """Which tests, and the limits of which any one is enough."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tests: Annotated[tuple[str, ...], Field(min_length=1)]
    at_least: Amount | None = None  # an absolute limit that itself is enough
    hold_at_least: Amount | None = None  # beside at_least: from here on the protocol holds the drug
    below: Amount | None = None
    above_uln: Number | None = None  # more than so many times the upper limit
    when_baseline_above_uln: HighBaseline | None = None
    below_lln: Number | None = None  # less than so many times the lower limit
    out_of_range: bool = False  # below the lower limit or above the upper
    min_grade: Annotated[int, Field(ge=1, le=4)] | None = None  # by CTCAE, in either direction
    positive: Literal["TRACE", "1+", "2+", "3+", "4+"] | None = None  # a result in words, from this step on
    times_baseline: Number | None = None  # at least so many times the baseline
    rise: Change | None = None
    fall: Change | None = None
    recovers_at_least: Amount | None = None  # of a low result: an episode ends here, not at the limit itself
    recovers_at_most: Amount | None = None  # of a high one; either this...
    recovers_at_times_uln: Number | None = None  # ...or this, beside above_uln
    recovers_at_times_baseline: Number | None = None  # ...or this, beside times_baseline alone; without a baseline ULN
    new_only: bool = False  # a limit of the result alone that the baseline met already is history; a hold never is
    part_of_baseline: Part | None = None  # beside new_only: at most this part of a baseline that was low already
    confirm_samples: Annotated[int, Field(ge=1)] = 1  # in a row; a hold needs none
    baseline_too: bool = False  # the last result before the first dose is judged too, once there was a dose
    either: bool = False  # all tests are one concern, told by any; it ends on a day on which all measured are back
    expected_of: Literal["F", "M"] | None = None  # of whom the tests are missed where there are none; else of all

    @model_validator(mode="after")
    def _makes_sense(self, info: ValidationInfo) -> Self:
        insist_on_sense(self, *([(info.context["ctcae"],)] if info.context else []))
        return self

    @property
    def concerns(self) -> tuple[tuple[str, ...], ...]:
        """The tests that are told together: each alone, or all where one is enough."""
        return (self.tests,) if self.either else tuple((test,) for test in self.tests)

    @property
    def has_number(self) -> bool:
        """Whether some limit asks for a number."""
        return self.has_high_number or self.has_low_number or self.min_grade is not None

    @property
    def is_momentary(self) -> bool:
        """Whether only a change within hours is asked for, which is over once there is none."""
        within = all(change is None or change.hours is not None for change in (self.rise, self.fall))
        return within and not self.has_own_limit and self.times_baseline is None and self.above_uln is None

    @property
    def has_own_limit(self) -> bool:
        """Whether a result alone can meet a limit, whatever was before it."""
        own = (self.at_least, self.below, self.above_uln, self.below_lln, self.min_grade, self.positive)
        return self.out_of_range or any(limit is not None for limit in own)

    @property
    def has_high_number(self) -> bool:
        """Whether some limit but the grade asks for a high number."""
        upwards = (self.at_least, self.above_uln, self.times_baseline, self.rise)
        return self.out_of_range or any(limit is not None for limit in upwards)

    @property
    def has_low_number(self) -> bool:
        """Whether some limit but the grade asks for a low number."""
        downwards = (self.below, self.below_lln, self.fall)
        return self.out_of_range or any(limit is not None for limit in downwards)

    @property
    def looks_up(self) -> bool:
        """Whether a high result can be a concern."""
        return self.has_high_number or self.positive is not None or self._is_graded("H")

    @property
    def looks_down(self) -> bool:
        """Whether a low result can be a concern."""
        return self.has_low_number or self._is_graded("L")

    def _is_graded(self, direction: Direction) -> bool:
        """Whether `min_grade` is asked for, and some version grades one of the tests in a direction."""
        graded = (last_grade(version, test, direction) for version in VERSIONS for test in self.tests)
        return self.min_grade is not None and any(graded)

    @property
    def sides(self) -> tuple[bool | None, ...]:
        """The sides that are told apart, True for the low one; one that looks only one way has no sides."""
        return (False, True) if self.looks_up and self.looks_down else (None,)

    @property
    def unit(self) -> str:
        """The unit in which the limits are given, '' where none is."""
        changes = (change.by for change in (self.rise, self.fall) if change is not None)
        amounts = (self.at_least, self.below, self.recovers_at_least, self.recovers_at_most, *changes)
        return next((amount.unit for amount in amounts if amount is not None), "")

    @property
    def domains(self) -> frozenset[str]:
        """The domains that bring these tests."""
        return frozenset(lab_tests()[test].domain for test in self.tests)
