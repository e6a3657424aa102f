"""The vocabulary of infections, and finding its entries in a text.

It knows `infection_terms.csv` and texts; it must not know records or rules.

A text becomes folded words (a Chinese or Japanese character is a word of its own); at each place the longest entry
wins, and one that means something else ("flu-like") wins over an infection of equal length. A match does not stand
where an absence is said beside it ("no infection", "pneumonia ruled out"), nor, for an inflammation, where another
cause is named in the same clause ("allergic conjunctivitis").
"""

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib import resources


class Role(StrEnum):
    """What a line of the vocabulary says of a text in which it stands."""

    SOC = "soc"  # the name of MedDRA's class of infections
    NOT_CODED = "not-coded"  # stands where a class should and names none
    INFECTION = "infection"
    OTHER = "other"  # looks like an infection and means something else
    CAUSE = "cause"  # names a cause other than infection
    ABSENT_BEFORE = "absent-before"  # denies what follows
    ABSENT_AFTER = "absent-after"  # denies what precedes


_WORD = re.compile(r"[^\W_]+")
_IDEOGRAPH = re.compile(r"([\u3040-\u30ff\u3400-\u9fff])")
_CLAUSE_END = re.compile(r"[,;:()/\uff0c\uff1b\u3002\uff1a]|(?<=\w\w)\.|\b(?:but|and|with)\b")
_REACH_BEFORE = 2  # "no active pulmonary tuberculosis"
_REACH_AFTER = 1  # "pneumonia was ruled out"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the vocabulary. A word may begin or end with '*', which makes the entry a text pattern."""

    term: str
    role: Role
    group: str  # infection of special interest, '' for any other
    source: str
    words: tuple[str, ...]

    @property
    def is_pattern(self) -> bool:
        """Whether the entry is a text pattern rather than a listed term."""
        return "*" in self.term

    @property
    def is_inflammation(self) -> bool:
        """Whether the entry names an inflammation, which may have another cause."""
        return self.term.endswith(("itis", "pneumonia", "炎")) or self.term.startswith("rash")


@dataclass(frozen=True, slots=True)
class Found:
    """An entry found in a text; `denied` says what keeps it from standing, '' where nothing does."""

    entry: Entry
    denied: str = ""


@lru_cache(maxsize=4096)
def find(text: str) -> tuple[Found, ...]:
    """Find the infections that a text names, each with what denies it, if anything does."""
    return tuple(found for clause in _CLAUSE_END.split(_fold(text)) for found in _find_in_clause(_words(clause)))


def _find_in_clause(words: tuple[str, ...]) -> Iterator[Found]:
    """Find the infections of one clause."""
    places = list(_scan(words))
    causes = [entry.term for _, _, entry in places if entry.role is Role.CAUSE]
    for start, end, entry in places:
        if entry.role is not Role.INFECTION:
            continue
        absent = next(
            (
                cue.term
                for cue_start, cue_end, cue in places
                if (cue.role is Role.ABSENT_BEFORE and 0 <= start - cue_end <= _reach(cue, _REACH_BEFORE))
                or (cue.role is Role.ABSENT_AFTER and 0 <= cue_start - end <= _reach(cue, _REACH_AFTER))
            ),
            "",
        )
        if absent:
            yield Found(entry, f"the text says '{absent}'")
        elif causes and entry.is_inflammation:
            yield Found(entry, f"the text names another cause, '{causes[0]}'")
        else:
            yield Found(entry)


def _reach(cue: Entry, words: int) -> int:
    """How many words may stand between a cue and what it denies; in Chinese and Japanese none."""
    return words if cue.term.isascii() else 0


def _scan(words: tuple[str, ...]) -> Iterator[tuple[int, int, Entry]]:
    """Yield the longest entry at each place as (start, end, entry), leaving out what lies within another."""
    furthest = 0
    for start in range(len(words)):
        entry = _longest_at(words, start)
        if entry is not None and start + len(entry.words) > furthest:
            furthest = start + len(entry.words)
            yield start, furthest, entry


def _longest_at(words: tuple[str, ...], start: int) -> Entry | None:
    """Return the longest entry that begins at a place; of equals, one that is no infection, then a listed term."""
    exact, patterns = _index()
    return max(
        (entry for entry in (*exact.get(words[start], ()), *patterns) if _fits(entry.words, words, start)),
        key=lambda entry: (len(entry.words), entry.role is not Role.INFECTION, not entry.is_pattern, bool(entry.group)),
        default=None,
    )


def _fits(pattern: tuple[str, ...], words: tuple[str, ...], start: int) -> bool:
    """Whether an entry's words stand at a place."""
    there = words[start : start + len(pattern)]
    return len(there) == len(pattern) and all(map(_is_like, there, pattern))


def _is_like(word: str, wanted: str) -> bool:
    """Whether a word is the wanted one, '*' standing for any letters at its begin or end."""
    stem = wanted.strip("*")
    if wanted.startswith("*"):
        return stem in word if wanted.endswith("*") else word.endswith(stem)
    return word.startswith(stem) if wanted.endswith("*") else word == wanted


def _fold(text: str) -> str:
    """Fold width, case and the spellings of British English."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    return re.sub(r"is(?=ation|ed\b|ing\b)", "iz", folded.replace("ae", "e").replace("oe", "e"))


def _words(folded: str) -> tuple[str, ...]:
    """Split folded text into words without plural s; each ideograph or kana is a word."""
    return tuple(_singular(word) for word in _WORD.findall(_IDEOGRAPH.sub(r" \1 ", folded)))


def _singular(word: str) -> str:
    """Drop a plural s, by spelling alone: both sides of a comparison are treated alike."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@cache
def vocabulary() -> tuple[Entry, ...]:
    """Read the vocabulary."""
    lines = (resources.files("rules") / "infection_terms.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        Entry(row["term"], Role(row["role"]), row["group"], row["source"], _pattern_words(row["term"]))
        for row in csv.DictReader(lines)
    )


def _pattern_words(term: str) -> tuple[str, ...]:
    """Fold an entry's words as a text's are, keeping the stars."""
    return tuple(
        word if "*" in word else _singular(word)
        for word in re.findall(r"\*?[^\W_]+\*?", _IDEOGRAPH.sub(r" \1 ", _fold(term)))
    )


@cache
def _index() -> tuple[dict[str, tuple[Entry, ...]], tuple[Entry, ...]]:
    """Entries by their first word, and those whose first word has a star."""
    exact: dict[str, list[Entry]] = {}
    starred = []
    for entry in vocabulary():
        if entry.role in (Role.SOC, Role.NOT_CODED):
            continue
        if "*" in entry.words[0]:
            starred.append(entry)
        else:
            exact.setdefault(entry.words[0], []).append(entry)
    return {word: tuple(entries) for word, entries in exact.items()}, tuple(starred)


@cache
def _classes(role: Role) -> frozenset[str]:
    return frozenset(" ".join(entry.words) for entry in vocabulary() if entry.role is role)


def is_infection_soc(text: str) -> bool:
    """Whether a text is MedDRA's system organ class of infections, by its full name or by speaking of infections."""
    return " ".join(_words(_fold(text))) in _classes(Role.SOC) or any(not found.denied for found in find(text))


def names_class(text: str) -> bool:
    """Whether a text names any system organ class: "-", "uncoded" and the like name none."""
    words = " ".join(_words(_fold(text)))
    return bool(words) and words not in _classes(Role.NOT_CODED)
