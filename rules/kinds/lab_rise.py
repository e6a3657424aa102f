"""When a rising result is a concern: the limits of kind `value_limit`, and the judging of one sample by them.

Any one limit that is met is enough; one that cannot be compared, while none is met, is not evaluable.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.ctcae.grade import Ungraded
from rules.dtc import Dtc
from rules.graded import GradedFinding
from rules.kinds.lab_episodes import (
    Amount,
    Judged,
    Number,
    amount_in,
    baseline_of,
    check_unit,
    passes,
    plain,
    why_not_compared,
)
from rules.units import convert


class HighBaseline(BaseModel):
    """What is enough as well where the baseline lies above ULN: both multiples passed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    times_baseline: Number
    times_uln: Number


class Rise(BaseModel):
    """A rise of at least so much between two samples at most so many hours apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Amount
    hours: Annotated[int, Field(ge=1)]


class When(BaseModel):
    """Which tests, and the limits of which any one is enough."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tests: Annotated[tuple[str, ...], Field(min_length=1)]
    at_least: Amount | None = None  # an absolute limit that itself is enough
    hold_at_least: Amount | None = None  # beside at_least: from here on the protocol holds the drug
    above_uln: Number | None = None  # more than so many times the upper limit
    when_baseline_above_uln: HighBaseline | None = None
    times_baseline: Number | None = None  # at least so many times the baseline
    rise: Rise | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        amounts = (self.at_least, self.hold_at_least, self.rise.by if self.rise is not None else None)
        for test in self.tests:
            check_unit(test, "")
            for amount in amounts:
                check_unit(test, amount.unit if amount is not None else "")
        if not any((self.at_least, self.above_uln, self.times_baseline, self.rise)):
            raise ValueError("give at_least, above_uln, times_baseline or rise")
        if self.hold_at_least is not None and self.at_least is None:
            raise ValueError("hold_at_least goes beside at_least, which is missing")
        if self.when_baseline_above_uln is not None and self.above_uln is None:
            raise ValueError("when_baseline_above_uln goes beside above_uln, which is missing")
        return self


def judge_samples(when: When, labs: Sequence[GradedFinding]) -> list[Judged]:
    """Judge every sample not certainly taken before the first dose; `labs` are one test's, in order of time."""
    return [
        _judge_sample(when, lab, labs, baseline_of(labs, lab))
        for lab in labs
        if not lab.predose and lab.fault is not Ungraded.NO_RESULT
    ]


def _judge_sample(
    when: When, lab: GradedFinding, labs: Sequence[GradedFinding], baseline: GradedFinding | None
) -> Judged:
    """Judge one sample by every limit."""
    met, unknown = [], []
    held = _reaches(when.hold_at_least, lab)
    for answer in (
        held,
        _reaches(when.at_least, lab),
        _above_uln(when, lab, baseline),
        _above_baseline(when, lab),
        _risen(when, lab, labs),
    ):
        if isinstance(answer, Ungraded):
            unknown.append(answer)
        elif answer:
            met.append(answer)
    return Judged(
        lab=lab,
        hit=bool(met),
        recovered=not met and not unknown and _is_back(lab),
        unknown="" if met and not isinstance(held, Ungraded) else "; ".join(sorted(set(unknown))),
        because=tuple(met),
        hold=bool(held) and not isinstance(held, Ungraded),
        grade=lab.high.lowest if lab.high.term else None,
    )


def _is_back(lab: GradedFinding) -> bool:
    """Whether a result is back to its upper limit, or to the baseline where that was higher."""
    ends = [end for end in (lab.uln, lab.base) if end is not None]
    return not ends or passes(lab, Decimal(1), max(ends)) is False


def _reaches(limit: Amount | None, lab: GradedFinding) -> str | Ungraded:
    """Compare with an absolute limit; '' where below it, or not asked for."""
    if limit is None:
        return ""
    needed = amount_in(lab, limit)
    reaches = None if needed is None else passes(lab, Decimal(1), needed, or_equal=True)
    return why_not_compared(lab) if reaches is None else f"at least {limit}" if reaches else ""


