"""By which route something was given, as far as its words tell.

It knows the vocabulary of routes. It must not know what was given.
"""

from collections.abc import Sequence
from functools import cache

from rules.terms import Vocabulary, find, fold_words, read_entries


@cache
def routes() -> Vocabulary:
    """Return the vocabulary of routes."""
    return Vocabulary(read_entries("routes.csv"))


def is_by_route(recorded: str, planned: Sequence[str]) -> bool | None:
    """Say whether a recorded route is one of the planned ones, None where its words name no route that is known."""
    if fold_words(recorded) in map(fold_words, planned):
        return True
    named = _named(recorded)
    return bool(named & {term for route in planned for term in _named(route)}) if named else None


def _named(text: str) -> set[str]:
    """Return the terms of the vocabulary that a text names."""
    return {found.entry.term for found in find(routes(), text) if not found.denied}
