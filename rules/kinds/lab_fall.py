"""When a falling count is a concern: how kind `lab_toxicity` judges one sample by its thresholds.

A sample meets the criterion when (a) its grade is above the baseline's, or the baseline's was the last that a number
can give, and the fall from baseline is large enough, or (b) it reaches a high grade that the baseline did not have, or
(c) it crashed from baseline or from the last sample, or (d) it meets a hold criterion that the baseline did not meet.
What is not certain is judged at its mildest; whether it could be worse is then said as not evaluable.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rules.ctcae.criteria import last_grade
from rules.ctcae.grade import Ungraded
from rules.extent import extent_of
from rules.graded import GradedFinding
from rules.kinds.amounts import amount_in, percent_below
from rules.kinds.comparison import is_up_again, undercuts
from rules.kinds.fall_limits import MILD, Hold, When
from rules.kinds.lab_episodes import Judged
from rules.kinds.lab_samples import whole
from rules.units import convert


@dataclass(frozen=True, slots=True)
class Grades:
    """The range of grades that a sample can have, and why it is a range."""

    lowest: int
    highest: int
    why: str = ""


def grades_of(when: When, lab: GradedFinding) -> Grades:
    """Grade a fall by CTCAE, or by the rule's own cut-offs where the version has no number."""
    grade = lab.low
    if grade.ungraded not in (Ungraded.NO_CRITERION, Ungraded.NO_NUMBER):
        return Grades(grade.lowest, grade.highest, str(grade.ungraded or ""))
    if when.cut_offs is None:
        return Grades(0, 4, str(grade.ungraded))
    limits = [(level, amount_in(lab, amount)) for level, amount in when.cut_offs.grades]
    known = [(level, limit) for level, limit in limits if limit is not None]
    if lab.value is None or len(known) < len(limits):
        return Grades(0, 4, str(lab.fault or (Ungraded.UNKNOWN_UNIT if lab.unit else Ungraded.NO_UNIT)))
    lowest = next((level for level, limit in known if undercuts(lab, limit)), 0)
    highest = next((level for level, limit in known if undercuts(lab, limit) is not False), 0)
    return Grades(lowest, highest, str(Ungraded.CENSORED) if lowest < highest else "")


def last_grade_of(when: When, ctcae: str) -> int:
    """Return the grade beyond which a fall cannot be graded: of the version, else 4, of the rule's own cut-offs."""
    return last_grade(ctcae, when.test, "L") or 4


def judge_samples(when: When, labs: Sequence[GradedFinding], ctcae: str) -> list[Judged]:
    """Judge every sample not certainly taken before the first dose; `labs` are one test's, in order of time."""
    last = last_grade_of(when, ctcae)
    by_key = {lab.record.key: lab for lab in labs}
    judged = []
    previous: GradedFinding | None = None
    for lab in labs:
        if not lab.predose and lab.fault is not Ungraded.NO_RESULT:
            baseline = by_key.get(lab.baseline.key) if lab.baseline is not None else None
            judged.append(_judge_sample(when, lab, baseline, previous, last))
        if lab.value is not None and not lab.censor and lab.fits:
            previous = lab
    return judged


def _judge_sample(
    when: When, lab: GradedFinding, baseline: GradedFinding | None, previous: GradedFinding | None, last: int
) -> Judged:
    """Judge one sample against its baseline and the sample before it; beyond the `last` grade a fall alone counts."""
    grades = grades_of(when, lab)
    start = grades_of(when, baseline) if baseline is not None and lab.base is not None else None
    fall = fall_from(lab, lab.base)
    held = [hold for hold in when.hold if _holds(hold, lab, fall)]
    newly_held = [hold for hold in held if baseline is None or not _holds(hold, baseline, None)]
    because = [f"meets the hold criterion {hold}" for hold in newly_held]
    new_high = grades.lowest >= when.new_grade and (start is None or grades.lowest > start.highest)
    if new_high:
        because.append(f"new grade {grades.lowest} ({f'grade {start.lowest} at' if start else 'no usable'} baseline)")
    because.extend(_crash_words(when, lab, fall, previous))
    severe = bool(because)
    if not severe and start is not None and _falls_enough(when, lab):
        because.extend(_grade_words(grades, start, last, f"with a fall of {whole(fall)} %"))
    room = when.recovers_at_least is None or is_up_again(lab, amount_in(lab, when.recovers_at_least))
    unknown = _why_unknown(when, lab, grades, start, last)
    return Judged(
        lab=lab,
        hit=bool(because),
        recovered=lab.value is not None and grades.highest <= max(MILD, start.highest if start else 0) and room,
        calm=not because and not unknown and room,
        unknown=unknown if not because else "" if held else _hold_in_doubt(when, lab),
        because=tuple(because),
        severe=severe,
        hold=bool(because and held),
        at_once=bool(because and held) or (new_high and grades.lowest >= when.immediate_grade),
        grave=new_high and _falls_enough(when, lab),
        grade=grades.lowest,
        highest=grades.highest,
        extent=(extent_of(lab, low=True),),
    )