def _above_uln(when: When, lab: GradedFinding, baseline: GradedFinding | None) -> str | Ungraded:
    """Compare with the upper limit, and with the baseline where that was high; '' where not above, or not asked for.

    A baseline that was itself above the multiple of ULN is history: then only a rise from it counts.
    """
    if when.above_uln is None:
        return ""
    if lab.uln is None and lab.value is not None:
        return Ungraded.NO_RANGE
    risen = _above_high_baseline(when.when_baseline_above_uln, lab, baseline)
    if risen or (risen is not None and _was_above(when.above_uln, lab)):
        return risen
    above = passes(lab, when.above_uln, lab.uln)
    if above is None:
        return why_not_compared(lab)
    return f"more than {when.above_uln} x ULN" if above else ""


def _above_high_baseline(
    high: HighBaseline | None, lab: GradedFinding, baseline: GradedFinding | None
) -> str | Ungraded | None:
    """Compare with a baseline that was above ULN; None where it was not, or where that is not asked for."""
    if high is None or lab.base is None or not _is_high(lab, baseline):
        return None
    answers = [passes(lab, high.times_baseline, lab.base), passes(lab, high.times_uln, lab.uln)]
    if answers == [True, True]:
        return f"more than {high.times_baseline} x baseline, which was above ULN, and more than {high.times_uln} x ULN"
    return "" if False in answers else why_not_compared(lab)


def _was_above(times: Decimal, lab: GradedFinding) -> bool:
    """Whether the baseline itself lay above that many times the upper limit."""
    return lab.base is not None and lab.uln is not None and lab.base > times * lab.uln


def _above_baseline(when: When, lab: GradedFinding) -> str | Ungraded:
    """Compare with the baseline; '' where below the multiple, or not asked for."""
    if when.times_baseline is None:
        return ""
    if lab.base is None and lab.value is not None:
        return Ungraded.NO_BASELINE
    reaches = passes(lab, when.times_baseline, lab.base, or_equal=True)
    return why_not_compared(lab) if reaches is None else f"at least {when.times_baseline} x baseline" if reaches else ""


def _risen(when: When, lab: GradedFinding, others: Sequence[GradedFinding]) -> str | Ungraded:
    """Compare with the samples of the hours before; '' where none lies so far below, or not asked for."""
    if when.rise is None:
        return ""
    needed = amount_in(lab, when.rise.by)
    if lab.value is None or lab.censor or needed is None:
        return why_not_compared(lab)
    undated = False
    for other in others:
        if other.value is None or other.censor or not other.fits:
            continue
        before = convert(lab.test, other.value, other.unit, lab.unit)
        if before is None or lab.value - before < needed:
            continue
        if lab.adt is None or other.adt is None or not lab.adt.has_day or not other.adt.has_day:
            undated |= _may_follow(lab.adt, other.adt, when.rise.hours)
        elif _may_follow(lab.adt, other.adt, when.rise.hours):
            return f"up by {plain(lab.value - before)} {lab.reported_unit} within {when.rise.hours} h"
    return Ungraded.NO_DAY if undated else ""


def _may_follow(later: Dtc | None, earlier: Dtc | None, hours: int) -> bool:
    """Whether a sample can have been taken after another and within so many hours.

    Without times two days count as the shortest they can be apart: a rise is rather told than missed.
    """
    if later is None or earlier is None:
        return True
    timed = later.has_time and earlier.has_time
    after = (later.earliest if timed else later.latest) > earlier.earliest
    return after and later.earliest - earlier.latest <= timedelta(hours=hours)


def _is_high(lab: GradedFinding, baseline: GradedFinding | None) -> bool:
    """Whether the baseline lies above its own upper limit, or above the sample's where it came without one."""
    if baseline is not None and baseline.uln is not None:
        return passes(baseline, Decimal(1), baseline.uln) is True
    return lab.base is not None and lab.uln is not None and lab.base > lab.uln
