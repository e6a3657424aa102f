"""A zone's wall clock: naive local moments and instants, also in nights in which clocks are changed.

A moment that comes twice is over when it comes again, and one that is skipped when the clocks go forward: so what is
due at a local moment is never due twice. It knows zones only.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MINUTE, _TICK = timedelta(minutes=1), timedelta(microseconds=1)


def midnight(day: date) -> datetime:
    """Return the naive local moment at which a day begins."""
    return datetime.combine(day, time())


def wall_of(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return an aware instant on the wall clock of a zone, naive."""
    return instant.astimezone(zone).replace(tzinfo=None)


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) from which on a naive local moment is over, in the sense of `passed`."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second
    instant = second.replace(second=0, microsecond=0)  # clocks are changed at whole minutes
    while wall_of(instant, zone) < local:
        instant += _MINUTE
    return instant


def passed(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return up to which naive local moment time has come: what the wall clock shows, but never twice.

    While it shows what it will show again, that is the moment before the repeated hour begins.
    """
    wall = wall_of(instant, zone)
    if instant.astimezone(zone).fold or not _comes_twice(wall, zone):
        return wall
    begin = wall.replace(second=0, microsecond=0)
    while _comes_twice(begin - _MINUTE, zone):
        begin -= _MINUTE
    return begin - _TICK


def _comes_twice(local: datetime, zone: ZoneInfo) -> bool:
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first < second
