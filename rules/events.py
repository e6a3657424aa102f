"""Adverse events out of AE rows, and whether they are serious: ICH E2A's criteria and what the site ticked.

A row is not an event: several rows may tell of one. It knows AE and DS records only and must not know rules or answers.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from rules.dtc import Dtc
from rules.evidence import shown
from rules.hit import Evidence
from rules.records import AdverseEvent, Disposition, Participant
from rules.terms import Vocabulary, find, fold_words, read_entries

CRITERIA = {
    "aesdth": "results in death",
    "aeslife": "is life-threatening",
    "aeshosp": "needs or prolongs hospitalisation",
    "aesdisab": "disability or incapacity",
    "aescong": "congenital anomaly",
    "aesmie": "other medically important event",
}
"""The criteria of ICH E2A by SDTM variable. AESCAN and AESOD are legacy flags and not among them."""

ALWAYS_COLLECTED = tuple(name for name in CRITERIA if name != "aesmie")
"""The criteria that every AE form has; older forms have no AESMIE."""

_SERIOUS = {"aeser": "AESER = Y"} | {name: f"{name.upper()} = Y ({words})" for name, words in CRITERIA.items()}

_SEVERITIES = {
    "FATAL": 5, "DEATH": 5, "LIFE THREATENING": 4, "POTENTIALLY LIFE THREATENING": 4, "SEVERE": 3,
    "MODERATE": 2, "MILD": 1,
    "死亡": 5, "致死": 5, "危及生命": 4, "威胁生命": 4, "严重": 3, "重度": 3, "中度": 2, "中等": 2,
    "轻度": 1, "轻微": 1,
}  # fmt: skip
"""AESEV as the grade it counts as where AETOXGR gives no higher one."""

GRADE_IN_WORDS = (
    "AETOXGR; AESEV = LIFE THREATENING counts as grade 4, SEVERE as 3, MODERATE as 2, MILD as 1; what is "
    "neither a grade nor a severity is not evaluable"
)

_UNRELATED = frozenset(
    fold_words(text)
    for text in (
        "NOT RELATED", "UNRELATED", "DEFINITELY NOT", "DEFINITELY NOT RELATED", "DEFINITELY UNRELATED", "NOT SUSPECTED",
        "N", "NO", "NONE", "无关", "肯定无关", "不相关", "肯定不相关",
    )
)  # fmt: skip
"""What AEREL says of an event that is clearly unrelated; anything else may be related."""

_ACTIONS = frozenset(
    fold_words(text)
    for text in (
        "DOSE INCREASED", "DOSE NOT CHANGED", "DOSE RATE REDUCED", "DOSE REDUCED", "DRUG INTERRUPTED", "DRUG WITHDRAWN",
        "NOT APPLICABLE", "NONE", "NO ACTION", "NO ACTION TAKEN", "DOSE INTERRUPTED", "DOSE DELAYED", "INTERRUPTED",
        "剂量不变", "剂量未改变", "剂量未变", "未采取措施", "无", "不适用", "减量", "剂量减少",
        "降低剂量", "剂量增加", "暂停用药", "暂停",
        "暂停给药", "推迟给药", "延迟给药",
    )
)  # fmt: skip
"""SDTM's codelist of what was done about the study drug, and sites' words, without those for not knowing."""

_ACTION_UNKNOWN = frozenset(fold_words(text) for text in ("", "UNKNOWN", "UNK", "NOT EVALUABLE", "不详", "未知"))
"""What AEACN says where nothing is known of what was done."""

_GRADE = re.compile(
    r"\s*(?:ctc(?:ae)?\s*)?(?:g(?:r(?:ade)?)?\.?\s*)?(?:([1-5])(?:\.0*)?|(i{1,3}|iv|v)|([一二三四五]))\s*[级級度]?\s*",
    re.IGNORECASE,
)
_GRADES = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5}


@dataclass(frozen=True, slots=True)
class Event:
    """One adverse event and the current rows that tell of it."""

    key: str
    rows: tuple[AdverseEvent, ...]

    @property
    def term(self) -> str:
        """The event as the site named it, of the last row that names it."""
        return next((row.aeterm for row in reversed(self.rows) if row.aeterm), "(no term)")

    @property
    def onset(self) -> Dtc | None:
        """The start that may be the earliest of those its rows report, None where none is known."""
        starts = [row.aestdtc for row in self.rows if row.aestdtc is not None]
        return min(starts, key=lambda start: (start.earliest, start.latest), default=None)

    @property
    def fatal(self) -> bool:
        """Whether any row says that the event ended in death."""
        return any(is_fatal(row) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Seriousness:
    """Whether an event is serious: yes, no, or None where the rows cannot say; `why` is words for the officer."""

    serious: bool | None
    why: str
    signs: frozenset[str] = frozenset()  # what makes it serious
    unreadable: bool = False  # something was entered and cannot be read, as against nothing entered


@dataclass(frozen=True, slots=True)
class Fact:
    """Whether something holds of an event: yes, no, or None where the rows cannot say; `why` is words for it."""

    holds: bool | None
    why: str
    unreadable: bool = False  # something was entered and cannot be read, as against nothing entered


def events_of(participant: Participant) -> tuple[Event, ...]:
    """Group a participant's AE rows into events; a row without an event key is its own event."""
    groups: dict[str, list[AdverseEvent]] = {}
    for row in participant.adverse_events:
        groups.setdefault(row.event_key or row.key, []).append(row)
    return tuple(Event(key, tuple(rows)) for key, rows in groups.items())


