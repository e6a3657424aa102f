"""The vocabulary of infections: `infection_terms.csv` and what denies a term.

It must not know records or rules; how a text is searched is `rules.terms`.
"""

from functools import cache

from rules import terms
from rules.terms import Found, Role, Vocabulary, fold_words, read_entries


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary of infections."""
    return Vocabulary((*read_entries("infection_terms.csv"), *read_entries("denials.csv")))


def find(text: str) -> tuple[Found, ...]:
    """Find the infections that a text names, each with what denies it, if anything does."""
    return terms.find(vocabulary(), text)


@cache
def _socs() -> frozenset[tuple[str, ...]]:
    return frozenset(entry.words for entry in vocabulary().entries if entry.role is Role.SOC)


def is_infection_soc(text: str) -> bool:
    """Whether a text is MedDRA's system organ class of infections, by its full name or by speaking of infections."""
    return fold_words(text) in _socs() or any(not found.denied for found in find(text))
