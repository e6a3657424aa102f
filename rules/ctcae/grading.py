"""The grading engine: columns of results in, columns of grades out, the same for one row and for a million.

It knows numbers, clauses and three-valued logic. It must not know a term: what a criterion says is data
(`criteria.csv`). A criterion whose reference is missing is neither met nor unmet; a censored result is an interval, and
because grades never fall as a result moves away from normal, its two ends tell all. Numbers are compared as decimals of
15 significant digits, so that 3 x 1.1 equals 3.3.
"""

from collections.abc import Callable, Sequence

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
    Samples,
    Smalls,
    code,
    decimal15,
    decimals,
    range_state,
)  # fmt: skip
from rules.ctcae.criteria import Bound, Clause, Criterion, Direction, Reference, criteria
from rules.ctcae.grade import HIGH, LOW, UNKNOWN, Ungraded
from rules.units import SIGNIFICANT, factor


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
    order = np.argsort(samples.group, kind="stable")
    starts = np.searchsorted(samples.group[order], np.arange(len(samples.groups) + 1))
    for number, (test, unit) in enumerate(samples.groups):
        rows = order[starts[number] : starts[number + 1]]
        known = criteria(version).get((test, direction), ())
        fitting, multiply, unit_fits = _fit(known, test, unit)
        lines.append(fitting)
        if fitting:
            _grade_group(out, rows, _Group(samples, rows, fitting, unit, unit_fits, multiply))
    return out


def _fit(known: Sequence[Criterion], test: str, unit: str) -> tuple[tuple[Criterion, ...], Conversion, bool]:
    """Return the lines for a unit, the conversion they need, and whether their absolute numbers can be used."""
    units = list(dict.fromkeys(line.unit for line in known if line.absolute))
    if not units:
        return tuple(known), AS_IS, True
    for candidate in [unit, *units]:
        multiply = factor(test, unit, candidate) if unit else None
        if candidate in units and multiply is not None:
            return tuple(line for line in known if line.unit in ("", candidate)), multiply, True
    return tuple(line for line in known if line.unit in ("", units[0])), AS_IS, False


class _Group:
    """The rows of one test in one unit, in the unit of its criteria."""

    def __init__(
        self,
        samples: Samples,
        rows: NDArray[np.intp],
        lines: tuple[Criterion, ...],
        unit: str,
        unit_fits: bool,
        conversion: Conversion,
    ) -> None:
        self.lines, self.unit, self.unit_fits = lines, unit, unit_fits
        self.converted = conversion != AS_IS
        self.value, lln, uln, self.base = (
            decimals(column[rows], conversion) for column in (samples.value, samples.lln, samples.uln, samples.base)
        )
        self.references = {Reference.LLN: lln, Reference.ULN: uln, Reference.BASE: self.base}
        self.references[Reference.ABSOLUTE] = np.full(len(rows), 0.0 if unit_fits else np.nan)
        self.censor, self.fault, self.after = samples.censor[rows], samples.fault[rows], samples.after[rows]
        self.pchg = None if samples.pchg is None else decimals(samples.pchg[rows])
        self.base_known = self.after & ~np.isnan(self.base)
        self.base_state = _base_state(samples.base_state[rows], self.base, lln, uln)

    def applies(self, clause: Clause) -> Flags:
        """Say for which rows a clause holds."""
        high = self.base_known & (self.base_state == HIGH)
        answers: dict[Clause, Callable[[], Flags]] = {
            Clause.ALWAYS: lambda: np.ones(len(self.value), np.bool_),
            Clause.NOT_HIGH: lambda: ~high,
            Clause.HIGH: lambda: high,
            Clause.LOW: lambda: self.base_known & (self.base_state == LOW),
            Clause.BESIDE: lambda: self.base_known,
            Clause.OR: lambda: self.base_known,
            Clause.AFTER: lambda: self.after,
            Clause.UP_TO: lambda: ~self.after,
        }
        return answers.get(clause, answers[Clause.ALWAYS])()

    @property
    def needs_baseline(self) -> Flags:
        """Say for which rows grade 0 cannot be given, because a branch on the baseline could not be looked at."""
        return self.after & np.isnan(self.base)

    @property
    def worst_of_baseline(self) -> int:
        """Return the worst grade that such a branch can give, 0 where there is none."""
        return max((line.grade for line in self.lines if line.clause is Clause.OR), default=0)

    def lacks(self, *references: Reference) -> Flags:
        """Say for which rows a reference that some line uses is missing."""
        missing = np.zeros(len(self.value), np.bool_)
        for reference in references:
            if any(line.refers_to(reference) for line in self.lines):
                missing |= np.isnan(self.references[reference])
        return missing


