"""The only place that reads a clock."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds of a clock that is never set: for durations only."""
    return time.monotonic()
