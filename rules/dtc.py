"""ISO 8601 dates as SDTM carries them: whole, partial, or without a time.

A `Dtc` is never imputed. It knows the earliest and the latest moment its text allows, in the study's own local time,
and rules compare those.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from rules.wall_clock import wall_of

_DTC = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d{2})(-(?P<day>\d{2})(T(?P<hour>\d{2})(:(?P<minute>\d{2})(:(?P<second>\d{2})(\.\d+)?)?(?P<offset>Z|[+-]\d{2}:\d{2})?)?)?)?)?"
)
_YEARS = range(1850, 2200)
"""Years beyond stand for "unknown" or "never ends", and no calendar can reckon from their ends."""


@dataclass(frozen=True, slots=True)
class Dtc:
    """A --DTC value and the closed interval of local moments that it allows (naive, study-local)."""

    text: str
    earliest: datetime
    latest: datetime

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo | None = None) -> Self:
        """Read an ISO 8601 date-time of SDTMIG 4.4.2, possibly partial; raise ValueError in one sentence otherwise.

        A time with an offset from UTC, as a participant elsewhere may bring, is put on the wall clock of the study's
        zone; where no zone is given it stays on that of its own place.
        """
        match = _DTC.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"'{text}' is not an ISO 8601 date")
        given = match.groupdict()
        offset = given.pop("offset")
        part = {name: int(value) for name, value in given.items() if value is not None}
        year, month, day = part["year"], part.get("month"), part.get("day")
        if year not in _YEARS:
            raise ValueError(f"'{text}' is not a date of a study")
        try:
            earliest = datetime(
                year, month or 1, day or 1, part.get("hour", 0), part.get("minute", 0), part.get("second", 0)
            )
        except ValueError as error:
            raise ValueError(f"'{text}' is not a date of the calendar: {error}") from None
        latest = _latest(earliest, part)
        if offset is not None:
            earliest, latest = (_at_home(end, offset, zone, text) for end in (earliest, latest))
        return cls(match.string, earliest, latest)

    @property
    def has_day(self) -> bool:
        """Whether the day is known."""
        return self.latest - self.earliest < timedelta(days=1)

    @property
    def has_time(self) -> bool:
        """Whether the time of day is known, at least to the minute."""
        return self.latest - self.earliest < timedelta(minutes=1)

    def __str__(self) -> str:
        """The text as reported, with what is not known said."""
        if self.has_day:
            return self.text
        return f"{self.text} ({'day' if len(self.text) > 4 else 'month and day'} unknown)"


def _at_home(moment: datetime, offset: str, zone: ZoneInfo | None, text: str) -> datetime:
    """Return a moment of a place with an offset from UTC on the wall clock of a zone."""
    try:
        aware = datetime.fromisoformat(f"{moment:%Y-%m-%dT%H:%M:%S}{offset}")
    except ValueError:
        raise ValueError(f"'{text}' has no offset of a place on earth") from None
    return moment if zone is None else wall_of(aware, zone)


def _latest(earliest: datetime, part: dict[str, int]) -> datetime:
    """Return the last second that the given parts allow."""
    if "month" not in part:
        return earliest.replace(month=12, day=31, hour=23, minute=59, second=59)
    if "day" not in part:
        last_day = calendar.monthrange(earliest.year, earliest.month)[1]
        return earliest.replace(day=last_day, hour=23, minute=59, second=59)
    for finest, step in (("hour", timedelta(days=1)), ("minute", timedelta(hours=1)), ("second", timedelta(minutes=1))):
        if finest not in part:
            return earliest + step - timedelta(seconds=1)
    return earliest
