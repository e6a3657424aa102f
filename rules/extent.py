"""How far out a result is, so that what becomes worse within one grade is told again.

A result is further out than a told one when it lies beyond it by as much as the table of tests says (`worse_by` of
`rules/ctcae/identity.csv`, in the usual unit), or where that is blank by half as much again; a word, by a further step.
Of some tests nothing is further out than positive. What is told and what is found are compared test by test, on each
side, so that a further test is news. It must not know a rule.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from rules.ctcae.identity import lab_tests
from rules.hit import Extent
from rules.qualitative import Span
from rules.units import UNITY, convert, factor

if TYPE_CHECKING:
    from rules.graded import GradedFinding

_HALF_AS_MUCH_AGAIN = Decimal("1.5")


def extent_of(lab: "GradedFinding", *, low: bool = False, word: Span | None = None) -> Extent:
    """Return how far out a result is; a limit such as "<50" by its number, a word that is open by its mildest step."""
    test, said = lab_tests()[lab.test], f"{lab.result} {lab.reported_unit}".strip()
    if test.worse_by is not None and not test.worse_by.is_finite():
        return Extent(test=lab.test, side="once", value=Decimal(0), said=said)
    if word is not None:
        return Extent(test=lab.test, side="words", value=Decimal(word.lowest), said=said)
    value = lab.value or Decimal(0)
    usual = convert(lab.test, value, lab.unit, test.units[0])
    return Extent(
        test=lab.test,
        side="low" if low else "high",
        unit=lab.reported_unit if usual is None else test.units[0],
        value=value if usual is None else usual,
        said=said,
    )


def worst_of(extents: Iterable[Extent]) -> tuple[Extent, ...]:
    """Return the furthest out of each test on each side, in the order in which they are met."""
    worst: dict[tuple[object, ...], Extent] = {}
    for extent in extents:
        if extent.of not in worst or extent.out > worst[extent.of].out:
            worst[extent.of] = extent
    return tuple(worst.values())


def further(extents: Iterable[Extent], than: Iterable[Extent]) -> list[tuple[Extent, Extent | None]]:
    """Return each extent that is further out than its like among others, with that; with None where it has none."""
    others = {other.of: other for other in than}
    pairs = [(extent, others.get(extent.of)) for extent in extents]
    return [(extent, other) for extent, other in pairs if other is None or _is_further(extent, other)]


def _is_further(extent: Extent, other: Extent) -> bool:
    """Whether an extent lies beyond another of the same test and side by as much as is told again."""
    if extent.side == "words" or extent.out <= other.out:
        return extent.out > other.out
    by = lab_tests()[extent.test].worse_by
    if by is not None:
        return extent.out - other.out >= by
    more, less = (other, extent) if extent.side == "low" else (extent, other)
    return more.value >= _HALF_AS_MUCH_AGAIN * less.value


def name_of(extent: Extent) -> str:
    """Name an extent for people, with the result, as "Oxygen saturation 52 %"."""
    test = lab_tests().get(extent.test)
    return f"{test.name} {extent.said}" if test is not None else extent.said


def worse_by(test: str, unit: str = "") -> str:
    """Say by how much a result of a test is worse than one that was told, as "5 %"; '' where nothing is.

    It is said in the unit asked for, where the usual one converts to it by a factor.
    """
    known = lab_tests()[test]
    if known.worse_by is None:
        return f"a factor of {_HALF_AS_MUCH_AGAIN}"
    if not known.worse_by.is_finite():
        return ""
    usual = known.units[0]
    times = factor(test, usual, unit)
    by, said = (known.worse_by * times[0] / times[1], unit) if times is not None else (known.worse_by, usual)
    return f"{by.normalize():f}{f' {said}' if said != UNITY else ''}"
