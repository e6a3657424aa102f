"""What makes no sense in the limits of kind `value_limit`, each refused in one sentence.

It knows limits and tests. It must not know results.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from rules.ctcae.criteria import VERSIONS, Direction, Reference, criteria, last_grade
from rules.ctcae.identity import lab_tests
from rules.kinds.amounts import Amount, check_unit
from rules.qualitative import STEPS
from rules.units import convert

DIRECTIONS: tuple[Direction, Direction] = ("L", "H")

if TYPE_CHECKING:
    from rules.kinds.limits import Change, When


def insist_on_sense(when: "When", versions: tuple[str, ...] = VERSIONS) -> None:
    """Raise ValueError, in one sentence, where limits contradict each other or the CTCAE versions in use."""
    changes = [change.by for change in (when.rise, when.fall) if change is not None]
    for test in when.tests:
        check_unit(test, "")
        for amount in (when.at_least, when.hold_at_least, when.below, when.recovers_at_least, when.recovers_at_most):
            check_unit(test, amount.unit if amount is not None else "")
        for amount in changes:
            check_unit(test, amount.unit if amount is not None else "")
    _check_limits(when)
    _check_tests(when)
    for test in when.tests:
        _check_recovery(when, test, versions)
    _check_history(when, versions)


def _check_limits(when: "When") -> None:
    """Refuse limits that are missing, or that go together with none or with each other."""
    if when.min_grade is not None:
        for test in when.tests:
            if not any(last_grade(version, test, way) for version in VERSIONS for way in DIRECTIONS):
                raise ValueError(f"min_grade: no CTCAE version grades {test} by a number")
    if not (when.looks_up or when.looks_down):
        raise ValueError(
            "give at_least, below, above_uln, below_lln, out_of_range, min_grade, positive, times_baseline, rise "
            "or fall"
        )
    if when.hold_at_least is not None and when.at_least is None:
        raise ValueError("hold_at_least goes beside at_least, which is missing")
    if when.when_baseline_above_uln is not None and (when.above_uln is None or when.new_only):
        raise ValueError("when_baseline_above_uln goes beside above_uln, which is missing, and not with new_only")
    if when.times_baseline is not None and when.times_baseline <= 1:
        raise ValueError("times_baseline must be above 1: an unchanged result is no rise")
    if when.fall is not None and when.fall.percent is not None and when.fall.percent > 100:
        raise ValueError("fall.percent must not be above 100")
    if when.rise is not None and when.rise.only_low:
        raise ValueError("only_low is for a fall")
    if when.new_only and when.baseline_too:
        raise ValueError("new_only and baseline_too contradict each other")


def _check_tests(when: "When") -> None:
    """Refuse tests that stand twice or are no one concern, and amounts that overlap for one of them."""
    if len(set(when.tests)) < len(when.tests):
        raise ValueError("a test stands twice")
    if when.either and (len(when.tests) < 2 or len(when.domains) > 1):
        raise ValueError("either is for several tests of one domain: they are one concern")
    for test in when.tests:
        if when.hold_at_least and when.at_least and _order(test, when.at_least, when.hold_at_least) >= 0:
            raise ValueError("hold_at_least must lie above at_least")
        if when.below and when.at_least and _order(test, when.below, when.at_least) > 0:
            raise ValueError("below must not lie above at_least: every result would be a concern")


def _order(test: str, one: Amount, other: Amount) -> int:
    """Compare two amounts of a test: below 0 where the first is lower."""
    converted = convert(test, one.value, one.unit, other.unit)
    return 0 if converted is None else int(converted.compare(other.value))


def _check_recovery(when: "When", test: str, versions: tuple[str, ...]) -> None:
    """Refuse a recovery that no result reaches, that lies beyond its limit, or that has none."""
    low, high = when.recovers_at_least, when.recovers_at_most
    looks_down = when.looks_down and (when.has_low_number or bool(_grades(when, test, "L", versions)))
    looks_up = when.looks_up and (when.has_high_number or bool(_grades(when, test, "H", versions)))
    if (low and not looks_down) or ((high or when.recovers_at_times_uln) and not looks_up):
        raise ValueError("recovers_at_least is for a low limit, recovers_at_most for a high one: there is none")
    if sum(way is not None for way in (high, when.recovers_at_times_uln, when.recovers_at_times_baseline)) > 1:
        raise ValueError("give one of recovers_at_most, recovers_at_times_uln and recovers_at_times_baseline")
    for level in filter(None, (low, high)):
        insist_on_possible(test, level)
    for lower, higher in ((when.below, low), (high, when.at_least), (when.below, high), (low, when.at_least)):
        if lower is not None and higher is not None and _order(test, lower, higher) > 0:
            raise ValueError("recovers_at_least and recovers_at_most must not lie beyond their limit, or the other one")
    if high is not None and any(order < 0 for order in _short_of_grade(when, test, "H", high, versions)):
        raise ValueError("recovers_at_most must not lie where min_grade begins")
    if low is not None and any(order < 0 for order in _short_of_grade(when, test, "L", low, versions)):
        raise ValueError("recovers_at_least must not lie where min_grade begins")
    _check_multiples(when)


def _check_multiples(when: "When") -> None:
    """Refuse a recovery in multiples that lies beyond its limit, or below what is normal."""
    uln, base = when.recovers_at_times_uln, when.recovers_at_times_baseline
    if uln is not None and not 1 <= uln <= (when.above_uln or 0):
        raise ValueError("recovers_at_times_uln goes beside above_uln, from 1 up to it")
    if base is not None and (when.has_own_limit or not 1 <= base < (when.times_baseline or 0)):
        raise ValueError(
            "recovers_at_times_baseline, from 1 on, goes beside a times_baseline above it and no other limit"
        )


def insist_on_possible(test: str, level: Amount) -> None:
    """Raise ValueError, in one sentence, unless somebody can have a result at a level."""
    known = lab_tests()[test]
    usual = convert(test, level.value, level.unit, known.units[0])
    if usual is not None and not (known.least or Decimal(0)) <= usual <= (known.most or usual):
        raise ValueError(f"{level} is no recovery: nobody has such a result of {test}")


def _grades(when: "When", test: str, direction: Direction, versions: tuple[str, ...]) -> list[int]:
    """Return the gravest grades that a number can give a test, of the versions in which it reaches `min_grade`."""
    last = [last_grade(version, test, direction) for version in versions]
    return [grade for grade in last if when.min_grade is not None and grade >= when.min_grade]


def _short_of_grade(
    when: "When", test: str, direction: Direction, level: Amount, versions: tuple[str, ...]
) -> Iterator[int]:
    """Compare a level with each absolute number at which `min_grade` begins: below 0 where it has that grade."""
    for version in versions if when.min_grade is not None else ():
        for line in criteria(version).get((test, direction), ()):
            for bound in line.bounds if line.grade >= (when.min_grade or 0) and line.unit else ():
                if bound.above is (direction == "H") and bound.reference is Reference.ABSOLUTE:
                    order = _order(test, Amount(value=bound.offset, unit=line.unit), level)
                    yield (order if bound.above else -order) or (-1 if bound.inclusive else 0)


def _check_history(when: "When", versions: tuple[str, ...]) -> None:
    """Refuse a baseline that met a limit and would hide what becomes worse."""
    if not when.new_only:
        if when.part_of_baseline is not None:
            raise ValueError("part_of_baseline goes beside new_only, which is missing; else ask for a fall")
        return
    if not when.has_own_limit:
        raise ValueError("new_only needs a limit that the baseline can meet: a change from it is always new")
    upwards = when.at_least is not None or when.above_uln is not None or when.out_of_range
    downwards = when.below is not None or when.below_lln is not None or when.out_of_range
    if upwards and when.times_baseline is None and not _is_from_baseline(when.rise):
        raise ValueError("new_only beside a high limit needs times_baseline: what counts where it was high before?")
    if downwards and when.part_of_baseline is None and not _is_from_baseline(when.fall):
        raise ValueError("new_only beside a low limit needs part_of_baseline: what counts where it was low before?")
    last = [grade for test in when.tests for way in DIRECTIONS for grade in _grades(when, test, way, versions)]
    if when.positive == STEPS[-1] or when.min_grade in last:
        raise ValueError("new_only needs a step that has a graver one: what counts where it was met before?")


def _is_from_baseline(change: "Change | None") -> bool:
    """Whether a change is asked for that counts from the baseline, however slowly it comes."""
    return change is not None and change.hours is None
