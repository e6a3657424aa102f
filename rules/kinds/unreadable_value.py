"""Kind `unreadable_value`: a row that was kept although one of its values cannot be read, such as a mistyped date.

The value reads as missing, so rules that need it may be blind or lenient there, and somebody must correct it. It names
records and variables, never the text that stands there: an amount would unblind.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from rules.hit import Answer, Judgement
from rules.records import PLACES, Participant, Record, domain_of

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

EXAMPLES = 5
"""How many records a reason names."""


class When(BaseModel):
    """Nothing to choose: every value that a rule may need is watched."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement]:
    """Tell of each variable that cannot be read in some of the participant's records; each such record is news."""
    for (domain, variable), keys in sorted(_unreadable(participant).items()):
        left = len(keys) - EXAMPLES
        named = "; ".join(keys[:EXAMPLES]) + (f"; and {left} more" if left > 0 else "")
        yield Judgement(
            rule_id=rule.id,
            usubjid=participant.usubjid,
            scope=f"{domain} {variable}",
            anchors=frozenset(keys),
            answer=Answer.HIT,
            summary=f"{variable} cannot be read and counts as missing",
            reason=f"{variable} cannot be read in {domain} record {named}",
            urgency=rule.urgency,
            consequence=rule.consequence,
            each_anchor_is_news=True,
        )


def _unreadable(participant: Participant) -> dict[tuple[str, str], list[str]]:
    """Return the record keys, in order, by domain and variable that cannot be read in them."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in _records(participant):
        for problem in record.problems:
            variable, _, _ = problem.partition(":")
            found.setdefault((domain_of(record), variable), []).append(record.key)
    return {place: sorted(keys) for place, keys in found.items()}


def _records(participant: Participant) -> Iterator[Record]:
    if participant.subject is not None:
        yield participant.subject
    for place in dict.fromkeys(PLACES.values()):
        yield from getattr(participant, place)


def describe(when: When) -> str:
    """Say the criterion in words."""
    return (
        "A row is kept although one of its values cannot be read: a date that is none, a number that is none, "
        "an answer that is neither Y nor N. The value counts as missing until it is corrected."
    )
