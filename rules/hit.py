"""What a rule answers: hit, clear or not evaluable, with the evidence for it.

A rule that finds nothing to say about a participant says nothing, which counts as clear. A clear answer is written down
only where a reader would ask why nobody was told: a criterion met by history, say.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from rules.dtc import Dtc

EVERYTHING = "everything"
"""The scope of an answer about all that a rule could say of its subject."""

WHOLE_STUDY = "whole study"
"""The scope of an answer about everybody, said once: the study brings none of the rule's domains."""


UNKNOWN_TESTS = "unknown tests"
"""The scope of the one answer about lab codes that vigil does not know; its anchors are the codes."""


def concern_of(scope: str, reason: str) -> str:
    """Name what an answer is about, to see that two rules cannot tell for one cause: of everything, its reason."""
    return reason if scope == EVERYTHING else scope


class Answer(StrEnum):
    """The three answers of a rule."""

    HIT = "hit"
    CLEAR = "clear"
    NOT_EVALUABLE = "not evaluable"


class Urgency(StrEnum):
    """How fast a human must look."""

    IMMEDIATE = "immediate"
    SAME_DAY = "same-day"
    ROUTINE = "routine"

    @property
    def rank(self) -> int:
        """Order: routine, same-day, immediate."""
        return list(reversed(Urgency)).index(self)


class Consequence(StrEnum):
    """What the protocol says; a hold or stop is released by a person."""

    WATCH = "watch"
    HOLD = "hold"
    STOP = "stop"

    @property
    def rank(self) -> int:
        """Order: watch, hold, stop."""
        return list(Consequence).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One record as a rule saw it: only the values the rule used, under SDTM or ADaM names in lower case."""

    domain: str
    key: str
    version: int
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The result furthest out of one test on one side, to tell whether a later one is worse (`rules.extent`)."""

    test: str
    side: Literal["low", "high", "words", "once"]  # once: nothing is further out than another
    value: Decimal  # of words, the place of the step
    unit: str = ""  # the test's usual one; as reported where the result does not convert
    said: str = ""  # as reported
    place: int = 0  # of the criterion, in a pattern

    @property
    def of(self) -> tuple[object, ...]:
        """What it is the extent of: only extents of the same compare."""
        return self.place, self.test, self.side, self.unit

    @property
    def out(self) -> Decimal:
        """The number that grows as the result lies further out."""
        return -self.value if self.side == "low" else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class AbnormalResult:
    """A result that met a hit's criterion, and the range of grades that it can have."""

    key: str  # of its record
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A rule's answer about one concern.

    `scope` says what the concern is about within the participant (an AE event key, a lab test, a planned dose);
    `anchors` are the identifiers whose overlap makes two hits of the same rule, participant and scope the same episode.
    `summary` and `reason` are sentences for the officer; they carry no
    treatment, arm, amount or lot.
    """

    rule_id: str
    usubjid: str  # '' for a judgement about the feed or the cohort
    scope: str
    anchors: frozenset[str]
    answer: Answer
    summary: str
    reason: str
    urgency: Urgency
    consequence: Consequence = Consequence.WATCH
    grade: int | None = None
    each_anchor_is_news: bool = False  # a further anchor is told, not only written as the episode going on
    extent: tuple[Extent, ...] = ()  # how far out it went, test by test: told again where it goes further
    results: tuple[AbnormalResult, ...] = ()  # of a kind that judges results: those that met it, in order of time
    told: bool = True  # a hit is always told; another answer only where the kind says so
    at: Dtc | None = None  # when it happened: onset, sampling, planned day; circumstances are shown for then
    recovery: str = ""  # the later result that ended the episode, in words; '' while it goes on
    circumstances: tuple[str, ...] = ()  # shown, not judged: dosing phase, days since the last dose
    evidence: tuple[Evidence, ...] = ()
    ctcae: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """A rule's word that time alone may change its answer about this participant or the feed, and when (UTC)."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A rule that raised for one participant."""

    rule_id: str
    usubjid: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRun:
    """What one rule did in one sweep: participants judged and how they were answered."""

    rule_id: str
    judged: int = 0
    hits: int = 0
    not_evaluable: int = 0
    clear: int = 0
    failed: int = 0
