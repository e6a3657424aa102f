"""Findings that a study lets be computed: neutrophils from their share, corrected calcium, creatinine clearance.

It knows the formulas and which results are of one sample. It must not know baselines, grades or rules: a derived
finding is read, based and graded like a measured one, and where a sample has a measured one, that alone counts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Context, Decimal
from itertools import product
from typing import Literal, NamedTuple

from rules.finding_reading import FindingReading, by_time, is_flagged, read_texts, texts_of
from rules.records import Finding, Subject
from rules.units import convert, round15

Derivable = Literal["ANC", "CACORR", "CREATCLR"]

_SHOWN = Context(prec=6)
"""Significant digits in which a computed result is told; it is judged in all of its fifteen."""

_ADULT = 18
"""Years of age from which the formula for creatinine clearance was made."""


class Measured(NamedTuple):
    """A finding of a known test as read, and the measured ones that it was computed from, if it was."""

    record: Finding
    reading: FindingReading
    parts: tuple[Finding, ...] = ()


class _Result(NamedTuple):
    value: Decimal
    unit: str
    lln: Decimal | None = None
    uln: Decimal | None = None


def derive(names: Sequence[Derivable], measured: Sequence[Measured], subject: Subject | None) -> Iterator[Measured]:
    """Compute what is named for each sample of one participant that has the parts and no measured result.

    A part counts where it is a number, not a limit, in a unit of its test. Where a sample has several results of one
    part, nobody can tell which belong together, and each pair is computed, so that the worst that may be so is seen.
    """
    weights = sorted((m for m in measured if m.reading.test == "WEIGHT" and _is_usable(m)), key=_time)
    for sample in _samples(measured):
        for name in names:
            formula = _FORMULAS[name]
            if any(m.reading.value is not None and m.reading.fits for m in sample.get(formula.test, ())):
                continue
            firsts = list(filter(_is_usable, sample.get(formula.first, ())))
            seconds = sample.get(formula.second, ()) if formula.second != "WEIGHT" else _last(weights, firsts)
            for first, second in product(firsts, filter(_is_usable, seconds)):
                result = formula.compute(first.reading, second.reading, subject)
                if result is not None:
                    yield _derived(formula.test, result, first.record, second.record)


def _samples(measured: Sequence[Measured]) -> list[dict[str, list[Measured]]]:
    """Group findings by sample, each by test: the same text of --DTC, the same visit and the same time point."""
    samples: dict[tuple[str, str, str], dict[str, list[Measured]]] = {}
    for one in measured:
        record = one.record
        visit = record.visit or record.visitnum
        if record.dtc is not None and (record.dtc.has_day or visit):
            sample = samples.setdefault((record.dtc.text, visit, record.tpt), {})
            sample.setdefault(one.reading.test, []).append(one)
    return list(samples.values())


def _time(one: Measured) -> tuple[object, ...]:
    return by_time(one.record)


def _is_usable(one: Measured) -> bool:
    """Whether a result can be a part."""
    return one.reading.number is not None and one.reading.fits


def _last(weights: Sequence[Measured], sample: Sequence[Measured]) -> Sequence[Measured]:
    """Return the last weight taken certainly not after the day of a sample, as a list of one or none."""
    taken = sample[0].record.dtc if sample else None
    if taken is None:
        return ()
    day = taken.earliest.date()
    return [w for w in weights if w.record.dtc is not None and w.record.dtc.latest.date() <= day][-1:]


def _derived(test: str, result: _Result, first: Finding, second: Finding) -> Measured:
    """Make the finding; its key follows from the keys of its parts, and its place in time from the first."""
    same_sample = [part for part in (first, second) if part.domain == first.domain]
    record = Finding(
        key=f"{test} of {first.key} and {second.key}",
        usubjid=first.usubjid,
        testcd=test,
        spec=first.spec,
        orres=_text(result.value),
        orresu=result.unit,
        ornrlo=_text(result.lln),
        ornrhi=_text(result.uln),
        spccnd=first.spccnd,
        blfl="Y" if all(is_flagged(part.blfl, part.lobxfl) for part in same_sample) else "",
        visit=first.visit,
        visitnum=first.visitnum,
        tpt=first.tpt,
        dtc=first.dtc,
    )
    reading = read_texts(test, texts_of(record))
    if reading.value is not None:
        reading = reading._replace(result=_text(_SHOWN.plus(reading.value)))
    return Measured(record, reading, (first, second))


def _text(number: Decimal | None) -> str:
    return "" if number is None else f"{round15(number).normalize():f}"


def _neutrophils(white: FindingReading, share: FindingReading, _: Subject | None) -> _Result | None:
    """White cells times the share of neutrophils, in the unit of the white cells; no range goes with it."""
    percent = _amount(share, "%")
    if white.number is None or percent is None or percent > 100:
        return None
    return _Result(white.number * percent / 100, white.unit)


def _corrected_calcium(calcium: FindingReading, albumin: FindingReading, _: Subject | None) -> _Result | None:
    """Calcium as it would be with 40 g/L of albumin (Payne, BMJ 1973;4:643), in the unit and range of the calcium."""
    if calcium.unit == "mg/dL":
        grams = _amount(albumin, "g/dL")
        more = None if grams is None else Decimal("0.8") * (Decimal("4.0") - grams)
    else:
        grams = _amount(albumin, "g/L")
        more = None if grams is None else convert("CA", Decimal("0.02") * (40 - grams), "mmol/L", calcium.unit)
    if calcium.number is None or more is None:
        return None
    return _Result(calcium.number + more, calcium.unit, calcium.lln, calcium.uln)


def _clearance(creatinine: FindingReading, weight: FindingReading, subject: Subject | None) -> _Result | None:
    """Creatinine clearance of an adult by age and sex in DM (Cockcroft and Gault, Nephron 1976;16:31), in mL/min."""
    serum, kilograms = _amount(creatinine, "mg/dL"), _amount(weight, "kg")
    if subject is None or subject.age is None or subject.ageu.upper() not in ("", "YEARS") or not (serum and kilograms):
        return None
    share = {"M": Decimal(1), "F": Decimal("0.85")}.get(subject.sex.upper())
    if share is None or not _ADULT <= subject.age < 140:
        return None
    return _Result((140 - subject.age) * kilograms * share / (72 * serum), "mL/min")


def _amount(reading: FindingReading, unit: str) -> Decimal | None:
    """Return a result in another unit of its test, None where it has no number or does not convert."""
    return None if reading.number is None else convert(reading.test, reading.number, reading.unit, unit)


class _Formula(NamedTuple):
    test: str
    first: str  # gives the unit and the place in time
    second: str
    compute: Callable[[FindingReading, FindingReading, Subject | None], _Result | None]


_FORMULAS: Mapping[Derivable, _Formula] = {
    "ANC": _Formula("NEUT", "WBC", "NEUTLE", _neutrophils),
    "CACORR": _Formula("CACORR", "CA", "ALB", _corrected_calcium),
    "CREATCLR": _Formula("CREATCLR", "CREAT", "WEIGHT", _clearance),
}
