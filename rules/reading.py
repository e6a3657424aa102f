"""How a stored row becomes a record.

A value that cannot be read does not remove its record: it reads as missing and its sentence stands in `problems`, so
that a serious event with a mistyped date is still a serious event.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from rules.dtc import Dtc
from rules.records import DOMAINS, AdverseEvent, Dose, Finding, Record

SUSPECT_MAGNITUDE = Decimal("1e-70")
"""Smaller magnitudes are the traces of missing values in IBM floats, not results."""

_LEDGER_FIELDS = {spec.name for spec in fields(Record)} - {"usubjid"} | {"event_key", "domain"}
_YES_NO = frozenset(
    f"AE{flag}" for flag in ("SER", "SDTH", "SLIFE", "SHOSP", "SDISAB", "SCONG", "SMIE", "SCAN", "SOD")
) | {"DTHFL", "ECOCCUR", "ECPRESP", "EXOCCUR", "CMOCCUR", "MHOCCUR", "HOOCCUR"}
_ONE_SET_OF_NAMES = (Dose, Finding)
"""Records whose attributes are SDTM names without the domain's prefix."""
_UNPREFIXED = frozenset({"usubjid", "visit", "visitnum"})
_KEPT = 10_000
"""How many distinct texts of dates and numbers are remembered: an export repeats each many times."""

Reader = Callable[[str], Any]


def read_record(
    domain: str,
    row: Mapping[str, str],
    *,
    version: int,
    key: str,
    event_key: str = "",
    known_at: datetime | None = None,
    zone: ZoneInfo | None = None,
) -> Record:
    """Make the record of one stored row (SDTM names to text); what cannot be read is missing and said in `problems`.

    `zone` is the study's: times that bring an offset from UTC are put on its wall clock.
    """
    kind = DOMAINS[domain]
    values: dict[str, Any] = {"version": version, "key": key, "known_at": known_at}
    problems: list[str] = []
    for attribute, variable, read in _plan(domain):
        text = row.get(variable, "").strip()
        if not text:
            continue
        if read is None:
            values[attribute] = text
            continue
        try:
            values[attribute] = _date(text, zone) if read is _date else read(text)
        except ValueError as error:
            problems.append(f"{variable}: {error}")
            if read is _yes_no:
                values[attribute] = text.upper()
    if kind is AdverseEvent:
        values["event_key"] = event_key
    if kind in _ONE_SET_OF_NAMES:
        values["domain"] = domain
    return kind(**values, problems=tuple(problems))


@cache
def variables(domain: str) -> frozenset[str]:
    """Return the SDTM variables of a domain that a record is made of."""
    return frozenset(variable for _, variable, _ in _plan(domain))


@cache
def _plan(domain: str) -> tuple[tuple[str, str, Reader | None], ...]:
    """Return each attribute of a domain's records with its SDTM variable and how to read it; None keeps the text."""
    prefix = domain if DOMAINS[domain] in _ONE_SET_OF_NAMES else ""
    plan = []
    for spec in fields(DOMAINS[domain]):
        if spec.name not in _LEDGER_FIELDS:
            variable = ("" if spec.name in _UNPREFIXED else prefix) + spec.name.upper()
            plan.append((spec.name, variable, _reader(variable, str(spec.type))))
    return tuple(plan)


def _reader(variable: str, kind: str) -> Reader | None:
    if "Dtc" in kind:
        return _date
    if "Decimal" in kind:
        return _number
    return _yes_no if variable in _YES_NO else None


@lru_cache(maxsize=_KEPT)
def _date(text: str, zone: ZoneInfo | None = None) -> Dtc:
    return Dtc.parse(text, zone)


@lru_cache(maxsize=_KEPT)
def _number(text: str) -> Decimal:
    """Read a finite decimal; raise ValueError in one sentence otherwise."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"'{text}' is not a number") from None
    if not number.is_finite() or (number and abs(number) < SUSPECT_MAGNITUDE):
        raise ValueError(f"'{text}' is not a usable number")
    return number


def _yes_no(text: str) -> str:
    """Read Y, N or U in either case; raise ValueError for anything else, which the record keeps as it stands."""
    folded = text.upper()
    if folded not in {"Y", "N", "U"}:
        raise ValueError(f"'{text}' is neither Y nor N")
    return folded
