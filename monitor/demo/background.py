"""A synthetic study in which no drug does anything, as rules see it: what a rulebook alarms there is its background.

It knows the cohort and records. It must not know rules, the ledger or what is made of any of it.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from monitor.demo.cohort import Cohort, make_cohort
from monitor.demo.export import COLUMNS, Entry
from monitor.demo.place import ZONE
from monitor.demo.swings import Variability
from rules.reading import read_record
from rules.records import PLACES, Feed, Participant, Record, StudyView, Subject

FIRST_DAY = date(2014, 3, 3)
DAYS = 7 * 24
"""From the first participant's first dose to the last sample that is taken of everybody."""


def background(seed: int, variability: Variability) -> Cohort:
    """Make the cohort of a seed."""
    return make_cohort(seed, FIRST_DAY, variability=variability)


def moment(cohort: Cohort, day: int) -> datetime:
    """Return the evening of a day of the replay."""
    return datetime.combine(cohort.first_day + timedelta(days=day), time(20, 0), ZONE)


def view_on(cohort: Cohort, day: int, usubjids: Iterable[str] = ()) -> StudyView:
    """Return the records that the source shows on a day, of all participants or of some."""
    wanted = frozenset(usubjids) or {person.usubjid for person in cohort.people}
    shown = [entry for entry in cohort.entries if entry.usubjid in wanted and entry.is_shown(day)]
    shown.sort(key=lambda entry: entry.usubjid)
    return StudyView(
        participants=tuple(_participant(usubjid, own) for usubjid, own in groupby(shown, lambda e: e.usubjid)),
        feed=Feed(domains=frozenset(COLUMNS), participants=len(wanted)),
    )


def _participant(usubjid: str, entries: Iterable[Entry]) -> Participant:
    """Put one person's rows where a participant keeps them."""
    subject: Subject | None = None
    rooms: dict[str, Any] = {}
    for domain, record in _records(entries):
        if isinstance(record, Subject):
            subject = record
        else:
            rooms[PLACES[domain]] = (*rooms.get(PLACES[domain], ()), record)
    return Participant(usubjid=usubjid, subject=subject, **rooms)


def _records(entries: Iterable[Entry]) -> Iterator[tuple[str, Record]]:
    """Yield the record of each row; the key is its place, and an event is what the site numbered."""
    for number, entry in enumerate(entries, start=1):
        yield (
            entry.domain,
            read_record(
                entry.domain,
                {**entry.values, "USUBJID": entry.usubjid},
                version=number,
                key=f"{entry.domain}-{number:04d}",
                event_key=entry.values.get("AESPID", ""),
            ),
        )
