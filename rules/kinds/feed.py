"""Kind `feed`: the source itself is in trouble: unreadable, refused, missing, rejected, shrunken, stale, not evaluable,
full of codes that no test is known for.

It judges the Feed, for the operator. It must not know participants or records.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.hit import EVERYTHING, UNKNOWN_TESTS, Answer, Due, Judgement
from rules.kinds import feed_age, feed_blind
from rules.kinds.feed_said import Said
from rules.records import Feed
from rules.silence import Silence

if TYPE_CHECKING:
    from rules.context import Context
    from rules.rulebook import Rule

Trouble = Literal["unreadable", "refused", "missing", "rejected", "shrunken", "stale", "not-evaluable", "unknown-test"]

_SEEN_BY_READING: frozenset[Trouble] = frozenset({"refused", "missing", "rejected", "shrunken", "unknown-test"})

_EACH_IS_NEWS: frozenset[Trouble] = frozenset({"shrunken", "not-evaluable", "unknown-test"})
"""Troubles of which a further column, rule or code is told, though the concern is known."""

EXAMPLES = 40
"""How many unknown codes a reason names."""


class When(BaseModel):
    """Which troubles are watched for, with the limits that two of them need."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    troubles: Annotated[tuple[Trouble, ...], Field(min_length=1)]
    stale: Silence | None = None
    not_evaluable_share: Annotated[float, Field(ge=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _limits_fit(self) -> Self:
        for field, trouble in (("stale", "stale"), ("not_evaluable_share", "not-evaluable")):
            if (getattr(self, field) is None) is (trouble in self.troubles):
                raise ValueError(f"{field} belongs to the trouble '{trouble}', and only there")
        return self


def judge(rule: "Rule", when: When, feed: Feed, context: "Context") -> Iterator[Judgement | Due]:
    """Answer for each trouble watched, and say when a silence will be too long."""
    for trouble in when.troubles:
        said = tuple(_ASK[trouble](when, feed, context))
        if not said and feed.trouble and trouble in _SEEN_BY_READING:
            words = "Unknown while nothing can be read"
            said = (Said(Answer.NOT_EVALUABLE, EVERYTHING, frozenset({EVERYTHING}), words, feed.trouble),)
        for one in said:
            yield Judgement(
                rule_id=rule.id,
                usubjid="",
                scope=one.scope,
                anchors=one.anchors,
                answer=one.answer,
                summary=one.summary,
                reason=one.reason,
                urgency=rule.urgency,
                consequence=rule.consequence,
                told=one.answer is Answer.HIT,
                each_anchor_is_news=one.each_anchor_is_news or trouble in _EACH_IS_NEWS,
                evidence=one.evidence,
            )
    if when.stale is not None and (over := feed_age.too_old_at(when.stale, feed, context)):
        yield Due(over)


def _unreadable(when: When, feed: Feed, context: "Context") -> Iterator[Said]:
    if feed.trouble:
        yield Said(Answer.HIT, "source", frozenset({"source"}), "The source cannot be read", feed.trouble)


def _refused(when: When, feed: Feed, context: "Context") -> Iterator[Said]:
    for file in feed.refused:
        anchors = frozenset({file.reason})  # not the digest: a growing half-written file is one concern
        yield Said(
            Answer.HIT, f"file {file.name}", anchors, f"File refused whole: {file.name} ({file.domain})", file.reason
        )


def _missing(when: When, feed: Feed, context: "Context") -> Iterator[Said]:
    for domain in feed.missing_domains:
        reason = "no file was found; the last good records stand and nothing is withdrawn"
        yield Said(Answer.HIT, f"domain {domain}", frozenset({domain}), f"No {domain} file", reason)


def _rejected(when: When, feed: Feed, context: "Context") -> Iterator[Said]:
    for rows in feed.rejected:
        count = len(rows.digests)
        summary = f"{count} {rows.domain} row{'' if count == 1 else 's'} rejected"
        left = count - len(rows.examples)
        reason = " | ".join((*rows.examples, f"and {left} more" if left > 0 else "")).removesuffix(" | ")
        yield Said(Answer.HIT, f"rows of {rows.domain}", rows.digests, summary, reason)


def _shrunken(when: When, feed: Feed, context: "Context") -> Iterator[Said]:
    for domain, (before, now) in sorted(feed.shrunken.items()):
        reason = f"{before} rows before, {now} now; nothing is withdrawn until a second look or a person confirms"
        yield Said(Answer.HIT, f"size of {domain}", frozenset({domain}), f"{domain} has fewer rows than before", reason)
    yield from _lost(feed)


def _lost(feed: Feed) -> Iterator[Said]:
    """Tell of columns that are gone, as one concern for each domain: a further one is news."""
    for domain, columns in sorted(feed.lost_columns.items()):
        names = sorted(columns)
        summary = f"{domain} has lost {'the column' if len(names) == 1 else 'the columns'} {', '.join(names)}"
        blind = "; ".join(f"{name}, by which {', '.join(columns[name])} judge" for name in names)
        new = feed.new_columns.get(domain, ())
        beside = f"; new in them: {', '.join(new)}" if new else ""
        reason = (
            f"in one of its files before, and not now: {blind}{beside}. To these rules it is empty until it is back"
        )
        yield Said(Answer.HIT, f"columns of {domain}", frozenset(names), summary, reason)


def _stale(when: When, feed: Feed, context: "Context") -> Iterator[Said]:
    if when.stale is not None:
        yield from feed_age.say(when.stale, feed, context)


def _not_evaluable(when: When, feed: Feed, context: "Context") -> Iterator[Said]:
    if when.not_evaluable_share is not None:
        yield from feed_blind.say(when.not_evaluable_share, feed)


def _unknown_test(when: When, feed: Feed, context: "Context") -> Iterator[Said]:
    """Tell of all unknown codes at once, those seen now first: a further one is news, and no mail of its own."""
    codes = sorted(feed.unknown_tests, key=lambda code: (not feed.unknown_tests[code][0], code))
    if codes:
        left = len(codes) - EXAMPLES
        named = "; ".join(_counted(code, *feed.unknown_tests[code]) for code in codes[:EXAMPLES])
        summary = f"{len(codes)} lab code{'' if len(codes) == 1 else 's'} that no test is known for"
        reason = named + (f"; and {left} more" if left > 0 else "")
        yield Said(Answer.HIT, UNKNOWN_TESTS, frozenset(codes), summary, reason)


def _counted(code: str, rows: int, participants: int) -> str:
    seen = f": {rows} row{'' if rows == 1 else 's'} of {participants} participant{'' if participants == 1 else 's'}"
    return code + (seen if rows else "")


_ASK: dict[Trouble, Callable[[When, Feed, "Context"], Iterator[Said]]] = {
    "unreadable": _unreadable,
    "refused": _refused,
    "missing": _missing,
    "rejected": _rejected,
    "shrunken": _shrunken,
    "stale": _stale,
    "not-evaluable": _not_evaluable,
    "unknown-test": _unknown_test,
}


def describe(when: When) -> str:
    """Say the criterion in words."""
    share = f"{when.not_evaluable_share or 0:.0%}"
    words: dict[Trouble, str] = {
        "unreadable": "the source as a whole cannot be read",
        "refused": "a file is refused whole (empty, half-written, of another study, older than the last)",
        "missing": "a domain's file is missing",
        "rejected": "rows are rejected",
        "shrunken": "a domain has far fewer rows than before, or has lost a column that rules judge by",
        "stale": f"nothing new has come {feed_age.describe(when.stale)}" if when.stale else "",
        "not-evaluable": f"a rule cannot be evaluated for more than {share} of the participants",
        "unknown-test": "lab results come under a code that no test is known for, so that no rule sees them",
    }
    text = "; or ".join(words[trouble] for trouble in when.troubles)
    return f"{text[0].upper()}{text[1:]}."
