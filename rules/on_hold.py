"""Which holds kept a planned dose from being given.

A hold that vigil called for keeps a dose from being expected once a person has taken it up: acknowledged its alert, or
closed it, which releases it. It must not know what is planned.
"""

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from rules.records import Hold, Participant

if TYPE_CHECKING:
    from rules.context import Context


def holds_on(participant: Participant, day: date, context: "Context") -> tuple[Hold, ...]:
    """Return the holds that stood at the end of a study-local day, or now while it lasts.

    A hold that was released before the day was over kept nobody from the dose of that day.
    """
    moment = min(datetime.combine(day, time()) + timedelta(days=1), context.local_now)
    return tuple(hold for hold in participant.holds if _stood(hold, moment, context))


def _stood(hold: Hold, moment: datetime, context: "Context") -> bool:
    """Whether a hold stood at a study-local moment."""
    return context.local(hold.since) < moment and (hold.until is None or context.local(hold.until) >= moment)


def alerts_of(holds: tuple[Hold, ...]) -> str:
    """Name the alerts of some holds, as "alert 3, 5"."""
    return f"alert {', '.join(str(hold.alert) for hold in holds)}"
