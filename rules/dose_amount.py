"""What a recorded amount of study drug is in another unit: international units, by their many spellings, or grams.

An amount is refused rather than guessed at: "mIU" is a thousandth, "MIU" a million, and "miu" may be either. It must
not know how much is planned.
"""

import re
import unicodedata
from decimal import Decimal
from functools import cache

from rules.units import SIGNIFICANT, fold

_MULTIPLES = {
    "": 1,
    "k": 10**3, "10^3": 10**3, "thousand": 10**3, "千": 10**3,
    "万": 10**4, "10^4": 10**4, "wan": 10**4,
    "m": 10**6, "10^6": 10**6, "million": 10**6, "mio": 10**6, "mio.": 10**6, "mill": 10**6, "mill.": 10**6,
    "百万": 10**6, "100万": 10**6,
}  # fmt: skip
_UNITS = ("iu", "[iu]", "i.u.", "ui", "ie", "u", "internationalunits", "internationalunit", "units", "unit",
          "国际单位", "单位")  # fmt: skip
_SPELLED = {multiple + unit: times for multiple, times in _MULTIPLES.items() for unit in _UNITS}


_GRAMS: dict[str, Decimal] = {
    "g": Decimal(1), "gram": Decimal(1), "grams": Decimal(1), "克": Decimal(1),
    "mg": Decimal("1e-3"), "milligram": Decimal("1e-3"), "milligrams": Decimal("1e-3"), "毫克": Decimal("1e-3"),
    "ug": Decimal("1e-6"), "mcg": Decimal("1e-6"), "microgram": Decimal("1e-6"), "micrograms": Decimal("1e-6"),
    "微克": Decimal("1e-6"),
    "ng": Decimal("1e-9"), "纳克": Decimal("1e-9"),
}  # fmt: skip


@cache
def grams(unit: str) -> Decimal | None:
    """Return how many grams one of a unit is, None where it is no mass."""
    return _GRAMS.get(fold(unit))


@cache
def international_units(unit: str) -> int | None:
    """Return how many international units one of a unit is, None where it is none or cannot be told which."""
    written = unicodedata.normalize("NFKC", unit).strip()
    if re.match(r"m\s*\W?(iu|u|i\.u\.|ui|ie)\b", written, re.IGNORECASE) and not written.startswith("M"):
        return None
    return _SPELLED.get(fold(unit))


def convert_amount(value: Decimal, unit: str, to: str) -> Decimal | None:
    """Convert between multiples of the international unit, or of the gram, to 15 significant digits; None else."""
    for read in (international_units, grams):
        source, target = read(unit), read(to)
        if source is not None and target is not None:
            return SIGNIFICANT.divide(value * source, Decimal(target))
    return None