def is_fatal(row: AdverseEvent) -> bool:
    """Whether a row says that the event ended in death."""
    return row.aesdth == "Y" or bool(_signs_of_death(row))


def has_fatal_outcome(row: AdverseEvent) -> bool:
    """Whether the outcome of a row is death."""
    return _names_death(row.aeout)


def tells_of_death(row: Disposition) -> bool:
    """Whether a row of DS tells of a death, by its code or as the site worded it beside any code but a withdrawal."""
    # Who withdraws may name somebody's death as the reason.
    return _names_death(row.dsdecod) or ("WITHDRAWAL" not in row.dsdecod.upper() and _names_death(row.dsterm))


@cache
def _deaths() -> Vocabulary:
    return Vocabulary((*read_entries("death_terms.csv"), *read_entries("denials.csv")))


def _names_death(text: str) -> bool:
    """Whether a text says that the participant died: "DIED FROM EVENT", not "no death" or "death of mother"."""
    return any(not found.denied for found in find(_deaths(), text))


def signs_of_seriousness(row: AdverseEvent) -> tuple[str, ...]:
    """Name everything in a row that makes its event serious (ICH E2A); empty where nothing does."""
    signs = tuple(words for name, words in _SERIOUS.items() if getattr(row, name) == "Y")
    return (*signs, *_signs_of_death(row))


def _signs_of_death(row: AdverseEvent) -> tuple[str, ...]:
    """Name what says beside AESDTH that the event ended in death: outcome, grade 5, severity."""
    outcome = (f"AEOUT = {row.aeout.upper()}",) if has_fatal_outcome(row) else ()
    grades = (("AETOXGR", row.aetoxgr, reported_grade(row)), ("AESEV", row.aesev, severity_of(row)))
    return (*outcome, *(f"{name} = {text} (death)" for name, text, grade in grades if grade == 5))


def reported_grade(row: AdverseEvent) -> int | None:
    """Return the grade that a row reports, None where none can be read."""
    return _grade_in(row.aetoxgr)


def severity_of(row: AdverseEvent) -> int | None:
    """Return the grade that the severity of a row counts as, None where none can be read."""
    words = " ".join(unicodedata.normalize("NFKC", row.aesev).upper().replace("-", " ").split())
    return _SEVERITIES.get(words) or _grade_in(row.aesev)


def _grade_in(text: str) -> int | None:
    """Read a grade such as "3", "Grade III", "G3" or "3级"."""
    match = _GRADE.fullmatch(unicodedata.normalize("NFKC", text))
    if match is None:
        return None
    return int(match[1]) if match[1] else _GRADES[(match[2] or match[3]).upper()]


