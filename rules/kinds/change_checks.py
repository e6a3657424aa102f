"""How a sample is compared with its baseline and with the samples before it, by the limits of kind `value_limit`.

It knows one limit at a time. It must not know what a sample as a whole answers: that is `rules.kinds.limit_checks`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from rules.ctcae.grade import Ungraded
from rules.ctcae.result import Censor
from rules.dtc import Dtc
from rules.graded import GradedFinding
from rules.kinds.amounts import difference_in
from rules.kinds.comparison import passes, undercuts, why_not_compared
from rules.kinds.lab_samples import plain
from rules.kinds.limits import Change, HighBaseline, When
from rules.kinds.together import elapsed
from rules.units import convert, round15


@dataclass(frozen=True, slots=True)
class Met:
    """One limit that a sample meets: which, in words, and how far where that has steps."""

    limit: str
    words: str
    step: int = 0
    low: bool = False  # on the low side
    moving: bool = False  # it changed fast, wherever it lies
    history: bool = False  # the baseline met it already


Checked = Met | Ungraded | None
"""A limit met, one that cannot be compared, or one that is not met or not asked for."""


def as_checked(met: bool | None, lab: GradedFinding, words: Met) -> Checked:
    """Turn a comparison into an answer."""
    return why_not_compared(lab) if met is None else words if met else None


def over_uln(times: Decimal, lab: GradedFinding) -> Checked:
    """Compare with a multiple of the upper limit of the range."""
    if lab.uln is None and lab.value is not None:
        return Ungraded.NO_RANGE
    words = f"more than {times} x ULN" if times != 1 else "above ULN"
    return as_checked(passes(lab, times, lab.uln), lab, Met("above ULN", words))


def above_high_uln(when: When, lab: GradedFinding, baseline: GradedFinding | None) -> Checked:
    """Compare with the upper limit, and with the baseline where that was high, where the rulebook asks for both.

    A baseline that was itself above the multiple of ULN is history: then only a rise from it counts.
    """
    if when.above_uln is None or when.when_baseline_above_uln is None:
        return None
    above = over_uln(when.above_uln, lab)
    if lab.base is None or above is Ungraded.NO_RANGE or not _is_high(lab, baseline):
        return above
    risen = _above_high_baseline(when.when_baseline_above_uln, lab)
    if isinstance(risen, Met):
        return risen
    if lab.uln is not None and lab.base > when.above_uln * lab.uln:
        was = Met("above ULN", f"above {when.above_uln} x ULN", history=True)
        return risen or (was if isinstance(above, Met) else None)
    return above if isinstance(above, Met) else risen or above


def _above_high_baseline(high: HighBaseline, lab: GradedFinding) -> Checked:
    """Compare with a baseline that was above ULN."""
    answers = [passes(lab, high.times_baseline, lab.base), passes(lab, high.times_uln, lab.uln)]
    if False in answers:
        return None
    words = f"more than {high.times_baseline} x baseline, which was above ULN, and more than {high.times_uln} x ULN"
    return as_checked(True if answers == [True, True] else None, lab, Met("high baseline", words))


def _is_high(lab: GradedFinding, baseline: GradedFinding | None) -> bool:
    """Whether the baseline lies above its own upper limit, or above the sample's where it came without one."""
    if baseline is not None and baseline.uln is not None:
        return passes(baseline, Decimal(1), baseline.uln) is True
    return lab.base is not None and lab.uln is not None and lab.base > lab.uln


def changes(when: When, lab: GradedFinding, labs: Sequence[GradedFinding], own: Sequence[Checked]) -> Iterator[Checked]:
    """Compare with what was before; beside `new_only` a multiple of the baseline is for what is history on its side."""
    history = {answer.low for answer in own if isinstance(answer, Met) and answer.history}
    if when.times_baseline is not None and (not when.new_only or False in history):
        yield _times_baseline(when.times_baseline, lab)
    if when.part_of_baseline is not None and True in history:
        yield _part_of_baseline(when.part_of_baseline, lab)
    for change, sign in ((when.rise, 1), (when.fall, -1)):
        if change is not None:
            found = _from_baseline(change, sign, lab) if change.hours is None else _within(change, sign, lab, labs)
            yield _if_low(lab, found) if change.only_low else found


def _times_baseline(times: Decimal, lab: GradedFinding) -> Checked:
    """Compare with a multiple of the baseline from below."""
    if lab.value is not None and (lab.base is None or (not lab.base and lab.value)):  # no multiple of 0 says a thing
        return _why_no_base(lab)
    reaches = passes(lab, times, lab.base, or_equal=lab.base != 0)
    return as_checked(reaches, lab, Met("times_baseline", f"at least {times} x baseline"))


