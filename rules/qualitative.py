"""How the words of a qualitative result are ordered: negative, trace, 1+ and so on.

The words are data (`qualitative.csv`); one that leaves the degree open, such as "positive", spans a range of steps. It
must not know a test, nor from which step on a result is a concern.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

STEPS = ("NEGATIVE", "TRACE", "1+", "2+", "3+", "4+")
"""The steps from normal to worst; a rulebook names one of them."""


_WITH_BRACKETS = re.compile(r"([^()]+)\(([^()]+)\)")


class Span(NamedTuple):
    """The steps that a result can mean, as places in STEPS."""

    lowest: int
    highest: int


@lru_cache(maxsize=4096)
def read_word(text: str) -> Span | None:
    """Read a qualitative result; None where it is none of the known words, or where what it adds contradicts it.

    A word may end with a full stop and be followed by another one in brackets: "Pos.", "positive (2+)".
    """
    plain = "".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(".。")
    if (known := _words().get(plain)) is not None:
        return known
    added = _WITH_BRACKETS.fullmatch(plain)
    word, more = (_words().get(part.rstrip(".。")) for part in added.groups()) if added else (None, None)
    if word is None or more is None or more.highest < word.lowest or more.lowest > word.highest:
        return None
    return Span(max(word.lowest, more.lowest), word.highest)  # a sign in brackets may only repeat the word


@cache
def _words() -> Mapping[str, Span]:
    with (resources.files("rules") / "qualitative.csv").open(encoding="utf-8") as file:
        return {
            word: Span(STEPS.index(row["lowest"]), STEPS.index(row["highest"]))
            for row in csv.DictReader(file)
            for word in row["words"].split(";")
        }
