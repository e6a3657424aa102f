"""Vocabularies, and finding their entries in a text.

It knows lists of terms and texts; it must not know records or rules, nor what a list is of.

A text becomes folded words (a Chinese or Japanese character is a word of its own); at each place the longest entry
wins, and one that means something else ("flu-like") wins over a term of equal length. A match does not stand
where an absence is said beside it ("no infection", "pneumonia ruled out"), nor, for an inflammation, where another
cause is named in the same clause ("allergic conjunctivitis"). A suspicion ("not ruled out") is no absence, and a denial
of something else ("no improvement of") does not reach the term behind it.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib import resources


class Role(StrEnum):
    """What a line of a vocabulary says of a text in which it stands."""

    NOT_CODED = "not-coded"  # stands where a class or a coded term should and names none
    TERM = "term"  # what the vocabulary is of
    OTHER = "other"  # looks like a term and means something else
    CAUSE = "cause"  # names a cause that turns an inflammation into something else
    ABSENT_BEFORE = "absent-before"  # denies what follows
    ABSENT_AFTER = "absent-after"  # denies what precedes
    ABSENT_RIGHT_BEFORE = "absent-right-before"  # denies only what follows at once
    ABSENT_RIGHT_AFTER = "absent-right-after"  # denies only what precedes at once
    BARRIER = "barrier"  # what a cue denies instead of the term on its other side


_WORD = re.compile(r"[^\W_]+")
_IDEOGRAPH = re.compile(r"([\u3040-\u30ff\u3400-\u9fff])")
_CLAUSE_END = re.compile(r"[,;:()/\uff0c\uff1b\u3002\uff1a]|(?<=\w\w)\.|\b(?:but|and|with)\b")
_REACH = {
    Role.ABSENT_BEFORE: 2,  # "no active pulmonary tuberculosis"
    Role.ABSENT_AFTER: 1,  # "pneumonia was ruled out"
    Role.ABSENT_RIGHT_BEFORE: 0,
    Role.ABSENT_RIGHT_AFTER: 0,
}
_ALTERNATIVE = ("or", "nor", "或")
_BEFORE = (Role.ABSENT_BEFORE, Role.ABSENT_RIGHT_BEFORE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the vocabulary. A word may begin or end with '*', which makes the entry a text pattern."""

    term: str
    role: Role
    group: str  # what the entry is of special interest as, '' where it is of none
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


Place = tuple[int, int, Entry]
"""Where an entry stands in a clause: its first word, the word after its last, and the entry."""


class Vocabulary:
    """Entries, found by their first word."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Index the entries that may stand in a text."""
        self.entries = tuple(entries)
        self._exact: dict[str, list[Entry]] = {}
        self._starred: list[Entry] = []  # those whose first word has a star
        for entry in self.entries:
            if entry.role is Role.NOT_CODED:
                continue
            if "*" in entry.words[0]:
                self._starred.append(entry)
            else:
                self._exact.setdefault(entry.words[0], []).append(entry)

    def longest_at(self, words: tuple[str, ...], start: int) -> Entry | None:
        """Return the longest entry that begins at a place; of equals, one of another meaning, then a listed term."""
        return max(
            (e for e in (*self._exact.get(words[start], ()), *self._starred) if fits(e.words, words, start)),
            key=lambda entry: (len(entry.words), entry.role is not Role.TERM, not entry.is_pattern, bool(entry.group)),
            default=None,
        )

    def groups(self) -> frozenset[str]:
        """Return the names of the groups that the entries make."""
        return frozenset(entry.group for entry in self.entries if entry.group)


@lru_cache(maxsize=8192)
def find(vocabulary: Vocabulary, text: str) -> tuple[Found, ...]:
    """Find the terms of a vocabulary that a text names, each with what denies it, if anything does."""
    clauses = _CLAUSE_END.split(_fold(text))
    return tuple(found for clause in clauses for found in _find_in_clause(vocabulary, _words(clause)))


