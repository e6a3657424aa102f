"""Whether the recurring jobs get on, by a clock that is never set: what the guard, the watchdog and /healthz ask.

A scheduler works by the wall clock, and one that is set back stops it for as long as the step. This does not know what
the jobs do.
"""

from collections.abc import Mapping
from datetime import timedelta

LATE = timedelta(minutes=1)
"""Beyond two intervals: the scheduler has let a job down, so it is started out of turn."""

STUCK = timedelta(minutes=30)
"""Beyond two intervals: nothing in this process will help the job any more."""


class Progress:
    """When each job last came to an end, in seconds of a monotonic clock; at first, when the process started."""

    def __init__(self, every: Mapping[str, timedelta], now: float) -> None:
        self._every = dict(every)
        self._ended = dict.fromkeys(every, now)

    def ended(self, job: str, now: float) -> None:
        """Note that a job came to an end, well or not."""
        self._ended[job] = now

    def overdue(self, now: float, patience: timedelta) -> list[str]:
        """Return the jobs that have not ended for two intervals and `patience`."""
        return [
            job for job, ended in self._ended.items() if now - ended > (2 * self._every[job] + patience).total_seconds()
        ]
