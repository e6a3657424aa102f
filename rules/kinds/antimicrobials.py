"""Whether an infection was treated with a systemic antimicrobial, for the kind that asks.

A medication is one for the infection where its indication names an infection and the dates allow it, or where it began
within some days of the onset. It must not know any term.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rules.events import Event, Fact
from rules.infection_terms import names_infection
from rules.kinds.together import can_be_within
from rules.medications import name_of, recognise_medication, was_taken
from rules.records import Medication, Participant
from rules.terms import fold_words

if TYPE_CHECKING:
    from rules.context import Context

_GROUPS = ("systemic-antimicrobial",)
_PROPHYLAXIS = ("prophyla", "prevent")


def treated(
    event: Event, participant: Participant, context: "Context", within_days: int
) -> tuple[Fact, tuple[Medication, ...]]:
    """Say whether an event was treated with a systemic antimicrobial, and by which records."""
    if "CM" not in context.domains:
        return Fact(None, "the source holds no CM data, so its treatment is not known"), ()
    said = [(_treats(row, event, within_days), row) for row in participant.medications]
    for holds in (True, None):
        rows = tuple(row for fact, row in said if fact.holds is holds)
        if rows:
            return next(fact for fact, _ in said if fact.holds is holds), rows
    return Fact(False, "no systemic antimicrobial"), ()


def _treats(row: Medication, event: Event, within_days: int) -> Fact:
    """Say whether one medication is a systemic antimicrobial for the event."""
    recognised = recognise_medication(row, _GROUPS)
    taken = was_taken(row)
    linked = _linked(row, event, timedelta(days=within_days))
    known = recognised.belongs is not None or recognised.group
    if taken is False or recognised.belongs is False or linked.holds is False:
        return Fact(False, "")
    if not known and not names_infection(row.cmindc):
        return Fact(False, "")  # anything may stand there; its indication would have to name an infection
    why = f"{name_of(row)}, {linked.why}"
    if recognised.belongs and taken and linked.holds:
        return Fact(True, f"treated with {why}: {recognised.why}")
    unread = "" if taken else f"; CMOCCUR is '{row.cmoccur}', neither Y nor N"
    return Fact(None, f"may be treated with {why}: {recognised.why}{unread}")


def _linked(row: Medication, event: Event, days: timedelta) -> Fact:
    """Say whether a medication belongs to an event: by its indication and dates, else by its start near the onset."""
    onset, start, stop = event.onset, row.cmstdtc, row.cmendtc
    if names_infection(row.cmindc):
        over = _latest_end(event)
        too_early = stop is not None and onset is not None and stop.latest < onset.earliest - days
        too_late = start is not None and over is not None and start.earliest > over + days
        return Fact(not (too_early or too_late), f"given for '{row.cmindc}'")
    if _names_prophylaxis(row):
        return Fact(False, "")
    if onset is None or start is None:
        return Fact(None, "of which the start, or the onset of the event, is not known")
    return Fact(can_be_within(onset, start, days), f"begun {start}, within {days.days} days of the onset {onset}")


def _latest_end(event: Event) -> datetime | None:
    """Return the latest moment at which an event may have ended, None while a row has no end."""
    ends = [row.aeendtc for row in event.rows]
    return max(end.latest for end in ends if end is not None) if None not in ends else None


def _names_prophylaxis(row: Medication) -> bool:
    """Whether the indication of a medication says that it prevents, and names no infection that it treats."""
    return any(word.startswith(_PROPHYLAXIS) for word in fold_words(row.cmindc)) or "预防" in row.cmindc
