"""What the rules of reporting ask for: regimes, their reports, and when a report is due.

The data are `reporting_regimes.toml`. It knows calendars. It must not know events, or whether a report is owed: that
takes causality and expectedness, which a person decides.
"""

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

_ID = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
_Positive = Annotated[int, Field(gt=0)]


class Report(BaseModel):
    """One report that a regime asks for, and how long there is for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: _ID
    name: str
    of: Literal["serious", "grave", "other", "follow-up"]
    after: str = ""
    hours: _Positive | None = None
    days: _Positive | None = None
    day_0: str
    source: str

    @model_validator(mode="after")
    def _is_one_time(self) -> Self:
        if (self.hours is None) is (self.days is None):
            raise ValueError(f"report {self.id} must have hours or days, and not both")
        if (self.of == "follow-up") is not bool(self.after):
            raise ValueError(f"report {self.id}: 'after' belongs to a follow-up, and only there")
        return self

    @property
    def time(self) -> str:
        """How long there is, in words."""
        return f"{self.hours} hours" if self.hours is not None else f"{self.days} calendar days"

    def due_day(self, since: datetime, zone: ZoneInfo) -> date:
        """Return the study's day on which it is due when it counts from an instant."""
        if self.days is not None:
            return since.astimezone(zone).date() + timedelta(days=self.days)
        return self.due(since, zone).astimezone(zone).date()

    def due(self, since: datetime, zone: ZoneInfo) -> datetime:
        """Return the instant at which it is overdue: after so many hours, or at the end of the last calendar day."""
        if self.hours is not None:
            return since.astimezone(UTC) + timedelta(hours=self.hours)
        return start_of(self.due_day(since, zone) + timedelta(days=1), zone)


class Regime(BaseModel):
    """One text that asks for reports, and from when until when it is in force."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: _ID
    title: str
    since: date
    until: date | None = None
    report: tuple[Report, ...]

    def is_in_force(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.since <= day and (self.until is None or day <= self.until)


@cache
def regimes() -> dict[str, Regime]:
    """Return every regime by its id."""
    text = resources.files("rules").joinpath("reporting_regimes.toml").read_text(encoding="utf-8")
    return {regime.id: regime for regime in map(Regime.model_validate, tomllib.loads(text)["regime"])}


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which a day begins in a zone, whatever its clocks do in that night."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)
