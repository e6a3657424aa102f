"""Puts the script on a cohort: the rows a source shows, day by day, with what goes wrong in it.

It knows cohort and script. It must not know the ledger or what vigil decides.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from monitor.demo.cohort import Cohort, Person, iso, make_cohort
from monitor.demo.export import NEVER, Entry, export, in_order
from monitor.demo.incident import Change, Fault, Incident
from monitor.demo.script import LEUKOPENIC, NORMAL, SCRIPT
from monitor.demo.swings import Variability

STEP_DAYS = 2
"""How many days lie between two exports."""

OLDER_BY = 10
"""How many days old the export is that comes back."""


def staged_cohort(seed: int, first_day: date, variability: Variability | None = None) -> Cohort:
    """Make the cohort of a seed and let the script happen to it."""
    cohort = make_cohort(
        seed,
        first_day,
        normal=NORMAL,
        leukopenic=frozenset(LEUKOPENIC),
        punctual=frozenset(incident.who for incident in SCRIPT if incident.who),
        variability=variability,
    )
    entries = cohort.entries
    for incident in SCRIPT:
        if incident.who is not None:
            entries = tuple(_happen(entries, incident, cohort.person(incident.who), first_day))
    return replace(cohort, entries=in_order(entries))


def incoming(cohort: Cohort, day: int) -> tuple[dict[str, bytes], int]:
    """Return the files that lie in the incoming folder on a day, by name, and the day they are dated."""
    match _fault_on(day):
        case "repeated":
            return export(cohort.entries, day - STEP_DAYS), day
        case "half-written":
            files = export(cohort.entries, day)
            labs = files["lb.csv"]
            # Half of the rows, and some bytes of the next one.
            return files | {"lb.csv": labs[: labs.index(b"\n", len(labs) // 2) + 30]}, day
        case "older":
            return export(cohort.entries, day - OLDER_BY), day - OLDER_BY
        case None:
            return export(cohort.entries, day), day


def first_good_look(day: int) -> int:
    """Return the first day, from a day on, whose export comes and is what it should be."""
    while day % STEP_DAYS or _fault_on(day):
        day += 1
    return day


def is_left_on_hold(person: Person, day: int) -> bool:
    """Whether nobody releases a participant's holds on a day of the replay."""
    own = [incident.on_hold_until for incident in SCRIPT if incident.who == person.number]
    return any(until is not None and day < person.day(until) for until in own)


def is_left_unreported(person: Person) -> bool:
    """Whether nobody enters that a participant's serious events were reported."""
    return any(incident.unreported for incident in SCRIPT if incident.who == person.number)


def _fault_on(day: int) -> Fault | None:
    """Return what is wrong with the export of a day as a whole, if anything."""
    return next((incident.fault for incident in SCRIPT if incident.fault and incident.day == day), None)


def _happen(entries: Iterable[Entry], incident: Incident, person: Person, first_day: date) -> Iterator[Entry]:
    """Yield the entries with an incident in them."""
    last = person.day(incident.day)
    for entry in entries:
        if entry.usubjid != person.usubjid:
            yield entry
        elif not incident.stops:
            yield from _around(entry, [change for change in incident.changes if _is_about(change, entry)], person)
        elif entry.shown <= last:  # what would have followed never comes, so what stands then stands for good
            yield replace(entry, gone=NEVER) if entry.gone > last else entry
    for change in incident.changes:
        if not change.where:
            shown, gone = _days(change, person)
            values = {name: _dated(value, person, first_day) for name, value in change.values.items()}
            yield Entry(domain=change.domain, usubjid=person.usubjid, values=values, shown=shown, gone=gone)


def _is_about(change: Change, entry: Entry) -> bool:
    """Whether a change replaces that entry."""
    found = change.where.items() <= entry.values.items()
    return bool(change.where) and change.domain == entry.domain and found


def _around(entry: Entry, changes: list[Change], person: Person) -> Iterator[Entry]:
    """Yield an entry with the times cut out of it in which changes stand in its place."""
    shown = entry.shown
    for change in changes:
        start, end = _days(change, person)
        if shown < start:
            yield replace(entry, shown=shown, gone=start)
        yield replace(entry, values={**entry.values, **change.values}, shown=start, gone=end)
        shown = end
    if shown < entry.gone:
        yield replace(entry, shown=shown)


def _days(change: Change, person: Person) -> tuple[int, int]:
    """Return the days of the replay from and up to which a change is shown."""
    return person.day(change.day), NEVER if change.until is None else person.day(change.until)


def _dated(value: str, person: Person, first_day: date) -> str:
    """Return a value with "@22" written as the date of study day 22."""
    return re.sub(r"^@(-?\d+)", lambda found: iso(first_day, person.day(int(found[1]))), value)
