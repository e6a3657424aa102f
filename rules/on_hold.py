"""Which holds stood on a day, and whether they excuse that a planned dose was not given then.

A hold that vigil called for excuses it once a person has taken it up: acknowledged its alert before closing it, and
before it was retracted. It must not know what is planned.
"""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from rules.records import Hold, Participant
from rules.wall_clock import midnight

if TYPE_CHECKING:
    from rules.context import Context


def holds_on(participant: Participant, day: date, context: "Context") -> tuple[Hold, ...]:
    """Return the holds that stood at the end of a study-local day, or now while it lasts.

    A hold that was released before the day was over kept nobody from the dose of that day.
    """
    moment = _end_of(day, context)
    return tuple(hold for hold in participant.holds if _stood(hold, moment, context))


def excuses(hold: Hold, day: date, context: "Context") -> bool:
    """Whether a hold that stood on a day was taken up by a person, and not retracted before that day was over."""
    retracted = hold.retracted is not None and context.local(hold.retracted) < _end_of(day, context)
    return hold.acknowledged is not None and not retracted


def _end_of(day: date, context: "Context") -> datetime:
    """The study-local moment at which a day ends, or now while it lasts."""
    return min(midnight(day + timedelta(days=1)), context.local_now)


def _stood(hold: Hold, moment: datetime, context: "Context") -> bool:
    """Whether a hold stood at a study-local moment."""
    return context.local(hold.since) < moment and (hold.until is None or context.local(hold.until) >= moment)


def alerts_of(holds: tuple[Hold, ...]) -> str:
    """Name the alerts of some holds, as "alert 3, 5 retracted"."""
    return f"alert {', '.join(f'{hold.alert} retracted' if hold.retracted else str(hold.alert) for hold in holds)}"
