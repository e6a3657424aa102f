"""Which row is whose baseline, for one participant's findings and for a million rows: one definition, in columns.

It knows columns of readings and the two definitions of a baseline. It must not know records, files or criteria.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rules.ctcae import columns as c
from rules.ctcae.grade import UNKNOWN
from rules.ctcae.identity import lab_tests
from rules.finding_reading import FindingReading
from rules.units import convert, fold

Places = NDArray[np.intp]
Method = Literal["last-predose", "flag"]

PREDOSE = {True: 1, False: 0, None: -1}
"""How a column says that a sample was taken on or before the first dose, after it, or that nobody can tell."""

NONE = -1
"""The place of a baseline that is not there."""

_FASTING = {True: 1, False: 0, None: -1}
_CENSORS = {"<": c.BELOW, "<=": c.AT_MOST, "": c.EXACT, ">=": c.AT_LEAST, ">": c.ABOVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingColumns:
    """Findings of known tests, those of one person in order of time; equal results share one reading."""

    person: Places
    readings: Sequence[FindingReading]
    reading: Places  # index into readings
    predose: NDArray[np.int8]  # PREDOSE
    earliest: NDArray[np.datetime64]  # the first moment that the date allows, NaT without a date
    flagged: NDArray[np.bool_]  # the data say that it is the baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Based:
    """The baseline of every row."""

    baseline: Places  # the row that is the baseline, NONE without one
    refused: Places  # the row that would be, and is not believed, NONE where there is a baseline
    value: Places  # index into values
    values: Sequence[Decimal | None]  # the baseline's value in the unit of the row, None where they do not compare
    after: NDArray[np.bool_]  # a baseline clause may apply


def give_baselines(columns: FindingColumns, method: Method) -> Based:
    """Choose the baseline of every person and test, and give it to each of their rows in the unit of the row."""
    baseline, refused = _choose(columns, method)
    value, values = _in_unit_of_row(columns, baseline)
    return Based(
        baseline=baseline,
        refused=np.where(baseline == NONE, refused, NONE),
        value=value,
        values=values,
        after=_is_after(columns, baseline),
    )


def to_samples(columns: FindingColumns, based: Based) -> c.Samples:
    """Turn findings and their baselines into the columns of the grading engine."""
    readings, at = columns.readings, columns.reading
    groups: dict[tuple[str, str], int] = {}
    group = np.array([groups.setdefault((r.test, r.unit), len(groups)) for r in readings], np.intp)
    states = np.array([r.state for r in readings], np.int8)
    found = based.baseline != NONE
    return c.Samples(
        groups=list(groups),
        group=group[at],
        value=_floats(r.value for r in readings)[at],
        censor=np.array([_CENSORS[r.censor] for r in readings], np.int8)[at],
        fault=np.array([c.code(r.fault) for r in readings], np.int8)[at],
        lln=_floats(r.lln for r in readings)[at],
        uln=_floats(r.uln for r in readings)[at],
        base=_floats(based.values)[based.value],
        base_state=np.where(found, states[at[based.baseline]], UNKNOWN).astype(np.int8),
        after=based.after,
        fasting=np.array([_FASTING[r.fasting] for r in readings], np.int8)[at],
    )


def _floats(values: Iterable[Decimal | None]) -> c.Floats:
    return np.array([np.nan if value is None else float(value) for value in values], np.float64)


def _choose(columns: FindingColumns, method: Method) -> tuple[Places, Places]:
    """Return each row's baseline, and the last result that could be one and is not believed.

    A baseline is the last one flagged, or the last number on or before the first dose. Of the latter, one in a unit
    that fits the test goes before any other: a percentage is no baseline of a count. A spoiled specimen gives none.
    """
    usable = np.array([not r.spoiled for r in columns.readings], np.bool_)
    fits = np.zeros(len(columns.readings), np.bool_)
    chosen_by = columns.flagged
    if method == "last-predose":
        usable &= np.array([r.number is not None for r in columns.readings], np.bool_)
        fits = np.array([r.fits for r in columns.readings], np.bool_)
        chosen_by = columns.predose == PREDOSE[True]
    believed = np.array([_is_believable(r) for r in columns.readings], np.bool_)
    candidates = chosen_by & usable[columns.reading]
    believable = believed[columns.reading]
    return _last(columns, candidates & believable, fits), _last(columns, candidates & ~believable, fits)


def _last(columns: FindingColumns, candidates: NDArray[np.bool_], fits: NDArray[np.bool_]) -> Places:
    """Return the last candidate of every row's person and test; of several at one moment, the one that hides least."""
    if not candidates.any():
        return np.full(len(candidates), NONE, np.intp)
    tests: dict[str, int] = {}
    test = np.array([tests.setdefault(r.test, len(tests)) for r in columns.readings], np.intp)[columns.reading]
    concern = columns.person * len(tests) + test
    places = np.flatnonzero(candidates)
    of = columns.reading[places]
    reveals = np.array([_reveals(r) for r in columns.readings], np.float64)[of]
    moment = columns.earliest[places]
    keys = (places, reveals, moment, np.isnat(moment), fits[of], concern[places])
    ordered = places[np.lexsort(keys)]
    chosen = np.full(int(concern.max(initial=0)) + 1, NONE, np.intp)
    last = ordered[np.diff(concern[ordered], append=NONE) != 0]
    chosen[concern[last]] = last
    given: Places = chosen[concern]
    return given


