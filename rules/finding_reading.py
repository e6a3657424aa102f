"""One lab row as read: which of its results is used, in what unit, and whether it was taken before the first dose.

It knows one LB row at a time. It must not know baselines, grades or rules.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from rules.ctcae.grade import UNKNOWN_UNIT, Ungraded
from rules.ctcae.identity import lab_tests
from rules.ctcae.result import Censor, Reading, read_limit, read_result
from rules.dtc import Dtc
from rules.records import Finding
from rules.units import canonical


class FindingReading(NamedTuple):
    """A lab row as read, before it has a baseline."""

    record: Finding
    test: str
    result: str
    reported_unit: str
    value: Decimal | None
    censor: Censor
    fault: Ungraded | None
    unit: str
    lln: Decimal | None
    uln: Decimal | None
    predose: bool | None

    @property
    def fits(self) -> bool:
        """Whether the result is in a unit of its test, so that it can be converted."""
        return self.unit not in ("", UNKNOWN_UNIT)


def read_finding(record: Finding, test: str, predose: bool | None) -> FindingReading:
    """Read one row by its original result, or by the standard one where only that can be read and has a unit."""
    told = _Told(record.orres, record.orresu, record.ornrlo, record.ornrhi)
    if read_result(told.result).fault is not None or not told.unit.strip():
        fallback = told if told.result else next(_standard(record))
        told = next((other for other in _standard(record) if _is_readable(other, test)), fallback)
    reading = read_result(told.result)
    if record.stat.upper() == "NOT DONE" and reading.value is not None:
        reading = Reading(None, fault=Ungraded.SUSPECT)  # either the status or the result is wrong
    known = canonical(told.unit, lab_tests()[test].units) if told.unit.strip() else ""
    return FindingReading(
        record=record,
        test=test,
        result=told.result,
        reported_unit=told.unit,
        value=reading.value,
        censor=reading.censor,
        fault=reading.fault,
        unit=UNKNOWN_UNIT if known is None else known,
        lln=read_limit(told.low),
        uln=read_limit(told.high),
        predose=predose,
    )


class _Told(NamedTuple):
    """A result as the row gives it, with its unit and its range."""

    result: str
    unit: str
    low: str
    high: str


def _standard(record: Finding) -> Iterator[_Told]:
    """Yield the standard result, as text and as number."""
    for result in (record.stresc or record.stresn, record.stresn):
        yield _Told(result, record.stresu, record.stnrlo, record.stnrhi)


def _is_readable(told: _Told, test: str) -> bool:
    """Whether a result is a number in a unit of the test."""
    return read_result(told.result).fault is None and canonical(told.unit, lab_tests()[test].units) is not None


def is_predose(taken: Dtc | None, dosed: Dtc | None) -> bool | None:
    """Whether a sample was taken on or before the first dose; None where the dates cannot tell.

    On the day of the first dose, times decide where both are known; a sample or a dose without a time counts as
    sample first, as study calendars have it. Everything of a participant never dosed is before.
    """
    if dosed is None:
        return True
    if taken is None:
        return None
    if taken.has_time and dosed.has_time:
        return taken.earliest <= dosed.earliest
    if taken.has_day and dosed.has_day:
        return taken.earliest.date() <= dosed.earliest.date()
    if taken.latest <= dosed.earliest:
        return True
    return False if taken.earliest > dosed.latest else None


def by_time(record: Finding) -> tuple[object, ...]:
    """Order records by time; undated ones come last, ties go by record key."""
    if record.dtc is None:
        return (1, record.key)
    return (0, record.dtc.earliest, record.dtc.latest, record.key)
