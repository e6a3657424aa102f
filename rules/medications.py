"""Which group a medication belongs to, by the lists and the route, and when it was taken.

The answer is yes, no or cannot know, and names what matched. It knows CM records and the vocabulary of medications; it
must not know rules or what follows. Doses are not read.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from rules.dtc import Dtc
from rules.evidence import shown
from rules.hit import Evidence
from rules.records import Medication
from rules.routes import routes
from rules.terms import Entry, Role, Vocabulary, find, make_entry, match_words, names_code, read_entries

GIVEN_ONCE = frozenset({"live-vaccine", "iodinated-contrast", "pulse-steroid"})
"""Groups that are given on a day or a few: without an end date they do not go on."""

_OWN = "own"
_CLASS_NAME = "ATC class name"
"""The source of an entry that is the class of what is given systemically: as a class it tells the way by itself."""

_TEXTS = ("cmdecod", "cmtrt", "cmclas")
_SHOWN = ("cmtrt", "cmdecod", "cmclas", "cmindc", "cmroute", "cmstdtc", "cmendtc")


@dataclass(frozen=True, slots=True)
class Recognised:
    """Whether a medication belongs: yes, no, or None; `group` is what it is or may be, '' for an unknown one."""

    belongs: bool | None
    why: str
    group: str = ""


@cache
def vocabulary(terms: tuple[str, ...] = ()) -> Vocabulary:
    """Return the vocabulary of medications, with a rulebook's own terms."""
    own = (make_entry(term, Role.TERM, _OWN, "this rule") for term in terms)
    return Vocabulary((*own, *read_entries("medication_terms.csv")))


@cache
def _needed_way() -> Mapping[str, str]:
    """Return by term the way that a medication must be given to count, '' for any."""
    lines = (resources.files("rules") / "medication_terms.csv").read_text(encoding="utf-8").splitlines()
    return {row["term"]: row["route"] for row in csv.DictReader(lines) if row["role"] == "term"}


def was_taken(row: Medication) -> bool | None:
    """Whether a medication was taken: a row is one that was, unless CMOCCUR says N or cannot be read."""
    return {"": True, "Y": True, "N": False}.get(row.cmoccur)


def name_of(row: Medication) -> str:
    """Name a medication: as coded, else as the site did."""
    return (row.cmdecod if names_code(row.cmdecod) else row.cmtrt) or "(no name)"


def recognise_medication(row: Medication, groups: Iterable[str], terms: tuple[str, ...] = ()) -> Recognised:
    """Recognise a medication of some groups from its coded name, its name and its class, and the way it is given."""
    wanted = frozenset((*groups, _OWN))
    found = [
        (name, hit.entry)
        for name in _TEXTS
        for hit in find(vocabulary(terms), getattr(row, name))
        if hit.entry.group in wanted and not hit.denied
    ]
    answers = [_by_way(row, name, entry) for name, entry in found]
    for belongs in (True, None, False):
        answer = next((answer for answer in answers if answer.belongs is belongs), None)
        if answer is not None:
            return answer
    coded = next((name for name in ("cmdecod", "cmclas") if names_code(getattr(row, name))), "")
    if coded or any(not hit.denied for name in _TEXTS for hit in find(vocabulary(terms), getattr(row, name))):
        return Recognised(False, f"coded as {getattr(row, coded)}" if coded else "of another group")
    return Recognised(None, "not coded, and no list knows it")


def _by_way(row: Medication, name: str, entry: Entry) -> Recognised:
    """Ask whether a medication that an entry names is given in the way that counts."""
    group = "" if entry.group == _OWN else entry.group
    why = match_words(name, getattr(row, name), entry)
    is_class = name == "cmclas" and entry.source == _CLASS_NAME
    needed = "" if entry.group == _OWN or is_class else _needed_way()[entry.term]
    ways = {found.entry.group for found in find(routes(), row.cmroute)}
    if not needed:
        return Recognised(True, why, group)
    if len(ways) != 1:
        route = f"CMROUTE '{row.cmroute}' does not say" if row.cmroute else "CMROUTE is empty and does not say"
        return Recognised(None, f"{why}; {route} whether it is given in the way that counts ({needed})", group)
    counts = {"systemic", "intravenous"} if needed == "systemic" else {needed}
    return Recognised(bool(ways & counts), f"{why}; CMROUTE is {row.cmroute}", group)


def may_overlap(row: Medication, begin: Dtc, end: Dtc | None, *, given_once: bool) -> tuple[bool, bool]:
    """Say whether a medication may have been taken between two dates (None: open), and whether it certainly was.

    A start that is not known may be any time; without an end it goes on, unless it is given once.
    """
    start, stop = row.cmstdtc, row.cmendtc or (row.cmstdtc if given_once else None)
    if (stop is not None and stop.latest < begin.earliest) or (
        start is not None and end is not None and start.earliest > end.latest
    ):
        return False, False
    in_time = end is None or (start is not None and start.latest <= end.earliest)
    lasts = any(moment is not None and moment.earliest >= begin.latest for moment in (start, stop))
    return True, in_time and lasts


def medication_evidence(rows: Iterable[Medication]) -> tuple[Evidence, ...]:
    """Return medications as evidence: what, why, how and when; never how much."""
    return tuple(shown(row, _SHOWN) for row in rows)
