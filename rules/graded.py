"""Lab results as rules see them: read, placed before or after the first dose, given a baseline, graded.

It knows lab records and the rulebook's header. It must not know a rule. One call grades everybody of a sweep, in
columns; rows of tests that no criterion is written for are left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from rules.ctcae.grade import HIGH, LOW, NORMAL, UNKNOWN, UNKNOWN_UNIT, Grade, Ungraded
from rules.ctcae.identity import identify, lab_tests
from rules.ctcae.result import Censor
from rules.dtc import Dtc
from rules.exposure import first_dose, may_be_dosed
from rules.finding_reading import FindingReading, by_time, is_predose, read_finding
from rules.records import Finding, Participant
from rules.units import convert, fold

if TYPE_CHECKING:
    from rules.ctcae.columns import Samples
    from rules.rulebook import Header


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedFinding:
    """One lab result with everything a rule may ask of it. Numbers are in the reported unit."""

    record: Finding
    test: str  # a code of rules.ctcae.identity
    adt: Dtc | None
    result: str  # as reported
    reported_unit: str
    value: Decimal | None
    censor: Censor  # "<" and ">" make the value a limit of the result
    fault: Ungraded | None  # why there is no value
    unit: str  # as rules.units names it, '' where none is given, UNKNOWN_UNIT where it does not fit
    lln: Decimal | None
    uln: Decimal | None
    predose: bool | None  # None where the dates cannot tell; True of everybody never dosed
    baseline: Finding | None
    base: Decimal | None  # the baseline's value in the unit of this result
    after_baseline: bool
    low: Grade
    high: Grade

    @property
    def name(self) -> str:
        """The test's name for people."""
        return lab_tests()[self.test].name

    @property
    def fits(self) -> bool:
        """Whether the result is in a unit of its test, so that it can be converted."""
        return self.unit not in ("", UNKNOWN_UNIT)


def grade_participants(
    participants: Iterable[Participant], header: "Header"
) -> Mapping[str, tuple[GradedFinding, ...]]:
    """Grade every known lab result of the participants: by usubjid, in order of time, undated results last."""
    from rules.ctcae.grading import grade

    rows = [row for participant in participants for row in _rows_of(participant, header)]
    if not rows:
        return {}
    samples = _columns(rows)
    low, high = grade(header.ctcae, "L", samples), grade(header.ctcae, "H", samples)
    graded: dict[str, list[GradedFinding]] = {}
    for number, row in enumerate(rows):
        graded.setdefault(row.reading.record.usubjid, []).append(_graded(row, low.at(number), high.at(number)))
    return {usubjid: tuple(labs) for usubjid, labs in graded.items()}


class _Row(NamedTuple):
    """A lab row with its baseline."""

    reading: FindingReading
    baseline: FindingReading | None
    base: Decimal | None
    after: bool


def _rows_of(participant: Participant, header: "Header") -> list[_Row]:
    """Read one participant's lab rows in order of time and find each one's baseline."""
    dosed = first_dose(participant, header.zero_dose)
    unknown = dosed is None and may_be_dosed(participant, header.zero_dose)
    readings = [
        read_finding(record, test, None if unknown else is_predose(record.dtc, dosed))
        for record in sorted(participant.findings, key=by_time)
        if (test := identify(record.domain, record.testcd, record.spec, record.test)) is not None
    ]
    baselines = _flagged(readings) if header.baseline == "flag" else _last_predose(readings)
    rows = []
    for reading in readings:
        baseline = baselines.get(reading.test)
        base = _base_in_unit_of(reading, baseline) if baseline is not None else None
        rows.append(_Row(reading, baseline, base, _is_after(reading, baseline)))
    return rows


def _last_predose(readings: Sequence[FindingReading]) -> dict[str, FindingReading]:
    """Return each test's last numeric result on or before the first dose, one in a fitting unit before any other."""
    found: dict[str, FindingReading] = {}
    for reading in readings:
        if reading.predose and reading.value is not None and not reading.censor:
            earlier = found.get(reading.test)
            if reading.fits or earlier is None or not earlier.fits:
                found[reading.test] = reading
    return found


def _flagged(readings: Sequence[FindingReading]) -> dict[str, FindingReading]:
    """Return each test's result flagged as baseline, the last one where several are."""
    return {r.test: r for r in readings if "Y" in (r.record.lobxfl.upper(), r.record.blfl.upper())}


def _base_in_unit_of(reading: FindingReading, baseline: FindingReading) -> Decimal | None:
    """Return the baseline's value in the unit of a result, None where it has none or the units do not compare."""
    if baseline.value is None or baseline.censor:
        return None
    if baseline.fits and reading.fits:
        return convert(reading.test, baseline.value, baseline.unit, reading.unit)
    spelling = fold(reading.reported_unit)
    return baseline.value if spelling and spelling == fold(baseline.reported_unit) else None


def _is_after(reading: FindingReading, baseline: FindingReading | None) -> bool:
    """Whether a baseline clause may apply: never to the baseline sample itself, nor to an earlier one."""
    taken = reading.record.dtc
    if baseline is None or taken is None or baseline.record.dtc is None:
        return not reading.predose and reading is not baseline
    return reading is not baseline and (reading.predose is False or taken.earliest > baseline.record.dtc.earliest)


def _columns(rows: Sequence[_Row]) -> "Samples":
    """Turn rows into the columns of the grading engine."""
    import numpy as np

    from rules.ctcae import columns as c

    groups: dict[tuple[str, str], int] = {}
    censors = {"<": c.BELOW, "<=": c.AT_MOST, "": c.EXACT, ">=": c.AT_LEAST, ">": c.ABOVE}

    def floats(values: Iterable[Decimal | None]) -> "c.Floats":
        return np.array([np.nan if value is None else float(value) for value in values], np.float64)

    return c.Samples(
        group=np.array([groups.setdefault((r.reading.test, r.reading.unit), len(groups)) for r in rows], np.intp),
        groups=list(groups),
        value=floats(r.reading.value for r in rows),
        censor=np.array([censors[r.reading.censor] for r in rows], np.int8),
        fault=np.array([c.code(r.reading.fault) for r in rows], np.int8),
        lln=floats(r.reading.lln for r in rows),
        uln=floats(r.reading.uln for r in rows),
        base=floats(r.base for r in rows),
        base_state=np.array([UNKNOWN if r.baseline is None else _state(r.baseline) for r in rows], np.int8),
        after=np.array([r.after for r in rows], np.bool_),
    )


def _state(baseline: FindingReading) -> int:
    """Say where a baseline lies in its own range, by its number, else by its flag."""
    value = baseline.value if not baseline.censor else None
    if value is not None and (baseline.lln is not None or baseline.uln is not None):
        if baseline.uln is not None and value > baseline.uln:
            return HIGH
        return LOW if baseline.lln is not None and value < baseline.lln else NORMAL
    return {"H": HIGH, "L": LOW, "N": NORMAL}.get(baseline.record.nrind.strip().upper()[:1], UNKNOWN)


def _graded(row: _Row, low: Grade, high: Grade) -> GradedFinding:
    """Put one result together with its grades."""
    reading = row.reading
    return GradedFinding(
        record=reading.record,
        test=reading.test,
        adt=reading.record.dtc,
        result=reading.result,
        reported_unit=reading.reported_unit,
        value=reading.value,
        censor=reading.censor,
        fault=reading.fault,
        unit=reading.unit,
        lln=reading.lln,
        uln=reading.uln,
        predose=reading.predose,
        baseline=row.baseline.record if row.baseline is not None else None,
        base=row.base,
        after_baseline=row.after,
        low=low,
        high=high,
    )