def seriousness_of(event: Event) -> Seriousness:
    """Say whether an event is serious: it is as soon as one current row says so."""
    signs = dict.fromkeys(sign for row in event.rows for sign in signs_of_seriousness(row))
    if signs:
        return Seriousness(True, ", ".join(signs), frozenset(signs))
    unread = dict.fromkeys(
        f"{name.upper()} is '{value}', neither Y nor N"
        for row in event.rows
        for name in _SERIOUS
        if (value := getattr(row, name)) not in {"", "N"}
    )
    if unread:
        return Seriousness(None, ", ".join(unread), unreadable=True)
    if any(not row.aeser and any(not getattr(row, name) for name in ALWAYS_COLLECTED) for row in event.rows):
        return Seriousness(None, "AESER is empty and its criteria are not all answered")
    return Seriousness(False, "AESER and every criterion answered N")


def grade_of(event: Event) -> int | None:
    """Return the worst grade reported: AETOXGR, or CTCAE's own 5 for death and 4 for life-threatening; else None."""
    grades = [grade for row in event.rows if (grade := reported_grade(row)) is not None]
    grades += [5 for row in event.rows if is_fatal(row)]
    grades += [4 for row in event.rows if row.aeslife == "Y"]
    return max(grades, default=None)


def has_grade(event: Event, least: int) -> Fact:
    """Say whether an event reached a grade: by AETOXGR, death or threat to life, else by AESEV."""
    grade = grade_of(event)
    if grade is not None and grade >= least:
        return Fact(True, f"grade {grade}")
    severities = [(severity, row.aesev.upper()) for row in event.rows if (severity := severity_of(row)) is not None]
    worst, words = max(severities, default=(0, ""))
    if worst >= least:
        return Fact(True, f"AESEV = {words} counts as grade {worst}")
    for row in event.rows:
        if row.aetoxgr and reported_grade(row) is None:
            return Fact(None, f"AETOXGR '{row.aetoxgr}' is no grade", unreadable=True)
        if row.aesev and severity_of(row) is None:
            return Fact(None, f"AESEV '{row.aesev}' is no severity", unreadable=True)
    if grade is None and not worst:
        return Fact(None, "neither AETOXGR nor AESEV says how severe it is")
    return Fact(False, f"below grade {least}")


def may_be_related(event: Event) -> Fact:
    """Say whether an event may be related to the study drug: unless every row says clearly that it is not."""
    said = dict.fromkeys(row.aerel for row in event.rows if fold_words(row.aerel) not in _UNRELATED)
    if not said:
        return Fact(False, "not related")
    words = next(filter(None, said), "")
    return Fact(True, f"AEREL = {words}" if words else "AEREL is empty, so it may be related")


def has_action(event: Event, actions: Iterable[str]) -> Fact:
    """Say whether one of these actions was taken with the study drug (AEACN)."""
    wanted = {fold_words(action) for action in actions}
    said = [fold_words(row.aeacn) for row in event.rows]
    taken = next((row.aeacn for row, words in zip(event.rows, said, strict=True) if words in wanted), "")
    if taken:
        return Fact(True, f"AEACN = {taken}")
    if any(words not in _ACTIONS | _ACTION_UNKNOWN for words in said):
        # Not quoted: free text may tell an amount.
        return Fact(None, "AEACN is none of SDTM's words for what was done", unreadable=True)
    if any(words in _ACTION_UNKNOWN for words in said):
        return Fact(None, "AEACN is empty or says that it is not known")
    return Fact(False, "another action")


def evidence_of(event: Event, also: Iterable[str] = ()) -> tuple[Evidence, ...]:
    """Return an event's rows as evidence: term, start, outcome, grade, seriousness, and the variables in `also`."""
    names = ("aeterm", *also, "aestdtc", "aeout", "aetoxgr", *_SERIOUS)
    return tuple(shown(row, names) for row in event.rows)