def _grade_words(grades: Grades, start: Grades, last: int, fall: str) -> Iterator[str]:
    """Say by which grade a fall that is large enough counts."""
    if grades.lowest > start.lowest:
        yield f"grade {grades.lowest}, up from {start.lowest} at baseline, {fall}"
    elif start.lowest == last:
        yield f"grade {last} at baseline already, the last that a number can give, {fall}"


def _why_unknown(when: When, lab: GradedFinding, grades: Grades, start: Grades | None, last: int) -> str:
    """Say why a sample that is not certainly a hit could still be one, '' if it could not."""
    if lab.value is None:
        return grades.why
    if start is None:
        return (grades.why or lab.no_baseline) if grades.highest else ""
    if grades.highest <= start.lowest:
        further = lab.censor in ("<", "<=") or (lab.censor and _falls_as_far(when, lab))
        return str(Ungraded.CENSORED) if further and start.lowest == last else ""
    falls = lab.censor in (">", ">=") or _falls_enough(when, lab)
    return grades.why if falls or grades.highest >= when.new_grade else ""


def _hold_in_doubt(when: When, lab: GradedFinding) -> str:
    """Say why a sample that is told, and for certain meets no hold criterion, may yet meet one; '' if it cannot."""
    return next((f"whether to hold: {doubt}" for hold in when.hold if (doubt := _may_hold(hold, lab))), "")


def _may_hold(hold: Hold, lab: GradedFinding) -> str:
    """Say why nobody can tell whether a told sample, which has a unit, meets a hold criterion, '' where certain."""
    limit = amount_in(lab, hold.below)
    if limit is None:
        return str(Ungraded.UNKNOWN_UNIT)
    if undercuts(lab, limit) is False:
        return ""
    if hold.min_fall_percent is not None and lab.base is None:
        return lab.no_baseline
    return str(Ungraded.CENSORED) if lab.censor else ""


def fall_from(lab: GradedFinding, reference: Decimal | None) -> Decimal | None:
    """Return by how many percent at least a result lies below a reference in its unit, None where that is not known."""
    if lab.value is None or reference is None or lab.censor in (">", ">="):
        return None
    return percent_below(lab.value, reference)


def _falls_enough(when: When, lab: GradedFinding) -> bool:
    """Whether the fall from baseline is certainly as large as (a) asks."""
    return lab.censor not in (">", ">=") and _falls_as_far(when, lab)


def _falls_as_far(when: When, lab: GradedFinding) -> bool:
    """Whether the number of a result, which may be a limit, lies as far below the baseline as (a) asks."""
    if lab.value is None or lab.base is None:
        return False
    if when.min_fall_percent is not None:
        fall = percent_below(lab.value, lab.base)
        return fall is not None and fall >= when.min_fall_percent
    needed = amount_in(lab, when.min_fall) if when.min_fall is not None else None
    return needed is not None and lab.base - lab.value >= needed


def _crash_words(when: When, lab: GradedFinding, fall: Decimal | None, previous: GradedFinding | None) -> Iterator[str]:
    """Say from what a sample crashed."""
    if when.crash_fall_percent is None:
        return
    if fall is not None and fall >= when.crash_fall_percent:
        yield f"fall of {whole(fall)} % from baseline"
    since = fall_from(lab, value_in_unit_of(lab, previous))
    if since is not None and since >= when.crash_fall_percent:
        yield f"fall of {whole(since)} % from the last sample"


def value_in_unit_of(lab: GradedFinding, other: GradedFinding | None) -> Decimal | None:
    """Return another sample's value in the unit of this one, None where the units do not compare."""
    if other is None or other.value is None or not (lab.fits and other.fits):
        return None
    return convert(lab.test, other.value, other.unit, lab.unit)


def _holds(hold: Hold, lab: GradedFinding, fall: Decimal | None) -> bool:
    """Whether a sample certainly meets a hold criterion."""
    limit = amount_in(lab, hold.below)
    if limit is None or not undercuts(lab, limit):
        return False
    return hold.min_fall_percent is None or (fall is not None and fall >= hold.min_fall_percent)
