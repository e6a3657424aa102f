"""The columns that the grading engine reads and writes, and how their numbers are rounded.

It knows shapes and codes. It must not know a criterion's meaning.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from rules.ctcae.criteria import Criterion, Reference
from rules.ctcae.grade import NO_GRADE, WITHOUT_BASELINE, Basis, Grade, Ungraded
from rules.units import SIGNIFICANT

Floats = NDArray[np.float64]
Smalls = NDArray[np.int8]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

BELOW, AT_MOST, EXACT, AT_LEAST, ABOVE = -2, -1, 0, 1, 2
"""How a result is meant: "<5", "<=5", "5", ">=5", ">5"."""

Conversion = tuple[Decimal, Decimal]
AS_IS: Conversion = (Decimal(1), Decimal(1))
"""A multiplier and a divisor."""

_UNGRADED = tuple(Ungraded)
GRADED = -1
CONVERTED, NO_BASELINE, NO_BASELINE_VALUE = 1, 2, 4
_NOTES = {
    CONVERTED: "converted to a unit of the criteria",
    NO_BASELINE: WITHOUT_BASELINE,
    NO_BASELINE_VALUE: "baseline flagged high but its value is missing: graded on ULN",
}


def code(reason: Ungraded | None) -> int:
    """Return the number by which a column names a reason, or the absence of one."""
    return GRADED if reason is None else _UNGRADED.index(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Columns of results. Value, range and baseline of a row share the row's unit; what is missing is NaN."""

    groups: Sequence[tuple[str, str]]  # (test, unit): a unit that fits the test, '' or UNKNOWN_UNIT
    group: NDArray[np.intp]  # index into groups
    value: Floats
    censor: Smalls  # EXACT, or how the value limits the result
    fault: Smalls  # `code` of why there is no number
    lln: Floats
    uln: Floats
    base: Floats
    base_state: Smalls  # LOW, NORMAL, HIGH or UNKNOWN
    after: Flags  # taken after the baseline sample, or, where there is none, after the first dose
    fasting: Smalls | None = None  # 1 fasting, 0 not, -1 unknown; None where that is known of no row
    pchg: Floats | None = None  # change from baseline in percent as reported; else it follows from value and baseline
    # not init: a copy with other values must not take over what was made of these
    _rounded: dict[str, Floats] = field(default_factory=dict, init=False, repr=False, compare=False)
    _rows: list[Places] = field(default_factory=list, init=False, repr=False, compare=False)

    def rows_of(self, group: int) -> Places:
        """Return the rows of a group, in order; found once, for both directions."""
        if not self._rows:
            small = self.group.astype(np.int16) if len(self.groups) < np.iinfo(np.int16).max else self.group
            order = np.argsort(small, kind="stable")
            starts = np.searchsorted(small[order], np.arange(1, len(self.groups)))
            self._rows.extend(np.split(order, starts))
        return self._rows[group]

    def numbers(self, name: str, rows: Places, conversion: Conversion) -> Floats:
        """Return rows of a column of numbers, converted and rounded to 15 significant digits."""
        if conversion != AS_IS:
            return decimals(getattr(self, name)[rows], conversion)
        if name not in self._rounded:
            self._rounded[name] = decimals(getattr(self, name))
        return self._rounded[name][rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grades:
    """Columns of answers in one direction; `at` gives one of them as a Grade."""

    grade: Smalls  # -1 where there is none
    lowest: Smalls
    highest: Smalls
    ungraded: Smalls
    line: Smalls  # the criterion that gave the grade, -1 for grade 0
    note: Smalls
    group: NDArray[np.intp]
    lines: Sequence[tuple[Criterion, ...]]  # by group
    # not init: a copy with other values must not take over what was made of these
    _made: dict[tuple[int, ...], Grade] = field(default_factory=dict, init=False, repr=False, compare=False)
    _keys: list[tuple[int, ...]] = field(default_factory=list, init=False, repr=False, compare=False)

    def at(self, row: int) -> Grade:
        """Return the answer for one row."""
        if not self._keys:  # whole columns at once: one number of an array at a time is slow
            columns = (self.group, self.grade, self.lowest, self.highest, self.ungraded, self.line, self.note)
            self._keys.extend(zip(*(column.tolist() for column in columns), strict=True))
        key = self._keys[row]
        if key not in self._made:
            self._made[key] = self._make(*key)
        return self._made[key]

    def _make(self, group: int, grade: int, lowest: int, highest: int, ungraded: int, line: int, note: int) -> Grade:
        lines = self.lines[group]
        if not lines:
            return NO_GRADE
        won = lines[line] if line >= 0 else None
        notes = [text for bit, text in _NOTES.items() if note & bit]
        if won is not None and won.note:
            notes.append(won.note)
        return Grade(
            term=lines[0].term,
            grade=grade if grade >= 0 else None,
            ungraded=_UNGRADED[ungraded] if ungraded >= 0 else None,
            lowest=lowest,
            highest=highest,
            basis=_basis(won) if won is not None else Basis.NONE,
            note="; ".join(notes),
        )


def _basis(line: Criterion) -> Basis:
    """Name what a criterion compares with."""
    for reference, basis in (
        (Reference.BASE, Basis.BASELINE),
        (Reference.ULN, Basis.ULN),
        (Reference.LLN, Basis.LLN),
    ):
        if line.refers_to(reference):
            return basis
    return Basis.ABSOLUTE


def decimals(values: Floats, conversion: Conversion = AS_IS) -> Floats:
    """Convert values and round them to 15 significant digits."""
    if conversion == AS_IS:
        return _round15(values)
    return _by_distinct(values, lambda value: _converted(value, conversion))


_POWERS = np.array([float(10**power) for power in range(23)])
"""The powers of ten that a float holds exactly."""


def _round15(values: Floats) -> Floats:
    """Round to 15 significant digits, as printing and reading them would.

    A value times its power of ten is rounded once, and a tie between whole numbers of 15 digits is a float itself: so
    the product never crosses it, and only on a tie nobody can tell on which side it lay. A whole number divided by an
    exact power is rounded once, as when it is read. The rest is printed.
    """
    size = np.abs(values)
    usual = (size > 0) & (size < 1e15)
    power = _POWERS[np.clip(14 - np.floor(np.log10(np.where(usual, size, 1.0))).astype(np.intp), 0, 22)]
    scaled = np.where(usual, values, 1.0) * power
    digits = np.rint(scaled)
    certain = usual & (np.abs(scaled) >= 1e14) & (np.abs(digits) < 1e15) & (np.abs(scaled - digits) < 0.5)
    rounded: Floats = np.where(certain, digits / power, values)
    printed = ~certain & (size > 0)
    rounded[printed] = _by_distinct(values[printed], lambda value: float(f"{value:.15g}"))
    return rounded


def _by_distinct(values: Floats, turn: Callable[[float], float]) -> Floats:
    """Turn every value, each distinct one once, because laboratories repeat theirs."""
    distinct, place = np.unique(values, return_inverse=True)
    turned: Floats = np.array([turn(value) for value in distinct.tolist()], np.float64)[place]
    return turned


def _converted(value: float, conversion: Conversion) -> float:
    multiplier, divisor = conversion
    return float(SIGNIFICANT.divide(decimal15(value) * multiplier, divisor))


def decimal15(value: float) -> Decimal:
    """Return the decimal of 15 significant digits that a float stands for."""
    return Decimal(f"{value:.15g}")
