"""What a recorded amount of study drug is in another unit: international units, by their many spellings.

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


@cache
def international_units(unit: str) -> int | None:
    """Return how many international units one of a unit is, None where it is none or cannot be told which."""
    written = unicodedata.normalize("NFKC", unit).strip()
    if re.match(r"m\s*\W?(iu|u|i\.u\.|ui|ie)\b", written, re.IGNORECASE) and not written.startswith("M"):
        return None
    return _SPELLED.get(fold(unit))


def convert_amount(value: Decimal, unit: str, to: str) -> Decimal | None:
    """Convert between multiples of the international unit, to 15 significant digits; None where nothing does."""
    source, target = international_units(unit), international_units(to)
    return None if source is None or target is None else SIGNIFICANT.divide(value * source, Decimal(target))
