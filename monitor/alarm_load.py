"""What a rulebook alarms: of the records that stand in a study's ledger, or of people who were never given a drug.

It knows where records come from. What is counted stands in `rules.load`. Nothing is written.
"""

from zoneinfo import ZoneInfo

from alerts.ledger import last_done, standing_view
from alerts.store import Store
from monitor.demo.background import DAYS, background, moment, view_on
from monitor.demo.place import ZONE
from monitor.demo.swings import Variability
from rules.evaluate import evaluate
from rules.load import Load, alarm_load, together
from rules.rulebook import Rulebook


class NeverSweptError(Exception):
    """The ledger holds no sweep of the study that was done."""


def load_of_study(book: Rulebook, store: Store, study: str, zone: ZoneInfo) -> Load:
    """Judge the records that stand in the ledger at the moment of the study's last sweep."""
    with store.read() as session:
        now = last_done(session, study)
        if now is None:
            raise NeverSweptError(f"study {study} has no sweep in the database yet")
        view = standing_view(session, study, zone)
    return alarm_load(book, view.participants, evaluate(book, view, now, zone), now)


def load_of_background(book: Rulebook, variability: Variability, cohorts: int) -> Load:
    """Judge synthetic cohorts in which no drug moves anything, as they stand at their end."""
    loads = []
    for seed in range(1, cohorts + 1):
        cohort = background(seed, variability)
        view, now = view_on(cohort, DAYS), moment(cohort, DAYS)
        loads.append(alarm_load(book, view.participants, evaluate(book, view, now, ZONE), now))
    return together(loads)
