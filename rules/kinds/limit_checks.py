"""How a sample is judged by the limits of kind `value_limit`.

Any one limit that is met is enough; one that cannot be compared, while none is met, is not evaluable. A limit that the
baseline met already is history where the rulebook says so. It must not know thresholds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from rules.ctcae.grade import WITHOUT_BASELINE, Grade, Ungraded
from rules.extent import extent_of
from rules.graded import GradedFinding
from rules.kinds.amounts import Amount, amount_in
from rules.kinds.change_checks import Checked, Met, above_high_uln, as_checked, changes, over_uln
from rules.kinds.comparison import is_down_again, is_up_again, passes, undercuts, why_not_compared
from rules.kinds.lab_episodes import Judged
from rules.kinds.lab_samples import baseline_of
from rules.kinds.limits import When
from rules.qualitative import STEPS, Span, read_word
from rules.units import round15


def judge_samples(
    when: When, labs: Sequence[GradedFinding], *, dosed: bool = True, low: bool | None = None
) -> list[Judged]:
    """Judge every sample not certainly taken before the first dose, and the last one before it where that counts too.

    `labs` are one test's, in order of time; `dosed` says whether there was a dose; `low` asks for one side alone.
    """
    done = [lab for lab in labs if lab.fault is not Ungraded.NO_RESULT]
    before = [lab for lab in done if lab.predose]
    last = before[-1] if before and dosed and when.baseline_too else None
    return [
        _judge_sample(when, lab, labs, _start_of(when, lab, labs), low)
        for lab in done
        if not lab.predose or lab is last
    ]


def _start_of(when: When, lab: GradedFinding, labs: Sequence[GradedFinding]) -> GradedFinding | None:
    """Return the baseline of a sample; of a result in words, the last readable one on or before the first dose."""
    if when.positive is None or read_word(lab.result) is None:
        return baseline_of(labs, lab)
    before = [other for other in labs if other.predose and (read_word(other.result) or other.value is not None)]
    return before[-1] if before else None


def _judge_sample(
    when: When, lab: GradedFinding, labs: Sequence[GradedFinding], baseline: GradedFinding | None, low: bool | None
) -> Judged:
    """Judge one sample by every limit, or by those of one side."""
    word = read_word(lab.result) if when.positive is not None else None
    held = _reaches(when.hold_at_least, lab) if word is None else None
    checked = own = _without_history(when, lab, baseline)
    if word is None:
        checked = [held, *own, above_high_uln(when, lab, baseline), *changes(when, lab, labs, own)]
    out = [answer for answer in checked if isinstance(answer, Met) and not answer.history]
    if low is not None:
        checked = [
            a for a in checked if not isinstance(a, Met) or (a.low is low and (a.history or _is_low(out) is low))
        ]
    met = [answer for answer in checked if isinstance(answer, Met) and not answer.history]
    doubts = {answer for answer in checked if isinstance(answer, Ungraded)}
    at_baseline = Ungraded.NO_RANGE in doubts and _is_at_baseline(when, lab, low)
    # A missing baseline does not make doubtful that a result is back, nor a missing range that it is at the baseline.
    known = doubts <= {Ungraded.NO_BASELINE} or at_baseline
    grades = [grade for grade in _grades(when, lab) if grade.term]
    return Judged(
        lab=lab,
        hit=bool(met),
        start=baseline,
        recovered=not met and known and (word is not None or at_baseline or _is_back(when, lab, low)),
        turned=bool(out) and not met,
        calm=not met and not doubts,
        unknown="" if met and not isinstance(held, Ungraded) else "; ".join(sorted(_words(lab, doubts))),
        because=tuple(dict.fromkeys(answer.words for answer in met)),
        history=tuple(answer.words for answer in checked if isinstance(answer, Met) and answer.history),
        severe=held in met,
        hold=held in met,
        grade=max((grade.lowest for grade in grades), default=None),
        highest=max((grade.highest for grade in grades), default=4),
        extent=tuple(extent_of(lab, low=low, word=word) for low in _sides(checked, history=not met)),
    )


def _is_low(met: Sequence[Met]) -> bool:
    """Whether a sample that meets limits is of the low side; of both, of that where it lies, wherever it moves."""
    return next((answer.low for answer in met if not answer.moving), met[0].low)


def _words(lab: GradedFinding, doubts: Iterable[Ungraded]) -> Iterator[str]:
    """Say why a result cannot be evaluated; a baseline that is not believed is named."""
    for doubt in doubts:
        yield lab.no_baseline if doubt is Ungraded.NO_BASELINE and lab.refused else str(doubt)


def _sides(checked: Sequence[Checked], *, history: bool) -> list[bool]:
    """Return on which sides a sample meets limits, or met them as the baseline did: True for the low one."""
    return sorted({answer.low for answer in checked if isinstance(answer, Met) and answer.history is history})


def _without_history(when: When, lab: GradedFinding, baseline: GradedFinding | None) -> list[Checked]:
    """Check the limits of the result alone, and mark those that the baseline met as far where only new ones count."""
    own = list(_own_limits(when, lab))
    if not when.new_only or baseline is None:
        return own
    before = {(met.limit, met.low): met.step for met in _own_limits(when, baseline) if isinstance(met, Met)}
    return [
        replace(answer, history=True)
        if isinstance(answer, Met) and answer.step <= before.get((answer.limit, answer.low), -1)
        else answer
        for answer in own
    ]


def _own_limits(when: When, lab: GradedFinding) -> Iterator[Checked]:
    """Check the limits that ask for nothing but the result and its range: of a result in words, its step."""
    word = read_word(lab.result) if when.positive is not None else None
    if when.positive is not None and (word is not None or not when.has_number):
        answer = _positive(when.positive, word)
        blind = lab.fault is Ungraded.UNKNOWN_SPECIMEN and not isinstance(answer, Met)
        yield Ungraded.UNKNOWN_SPECIMEN if blind else answer  # a negative of who knows what clears nobody
        return
    yield _reaches(when.at_least, lab)
    yield _is_below(when.below, lab)
    if when.above_uln is not None and when.when_baseline_above_uln is None:
        yield over_uln(when.above_uln, lab)
    if when.below_lln is not None:
        yield _under(when.below_lln, lab)
    if when.out_of_range:
        yield over_uln(Decimal(1), lab)
        yield _under(Decimal(1), lab)
    if when.min_grade is not None:
        yield from _graded(when.min_grade, lab)


def _reaches(limit: Amount | None, lab: GradedFinding) -> Checked:
    """Compare with an absolute limit from below."""
    if limit is None:
        return None
    reaches = passes(lab, Decimal(1), amount_in(lab, limit), or_equal=True)
    return as_checked(reaches, lab, Met("at_least", f"at least {limit}"))


def _is_below(limit: Amount | None, lab: GradedFinding) -> Checked:
    """Compare with an absolute limit from above."""
    if limit is None:
        return None
    needed = amount_in(lab, limit)
    return as_checked(None if needed is None else undercuts(lab, needed), lab, Met("below", f"below {limit}", low=True))


def _under(times: Decimal, lab: GradedFinding) -> Checked:
    """Compare with a multiple of the lower limit of the range."""
    if lab.value is None or lab.lln is None:
        return why_not_compared(lab) if lab.value is None else Ungraded.NO_RANGE
    words = f"less than {times} x LLN" if times != 1 else "below LLN"
    return as_checked(undercuts(lab, round15(times * lab.lln)), lab, Met("below LLN", words, low=True))


def _graded(least: int, lab: GradedFinding) -> Iterator[Checked]:
    """Compare the CTCAE grade in each direction that has one."""
    grades = [grade for grade in (lab.low, lab.high) if grade.term]
    if not grades:
        yield lab.fault or Ungraded.NO_CRITERION
    for grade in grades:
        if grade.lowest >= least:
            yield Met("min_grade", f"grade {grade.lowest}", grade.lowest, low=grade is lab.low)
        elif grade.highest >= least:
            yield grade.ungraded or Ungraded.CENSORED
        elif WITHOUT_BASELINE in grade.note:
            yield Ungraded.NO_BASELINE


def _positive(least: str, word: Span | None) -> Checked:
    """Compare a result in words with the step from which on it counts."""
    if word is None:
        return Ungraded.NO_WORD
    if word.lowest >= STEPS.index(least):
        return Met("positive", "positive", step=word.lowest)
    return Ungraded.OPEN_WORD if word.highest >= STEPS.index(least) else None


def _is_at_baseline(when: When, lab: GradedFinding, low: bool | None) -> bool:
    """Whether a result lies no further out than its baseline, on either side or on the one asked for."""
    if lab.base is None:
        return False
    down = low is True or not when.looks_up or passes(lab, Decimal(1), lab.base) is False
    return down and (low is False or not when.looks_down or undercuts(lab, lab.base) is False)


def _is_back(when: When, lab: GradedFinding, low: bool | None) -> bool:
    """Whether a result that meets nothing is back on either side on which the rule looks, or on the one asked for."""
    if when.is_momentary:
        return True
    down = low is True or not when.looks_up or _is_down_again(when, lab)
    return down and (low is False or not when.looks_down or _is_up_again(when, lab))


def _is_down_again(when: When, lab: GradedFinding) -> bool:
    """Whether a result is as far down as the rule says; else within its range, or no higher than the baseline."""
    if when.recovers_at_times_baseline is not None and lab.base is not None:
        return passes(lab, when.recovers_at_times_baseline, lab.base) is False
    if when.recovers_at_times_uln is not None:
        return is_down_again(lab, None if lab.uln is None else round15(when.recovers_at_times_uln * lab.uln))
    if when.recovers_at_most is not None:
        return is_down_again(lab, amount_in(lab, when.recovers_at_most))
    ends = [end for end in (lab.uln, lab.base) if end is not None]
    return not ends or passes(lab, Decimal(1), max(ends)) is False


def _is_up_again(when: When, lab: GradedFinding) -> bool:
    """Whether a result is as far up as the rule says; else, where it has a range, within it or at the baseline."""
    if when.recovers_at_least is not None:
        return is_up_again(lab, amount_in(lab, when.recovers_at_least))
    return lab.lln is None or is_up_again(lab, lab.lln)


def _grades(when: When, lab: GradedFinding) -> Iterator[Grade]:
    """Return the grades in the directions that the rule looks."""
    if when.looks_up:
        yield lab.high
    if when.looks_down:
        yield lab.low
