"""The answer of the grading engine for one result in one direction.

It knows words and shapes only, so that reading a grade costs no numerical library.
"""

from dataclasses import dataclass
from enum import StrEnum

UNKNOWN_UNIT = "?"
"""Stands for a unit that is given and does not fit the test; '' stands for none given."""
LOW, NORMAL, HIGH, UNKNOWN = -1, 0, 1, 2
"""Where a baseline lies in its own range."""


WITHOUT_BASELINE = "no usable baseline: graded on the range alone"
"""The note of a grade that a baseline could have made worse."""


class Ungraded(StrEnum):
    """Why a result has no grade: a closed list."""

    NO_CRITERION = "this version has no criterion"
    NOT_IN_TABLE = "this version's criterion is not in the table"
    NO_NUMBER = "the criterion has no number"
    NO_RESULT = "no result"
    TEXT_RESULT = "the result is not a number"
    SUSPECT = "the value cannot be a result"
    UNKNOWN_SPECIMEN = "the specimen is not known"
    NO_UNIT = "no unit"
    UNKNOWN_UNIT = "the unit does not fit the test"
    NO_RANGE = "no reference range"
    NO_BASELINE = "no baseline"
    NO_FASTING = "whether the participant had fasted is not known"
    NO_DAY = "the day of a sample is not known"
    NO_TIME = "which of two samples of one day came first is not known"
    CENSORED = "the result is a limit that spans grades"
    NO_WORD = "the result is none of the known words"
    OPEN_WORD = "the result leaves its degree open"


class Basis(StrEnum):
    """What the criterion that gave the grade compares with."""

    NONE = ""
    ABSOLUTE = "absolute"
    LLN = "LLN"
    ULN = "ULN"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade of 0 to 4, or why there is none; `lowest` and `highest` bound it either way."""

    term: str  # '' where the version has no criterion for the test in this direction
    grade: int | None
    ungraded: Ungraded | None
    lowest: int
    highest: int
    basis: Basis
    note: str  # what the number alone cannot tell, or which clause could not be applied


NO_GRADE = Grade("", None, Ungraded.NO_CRITERION, 0, 0, Basis.NONE, "")
"""The answer where the version has no criterion for a test in a direction."""
