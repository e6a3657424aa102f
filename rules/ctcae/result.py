"""How the text of a lab result is read: a number, a limit such as "<40", or a reason why it is neither."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from rules.ctcae.grade import Ungraded
from rules.reading import SUSPECT_MAGNITUDE
from rules.units import SIGNIFICANT

Censor = Literal["", "<", "<=", ">", ">="]

_RESULT = re.compile(
    r"(?P<censor>[<>]=?|[≤≥])?\s*(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)", re.IGNORECASE
)
_CENSORS: dict[str | None, Censor] = {None: "", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "≤": "<=", "≥": ">="}
_DONE = frozenset({"", "ND", "NOT DONE", "."})


@dataclass(frozen=True, slots=True)
class Reading:
    """A result as a number of 15 significant digits and how it limits the truth; or `fault`, why there is none."""

    value: Decimal | None
    censor: Censor = ""
    fault: Ungraded | None = None


@lru_cache(maxsize=65536)
def read_result(text: str) -> Reading:
    """Read the text of a result. A decimal comma is not guessed at: "1,234" is text."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain.upper() in _DONE:
        return Reading(None, fault=Ungraded.NO_RESULT)
    match = _RESULT.fullmatch(plain)
    if match is None:
        return Reading(None, fault=Ungraded.TEXT_RESULT)
    value = SIGNIFICANT.create_decimal(match["number"])
    if value < 0 or (value and value < SUSPECT_MAGNITUDE) or value > 1 / SUSPECT_MAGNITUDE:
        return Reading(None, fault=Ungraded.SUSPECT)
    return Reading(value, _CENSORS[match["censor"]])


def read_limit(text: str) -> Decimal | None:
    """Read one end of a reference range; None where it is not a plain number."""
    reading = read_result(text)
    return reading.value if reading.censor == "" else None
