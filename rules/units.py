"""What a unit's spelling means, and what converts into what.

It knows spellings and factors (`units.csv`, `conversions.csv`, each factor with its source). It must not know which
unit a test is graded in. A spelling alone may mean two units ("G/L" is giga cells and grams): the units that a test is
measured in decide.
"""

import csv
import re
import unicodedata
from collections.abc import Collection
from decimal import Context, Decimal
from functools import cache
from importlib import resources
from typing import NamedTuple

GIGA = "10^9/L"
"""Written "G/L" with a capital; a small g is grams, which no count is measured in."""

UNITY = "1"
"""The unit of what has none, such as a ratio or a pH: there a blank unit is right."""

SIGNIFICANT = Context(prec=15)
"""Fifteen significant digits: what is left of a number that went through a binary float or a conversion."""

_SUPERSCRIPTS = {ord(sign): str(digit) for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_POWER_OF_TEN = re.compile(r"^x?10(?:\^|\*\*?|exp|e|\(|(?<=10) )(\d{1,2})\)?(?=\D)")
_SPELLED = (("×", "x"), ("·", "x"), ("μ", "u"), ("mcl", "ul"), ("mcmol", "umol"), ("mcg", "ug"), ("個", "个"),
            ("升", "l"), ("cumm", "mm^3"), ("cmm", "mm^3"), ("mm3", "mm^3"))  # fmt: skip


def round15(number: Decimal) -> Decimal:
    """Round to fifteen significant digits."""
    return SIGNIFICANT.plus(number)


@cache
def fold(text: str) -> str:
    """Return the spelling of a unit without its accidents: width, case, spaces, micro signs, ways to write a power."""
    raised = re.sub(f"[{''.join(map(chr, _SUPERSCRIPTS))}]+", lambda m: "^" + m[0].translate(_SUPERSCRIPTS), text)
    folded = unicodedata.normalize("NFKC", raised).casefold().strip(" *")
    for spelling, usual in _SPELLED:
        folded = folded.replace(spelling, usual)
    spaced_once = re.sub(r"\s*([^\w\s])\s*", r"\1", re.sub(r"^x\s+", "x", folded))
    return re.sub(r"\s+", "", _POWER_OF_TEN.sub(r"10^\1", spaced_once))


@cache
def _units() -> dict[str, frozenset[str]]:
    """Map each folded spelling to the units it may mean."""
    meanings: dict[str, set[str]] = {}
    for row in _table("units.csv"):
        for spelling in row["spellings"].split():
            meanings.setdefault(spelling, set()).add(row["unit"])
    return {spelling: frozenset(units) for spelling, units in meanings.items()}


def canonical(text: str, units: Collection[str]) -> str | None:
    """Return which of `units` a reported unit means, None where it means none of them or more than one."""
    meant = _units().get(fold(text), frozenset()) & set(units)
    if GIGA in meant and text.strip().startswith("g/"):
        return None  # grams: a haemoglobin entered as a count must not be graded as one
    return next(iter(meant)) if len(meant) == 1 else None


def is_unit(text: str) -> bool:
    """Whether a reported unit is a spelling of any unit, be it one of another test."""
    return fold(text) in _units()


@cache
def factor(test: str, unit: str, to: str) -> tuple[Decimal, Decimal] | None:
    """Return (multiplier, divisor) that turn a result of `test` in `unit` into `to`; None where nothing does.

    Two numbers, because a factor is exact in one direction only. A scale with another zero has no factor.
    """
    known = _conversion(test, unit, to)
    return (known.multiplier, known.divisor) if known is not None and not known.moves_zero else None


def convert(test: str, value: Decimal, unit: str, to: str) -> Decimal | None:
    """Convert a result of `test` to another unit, to 15 significant digits; None where nothing does."""
    if unit == to:
        return value
    known = _conversion(test, unit, to)
    if known is None:
        return None
    return SIGNIFICANT.divide((value - known.before) * known.multiplier, known.divisor) + known.after


class _Conversion(NamedTuple):
    """What is taken off before a conversion, its factor, and what is put on after it."""

    before: Decimal
    multiplier: Decimal
    divisor: Decimal
    after: Decimal

    @property
    def moves_zero(self) -> bool:
        """Whether the two scales have different zeros."""
        return bool(self.before or self.after)


@cache
def _conversion(test: str, unit: str, to: str) -> _Conversion | None:
    """Return how a result of `test` in `unit` becomes one in `to`; None where it cannot."""
    zero, one = Decimal(0), Decimal(1)
    if unit == to:
        return _Conversion(zero, one, one, zero)
    for row in _table("conversions.csv"):
        if test in row["tests"].split():
            scale, offset = Decimal(row["factor"]), Decimal(row["offset"] or 0)
            if (row["from"], row["to"]) == (unit, to):
                return _Conversion(zero, scale, one, offset)
            if (row["from"], row["to"]) == (to, unit):
                return _Conversion(offset, one, scale, zero)
    return None


def _table(name: str) -> list[dict[str, str]]:
    """Read one of this package's tables."""
    with (resources.files("rules") / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