_FALLING = frozenset({"WBC", "NEUT", "LYM", "PLAT", "HGB", "CD4", "ALB", "FIBRINO", "EGFR", "CREATCLR", "HAPTOG"})
"""Tests whose fall is the danger: as a baseline, the higher of two results hides less. Of all others, the lower."""


def _reveals(reading: FindingReading) -> float:
    """Order the results of one moment by how much of a change they reveal as a baseline."""
    if reading.number is None:
        return -np.inf
    usual = _usual(reading)
    number = float(reading.number if usual is None else usual)
    return number if reading.test in _FALLING else -number


def _is_believable(reading: FindingReading) -> bool:
    """Whether somebody who enters a trial can have a result: else it is a slip of the unit or the comma."""
    number, test = _usual(reading), lab_tests()[reading.test]
    return number is None or not (
        (test.least is not None and number < test.least) or (test.most is not None and number > test.most)
    )


def _usual(reading: FindingReading) -> Decimal | None:
    """Return a result in the usual unit of its test, None where it is no number or does not convert."""
    if reading.number is None:
        return None
    return convert(reading.test, reading.number, reading.unit, lab_tests()[reading.test].units[0])


def _in_unit_of_row(columns: FindingColumns, baseline: Places) -> tuple[Places, list[Decimal | None]]:
    """Convert each baseline into the units of its rows, each distinct pair of baseline and unit once."""
    spellings: dict[tuple[str, str, str], int] = {}
    spelled = np.array(
        [spellings.setdefault((r.test, r.unit, r.reported_unit), len(spellings)) for r in columns.readings], np.intp
    )
    pair = columns.reading[baseline] * len(spellings) + spelled[columns.reading]
    pairs, place = np.unique(np.where(baseline == NONE, NONE, pair), return_inverse=True)
    units = list(spellings)
    values: list[Decimal | None] = []
    for known in pairs.tolist():
        if known == NONE:
            values.append(None)
        else:
            _, unit, spelling = units[known % len(units)]
            values.append(_converted(columns.readings[known // len(units)], unit, spelling))
    return place.astype(np.intp), values


def _converted(baseline: FindingReading, unit: str, spelling: str) -> Decimal | None:
    """Return a baseline's value in another unit of its test, None where it has none or the units do not compare."""
    fits = baseline._replace(unit=unit).fits
    if baseline.number is None:
        return None
    if baseline.fits and fits:
        return convert(baseline.test, baseline.number, baseline.unit, unit)
    folded = fold(spelling)
    return baseline.number if folded and folded == fold(baseline.reported_unit) else None


def _is_after(columns: FindingColumns, baseline: Places) -> NDArray[np.bool_]:
    """Say where a baseline clause may apply: never to the baseline sample itself, nor to an earlier one."""
    earlier = columns.earliest[baseline]
    dated = (baseline != NONE) & ~np.isnat(columns.earliest) & ~np.isnat(earlier)
    later = (columns.predose == PREDOSE[False]) | (columns.earliest > earlier)
    after: NDArray[np.bool_] = np.where(dated, later, columns.predose != PREDOSE[True])
    after &= baseline != np.arange(len(baseline))
    return after
