"""Whether an adverse event is an infection, which one, and what proves it.

The coded SOC is asked first, then the term list, then the text patterns; the answer names what matched. A term ending
in -itis proves nothing by that ending. It knows AE records and the vocabulary; it must not know rules, seriousness or
what follows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from rules.infection_terms import find, is_infection_soc, vocabulary
from rules.records import AdverseEvent
from rules.terms import Entry, names_code


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
    found = [(name, hit) for name in ("aedecod", "aellt", "aeterm") for hit in find(getattr(row, name))]
    standing = [(name, hit.entry) for name, hit in found if not hit.denied]
    standing.sort(key=lambda pair: (not pair[1].group, pair[1].is_pattern))
    groups = frozenset(entry.group for _, entry in standing if entry.group)
    matched = _match_words(row, *standing[0]) if standing else ""
    coded = next((name for name in ("aesoc", "aebodsys") if is_infection_soc(getattr(row, name))), "")
    if coded:
        why = f"coded to {getattr(row, coded)}"
        return Recognition(True, f"{why}; {matched}" if groups else why, groups, (coded, *_texts(standing)))
    soc = next((getattr(row, name) for name in _socs(row)), "")
    if standing:
        aside = f"although coded to {soc}" if soc else "not coded"
        return Recognition(True, f"{matched}, {aside}", groups, (*_texts(standing), *_socs(row)))
    if soc:
        return Recognition(False, f"coded to {soc}", groups, _socs(row))
    denied = next((f"; '{hit.entry.term}' does not count: {hit.denied}" for _, hit in found), "")
    term = f"'{row.aeterm}'" if row.aeterm else "an event without a term"
    return Recognition(None, f"{term} is not coded and no list or pattern knows it{denied}", groups)


def _match_words(row: AdverseEvent, name: str, entry: Entry) -> str:
    """Say which text matched which entry, and where that entry comes from."""
    how = "text pattern" if entry.is_pattern else "term list"
    return f"{name.upper()} '{getattr(row, name)}' matches '{entry.term}' ({how}: {entry.source})"


def _texts(standing: list[tuple[str, Entry]]) -> tuple[str, ...]:
    """The coded terms that matched (AETERM is evidence anyway)."""
    return tuple(dict.fromkeys(name for name, _ in standing if name != "aeterm"))


def _socs(row: AdverseEvent) -> tuple[str, ...]:
    """The variable that says which class the event is coded to."""
    return tuple(name for name in ("aesoc", "aebodsys") if names_code(getattr(row, name)))[:1]
