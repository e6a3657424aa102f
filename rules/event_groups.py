"""Whether an adverse event belongs to a group of events: by the lists, by a rulebook's own terms, by its coded class.

The answer is yes, no or cannot know, and names what matched. It knows AE records and the vocabulary of groups; it must
not know rules, seriousness or what follows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from rules import infection_terms
from rules.coding import CLASSES, TEXTS, class_of, code_of, not_classed
from rules.records import AdverseEvent
from rules.terms import Found, Role, Vocabulary, find, fold_words, make_entry, match_words, read_entries

OWN = "own"
"""The group of a rulebook's own terms."""

_SIGNS = frozenset({"oedema", "haemolysis"})
"""Groups of signs: an event that shows one may be anything else beside it."""


@dataclass(frozen=True, slots=True)
class Match:
    """Whether an event belongs: yes, no, or None where nothing tells; `why` names what matched."""

    belongs: bool | None
    why: str
    groups: frozenset[str] = frozenset()
    variables: tuple[str, ...] = ()  # the record's variables, AETERM apart, that the answer rests on
    known_otherwise: bool = False  # where nothing tells: whether another list knows all of it


@cache
def vocabulary(terms: tuple[str, ...] = ()) -> Vocabulary:
    """Return the vocabulary of the groups, with a rulebook's own terms."""
    own = (make_entry(term, Role.TERM, OWN, "this rule") for term in terms)
    return Vocabulary((*own, *read_entries("event_terms.csv"), *read_entries("denials.csv")))


def recognise_group(
    rows: Iterable[AdverseEvent], groups: Iterable[str], terms: tuple[str, ...] = (), socs: tuple[str, ...] = ()
) -> Match:
    """Recognise an event from its rows; one row that belongs is enough.

    A class is asked only where `socs` names one: by the words it begins with. Without a match, an event is known not to
    belong only where it is coded with a class: a code alone may be anybody's words.
    """
    wanted = frozenset((*groups, OWN))
    answers = [_recognise_row(row, wanted, terms, socs) for row in rows]
    matched = frozenset[str]().union(*(answer.groups for answer in answers))
    answers.sort(key=lambda answer: answer.known_otherwise)
    for belongs in (True, None):
        answer = next((answer for answer in answers if answer.belongs is belongs), None)
        if answer is not None:
            return replace(answer, groups=matched)
    return answers[0] if answers else Match(None, "nothing is recorded of the event")


def _recognise_row(row: AdverseEvent, groups: frozenset[str], terms: tuple[str, ...], socs: tuple[str, ...]) -> Match:
    """Ask the texts, then the class where one is wanted, of one row."""
    known = vocabulary(terms)
    every = [(name, hit) for name in TEXTS for hit in find(known, getattr(row, name))]
    found = [(name, hit) for name, hit in every if hit.entry.group in groups]
    standing = [(name, hit.entry) for name, hit in found if not hit.denied]
    if standing:
        name, entry = min(standing, key=lambda pair: pair[1].is_pattern)
        return Match(
            True,
            match_words(name, getattr(row, name), entry, "" if entry.group == OWN else entry.group),
            frozenset(entry.group for _, entry in standing) - {OWN},
            tuple(dict.fromkeys(name for name, _ in standing if name != "aeterm")),
        )
    if name := class_among(row, socs):
        return Match(True, f"coded to {getattr(row, name)}", variables=(name,))
    coded = code_of(row) or (class_of(row) if socs else ())
    if coded and class_of(row):
        return Match(False, f"coded as {getattr(row, coded[0])}", variables=coded)
    if other := next(filter(None, (_known_as(known, getattr(row, name)) for name in TEXTS)), ""):
        why = f"{not_classed(row)}, and only another list knows '{other}'"
        return Match(None, why, variables=coded, known_otherwise=True)
    return Match(None, f"{not_classed(row)} and no list of this rule knows it{_denied(found)}", variables=coded)


def _known_as(known: Vocabulary, text: str) -> str:
    """Return the term of any list that is all of a text, '' where none is: what else stands there is not known."""
    every = (*find(known, text), *infection_terms.find(text))
    whole = (hit for hit in every if not hit.denied and len(hit.entry.words) == len(fold_words(text)))
    return next((hit.entry.term for hit in whole if hit.entry.group not in _SIGNS), "")


def class_among(row: AdverseEvent, socs: Iterable[str]) -> str:
    """Return the variable whose coded class begins with the words of a wanted one, '' where none does."""
    wanted = tuple(socs)
    return next((name for name in CLASSES if any(_begins(getattr(row, name), soc) for soc in wanted)), "")


def _denied(found: list[tuple[str, Found]]) -> str:
    """Say of the first term found what keeps it from counting; nothing where none was found."""
    return next((f"; '{hit.entry.term}' does not count: {hit.denied}" for _, hit in found), "")


def _begins(text: str, soc: str) -> bool:
    """Whether a coded class begins with the words of a wanted one."""
    wanted = fold_words(soc)
    return bool(wanted) and fold_words(text)[: len(wanted)] == wanted
