"""The grading engine: columns of results in, columns of grades out, the same for one row and for a million.

It knows numbers, clauses and three-valued logic. It must not know a term: what a criterion says is data
(`criteria.csv`). A criterion whose reference is missing is neither met nor unmet; a censored result is an interval, and
because grades never fall as a result moves away from normal, its two ends tell all. Numbers are compared as decimals of
15 significant digits, so that 3 x 1.1 equals 3.3.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rules.ctcae.columns import (
    ABOVE,
    AS_IS,
    BELOW,
    CONVERTED,
    EXACT,
    GRADED,
    NO_BASELINE,
    NO_BASELINE_VALUE,
    Conversion,
    Flags,
    Floats,
    Grades,
    Places,
    Samples,
    Smalls,
    code,
    decimal15,
)
from rules.ctcae.criteria import Bound, Clause, Criterion, Direction, Reference, criteria
from rules.ctcae.grade import HIGH, LOW, UNKNOWN, Ungraded
from rules.units import SIGNIFICANT, UNITY, factor

_BESIDE_BASELINE = frozenset({Clause.HIGH, Clause.LOW, Clause.BESIDE, Clause.OR})
"""Clauses without which there is still a grade where the baseline is missing."""


def grade(version: str, direction: Direction, samples: Samples) -> Grades:
    """Grade every row under one CTCAE version in one direction."""
    size = len(samples.group)
    lines: list[tuple[Criterion, ...]] = []
    out = Grades(
        grade=np.full(size, -1, np.int8),
        lowest=np.zeros(size, np.int8),
        highest=np.zeros(size, np.int8),
        ungraded=np.full(size, code(Ungraded.NO_CRITERION), np.int8),
        line=np.full(size, -1, np.int8),
        note=np.zeros(size, np.int8),
        group=samples.group,
        lines=lines,
    )
    for number, (test, unit) in enumerate(samples.groups):
        fitting, multiply = _fit(criteria(version).get((test, direction), ()), test, unit)
        lines.append(fitting)
        if fitting and len(rows := samples.rows_of(number)):
            _grade_group(out, rows, samples, fitting, multiply, unit)
    return out


def _fit(known: Sequence[Criterion], test: str, unit: str) -> tuple[tuple[Criterion, ...], Conversion | None]:
    """Return the lines for a unit and the conversion they need, None where their absolute numbers cannot be used."""
    units = list(dict.fromkeys(line.unit for line in known if line.absolute))
    if not units:
        return tuple(known), AS_IS
    given = unit or UNITY  # only a test without a unit has UNITY among its own
    for candidate in [given, *units]:
        multiply = factor(test, given, candidate)
        if candidate in units and multiply is not None:
            return tuple(line for line in known if line.unit in ("", candidate)), multiply
    return tuple(line for line in known if line.unit in ("", units[0])), None


def _grade_group(
    out: Grades, rows: Places, samples: Samples, lines: tuple[Criterion, ...], multiply: Conversion | None, unit: str
) -> None:
    """Grade the rows of one group into the columns of all."""
    fault, worst = samples.fault[rows], max(line.grade for line in lines)
    why = _no_number(lines)
    if multiply is None:
        why = why or (Ungraded.UNKNOWN_UNIT if unit else Ungraded.NO_UNIT)
    if multiply is None or why is not None:
        out.highest[rows] = worst
        out.ungraded[rows] = np.where(fault == GRADED, code(why), fault)
        return
    group = _Group(samples, rows, lines, multiply)
    lowest, highest, line = _ends(group, group.low_end())
    if group.censor.any():
        other = _ends(group, group.high_end())
        line = np.where(other[0] < lowest, other[2], line)
        lowest, highest = np.minimum(lowest, other[0]), np.maximum(highest, other[1])
    certain = lowest == highest
    ungraded = np.full(group.size, GRADED, np.int8) if certain.all() else np.where(certain, GRADED, _why_not(group))
    if (faulty := fault != GRADED).any():
        certain &= ~faulty
        lowest, highest = np.where(faulty, 0, lowest), np.where(faulty, worst, highest)
        line, ungraded = np.where(faulty, -1, line), np.where(faulty, fault, ungraded)
    out.lowest[rows], out.highest[rows] = lowest, highest
    out.grade[rows] = np.where(certain, lowest, -1)
    out.line[rows], out.ungraded[rows], out.note[rows] = line, ungraded, _notes(group)


def _no_number(lines: Sequence[Criterion]) -> Ungraded | None:
    """Say why no number can meet the lines, None where one can."""
    if any(line.bounds for line in lines):
        return None
    absent = any(line.clause is Clause.NOT_IN_TABLE for line in lines)
    return Ungraded.NOT_IN_TABLE if absent else Ungraded.NO_NUMBER


class _Group:
    """The rows of one test in one unit, in the unit of its criteria."""

    def __init__(self, samples: Samples, rows: Places, lines: tuple[Criterion, ...], multiply: Conversion) -> None:
        self.lines, self.size = lines, len(rows)
        self.converted = multiply != AS_IS
        used = {bound.reference for line in lines for bound in line.bounds}
        if Reference.BASE in used or not _BESIDE_BASELINE.isdisjoint(line.clause for line in lines):
            used = set(Reference)
        self.value = samples.numbers("value", rows, multiply)
        self.references: dict[Reference, Floats] = {
            reference: samples.numbers(reference.lower(), rows, multiply) for reference in used if reference
        }
        self.missing = {name: gaps for name, numbers in self.references.items() if (gaps := np.isnan(numbers)).any()}
        self.censor, self.after = samples.censor[rows], samples.after[rows]
        self.fasting = np.full(self.size, -1) if samples.fasting is None else samples.fasting[rows]
        self.pchg = None if samples.pchg is None else samples.numbers("pchg", rows, AS_IS)
        if Reference.BASE in used:
            self.base_known = self.after & ~np.isnan(self.references[Reference.BASE])
            given = samples.base_state[rows]
            base, lln, uln = (self.references[name] for name in (Reference.BASE, Reference.LLN, Reference.ULN))
            judged = np.select([base < lln, base > uln], [LOW, HIGH], UNKNOWN)  # no clause asks for a normal one
            self.base_state = np.where(given == UNKNOWN, judged, given)

    def low_end(self) -> "_End":
        """Return the lower ends of the results: "<5" reaches down without limit."""
        value = np.where(self.censor < EXACT, -np.inf, self.value) if self.censor.any() else self.value
        return _End(self, value, self.censor == ABOVE, 1)

    def high_end(self) -> "_End":
        """Return the upper ends of the results: ">5" reaches up without limit."""
        return _End(self, np.where(self.censor > EXACT, np.inf, self.value), self.censor == BELOW, -1)

    def applies(self, clause: Clause, lowest: Smalls) -> tuple[Flags, Flags]:
        """Say for which rows a clause holds for certain, and for which it may."""
        match clause:
            case Clause.NOT_HIGH:
                holds = ~(self.base_known & (self.base_state == HIGH))
            case Clause.HIGH:
                holds = self.base_known & (self.base_state == HIGH)
            case Clause.LOW:
                holds = self.base_known & (self.base_state == LOW)
            case Clause.BESIDE:
                holds = self.base_known
            case Clause.OR:
                return self.base_known, self.base_known | (self.after & (lowest == 0))
            case Clause.AFTER:
                holds = self.after
            case Clause.UP_TO:
                holds = ~self.after
            case Clause.IF_FASTING:
                return self.fasting == 1, self.fasting != 0
            case Clause.CLINICAL:
                return np.zeros(self.size, np.bool_), np.ones(self.size, np.bool_)
            case _:
                holds = np.ones(self.size, np.bool_)
        return holds, holds

    def lacks(self, *references: Reference) -> Flags:
        """Say for which rows a reference that some line uses is missing."""
        lacking = np.zeros(self.size, np.bool_)
        for reference in references:
            if reference in self.missing and any(line.refers_to(reference) for line in self.lines):
                lacking |= self.missing[reference]
        return lacking


class _End:
    """One end of every result of a group; where `beyond`, the end lies just above (1) or below (-1) its number."""

    def __init__(self, group: _Group, value: Floats, beyond: Flags, side: int) -> None:
        self.group, self.value, self.side = group, value, side
        self.beyond = beyond if beyond.any() else None
        self._signs: dict[tuple[object, ...], NDArray[np.int8]] = {}

    def meets(self, bound: Bound) -> Flags:
        """Compare the end with one bound; where its reference is missing the answer is no."""
        key = (bound.reference, bound.factor, bound.offset, bound.percent)
        if key not in self._signs:
            self._signs[key] = self._sign(bound)
        sign = self._signs[key]
        beyond: Flags = sign == (1 if bound.above else -1)
        return beyond | (sign == 0) if bound.inclusive else beyond

    def _sign(self, bound: Bound) -> NDArray[np.int8]:
        """Say on which side of a bound the end lies: -1, 0 or 1, and _MISSING where there is no telling."""
        limit: Floats | float = float(bound.offset)
        if bound.reference is not Reference.ABSOLUTE:
            limit = self.group.references[bound.reference]
            limit = float(bound.factor) * limit + float(bound.offset) if bound.is_product else limit
        above, below = self.value > limit, self.value < limit
        sign = above.astype(np.int8) - below.astype(np.int8)
        if bound.is_product:
            self._settle(sign, bound, limit)
        if bound.percent is not None and self.group.pchg is not None:
            told = ~np.isnan(self.group.pchg) & (self.group.censor == EXACT)
            sign = np.where(told, np.sign(self.group.pchg + float(bound.percent)), sign).astype(np.int8)
        if self.beyond is not None:
            sign[(sign == 0) & self.beyond] = self.side
        if bound.reference in self.group.missing:
            sign[self.group.missing[bound.reference]] = _MISSING
        sign[np.isnan(self.value)] = _MISSING
        return sign

    def _settle(self, sign: NDArray[np.int8], bound: Bound, limit: Floats | float) -> None:
        """Compare as decimals what lies too near to a calculated limit for floats to tell."""
        near = (sign != 0) & (np.abs(self.value - limit) <= 1e-13 * np.abs(limit))
        for row in np.flatnonzero(near):
            reference = decimal15(self.group.references[bound.reference][row])
            exact = SIGNIFICANT.plus(bound.factor * reference + bound.offset)
            sign[row] = int(decimal15(self.value[row]).compare(exact))


_MISSING = np.int8(-2)


def _ends(group: _Group, end: _End) -> tuple[Smalls, Smalls, Smalls]:
    """Return the least and the greatest grade possible for one end, and the line that gave the least.

    Lines of an "or baseline" come last, because without a baseline they matter only where the others give grade 0.
    """
    lowest, highest = np.zeros(group.size, np.int8), np.zeros(group.size, np.int8)
    winner = np.full(group.size, -1, np.int8)
    for number, line in sorted(enumerate(group.lines), key=lambda each: each[1].clause is Clause.OR):
        certain, possible = group.applies(line.clause, lowest)
        for bound in line.bounds:
            met = end.meets(bound)
            certain = certain & met
            missing = group.missing.get(bound.reference)
            possible = possible & met if missing is None else possible & (met | missing)
        better = certain & (lowest < line.grade)
        np.putmask(lowest, better, line.grade)
        np.putmask(winner, better, number)
        np.putmask(highest, possible & (highest < line.grade), line.grade)
    return lowest, highest, winner


def _why_not(group: _Group) -> Smalls:
    """Say why an undecided row is undecided: the first of what is missing, else that the result is a limit."""
    exact, clauses = group.censor == EXACT, {line.clause for line in group.lines}
    reasons = [
        (group.lacks(Reference.LLN, Reference.ULN), Ungraded.NO_RANGE),
        (group.lacks(Reference.BASE) & exact, Ungraded.NO_BASELINE),
        ((group.fasting == -1) & exact & (Clause.IF_FASTING in clauses), Ungraded.NO_FASTING),
        (exact & (Clause.CLINICAL in clauses), Ungraded.NO_NUMBER),
    ]
    return np.select(
        [where for where, _ in reasons], [code(why) for _, why in reasons], code(Ungraded.CENSORED)
    ).astype(np.int8)


def _notes(group: _Group) -> Smalls:
    """Say which clause could not be applied, and what was converted."""
    note = np.full(group.size, CONVERTED if group.converted else 0, np.int8)
    if not _BESIDE_BASELINE.isdisjoint(line.clause for line in group.lines):
        missing = group.after & ~group.base_known
        flagged = missing & (group.base_state == HIGH)
        note |= np.where(flagged, NO_BASELINE_VALUE, np.where(missing, NO_BASELINE, 0)).astype(np.int8)
    return note
