"""Kind `unreadable_value`: a row that was kept although one of its values cannot be read, or cannot be true yet.

The value reads as missing, so rules that need it may be blind or lenient there, and somebody must correct it. It names
records and variables, never the text that stands there: an amount would unblind.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from rules.dtc import Dtc
from rules.exposure import is_scheduled
from rules.hit import Answer, Due, Judgement
from rules.records import PLACES, Dose, Finding, Participant, Record, domain_of

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

EXAMPLES = 5
"""How many records a reason names."""


SLACK = timedelta(days=1)
"""How far ahead a date may lie that a clock or a zone explains."""

_BEGINS = {"AE": "aestdtc", "CM": "cmstdtc", "DS": "dsstdtc", "HO": "hostdtc"}
"""Where a record says when what it tells of happened or began. An end may lie ahead."""

Places = dict[tuple[str, str], list[str]]
"""Record keys, in order, by domain and variable."""


class When(BaseModel):
    """Nothing to choose: every value that a rule may need is watched."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def judge(rule: "Rule", when: When, participant: Participant, context: "Context") -> Iterator[Judgement | Due]:
    """Tell of each variable that cannot be read, or lies ahead, in some of the participant's records.

    Each such record is news.
    """
    for (domain, variable), keys in sorted(_unreadable(participant).items()):
        words = f"{variable} cannot be read"
        yield _hit(rule, participant, f"{domain} {variable}", keys, f"{words} and counts as missing", words)
    latest = context.local_now + SLACK
    ahead, dates = _ahead(participant, latest)
    for (domain, variable), keys in sorted(ahead.items()):
        words = f"{variable} is dated in the future: is that date right?"
        yield _hit(rule, participant, f"{domain} {variable} ahead", keys, words, f"{variable} is dated in the future")
    if dates:
        yield Due(context.instant(min(dates) - SLACK))


def _hit(rule: "Rule", participant: Participant, scope: str, keys: list[str], summary: str, what: str) -> Judgement:
    """Tell of one variable; the scope begins with its domain."""
    left = len(keys) - EXAMPLES
    named = "; ".join(keys[:EXAMPLES]) + (f"; and {left} more" if left > 0 else "")
    return Judgement(
        rule_id=rule.id,
        usubjid=participant.usubjid,
        scope=scope,
        anchors=frozenset(keys),
        answer=Answer.HIT,
        summary=summary,
        reason=f"{what} in {scope.split(maxsplit=1)[0]} record {named}",
        urgency=rule.urgency,
        consequence=rule.consequence,
        each_anchor_is_news=True,
    )


def _unreadable(participant: Participant) -> Places:
    """Return the records in which a variable cannot be read."""
    found: Places = {}
    for record in _records(participant):
        for problem in record.problems:
            variable, _, _ = problem.partition(":")
            found.setdefault((domain_of(record), variable), []).append(record.key)
    return {place: sorted(keys) for place, keys in found.items()}


def _ahead(participant: Participant, latest: datetime) -> tuple[Places, list[datetime]]:
    """Return the records that tell of something later than a local moment, and when their dates begin."""
    found: Places = {}
    dates = []
    for record in _records(participant):
        variable, date = _begins(record)
        if date is not None and date.earliest > latest:
            found.setdefault((domain_of(record), variable), []).append(record.key)
            dates.append(date.earliest)
    return {place: sorted(keys) for place, keys in found.items()}, dates


def _begins(record: Record) -> tuple[str, Dtc | None]:
    """Return the variable that says when a record's matter happened, and its date; none for what is only planned."""
    domain = domain_of(record)
    if isinstance(record, Finding):
        return f"{domain}DTC", record.dtc
    if isinstance(record, Dose):
        return f"{domain}STDTC", None if is_scheduled(record) else record.stdtc
    attribute = _BEGINS.get(domain, "")
    return attribute.upper(), getattr(record, attribute) if attribute else None


def _records(participant: Participant) -> Iterator[Record]:
    if participant.subject is not None:
        yield participant.subject
    for place in dict.fromkeys(PLACES.values()):
        yield from getattr(participant, place)


def describe(when: When) -> str:
    """Say the criterion in words."""
    return (
        "A row is kept although one of its values cannot be read: a date that is none, a number that is none, "
        "an answer that is neither Y nor N. The value counts as missing until it is corrected. Or a result, a dose, an "
        "event, a medication, an admission or a disposition is dated more than a day after the look, unless it is a "
        "dose that is only planned."
    )
