"""What counts together: how much time lies between two dates, and which records are connected.

A date may be partial or without a time, so that the time between two is a range. It must not know a criterion.
"""

from collections.abc import Iterable
from datetime import timedelta

from rules.dtc import Dtc


def clusters(edges: Iterable[tuple[str, str]]) -> list[set[str]]:
    """Group keys that are connected, directly or through others."""
    groups: list[set[str]] = []
    for edge in edges:
        touched = [group for group in groups if not group.isdisjoint(edge)]
        groups = [group for group in groups if group.isdisjoint(edge)]
        groups.append(set(edge).union(*touched))
    return groups


def elapsed(earlier: Dtc | None, later: Dtc | None) -> tuple[timedelta, timedelta]:
    """Return the least and the most time from one date to another, negative where they can be the other way round.

    Two known times are told to the minute; a date that is not there may be any.
    """
    if earlier is None or later is None:
        return timedelta.min, timedelta.max
    if earlier.has_time and later.has_time:
        exact = later.earliest - earlier.earliest
        return exact, exact
    return later.earliest - earlier.latest, later.latest - earlier.earliest


def can_be_within(one: Dtc | None, other: Dtc | None, limit: timedelta) -> bool:
    """Whether two dates can be at most so far apart, in either order."""
    least, most = elapsed(one, other)
    return least <= limit and most >= -limit