def _find_in_clause(vocabulary: Vocabulary, words: tuple[str, ...]) -> Iterator[Found]:
    """Find the terms of one clause."""
    places = list(_scan(vocabulary, words))
    causes = [entry.term for _, _, entry in places if entry.role is Role.CAUSE]
    denied_to = -1, ""  # where the last term that a cue before it denies ends, and that cue
    for place in places:
        start, end, entry = place
        if entry.role is not Role.TERM:
            continue
        cue = next((cue[2] for cue in places if _denies(cue, place, places)), None)
        absent = cue.term if cue else ""
        if not absent and start - 1 == denied_to[0] and words[start - 1] in _ALTERNATIVE:
            absent = denied_to[1]  # "no A or B" is "no A" and "no B"
        if absent and (cue is None or cue.role in _BEFORE):
            denied_to = end, absent
        if absent:
            yield Found(entry, f"the text says '{absent}'")
        elif causes and entry.is_inflammation:
            yield Found(entry, f"the text names another cause, '{causes[0]}'")
        else:
            yield Found(entry)


def _denies(cue: Place, term: Place, places: Iterable[Place]) -> bool:
    """Whether a cue denies a term: near enough, on its side, and with nothing between them that it denies instead."""
    role = cue[2].role
    if role not in _REACH:
        return False
    left, right = (cue, term) if role in _BEFORE else (term, cue)
    # In Chinese and Japanese no word may stand between.
    reach = _REACH[role] if cue[2].term.isascii() else 0
    if not 0 <= right[0] - left[1] <= reach:
        return False
    between = (entry.role for start, end, entry in places if left[1] <= start and end <= right[0])
    return not any(other in (Role.BARRIER, Role.ABSENT_RIGHT_BEFORE) for other in between)


def _scan(vocabulary: Vocabulary, words: tuple[str, ...]) -> Iterator[Place]:
    """Yield the longest entry at each place as (start, end, entry), leaving out what lies within another."""
    furthest = 0
    for start in range(len(words)):
        entry = vocabulary.longest_at(words, start)
        if entry is not None and start + len(entry.words) > furthest:
            furthest = start + len(entry.words)
            yield start, furthest, entry


def fits(pattern: tuple[str, ...], words: tuple[str, ...], start: int) -> bool:
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


def match_words(variable: str, text: str, entry: Entry, group: str = "") -> str:
    """Say which text matched which entry, of what group, and where that entry comes from."""
    how = "text pattern" if entry.is_pattern else "term list"
    of_group = f" of {group}" if group else ""
    return f"{variable.upper()} '{text}' matches '{entry.term}'{of_group} ({how}: {entry.source})"


def make_entry(term: str, role: Role, group: str, source: str) -> Entry:
    """Make an entry of a term as it is written; it is without words where the term holds none."""
    return Entry(term, role, group, source, _pattern_words(term))


@cache
def read_entries(file: str) -> tuple[Entry, ...]:
    """Read a vocabulary's lines from a data file of this package."""
    lines = (resources.files("rules") / file).read_text(encoding="utf-8").splitlines()
    return tuple(make_entry(r["term"], Role(r["role"]), r["group"], r["source"]) for r in csv.DictReader(lines))


def _pattern_words(term: str) -> tuple[str, ...]:
    """Fold an entry's words as a text's are, keeping the stars."""
    return tuple(
        word if "*" in word else _singular(word)
        for word in re.findall(r"\*?[^\W_]+\*?", _IDEOGRAPH.sub(r" \1 ", _fold(term)))
    )


def fold_words(text: str) -> tuple[str, ...]:
    """Fold a text into words that compare, whatever its width, case and spelling."""
    return _words(_fold(text))


@cache
def _not_coded() -> frozenset[tuple[str, ...]]:
    return frozenset(entry.words for entry in read_entries("denials.csv") if entry.role is Role.NOT_CODED)


def names_code(text: str) -> bool:
    """Whether a text names a class or a coded term: "-", "uncoded", a mere number and the like name none."""
    words = fold_words(text)
    return words not in _not_coded() and not all(word.isdecimal() for word in words)
