"""What a rulebook may ask for by name: terms that hold a word, and groups that a vocabulary knows.

It must not know any kind of rule.
"""

from collections.abc import Callable, Collection
from typing import Annotated

from pydantic import AfterValidator

from rules.event_groups import vocabulary
from rules.terms import fold_words


def _have_words(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not fold_words(text):
            raise ValueError(f"'{text}' holds no word")
    return texts


Terms = Annotated[tuple[str, ...], AfterValidator(_have_words)]
"""Texts that are searched for, by their words."""


def known_to(groups: Callable[[], Collection[str]]) -> AfterValidator:
    """Refuse a group that is not one of these; they are read when first needed."""

    def check(named: tuple[str, ...]) -> tuple[str, ...]:
        for group in named:
            if group not in groups():
                raise ValueError(f"'{group}' is unknown (known: {', '.join(sorted(groups()))})")
        return named

    return AfterValidator(check)


Groups = Annotated[tuple[str, ...], known_to(lambda: vocabulary().groups())]
"""Groups of adverse events."""
