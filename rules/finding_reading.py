"""One finding as read: which of its results is used, in what unit, and whether it was taken before the first dose.

It knows one row at a time. It must not know baselines, grades or rules.
"""

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Literal, NamedTuple

from rules.ctcae.grade import HIGH, LOW, NORMAL, UNKNOWN, UNKNOWN_UNIT, Ungraded
from rules.ctcae.identity import has_known_specimen, lab_tests
from rules.ctcae.result import Censor, Reading, read_limit, read_result
from rules.dtc import Dtc
from rules.records import Finding
from rules.units import UNITY, canonical, is_unit


class Texts(NamedTuple):
    """What a row says of its result, as it stands in the row."""

    orres: str = ""
    orresu: str = ""
    ornrlo: str = ""
    ornrhi: str = ""
    stresc: str = ""
    stresn: str = ""
    stresu: str = ""
    stnrlo: str = ""
    stnrhi: str = ""
    nrind: str = ""
    stat: str = ""
    fast: str = ""
    spec: str = ""
    spccnd: str = ""


class FindingReading(NamedTuple):
    """The result of a row as read. Rows of the same test with the same texts have the same reading."""

    test: str
    result: str
    reported_unit: str
    value: Decimal | None
    censor: Censor
    fault: Ungraded | None
    unit: str
    lln: Decimal | None
    uln: Decimal | None
    nrind: str
    fasting: bool | None = None  # None where the row does not say
    spoiled: bool = False  # the specimen was clotted, clumped, haemolysed or lipaemic: no baseline

    @property
    def fits(self) -> bool:
        """Whether the result is in a unit of its test, so that it can be converted."""
        return self.unit not in ("", UNKNOWN_UNIT)

    @property
    def number(self) -> Decimal | None:
        """The value where it is a number and not a limit: what can be a baseline."""
        return None if self.censor else self.value

    @property
    def state(self) -> int:
        """Where the result lies in its own range, by its number, else by what the row says (--NRIND)."""
        if self.number is not None and (self.lln is not None or self.uln is not None):
            if self.uln is not None and self.number > self.uln:
                return HIGH
            return LOW if self.lln is not None and self.number < self.lln else NORMAL
        return {"H": HIGH, "L": LOW, "N": NORMAL}.get(self.nrind.strip().upper()[:1], UNKNOWN)


Units = Literal["original", "standard"]
"""Which of a row's two results is read; the other stands in where only that can be read and has a unit."""


def texts_of(record: Finding) -> Texts:
    """Return what a record says of its result."""
    return Texts(*(getattr(record, name) for name in Texts._fields))


def read_texts(test: str, texts: Texts, units: Units = "original") -> FindingReading:
    """Read the result of a row."""
    told, others = _candidates(texts, units)
    fitting = lab_tests()[test].units
    has_unit = is_unit(told.unit) if told.unit.strip() else UNITY in fitting
    if read_result(told.result).fault is not None or not has_unit:
        fallback = told if told.result else others[0]
        told = next((other for other in others if _is_readable(other, test)), fallback)
    reading = read_result(told.result)
    if texts.stat.upper() == "NOT DONE" and reading.value is not None:
        reading = Reading(None, fault=Ungraded.SUSPECT)  # either the status or the result is wrong
    if reading.fault is not Ungraded.NO_RESULT and not has_known_specimen(lab_tests()[test].domain, texts.spec):
        reading = Reading(None, fault=Ungraded.UNKNOWN_SPECIMEN)
    lln, uln = _range_of(told)
    return FindingReading(
        test=test,
        result=told.result,
        reported_unit=told.unit,
        value=reading.value,
        censor=reading.censor,
        fault=reading.fault,
        unit=_unit_of(told, fitting),
        lln=lln,
        uln=uln,
        nrind=texts.nrind,
        fasting={"Y": True, "N": False}.get(texts.fast.strip().upper()),
        spoiled=_is_spoiled(texts.spccnd),
    )


_SPOILED = ("CLUMP", "CLOT", "AGGREGAT", "HEMOLY", "HAEMOLY", "LIPEM", "LIPAEM", "凝块", "凝集", "聚集", "溶血", "脂血")
_DENIED = re.compile(r"\b(?:NO|NOT|NON|WITHOUT)\b|无|未|非")


def _is_spoiled(condition: str) -> bool:
    """Whether the condition of a specimen (--SPCCND) falsifies counts or enzymes."""
    said = condition.upper()
    return any(word in said for word in _SPOILED) and not _DENIED.search(said)


class _Told(NamedTuple):
    """A result as the row gives it, with its unit and its range."""

    result: str
    unit: str
    low: str
    high: str


def _candidates(texts: Texts, units: Units) -> tuple[_Told, list[_Told]]:
    """Return the result to read, and those that may stand in for it: the standard one is a text and a number."""
    original = _Told(texts.orres, texts.orresu, texts.ornrlo, texts.ornrhi)
    standard = [
        _Told(result, texts.stresu, texts.stnrlo, texts.stnrhi)
        for result in (texts.stresc or texts.stresn, texts.stresn)
    ]
    if units == "original":
        return original, standard
    return standard[0], [standard[1], original]


def _unit_of(told: _Told, fitting: Collection[str]) -> str:
    """Return which of the units that fit is meant, '' where none is given, UNKNOWN_UNIT where none of them is."""
    if not told.unit.strip():
        return UNITY if UNITY in fitting else ""
    return canonical(told.unit, fitting) or UNKNOWN_UNIT


def _range_of(told: _Told) -> tuple[Decimal | None, Decimal | None]:
    """Return the range's two ends; none where they cannot be the ends of a range, such as 0 to 0."""
    low, high = read_limit(told.low), read_limit(told.high)
    if high is not None and (high <= 0 or (low is not None and low > high)):
        return None, None
    return low, high


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


def is_flagged(blfl: str, lobxfl: str) -> bool:
    """Whether the data flag a row as baseline, by --BLFL or --LOBXFL."""
    return "Y" in (blfl.upper(), lobxfl.upper())


def by_time(record: Finding) -> tuple[object, ...]:
    """Order records by time; undated ones come last, ties go by record key."""
    if record.dtc is None:
        return (1, record.key)
    return (0, record.dtc.earliest, record.dtc.latest, record.key)
