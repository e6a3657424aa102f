"""How an adverse event is coded: which of its variables hold a code or a class, in words for who asks.

It knows AE records and what stands there instead of a code; it must not know any vocabulary of events, nor rules.
"""

from rules.records import AdverseEvent
from rules.terms import names_code

TEXTS = ("aedecod", "aellt", "aeterm")
"""What names an event, the coded term first."""

CLASSES = ("aesoc", "aebodsys")
"""What may hold its system organ class."""


def class_of(row: AdverseEvent) -> tuple[str, ...]:
    """Return the variable that holds the class of an event, () where none does."""
    return _first_named(row, CLASSES)


def code_of(row: AdverseEvent) -> tuple[str, ...]:
    """Return the variable that holds the coded term of an event, () where none does."""
    return _first_named(row, ("aedecod", "aellt"))


def not_classed(row: AdverseEvent) -> str:
    """Say of an event that nothing coded tells what it is: a code without its class may be anybody's words."""
    term = f"'{row.aeterm}'" if row.aeterm else "an event without a term"
    alone = [getattr(row, name) for name in code_of(row) if not class_of(row)]
    return f"{term} is coded as {alone[0]} without a class" if alone else f"{term} is not coded"


def _first_named(row: AdverseEvent, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if names_code(getattr(row, name)))[:1]
