"""The vocabulary of infections: `infection_terms.csv` and what denies a term.

It must not know records or rules; how a text is searched is `rules.terms`.
"""

from functools import cache

from rules import terms
from rules.terms import Found, Vocabulary, read_entries


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary of infections."""
    return Vocabulary((*read_entries("infection_terms.csv"), *read_entries("denials.csv")))


def find(text: str) -> tuple[Found, ...]:
    """Find the infections that a text names, each with what denies it, if anything does."""
    return terms.find(vocabulary(), text)


def names_infection(text: str) -> bool:
    """Whether a text, be it a term, a class or an indication, names an infection and does not deny it."""
    return any(not found.denied for found in find(text))