def _grade_group(out: Grades, rows: NDArray[np.intp], group: _Group) -> None:
    """Grade the rows of one group into the columns of all."""
    if not any(line.bounds for line in group.lines):
        out.highest[rows] = max(line.grade for line in group.lines)
        absent = any(line.clause is Clause.NOT_IN_TABLE for line in group.lines)
        why = Ungraded.NOT_IN_TABLE if absent else Ungraded.NO_NUMBER
        out.ungraded[rows] = np.where(group.fault == GRADED, code(why), group.fault)
        return
    unlimited_below = group.censor < EXACT
    low = np.where(unlimited_below, -np.inf, group.value)
    lowest, highest, line = _ends(group, low, np.where(group.censor == ABOVE, 1, 0))
    if group.censor.any():
        high = np.where(group.censor > EXACT, np.inf, group.value)
        other = _ends(group, high, np.where(group.censor == BELOW, -1, 0))
        line = np.where(other[0] < lowest, other[2], line)
        lowest, highest = np.minimum(lowest, other[0]), np.maximum(highest, other[1])
    highest = np.where((lowest == 0) & group.needs_baseline, np.maximum(highest, group.worst_of_baseline), highest)
    faulty = group.fault != GRADED
    worst = max(line.grade for line in group.lines)
    lowest, highest = np.where(faulty, 0, lowest), np.where(faulty, worst, highest)
    certain = ~faulty & (lowest == highest)
    out.lowest[rows], out.highest[rows] = lowest, highest
    out.grade[rows] = np.where(certain, lowest, -1)
    out.line[rows] = np.where(faulty, -1, line)
    out.ungraded[rows] = np.where(certain, GRADED, np.where(faulty, group.fault, _why_not(group)))
    out.note[rows] = _notes(group)


def _ends(group: _Group, value: Floats, side: NDArray[np.int_]) -> tuple[Smalls, Smalls, Smalls]:
    """Return the least and the greatest grade possible for a value, and the line that gave the least."""
    lowest, highest, winner = (np.zeros(len(value), np.int8) for _ in range(3))
    winner[:] = -1
    for number, line in enumerate(group.lines):
        certain = possible = group.applies(line.clause)
        if line.undecided or (line.unit and not line.absolute and not group.unit_fits):
            certain = np.zeros(len(value), np.bool_)
        for bound in line.bounds:
            reference = group.references[bound.reference]
            if bound.offset and not group.unit_fits:
                reference = group.references[Reference.ABSOLUTE]
            known = ~np.isnan(reference)
            met = _meets(value, side, bound, reference)
            if bound.percent is not None and group.pchg is not None:
                met = np.where(np.isnan(group.pchg) | (group.censor != EXACT), met, _falls(group.pchg, bound))
            certain = certain & known & met
            possible = possible & (~known | met)
        winner = np.where(certain & (lowest < line.grade), np.int8(number), winner)
        lowest = np.where(certain, np.maximum(lowest, line.grade), lowest).astype(np.int8)
        highest = np.where(possible, np.maximum(highest, line.grade), highest).astype(np.int8)
    return lowest, highest, winner


def _meets(value: Floats, side: NDArray[np.int_], bound: Bound, reference: Floats) -> Flags:
    """Compare values with one bound; a value with a side lies just beyond itself."""
    limit = float(bound.factor) * reference + float(bound.offset)
    distance = value - limit
    sign = np.sign(distance)
    for row in np.flatnonzero((sign != 0) & (np.abs(distance) <= 1e-13 * np.abs(limit))):
        exact = SIGNIFICANT.plus(bound.factor * decimal15(reference[row]) + bound.offset)
        sign[row] = int(decimal15(value[row]).compare(exact))
    sign = np.where(sign == 0, side, sign)
    beyond: Flags = sign > 0 if bound.above else sign < 0
    return beyond | (sign == 0) if bound.inclusive else beyond


def _falls(pchg: Floats, bound: Bound) -> Flags:
    """Compare a reported change from baseline with a bound on the fall."""
    distance = -pchg - float(bound.percent or 0)
    beyond: Flags = distance < 0 if bound.above else distance > 0
    return beyond | (distance == 0) if bound.inclusive else beyond


def _base_state(state: Smalls, base: Floats, lln: Floats, uln: Floats) -> Smalls:
    """Complete the states of baselines that came without a range of their own, from the range of the sample."""
    judged = range_state(base, lln, uln)
    return np.where(state == UNKNOWN, judged, state)


def _why_not(group: _Group) -> Smalls:
    """Say why an undecided row is undecided: the first of what is missing, else that the result is a limit."""
    no_unit = np.full(len(group.value), not group.unit_fits)
    exact = group.censor == EXACT
    clauses = {line.clause for line in group.lines}
    unfasted = exact & (Clause.IF_FASTING in clauses)
    reasons = [
        (no_unit, Ungraded.UNKNOWN_UNIT if group.unit else Ungraded.NO_UNIT),
        (group.lacks(Reference.LLN, Reference.ULN), Ungraded.NO_RANGE),
        (group.lacks(Reference.BASE) & exact, Ungraded.NO_BASELINE),
        (unfasted, Ungraded.NO_FASTING),
        (exact & (Clause.CLINICAL in clauses), Ungraded.NO_NUMBER),
    ]
    return np.select(
        [where for where, _ in reasons], [code(why) for _, why in reasons], code(Ungraded.CENSORED)
    ).astype(np.int8)


def _notes(group: _Group) -> Smalls:
    """Say which clause could not be applied, and what was converted."""
    clauses = {line.clause for line in group.lines}
    note = np.full(len(group.value), CONVERTED if group.converted else 0, np.int8)
    if clauses & {Clause.HIGH, Clause.LOW, Clause.BESIDE, Clause.OR}:
        missing = group.after & ~group.base_known
        flagged = missing & (group.base_state == HIGH)
        note |= np.where(flagged, NO_BASELINE_VALUE, np.where(missing, NO_BASELINE, 0)).astype(np.int8)
    return note
