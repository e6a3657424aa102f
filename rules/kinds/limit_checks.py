"""How a sample is judged by the limits of kind `value_limit`.

Any one limit that is met is enough; one that cannot be compared, while none is met, is not evaluable. A limit that the
baseline met already is history where the rulebook says so. It must not know thresholds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from rules.ctcae.grade import WITHOUT_BASELINE, Grade, Ungraded
from rules.dtc import Dtc
from rules.graded import GradedFinding
from rules.kinds.lab_episodes import (
    Amount,
    Judged,
    amount_in,
    baseline_of,
    difference_in,
    passes,
    plain,
    undercuts,
    why_not_compared,
)
from rules.kinds.limits import Change, HighBaseline, When
from rules.qualitative import STEPS, Span, read_word
from rules.units import convert, round15


@dataclass(frozen=True, slots=True)
class Met:
    """One limit that a sample meets: which, in words, and how far where that has steps."""

    limit: str
    words: str
    step: int = 0
    history: bool = False  # the baseline met it already


Checked = Met | Ungraded | None
"""A limit met, one that cannot be compared, or one that is not met or not asked for."""


def judge_samples(when: When, labs: Sequence[GradedFinding], *, dosed: bool = True) -> list[Judged]:
    """Judge every sample not certainly taken before the first dose, and the last one before it where that counts too.

    `labs` are one test's, in order of time; `dosed` says whether there was a dose.
    """
    done = [lab for lab in labs if lab.fault is not Ungraded.NO_RESULT]
    before = [lab for lab in done if lab.predose]
    last = before[-1] if before and dosed and when.baseline_too else None
    return [
        _judge_sample(when, lab, labs, _start_of(when, lab, labs)) for lab in done if not lab.predose or lab is last
    ]


def _start_of(when: When, lab: GradedFinding, labs: Sequence[GradedFinding]) -> GradedFinding | None:
    """Return the baseline of a sample; of a result in words, the last readable one on or before the first dose."""
    if when.positive is None or read_word(lab.result) is None:
        return baseline_of(labs, lab)
    before = [other for other in labs if other.predose and (read_word(other.result) or other.value is not None)]
    return before[-1] if before else None


def _judge_sample(
    when: When, lab: GradedFinding, labs: Sequence[GradedFinding], baseline: GradedFinding | None
) -> Judged:
    """Judge one sample by every limit."""
    word = read_word(lab.result) if when.positive is not None else None
    held = _reaches(when.hold_at_least, lab) if word is None else None
    checked = own = _without_history(when, lab, baseline)
    if word is None:
        checked = [held, *own, _above_uln(when, lab, baseline), *_changes(when, lab, labs, own)]
    met = [answer for answer in checked if isinstance(answer, Met) and not answer.history]
    unknown = {str(answer) for answer in checked if isinstance(answer, Ungraded)}
    return Judged(
        lab=lab,
        hit=bool(met),
        start=baseline,
        recovered=not met and not unknown and (word is not None or _is_back(when, lab)),
        unknown="" if met and not isinstance(held, Ungraded) else "; ".join(sorted(unknown)),
        because=tuple(dict.fromkeys(answer.words for answer in met)),
        history=tuple(answer.words for answer in checked if isinstance(answer, Met) and answer.history),
        severe=isinstance(held, Met),
        hold=isinstance(held, Met),
        grade=max((grade.lowest for grade in _grades(when, lab) if grade.term), default=None),
    )


def _without_history(when: When, lab: GradedFinding, baseline: GradedFinding | None) -> list[Checked]:
    """Check the limits of the result alone, and mark those that the baseline met as far where only new ones count."""
    own = list(_own_limits(when, lab))
    if not when.new_only or baseline is None:
        return own
    before = {met.limit: met.step for met in _own_limits(when, baseline) if isinstance(met, Met)}
    return [
        Met(answer.limit, answer.words, answer.step, history=True)
        if isinstance(answer, Met) and answer.step <= before.get(answer.limit, -1)
        else answer
        for answer in own
    ]


def _own_limits(when: When, lab: GradedFinding) -> Iterator[Checked]:
    """Check the limits that ask for nothing but the result and its range: of a result in words, its step."""
    word = read_word(lab.result) if when.positive is not None else None
    if when.positive is not None and (word is not None or not when.has_number):
        yield _positive(when.positive, word)
        return
    yield _reaches(when.at_least, lab)
    yield _is_below(when.below, lab)
    if when.above_uln is not None and when.when_baseline_above_uln is None:
        yield _over(when.above_uln, lab)
    if when.below_lln is not None:
        yield _under(when.below_lln, lab)
    if when.out_of_range:
        yield _over(Decimal(1), lab)
        yield _under(Decimal(1), lab)
    if when.min_grade is not None:
        yield _graded(when.min_grade, lab)


def _reaches(limit: Amount | None, lab: GradedFinding) -> Checked:
    """Compare with an absolute limit from below."""
    if limit is None:
        return None
    needed = amount_in(lab, limit)
    reaches = None if needed is None else passes(lab, Decimal(1), needed, or_equal=True)
    return _answer(reaches, lab, Met("at_least", f"at least {limit}"))


def _is_below(limit: Amount | None, lab: GradedFinding) -> Checked:
    """Compare with an absolute limit from above."""
    if limit is None:
        return None
    needed = amount_in(lab, limit)
    return _answer(None if needed is None else undercuts(lab, needed), lab, Met("below", f"below {limit}"))


def _over(times: Decimal, lab: GradedFinding) -> Checked:
    """Compare with a multiple of the upper limit of the range."""
    if lab.uln is None and lab.value is not None:
        return Ungraded.NO_RANGE
    words = f"more than {times} x ULN" if times != 1 else "above ULN"
    return _answer(passes(lab, times, lab.uln), lab, Met("above ULN", words))


def _under(times: Decimal, lab: GradedFinding) -> Checked:
    """Compare with a multiple of the lower limit of the range."""
    if lab.value is None or lab.lln is None:
        return why_not_compared(lab) if lab.value is None else Ungraded.NO_RANGE
    words = f"less than {times} x LLN" if times != 1 else "below LLN"
    return _answer(undercuts(lab, round15(times * lab.lln)), lab, Met("below LLN", words))


def _graded(least: int, lab: GradedFinding) -> Checked:
    """Compare the CTCAE grade, the worse of both directions."""
    grades = [grade for grade in (lab.low, lab.high) if grade.term]
    if not grades:
        return lab.fault or Ungraded.NO_CRITERION
    worst = max(grade.lowest for grade in grades)
    if worst >= least:
        return Met("min_grade", f"grade {worst}", step=worst)
    unknown = next((grade.ungraded or Ungraded.CENSORED for grade in grades if grade.highest >= least), None)
    alone = any(WITHOUT_BASELINE in grade.note for grade in grades)
    return unknown or (Ungraded.NO_BASELINE if alone else None)


def _positive(least: str, word: Span | None) -> Checked:
    """Compare a result in words with the step from which on it counts."""
    if word is None:
        return Ungraded.NO_WORD
    if word.lowest >= STEPS.index(least):
        return Met("positive", "positive", step=word.lowest)
    return Ungraded.OPEN_WORD if word.highest >= STEPS.index(least) else None


def _answer(met: bool | None, lab: GradedFinding, words: Met) -> Checked:
    """Turn a comparison into an answer."""
    return why_not_compared(lab) if met is None else words if met else None


def _above_uln(when: When, lab: GradedFinding, baseline: GradedFinding | None) -> Checked:
    """Compare with the upper limit, and with the baseline where that was high, where the rulebook asks for both.

    A baseline that was itself above the multiple of ULN is history: then only a rise from it counts.
    """
    if when.above_uln is None or when.when_baseline_above_uln is None:
        return None
    above = _over(when.above_uln, lab)
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
    return _answer(True if answers == [True, True] else None, lab, Met("high baseline", words))


def _changes(
    when: When, lab: GradedFinding, labs: Sequence[GradedFinding], own: Sequence[Checked]
) -> Iterator[Checked]:
    """Compare with what was before; a multiple of the baseline beside `new_only` is for baselines that are history."""
    if when.times_baseline is not None and (not when.new_only or any(isinstance(a, Met) and a.history for a in own)):
        if lab.base is None and lab.value is not None:
            yield Ungraded.NO_BASELINE
        else:
            reaches = passes(lab, when.times_baseline, lab.base, or_equal=True)
            yield _answer(reaches, lab, Met("times_baseline", f"at least {when.times_baseline} x baseline"))
    for change, sign in ((when.rise, 1), (when.fall, -1)):
        if change is not None:
            yield _from_baseline(change, sign, lab) if change.hours is None else _within(change, sign, lab, labs)


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
        return Ungraded.NO_BASELINE if lab.base is None else why_not_compared(lab)
    far = round15(lab.base + sign * needed)
    if sign > 0:
        return _answer(passes(lab, Decimal(1), far, or_equal=True), lab, Met("rise", f"up by {change}"))
    if far < 0:
        return None
    return _answer(undercuts(lab, far, or_equal=True), lab, Met("fall", f"down by {change}"))


def _within(change: Change, sign: int, lab: GradedFinding, others: Sequence[GradedFinding]) -> Checked:
    """Compare with the samples of the hours before; a change is rather told than missed."""
    hours = change.hours or 0
    if lab.value is None or lab.censor or (change.by is not None and difference_in(lab, change.by) is None):
        return why_not_compared(lab)
    undated = False
    for other in others:
        if other.value is None or other.censor or not other.fits:
            continue
        before = convert(lab.test, other.value, other.unit, lab.unit)
        needed = None if before is None else _needed(change, lab, before)
        if before is None or not needed or sign * (lab.value - before) < needed:
            continue
        if lab.adt is None or other.adt is None or not lab.adt.has_day or not other.adt.has_day:
            undated |= _may_follow(lab.adt, other.adt, hours)
        elif _may_follow(lab.adt, other.adt, hours):
            way = "up" if sign > 0 else "down"
            return Met(way, f"{way} by {plain(abs(lab.value - before))} {lab.reported_unit} within {hours} h")
    return Ungraded.NO_DAY if undated else None


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


def _is_back(when: When, lab: GradedFinding) -> bool:
    """Whether a result is back to its range, or to the baseline where that lay further out; a low one needs a range."""
    high = [end for end in (lab.uln, lab.base) if end is not None]
    low = [end for end in (lab.lln, lab.base) if end is not None]
    up_again = when.looks_down and lab.lln is not None and undercuts(lab, min(low)) is not False
    down_again = when.looks_up and high and passes(lab, Decimal(1), max(high)) is not False
    return not up_again and not down_again


def _grades(when: When, lab: GradedFinding) -> Iterator[Grade]:
    """Return the grades in the directions that the rule looks."""
    if when.looks_up:
        yield lab.high
    if when.looks_down:
        yield lab.low
