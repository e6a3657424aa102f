"""Findings as rules see them: read, placed before or after the first dose, given a baseline, graded.

It knows records of findings and the rulebook's header. It must not know a rule. One call grades everybody of a sweep,
in columns; rows of tests that are not in the table of tests are left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from rules.ctcae.grade import UNKNOWN_UNIT, Grade, Ungraded
from rules.ctcae.identity import NO_CODES, identify, lab_tests
from rules.ctcae.result import Censor
from rules.derived import Measured, derive
from rules.dtc import Dtc
from rules.exposure import first_dose, may_be_dosed
from rules.finding_reading import FindingReading, by_time, is_flagged, is_predose, read_texts, texts_of
from rules.records import Finding, Participant

if TYPE_CHECKING:
    from rules.baseline import FindingColumns
    from rules.rulebook import Header


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedFinding:
    """One finding with everything a rule may ask of it. Numbers are in the reported unit."""

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
    refused: str = ""  # the result that would be the baseline and is not believed, in words
    parts: tuple[Finding, ...] = ()  # what a derived one was computed from; () of a measured one

    @property
    def name(self) -> str:
        """The test's name for people, and that it was derived."""
        return lab_tests()[self.test].name + (" (derived)" if self.parts else "")

    @property
    def no_baseline(self) -> str:
        """Why there is no baseline, where there is none, in words."""
        return f"no usable baseline: {self.refused} is not believable" if self.refused else "no usable baseline"

    @property
    def fits(self) -> bool:
        """Whether the result is in a unit of its test, so that it can be converted."""
        return self.unit not in ("", UNKNOWN_UNIT)


def grade_participants(
    participants: Iterable[Participant], header: "Header"
) -> Mapping[str, tuple[GradedFinding, ...]]:
    """Grade every known finding of the participants: by usubjid, in order of time, undated results last."""
    rows = [row for number, participant in enumerate(participants) for row in _rows_of(number, participant, header)]
    if not rows:
        return {}
    from rules.baseline import give_baselines, to_samples
    from rules.ctcae.grading import grade

    columns = _columns(rows)
    based = give_baselines(columns, header.baseline)
    samples = to_samples(columns, based)
    low, high = grade(header.ctcae, "L", samples), grade(header.ctcae, "H", samples)
    graded: dict[str, list[GradedFinding]] = {}
    for number, row in enumerate(rows):
        baseline, refused = int(based.baseline[number]), int(based.refused[number])
        graded.setdefault(row.record.usubjid, []).append(
            _graded(
                row,
                baseline=rows[baseline].record if baseline >= 0 else None,
                refused=rows[refused].reading if refused >= 0 else None,
                base=based.values[based.value[number]],
                after=bool(based.after[number]),
                low=low.at(number),
                high=high.at(number),
            )
        )
    return {usubjid: tuple(findings) for usubjid, findings in graded.items()}


class _Row(NamedTuple):
    """A finding of a known test, placed before or after the first dose."""

    person: int
    record: Finding
    reading: FindingReading
    predose: bool | None
    parts: tuple[Finding, ...] = ()


def _rows_of(person: int, participant: Participant, header: "Header") -> list[_Row]:
    """Read one participant's findings, and those derived from them, in order of time."""
    dosed = first_dose(participant, header.zero_dose)
    unknown = dosed is None and may_be_dosed(participant, header.zero_dose)
    readings = ((record, read_finding(record, header.tests)) for record in participant.findings)
    measured = [Measured(record, reading) for record, reading in readings if reading is not None]
    derived = derive(header.derive, measured, participant.subject)
    rows = [
        _Row(person, one.record, one.reading, None if unknown else is_predose(one.record.dtc, dosed), one.parts)
        for one in (*measured, *derived)
    ]
    return sorted(rows, key=lambda row: by_time(row.record))


def identify_finding(record: Finding, codes: Mapping[str, str] = NO_CODES) -> str | None:
    """Return the test of a finding, None where it is none of the table; `codes` are the study's own."""
    return identify(record.domain, record.testcd, record.spec, f"{record.test} {record.cat}", codes)


def read_finding(record: Finding, codes: Mapping[str, str] = NO_CODES) -> FindingReading | None:
    """Read the result of a finding, None where its test is none of the table."""
    test = identify_finding(record, codes)
    return None if test is None else read_texts(test, texts_of(record))


def _columns(rows: Sequence[_Row]) -> "FindingColumns":
    """Turn rows into the columns that baselines are chosen from."""
    import numpy as np

    from rules.baseline import PREDOSE, FindingColumns

    readings: dict[FindingReading, int] = {}
    days = [None if row.record.dtc is None else row.record.dtc.earliest for row in rows]
    return FindingColumns(
        person=np.array([row.person for row in rows], np.intp),
        reading=np.array([readings.setdefault(row.reading, len(readings)) for row in rows], np.intp),
        readings=list(readings),
        predose=np.array([PREDOSE[row.predose] for row in rows], np.int8),
        earliest=np.array(days, "datetime64[s]"),
        flagged=np.array([is_flagged(row.record.blfl, row.record.lobxfl) for row in rows], np.bool_),
    )


def _graded(
    row: _Row,
    *,
    baseline: Finding | None,
    refused: FindingReading | None,
    base: Decimal | None,
    after: bool,
    low: Grade,
    high: Grade,
) -> GradedFinding:
    """Put one finding together with its grades."""
    reading = row.reading
    return GradedFinding(
        record=row.record,
        test=reading.test,
        adt=row.record.dtc,
        result=reading.result,
        reported_unit=reading.reported_unit,
        value=reading.value,
        censor=reading.censor,
        fault=reading.fault,
        unit=reading.unit,
        lln=reading.lln,
        uln=reading.uln,
        predose=row.predose,
        baseline=baseline,
        base=base,
        after_baseline=after,
        low=low,
        high=high,
        refused=f"{refused.result} {refused.reported_unit}".strip() if refused is not None else "",
        parts=row.parts,
    )