def _part_of_baseline(part: Decimal, lab: GradedFinding) -> Checked:
    """Compare with a part of the baseline from above."""
    if lab.base is None:
        return _why_no_base(lab)
    fallen = undercuts(lab, round15(part * lab.base), or_equal=lab.base != 0)
    return as_checked(fallen, lab, Met("part_of_baseline", f"at most {part} x baseline", low=True))


def _why_no_base(lab: GradedFinding) -> Ungraded:
    """Say why there is no baseline to compare with: there is none, or it is in a unit and the result in none."""
    return Ungraded.NO_BASELINE if lab.baseline is None or lab.fits else why_not_compared(lab)


def _if_low(lab: GradedFinding, fallen: Checked) -> Checked:
    """Keep a fall, or a doubt about one, only where the result is low by its range or by CTCAE."""
    below = undercuts(lab, lab.lln) if lab.lln is not None else None
    if fallen is None or below or lab.low.lowest >= 1:
        return fallen
    if below is False:
        return None
    return why_not_compared(lab) if lab.lln is not None or lab.value is None else Ungraded.NO_RANGE


def _needed(change: Change, lab: GradedFinding, start: Decimal) -> Decimal | None:
    """Return how far a result has to lie from another, None where the units do not compare."""
    if change.by is not None:
        return difference_in(lab, change.by)
    return round15(start * (change.percent or 0) / 100)


def _from_baseline(change: Change, sign: int, lab: GradedFinding) -> Checked:
    """Compare with the baseline; a limit such as "<50" is judged by its mildest."""
    if lab.value is None:
        return why_not_compared(lab)
    needed = None if lab.base is None else _needed(change, lab, lab.base)
    if lab.base is None or needed is None:
        return _why_no_base(lab) if lab.base is None else why_not_compared(lab)
    far = round15(lab.base + sign * needed)
    if sign > 0:
        return as_checked(passes(lab, Decimal(1), far, or_equal=needed > 0), lab, Met("rise", f"up by {change}"))
    if far < 0 or not needed:
        return None
    return as_checked(undercuts(lab, far, or_equal=True), lab, Met("fall", f"down by {change}", low=True))


def _within(change: Change, sign: int, lab: GradedFinding, others: Sequence[GradedFinding]) -> Checked:
    """Compare with the samples of the hours before; a change is rather told than missed.

    Of two samples of one day without their times nobody knows which came first.
    """
    hours = change.hours or 0
    bound = lab.censor in (("<", "<=") if sign > 0 else (">", ">="))  # the truth lies less far out than the number
    if (
        lab.value is None
        or (lab.censor and not bound)
        or (change.by is not None and difference_in(lab, change.by) is None)
    ):
        return why_not_compared(lab)
    doubts: list[Ungraded] = []
    for other in others:
        before = (
            convert(lab.test, other.value, other.unit, lab.unit) if other.value is not None and other.fits else None
        )
        if other is lab or before is None or not _may_follow(lab.adt, other.adt, hours):
            continue
        far = _is_far(change, sign, lab, before, other.censor)
        if far is None or (far and bound):
            doubts.append(Ungraded.CENSORED)
        elif far and (lab.adt is None or other.adt is None or not (lab.adt.has_day and other.adt.has_day)):
            doubts.append(Ungraded.NO_DAY)
        elif far and elapsed(other.adt, lab.adt)[0] < timedelta(0):
            doubts.append(Ungraded.NO_TIME)
        elif far:
            way = "up" if sign > 0 else "down"
            words = f"{way} by {plain(abs(lab.value - before))} {lab.reported_unit} within {hours} h"
            return Met(way, words, low=sign < 0, moving=True)
    return doubts[0] if doubts else None


def _is_far(change: Change, sign: int, lab: GradedFinding, before: Decimal, censor: Censor) -> bool | None:
    """Whether a number lies far enough from one before it, which may itself be a limit; None where nobody can tell."""
    needed, value = _needed(change, lab, before), lab.value or Decimal(0)
    moved = sign * (value - before)
    far = moved > 0 and moved >= (needed or 0)
    if not censor:
        return far
    if (censor in ("<", "<=")) is (sign > 0):  # the true distance is at least what the limit says
        may_be_far = sign < 0 or change.percent is not None or value >= (needed or 0)
        return True if far else None if may_be_far and value > 0 else False
    return None if far else False


def _may_follow(later: Dtc | None, earlier: Dtc | None, hours: int) -> bool:
    """Whether a sample can have been taken after another and within so many hours.

    Without times two days count as the shortest they can be apart: a rise is rather told than missed.
    """
    if later is None or earlier is None:
        return True
    timed = later.has_time and earlier.has_time
    after = (later.earliest if timed else later.latest) > earlier.earliest
    return after and later.earliest - earlier.latest <= timedelta(hours=hours)
