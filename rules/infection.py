"""Whether an adverse event is an infection, which one, and what proves it.

The coded SOC is asked first, then the term list, then the text patterns; the answer names what matched. A term ending
in -itis proves nothing by that ending. It knows AE records and the vocabulary; it must not know rules, seriousness or
what follows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from rules.coding import CLASSES, TEXTS, class_of, code_of, not_classed
from rules.infection_terms import find, names_infection, vocabulary
from rules.records import AdverseEvent
from rules.terms import Entry, match_words


@dataclass(frozen=True, slots=True)
class Recognition:
    """Whether an event is an infection: yes, no, or None where nothing proves either; `why` names what matched."""

    infection: bool | None
    why: str
    groups: frozenset[str] = frozenset()
    variables: tuple[str, ...] = ()  # the record's variables that the answer rests on


def recognise(rows: Iterable[AdverseEvent]) -> Recognition:
    """Recognise an event from its rows; one row that tells of an infection is enough."""
    answers = [_recognise_row(row) for row in rows]
    groups = frozenset[str]().union(*(answer.groups for answer in answers))
    for wanted in (True, None):
        answer = next((answer for answer in answers if answer.infection is wanted), None)
        if answer is not None:
            return Recognition(wanted, answer.why, groups, answer.variables)
    return answers[0] if answers else Recognition(None, "nothing is recorded of the event")


def special_interest() -> frozenset[str]:
    """Return the names of the groups of special interest that the vocabulary knows."""
    return vocabulary().groups()


def _recognise_row(row: AdverseEvent) -> Recognition:
    """Ask the SOC, then the texts, of one row."""
    found = [(name, hit) for name in TEXTS for hit in find(getattr(row, name))]
    standing = [(name, hit.entry) for name, hit in found if not hit.denied]
    standing.sort(key=lambda pair: (not pair[1].group, pair[1].is_pattern))
    groups = frozenset(entry.group for _, entry in standing if entry.group)
    matched = next((match_words(name, getattr(row, name), entry) for name, entry in standing), "")
    coded = next((name for name in CLASSES if names_infection(getattr(row, name))), "")
    if coded:
        why = f"coded to {getattr(row, coded)}"
        return Recognition(True, f"{why}; {matched}" if groups else why, groups, (coded, *_texts(standing)))
    soc = next((getattr(row, name) for name in class_of(row)), "")
    if standing:
        aside = f"although coded to {soc}" if soc else "not coded"
        return Recognition(True, f"{matched}, {aside}", groups, (*_texts(standing), *class_of(row)))
    if soc:
        return Recognition(False, f"coded to {soc}", groups, class_of(row))
    denied = next((f"; '{hit.entry.term}' does not count: {hit.denied}" for _, hit in found), "")
    return Recognition(None, f"{not_classed(row)} and no list or pattern knows it{denied}", groups, code_of(row))


def _texts(standing: list[tuple[str, Entry]]) -> tuple[str, ...]:
    """The coded terms that matched (AETERM is evidence anyway)."""
    return tuple(dict.fromkeys(name for name, _ in standing if name != "aeterm"))
